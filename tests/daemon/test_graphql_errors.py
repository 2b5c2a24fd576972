"""Errors of execution (section 6.4.4): what is null, how far up, and what a mutation leaves undone. That
graphql-js puts the same nulls into the same places is shown by test_graphql_served.py."""

import json
import signal

import pytest

from test_graphqld import T0, request

MODERN = "application/graphql-response+json"


def ask(w, document, token=None, **variables):
    status, answer, _ = request(
        w.graphqld, body=json.dumps({"query": document, "variables": variables}).encode(),
        token=token or w.admin, Accept=MODERN)
    return status, answer


def errors(answer):
    return [(e["path"], e["extensions"]["code"], e["locations"]) for e in answer["errors"]]


def place(document, what):
    return [{"line": 1, "column": document.index(what) + 1}]


@pytest.mark.parametrize("paging", ["first: -1", "first: 0", "last: 0", "first: 1, last: 1",
                                    "direction: $d"])
def test_a_field_that_cannot_be_executed(w, paging):
    """Its null goes up to the next value that may be null; what stands beside that is answered."""
    field = f"members({paging}) {{ nodes {{ userId }} }}"
    head = "query($d: Direction = ASC) " if "$d" in paging else ""
    document = f'{head}{{ guild(id: "{w.guild}") {{ id {field} }} service {{ __typename }} }}'
    status, answer = ask(w, document, d=None)
    at = [{"line": 1, "column": document.rindex("$d" if head else "members(") + 1}]
    assert status == 200
    assert answer["data"] == {"guild": None, "service": {"__typename": "Service"}}
    assert errors(answer) == [(["guild", "members"], "BAD_USER_INPUT", at)]

    document = f'{head}{{ service {{ __typename }} x: guilds({paging}) {{ nodes {{ id }} }} }}'
    status, answer = ask(w, document, d=None)
    assert (status, answer["data"]) == (200, None)  # no field above it may be null
    assert [e[0] for e in errors(answer)] == [["x"]]

    document = f"{head}{{ guilds {{ nodes {{ id {field} }} }} }}"
    status, answer = ask(w, document, d=None)
    assert (status, answer["data"]) == (200, None)
    assert [e[0] for e in errors(answer)] == [["guilds", "nodes", 0, "members"]]

    document = f'{head}{{ guild(id: "4") {{ id {field} }} }}'
    status, answer = ask(w, document, d=None)
    assert (status, answer) == (200, {"data": {"guild": None}})  # never reached


REFUSED = {
    'members(after: "x")': "after: expected a cursor of this list",
    "members(before: $own, last: 1)": "before: expected a cursor of this list",
    "channels(after: $own)": "after: expected a cursor of this list",
    "members(orderBy: IDLE, after: $own)": "after: expected a cursor of this list",
    "members(filter: {observedIdleMs: -1})": "observedIdleMs: expected 0 to 10000000000000",
    "channels(filter: {quietDays: 0})": "quietDays: expected 1 to 400",
}


@pytest.mark.parametrize("field", REFUSED)
def test_what_only_the_database_can_judge(w, field):
    """And what its types do not say: refused in its place, as in the test before."""
    data = ask(w, f'{{ members(guildId: "{w.guild}") {{ edges {{ cursor }} }} }}')[1]["data"]
    own = data["members"]["edges"][0]["cursor"]
    if field.startswith("members(before"):
        own = own[:-1] + ("A" if own[-1] != "A" else "B")  # one that was tampered with
    head = "query($own: String) " if "$own" in field else ""
    document = f'{head}{{ g: guild(id: "{w.guild}") {{ id {field} {{ totalCount }} }} service {{ now }} }}'
    status, answer = ask(w, document, own=own)
    assert status == 200
    assert answer["data"]["g"] is None and answer["data"]["service"]["now"]
    assert errors(answer) == [(["g", field.split("(")[0]], "BAD_USER_INPUT", place(document, field))]
    assert answer["errors"][0]["message"] == REFUSED[field]

    document = f"{head}{{ guilds {{ nodes {{ id a: {field} {{ totalCount }} }} }} }}"
    status, answer = ask(w, document, own=own)
    assert (status, answer["data"]) == (200, None)
    assert errors(answer) == [(["guilds", "nodes", 0, "a"], "BAD_USER_INPUT", place(document, "a: "))]


@pytest.mark.parametrize("arguments", ['timeZone: "Mars/Olympus"', "days: 0", "days: 401"])
def test_figures_that_cannot_be_made(w, arguments):
    document = f'{{ service {{ now }} d: dailyCounts(guildId: "{w.guild}", {arguments}) {{ day }} }}'
    status, answer = ask(w, document)
    assert (status, answer["data"]) == (200, None)
    assert errors(answer) == [(["d"], "BAD_USER_INPUT", place(document, "d: "))]


def test_a_cursor_that_is_none_undoes_no_mutation(w):
    document = ('mutation { updateGuild(guildId: "%s", patch: {name: "refused"}) { success guild { name'
                ' members(after: "?") { totalCount } } } }' % w.guild)
    status, answer = ask(w, document)
    assert (status, answer["data"]) == (200, {"updateGuild": {"success": True, "guild": None}})
    assert [e[0] for e in errors(answer)] == [["updateGuild", "guild", "members"]]
    assert w.rows("SELECT name FROM guild WHERE guild_id = %s", w.guild) == [("refused",)]


# What is greatest and least of each type, where a field or a filter takes one.
EXTREMES = {"Int": ["-2147483648", "2147483647"], "BigInt": ['"-9223372036854775808"', '"9223372036854775807"'],
            "Snowflake": ['"0"', '"18446744073709551615"'],
            "DateTime": ['"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59.999Z"'],
            "String": ['""', '"%_\\\\"', json.dumps("\U0010ffff" * 100)], "Boolean": ["true", "false"]}


def named(type_):
    while type_.get("ofType"):
        type_ = type_["ofType"]
    return type_


def values(type_, inputs):
    """Literals for an argument; of an input object each field by itself."""
    name = named(type_)["name"]
    if name in inputs:
        return [f"{{{f['name']}: {v}}}" for f in inputs[name] for v in values(f["type"], {})]
    return EXTREMES.get(name, [])


TYPES = """{ __schema { types { kind name inputFields { name type { ...T } } fields { name
  args { name type { ...T } } type { ...T } } } } }
  fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"""


def test_no_value_that_a_type_allows_is_the_databases_to_refuse(w):
    """Each argument of a root field alone at its least and greatest: answered, or refused by name."""
    types = {t["name"]: t for t in ask(w, TYPES)[1]["data"]["__schema"]["types"]}
    inputs = {n: t["inputFields"] for n, t in types.items() if t["kind"] == "INPUT_OBJECT"}
    n = 0
    for field in types["Query"]["fields"]:
        if any(named(a["type"])["name"] not in ("Snowflake", "BigInt") and a["type"]["kind"] == "NON_NULL"
               and a["name"] not in ("days", "timeZone", "orderBy", "direction") for a in field["args"]):
            continue  # the workers' own
        selection = " { __typename }" if types[named(field["type"])["name"]]["fields"] else ""
        if {"nodes", "edges"} <= {f["name"] for f in types[named(field["type"])["name"]]["fields"] or []}:
            selection = " { totalCount nodes { __typename } pageInfo { endCursor } }"
        needed = {a["name"]: f'"{w.guild}"' for a in field["args"]
                  if a["type"]["kind"] == "NON_NULL" and named(a["type"])["name"] in ("Snowflake", "BigInt")}
        for argument in field["args"]:
            for value in values(argument["type"], inputs):
                n += 1
                given = ", ".join(f"{k}: {v}" for k, v in {**needed, argument["name"]: value}.items())
                answer = ask(w, f"{{ {field['name']}({given}){selection} }}")[1]
                codes = {e["extensions"]["code"] for e in answer.get("errors", [])}
                assert codes <= {"BAD_USER_INPUT"} or codes == {"LIMIT_COST"}, (given, answer)
    assert n > 150


@pytest.mark.parametrize("field", ['members(guildId: "%s", filter: {name: $t})',
                                   'members(guildId: "%s", after: $t)',
                                   'heatmap(guildId: "%s", timeZone: $t)'])
def test_a_text_that_no_text_can_hold(w, field):
    """U+0000: not cut there, which would make another text of it."""
    selection = "{ totalCount }" if field.startswith("members") else "{ acts }"
    document = "query($t: String!) { x: %s %s }" % (field % w.guild, selection)
    status, answer = ask(w, document, t="UTC\0zzz")
    assert (status, answer["data"]) == (200, None)
    assert [e[:2] for e in errors(answer)] == [(["x"], "BAD_USER_INPUT")]
    assert "U+0000" in answer["errors"][0]["message"]


def test_introspection_fails_alike(w):
    document = ('query($n: String = "x", $d: Boolean = true) { a: __type(name: $n) { name } b: __type('
                'name: "Guild") { name fields(includeDeprecated: $d) { name } } c: __typename }')
    status, answer = ask(w, document, n=None, d=None)
    assert status == 200
    assert answer["data"] == {"a": None, "b": {"name": "Guild", "fields": None}, "c": "Query"}
    assert [e[0] for e in errors(answer)] == [["a"], ["b", "fields"]]


def test_what_follows_a_mutation_that_may_not_be_null_is_left_undone(w):
    """data is null, and what came before stays done: without its answer nobody would know what followed."""
    both = w.graphqld.new_token("both", "admin,ingest")
    position = w.graphqld.log.position()
    w.graphqld.send(signal.SIGHUP)
    w.graphqld.log.wait_for("tokens", since=position)
    rename = 'updateGuild(guildId: "%s", patch: {name: "%s"}) { success }'
    status, answer = ask(w, "mutation { a: %s b: claimLanes(lanes: [64], epoch: 1) { lane } c: %s }" % (
        rename % (w.guild, "before"), rename % (w.guild, "behind")), token=both)
    assert (status, answer["data"]) == (200, None)
    assert [e[:2] for e in errors(answer)] == [(["b"], "BAD_USER_INPUT")]
    assert w.rows("SELECT name FROM guild WHERE guild_id = %s", w.guild) == [("before",)]

    batch = "{lane: 0, epoch: 1, from: 0, to: 1, sessions: [], present: [%s]}" % ", ".join(
        [f"{{guildId: 7, userId: 7, until: {T0}}}"] * 2)
    status, answer = ask(w, "mutation { recordSightings(batches: [%s]) { code } c: %s }" % (
        batch, rename % (w.guild, "behind")), token=both)
    assert (status, answer["data"]) == (200, None)
    assert w.rows("SELECT name FROM guild WHERE guild_id = %s", w.guild) == [("before",)]


def test_a_mutation_is_done_although_its_answer_cannot_be_told(w):
    document = ('mutation { updateGuild(guildId: "%s", patch: {name: "told"}) { success guild { name'
                ' members(first: 0) { totalCount } } } }' % w.guild)
    status, answer = ask(w, document)
    assert (status, answer["data"]) == (200, {"updateGuild": {"success": True, "guild": None}})
    assert errors(answer) == [(["updateGuild", "guild", "members"], "BAD_USER_INPUT",
                               place(document, "members"))]
    assert w.rows("SELECT name FROM guild WHERE guild_id = %s", w.guild) == [("told",)]
