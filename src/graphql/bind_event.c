/* Subscriptions: presence.event is what one notification said. Rows of the table of fields
 * (bind.c). Diagnostics: none. */
#include "config.h"

#include "graphql/bind_priv.h"

static const struct bind rows[] = {
    {"Subscription", "changes", BIND_ONE, "presence.event {t}", NULL},
    {"Change", "kind", BIND_TEXT, "{p}.kind", NULL},
    {"Change", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"Change", "id", BIND_BIG, "{p}.id", NULL},
    {"Subscription", "activity", BIND_ONE, "presence.event {t}", NULL},
    {"ActivityEvent", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"ActivityEvent", "members", BIND_LIST,
     "presence.member_activity {t} WHERE {t}.guild_id = {p}.guild_id AND {t}.user_id = ANY "
     "({p}.ids)",
     "{t}.user_id"},
    {"Subscription", "memberStateChanged", BIND_ONE, "presence.event {t}", NULL},
    {"MemberStateEvent", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"MemberStateEvent", "userId", BIND_ID, "{p}.id", NULL},
    {"MemberStateEvent", "member", BIND_ONE,
     "presence.member_activity {t} WHERE {t}.guild_id = {p}.guild_id AND {t}.user_id = {p}.id",
     NULL},
    {"Subscription", "decisionMade", BIND_ONE, "presence.event {t}", NULL},
    {"DecisionEvent", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"DecisionEvent", "decisionId", BIND_BIG, "{p}.id", NULL},
    {"DecisionEvent", "decision", BIND_ONE,
     "presence.decision {t} WHERE {t}.guild_id = {p}.guild_id AND {t}.decision_id = {p}.id", NULL},
};

const struct bind_table bind_event = BIND_TABLE(rows);
