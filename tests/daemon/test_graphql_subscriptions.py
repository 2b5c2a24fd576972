"""Subscriptions over Server-Sent Events: what is told, to whom, and how a stream ends."""

import json
import signal
import socket
import threading

import pytest

import harness
from test_graphqld import GUILD, T0, USER, Lane, act, member, sightings

CHANGES = "subscription { changes(lanes: [%s]) { kind guildId id } }"
ALL_LANES = CHANGES % ",".join(map(str, range(64)))
ACTIVITY = """subscription($g: Snowflake!) {
    activity(guildId: $g) { guildId members { userId lastSeenKind } } }"""
OTHER = "500000000000000002"


class Stream:
    """A subscription by a raw socket; reads chunked text/event-stream."""

    def __init__(self, graphqld, query, variables=None, token=None, accept="text/event-stream"):
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20 * harness.SLOWNESS)
        self.socket.connect(str(graphqld.conf.graphql_socket))
        self.socket.sendall(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                            b"Accept: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
                            % (accept.encode(), (token or graphqld.token).encode(), len(body)) + body)
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.decode().partition(": ")
            self.headers[name.lower()] = value
        self.text = ""
        if self.headers.get("transfer-encoding") == "chunked":
            assert self.event() is None  # the first comment: from here on nothing is missed

    def event(self):
        """The next block: (event, data); None for a comment; "end" at the end of the stream."""
        while "\n\n" not in self.text:
            size = int(self.file.readline(), 16)
            if size == 0:
                return "end"
            self.text += self.file.read(size).decode()
            self.file.readline()
        block, self.text = self.text.split("\n\n", 1)
        if block == ":":
            return None
        name, data = block.split("\n")
        assert name.startswith("event: ") and data.startswith("data:")
        data = data[5:].strip()
        return name[7:], json.loads(data) if data else None

    def next(self):
        while (event := self.event()) is None:
            pass
        assert event[0] == "next", event
        return event[1]

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def stream(graphqld):
    made = []

    def make(query, variables=None, token=None, **options):
        made.append(Stream(graphqld, query, variables, token, **options))
        return made[-1]

    yield make
    for s in made:
        s.close()


@pytest.fixture
def tokens(graphqld):
    made = {"read": graphqld.new_token("r", "read"),
            "one": graphqld.new_token("o", f"read:guild:{GUILD}")}
    graphqld.send(signal.SIGHUP)
    graphqld.log.wait_for("tokens")
    return made


def listeners(pg):
    return pg.execute("SELECT count(*) FROM pg_stat_activity"
                      " WHERE application_name = 'presence-graphqld-listener'")[0][0]


def test_changes_go_to_the_lanes_that_asked(stream, pg):
    lane = 7  # of no account: the answer says which of the two it is
    all_of_them, one = stream(ALL_LANES), stream(CHANGES % lane)
    rest = stream(CHANGES % ",".join(str(n) for n in range(64) if n != lane))
    told = []
    for guild in range(int(GUILD), int(GUILD) + 300):
        pg.execute("SELECT tell('SETTINGS', %s)", (guild,))
        told.append(str(guild))
        assert all_of_them.next() == {"data": {"changes": {
            "kind": "SETTINGS", "guildId": str(guild), "id": None}}}
    pg.execute("SELECT tell('USER_ERASED', NULL, 5)")  # every lane is concerned
    seen = []
    for s in (one, rest):
        seen.append([])
        while (change := s.next()["data"]["changes"])["kind"] == "SETTINGS":
            seen[-1].append(change["guildId"])
        assert change == {"kind": "USER_ERASED", "guildId": None, "id": "5"}
        assert seen[-1] == sorted(seen[-1])
    assert seen[0] and seen[1] and sorted(seen[0] + seen[1]) == told


def test_activity_of_a_guild(graphqld, stream, pg, tokens):
    lane = Lane(graphqld)
    lane.record(members=[member(bot=False, onRoster=True)])
    s = stream(ACTIVITY, {"g": GUILD}, tokens["one"])
    lane.record(sightings=sightings(act(T0, guild=OTHER, user="9"), act(T0 + 5, "TYPING")))
    assert s.next() == {"data": {"activity": {"guildId": GUILD, "members": [
        {"userId": USER, "lastSeenKind": "TYPING"}]}}}


def test_members_and_decisions(stream, pg, tokens):
    one = stream('subscription { memberStateChanged(guildId: "%s") { userId member { userId } } }'
                 % GUILD, token=tokens["one"])
    every = stream("subscription { decisionMade { guildId decisionId } }", token=tokens["read"])
    for guild in (OTHER, GUILD):
        pg.execute("SELECT tell('MEMBER', %s, 7), tell('DECISION', %s, 8)", (guild, guild))
    assert one.next() == {"data": {"memberStateChanged": {"userId": "7", "member": None}}}
    for guild in (OTHER, GUILD):
        assert every.next()["data"]["decisionMade"] == {"guildId": guild, "decisionId": "8"}


SET = """mutation($g: Snowflake!, $v: Int!, $c: [SettingChange!]!) {
  updateSettings(guildId: $g, version: $v, changes: $c) { code version errors } }"""
DECIDE = """mutation($g: Snowflake!, $d: [DecisionInput!]!) {
  recordDecisions(guildId: $g, decisions: $d) { code errors decisions { decisionId } } }"""


def test_what_mutations_change_is_told(graphqld, stream, pg, tokens):
    """What workers keep copies of, and decisions, as the mutations of this service change them."""
    Lane(graphqld).record(guilds=[{"guildId": GUILD, "at": T0, "name": "x"}])
    changes = stream(ALL_LANES)
    decisions = stream("subscription { decisionMade { guildId decisionId decision {"
                       " kind reason userId evidence } } }", token=tokens["read"])
    for version, value in enumerate(('"off"', None)):
        done = graphqld.query(SET, {"g": GUILD, "v": version,
                                    "c": [{"key": "mode", "value": value}]})
        assert done["data"]["updateSettings"]["code"] == "OK", done
        told = changes.next()["data"]["changes"]
        assert (told["kind"], told["guildId"]) == ("SETTINGS", GUILD)
    refused = graphqld.query(SET, {"g": GUILD, "v": 0, "c": [{"key": "mode", "value": '"on"'}]})
    assert refused["data"]["updateSettings"]["code"] == "CONFLICT"  # changes nothing, tells nothing
    pg.execute("SELECT tell('JOB', 5, 1)")
    assert changes.next()["data"]["changes"]["kind"] == "JOB"
    decision = {"kind": "FLAG", "userId": USER, "reason": "quiet", "evidence": {"lastActs": [], "protections": []}}
    done = graphqld.query(DECIDE, {"g": GUILD, "d": [decision]})["data"]["recordDecisions"]
    assert done["code"] == "OK", done
    told = decisions.next()["data"]["decisionMade"]
    assert told["decisionId"] == done["decisions"][0]["decisionId"]
    assert (told["decision"]["kind"], told["decision"]["reason"]) == ("FLAG", "quiet")
    assert told["decision"]["userId"] == USER and json.loads(told["decision"]["evidence"])


def test_what_was_undone_is_not_told(graphqld, stream, pg):
    """A mutation that fails when it is committed had told of its change before."""
    Lane(graphqld).record(guilds=[{"guildId": GUILD, "at": T0, "name": "x"}])
    changes = stream(ALL_LANES)
    pg.execute("CREATE FUNCTION presence.undo() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
               " RAISE EXCEPTION 'undone' USING ERRCODE = 'check_violation', CONSTRAINT = 'undo'; END $$;"
               " CREATE CONSTRAINT TRIGGER undo AFTER INSERT ON presence.setting_history"
               " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION presence.undo()")
    setting = {"g": GUILD, "v": 0, "c": [{"key": "mode", "value": '"on"'}]}
    failed = graphqld.query(SET, setting)
    assert failed["data"] == {"updateSettings": None}
    assert failed["errors"][0]["extensions"]["code"] == "CONSTRAINT"
    pg.execute("DROP TRIGGER undo ON presence.setting_history; SELECT tell('JOB', 5, 1)")
    assert changes.next()["data"]["changes"]["kind"] == "JOB"
    assert graphqld.query(SET, setting)["data"]["updateSettings"]["code"] == "OK"
    told = changes.next()["data"]["changes"]
    assert (told["kind"], told["guildId"]) == ("SETTINGS", GUILD)


def test_nothing_is_sent_while_nobody_listens(graphqld, stream, pg):
    """A listener of our own hears whether anything was notified at all."""
    ear = pg.connect()
    with ear.cursor() as cur:
        cur.execute("LISTEN presence")
    lane = Lane(graphqld)
    lane.record(sightings=sightings(act(T0)))
    pg.execute("SELECT tell('SETTINGS', 5)")
    s = stream(ALL_LANES)
    pg.execute("SELECT tell('SETTINGS', 6)")
    assert s.next()["data"]["changes"]["guildId"] == "6"
    lane.record(sightings=sightings(act(T0 + 1)))  # nobody listens to activity
    s.close()
    harness.wait_until(lambda: listeners(pg) == 0, 10, "the listening connection is closed")
    pg.execute("SELECT tell('SETTINGS', 7)")
    ear.poll()
    assert [n.payload for n in ear.notifies] == ["SETTINGS 6"]
    ear.close()


def test_two_services_on_one_database(graphqld, stream, pg):
    """What one of them writes the subscribers of the other hear."""
    directory = harness.new_dir()
    conf = harness.Conf(directory)
    second = harness.Graphqld(directory, conf, pg).prepare()
    second.start()
    try:
        reader = second.new_token("reader", "read")
        second.send(signal.SIGHUP)
        second.log.wait_for("tokens")
        first, other = stream(ALL_LANES), Stream(second, ACTIVITY, {"g": GUILD}, reader)
        lane = Lane(graphqld)
        lane.record(members=[member(bot=False, onRoster=True)], sightings=sightings(act(T0)))
        pg.execute("SELECT tell('JOB', %s, 3)", (GUILD,))
        assert other.next()["data"]["activity"]["members"][0]["userId"] == USER
        assert first.next()["data"]["changes"] == {"kind": "JOB", "guildId": GUILD, "id": "3"}
        other.close()
        second.stop()
        second.check_log()
    finally:
        second.abandon()


def test_a_transaction_under_way_is_not_missed(graphqld, stream, pg):
    """Who told before the subscription began ends before it begins."""
    teller = pg.connect()
    teller.autocommit = False
    with teller.cursor() as cur:
        cur.execute("SELECT tell('SETTINGS', 5)")
    began = []

    def subscribe():
        began.append(stream(ALL_LANES))

    thread = threading.Thread(target=subscribe)
    thread.start()
    harness.wait_until(lambda: pg.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                                          " AND NOT granted") == [(1,)], 10, "the listener waits")
    assert not began
    teller.commit()
    thread.join()
    pg.execute("SELECT tell('SETTINGS', 6)")
    assert began[0].next()["data"]["changes"]["guildId"] == "6"
    teller.close()


def test_refusals(graphqld, stream, tokens):
    def refused(query, status, code, **options):
        s = stream(query, **options)
        assert s.status == status
        answer = json.loads(s.file.read(int(s.headers["content-length"])))
        assert answer["errors"][0]["extensions"]["code"] == code, answer

    other = 'subscription { memberStateChanged(guildId: "%s") { userId } }' % OTHER
    refused(other, 403, "FORBIDDEN", token=tokens["one"])
    refused("subscription { memberStateChanged { userId } }", 403, "FORBIDDEN",
            token=tokens["one"])
    refused(ALL_LANES, 403, "FORBIDDEN", token=tokens["read"])
    refused(ALL_LANES, 401, "UNAUTHENTICATED", token="0" * 64)
    refused(ALL_LANES, 406, "NOT_ACCEPTABLE", accept="application/json")
    refused(ALL_LANES, 406, "NOT_ACCEPTABLE", accept="image/png")


def body_of(graphqld, query, accept="text/event-stream"):
    status, headers, data = harness.UnixHTTP(graphqld.conf.graphql_socket).request(
        "POST", "/graphql", json.dumps({"query": query}).encode(),
        {"Content-Type": "application/json", "Accept": accept,
         "Authorization": f"Bearer {graphqld.token}"})
    return status, headers["Content-Type"].split(";")[0], data.decode()


def test_other_operations_and_mistakes_as_a_stream(graphqld):
    """The protocol answers everything that gets as far as validation within the stream."""
    end = "\n\nevent: complete\ndata:\n\n"
    assert body_of(graphqld, "{ lanes(lanes: [1]) { lane } }") == (
        200, "text/event-stream",
        'event: next\ndata: {"data":{"lanes":[{"lane":1}]}}' + end)
    for wrong in ("{ nothing }", "subscription { changes(lanes: [64]) { kind } }", "{",
                  "subscription { __typename }"):
        status, kind, text = body_of(graphqld, wrong)
        assert (status, kind) == (200, "text/event-stream")
        assert text.startswith('event: next\ndata: {"errors":[') and text.endswith(end)


def test_shutdown_completes_streams(graphqld, stream):
    s = stream(ALL_LANES)
    graphqld.send(signal.SIGTERM)
    assert s.event() == ("complete", None)
    assert s.event() == "end"
    assert graphqld.wait() == 0
    graphqld.start()


def test_the_database_restarts(stream, pg):
    s = stream(ALL_LANES)
    pg.kill()
    assert s.next()["errors"][0]["extensions"]["code"] == "RESYNC"
    assert s.event() == ("complete", None)
    pg.start()


def test_a_token_that_is_taken_back(graphqld, stream, tokens):
    s = stream("subscription { decisionMade { guildId } }", token=tokens["read"])
    kept = stream(ALL_LANES)
    path = graphqld.conf.get("graphqld", "token_file")
    with open(path) as f:
        lines = [line for line in f if not line.startswith("r ")]
    with open(path, "w") as f:
        f.writelines(lines)
    graphqld.send(signal.SIGHUP)
    assert s.next()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert s.event() == ("complete", None)
    graphqld.stop()
    assert kept.event() == ("complete", None)
    graphqld.start()


def test_a_slow_subscriber_is_told_and_dropped(graphqld, stream, pg):
    """It reads nothing: what waits for it is bounded, and the others are not held up."""
    slow = stream(" ".join([ALL_LANES[:-4]] + [f"k{i}: kind" for i in range(400)]) + " } }")
    quick = stream(ALL_LANES)
    for n in range(400):
        pg.execute("SELECT tell('SETTINGS', %s)", (n + 1,))
        assert quick.next()["data"]["changes"]["guildId"] == str(n + 1)
    while (event := slow.event()) is None or event[0] == "next" and "data" in event[1]:
        pass
    assert event[1]["errors"][0]["extensions"]["code"] == "RESYNC"
    assert slow.event() == ("complete", None)
