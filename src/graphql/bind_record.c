/* Lists of what mutations keep: decisions, jobs, exemptions, absences. Rows of the table of fields
 * (bind.c).
 * Diagnostics: none. */
#include "config.h"

#include "graphql/bind_priv.h"

/* --- decisions -----------------------------------------------------------------------------------
 */

static const struct bind_order decision_orders[] = {
    {"TIME",
     51,
     "d",
     "presence.decision d",
     NULL,
     "d.guild_id, d.decision_id",
     "d.guild_id",
     "true",
     {{"d.at", KEY_TIME}, {"d.decision_id", KEY_BIG}}},
    {.name = NULL},
};

static const struct bind_filter decision_filters[] = {
    {"userId", NULL, NULL, false, "d.user_id = {filter.userId}::bigint", NULL, true},
    {"channelId", NULL, NULL, false, "d.channel_id = {filter.channelId}::bigint", NULL, true},
    {"kinds", NULL, NULL, true, "d.kind = '{v}'", NULL, false},
    {"runId", NULL, NULL, false, "d.run_id = {filter.runId}::bigint", NULL, true},
    {"jobId", NULL, NULL, false, "d.job_id = {filter.jobId}::bigint", NULL, true},
    {"byPerson", NULL, NULL, false, "(d.actor_id IS NOT NULL) = {filter.byPerson}::boolean", NULL,
     false},
    {"since", NULL, NULL, false, "d.at >= {filter.since}::timestamptz", NULL, false},
    {"until", NULL, NULL, false, "d.at <= {filter.until}::timestamptz", NULL, false},
    {.name = NULL},
};

const struct bind_list list_decisions = {
    "decisions",
    "presence.decision {t} ON {t}.guild_id = {p}.guild_id AND {t}.decision_id = {p}.decision_id",
    decision_orders, decision_filters};

/* --- jobs ----------------------------------------------------------------------------------------
 */

#define JOBS             "j", "presence.job j", NULL, "j.guild_id, j.job_id", "j.guild_id"
#define JOB_ROWS         "presence.job {t} ON {t}.guild_id = {p}.guild_id AND {t}.job_id = {p}.job_id"
#define PROTECTIONS(job) "presence.purge_protections(" job ".guild_id, " job ".job_id)"

static const struct bind_order job_orders[] = {
    {"ID", 52, JOBS, "true", {{"j.job_id", KEY_BIG}}},
    {"DUE", 53, JOBS, "true", {{"j.due_at", KEY_TIME}, {"j.job_id", KEY_BIG}}},
    {.name = NULL},
};

static const struct bind_filter job_filters[] = {
    {"userId", NULL, NULL, false, "j.user_id = {filter.userId}::bigint", NULL, true},
    {"channelId", NULL, NULL, false, "j.channel_id = {filter.channelId}::bigint", NULL, true},
    {"kinds", NULL, NULL, true, "j.kind = '{v}'", NULL, false},
    {"states", NULL, NULL, true, "j.state = '{v}'", NULL, false},
    {"open", NULL, NULL, false, "(j.finished_at IS NULL) = {filter.open}::boolean", NULL, true},
    {"runId", NULL, NULL, false, "j.run_id = {filter.runId}::bigint", NULL, true},
    {.name = NULL},
};

const struct bind_list list_jobs = {"jobs", JOB_ROWS, job_orders, job_filters};

static const struct bind_order purge_orders[] = {
    {"DUE",
     54,
     JOBS,
     "j.kind = 'KICK' AND j.finished_at IS NULL",
     {{"j.due_at", KEY_TIME}, {"j.job_id", KEY_BIG}}},
    {.name = NULL},
};

static const struct bind_filter purge_filters[] = {
    {"runId", NULL, NULL, false, "j.run_id = {filter.runId}::bigint", NULL, true},
    {"dueUntil", NULL, NULL, false, "j.due_at <= {filter.dueUntil}::timestamptz", NULL, false},
    {"protected", NULL, NULL, false,
     "(cardinality(" PROTECTIONS("j") ") > 0) = {filter.protected}::boolean", NULL, false},
    {.name = NULL},
};

const struct bind_list list_purge = {"purge", JOB_ROWS, purge_orders, purge_filters};

/* --- exemptions and absences ---------------------------------------------------------------------
 */

static const struct bind_order exemption_orders[] = {
    {"TARGET",
     55,
     "e",
     "presence.exemption_in_force e",
     NULL,
     "e.guild_id, e.target, e.target_id",
     "e.guild_id",
     "true",
     {{"e.target COLLATE \"C\"", KEY_TEXT}, {"e.target_id", KEY_BIG}}},
    {.name = NULL},
};

static const struct bind_filter exemption_filters[] = {
    {"target", NULL, NULL, false, "e.target = {filter.target}::text", NULL, false},
    {"targetId", NULL, NULL, false, "e.target_id = {filter.targetId}::bigint", NULL, false},
    {.name = NULL},
};

const struct bind_list list_exemptions = {
    "exemptions",
    "presence.exemption {t} ON {t}.guild_id = {p}.guild_id AND {t}.target = {p}.target"
    " AND {t}.target_id = {p}.target_id",
    exemption_orders, exemption_filters};

static const struct bind_order absence_orders[] = {
    {"FROM",
     56,
     "a",
     "presence.absence a",
     NULL,
     "a.guild_id, a.absence_id",
     "a.guild_id",
     "a.set_at >= " BIND_RESET,
     {{"a.from_at", KEY_TIME}, {"a.absence_id", KEY_BIG}}},
    {.name = NULL},
};

static const struct bind_filter absence_filters[] = {
    {"userId", NULL, NULL, false, "a.user_id = {filter.userId}::bigint", NULL, true},
    {"open", NULL, NULL, false,
     "(a.ended_at IS NULL AND a.until_at > now()) = {filter.open}::boolean", NULL, false},
    {"approved", NULL, NULL, false, "(a.approved_at IS NOT NULL) = {filter.approved}::boolean",
     NULL, false},
    {.name = NULL},
};

const struct bind_list list_absences = {
    "absences",
    "presence.absence {t} ON {t}.guild_id = {p}.guild_id AND {t}.absence_id = {p}.absence_id",
    absence_orders, absence_filters};

static const struct bind rows[] = {
    {"Query", "decision", BIND_ONE,
     "presence.decision {t} WHERE {t}.guild_id = {guildId}::bigint"
     " AND {t}.decision_id = {decisionId}::bigint",
     NULL},
    {"Query", "decisions", BIND_CONNECTION, "{guildId}::bigint", "decisions"},
    BIND_PAGES("Decision"),
    {"Query", "job", BIND_ONE,
     "presence.job {t} WHERE {t}.guild_id = {guildId}::bigint AND {t}.job_id = {jobId}::bigint",
     NULL},
    {"Query", "jobs", BIND_CONNECTION, "{guildId}::bigint", "jobs"},
    BIND_PAGES("Job"),
    {"Query", "purgeList", BIND_CONNECTION, "{guildId}::bigint", "purge"},
    BIND_PAGES("Purge"),
    {"PurgeEntry", "userId", BIND_ID, "{p}.user_id", NULL},
    {"PurgeEntry", "member", BIND_ONE,
     "presence.member_activity {t} WHERE {t}.guild_id = {p}.guild_id AND {t}.user_id = {p}.user_id",
     NULL},
    {"PurgeEntry", "dueAt", BIND_TIME, "{p}.due_at", NULL},
    {"PurgeEntry", "job", BIND_SAME, NULL, NULL},
    {"PurgeEntry", "protections", BIND_NAMES, PROTECTIONS("{p}"), NULL},
    {"Query", "exemptions", BIND_CONNECTION, "{guildId}::bigint", "exemptions"},
    BIND_PAGES("Exemption"),
    {"Query", "absences", BIND_CONNECTION, "{guildId}::bigint", "absences"},
    BIND_PAGES("Absence"),
};

const struct bind_table bind_record = BIND_TABLE(rows);
