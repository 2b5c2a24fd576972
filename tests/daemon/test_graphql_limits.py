"""Every limit of one request: what is at it is served, what is one above it is refused by name."""

import json
import shutil
import socket
import threading

import pytest

import harness
from conftest import run
from test_graphqld import T0, USER, Lane, act, code, sightings

COST = 1000


class Door:
    """A service that all tests of this file share, and tokens for it."""

    def __init__(self, graphqld, pg):
        self.graphqld = graphqld
        self.pg = pg
        self.tokens = {"ingest": graphqld.token, "admin": graphqld.new_token("a", "admin"),
                       "read": graphqld.new_token("r", "read")}

    def post(self, body, token="read"):
        status, _, data = harness.UnixHTTP(self.graphqld.conf.graphql_socket).request(
            "POST", "/graphql", body, {"Content-Type": "application/json",
                                       "Accept": "application/graphql-response+json",
                                       "Authorization": f"Bearer {self.tokens[token]}"})
        return status, json.loads(data)

    def ask(self, query, token="read", **variables):
        return self.post(json.dumps({"query": query, "variables": variables}).encode(), token)


@pytest.fixture(scope="module")
def door():
    path = harness.new_dir()
    pg = harness.Postgres(path)
    pg.start()
    try:
        conf = harness.Conf(path, graphqld={"max_cost": COST}).save()
        graphqld = harness.Graphqld(path, conf, pg).prepare()
        made = Door(graphqld, pg)
        for _ in run(graphqld):
            yield made
        pg.stop()
    finally:
        pg.abandon()
    shutil.rmtree(path, ignore_errors=True)


def aliases(n, field):
    return " ".join(f"a{i}: {field}" for i in range(n))


def nested(n):
    """Depth n, introspection not alone."""
    return "{ service { version } __schema { queryType { " + "ofType { " * (n - 3) + "name " \
        + "} " * n


# (what is at the limit, what is one above, the code, what the message says)
DOCUMENTS = {
    "document": ("{ service { version } }" + " " * (262144 - 23),
                 "{ service { version } }" + " " * (262144 - 22),
                 "LIMIT_DOCUMENT", "262145 bytes; the limit is 262144"),
    "tokens": (f"query($a: [Int!] = [{'0 ' * 9981}]) {{ service {{ version }} }}",
               f"query($a: [Int!] = [{'0 ' * 9982}]) {{ service {{ version }} }}",
               "LIMIT_TOKENS", "more than 10000 tokens"),
    "nesting": ("{ service { version } a(b: " + "[" * 98 + "]" * 98 + ") }",
                "{ service { version } a(b: " + "[" * 99 + "]" * 99 + ") }",
                "LIMIT_NESTING", "deeper than 100"),
    "directives": ("{ service { %s } }" % aliases(500, "version @skip(if: false)"),
                   "{ service @skip(if: false) { %s } }" % aliases(500, "version @skip(if: false)"),
                   "LIMIT_DIRECTIVES", "501, is above the limit of 500"),
    "aliases": ("{ service { %s } }" % aliases(500, "version"),
                "{ service { %s } }" % aliases(501, "version"),
                "LIMIT_ALIASES", "501 is above the limit of 500"),
    "roots": ("{ %s }" % aliases(500, "__typename"), "{ %s __typename }" % aliases(500, "__typename"),
              "LIMIT_ROOTS", "501 is above the limit of 500"),
    "depth": (nested(15), nested(16), "LIMIT_DEPTH", "16 is above the limit of 15"),
    "cost": ("{ guilds(first: %d) { nodes { id } } }" % (COST - 2),
             "{ guilds(first: %d) { nodes { id } } }" % (COST - 1),
             "LIMIT_COST", f"the cost, {COST + 1}, is above the limit of {COST}"),
    "arguments": ("{ %s }" % aliases(250, 'member(guildId: "1", userId: "1") { userId }'),
                  "{ %s guild(id: 1) { id } }" % aliases(
                      250, 'member(guildId: "1", userId: "1") { userId }'),
                  "LIMIT_ARGUMENTS", "more than 500 arguments"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(door, name):
    at, above, wanted, words = DOCUMENTS[name]
    status, answer = door.ask(at, "admin")
    # what is not valid for another reason has passed the limit, too
    assert "data" in answer or code(answer) == "GRAPHQL_VALIDATION_FAILED", answer
    assert "LIMIT" not in json.dumps(answer)
    status, answer = door.ask(above, "admin")
    assert (status, [e["extensions"]["code"] for e in answer["errors"]]) == (400, [wanted])
    assert words in answer["errors"][0]["message"]


def test_cost_of_variables_and_of_workers(door):
    query = "query($n: Int) { guilds(first: $n) { nodes { id } } }"
    assert "data" in door.ask(query)[1]  # a page of 50
    assert "data" in door.ask(query, n=COST - 2)[1]
    assert code(door.ask(query, n=COST - 1)[1]) == "LIMIT_COST"
    keys = [{"guildId": "1", "userId": str(i + 1)} for i in range(1000)]
    seeds = "query($k: [MemberKey!]!) { memberSeeds(keys: $k) { userId bot } }"
    assert door.ask(seeds, "ingest", k=keys)[1]["data"] == {"memberSeeds": []}


def padded(size, query, **variables):
    body = {"query": query, "variables": variables, "extensions": {"pad": ""}}
    body["extensions"]["pad"] = "x" * (size - len(json.dumps(body)))
    return json.dumps(body).encode()


def test_bodies(door):
    plain, claim = "{ service { version } }", "mutation { claimLanes(lanes: [], epoch: 1) { lane } }"
    for query, token in ((plain, "read"), (plain, "ingest")):
        status, answer = door.post(padded(2 << 20, query), token)
        assert status == 200 and "data" in answer, answer
        status, answer = door.post(padded((2 << 20) + 1, query), token)
        assert (status, code(answer)) == (413, "LIMIT_BODY")
        assert str(2 << 20) in answer["errors"][0]["message"]
    status, answer = door.post(padded(4 << 20, claim), "ingest")
    assert status == 200 and "data" in answer, answer
    with socket.socket(socket.AF_UNIX) as s:  # refused by its head, before the rest is sent
        s.settimeout(20 * harness.SLOWNESS)
        s.connect(str(door.graphqld.conf.graphql_socket))
        s.sendall(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
                  % ((4 << 20) + 1))
        head, _, body = s.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413") and code(json.loads(body)) == "LIMIT_BODY"


def test_depth_of_variables(door):
    def deep(n):
        body = b'{"query":"{ service { version } }","variables":{"x":%s%s}}'
        return door.post(body % (b"[" * n, b"]" * n))

    assert "data" in deep(63)[1]  # the object of variables is the first level
    status, answer = deep(64)
    assert (status, code(answer)) == (400, "LIMIT_VARIABLES")
    assert "nested deeper than 6" in answer["errors"][0]["message"]


def test_a_batch(door):
    lane = Lane(door.graphqld, lane=3)
    rows = sightings(*[act(T0 + i * 60000) for i in range(5001)])
    refused = lane.send(lane.batch(sightings=rows))
    assert code(refused) == "LIMIT_BATCH" and "5000" in refused["errors"][0]["message"]
    lane.record(sightings={name: column[:5000] for name, column in rows.items()})
    assert door.pg.execute("SELECT count(*) FROM activity WHERE user_id = %s", (USER,))[0][0] == 5000


def test_headers(door):
    def status_of(size):
        head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Pad: "
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20 * harness.SLOWNESS)
            s.connect(str(door.graphqld.conf.graphql_socket))
            s.sendall(head + b"x" * (size - len(head) - 4) + b"\r\n\r\n")
            return int(s.makefile("rb").readline().split()[1])

    assert status_of(16384) == 200
    assert status_of(32768) == 431


def test_waiting_for_a_connection(door):
    """Six connections are kept busy for as long as locks are waited for, and six more requests stand
    behind them: who comes then is told so, and does not wait for ever."""
    holder = door.pg.connect()
    holder.autocommit = False
    with holder.cursor() as cur:
        cur.execute("LOCK TABLE guild IN ACCESS EXCLUSIVE MODE")
    answers = []

    def ask():
        answers.append(door.ask("{ guilds { nodes { id } } }")[1])

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for t in threads:
        t.start()
    harness.wait_until(lambda: door.pg.execute(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'guild'::regclass")
        == [(6,)], 20, "every connection waits")
    status, answer = door.ask("{ service { schemaVersion } }")
    assert (status, code(answer)) == (503, "TIMEOUT")
    assert "no connection to the database was free" in answer["errors"][0]["message"]
    holder.rollback()
    holder.close()
    for t in threads:
        t.join()
    refused = [code(a) for a in answers if "errors" in a]
    assert len(refused) >= 6 and set(refused) == {"UNAVAILABLE"}  # the lock was not to be had
    assert "data" in door.ask("{ service { schemaVersion } }")[1]


def test_subscriptions(door):
    """A thousand streams at a time; the next one is refused until one of them ends."""
    body = json.dumps({"query": "subscription { decisionMade { decisionId } }"}).encode()
    head = (b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Accept: text/event-stream\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
            % (door.tokens["read"].encode(), len(body)))
    streams = []

    def subscribe():
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(30 * harness.SLOWNESS)
        s.connect(str(door.graphqld.conf.graphql_socket))
        s.sendall(head + body)
        return s

    def status(s):
        return int(s.recv(4096).split()[1])

    try:
        for _ in range(10):
            streams += [subscribe() for _ in range(100)]
            assert {status(s) for s in streams[-100:]} == {200}
        with subscribe() as one:
            assert '"code":"LIMIT_SUBSCRIPTIONS"' in one.recv(4096).decode()
        streams.pop().close()

        def served():
            streams.append(subscribe())
            return status(streams[-1]) == 200

        harness.wait_until(served, 20, "a place is free again")
    finally:
        for s in streams:
            s.close()
