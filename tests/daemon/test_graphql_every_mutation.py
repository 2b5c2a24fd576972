"""What holds for each mutation alike: who may, what is missing, hostile texts, the same request
again."""

import json

from test_graphql_writes import HOSTILE
from writes import calls, literal

# Their results and their way to happen once are their own.
OWN = {"recordSightings", "claimLanes"}
# What cannot be taken back, and what scripts do; everything else is for who has the scope ingest, too.
ERASE = {"hardReset", "eraseUser", "forgetMember", "deleteGuild", "deleteMember"}
UPSERTS = {"upsertGuilds", "upsertMembers", "upsertChannels", "upsertRoles"}
# Claims are asked for again until they are won; the lease itself tells who has it.
NO_REQUEST = {"claimJobs", "claimJob", "heartbeatJobs"}


def run(w, field, args, token=None):
    given = ", ".join(f"{k}: {literal(v)}" for k, v in args.items())
    selection = "__typename" if field in OWN else "code success errors repeated"
    return w.graphqld.query(f"mutation {{ {field}({given}) {{ {selection} }} }}",
                            token=token or w.admin)


def test_only_those_who_may(w):
    w.pg.execute("SELECT 1")
    seen = set()
    for field, args in calls(w):
        seen.add(field)
        answer = run(w, field, args, token=w.world.reader)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN", field
        answer = run(w, field, args, token="x" * 43)
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", field
        answers = {scope: run(w, field, args, token=token).get("errors")
                   for scope, token in (("ingest", w.graphqld.token), ("erase", w.world.eraser),
                                        ("admin", w.admin))}
        refused = {scope for scope, errors in answers.items()
                   if errors and errors[0]["extensions"]["code"] == "FORBIDDEN"}
        may = ({"ingest"} if field in OWN else {"admin"} if field in UPSERTS else
               {"erase", "admin"} if field in ERASE else {"ingest", "admin"})
        assert refused == set(answers) - may, field
        assert not any(e for scope, e in answers.items() if scope not in refused), (field, answers)
    assert len(seen) > 25 and ERASE | UPSERTS < seen


def test_the_same_request_again_is_answered_and_not_carried_out(w):
    for field, args in calls(w):
        if field in OWN | NO_REQUEST:
            run(w, field, args, token=w.graphqld.token if field in OWN else None)
            continue
        args = {**args, "requestId": w.request_id()}
        first = run(w, field, args)["data"][field]
        assert first["code"] == "OK" and first["repeated"] is False, (field, first)
        before = w.rows("SELECT count(*) FROM audit"), w.rows("SELECT count(*) FROM setting_history")
        again = run(w, field, args)["data"][field]
        assert again == {**first, "repeated": True}, field
        assert before == (w.rows("SELECT count(*) FROM audit"),
                          w.rows("SELECT count(*) FROM setting_history")), field


def test_what_is_missing_is_named(w):
    """Each id that names something: nothing of that id is known."""
    named = 0
    for field, args in calls(w):
        for name in ("guildId", "userId", "absenceId", "jobId", "id"):
            if name in args and (field, name) != ("hardReset", "guildId") and (
                    field, name) not in {("cancelJobs", "userId")}:
                got = run(w, field, {**args, name: "77"})["data"][field]
                assert got["code"] == "NOT_FOUND" and got["errors"], (field, name, got)
                named += 1
        run(w, field, args, token=w.graphqld.token if field in OWN else None)
    assert named > 26


def replaced(args, value):
    """args with each string but ids, times, JSON and names of enums replaced, one at a time."""
    for name in ("name", "nick", "reason", "note", "rule", "owner", "failure"):
        def inside(x):
            if isinstance(x, dict):
                return {k: value if k == name and isinstance(v, str) else inside(v)
                        for k, v in x.items()}
            return [inside(v) for v in x] if isinstance(x, list) else x

        changed = inside(args)
        if changed != args:
            yield changed


def test_hostile_texts_are_data(w):
    """They are stored as they are, or refused by name; never part of a statement."""
    tables = w.rows("SELECT count(*) FROM pg_class")
    hostile = [HOSTILE, "'; SELECT pg_sleep(9); --", "$1", "{*}", "\\\\", "%s%n", "\ud7ff\uffff",
               "\u202e", "{}", "[]", "null", "x" * 400]
    tried = 0
    for field, args in calls(w):
        texts = {**args, "reason": "r"} if field in ("addExemption", "setAbsence") else args
        for value in hostile:
            for changed in replaced(json.loads(json.dumps(texts)), value):
                answer = run(w, field, changed)
                assert "errors" not in answer, (field, value, answer)
                assert answer["data"][field]["code"] in ("OK", "CONFLICT", "INVALID", "NOT_FOUND")
                tried += 1
                if field == "setAbsence":
                    w.pg.execute("DELETE FROM absence WHERE guild_id = %s", (w.guild,))
        run(w, field, args, token=w.graphqld.token if field in OWN else None)
    assert tried > 80
    assert w.rows("SELECT count(*) FROM pg_class") == tables
