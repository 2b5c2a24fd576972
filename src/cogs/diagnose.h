/* What /diagnose looks at, and what it finds. */
#ifndef COGS_DIAGNOSE_H
#define COGS_DIAGNOSE_H

#include "cogs/say.h"
#include "presence/guild_view.h"
#include "presence/settings.h"

struct diagnosis {
    struct guild_view view;
    bool has_guild, has_channels, has_bot; /* what Discord told */
    bool has_database;
    struct settings settings;
    struct call_health health;
    unixms_t bot_joined, roster;
    int64_t unwatched_ms, longest_gap_ms; /* of the last week */
    unsigned gaps;
    int64_t open_jobs;
    snowflake_t candidate; /* a role called as the one that Presence would make */
};

enum diagnose_grade { DIAGNOSE_FINE, DIAGNOSE_WARNING, DIAGNOSE_BROKEN };

/* Appends fields with one line per finding, each with how to mend it. Returns the worst. */
enum diagnose_grade diagnose_put(struct call *call, const struct diagnosis *d, struct message *m);

enum diagnose_role {
    DIAGNOSE_ROLE_GOOD,
    DIAGNOSE_ROLE_NONE,     /* there is none */
    DIAGNOSE_ROLE_GONE,     /* set, but deleted */
    DIAGNOSE_ROLE_TOO_HIGH, /* not below the bot's highest */
    DIAGNOSE_ROLE_MANAGED   /* nobody gives it */
};
enum diagnose_role diagnose_role(const struct diagnosis *d, enum setting which);
bool diagnose_can_give(const struct diagnosis *d, snowflake_t role);

#endif
