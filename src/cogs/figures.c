/* Figures. Called by cogs. Diagnostics: none. */
#include "cogs/figures.h"

#include <stdio.h>

void figures_number(struct message *m, const char *name, int64_t n)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)n);
    message_field(m, name, text, true);
}

void figures_share(struct message *m, const char *name, int64_t n, int64_t of)
{
    char text[48];

    snprintf(text, sizeof(text), "%lld (%lld %%)", (long long)n,
             (long long)(of > 0 ? n * 100 / of : 0));
    message_field(m, name, text, true);
}

int64_t figures_total(const struct json *data, const char *key)
{
    return json_int(json_get(json_get(data, key), "totalCount"), 0);
}

void figures_times(const struct call *call, struct buf *variables)
{
    static const struct {
        const char *name;
        int64_t ms;
    } since[] = {{"today", SAY_DAY_MS}, {"week", 7 * SAY_DAY_MS}, {"month", 30 * SAY_DAY_MS}};

    for (size_t i = 0; i < sizeof(since) / sizeof(since[0]); i++) {
        buf_printf(variables, ",\"%s\":", since[i].name);
        say_time_variable((unixms_t){call->now.ms - since[i].ms}, variables);
    }
}

/* Of the time since then, how much Presence was watching; -1 = nothing is known. */
static int covered_percent(const struct json *intervals, unixms_t since, unixms_t now)
{
    int64_t watched = 0;

    if (json_size(intervals) == 0)
        return -1;
    for (const struct json *j = json_first(intervals); j; j = json_next(j)) {
        unixms_t from = unixms_max(say_time_of(json_get(j, "from")), since);
        unixms_t to = say_time_of(json_get(j, "to"));

        if (!unixms_known(to) || to.ms > now.ms)
            to = now;
        watched += to.ms > from.ms ? to.ms - from.ms : 0;
    }
    return (int)(watched >= now.ms - since.ms ? 100 : watched * 100 / (now.ms - since.ms));
}

int figures_covered(const struct call *call, const struct json *guild)
{
    unixms_t since = unixms_max((unixms_t){call->now.ms - 30 * SAY_DAY_MS},
                                say_time_of(json_get(guild, "botJoinedAt")));

    return covered_percent(json_get(guild, "coverage"), since, call->now);
}
