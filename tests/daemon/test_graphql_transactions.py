"""One mutation is one transaction and one round trip: read from PostgreSQL's own log, for every
mutation of the schema."""

import re

import pytest

import harness
from test_graphql_writes import DAY, later
from writes import T0, literal

# pid, virtual transaction, text
LINE = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] <presence-graphqld> (\S+) LOG:  (?:execute \S+|statement): (.*)")
HOUSEKEEPING = ("presence.ensure_months", "presence.forget_requests")


@pytest.fixture
def log(w):
    """Lets the server log each statement with its virtual transaction, and reads what is new."""
    for name, value in (("log_statement", "all"), ("log_line_prefix", "%m [%p] <%a> %v "),
                        ("log_parameter_max_length", "0")):
        w.pg.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    w.pg.execute("SELECT pg_reload_conf()")
    path = w.pg.log.path

    def since(call):
        begin = path.stat().st_size
        call()
        with open(path, encoding="utf-8") as f:
            f.seek(begin)
            return [m.groups() for m in map(LINE.match, f)
                    if m and not any(own in m[3] for own in HOUSEKEEPING)]

    harness.wait_until(lambda: since(lambda: w.read("{ guilds { nodes { id } } }")), 10,
                       "statements are logged")
    yield since
    w.pg.execute("ALTER SYSTEM RESET ALL")
    w.pg.execute("SELECT pg_reload_conf()")


def calls(w):
    """A call that changes something, for each mutation; in this order."""
    g, evidence = {"guildId": w.guild}, {"lastActs": [], "protections": []}
    yield "recordSightings", {"batches": [{"lane": 5, "epoch": "1", "from": "0", "to": "1",
                                           "sessions": []}]}
    yield "claimLanes", {"lanes": [6], "epoch": "2"}
    yield "upsertGuilds", {"guilds": [{**g, "at": T0, "name": "n"}]}
    yield "upsertMembers", {"members": [w.member(w.user), w.member("5"), w.member("6")]}
    yield "upsertChannels", {"channels": [{**g, "channelId": w.channel, "at": T0}]}
    yield "upsertRoles", {"roles": [{**g, "roleId": w.role, "at": T0}]}
    yield "updateGuild", {**g, "patch": {"name": "x"}}
    yield "updateMember", {**g, "userId": w.user, "patch": {"nick": "x"}}
    yield "updateSettings", {**g, "version": 0, "changes": [
        {"key": "mode", "value": '"on"'}, {"key": "min_days", "value": "2"},
        {"key": "away_approval", "value": "true"}]}
    yield "addExemption", {**g, "target": ":USER", "targetId": w.user}
    yield "removeExemption", {**g, "target": ":USER", "targetId": w.user}
    yield "setAbsence", {**g, "userId": w.user, "until": later(DAY), "actorId": w.user}
    absence = str(w.rows("SELECT max(absence_id) FROM absence WHERE guild_id = %s", w.guild)[0][0])
    yield "approveAbsence", {**g, "absenceId": absence, "actorId": w.actor}
    yield "endAbsence", {**g, "absenceId": absence}
    yield "recordDecisions", {**g, "decisions": [{"kind": ":FLAG", "userId": w.user,
                                                  "evidence": evidence}] * 3}
    yield "enqueueJobs", {**g, "jobs": [{"kind": ":KICK", "userId": w.user},
                                        {"kind": ":FLAG", "userId": "5"}]}
    lane, = w.rows("SELECT lane FROM guild WHERE guild_id = %s", w.guild)[0]
    first, second = (str(r[0]) for r in w.rows("SELECT job_id FROM job WHERE guild_id = %s"
                                               " ORDER BY 1", w.guild))
    yield "claimJobs", {"lanes": [lane], "owner": "a", "first": 1}
    yield "claimJob", {**g, "jobId": first, "owner": "a"}
    yield "heartbeatJobs", {"owner": "a", "jobs": [{**g, "jobId": first}]}
    yield "advanceJob", {**g, "jobId": first, "owner": "a", "state": ":RECHECKING"}
    yield "finishJob", {**g, "jobId": first, "owner": "a", "state": ":KICKED"}
    yield "cancelJobs", {**g, "jobIds": [second]}
    yield "softReset", g
    yield "takeBackReset", g
    yield "hardReset", {"type": ":MEMBER", "id": w.user, **g}
    yield "deleteMember", {**g, "userId": "5"}
    yield "eraseUser", {"userId": "6"}
    yield "deleteGuild", g


def test_every_mutation_is_one_transaction_and_one_round_trip(w, log):
    schema = w.graphqld.query("{ __schema { mutationType { fields { name } } } }", token=w.admin)
    every = [f["name"] for f in schema["data"]["__schema"]["mutationType"]["fields"]]
    seen = []
    for field, args in calls(w):
        seen.append(field)
        token = w.graphqld.token if field in ("recordSightings", "claimLanes") else w.admin
        given = ", ".join(f"{k}: {literal(v)}" for k, v in args.items())
        more = {"recordSightings": "code", "claimLanes": "__typename"}.get(
            field, "code errors " + MORE.get(field, ""))
        answers = []
        lines = log(lambda: answers.append(w.graphqld.query(
            f"mutation {{ {field}({given}) {{ {more} }} }}", token=token)))
        assert "errors" not in answers[0], answers[0]
        result = answers[0]["data"][field]
        if isinstance(result, dict) and "code" in result:
            assert result["code"] in ("OK", "APPLIED"), (field, result)
        # No BEGIN and no COMMIT, so what shares a transaction was sent before one Sync.
        assert 1 <= len(lines) <= 3, (field, lines)
        assert len({(pid, transaction) for pid, transaction, _ in lines}) == 1, (field, lines)
        for _, _, text in lines:
            assert text.lstrip().upper().startswith("SELECT"), (field, text)
    assert sorted(seen) == sorted(every)


MORE = {
    "updateGuild": "guild { name settings { key } channels { nodes { name } } }",
    "updateMember": "member { nick activity { count } gaps { count } }",
    "updateSettings": "version settings { key value version }",
    "addExemption": "exemption { until reason }", "setAbsence": "absence { until approvedAt }",
    "recordDecisions": "decisions { decisionId evidence }",
    "enqueueJobs": "created jobs { jobId history { to } }",
    "claimJobs": "jobs { jobId state history { to from } }",
    "finishJob": "job { state history { at owner } }", "softReset": "guild { resetAt }",
    "hardReset": "cascade { relation rows again }", "deleteGuild": "cascade { relation rows }",
}


def test_several_mutations_of_a_document_are_a_transaction_each(w, log):
    lines = log(lambda: w.send(*(f"m{n}: " + w.text("updateGuild", "guild { name }", guildId=w.guild,
                                                    patch={"name": f"n{n}"}) for n in range(5))))
    transactions = [transaction for _, transaction, _ in lines]
    assert len(lines) == 10 and len(set(transactions)) == 5
    assert all(a == b for a, b in zip(transactions[::2], transactions[1::2]))
