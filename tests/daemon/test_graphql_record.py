"""Lists of what mutations keep: decisions, jobs, the members to be kicked, exemptions, absences."""

import time

import pytest

import reads
from reads import DAY, HOUR, MINUTE
from test_graphqld import Lane, act, sightings, stamp

EVIDENCE = {"lastActs": [], "protections": []}
NOW = int(time.time() * 1000)


@pytest.fixture
def listed(w):
    """listed(field, arguments, selection): every node, page by page, forwards and backwards."""
    def read(document, **variables):
        answer = w.graphqld.query(document, variables, token=w.world.reader)
        assert "errors" not in answer, answer
        return answer["data"]

    def nodes(field, arguments, selection):
        arguments = f'guildId: "{w.guild}"' + (f", {arguments}" if arguments else "")
        got = reads.pages(read, field, arguments, selection, 2)
        assert got == reads.pages(read, field, arguments, selection, 2, forward=False)
        return got

    return nodes


def members(w, n):
    users = [str(int(w.user) + 100 + i) for i in range(n)]
    w.ok("upsertMembers", members=[w.member(u, joinedAt=NOW - 90 * DAY) for u in users])
    return users


# --- decisions ------------------------------------------------------------------------------------

def test_decisions(w, listed):
    other = str(int(w.user) + 9)
    run = w.request_id()
    rows = [{"kind": ":FLAG", "userId": w.user}, {"kind": ":WARN", "userId": w.user, "runId": run},
            {"kind": ":FLAG", "userId": other, "actorId": w.actor},
            {"kind": ":ARCHIVE", "channelId": w.channel, "jobId": "7"},
            {"kind": ":KICK", "userId": w.user, "actorId": w.actor, "runId": run}]
    ids = []
    for row in rows:
        done = w.ok("recordDecisions", "decisions { decisionId at }", guildId=w.guild,
                    decisions=[{**row, "evidence": EVIDENCE}])["decisions"][0]
        ids.append((done["decisionId"], done["at"]))

    def found(condition, direction="ASC"):
        nodes = listed("decisions", f"filter: {{{condition}}}, direction: {direction}",
                       "{ decisionId at }")
        return [ids.index((n["decisionId"], n["at"])) for n in nodes]

    assert found("") == [0, 1, 2, 3, 4]
    assert found("", "DESC") == [4, 3, 2, 1, 0]
    assert found(f'userId: "{w.user}"') == [0, 1, 4]
    assert found(f'channelId: "{w.channel}"') == [3] == found('jobId: "7"')
    assert found("kinds: [FLAG, KICK]") == [0, 2, 4]
    assert found(f'runId: "{run}"') == [1, 4]
    assert found("byPerson: true") == [2, 4]
    assert found("byPerson: false, kinds: [FLAG]") == [0]
    since = w.rows("SELECT unix_ms(at) FROM decision WHERE guild_id = %s AND decision_id = %s",
                   w.guild, ids[2][0])[0][0]
    assert set(found(f'since: "{stamp(since)}"')) >= {2, 3, 4}
    assert found(f'until: "{stamp(since - HOUR)}"') == []
    one = w.read(f'{{ decision(guildId: "{w.guild}", decisionId: "{ids[1][0]}") {{ kind runId evidence }} '
                 f'none: decision(guildId: "7", decisionId: "{ids[1][0]}") {{ kind }} }}')
    assert one["none"] is None and one["decision"]["kind"] == "WARN" and one["decision"]["runId"] == run


# --- jobs -----------------------------------------------------------------------------------------

def enqueue(w, *jobs):
    got = w.ok("enqueueJobs", "jobs { jobId }", guildId=w.guild, jobs=list(jobs))
    return [j["jobId"] for j in got["jobs"]]


def test_jobs(w, listed):
    run = w.request_id()
    users = members(w, 3)
    ids = enqueue(w, {"kind": ":KICK", "userId": users[0], "dueAt": stamp(NOW + 3 * HOUR)},
                  {"kind": ":FLAG", "userId": users[1], "dueAt": stamp(NOW + HOUR), "runId": run},
                  {"kind": ":ARCHIVE_CHANNEL", "channelId": w.channel},
                  {"kind": ":KICK", "userId": users[2], "dueAt": stamp(NOW + 2 * HOUR), "runId": run})
    w.ok("cancelJobs", guildId=w.guild, jobIds=[ids[1]])

    def found(condition, order="ID", direction="ASC"):
        return [ids.index(n["jobId"]) for n in listed(
            "jobs", f"filter: {{{condition}}}, orderBy: {order}, direction: {direction}", "{ jobId }")]

    assert found("") == [0, 1, 2, 3]
    assert found("", direction="DESC") == [3, 2, 1, 0]
    assert found("", "DUE") == [2, 1, 3, 0]
    assert found("open: true", "DUE") == [2, 3, 0]
    assert found("open: false") == [1] == found("states: [CANCELLED, DONE]")
    assert found("kinds: [KICK]") == [0, 3]
    assert found(f'userId: "{users[2]}"') == [3]
    assert found(f'channelId: "{w.channel}"') == [2]
    assert found(f'runId: "{run}"') == [1, 3]
    got = w.read(f'{{ job(guildId: "{w.guild}", jobId: "{ids[1]}") {{ state history {{ to }} }} }}')
    assert got["job"] == {"state": "CANCELLED", "history": [{"to": "QUEUED"}, {"to": "CANCELLED"}]}


def test_the_purge_list_tells_what_speaks_against_it(w, listed):
    users = members(w, 9)
    free, gone, exempt, by_role, away, seen, voice, late, stranger = users
    enqueue(w, *[{"kind": ":KICK", "userId": u, "dueAt": stamp(NOW + i * HOUR)}
                 for i, u in enumerate(users)])
    w.rows("UPDATE job SET expires_at = created_at WHERE guild_id = %s AND user_id = %s", w.guild, late)
    w.ok("upsertMembers", members=[w.member(gone, onRoster=False)])
    w.ok("upsertMembers", members=[w.member(by_role, roles=[w.role])])
    w.ok("upsertMembers", members=[w.member(stranger, joinedAt=None)])
    w.ok("addExemption", guildId=w.guild, target=":USER", targetId=exempt)
    w.ok("addExemption", guildId=w.guild, target=":ROLE", targetId=w.role)
    w.ok("setAbsence", guildId=w.guild, userId=away, until=stamp(NOW + 10 * DAY))
    lane = Lane(w.graphqld, lane=w.rows("SELECT lane FROM guild WHERE guild_id = %s", w.guild)[0][0],
                epoch=99 + w.world.guilds)
    after = int(time.time() * 1000) + MINUTE  # the job's making
    lane.record(sightings=sightings(act(after, "TYPING", guild=w.guild, user=seen, counted=False)),
                voice=[{"guildId": w.guild, "userId": voice, "channelId": w.channel, "at": NOW,
                        "state": 0, "estimated": False}])
    want = [(free, []), (gone, ["NOT_THERE"]), (exempt, ["EXEMPT"]), (by_role, ["EXEMPT_ROLE"]),
            (away, ["AWAY"]), (seen, ["SEEN_SINCE"]), (voice, ["IN_VOICE"]), (late, ["EXPIRED"]),
            (stranger, ["UNKNOWN"])]
    selection = "{ userId protections dueAt job { kind state } member { leftAt userId } }"
    got = listed("purgeList", "", selection)
    assert [(n["userId"], n["protections"]) for n in got] == want
    assert [n["dueAt"] for n in got] == [stamp(NOW + i * HOUR) for i in range(9)]
    assert all(n["job"] == {"kind": "KICK", "state": "QUEUED"} and n["member"]["userId"] == n["userId"]
               for n in got)
    assert [n["userId"] for n in listed("purgeList", "filter: {protected: false}", selection)] == [free]
    assert [n["userId"] for n in listed("purgeList", "filter: {protected: true}", selection)] == users[1:]
    assert [n["userId"] for n in listed("purgeList", f'filter: {{dueUntil: "{stamp(NOW + HOUR)}"}}',
                                        selection)] == users[:2]
    w.ok("cancelJobs", guildId=w.guild, userId=free)
    assert [n["userId"] for n in listed("purgeList", "direction: DESC", selection)] == users[:0:-1]


# --- exemptions and absences ------------------------------------------------------------------------

def test_exemptions_in_force(w, listed):
    users = members(w, 3)
    for u in users:
        w.ok("addExemption", guildId=w.guild, target=":USER", targetId=u, reason="r" + u,
             until=stamp(NOW + DAY))
    w.ok("addExemption", guildId=w.guild, target=":ROLE", targetId=w.role)
    w.rows("UPDATE exemption SET until = now() WHERE guild_id = %s AND target_id = %s", w.guild, users[1])

    def found(condition):
        return [n["targetId"] for n in listed("exemptions", condition, "{ targetId reason until }")]

    assert found("") == [w.role, users[0], users[2]]
    assert found("direction: DESC") == [users[2], users[0], w.role]
    assert found("filter: {target: USER}") == [users[0], users[2]]
    assert found(f'filter: {{targetId: "{users[2]}"}}') == [users[2]]


def test_absences(w, listed):
    users = members(w, 2)
    ids = [w.ok("setAbsence", "absence { absenceId }", guildId=w.guild, userId=user,
                **{"from": stamp(NOW + begin * DAY)}, until=stamp(NOW + (begin + 2) * DAY))[
                    "absence"]["absenceId"] for user, begin in ((users[0], 1), (users[1], 5), (users[0], 9))]
    w.ok("endAbsence", guildId=w.guild, absenceId=ids[1])

    def found(condition):
        return [ids.index(n["absenceId"]) for n in listed("absences", condition, "{ absenceId }")]

    assert found("") == [2, 1, 0]
    assert found("direction: ASC") == [0, 1, 2]
    assert found("filter: {open: true}") == [2, 0]
    assert found("filter: {open: false}") == [1]
    assert found(f'filter: {{userId: "{users[1]}"}}') == [1]
    assert found("filter: {approved: true}") == [2, 1, 0]
    w.ok("softReset", guildId=w.guild)
    assert found("") == []
