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
