"""One mutation is one transaction and one round trip: read from PostgreSQL's own log, for every
mutation of the schema."""

import json
import re

import pytest

import harness
from writes import calls, literal

# pid, virtual transaction, text
LINE = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] <presence-graphqld> (\S+) LOG:  (?:execute \S+|statement): (.*)")
HOUSEKEEPING = ("presence.ensure_months", "presence.forget_requests", "presence.make_totals")


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


def values(args):
    """Arguments of a call as variables: names of enums are strings there."""
    return json.loads(json.dumps(args), object_hook=lambda o: {
        k: v[1:] if isinstance(v, str) and v.startswith(":") else v for k, v in o.items()})


def test_the_operations_of_the_workers(w, log):
    """Whatever they find: each is sent as the call of its mutation was before, or as that is now."""
    given = {"data": "{}", "kinds": ["KICK"], "leaseSeconds": 60, "first": 1, "readd": True, "dryRun": False}
    last = {}
    for field, args in calls(w):
        last[field] = values(args)
        arguments = ", ".join(f"{k}: {literal(v)}" for k, v in args.items())
        token = w.graphqld.token if field in ("recordSightings", "claimLanes") else w.admin
        w.graphqld.query(f"mutation {{ {field}({arguments}) {{ __typename }} }}", token=token)
    seen = 0
    for path in sorted((harness.SOURCE_DIR / "graphql" / "operations").glob("*.graphql")):
        if not (text := path.read_text()).startswith("mutation"):
            continue
        field = re.search(r"^  (?:\w+: )?(\w+)\(", text, re.MULTILINE)[1]
        known = last["finishJob"] | last["cancelJobs"] | given | last[field]
        variables = {n: known[n] for n in re.findall(r"\$(\w+)\s*:", text) if n in known}
        token = w.graphqld.token if field in ("recordSightings", "claimLanes") else w.admin
        answers = []
        lines = log(lambda: answers.append(w.graphqld.query(text, variables, token=token)))
        assert "errors" not in answers[0], (path.name, answers[0])
        assert 1 <= len(lines) <= 3, (path.name, lines)
        assert len({(pid, transaction) for pid, transaction, _ in lines}) == 1, (path.name, lines)
        seen += 1
    assert seen >= 15


def test_several_mutations_of_a_document_are_a_transaction_each(w, log):
    lines = log(lambda: w.send(*(f"m{n}: " + w.text("updateGuild", "guild { name }", guildId=w.guild,
                                                    patch={"name": f"n{n}"}) for n in range(5))))
    transactions = [transaction for _, transaction, _ in lines]
    assert len(lines) == 10 and len(set(transactions)) == 5
    assert all(a == b for a, b in zip(transactions[::2], transactions[1::2]))
