"""Mutations: settings, people, exemptions, absences, decisions; good, in conflict, missing, out of
range, hostile, repeated."""

import json
import threading

import pytest

import harness
from writes import DAY, T0, World, Writes, later, literal

HOSTILE = "Robert'); DROP TABLE member;-- \\\" {p} {*} $1 %s \u2028\U0001f600"


# --- settings -------------------------------------------------------------------------------------

def change(w, version, *changes, **args):
    return {"guildId": w.guild, "version": version,
            "changes": [{"key": k, "value": None if v is None else json.dumps(v)}
                        for k, v in changes], **args}


SETTINGS = "version settings { key value version changedBy }"


def test_settings_change_whole_or_not_at_all(w):
    got = w.ok("updateSettings", SETTINGS, **change(
        w, 0, ("mode", "on"), ("warn_at.before_flag", [86400]), actorId=w.actor))
    assert got["version"] == 1 and got["settings"] == [
        {"key": "mode", "value": '"on"', "version": 1, "changedBy": w.actor},
        {"key": "warn_at.before_flag", "value": "[86400]", "version": 1, "changedBy": w.actor}]
    got = w.call("updateSettings", SETTINGS, **change(
        w, 1, ("mode", "off"), ("min_days", 31), ("nonsense", 1), ("kick_dm", "no"),
        ("mode", "on")))
    assert got["code"] == "INVALID" and got["version"] == 1
    assert got["errors"] == [
        "changes[0]: mode: the key stands twice",
        "changes[1]: min_days: expected a whole number from 1 to 30",
        "changes[2]: nonsense: there is no such setting",
        "changes[3]: kick_dm: expected true or false",
        "changes[4]: mode: the key stands twice"]
    assert w.rows("SELECT key, value #>> '{}' FROM setting WHERE guild_id = %s AND key = 'mode'",
                  w.guild) == [("mode", "on")]


def test_settings_of_another_version_are_a_conflict(w):
    w.ok("updateSettings", **change(w, 0, ("mode", "on")))
    got = w.call("updateSettings", SETTINGS, **change(w, 0, ("mode", "off")))
    assert got["code"] == "CONFLICT" and not got["success"]
    assert got["errors"] == ["version: the settings are at 1, not at 0"]
    assert got["version"] == 1 and got["settings"][0]["value"] == '"on"'
    assert w.ok("updateSettings", SETTINGS, **change(w, 1, ("mode", "off")))["version"] == 2


def test_two_who_change_the_same_version_at_once(w):
    """One wins, the others are told."""
    codes = []

    def run(value):
        codes.append(w.call("updateSettings", **change(w, 0, ("min_days", value)))["code"])

    threads = [threading.Thread(target=run, args=(n + 1,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(codes) == ["CONFLICT"] * 7 + ["OK"]
    assert w.count("setting_history") == 1


def test_history_says_who_when_old_and_new(w):
    w.ok("updateSettings", **change(w, 0, ("mode", "on"), actorId=w.actor))
    w.ok("updateSettings", **change(w, 1, ("mode", None), actorId=w.user))
    assert w.count("setting") == 0
    rows = w.rows("SELECT version, key, old_value, new_value, changed_by,"
                  " changed_at > now() - interval '1 minute' FROM setting_history"
                  " WHERE guild_id = %s ORDER BY version", w.guild)
    assert rows == [(1, "mode", None, "on", int(w.actor), True),
                    (2, "mode", "on", None, int(w.user), True)]


def test_what_is_already_so_makes_no_version(w):
    w.ok("updateSettings", **change(w, 0, ("mode", "on")))
    got = w.ok("updateSettings", "version", **change(w, 1, ("mode", "on"), ("preset", None)))
    assert got["version"] == 1 and w.count("setting_history") == 1


def test_settings_that_do_not_go_together(w):
    assert "time_until_inactive" in w.refused("INVALID", "updateSettings", **change(
        w, 0, ("auto_kick", True), ("time_until_inactive", DAY)))
    w.ok("updateSettings", **change(w, 0, ("auto_kick", True)))
    assert "time_until_inactive" in w.refused("INVALID", "updateSettings", **change(
        w, 1, ("time_until_inactive", 6 * DAY)))
    assert "channel_archive_category" in w.refused("INVALID", "updateSettings", **change(
        w, 1, ("channel_archive_auto", "archive")))
    w.ok("updateSettings", **change(w, 1, ("channel_archive_auto", "archive"),
                                    ("channel_archive_category", w.channel)))
    assert "report_schedule.day" in w.refused("INVALID", "updateSettings", **change(
        w, 2, ("report_schedule.day", 20)))


GOOD = {"BOOLEAN": [True, False], "ID": ["500000000000000001", "18446744073709551615"],
        "ZONE": ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"],
        "LANGUAGE": ["de", "en-US", "es-419"]}
BAD = {"BOOLEAN": [1, "true", []], "INTEGER": [1.5, "5", True], "NUMBER": ["5", [1]],
       "SECONDS": ["1d", True], "CHOICE": ["ON", 1, ""], "ID": [5, "0", "18446744073709551616", "x"],
       "IDS": ["1", ["x"], [1], ["1"] * 501], "DELAYS": [3600, [60], [3600] * 6, ["3600"]],
       "ZONE": ["Mars/Olympus", "UTC+3", "posixrules", 1, "Europe/Berlin; x"],
       "LANGUAGE": ["deutsch", "DE", 1]}


TOGETHER = {"tracked_channels.mode": [("tracked_channels.ids", ["5"])],
            "channel_archive_auto": [("channel_archive_category", "5")],
            "report_schedule.day": [("report_schedule.every", "month")]}


def samples(row):
    """Values that the definition takes, and values that it does not."""
    _, kind, low, high, choices = row
    good, bad = list(GOOD.get(kind, [])), list(BAD[kind])
    if kind in ("INTEGER", "NUMBER", "SECONDS"):
        low, high = float(low), float(high)
        good += [int(v) if v == int(v) else v for v in (low, high)]
        bad += [low - 1, high + 1, 1e308]
    elif kind == "CHOICE":
        good += choices
    elif kind == "IDS":
        good += [[], ["1"] * int(high)]
    elif kind == "DELAYS":
        good += [[], [int(low)], [int(high)] * 5]
        bad += [[float(low) - 1], [float(high) + 1]]
    return good, bad


def test_every_setting_takes_its_range_and_nothing_else(w):
    rows = w.rows("SELECT key, type, least, most, choices FROM setting_definition ORDER BY key")
    assert len(rows) > 95
    version = 0
    for row in rows:
        good, bad = samples(row)
        assert good and bad, row
        for value in bad:
            got = w.call("updateSettings", **change(w, version, (row[0], value)))
            assert got["code"] == "INVALID" and got["errors"][0].startswith(
                f"changes[0]: {row[0]}: expected "), (row, value, got)
        for value in good:
            together = TOGETHER.get(row[0], [])
            got = w.ok("updateSettings", "version", **change(w, version, (row[0], value), *together))
            version = got["version"]
        version = w.ok("updateSettings", "version", **change(w, version, (row[0], None)))["version"]


def test_defaults_are_good(w):
    bad = w.rows("SELECT key, setting_fault(key, default_value) FROM setting_definition"
                 " WHERE default_value IS NOT NULL AND setting_fault(key, default_value) IS NOT NULL")
    assert bad == []
    assert w.rows("SELECT settings_faults(settings_of(%s))", w.guild) == [([],)]
    signals = w.rows("SELECT count(*) FROM setting_definition WHERE key LIKE 'signals.%'")
    assert signals == w.rows("SELECT count(*) FROM activity_kind")


@pytest.mark.parametrize("value", ["", "{", "1 2", "nul", "\"", "1e999999", "[" * 5000, "x" * 16001,
                                   "'", "NaN", "01"])
def test_a_value_that_is_no_json(w, value):
    got = w.call("updateSettings", guildId=w.guild, version=0,
                 changes=[{"key": "min_days", "value": value}])
    assert got["code"] == "INVALID" and "expected" in got["errors"][0]


def test_the_table_itself_refuses_what_is_not_good(w):
    import psycopg2

    for sql, name in (("INSERT INTO setting VALUES (%s, 'min_days', '31', 1)", "setting_value"),
                      ("INSERT INTO setting VALUES (%s, 'x', '31', 1)", "setting_value"),
                      ("INSERT INTO setting VALUES (%s, 'auto_kick', 'true', 1),"
                       " (%s, 'time_until_inactive', '86400', 1)", "settings_together")):
        with pytest.raises(psycopg2.errors.CheckViolation) as e:
            w.pg.execute(sql, (w.guild,) * sql.count("%s"))
        assert e.value.diag.constraint_name == name


def test_a_rule_broken_at_the_commit_is_not_taken_for_success(w):
    """Deferred constraints speak after every statement was carried out."""
    w.pg.execute("INSERT INTO setting VALUES (%s, 'auto_kick', 'true', 1)", (w.guild,))
    w.pg.execute("CREATE OR REPLACE FUNCTION presence.settings_faults(v jsonb) RETURNS text[]"
                 " LANGUAGE sql AS $$ SELECT CASE WHEN current_setting('presence.fault', true) = 'on'"
                 " THEN ARRAY['no'] ELSE '{}' END $$")
    try:
        w.pg.execute("CREATE FUNCTION presence.break_it() RETURNS trigger LANGUAGE plpgsql AS"
                     " $$ BEGIN PERFORM set_config('presence.fault', 'on', true); RETURN NEW; END $$;"
                     " CREATE TRIGGER break_it BEFORE INSERT ON presence.audit FOR EACH ROW"
                     " EXECUTE FUNCTION presence.break_it()")
        assert "settings_together" in w.fails("CONSTRAINT", "updateSettings",
                                              **change(w, 0, ("mode", "on")))
    finally:
        w.pg.execute("DROP TRIGGER break_it ON presence.audit; DROP FUNCTION presence.break_it()")
        sql = (harness.SOURCE_DIR / "sql/011_settings.sql").read_text()
        begin = sql.index("CREATE FUNCTION settings_faults")
        w.pg.execute("CREATE OR REPLACE" + sql[begin + 6:sql.index("$$;", begin) + 3])
    assert w.count("setting") == 1 and w.count("setting_history") == 0
    assert w.rows("SELECT settings_version FROM guild WHERE guild_id = %s", w.guild) == [(0,)]


# --- requests that come twice ---------------------------------------------------------------------

def test_a_request_is_carried_out_once(w):
    args = change(w, 0, ("mode", "on"), actorId=w.actor, requestId=w.request_id())
    first = w.ok("updateSettings", SETTINGS, **args)
    assert not first["repeated"]
    again = w.ok("updateSettings", SETTINGS, **args)
    assert again["repeated"] and again["version"] == first["version"] == 1
    assert w.count("setting_history") == 1 and w.count("audit", "operation = 'updateSettings'") == 1
    other = {**args, "changes": [{"key": "mode", "value": '"off"'}]}
    assert w.refused("CONFLICT", "updateSettings", **other).startswith("requestId: ")


def test_a_refusal_is_repeated_too(w):
    args = {"guildId": w.guild, "target": ":USER", "targetId": w.user, "requestId": w.request_id()}
    w.refused("NOT_FOUND", "removeExemption", **args)
    w.ok("addExemption", guildId=w.guild, target=":USER", targetId=w.user)
    got = w.call("removeExemption", **args)
    assert got["code"] == "NOT_FOUND" and got["repeated"]
    assert w.count("exemption") == 1


def test_a_request_that_comes_many_times_at_once(w):
    args = {"guildId": w.guild, "userId": w.user, "until": later(DAY), "requestId": w.request_id()}
    got = []
    threads = [threading.Thread(target=lambda: got.append(w.ok("setAbsence", "absence { absenceId }",
                                                               **args))) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len({r["absence"]["absenceId"] for r in got}) == 1
    assert sorted(r["repeated"] for r in got) == [False] + [True] * 7
    assert w.count("absence") == 1


def test_requests_are_forgotten_after_a_week(graphqld, pg):
    w = Writes(World(graphqld, pg))
    for _ in range(2):
        w.ok("updateGuild", guildId=w.guild, patch={"name": "x"}, requestId=w.request_id())
    w.pg.execute("UPDATE request SET at = now() - interval '8 days' WHERE request_id = %s",
                 (w.next_request,))
    graphqld.restart()
    harness.wait_until(lambda: w.count("request") == 1, 20, "the old request is forgotten")


# --- guilds, members, and many at once --------------------------------------------------------------

def test_update_guild(w):
    got = w.ok("updateGuild", "guild { name locale memberCount ownerId }", guildId=w.guild,
               patch={"name": HOSTILE, "locale": "de", "memberCount": 5})["guild"]
    assert got == {"name": HOSTILE, "locale": "de", "memberCount": 5, "ownerId": None}
    got = w.ok("updateGuild", "guild { name locale memberCount ownerId }", guildId=w.guild,
               patch={"locale": None, "ownerId": "18446744073709551615"})["guild"]
    assert got == {"name": HOSTILE, "locale": None, "memberCount": 5,
                   "ownerId": "18446744073709551615"}
    assert w.refused("NOT_FOUND", "updateGuild", guildId="77", patch={}) == \
        "guildId: 77 is not known"


def test_update_member(w):
    got = w.ok("updateMember", "member { username nick roles pending }", guildId=w.guild,
               userId=w.user, patch={"nick": HOSTILE, "roles": [w.role, "5"], "pending": True})
    assert got["member"] == {"username": "u" + w.user[-4:], "nick": HOSTILE,
                             "roles": [w.role, "5"], "pending": True}
    got = w.ok("updateMember", "member { nick roles }", guildId=w.guild, userId=w.user,
               patch={"nick": None, "roles": []})
    assert got["member"] == {"nick": None, "roles": []}
    times = {f: f"2026-01-0{n}T00:00:00.000Z"
             for n, f in enumerate(("joinedAt", "premiumSince", "timeoutUntil"), 1)}
    patch = {"username": "new", "globalName": "New", "pending": False, **times}
    got = w.ok("updateMember", f"member {{ nick roles {' '.join(patch)} }}", guildId=w.guild,
               userId=w.user, patch={**patch, "flags": 3})
    assert got["member"] == {"nick": None, "roles": [], **patch}
    got = w.ok("updateMember", "member { nick username state leftAt }", guildId=w.guild,
               userId=w.user, patch={"nick": "gone", "onRoster": False})["member"]
    assert (got["nick"], got["username"], got["state"]) == ("gone", "new", "LEFT")
    assert got["leftAt"] and w.rows("SELECT flags FROM member WHERE guild_id = %s", w.guild) == [(3,)]
    assert w.refused("NOT_FOUND", "updateMember", guildId=w.guild, userId="77",
                     patch={}).startswith("userId: ")
    w.ok("updateMember", guildId=w.guild, userId=w.user, patch={"bot": True})
    assert w.rows("SELECT bot FROM member WHERE guild_id = %s", w.guild) == [(True,)]


def test_a_document_that_comes_again_is_answered_by_its_variables(w):
    """What is kept of a document is only what no variable decides."""
    w.ok("upsertMembers", members=[w.member(w.actor)])
    query = """mutation ($g: Snowflake!, $u: Snowflake!, $nick: String, $n: Int!, $with: Boolean!) {
      a: updateMember(guildId: $g, userId: $u, patch: { nick: $nick }) { code member { nick } }
      b: updateMember(guildId: $g, userId: $u, patch: {}) { member { userId nick @include(if: $with) } }
      c: updateGuild(guildId: $g, patch: {}) { guild { members(first: $n) { nodes { userId } } } }
      d: updateGuild(guildId: $g, patch: {}) { code }
      d: updateGuild(guildId: $g, patch: {}) @include(if: $with) { success }
    }"""
    for nick, n, there in (("one", 1, True), ("two", 2, False), ("three", 1, True)):
        answer = w.graphqld.query(query, {"g": w.guild, "u": w.user, "nick": nick, "n": n,
                                          "with": there}, token=w.admin)
        assert "errors" not in answer, answer
        data = answer["data"]
        assert data["a"] == {"code": "OK", "member": {"nick": nick}}
        assert data["b"]["member"] == ({"userId": w.user, "nick": nick} if there
                                       else {"userId": w.user})
        assert len(data["c"]["guild"]["members"]["nodes"]) == n
        assert data["d"] == ({"code": "OK", "success": True} if there else {"code": "OK"})


def test_nul_is_refused_before_the_database(w):
    for field, args in (("updateGuild", {"patch": {"name": "a\\u0000b"}}),
                        ("addExemption", {"target": ":USER", "targetId": "1",
                                          "reason": "\\u0000"})):
        given = ", ".join(f"{k}: {literal(v)}" for k, v in {"guildId": w.guild, **args}.items())
        answer = w.send(f"{field}({given}) {{ code }}".replace("\\\\u0000", "\\u0000"))
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        assert "U+0000" in answer["errors"][0]["message"]


def test_upserts(w):
    ids = [str(int(w.guild) + 100 + n) for n in range(50)]
    assert w.ok("upsertMembers", "rows", members=[w.member(u, nick=HOSTILE) for u in ids])["rows"] \
        == 50
    assert w.count("member", "nick IS NOT NULL") == 50
    w.ok("upsertChannels", channels=[
        {"guildId": w.guild, "channelId": i, "at": T0, "name": "c", "type": 0} for i in ids])
    w.ok("upsertChannels", channels=[{"guildId": w.guild, "channelId": ids[0], "at": T0 + 1,
                                      "gone": True}])
    assert w.count("channel", "gone_at IS NULL AND name = 'c'") == 49
    w.ok("upsertRoles", roles=[{"guildId": w.guild, "roleId": w.role, "at": T0, "name": "r",
                                "permissions": "8", "position": 3, "managed": False}])
    assert w.rows("SELECT name, permissions, position FROM role WHERE guild_id = %s", w.guild) == [
        ("r", 8, 3)]
    w.ok("upsertGuilds", guilds=[{"guildId": w.guild, "at": T0 + 1, "left": True, "locale": "de"}])
    assert w.rows("SELECT left_at IS NOT NULL, locale, name FROM guild WHERE guild_id = %s",
                  w.guild) == [(True, "de", "g")]


@pytest.mark.parametrize("field,name,row,key", [
    ("upsertGuilds", "guilds", {"at": T0}, "guildId"),
    ("upsertMembers", "members", {"at": T0, "userId": "1"}, "userId"),
    ("upsertChannels", "channels", {"at": T0, "channelId": "1"}, "channelId"),
    ("upsertRoles", "roles", {"at": T0, "roleId": "1"}, "roleId")])
def test_upserts_of_nothing_of_too_many_and_of_one_twice(w, field, name, row, key):
    row = {"guildId": w.guild, **row}
    assert w.refused("INVALID", field, **{name: []}) == \
        f"{name}: expected 1 to 5000 entries, not 0"
    assert w.refused("INVALID", field, **{name: [row, row]}) == f"{name}[1]: stands twice"
    document = f"mutation($rows: [{name[0].upper() + name[1:-1]}Input!]!) {{ {field}({name}: $rows)" \
        " { code errors } }"
    many = [{**row, key: str(n + 1)} for n in range(5001)]
    got = w.graphqld.query(document, {"rows": many}, token=w.admin)["data"][field]
    assert got["code"] == "INVALID" and "not 5001" in got["errors"][0]


def mix(guild):
    """route_mix of include/presence/route.h."""
    mask, x = (1 << 64) - 1, guild
    x ^= x >> 33
    x = x * 0xff51afd7ed558ccd & mask
    x ^= x >> 33
    x = x * 0xc4ceb9fe1a85ec53 & mask
    return (x ^ x >> 33) % 64


def test_a_guild_that_a_script_makes_is_in_its_lane(w):
    guilds = [1, 2, 12345, 2**63 - 1, 2**63, 2**64 - 1, 500000000000000001, 81384788765712384]
    signed = [g - 2**64 if g >= 2**63 else g for g in guilds]
    assert w.rows("SELECT guild_lane(g) FROM unnest(%s::bigint[]) WITH ORDINALITY AS u(g, n)"
                  " ORDER BY n", signed) == [(mix(g),) for g in guilds]


# --- exemptions -------------------------------------------------------------------------------------

EXEMPTION = "exemption { target targetId until reason addedBy }"


def test_exemptions(w):
    until = later(DAY)
    got = w.ok("addExemption", EXEMPTION, guildId=w.guild, target=":USER", targetId=w.user,
               until=until, reason=HOSTILE, actorId=w.actor)["exemption"]
    assert got == {"target": "USER", "targetId": w.user, "until": until, "reason": HOSTILE,
                   "addedBy": w.actor}
    got = w.ok("addExemption", EXEMPTION, guildId=w.guild, target=":USER", targetId=w.user)
    assert got["exemption"]["until"] is None and got["exemption"]["reason"] is None
    w.ok("addExemption", guildId=w.guild, target=":ROLE", targetId=w.user)
    assert w.count("exemption") == 2
    assert w.ok("removeExemption", EXEMPTION, guildId=w.guild, target=":USER",
                targetId=w.user)["exemption"] is None
    assert w.count("exemption", "target = 'ROLE'") == 1
    assert "targetId" in w.refused("NOT_FOUND", "removeExemption", guildId=w.guild, target=":USER",
                                   targetId=w.user)


def test_exemptions_out_of_range(w):
    one = {"guildId": w.guild, "target": ":USER", "targetId": w.user}
    assert w.refused("INVALID", "addExemption", until=later(-5), **one).startswith("until: ")
    assert "at most 512 characters, not 513" in w.refused("INVALID", "addExemption",
                                                          reason="x" * 513, **one)
    assert w.refused("NOT_FOUND", "addExemption", **{**one, "guildId": "77"})
    w.fails("GRAPHQL_VALIDATION_FAILED", "addExemption", **{**one, "targetId": "x"})


@pytest.mark.parametrize("target,most", [("USER", 250), ("ROLE", 50)])
def test_exemptions_are_limited(w, target, most):
    w.pg.execute("INSERT INTO exemption (guild_id, target, target_id)"
                 " SELECT %s, %s, n FROM generate_series(1, %s) n", (w.guild, target, most))
    one = {"guildId": w.guild, "target": ":" + target}
    assert str(most) in w.refused("LIMIT", "addExemption", targetId="999999", **one)
    w.ok("addExemption", targetId="1", reason="again", **one)
    w.pg.execute("UPDATE exemption SET until = now() - interval '1 s' WHERE guild_id = %s"
                 " AND target_id = 2", (w.guild,))
    w.ok("addExemption", targetId="999999", **one)
    import psycopg2
    with pytest.raises(psycopg2.errors.CheckViolation) as e:
        w.pg.execute("INSERT INTO exemption (guild_id, target, target_id) VALUES (%s, %s, 888)",
                     (w.guild, target))
    assert e.value.diag.constraint_name == "exemption_limit"


# --- absences ---------------------------------------------------------------------------------------

ABSENCE = "absence { absenceId userId from until reason setBy approvedAt approvedBy endedAt }"


def test_absences(w):
    begin, until = later(2 * DAY), later(5 * DAY)
    got = w.ok("setAbsence", ABSENCE, guildId=w.guild, userId=w.user, until=until, reason=HOSTILE,
               actorId=w.user, **{"from": begin})["absence"]
    assert (got["from"], got["until"], got["reason"]) == (begin, until, HOSTILE)
    assert got["approvedAt"] and got["endedAt"] is None
    assert "already" in w.refused("CONFLICT", "setAbsence", guildId=w.guild, userId=w.user,
                                  until=later(3 * DAY))
    ended = w.ok("endAbsence", ABSENCE, guildId=w.guild, absenceId=got["absenceId"])["absence"]
    assert ended["endedAt"]
    w.refused("NOT_FOUND", "endAbsence", guildId=w.guild, absenceId=got["absenceId"])
    w.ok("setAbsence", guildId=w.guild, userId=w.user, until=later(3 * DAY))


def test_absences_by_the_settings(w):
    one = {"guildId": w.guild, "userId": w.user}
    assert "away_max" in w.refused("INVALID", "setAbsence", until=later(61 * DAY), **one)
    assert w.refused("INVALID", "setAbsence", until=later(-1), **one).startswith("until: ")
    assert w.refused("NOT_FOUND", "setAbsence", until=later(DAY), guildId=w.guild, userId="77")
    w.ok("updateSettings", **change(w, 0, ("away_max", DAY), ("away_per_year", 2)))
    w.refused("INVALID", "setAbsence", until=later(2 * DAY), **one)
    for n in range(2):
        w.ok("setAbsence", until=later((2 * n + 1) * DAY - 100), **one,
             **{"from": later(2 * n * DAY)})
    assert "away_per_year" in w.refused("LIMIT", "setAbsence", until=later(9 * DAY), **one,
                                        **{"from": later(8.5 * DAY)})


def test_absences_that_want_approval(w):
    w.ok("updateSettings", **change(w, 0, ("away_approval", True)))
    got = w.ok("setAbsence", ABSENCE, guildId=w.guild, userId=w.user, actorId=w.user,
               until=later(DAY))["absence"]
    assert got["approvedAt"] is None
    one = {"guildId": w.guild, "absenceId": got["absenceId"]}
    assert "own absence" in w.refused("CONFLICT", "approveAbsence", actorId=w.user, **one)
    done = w.ok("approveAbsence", ABSENCE, actorId=w.actor, **one)["absence"]
    assert done["approvedAt"] and done["approvedBy"] == w.actor
    assert "already" in w.refused("CONFLICT", "approveAbsence", actorId=w.actor, **one)
    w.refused("NOT_FOUND", "approveAbsence", actorId=w.actor, guildId=w.guild, absenceId="999999")


# --- decisions --------------------------------------------------------------------------------------

EVIDENCE = {"lastActs": [{"kind": ":MESSAGE", "at": "2026-05-28T20:27:00.000Z"}],
            "protections": [{"name": "staff", "holds": False}],
            "idle": {"since": "2026-05-28T20:27:00.000Z", "seconds": 100.5, "observedSeconds": 90},
            "coverage": {"from": "2026-05-28T20:27:00.000Z", "to": "2026-05-28T21:27:00.000Z",
                         "share": 99.5}, "note": HOSTILE}
DECISION = "decisions { decisionId kind userId actorId rule settingsVersion reason evidence }"


def test_decisions(w):
    got = w.ok("recordDecisions", DECISION, guildId=w.guild, requestId=w.request_id(), decisions=[
        {"kind": ":FLAG", "userId": w.user, "rule": "r", "settingsVersion": 3, "evidence": EVIDENCE},
        {"kind": ":ARCHIVE", "channelId": w.channel, "actorId": w.actor,
         "evidence": {"lastActs": [], "protections": []}}])["decisions"]
    assert [d["kind"] for d in got] == ["FLAG", "ARCHIVE"]
    assert got[0]["userId"] == w.user and got[1]["actorId"] == w.actor
    want = json.loads(json.dumps(EVIDENCE).replace('":MESSAGE"', '"MESSAGE"'))
    assert json.loads(got[0]["evidence"]) == want
    assert w.rows("SELECT evidence FROM decision WHERE guild_id = %s AND kind = 'FLAG'",
                  w.guild) == [(want,)]


def test_decisions_out_of_shape(w):
    small = {"lastActs": [], "protections": []}
    got = w.call("recordDecisions", guildId=w.guild, decisions=[
        {"kind": ":FLAG", "evidence": small},
        {"kind": ":FLAG", "userId": "1", "reason": "x" * 513, "evidence": small},
        {"kind": ":FLAG", "userId": "1", "rule": "x" * 101, "evidence": {**small, "note": "x" * 17000}},
        {"kind": ":FLAG", "userId": "1", "evidence": {**small, "protections":
                                                      [{"name": "x", "holds": True}] * 33}}])
    assert got["code"] == "INVALID" and [e.split(":")[0] for e in got["errors"]] == [
        "decisions[0].userId", "decisions[1].reason", "decisions[2].rule", "decisions[2].evidence",
        "decisions[3].evidence"]
    assert w.count("decision") == 0
    w.refused("NOT_FOUND", "recordDecisions", guildId="77",
              decisions=[{"kind": ":FLAG", "userId": "1", "evidence": small}])
    w.refused("INVALID", "recordDecisions", guildId=w.guild, decisions=[])
    w.fails("GRAPHQL_VALIDATION_FAILED", "recordDecisions", guildId=w.guild,
            decisions=[{"kind": ":FLAG", "userId": "1", "evidence": {**small, "other": 1}}])


@pytest.mark.parametrize("evidence", ["[]", "{}", '{"lastActs": [], "protections": {}}',
                                      '{"lastActs": [], "protections": [], "x": 1}',
                                      '{"lastActs": [], "protections": [], "idle": 5}'])
def test_the_table_keeps_the_shape_of_evidence(w, evidence):
    import psycopg2

    with pytest.raises(psycopg2.errors.CheckViolation) as e:
        w.pg.execute("INSERT INTO decision (guild_id, kind, user_id, evidence)"
                     " VALUES (%s, 'FLAG', 1, %s)", (w.guild, evidence))
    assert e.value.diag.constraint_name == "decision_evidence"


@pytest.mark.parametrize("table", ["decision", "setting_history", "audit", "job_event"])
def test_append_only_even_for_the_owner(w, table):
    import psycopg2

    w.ok("updateSettings", **change(w, 0, ("mode", "on")))
    w.ok("recordDecisions", guildId=w.guild, decisions=[
        {"kind": ":FLAG", "userId": "1", "evidence": {"lastActs": [], "protections": []}}])
    w.ok("enqueueJobs", guildId=w.guild, jobs=[{"kind": ":FLAG", "userId": w.user}])
    for sql in (f"DELETE FROM {table} WHERE guild_id = {w.guild}", f"TRUNCATE {table}",
                f"UPDATE {table} SET guild_id = guild_id WHERE guild_id = {w.guild}"):
        with pytest.raises(psycopg2.errors.CheckViolation):
            w.pg.execute(sql)


# --- the audit log, several fields, errors ----------------------------------------------------------

def test_the_audit_log_names_token_person_and_request(w):
    request = w.request_id()
    w.ok("addExemption", guildId=w.guild, target=":ROLE", targetId=w.role, actorId=w.actor,
         requestId=request)
    w.refused("NOT_FOUND", "removeExemption", guildId=w.guild, target=":ROLE", targetId="1")
    rows = w.rows("SELECT operation, caller, actor_id, request_id, detail FROM audit"
                  " WHERE guild_id = %s", w.guild)
    assert rows == [("addExemption", "boss", int(w.actor), int(request),
                     {"guildId": int(w.guild), "target": "ROLE", "targetId": int(w.role)})]


def test_fields_run_in_order_each_on_its_own(w):
    """What failed is null with a path; what was done before and after stays done."""
    answer = w.send(
        "a: " + w.text("updateGuild", "guild { name }", guildId=w.guild, patch={"name": "one"}),
        "b: " + w.text("updateGuild", guildId=w.guild, patch={"memberCount": 5}),
        "c: " + w.text("upsertMembers", members=[w.member("1", username="x" * 10)]),
        "d: " + w.text("updateGuild", "guild { name }", guildId=w.guild, patch={"name": "two"}),
        "__typename")
    assert "errors" not in answer
    assert list(answer["data"]) == ["a", "b", "c", "d", "__typename"]
    assert answer["data"]["a"]["guild"] == {"name": "one"}
    assert answer["data"]["d"]["guild"] == {"name": "two"}
    w.pg.execute("ALTER TABLE guild ADD CONSTRAINT never_three CHECK (name <> 'three')")
    try:
        answer = w.send(
            "a: " + w.text("updateGuild", "guild { name }", guildId=w.guild, patch={"name": "four"}),
            "b: " + w.text("updateGuild", guildId=w.guild, patch={"name": "three"}),
            "c: " + w.text("updateGuild", "guild { name }", guildId=w.guild, patch={"locale": "de"}))
    finally:
        w.pg.execute("ALTER TABLE guild DROP CONSTRAINT never_three")
    assert answer["data"]["b"] is None and answer["data"]["a"]["success"]
    assert answer["data"]["c"]["guild"] == {"name": "four"}
    assert [(e["path"], e["extensions"]["code"], e["message"]) for e in answer["errors"]] == [
        (["b"], "CONSTRAINT", "the rule never_three forbids it")]
    assert answer["errors"][0]["locations"]


def test_what_mutations_answer_is_an_interface(w):
    answer = w.send(f'updateGuild(guildId: "{w.guild}", patch: {{}}) {{ ... on WriteResult {{ ok:'
                    ' success __typename } again: __typename }')
    assert answer["data"]["updateGuild"] == {"ok": True, "__typename": "GuildResult",
                                             "again": "GuildResult"}


def test_scopes(w):
    for field, scopes in (("updateGuild", {"admin", "ingest"}), ("upsertGuilds", {"admin"})):
        args = {"guildId": w.guild, "patch": {}} if field == "updateGuild" else {
            "guilds": [{"guildId": w.guild, "at": T0}]}
        for scope, token in (("admin", w.admin), ("ingest", w.graphqld.token),
                             ("read", w.world.reader)):
            if scope in scopes:
                assert "errors" not in w.send(w.text(field, **args), token=token)
            else:
                w.fails("FORBIDDEN", field, token=token, **args)


def test_two_guilds_do_not_wait_for_each_other(world):
    """A lock on one guild's mutations holds up nobody else, ingestion included."""
    one, two = Writes(world), Writes(world)
    blocker = world.pg.connect()
    blocker.autocommit = False
    with blocker.cursor() as cur:
        cur.execute("SELECT lock_guild(%s)", (one.guild,))
    done = []
    t = threading.Thread(target=lambda: done.append(
        one.call("updateGuild", guildId=one.guild, patch={})["code"]))
    t.start()
    two.ok("updateGuild", guildId=two.guild, patch={})
    two.ok("upsertMembers", members=[one.member(one.user)])
    assert done == []
    blocker.rollback()
    blocker.close()
    t.join()
    assert done == ["OK"]
