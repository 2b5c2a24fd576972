/* The interactions there were. Called by the act that makes them and by REST. Diagnostics: none. */
#include "sim/interactions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct interactions {
    struct interaction list[INTERACTIONS_MAX];
    uint32_t next;
};

struct interactions *interactions_new(void)
{
    return xcalloc(1, sizeof(struct interactions));
}

static void forget(struct interaction *i)
{
    for (unsigned k = 0; k < i->n_answers; k++)
        free(i->answers[k].content);
    *i = (struct interaction){0};
}

void interactions_free(struct interactions **all)
{
    for (size_t i = 0; i < INTERACTIONS_MAX; i++)
        forget(&(*all)->list[i]);
    free(*all);
    *all = NULL;
}

void interaction_token(uint64_t id, char out[INTERACTION_TOKEN_SIZE])
{
    snprintf(out, INTERACTION_TOKEN_SIZE, "tok-%llx", (unsigned long long)world_hash(id));
}

void interactions_add(struct interactions *all, uint64_t id, int type, uint32_t guild,
                      uint32_t channel, uint32_t user)
{
    struct interaction *i = &all->list[all->next++ % INTERACTIONS_MAX];

    forget(i);
    *i = (struct interaction){
        .id = id, .type = type, .guild = guild, .channel = channel, .user = user};
}

struct interaction *interactions_find(struct interactions *all, uint64_t id, const char *token)
{
    char expected[INTERACTION_TOKEN_SIZE];

    for (size_t i = 0; i < INTERACTIONS_MAX; i++) {
        if (!all->list[i].id || (id && all->list[i].id != id))
            continue;
        interaction_token(all->list[i].id, expected);
        if (!strcmp(expected, token))
            return &all->list[i];
    }
    return NULL;
}
