/* The mutations: what each calls, and where the fields of its result come from. Part of the table
 * of fields. A function leaves in presence.result (sql/010_write.sql) the keys of what it changed;
 * the rows are read afresh. Diagnostics: none. */
#include "config.h"

#include "graphql/bind_priv.h"

#define RESULT "(SELECT current_setting('presence.result')::jsonb AS r) {t}"

/* The fields of the interface WriteResult. */
#define WRITE_RESULT(type)                                                                         \
    {type, "code", BIND_TEXT, "{p}.r->>'code'", NULL},                                             \
        {type, "success", BIND_PLAIN, "({p}.r->>'code' = 'OK')", NULL},                            \
        {type, "errors", BIND_PLAIN, "{p}.r->'errors'", NULL},                                     \
    {                                                                                              \
        type, "repeated", BIND_PLAIN, "{p}.r->'repeated'", NULL                                    \
    }

/* Rows whose keys stand as [[guild, id], ...] in the result. */
#define KEYED(table, id)                                                                           \
    "(SELECT x.*, k.n FROM jsonb_array_elements({p}.r->'" table "s') WITH ORDINALITY AS k(v, n)"   \
    " JOIN presence." table " x ON x.guild_id = (k.v->>0)::bigint"                                 \
    " AND x." id " = (k.v->>1)::bigint) {t}"

const struct bind_deed bind_deeds[] = {
    {"claimLanes", "presence.claim_lanes({lanes}::int[], {epoch}::bigint)", false},
    {"updateGuild", "presence.update_guild({*}::jsonb, {@}::text)", false},
    {"updateMember", "presence.update_member({*}::jsonb, {@}::text)", false},
    {"upsertGuilds", "presence.upsert_guilds({*}::jsonb, {@}::text)", true},
    {"upsertMembers", "presence.upsert_members({*}::jsonb, {@}::text)", true},
    {"upsertChannels", "presence.upsert_channels({*}::jsonb, {@}::text)", true},
    {"upsertRoles", "presence.upsert_roles({*}::jsonb, {@}::text)", true},
    {"updateSettings", "presence.update_settings({*}::jsonb, {@}::text)", false},
    {"addExemption", "presence.add_exemption({*}::jsonb, {@}::text)", false},
    {"removeExemption", "presence.remove_exemption({*}::jsonb, {@}::text)", false},
    {"setAbsence", "presence.set_absence({*}::jsonb, {@}::text)", false},
    {"approveAbsence", "presence.approve_absence({*}::jsonb, {@}::text)", false},
    {"endAbsence", "presence.end_absence({*}::jsonb, {@}::text)", false},
    {"recordDecisions", "presence.record_decisions({*}::jsonb, {@}::text)", false},
    {"enqueueJobs", "presence.enqueue_jobs({*}::jsonb, {@}::text)", false},
    {"claimJobs", "presence.claim_jobs({*}::jsonb, {@}::text)", false},
    {"claimJob", "presence.claim_job({*}::jsonb, {@}::text)", false},
    {"heartbeatJobs", "presence.heartbeat_jobs({*}::jsonb, {@}::text)", false},
    {"advanceJob", "presence.advance_job({*}::jsonb, {@}::text)", false},
    {"finishJob", "presence.finish_job({*}::jsonb, {@}::text)", false},
    {"cancelJobs", "presence.cancel_jobs({*}::jsonb, {@}::text)", false},
    {"softReset", "presence.soft_reset({*}::jsonb, {@}::text)", false},
    {"takeBackReset", "presence.take_back_reset({*}::jsonb, {@}::text)", false},
    {"hardReset", "presence.hard_reset({*}::jsonb, {@}::text)", true},
    {"forgetMember", "presence.forget_member({*}::jsonb, {@}::text)", true},
    {"eraseUser", "presence.erase_user({*}::jsonb, {@}::text)", true},
    {"deleteGuild", "presence.delete_guild({*}::jsonb, {@}::text)", true},
    {"deleteMember", "presence.delete_member({*}::jsonb, {@}::text)", true},
    {NULL, NULL, false},
};

static const struct bind rows[] = {
    {"Mutation", "updateGuild", BIND_ONE, RESULT, NULL},
    {"Mutation", "updateMember", BIND_ONE, RESULT, NULL},
    {"Mutation", "upsertGuilds", BIND_ONE, RESULT, NULL},
    {"Mutation", "upsertMembers", BIND_ONE, RESULT, NULL},
    {"Mutation", "upsertChannels", BIND_ONE, RESULT, NULL},
    {"Mutation", "upsertRoles", BIND_ONE, RESULT, NULL},
    {"Mutation", "updateSettings", BIND_ONE, RESULT, NULL},
    {"Mutation", "addExemption", BIND_ONE, RESULT, NULL},
    {"Mutation", "removeExemption", BIND_ONE, RESULT, NULL},
    {"Mutation", "setAbsence", BIND_ONE, RESULT, NULL},
    {"Mutation", "approveAbsence", BIND_ONE, RESULT, NULL},
    {"Mutation", "endAbsence", BIND_ONE, RESULT, NULL},
    {"Mutation", "recordDecisions", BIND_ONE, RESULT, NULL},
    {"Mutation", "enqueueJobs", BIND_ONE, RESULT, NULL},
    {"Mutation", "claimJobs", BIND_ONE, RESULT, NULL},
    {"Mutation", "claimJob", BIND_ONE, RESULT, NULL},
    {"Mutation", "heartbeatJobs", BIND_ONE, RESULT, NULL},
    {"Mutation", "advanceJob", BIND_ONE, RESULT, NULL},
    {"Mutation", "finishJob", BIND_ONE, RESULT, NULL},
    {"Mutation", "cancelJobs", BIND_ONE, RESULT, NULL},
    {"Mutation", "softReset", BIND_ONE, RESULT, NULL},
    {"Mutation", "takeBackReset", BIND_ONE, RESULT, NULL},
    {"Mutation", "hardReset", BIND_ONE, RESULT, NULL},
    {"Mutation", "forgetMember", BIND_ONE, RESULT, NULL},
    {"Mutation", "eraseUser", BIND_ONE, RESULT, NULL},
    {"Mutation", "deleteGuild", BIND_ONE, RESULT, NULL},
    {"Mutation", "deleteMember", BIND_ONE, RESULT, NULL},

    WRITE_RESULT("GuildResult"),
    {"GuildResult", "guild", BIND_ONE,
     "presence.guild {t} WHERE {t}.guild_id = ({p}.r->>'guildId')::bigint", NULL},
    WRITE_RESULT("MemberResult"),
    {"MemberResult", "member", BIND_ONE,
     "presence.member_activity {t} WHERE {t}.guild_id = ({p}.r->>'guildId')::bigint"
     " AND {t}.user_id = ({p}.r->>'userId')::bigint",
     NULL},
    WRITE_RESULT("UpsertResult"),
    {"UpsertResult", "rows", BIND_PLAIN, "coalesce({p}.r->'rows', '0')", NULL},
    WRITE_RESULT("SettingsResult"),
    {"SettingsResult", "version", BIND_PLAIN,
     "(SELECT g.settings_version FROM presence.guild g"
     " WHERE g.guild_id = ({p}.r->>'guildId')::bigint)",
     NULL},
    {"SettingsResult", "settings", BIND_LIST,
     "presence.setting_in_force {t} WHERE {t}.guild_id = ({p}.r->>'guildId')::bigint", "{t}.key"},
    WRITE_RESULT("ExemptionResult"),
    {"ExemptionResult", "exemption", BIND_ONE,
     "presence.exemption_in_force {t} WHERE {t}.guild_id = ({p}.r->>'guildId')::bigint"
     " AND {t}.target = {p}.r->>'target' AND {t}.target_id = ({p}.r->>'targetId')::bigint",
     NULL},
    WRITE_RESULT("AbsenceResult"),
    {"AbsenceResult", "absence", BIND_ONE,
     "presence.absence {t} WHERE {t}.guild_id = ({p}.r->>'guildId')::bigint"
     " AND {t}.absence_id = ({p}.r->>'absenceId')::bigint",
     NULL},
    WRITE_RESULT("DecisionsResult"),
    {"DecisionsResult", "decisions", BIND_LIST,
     "presence.decision {t} WHERE {t}.guild_id = ({p}.r->>'guildId')::bigint"
     " AND {t}.decision_id = ANY (presence.ids_of({p}.r->'decisions'))",
     "{t}.decision_id"},
    WRITE_RESULT("JobResult"),
    {"JobResult", "job", BIND_ONE, KEYED("job", "job_id"), NULL},
    WRITE_RESULT("JobsResult"),
    {"JobsResult", "created", BIND_PLAIN, "coalesce({p}.r->'created', '0')", NULL},
    {"JobsResult", "jobs", BIND_LIST, KEYED("job", "job_id"), "{t}.n"},
    WRITE_RESULT("ErasureResult"),
    {"ErasureResult", "cascade", BIND_LIST,
     "(SELECT k.n, k.v->>'relation' AS relation, (k.v->>'rows')::bigint AS rows,"
     " (k.v->>'again')::boolean AS again FROM jsonb_array_elements({p}.r->'cascade')"
     " WITH ORDINALITY AS k(v, n)) {t}",
     "{t}.n"},
    {"ErasedRows", "relation", BIND_TEXT, "{p}.relation", NULL},
    {"ErasedRows", "rows", BIND_BIG, "{p}.rows", NULL},
    {"ErasedRows", "again", BIND_PLAIN, "{p}.again", NULL},
};

const struct bind_table bind_writes = BIND_TABLE(rows);
