"""Soft resets, hard resets, erasure: what they leave out, what hangs on what, what comes back."""

import psycopg2
import pytest

from test_graphql_writes import EVIDENCE, change
from writes import DAY, T0, Writes, later

CASCADE = "cascade { relation rows again }"
TABLES = ("guild", "member", "channel", "role", "last_seen", "activity", "voice_session", "coverage",
          "setting", "setting_history", "exemption", "absence", "decision", "job", "job_event",
          "guild_reset", "request", "audit")


@pytest.fixture
def full(w):
    """A guild with at least one row of every kind, and a second member beside the first."""
    return fill(w)


def fill(w):
    w.other = str(int(w.user) + 7)
    w.ok("upsertMembers", members=[w.member(w.other)])
    w.ok("upsertChannels", channels=[{"guildId": w.guild, "channelId": c, "at": T0, "name": "c"}
                                     for c in (w.channel, str(int(w.channel) + 20))])
    w.ok("upsertRoles", roles=[{"guildId": w.guild, "roleId": w.role, "at": T0, "name": "r"}])
    w.pg.execute("INSERT INTO gateway_session (session, shard, shards, watched_until)"
                 " VALUES (%s, 0, 1, now())", (w.guild,))
    w.pg.execute("INSERT INTO coverage (guild_id, session, from_at, open_reason)"
                 " VALUES (%s, %s, now() - interval '1 h', 'x')", (w.guild, w.guild))
    for user in (w.user, w.other):
        w.pg.execute("INSERT INTO last_seen (guild_id, user_id, last_seen, last_counted,"
                     " last_seen_kind, last_counted_kind, last_channel, gap_count, gap_sum_ms)"
                     " VALUES (%s, %s, now() - interval '1 m', now() - interval '1 m', 1, 1, %s, 5,"
                     " 100)", (w.guild, user, w.channel))
        w.pg.execute("INSERT INTO activity (guild_id, user_id, channel_id, kind, minute, count,"
                     " first_at, last_at) VALUES (%s, %s, %s, 1, date_trunc('minute', now()), 1,"
                     " now() - interval '1 m', now() - interval '1 m')", (w.guild, user, w.channel))
        w.pg.execute("INSERT INTO voice_session (guild_id, user_id, channel_id, from_at, confirmed_until,"
                     " state, from_estimated) VALUES (%s, %s, %s, now(), now(), 0, false)", (w.guild, user, w.channel))
        w.ok("addExemption", guildId=w.guild, target=":USER", targetId=user, actorId=w.actor)
        w.ok("setAbsence", guildId=w.guild, userId=user, until=later(DAY), reason="tired",
             requestId=w.request_id())
        w.ok("enqueueJobs", guildId=w.guild, jobs=[{"kind": ":KICK", "userId": user}])
        w.ok("recordDecisions", guildId=w.guild, decisions=[
            {"kind": ":FLAG", "userId": user, "actorId": w.actor, "evidence": EVIDENCE}])
    w.ok("recordDecisions", guildId=w.guild, decisions=[
        {"kind": ":ARCHIVE", "channelId": w.channel, "evidence": EVIDENCE}])
    w.ok("enqueueJobs", guildId=w.guild, jobs=[{"kind": ":ARCHIVE_CHANNEL", "channelId": w.channel}])
    w.ok("updateSettings", **change(w, 0, ("mode", "on"), actorId=w.actor))
    return w


def counts(w):
    return {t: w.count(t) for t in TABLES}


def cascade(got):
    return {c["relation"]: int(c["rows"]) for c in got["cascade"] if int(c["rows"])}


# --- soft -----------------------------------------------------------------------------------------

READ = """query ($g: Snowflake!, $u: Snowflake!) {
  guild(id: $g) { resetAt settings { key } lastAct { ts } settingsVersion
                  known: members(filter: {knowledge: [KNOWN]}) { totalCount }
                  notBefore: members(filter: {knowledge: [NOT_BEFORE]}) { totalCount }
                  unknown: members(filter: {knowledge: [UNKNOWN]}) { totalCount }
                  idle: members(orderBy: IDLE) { totalCount nodes { userId } }
                  quiet: members(filter: {quietSince: "2100-01-01T00:00:00Z"}) { totalCount }
                  active: members(filter: {activeSince: "2020-01-01T00:00:00Z"}) { totalCount }
                  kinds: members(filter: {lastKinds: [MESSAGE, EDIT]}) { totalCount } }
  member(guildId: $g, userId: $u) { knowledge idleSince notBefore lastSeen lastSeenKind lastCounted
    lastSeenChannelId presentUntil gaps { count } activity { kind } lastAct { ts }
    idleStats { timesIdle prevAvgs } } }"""


def read(w):
    answer = w.graphqld.query(READ, {"g": w.guild, "u": w.user}, token=w.world.reader)
    assert "errors" not in answer, answer
    return answer["data"]


def test_a_soft_reset_is_a_floor_for_every_read(full):
    w = full
    before, rows = read(w), counts(w)
    assert before["member"]["knowledge"] == "KNOWN" and before["guild"]["idle"]["totalCount"] == 2
    got = w.ok("softReset", "guild { resetAt settingsVersion settings { key } }", guildId=w.guild,
               actorId=w.actor)["guild"]
    after = read(w)
    reset = got["resetAt"]
    assert got == {"resetAt": reset, "settingsVersion": 2, "settings": []}
    assert after["member"] == {
        "knowledge": "NOT_BEFORE", "idleSince": None, "notBefore": reset, "lastSeen": None,
        "lastSeenKind": None, "lastCounted": None, "lastSeenChannelId": None, "presentUntil": None,
        "gaps": {"count": 0}, "activity": [], "lastAct": None,
        "idleStats": {"timesIdle": 0, "prevAvgs": []}}
    g = after["guild"]
    assert [g[k]["totalCount"] for k in ("known", "notBefore", "unknown", "idle", "quiet", "active",
                                         "kinds")] == [0, 2, 0, 0, 0, 0, 0]
    assert g["lastAct"] is None and g["settings"] == []
    # Nothing is gone, and it can be taken back.
    rows["guild_reset"], rows["audit"] = 1, rows["audit"] + 1
    assert counts(w) == rows
    w.ok("takeBackReset", guildId=w.guild, actorId=w.actor)
    again = read(w)
    assert again["guild"].pop("settingsVersion") == 3
    before["guild"].pop("settingsVersion")
    assert again == before
    assert w.rows("SELECT reset_by, taken_back_by, taken_back_at >= reset_at FROM guild_reset"
                  " WHERE guild_id = %s", w.guild) == [(int(w.actor), int(w.actor), True)]
    w.refused("NOT_FOUND", "takeBackReset", guildId=w.guild)
    w.refused("NOT_FOUND", "softReset", guildId="77")


def test_what_comes_after_a_soft_reset_counts(full):
    w = full
    w.ok("softReset", guildId=w.guild)
    w.pg.execute("UPDATE last_seen SET last_seen = clock_timestamp() + interval '1 s', last_counted ="
                 " clock_timestamp() + interval '1 s' WHERE guild_id = %s AND user_id = %s",
                 (w.guild, w.user))
    got = read(w)
    assert got["member"]["knowledge"] == "KNOWN" and got["guild"]["idle"]["nodes"] == [
        {"userId": w.user}]
    assert got["guild"]["quiet"]["totalCount"] == got["guild"]["known"]["totalCount"] == 1
    assert got["guild"]["notBefore"]["totalCount"] == 1


def test_soft_resets_in_a_row_are_taken_back_one_by_one(full):
    w = full
    w.ok("softReset", guildId=w.guild)
    w.ok("updateSettings", **change(w, 2, ("mode", "off")))
    first = read(w)["guild"]["resetAt"]
    w.ok("softReset", guildId=w.guild)
    assert read(w)["guild"]["settings"] == [] and read(w)["guild"]["resetAt"] > first
    w.ok("takeBackReset", guildId=w.guild)
    assert read(w)["guild"]["resetAt"] == first and read(w)["guild"]["settings"] == [{"key": "mode"}]
    w.ok("takeBackReset", guildId=w.guild)
    assert read(w)["guild"]["resetAt"] is None


def test_settings_absences_and_exemptions_after_a_soft_reset(full):
    """Limits and versions count what is in force; the version goes on, so that nobody overwrites
    what he has not seen."""
    w = full
    w.ok("softReset", guildId=w.guild)
    assert w.refused("CONFLICT", "updateSettings", **change(w, 1, ("mode", "off")))
    w.ok("updateSettings", **change(w, 2, ("min_days", 2)))
    w.ok("setAbsence", guildId=w.guild, userId=w.user, until=later(DAY))
    w.ok("addExemption", guildId=w.guild, target=":USER", targetId=w.user)
    old = w.rows("SELECT old_value FROM setting_history WHERE guild_id = %s AND version = 3", w.guild)
    assert old == [(None,)]


# --- hard -----------------------------------------------------------------------------------------

def test_a_dry_run_lists_what_the_real_one_does(full):
    w = full
    for args in ({"type": ":MEMBER", "id": w.user, "guildId": w.guild},
                 {"type": ":CHANNEL", "id": w.channel, "guildId": w.guild},
                 {"type": ":GUILD", "id": w.guild}):
        rows = counts(w)
        trial = w.ok("hardReset", CASCADE, dryRun=True, **args)
        assert counts(w) == rows
        real = w.ok("hardReset", CASCADE, **args)
        assert real["cascade"] == trial["cascade"] and cascade(real), args


def test_a_hard_reset_of_a_member(full):
    w = full
    before, other = counts(w), w.rows("SELECT * FROM last_seen WHERE user_id = %s", int(w.other))
    row = w.rows("SELECT user_id, username, bot, at, joined_at, state FROM member"
                 " WHERE guild_id = %s AND user_id = %s", w.guild, int(w.user))
    got = w.ok("hardReset", CASCADE, type=":MEMBER", id=w.user, guildId=w.guild,
               requestId=w.request_id())
    assert cascade(got) == {"last_seen": 1, "activity": 1, "voice_session": 1, "exemption": 1,
                            "absence": 1, "decision": 1, "job_event": 1, "job": 1, "member": 1}
    assert [c["relation"] for c in got["cascade"] if c["again"]] == ["member"]
    after = counts(w)
    assert after["member"] == 2 and after["last_seen"] == before["last_seen"] - 1
    assert row == w.rows("SELECT user_id, username, bot, at, joined_at, state FROM member"
                         " WHERE guild_id = %s AND user_id = %s", w.guild, int(w.user))
    assert other == w.rows("SELECT * FROM last_seen WHERE user_id = %s", int(w.other))
    assert w.count("decision", f"user_id = {w.other}") == 1


def test_a_hard_reset_of_a_channel(full):
    w = full
    got = w.ok("hardReset", CASCADE, type=":CHANNEL", id=w.channel, guildId=w.guild)
    assert cascade(got) == {"activity": 2, "voice_session": 2, "decision": 1, "job_event": 1,
                            "job": 1, "channel": 1}
    assert w.count("channel") == 2 and w.count("last_seen", "last_channel IS NULL") == 2
    assert w.count("last_seen", "last_counted IS NOT NULL") == 2  # who acted there did act


def test_a_hard_reset_of_a_guild_leaves_the_audit_log_and_the_catalogue(full):
    w = full
    before = counts(w)
    w.ok("hardReset", type=":GUILD", id=w.guild)
    after = counts(w)
    assert {t for t, n in after.items() if n} == {"guild", "member", "channel", "role", "audit"}
    assert {t: after[t] for t in ("guild", "member", "channel", "role")} == {
        t: before[t] for t in ("guild", "member", "channel", "role")}
    assert after["audit"] == before["audit"] + 1
    assert w.rows("SELECT settings_version, reset_at FROM guild WHERE guild_id = %s", w.guild) == [
        (0, None)]


def test_two_guilds_are_never_mixed_up(world):
    one, two = fill(Writes(world)), fill(Writes(world))
    before = counts(two)
    one.ok("hardReset", type=":GUILD", id=one.guild, readd=False)
    assert counts(two) == before and set(counts(one).values()) == {0, 1}  # the audit log's


def test_hard_resets_that_are_not_meant(w):
    for args, name in (({"type": ":MEMBER", "id": w.user}, "guildId"),
                       ({"type": ":CHANNEL", "id": w.channel}, "guildId"),
                       ({"type": ":GUILD", "id": w.guild, "guildId": w.guild}, "guildId"),
                       ({"type": ":USER", "id": w.user, "guildId": w.guild}, "guildId")):
        assert w.refused("INVALID", "hardReset", CASCADE, **args).startswith(name)
    for args in ({"type": ":MEMBER", "id": "77", "guildId": w.guild}, {"type": ":GUILD", "id": "77"},
                 {"type": ":CHANNEL", "id": "77", "guildId": w.guild}, {"type": ":USER", "id": "77"}):
        assert w.refused("NOT_FOUND", "hardReset", **args).startswith("id: ")


def test_a_hard_reset_that_fails_half_way_changes_nothing(full):
    w = full
    before = counts(w)
    w.pg.execute("CREATE FUNCTION presence.no() RETURNS trigger LANGUAGE plpgsql AS"
                 " $$ BEGIN RAISE check_violation USING CONSTRAINT = 'never'; END $$;"
                 f"CREATE TRIGGER no BEFORE INSERT ON presence.member FOR EACH ROW"
                 f" WHEN (NEW.guild_id = {w.guild}) EXECUTE FUNCTION presence.no()")
    try:
        assert w.fails("CONSTRAINT", "hardReset", type=":GUILD", id=w.guild) == \
            "the rule never forbids it"
    finally:
        w.pg.execute("DROP TRIGGER no ON presence.member; DROP FUNCTION presence.no()")
    assert counts(w) == before


def test_a_repeated_hard_reset_is_done_once(full):
    w = full
    args = {"type": ":MEMBER", "id": w.user, "guildId": w.guild, "requestId": w.request_id()}
    first = w.ok("hardReset", CASCADE, **args)
    w.ok("addExemption", guildId=w.guild, target=":USER", targetId=w.user)
    again = w.ok("hardReset", CASCADE, **args)
    assert again["repeated"] and again["cascade"] == first["cascade"]
    assert w.count("exemption") == 2


# --- for good -------------------------------------------------------------------------------------

def everywhere(w, user):
    """Tables in which an id stands anywhere, in a column or within a text."""
    found = []
    for (table,) in w.rows("SELECT relname FROM pg_class WHERE relnamespace = 'presence'::regnamespace"
                           " AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1"):
        if w.rows(f"SELECT 1 FROM {table} t WHERE t::text ~ %s LIMIT 1", rf"\m{user}\M"):
            found.append(table)
    return found


def test_erasing_a_user_leaves_no_trace_in_any_table(world):
    """The user acts and is acted upon in two guilds, and is named in texts."""
    one, two = fill(Writes(world)), Writes(world)
    user = one.user
    two.ok("upsertMembers", members=[two.member(user)])
    two.ok("upsertChannels", channels=[{"guildId": two.guild, "channelId": two.channel, "at": T0,
                                        "name": "t", "ownerId": user,
                                        "overwrites": f'[{{"id":"{user}","allow":"0"}}]'}])
    two.ok("updateGuild", guildId=two.guild, patch={"ownerId": user})
    two.ok("updateSettings", **change(two, 0, ("mode", "on"), actorId=user, requestId=two.request_id()))
    two.ok("addExemption", guildId=two.guild, target=":USER", targetId=two.user, actorId=user)
    two.ok("recordDecisions", guildId=two.guild, decisions=[
        {"kind": ":VETO", "userId": two.user, "actorId": user, "reason": f"<@{user}> asked",
         "evidence": {**EVIDENCE, "note": f"as <@{user}> said"}}])
    two.ok("enqueueJobs", guildId=two.guild, jobs=[{"kind": ":FLAG", "userId": two.user}],
           actorId=user)
    two.ok("cancelJobs", guildId=two.guild, userId=two.user)
    two.ok("setAbsence", guildId=two.guild, userId=two.user, until=later(DAY), actorId=user,
           reason=f"said to <@{user}>")
    two.ok("softReset", guildId=two.guild, actorId=user)
    assert len(everywhere(one, user)) > 12
    got = one.ok("eraseUser", CASCADE, userId=user, actorId=user, requestId=one.request_id())
    assert cascade(got)["member"] == 2
    assert everywhere(one, user) == []
    # Others keep theirs, without the name.
    assert two.rows("SELECT actor_id, reason FROM decision WHERE guild_id = %s", two.guild) == [
        (None, "<@0> asked")]
    assert two.count("exemption", "added_by IS NULL") == 1 and two.count("setting") == 1
    assert one.count("last_seen") == 1 and one.count("decision") == 2
    assert one.refused("NOT_FOUND", "eraseUser", userId=user) == "userId: nothing is known of it"


def test_every_guild_of_a_user_is_found(world):
    """Known as a member in one, by an act, an exemption, an absence, a decision or a job alone in others."""
    ways = [Writes(world) for _ in range(8)]
    user = str(int(ways[0].guild) + 77)
    ways[1].ok("upsertMembers", members=[ways[1].member(user)])
    world.pg.execute("INSERT INTO last_seen (guild_id, user_id, last_seen, last_seen_kind)"
                     " VALUES (%s, %s, now(), 1)", (ways[2].guild, user))
    ways[3].ok("addExemption", guildId=ways[3].guild, target=":USER", targetId=user)
    world.pg.execute("INSERT INTO absence (guild_id, user_id, from_at, until_at, set_by)"
                     " VALUES (%s, %s, now(), now() + interval '1 d', 1)", (ways[4].guild, user))
    ways[5].ok("recordDecisions", guildId=ways[5].guild, decisions=[
        {"kind": ":FLAG", "userId": user, "evidence": EVIDENCE}])
    ways[6].ok("enqueueJobs", guildId=ways[6].guild, jobs=[{"kind": ":FLAG", "userId": user}])
    assert ways[0].rows("SELECT guilds_of_user(%s)", user)[0][0] == [int(w.guild) for w in ways[1:7]]
    assert ways[0].rows("SELECT guilds_of_user(%s)", "76")[0][0] is None


def test_deleting_a_guild(full):
    w = full
    request = w.request_id()
    got = w.ok("deleteGuild", CASCADE, guildId=w.guild, requestId=request)
    assert cascade(got)["guild"] == 1 and not any(c["again"] for c in got["cascade"])
    left = {t for t, n in counts(w).items() if n}
    assert left == {"audit", "request"}  # that it was done
    assert w.rows("SELECT operation FROM audit WHERE guild_id = %s", w.guild) == [("deleteGuild",)]
    assert w.ok("deleteGuild", guildId=w.guild, requestId=request)["repeated"]
    assert w.refused("NOT_FOUND", "deleteGuild", guildId=w.guild).startswith("guildId: ")


def test_deleting_a_member(full):
    w = full
    w.ok("deleteMember", CASCADE, guildId=w.guild, userId=w.user)
    assert w.rows("SELECT user_id FROM member WHERE guild_id = %s", w.guild) == [(int(w.other),)]
    assert w.refused("NOT_FOUND", "deleteMember", guildId=w.guild, userId=w.user).startswith(
        "userId: ")


def test_every_table_with_a_guild_is_part_of_the_cascade(w):
    """A new table with a guild or a user must say what an erasure does to it."""
    named = {r[0] for r in w.rows("SELECT relation FROM erasure WHERE type = 'GUILD'")}
    having = {r[0] for r in w.rows(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'presence'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND NOT c.relispartition AND a.attname = 'guild_id'")}
    assert named == having
    users = {r[0] for r in w.rows("SELECT relation FROM erasure WHERE type = 'MEMBER'")}
    having = {r[0] for r in w.rows(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'presence'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND NOT c.relispartition AND a.attname = 'user_id'")}
    assert having <= users
    columns = w.rows("SELECT relation, unnest(again) FROM erasure WHERE again IS NOT NULL EXCEPT"
                     " SELECT c.relname, a.attname::text FROM pg_class c JOIN pg_attribute a ON"
                     " a.attrelid = c.oid WHERE c.relnamespace = 'presence'::regnamespace")
    assert columns == []


def test_the_service_cannot_erase_but_by_name(world):
    for sql in ("DELETE FROM member", "DELETE FROM audit"):
        c = psycopg2.connect(world.pg.service_conninfo, options="-c search_path=presence")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), c.cursor() as cur:
            cur.execute(sql)
        c.close()
