"""presence-graphqld against a real PostgreSQL: batches exactly once, what each column means, reads,
scopes, bad requests, an absent database."""

import itertools
import json
import signal
import subprocess
import threading
import urllib.parse

import pytest

import harness

RECORD = (harness.SOURCE_DIR / "graphql/operations/RecordSightings.graphql").read_text()
LANES = """query Lanes($lanes: [Int!]!) {
  lanes(lanes: $lanes) { lane epoch position sessions { session seq } }
}
"""
CLAIM = (harness.SOURCE_DIR / "graphql/operations/ClaimLanes.graphql").read_text()
MEMBER_SEEDS = (harness.SOURCE_DIR / "graphql/operations/MemberSeeds.graphql").read_text()
GUILD_SEEDS = (harness.SOURCE_DIR / "graphql/operations/GuildSeeds.graphql").read_text()

T0 = 1_780_000_020_000  # a whole minute of 2026
MINUTE = 60_000
HOUR = 60 * MINUTE
GUILD, USER, CHANNEL = "500000000000000001", "600000000000000001", "700000000000000001"


class Lane:
    """A lane as a worker keeps it: the position moves when a batch was applied."""

    def __init__(self, graphqld, lane=3, epoch=7):
        self.graphqld, self.lane, self.epoch, self.position = graphqld, lane, epoch, 0

    def batch(self, length=1, sessions=(), **sections):
        return {"lane": self.lane, "epoch": str(self.epoch), "from": str(self.position),
                "to": str(self.position + length),
                "sessions": [{"session": str(s), "seq": str(q)} for s, q in sessions], **sections}

    def send(self, batch):
        """The answer, with what concerns this lane in the place of the list."""
        answer = self.graphqld.query(RECORD, {"batches": [batch]})
        if answer.get("data"):
            answer["data"]["recordSightings"], = answer["data"]["recordSightings"]
        return answer

    def record(self, **sections):
        answer = self.send(self.batch(**sections))
        result = answer["data"]["recordSightings"]
        assert result["code"] == "APPLIED", result
        self.position = int(result["position"])
        return result


def sightings(*rows):
    """rows: (at, kind, then any of guild, user, channel, count, last, counted by name)"""
    columns = {k: [] for k in ("guildId", "userId", "channelId", "kind", "count", "firstAt",
                               "lastAt", "counted")}
    for at, kind, options in rows:
        columns["guildId"].append(options.get("guild", GUILD))
        columns["userId"].append(options.get("user", USER))
        columns["channelId"].append(options.get("channel", CHANNEL))
        columns["kind"].append(kind)
        columns["count"].append(options.get("count", 1))
        columns["firstAt"].append(at)
        columns["lastAt"].append(options.get("last", at))
        columns["counted"].append(options.get("counted", True))
    return columns


def act(at, kind="MESSAGE", **options):
    return (at, kind, options)


@pytest.fixture
def lane(graphqld):
    return Lane(graphqld)


@pytest.fixture
def reader(graphqld):
    token = graphqld.new_token("people", "read")
    graphqld.send(signal.SIGHUP)
    graphqld.log.wait_for("tokens")

    def read(query, variables=None):
        answer = graphqld.query(query, variables, token=token)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    return read


def ms(pg, sql, *args):
    rows = pg.execute(sql, args)
    return tuple(None if v is None else int(v.timestamp() * 1000 + 0.5) if hasattr(v, "timestamp")
                 else v for v in rows[0])


# --- exactly once ---------------------------------------------------------------------------------

def test_a_batch_is_applied_once(lane, pg):
    batch = lane.batch(length=10, sessions=[(1, 5)], sightings=sightings(act(T0)))
    assert lane.send(batch)["data"]["recordSightings"] == {
        "code": "APPLIED", "epoch": "7", "position": "10"}
    for _ in range(2):
        assert lane.send(batch)["data"]["recordSightings"] == {
            "code": "POSITION", "epoch": "7", "position": "10"}
    assert pg.execute("SELECT sum(count)::int FROM activity") == [(1,)]
    assert pg.execute("SELECT session, appended FROM lane_session WHERE lane = 3") == [(1, 5)]


@pytest.mark.parametrize("start", [9, 11])
def test_a_gap_or_an_overlap_changes_nothing(lane, pg, start):
    lane.record(length=10, sessions=[(1, 5)])
    lane.position = start
    batch = lane.batch(length=5, sessions=[(1, 9)], sightings=sightings(act(T0)),
                       guilds=[{"guildId": GUILD, "at": T0}])
    assert lane.send(batch)["data"]["recordSightings"] == {
        "code": "POSITION", "epoch": "7", "position": "10"}
    assert pg.execute("SELECT count(*) FROM activity") == [(0,)]
    assert pg.execute("SELECT count(*) FROM guild") == [(0,)]
    assert pg.execute("SELECT appended FROM lane_session") == [(5,)]


def test_epochs(lane, pg):
    lane.record(length=10)
    lane.epoch, lane.position = 8, 10
    assert lane.send(lane.batch())["data"]["recordSightings"]["code"] == "POSITION"
    lane.position = 0
    assert lane.record(length=4)["epoch"] == "8"
    lane.epoch, lane.position = 7, 10
    assert lane.send(lane.batch(sightings=sightings(act(T0)), claim="8"))[
        "data"]["recordSightings"] == {"code": "EPOCH", "epoch": "8", "position": "4"}
    assert pg.execute("SELECT epoch, position FROM lane") == [(8, 4)]
    assert pg.execute("SELECT count(*) FROM activity") == [(0,)]


def claim(graphqld, epoch, *lanes):
    answer = graphqld.query(CLAIM, {"lanes": list(lanes), "epoch": str(epoch)})
    return answer["data"]["claimLanes"]


def test_a_claim_keeps_earlier_epochs_out(lane, graphqld, pg):
    """What an earlier epoch sends of its own is refused; what it left behind is taken from a later
    one's hand, by position; claiming again, or an earlier epoch's claim, changes nothing."""
    lane.record(length=10, sessions=[(1, 5)])
    stood = [{"lane": 9, "epoch": None, "position": "0", "sessions": []},
             {"lane": 3, "epoch": "7", "position": "10", "sessions": [{"session": "1", "seq": "5"}]}]
    for epoch in (8, 8, 6):
        assert claim(graphqld, epoch, 9, 3) == stood
    batch = lane.batch(sessions=[(1, 6)], sightings=sightings(act(T0)))
    assert lane.send(batch)["data"]["recordSightings"] == {
        "code": "CLAIMED", "epoch": "7", "position": "10"}
    assert lane.send(dict(batch, **{"from": "9"}, claim="7"))["data"]["recordSightings"][
        "code"] == "CLAIMED"
    assert claim(graphqld, 8, 9, 3) == stood
    for code in ("APPLIED", "POSITION"):
        assert lane.send(dict(batch, claim="8"))["data"]["recordSightings"] == {
            "code": code, "epoch": "7", "position": "11"}
    lane.epoch, lane.position = 8, 0
    assert lane.record(sightings=sightings(act(T0 + 1)))["epoch"] == "8"
    assert pg.execute("SELECT sum(count)::int FROM activity") == [(2,)]


def test_a_claim_awaits_a_batch_under_way(lane, graphqld, pg):
    """The batch waits in its transaction: the claim's answer holds what it commits."""
    lane.record(length=10, sessions=[(1, 5)])
    answers = []
    with pg.connect() as holder:
        holder.autocommit = False
        holder.cursor().execute("LOCK TABLE activity")
        batch = lane.batch(sessions=[(1, 6)], sightings=sightings(act(T0)))
        threads = [threading.Thread(target=lambda: answers.append(lane.send(batch)))]
        threads[0].start()
        harness.wait_until(lambda: waiting(pg) == 1, 20, "the batch waits")
        threads.append(threading.Thread(target=lambda: answers.append(claim(graphqld, 8, 3))))
        threads[1].start()
        harness.wait_until(lambda: waiting(pg) == 2, 20, "the claim waits")
    for t in threads:
        t.join()
    assert answers[0]["data"]["recordSightings"]["code"] == "APPLIED"
    assert answers[1] == [{"lane": 3, "epoch": "7", "position": "11",
                           "sessions": [{"session": "1", "seq": "6"}]}]


def test_lanes_are_locked_in_their_order(lane, graphqld, pg):
    """Whatever order the batches of a request have: two that lock several lanes, a claim among them,
    cannot wait for each other."""
    claim(graphqld, 7, 3, 9)
    batches = [dict(lane.batch(sightings=sightings(act(T0 + n))), lane=n) for n in (9, 3)]
    answers = []

    def send():
        answers.append(graphqld.query(RECORD, {"batches": batches}))

    with pg.connect() as holder:
        holder.autocommit = False
        holder.cursor().execute("SELECT FROM lane WHERE lane = 3 FOR UPDATE")
        thread = threading.Thread(target=send)
        thread.start()
        harness.wait_until(lambda: waiting(pg) == 1, 20, "the batch of lane 3 waits")
        free = pg.execute("SELECT lane FROM lane FOR UPDATE SKIP LOCKED")
        assert free == [(9,)], "the lane behind it is not locked yet"
    thread.join()
    assert [r["code"] for r in answers[0]["data"]["recordSightings"]] == ["APPLIED"] * 2


def waiting(pg):
    return pg.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                      " AND datname = current_database()")[0][0]


@pytest.mark.parametrize("lanes", [[64], [-1, 3]])
def test_claims_of_lanes_that_do_not_exist(graphqld, lanes):
    answer = graphqld.query(CLAIM, {"lanes": lanes, "epoch": "8"})
    assert code(answer) == "BAD_USER_INPUT" and answer["errors"][0]["path"] == ["claimLanes"]


def test_a_lane_nobody_knows_begins_at_0(lane):
    lane.position = 3
    assert lane.send(lane.batch())["data"]["recordSightings"]["code"] == "POSITION"
    lane.position = 0
    lane.record()


def test_all_or_nothing(lane, pg, graphqld):
    """The last section fails in the database: nothing of the sections before it stays."""
    graphqld.expect_error("pg_refused")
    pg.execute("ALTER TABLE coverage ADD CONSTRAINT no_seven CHECK (guild_id <> 7)")
    refused = [{**edge(T0, True), "guildId": "7"}]
    answer = lane.send(lane.batch(sightings=sightings(act(T0)), coverage=refused))
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert pg.execute("SELECT count(*) FROM activity") == [(0,)]
    assert pg.execute("SELECT count(*) FROM lane") == [(0,)]
    lane.record(sightings=sightings(act(T0)))


def test_lanes_in_parallel_are_exact(graphqld, pg):
    """Many lanes at once, each batch sent twice."""
    errors = []

    def run(number):
        try:
            lane = Lane(graphqld, lane=number)
            for i in range(10):
                batch = lane.batch(sightings=sightings(
                    *(act(T0 + i, user=str(1000 + u), guild=str(number + 1)) for u in range(20))))
                lane.send(batch)
                assert lane.send(batch)["data"]["recordSightings"]["code"] == "POSITION"
                lane.position += 1
        except BaseException as e:  # noqa: B902 - shown below
            errors.append(e)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    assert pg.execute("SELECT count(*), sum(count)::int, max(count) FROM activity") == [
        (12 * 20, 12 * 20 * 10, 10)]


def test_batches_of_one_request(graphqld, pg):
    """Each lane has its own answer; what one lane has already does not hold up the others."""
    lanes = [Lane(graphqld, lane=n) for n in range(3)]

    def send(*numbers):
        answer = graphqld.query(RECORD, {"batches": [
            lanes[n].batch(sessions=[(9, 5)], sightings=sightings(act(T0, guild=str(n + 1))),
                           guilds=[{"guildId": str(n + 1), "at": T0}]) for n in numbers]})
        return [(r["code"], r["position"]) for r in answer["data"]["recordSightings"]]

    def counts():
        return pg.execute("SELECT guild_id, sum(count)::int FROM activity GROUP BY 1 ORDER BY 1")

    assert send() == []
    assert send(1) == [("APPLIED", "1")]
    assert send(0, 1, 2) == [("APPLIED", "1"), ("POSITION", "1"), ("APPLIED", "1")]
    assert counts() == [(1, 1), (2, 1), (3, 1)]
    lanes[2].position = lanes[0].position = 1
    lanes[1].epoch = 6
    assert send(2, 1, 0) == [("APPLIED", "2"), ("CLAIMED", "1"), ("APPLIED", "2")]
    assert counts() == [(1, 2), (2, 1), (3, 2)]
    assert pg.execute("SELECT count(*), min(appended) FROM lane_session") == [(3, 5)]


def test_a_request_with_one_bad_batch_applies_none(graphqld, pg):
    good, bad = Lane(graphqld, lane=1), Lane(graphqld, lane=2)
    answer = graphqld.query(RECORD, {"batches": [
        good.batch(sightings=sightings(act(T0))),
        bad.batch(sightings=dict(sightings(act(T0, guild="7")), count=[-1]))]})
    assert code(answer) == "BAD_USER_INPUT"
    assert "batches[1]: sightings.count[0]" in answer["errors"][0]["message"]
    assert pg.execute("SELECT count(*) FROM activity") == [(0,)]
    good.record(sightings=sightings(act(T0)))


def test_what_the_tables_refuse_is_told_and_the_rest_is_exact(graphqld, pg):
    """One batch fails inside PostgreSQL: after the error each lane stands where it was applied."""
    pg.execute("ALTER TABLE guild ADD CONSTRAINT no_seven CHECK (guild_id <> 7)")
    graphqld.expect_error("pg_refused")
    lanes = [Lane(graphqld, lane=n) for n in range(3)]
    batches = [lane.batch(guilds=[{"guildId": str(6 + lane.lane), "at": T0}]) for lane in lanes]
    answer = graphqld.query(RECORD, {"batches": batches})
    assert code(answer) == "INTERNAL"
    assert lanes[0].send(batches[0])["data"]["recordSightings"]["code"] in ("POSITION", "APPLIED")
    assert code(lanes[1].send(batches[1])) == "INTERNAL"
    assert lanes[2].send(batches[2])["data"]["recordSightings"]["code"] in ("POSITION", "APPLIED")
    assert pg.execute("SELECT guild_id FROM guild ORDER BY 1") == [(6,), (8,)]


@pytest.mark.parametrize("field, entry", [
    ("members", {"at": T0}),
    ("present", {"until": T0}),
])
def test_a_member_stands_once_in_a_list(lane, pg, field, entry):
    """Which of two entries is the later state is not said: the first that repeats one is named."""
    members = [(GUILD, USER), (GUILD, "8"), ("7", USER), (GUILD, "8"), (GUILD, USER)]
    rows = [{"guildId": guild, "userId": user, **entry} for guild, user in members]
    answer = lane.send(lane.batch(sightings=sightings(act(T0)), **{field: rows}))
    assert code(answer) == "BAD_USER_INPUT"
    assert f"batches[0]: {field}[3]: the same member as {field}[1]" \
        in answer["errors"][0]["message"]
    assert pg.execute("SELECT count(*) FROM activity") == [(0,)]
    lane.record(sightings=sightings(act(T0)), **{field: rows[:3]})
    assert pg.execute("SELECT count(*) FROM member") == [(3,)]


# --- sightings ------------------------------------------------------------------------------------

def test_rows_add_up(lane, pg):
    lane.record(sightings=sightings(act(T0 + 5000, count=2, last=T0 + 9000),
                                    act(T0 + 1000, "TYPING", counted=False, channel=None)))
    lane.record(sightings=sightings(act(T0 + 2000, count=3, last=T0 + 7000),
                                    act(T0 + MINUTE)))
    rows = pg.execute("SELECT channel_id, kind, count, unix_ms(minute), unix_ms(first_at),"
                      " unix_ms(last_at) FROM activity ORDER BY kind, minute")
    assert rows == [(int(CHANNEL), 1, 5, T0, T0 + 2000, T0 + 9000),
                    (int(CHANNEL), 1, 1, T0 + MINUTE, T0 + MINUTE, T0 + MINUTE),
                    (0, 9, 1, T0, T0 + 1000, T0 + 1000)]


def test_one_key_twice_in_a_batch(lane, pg):
    """Counted and not counted are one row of activity."""
    lane.record(sightings=sightings(act(T0, "THREAD_JOIN"),
                                    act(T0 + 9, "THREAD_JOIN", counted=False)))
    assert pg.execute("SELECT count, unix_ms(last_at) FROM activity") == [(2, T0 + 9)]
    assert ms(pg, "SELECT last_seen, last_counted FROM last_seen") == (T0 + 9, T0)


def test_last_seen_and_last_counted_are_maxima(lane, pg):
    def row():
        return ms(pg, "SELECT last_seen, last_seen_kind, last_counted, last_counted_kind,"
                      " last_channel FROM last_seen")

    lane.record(sightings=sightings(act(T0, "TYPING", counted=False)))
    assert row() == (T0, 9, None, None, int(CHANNEL))
    lane.record(sightings=sightings(act(T0 - HOUR, "MESSAGE", channel="1")))
    assert row() == (T0, 9, T0 - HOUR, 1, int(CHANNEL))
    lane.record(sightings=sightings(act(T0 + 1, "REACTION_ADD", channel="2"),
                                    act(T0 + 2, "TYPING", counted=False, channel="3")))
    assert row() == (T0 + 2, 9, T0 + 1, 5, 3)
    assert pg.execute("SELECT unix_ms(idle_slot) FROM last_seen") == [
        (T0 // HOUR * HOUR,)]


def test_a_stranger_becomes_a_member_whose_bot_flag_is_unknown(lane, pg, reader):
    lane.record(sightings=sightings(act(T0)))
    assert pg.execute("SELECT bot, roster_at, left_at FROM member") == [(None, None, None)]
    query = f'{{ member(guildId: "{GUILD}", userId: "{USER}") {{ userId }} }}'
    assert reader(query)["member"] is None
    lane.record(members=[{"guildId": GUILD, "userId": USER, "at": T0, "bot": False}])
    assert reader(query)["member"] == {"userId": USER}


def test_gaps(lane, pg):
    lane.record(sightings=sightings(act(T0)))
    lane.record(sightings=sightings(act(T0 + 29 * MINUTE)))
    assert pg.execute("SELECT gap_count FROM last_seen") == [(0,)]
    lane.record(sightings=sightings(act(T0 + 29 * MINUTE + HOUR)))
    # a long batch: two more silences inside it
    lane.record(sightings=sightings(act(T0 + 2 * HOUR), act(T0 + 4 * HOUR),
                                    act(T0 + 5 * HOUR, "TYPING", counted=False),
                                    act(T0 + 7 * HOUR)))
    gaps = [HOUR, 2 * HOUR - 29 * MINUTE - HOUR, 2 * HOUR, 3 * HOUR]
    assert pg.execute("SELECT gap_count, gap_sum_ms, gap_max_ms, gap_hist[0], gap_hist[1],"
                      " gap_hist[2] FROM last_seen") == [(4, sum(gaps), 3 * HOUR, 1, 1, 2)]


def test_partitions_are_made_for_any_month(lane, pg):
    old = 1_420_070_400_000 - MINUTE  # December 2014
    far = 4_102_444_800_000  # January 2100
    lane.record(sightings=sightings(act(old), act(far), act(T0)))
    assert pg.execute("SELECT tableoid::regclass::text FROM activity ORDER BY minute") == [
        ("activity_y2014m12",), ("activity_y2026m05",), ("activity_y2100m01",)]


def test_partitions_are_made_ahead(graphqld, pg):
    months = "SELECT presence.month_partition((now() + make_interval(months => n))::date)" \
             " FROM generate_series(0, 2) n"
    for (name,) in pg.execute(months):
        pg.execute(f"DROP TABLE presence.{name}")
    graphqld.stop()
    graphqld.start()
    harness.wait_until(lambda: all(pg.execute("SELECT to_regclass(%s) IS NOT NULL", (n,))[0][0]
                                   for (n,) in pg.execute(months)), 20, "partitions ahead")


# --- the roster -----------------------------------------------------------------------------------

def member(at=T0, **fields):
    return {"guildId": GUILD, "userId": USER, "at": at, **fields}


FULL = {"username": "ann", "globalName": "Ann", "nick": "A", "roles": ["1", "2"],
        "joinedAt": T0 - HOUR, "premiumSince": T0 - 5, "timeoutUntil": T0 + 5, "pending": True,
        "flags": 3, "avatarHash": "4000000000"}
COLUMNS = ("username, global_name, nick, roles, joined_at, premium_since, timeout_until, pending,"
           " flags, avatar_hash")


def test_absent_keeps_and_null_clears(lane, pg):
    lane.record(members=[member(bot=False, onRoster=True, **FULL)])
    full = ms(pg, f"SELECT {COLUMNS} FROM member")
    assert full == ("ann", "Ann", "A", [1, 2], T0 - HOUR, T0 - 5, T0 + 5, True, 3, 4000000000)
    lane.record(members=[member(T0 + 1)])
    assert ms(pg, f"SELECT {COLUMNS} FROM member") == full
    for i, field in enumerate(FULL):
        lane.record(members=[member(T0 + 2, **{field: None})])
        assert ms(pg, f"SELECT {COLUMNS} FROM member") == (None,) * (i + 1) + full[i + 1:]
    assert pg.execute("SELECT bot, unix_ms(roster_at) FROM member") == [(False, T0)]


def test_unknown_bot_flag_does_not_overwrite(lane, pg):
    lane.record(members=[member(bot=False)])
    lane.record(members=[member(bot=None)])
    assert pg.execute("SELECT bot FROM member") == [(False,)]


def test_leave_and_rejoin(lane, pg):
    state = "SELECT roster_at, left_at, joined_at FROM member"
    lane.record(members=[member(onRoster=True, joinedAt=T0 - HOUR)])
    lane.record(members=[member(T0 + 10, onRoster=False)])
    lane.record(members=[member(T0 + 20, onRoster=False)])
    assert ms(pg, state) == (T0, T0 + 10, T0 - HOUR)
    lane.record(members=[member(T0 + 30, nick="x")])
    assert ms(pg, state) == (T0, T0 + 10, T0 - HOUR)
    lane.record(members=[member(T0 + 40, onRoster=True, joinedAt=T0 + 39)])
    assert ms(pg, state) == (T0 + 40, None, T0 + 39)


def test_a_bot_loses_its_rows_and_gets_no_new_ones(lane, pg):
    lane.record(sightings=sightings(act(T0), act(T0, user="9")),
                voice=[voice(T0)], members=[member(bot=None)])
    lane.record(members=[member(T0 + 1, bot=True, lastEditAt=T0)])
    lane.record(sightings=sightings(act(T0 + 2), act(T0 + 2, user="9")), voice=[voice(T0 + 3)],
                present=[{"guildId": GUILD, "userId": USER, "until": T0 + 9}])
    for table, left in (("activity", 1), ("last_seen", 1), ("voice_session", 0)):
        assert pg.execute(f"SELECT count(*) FROM {table} WHERE user_id <> 9") == [(0,)], table
        assert pg.execute(f"SELECT count(*) FROM {table} WHERE user_id = 9") == [(left,)], table
    assert pg.execute("SELECT bot FROM member WHERE user_id <> 9") == [(True,)]
    assert pg.execute("SELECT sum(count)::int FROM activity") == [(2,)]


def test_bot_flag_in_the_same_batch_as_its_act(lane, pg):
    lane.record(members=[member(bot=True)], sightings=sightings(act(T0)))
    assert pg.execute("SELECT count(*) FROM activity") == [(0,)]


def test_a_complete_catalogue_finds_who_left(lane, pg):
    lane.record(members=[dict(member(onRoster=True), userId="1"),
                         dict(member(T0 + 10, onRoster=True), userId="2")],
                sightings=sightings(act(T0 - 5, user="3"), act(T0 + 15, user="4")))
    lane.record(rostersComplete=[{"guildId": GUILD, "begunAt": T0 + 5}])
    assert pg.execute("SELECT user_id, unix_ms(left_at) FROM member ORDER BY 1") == [
        (1, T0 + 5), (2, None), (3, T0 + 5), (4, None)]
    assert pg.execute("SELECT unix_ms(roster_at), lane FROM guild") == [(T0 + 5, 3)]


def test_last_edit_is_a_maximum(lane, pg):
    lane.record(members=[member(lastEditAt=T0 + 5)])
    lane.record(members=[member(lastEditAt=T0)])
    assert ms(pg, "SELECT last_edit, last_seen FROM last_seen") == (T0 + 5, None)


# --- guilds, channels, roles ----------------------------------------------------------------------

def test_guild_fields(lane, pg):
    full = {"name": "G", "ownerId": "1", "afkChannelId": "2", "systemChannelId": "3",
            "locale": "de", "memberCount": 9, "botJoinedAt": T0}
    columns = "name, owner_id, afk_channel_id, system_channel_id, locale, member_count, bot_joined_at"
    lane.record(guilds=[{"guildId": GUILD, "at": T0, **full}])
    known = ms(pg, f"SELECT {columns} FROM guild")
    assert known == ("G", 1, 2, 3, "de", 9, T0)
    lane.record(guilds=[{"guildId": GUILD, "at": T0 + 1, "available": False}])
    assert ms(pg, f"SELECT {columns} FROM guild") == known
    for i, field in enumerate(full):
        lane.record(guilds=[{"guildId": GUILD, "at": T0, field: None}])
        assert ms(pg, f"SELECT {columns} FROM guild") == (None,) * (i + 1) + known[i + 1:]
    lane.record(guilds=[{"guildId": GUILD, "at": T0 + 2, "left": True}])
    assert ms(pg, "SELECT available, left_at FROM guild") == (False, T0 + 2)
    lane.record(guilds=[{"guildId": GUILD, "at": T0 + 3, "left": False, "available": True}])
    assert ms(pg, "SELECT available, left_at FROM guild") == (True, None)


def test_what_a_complete_list_lacks_is_gone(lane, pg):
    """Text, voice and two threads, one of each without its channel; of two guilds."""
    def channels(*ids, guild=GUILD, at=T0):
        types = {"1": 0, "2": 2, "3": 11, "4": 12}
        return [{"guildId": guild, "channelId": i, "at": at, "gone": False, "type": types[i],
                 "archived": False, "parentId": {"3": "1", "4": "2"}.get(i)} for i in ids]

    def roles(*ids, guild=GUILD, at=T0):
        return [{"guildId": guild, "roleId": i, "at": at, "gone": False} for i in ids]

    def complete(at, *parts):
        return [{"guildId": GUILD, "part": part, "at": at} for part in parts]

    def state():
        return (pg.execute("SELECT channel_id, unix_ms(gone_at), archived FROM channel"
                           " WHERE guild_id <> 9 ORDER BY 1"),
                pg.execute("SELECT role_id, unix_ms(gone_at) FROM role WHERE guild_id <> 9"
                           " ORDER BY 1"))

    lane.record(channels=channels("1", "2", "3", "4") + channels("1", "3", guild="9"),
                roles=roles("1", "2") + roles("1", guild="9"))
    lane.record(channels=channels("1", "3", at=T0 + 5), roles=roles("1", at=T0 + 5),
                partsComplete=complete(T0 + 5, "CHANNELS", "THREADS", "ROLES"))
    want = ([(1, None, False), (2, T0 + 5, False), (3, None, False), (4, T0 + 5, False)],
            [(1, None), (2, T0 + 5)])
    assert state() == want
    # again, as after a crash; and an older list, which says nothing of what is known later
    lane.record(partsComplete=complete(T0 + 5, "CHANNELS", "THREADS", "ROLES"))
    lane.record(partsComplete=complete(T0 + 1, "CHANNELS", "THREADS", "ROLES"))
    assert state() == want
    # a thread that is no longer active is archived, as far as anybody knows
    lane.record(channels=channels("1", at=T0 + 9),
                partsComplete=complete(T0 + 9, "CHANNELS", "THREADS"))
    assert state()[0][2] == (3, None, True)
    lane.record(channels=channels("2", "3", "4", at=T0 + 10), roles=roles("2", at=T0 + 10))
    assert all(not gone for gone in [row[1] for row in state()[0] + state()[1]])
    assert pg.execute("SELECT count(gone_at), count(*) FILTER (WHERE archived) FROM channel"
                      " WHERE guild_id = 9") == [(0, 0)]
    assert pg.execute("SELECT count(gone_at) FROM role WHERE guild_id = 9") == [(0,)]


def test_channel_and_role_fields(lane, pg):
    channel = {"guildId": GUILD, "channelId": CHANNEL, "at": T0}
    full = {"type": 0, "name": "c", "parentId": "1", "ownerId": "2", "lastMessageId": "3",
            "position": -1, "flags": 4, "archived": False, "locked": True, "overwrites": "[]"}
    columns = ("type, name, parent_id, owner_id, last_message_id, position, flags, archived,"
               " locked, overwrites")
    lane.record(channels=[{**channel, **full}])
    known = ms(pg, f"SELECT {columns} FROM channel")
    assert known == (0, "c", 1, 2, 3, -1, 4, False, True, "[]")
    lane.record(channels=[{**channel, "at": T0 + 1, "gone": True}])
    assert ms(pg, f"SELECT {columns}, gone_at FROM channel") == known + (T0 + 1,)
    lane.record(channels=[{**channel, f: None} for f in full] + [{**channel, "gone": False}])
    assert ms(pg, f"SELECT {columns}, gone_at FROM channel") == (None,) * 11
    role = {"guildId": GUILD, "roleId": "5", "at": T0}
    lane.record(roles=[{**role, "name": "r", "position": 1, "permissions": "8", "managed": True}])
    lane.record(roles=[{**role, "gone": True, "name": None}])
    assert ms(pg, "SELECT name, position, permissions, managed, gone_at FROM role") == (
        None, 1, 8, True, T0)


# --- voice ----------------------------------------------------------------------------------------

def voice(at, channel=CHANNEL, estimated=False, state=0, user=USER):
    return {"guildId": GUILD, "userId": user, "channelId": channel, "at": at, "state": state,
            "estimated": estimated}


def voice_rows(pg):
    return pg.execute("SELECT channel_id, unix_ms(from_at) - %s, unix_ms(to_at) - %s,"
                      " unix_ms(confirmed_until) - %s, state, from_estimated, estimated"
                      " FROM voice_session ORDER BY from_at, user_id DESC", (T0, T0, T0))


def test_voice_sessions(lane, pg):
    lane.record(voice=[voice(T0, "1"), voice(T0 + 10, "1", state=1), voice(T0 + 20, "2"),
                       voice(T0 + 30, None)])
    assert voice_rows(pg) == [(1, 0, 20, 20, 1, False, False), (2, 20, 30, 30, 0, False, False)]


def test_presence_in_voice(lane, pg, reader):
    lane.record(members=[member(bot=False, onRoster=True)], sightings=sightings(act(T0)),
                voice=[voice(T0)])
    present = {"guildId": GUILD, "userId": USER}
    lane.record(present=[{**present, "until": T0 + 500}])
    lane.record(present=[{**present, "until": T0 + 400}])
    assert voice_rows(pg) == [(int(CHANNEL), 0, None, 500, 0, False, False)]
    got = reader(f'{{ member(guildId: "{GUILD}", userId: "{USER}") '
                 '{ knowledge idleSince lastCounted presentUntil } }')["member"]
    assert got["knowledge"] == "KNOWN"
    assert got["idleSince"] == got["presentUntil"] == "2026-05-28T20:27:00.500Z"
    assert got["lastCounted"] == "2026-05-28T20:27:00.000Z"


def test_a_session_lost_while_blind_ends_where_it_was_last_confirmed(lane, pg):
    lane.record(voice=[voice(T0, "1")],
                present=[{"guildId": GUILD, "userId": USER, "until": T0 + HOUR}])
    lane.record(voice=[voice(T0 + 3 * HOUR, "1", estimated=True)])
    assert voice_rows(pg) == [
        (1, 0, HOUR, HOUR, 0, False, True),
        (1, 3 * HOUR, None, 3 * HOUR, 0, True, False)]


def test_a_session_survives_a_short_blindness(lane, pg):
    lane.record(voice=[voice(T0, "1")])
    lane.record(voice=[voice(T0 + MINUTE, "1", estimated=True)],
                voiceComplete=[{"guildId": GUILD, "at": T0 + MINUTE}])
    assert voice_rows(pg) == [(1, 0, None, MINUTE, 0, False, False)]


def test_voice_complete_ends_what_was_not_confirmed(lane, pg):
    lane.record(voice=[voice(T0, "1"), voice(T0, "1", user="8")])
    lane.record(voice=[voice(T0 + 50, "1", user="8")],
                voiceComplete=[{"guildId": GUILD, "at": T0 + 40}])
    assert voice_rows(pg) == [(1, 0, 0, 0, 0, False, True), (1, 0, None, 50, 0, False, False)]


# --- coverage -------------------------------------------------------------------------------------

def edge(at, is_open, reason="SESSION", session="1"):
    return {"guildId": GUILD, "session": session, "at": at, "open": is_open, "reason": reason}


def gateway(kind, at, watched, **fields):
    return {"session": "1", "shard": 0, "shards": 1, "edge": kind, "at": at, "watchedUntil": watched,
            **fields}


def intervals(reader):
    return reader(f'{{ coverage(guildId: "{GUILD}") {{ from to open openReason closeReason }} }}')[
        "coverage"]


def stamp(at):
    from datetime import datetime, timezone

    return datetime.fromtimestamp(at / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + \
        f"{at % 1000:03d}Z"


def test_what_is_found_in_the_history_raises_times_and_counts_nowhere(lane, pg):
    month = 30 * 86_400_000
    lane.record(sightings=sightings(act(T0), act(T0 - month, user="7", count=0)))
    lane.record(sightings=sightings(act(T0 - 2 * month, count=0), act(T0 - 3 * month, user="7", count=0),
                                    act(T0 + 1000, user="8"), act(T0 - month, user="8", count=0)))
    lane.record(sightings=sightings(act(T0 - month, user="7", count=0), act(T0 + 2000, user="7", count=0)))
    assert pg.execute("SELECT user_id, extract(epoch FROM last_counted) * 1000, gap_count"
                      "  FROM last_seen ORDER BY user_id") == [
        (7, T0 + 2000, 0), (8, T0 + 1000, 0), (int(USER), T0, 0)]
    assert pg.execute("SELECT user_id, count FROM activity ORDER BY user_id") == [(8, 1), (int(USER), 1)]
    lane.record(sightings=sightings(act(T0 + month, user="7")))
    assert pg.execute("SELECT gap_count, gap_sum_ms FROM last_seen WHERE user_id = 7") == [
        (1, month - 2000)]


def test_coverage_of_a_living_and_of_a_dead_session(lane, pg, reader):
    lane.record(coverage=[edge(T0, True)], gateway=[gateway("STARTED", T0, T0)])
    lane.record(gateway=[gateway("WATCHED", T0 + 30_000, T0 + 30_000)])
    assert intervals(reader) == [{"from": stamp(T0), "to": stamp(T0 + 30_000), "open": True,
                                  "openReason": "SESSION", "closeReason": None}]
    # the last durable event is later than the lease
    lane.record(sessions=[(1, 9)], sightings=sightings(act(T0 + 41_000)))
    assert intervals(reader)[0]["to"] == stamp(T0 + 41_000)
    lane.record(gateway=[gateway("RESUMED", T0 + 50_000, T0 + 50_000)])
    lane.record(gateway=[gateway("ENDED", T0 + 60_000, T0 + 59_000, closeCode=4009)])
    assert intervals(reader)[0]["to"] == stamp(T0 + 60_000)
    assert intervals(reader)[0]["open"] is False
    assert pg.execute("SELECT resumes, close_code FROM gateway_session") == [(1, 4009)]


def test_coverage_edges(lane, reader):
    lane.record(coverage=[edge(T0, True), edge(T0 + 5, True), edge(T0 + 10, False, "OUTAGE"),
                          edge(T0 + 11, False, "OUTAGE"), edge(T0 + 20, True, "OUTAGE"),
                          edge(T0 + 30, False, "GUILD_LEFT")])
    assert [(i["from"], i["to"], i["openReason"], i["closeReason"]) for i in intervals(reader)] == [
        (stamp(T0), stamp(T0 + 10), "SESSION", "OUTAGE"),
        (stamp(T0 + 20), stamp(T0 + 30), "OUTAGE", "GUILD_LEFT")]


# --- what workers read ----------------------------------------------------------------------------

def test_lanes(lane, graphqld):
    lane.record(length=12, sessions=[(1, 5), (2, 9)],
                gateway=[dict(gateway("ENDED", T0, T0), session="1")])
    assert graphqld.query(LANES, {"lanes": [4, 3]})["data"]["lanes"] == [
        {"lane": 4, "epoch": None, "position": "0", "sessions": []},
        {"lane": 3, "epoch": "7", "position": "12", "sessions": [{"session": "2", "seq": "9"}]}]


def test_member_seeds(lane, graphqld):
    lane.record(members=[member(bot=False, onRoster=True, pending=False, flags=1, avatarHash="5",
                                lastEditAt=T0 + 3)],
                sightings=sightings(act(T0), act(T0 + 1, "TYPING", counted=False)),
                voice=[voice(T0, state=2)],
                present=[{"guildId": GUILD, "userId": USER, "until": T0 + 7}])
    keys = [{"guildId": GUILD, "userId": u} for u in (USER, "404")]
    assert graphqld.query(MEMBER_SEEDS, {"keys": keys})["data"]["memberSeeds"] == [{
        "guildId": GUILD, "userId": USER, "bot": False, "onRoster": True, "lastSeenMs": T0 + 1,
        "lastSeenKind": "TYPING", "lastCountedMs": T0, "lastCountedKind": "MESSAGE",
        "presentUntilMs": T0 + 7, "voiceChannelId": CHANNEL, "voiceState": 2,
        "lastEditMs": T0 + 3, "pending": False, "flags": 1, "avatarHash": "5"}]


def test_guild_seeds(lane, graphqld):
    lane.record(guilds=[{"guildId": GUILD, "at": T0, "memberCount": 3, "botJoinedAt": T0}],
                rostersComplete=[{"guildId": GUILD, "begunAt": T0 + 1}])
    assert graphqld.query(GUILD_SEEDS, {"lanes": [2]})["data"]["guildSeeds"] == []
    assert graphqld.query(GUILD_SEEDS, {"lanes": [2, 3]})["data"]["guildSeeds"] == [{
        "guildId": GUILD, "afkChannelId": None, "memberCount": 3, "botJoinedMs": T0,
        "rosterAtMs": T0 + 1, "left": False, "available": True, "session": None}]


def test_seeds_of_what_is_watched_and_who_is_in_voice(lane, graphqld):
    lane.record(guilds=[{"guildId": GUILD, "at": T0}], coverage=[edge(T0, True)],
                voice=[voice(T0, state=2), voice(T0, state=1, user="6"),
                       voice(T0 + 1, None, user="6")])
    assert graphqld.query(GUILD_SEEDS, {"lanes": [2]})["data"]["voiceSeeds"] == []
    data = graphqld.query(GUILD_SEEDS, {"lanes": [3]})["data"]
    assert [g["session"] for g in data["guildSeeds"]] == ["1"]
    assert data["voiceSeeds"] == [
        {"guildId": GUILD, "userId": USER, "channelId": CHANNEL, "state": 2}]


def test_ids_of_64_bits(lane, graphqld):
    top = str(2**64 - 1)
    lane.record(sightings=sightings(act(T0, guild=top, user=top, channel=top)))
    got = graphqld.query(MEMBER_SEEDS, {"keys": [{"guildId": top, "userId": top}]})
    assert got["data"]["memberSeeds"][0]["userId"] == top


# --- what people read -----------------------------------------------------------------------------

def test_known_not_before_unknown(lane, reader):
    base = {"guildId": GUILD, "at": T0, "bot": False, "onRoster": True}
    lane.record(members=[{**base, "userId": "1", "joinedAt": T0 - HOUR}, {**base, "userId": "2"},
                         {**base, "userId": "3", "joinedAt": T0 - HOUR}],
                sightings=sightings(act(T0, user="3"), act(T0, "TYPING", user="2", counted=False)))
    nodes = reader(f'{{ members(guildId: "{GUILD}") {{ nodes {{ userId knowledge idleSince notBefore'
                   ' lastSeen } } }')["members"]["nodes"]
    assert nodes == [
        {"userId": "1", "knowledge": "NOT_BEFORE", "idleSince": None, "notBefore": stamp(T0 - HOUR),
         "lastSeen": None},
        {"userId": "2", "knowledge": "UNKNOWN", "idleSince": None, "notBefore": None,
         "lastSeen": stamp(T0)},
        {"userId": "3", "knowledge": "KNOWN", "idleSince": stamp(T0), "notBefore": stamp(T0),
         "lastSeen": stamp(T0)}]


def test_pages_of_members(lane, reader, graphqld):
    users = [str(10 + i) for i in range(25)]
    lane.record(members=[{"guildId": GUILD, "userId": u, "at": T0, "bot": u == "30" or False,
                          "onRoster": True} for u in users])
    want = [u for u in users if u != "30"]
    page = """query ($after: String) { members(guildId: "%s", first: 10, after: $after) {
      totalCount nodes { userId } edges { cursor node { userId } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }""" % GUILD
    seen, after = [], None
    for number in itertools.count():
        got = reader(page, {"after": after})["members"]
        assert got["totalCount"] == 24
        assert got["pageInfo"]["hasPreviousPage"] is (number > 0)
        assert got["pageInfo"]["endCursor"] == got["edges"][-1]["cursor"]
        seen += [n["userId"] for n in got["nodes"]]
        after = got["pageInfo"]["endCursor"]
        if not got["pageInfo"]["hasNextPage"]:
            break
    assert seen == want
    forged = after[:-1] + ("A" if after[-1] != "A" else "B")
    token = graphqld.new_token("p2", "read")
    graphqld.send(signal.SIGHUP)
    graphqld.log.wait_for("tokens", count=2)
    for bad in (forged, "", "x", "🙂", after + "A"):
        answer = graphqld.query(page, {"after": bad}, token=token)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", bad
    for first in (-1, 0, 1001):
        answer = graphqld.query(f'{{ members(guildId: "1", first: {first}) {{ totalCount }} }}',
                                token=token)
        assert answer["errors"][0]["message"] == "first: expected 1 to 1000"


def test_a_guild_and_what_is_in_it(lane, reader, pg):
    lane.record(guilds=[{"guildId": GUILD, "at": T0, "name": 'G "quoted"\n\u2028', "locale": "de"}],
                channels=[{"guildId": GUILD, "channelId": "2", "at": T0, "name": "two"},
                          {"guildId": GUILD, "channelId": "1", "at": T0, "gone": True}],
                members=[member(bot=False, onRoster=True)],
                sightings=sightings(act(T0, count=3), act(T0 + HOUR, "EDIT")))
    pg.execute("INSERT INTO setting (guild_id, key, value, version) VALUES (%s, 'mode', '\"on\"', 1)",
               (GUILD,))
    latest = max(int(p.name[:3]) for p in (harness.SOURCE_DIR / "sql").glob("[0-9]*.sql"))
    got = reader("""query ($id: Snowflake!, $since: DateTime) { g: guild(id: $id) { ...G __typename }
        channel(guildId: $id, channelId: 2) { name }
        none: channel(guildId: $id, channelId: 3) { name }
        guilds { nodes { id } } settings(guildId: $id) { key value changedBy } service { schemaVersion } }
      fragment G on Guild { name humanCount channels { nodes { id } }
        gone: channels(filter: {gone: true}) { nodes { id goneAt } } settings { version }
        members { nodes { activity(since: $since) { kind count lastAt } } } }""",
                 {"id": GUILD, "since": stamp(T0 + MINUTE)})
    assert got == {
        "g": {"name": 'G "quoted"\n\u2028', "humanCount": 1,
              "channels": {"nodes": [{"id": "2"}]},
              "gone": {"nodes": [{"id": "1", "goneAt": stamp(T0)}]},
              "settings": [{"version": 1}],
              "members": {"nodes": [{"activity": [
                  {"kind": "EDIT", "count": "1", "lastAt": stamp(T0 + HOUR)}]}]},
              "__typename": "Guild"},
        "channel": {"name": "two"}, "none": None, "guilds": {"nodes": [{"id": GUILD}]},
        "settings": [{"key": "mode", "value": '"on"', "changedBy": None}],
        "service": {"schemaVersion": latest}}


def test_introspection(reader):
    got = reader("""{ __schema { queryType { name } mutationType { name } subscriptionType { name }
        directives { name args { name type { kind ofType { name } } } } types { name } }
      __type(name: "Query") { ...T fields { name ...F } } nothing: __type(name: "Nothing") { name } }
      fragment T on __Type { kind name }
      fragment F on __Field { type { ...T } }""")
    assert got["__schema"]["queryType"] == {"name": "Query"}
    assert got["__schema"]["subscriptionType"] == {"name": "Subscription"}
    assert {"skip", "include", "deprecated", "specifiedBy", "oneOf", "auth"} <= {
        d["name"] for d in got["__schema"]["directives"]}
    names = [t["name"] for t in got["__schema"]["types"]]
    assert len(names) == len(set(names)) and "__Type" in names
    fields = {f["name"]: f["type"] for f in got["__type"]["fields"]}
    assert fields["guild"] == {"kind": "OBJECT", "name": "Guild"}
    assert fields["guilds"] == {"kind": "NON_NULL", "name": None}
    assert got["nothing"] is None


# --- who may --------------------------------------------------------------------------------------

def request(graphqld, method="POST", target="/graphql", body=b"", token=None, **headers):
    merged = {"Content-Type": "application/json", **headers}
    if token:
        merged["Authorization"] = f"Bearer {token}"
    status, got_headers, data = harness.UnixHTTP(graphqld.conf.graphql_socket).request(
        method, target, body, merged)
    return status, json.loads(data) if data else None, got_headers


def code(answer):
    return answer["errors"][0]["extensions"]["code"]


def test_scopes(graphqld):
    tokens = {"ingest": graphqld.token, "read": graphqld.new_token("r", "read"),
              "admin": graphqld.new_token("a", "admin"),
              "one": graphqld.new_token("o", f"read:guild:{GUILD}"),
              "both": graphqld.new_token("b", "read,ingest"), None: None}
    graphqld.send(signal.SIGHUP)
    graphqld.log.wait_for("tokens")
    operations = {
        "lanes": ("{ lanes(lanes: [1]) { lane } }", {"ingest", "both"}),
        "record": ("mutation { recordSightings(batches: {lane: 1, epoch: 1, from: 5, to: 5,"
                   " sessions: []}) { code } }", {"ingest", "both"}),
        "guilds": ("{ guilds { nodes { id } } }", {"read", "admin", "both", "one"}),
        "guild": (f'{{ guild(id: "{GUILD}") {{ id }} }}', {"read", "admin", "both", "one"}),
        "other": ('{ guild(id: "5") { id } }', {"read", "admin", "both"}),
        "nested": (f'{{ x: member(guildId: "{GUILD}", userId: 1) {{ gaps {{ count }} }} }}',
                   {"read", "admin", "both", "one"}),
        "service": ("{ service { version } }", set(tokens)),
    }
    for (name, (query, allowed)), who in itertools.product(operations.items(), tokens):
        status, answer, _ = request(graphqld, body=json.dumps({"query": query}).encode(),
                                    token=tokens[who])
        if who in allowed:
            assert (status, "errors" in answer) == (200, False), (name, who, answer)
        else:
            expected = (401, "UNAUTHENTICATED") if who is None else (403, "FORBIDDEN")
            assert (status, code(answer)) == expected, (name, who)


def test_an_unknown_token_is_refused_even_where_none_is_needed(graphqld):
    body = b'{"query":"{ service { version } }"}'
    for header in ("Bearer " + "0" * 64, "Bearer", "Basic eA==", "Bearer  "):
        status, answer, headers = request(graphqld, body=body, Authorization=header)
        assert (status, code(answer)) == (401, "UNAUTHENTICATED")


def test_token_file(graphqld):
    path = graphqld.conf.get("graphqld", "token_file")
    text = open(path).read()
    assert graphqld.token not in text
    assert oct(__import__("os").stat(path).st_mode & 0o777) == "0o600"
    graphqld.expect_error("tokens")
    with open(path, "a") as f:
        f.write("broken line\n")
    graphqld.send(signal.SIGHUP)
    event = graphqld.log.wait_for("tokens", containing="kept the old tokens")
    assert f"{path}:2: expected: name sha256hex scope" in str(event)
    assert "errors" not in graphqld.query("{ lanes(lanes: [1]) { lane } }")
    with open(path, "w") as f:
        f.write("# nobody\n")
    graphqld.send(signal.SIGHUP)
    graphqld.log.wait_for("tokens", containing="0 tokens")
    assert graphqld.query("{ lanes(lanes: [1]) { lane } }")["status"] == 401


@pytest.mark.parametrize("name,scope", [("x y", "read"), ("", "read"), ("a", "root"), ("a", ""),
                                        ("a", "read:guild:x"), ("a", "read,")])
def test_new_token_refuses(graphqld, name, scope):
    done = subprocess.run(graphqld.argv() + ["--new-token", name, scope], capture_output=True,
                          text=True)
    assert done.returncode == 1 and done.stdout == "" and "expected" in done.stderr


# --- bad requests ---------------------------------------------------------------------------------

@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b'"x"', b"1", b"null", b'{"query":1}', b'{"query":null}', b"{}",
    b'{"query":"{a}","variables":[]}', b'{"query":"{a}","variables":1}', b'{"query":"{a}"} x',
    b'{"query":"{a}","operationName":1}', b'{"query":"\xff"}', b'{"query":"\\ud800"}',
    b'{"query":"{a}",}', b"{'query':'{a}'}", b'{"query":"a\nb"}', b'{"query":"{a}","query":"{b}"}',
    b'[{"query":"{a}"}]',
    b'{"query":"{a}","variables":{"a":01}}',
])
def test_malformed_bodies(graphqld, body):
    status, answer, _ = request(graphqld, body=body, token=graphqld.token)
    assert status in (200, 400)
    assert code(answer) in ("BAD_REQUEST", "GRAPHQL_VALIDATION_FAILED")
    if b"a}" not in body:
        assert (status, code(answer)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("key, one, two", [
    ("query", '"{__typename}"', '"{a:__typename}"'), ("operationName", "null", '"A"'),
    ("variables", "null", "{}"), ("variables", "{}", "{}"), ("extensions", "{}", "{}"),
    ("documentId", '"a"', '"b"')])
def test_a_key_that_stands_twice(graphqld, key, one, two):
    first = "" if key in ("query", "documentId") else '"query":"{__typename}",'
    status, answer, _ = request(graphqld, body=f'{{{first}"{key}":{one},"{key}":{two}}}'.encode())
    assert (status, code(answer)) == (400, "BAD_REQUEST")
    assert answer["errors"][0]["message"] == f"request body: {key} is given twice"


def test_media_types_and_methods(graphqld):
    bad = b'{"query":"{ nothing }"}'
    status, answer, headers = request(graphqld, body=bad)
    assert status == 200 and "application/json" in str(headers)
    status, answer, headers = request(graphqld, body=bad,
                                      Accept="application/graphql-response+json")
    assert status == 400 and "application/graphql-response+json" in str(headers)
    assert answer["errors"][0]["locations"] == [{"line": 1, "column": 3}]
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
        assert request(graphqld, body=bad, **{"Content-Type": kind})[0] == 415
    assert request(graphqld, body=bad,
                   **{"Content-Type": "Application/JSON; charset=utf-8"})[0] == 200
    assert request(graphqld, "PUT", body=bad)[0] == 405
    assert request(graphqld, "GET", "/nowhere")[0] == 404


def test_get(graphqld):
    status, answer, _ = request(graphqld, "GET", "/graphql?query=%7B__typename%7D")
    assert (status, answer) == (200, {"data": {"__typename": "Query"}})
    status, answer, _ = request(
        graphqld, "GET", "/graphql?query=query($l:[Int!]!)%7Blanes(lanes:$l)%7Blane%7D%7D"
        "&variables=%7B%22l%22:[5]%7D", token=graphqld.token)
    assert answer == {"data": {"lanes": [{"lane": 5}]}}
    status, answer, _ = request(graphqld, "GET", "/graphql?query=mutation%7B__typename%7D")
    assert (status, code(answer)) == (405, "BAD_REQUEST")
    status, answer, _ = request(graphqld, "GET", "/graphql")
    assert (status, code(answer)) == (400, "BAD_REQUEST")
    for name in ("query", "variables", "operationName", "documentId"):
        status, answer, _ = request(graphqld, "GET", f"/graphql?query=%7B__typename%7D&{name}=&{name}=")
        assert (status, code(answer)) == (400, "BAD_REQUEST"), name
        assert answer["errors"][0]["message"] == f"{name} is given twice"


def test_persisted_operations(graphqld):
    import hashlib

    digest = "sha256:" + hashlib.sha256(GUILD_SEEDS.encode()).hexdigest()
    by_id = json.dumps({"documentId": digest, "variables": {"lanes": [1]}}).encode()
    status, answer, _ = request(graphqld, body=by_id, token=graphqld.token)
    assert answer["data"] == {"guildSeeds": [], "voiceSeeds": []}
    other = json.dumps({"documentId": digest[:-1] + "x"}).encode()
    status, answer, _ = request(graphqld, body=other, token=graphqld.token)
    assert (status, code(answer)) == (400, "PERSISTED_NOT_FOUND")
    upper = json.dumps({"documentId": "sha256:" + digest[7:].upper(), "variables": {"lanes": [1]}}).encode()
    assert "data" in request(graphqld, body=upper, token=graphqld.token)[1]  # digits are digits
    for both in ({"query": "{ __typename }", "documentId": digest},
                 {"documentId": digest, "variables": {"lanes": [1]}, "query": GUILD_SEEDS}):
        status, answer, _ = request(graphqld, body=json.dumps(both).encode(), token=graphqld.token)
        assert (status, code(answer)) == (400, "BAD_REQUEST")
        assert answer["errors"][0]["message"].endswith("query and documentId: expected one of them")
    status, answer, _ = request(graphqld, "GET", f"/graphql?query=%7B__typename%7D&documentId={digest}")
    assert (status, code(answer)) == (400, "BAD_REQUEST")
    either = {"query": "{ __typename }", "documentId": None}
    assert "data" in request(graphqld, body=json.dumps(either).encode())[1]
    graphqld.stop()
    graphqld.conf.update(graphqld={"persisted_only": "yes"}).save()
    graphqld.start()
    for text in (GUILD_SEEDS, " ".join(GUILD_SEEDS.split()), GUILD_SEEDS.replace("\n", "\r\n\t") + " "):
        assert "data" in graphqld.query(text, {"lanes": [1]})
    for text in (GUILD_SEEDS[:-3], GUILD_SEEDS.replace("available", "avail able"), GUILD_SEEDS + "x", ""):
        assert code(graphqld.query(text, {"lanes": [1]})) == "PERSISTED_ONLY"
    assert "data" in request(graphqld, body=by_id, token=graphqld.token)[1]
    status, answer, _ = request(graphqld, body=b'{"query":"{ __typename }"}', token=graphqld.token)
    assert (status, code(answer)) == (403, "PERSISTED_ONLY")


def test_documents_cannot_be_registered(graphqld):
    """A client of Apollo's automatic persisted queries tries the hash alone, and reads from this code that it
    must send the text each time."""
    tried = {"extensions": {"x": 1, "persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}
    modern = "application/graphql-response+json"
    for accept, wanted in (("application/json", 200), (modern, 400)):
        status, answer, _ = request(graphqld, body=json.dumps(tried).encode(), Accept=accept)
        assert (status, code(answer)) == (wanted, "PERSISTED_QUERY_NOT_SUPPORTED")
    assert answer["errors"][0]["message"] == "PersistedQueryNotSupported"
    path = "/graphql?extensions=" + urllib.parse.quote(json.dumps(tried["extensions"]))
    assert code(request(graphqld, "GET", path)[1]) == "PERSISTED_QUERY_NOT_SUPPORTED"
    for _ in range(2):
        with_text = json.dumps(dict(tried, query="{ __typename }")).encode()
        assert request(graphqld, body=with_text)[1] == {"data": {"__typename": "Query"}}


def test_variables_before_and_behind_the_query(graphqld):
    query = "query A($l: [Int!]!) { lanes(lanes: $l) { lane } } query B { service { version } }"
    for keys in itertools.permutations(("query", "variables", "operationName")):
        values = {"query": query, "variables": {"l": [2], "unknown": {"a": [1]}},
                  "operationName": "A"}
        status, answer, _ = request(graphqld, body=json.dumps({k: values[k] for k in keys}).encode(),
                                    token=graphqld.token)
        assert answer == {"data": {"lanes": [{"lane": 2}]}}, keys
    status, answer, _ = request(graphqld, body=json.dumps({"query": query}).encode())
    assert code(answer) == "BAD_REQUEST"


@pytest.mark.parametrize("change,place", [
    ({"lane": 64}, "lane"), ({"lane": "1"}, "batches[0].lane"), ({"epoch": "x"}, "batches[0].epoch"),
    ({"to": "-1"}, "from <= to"), ({"extra": 1}, "extra"), ({"sessions": None}, "batches[0].sessions"),
    ({"sightings": {"guildId": []}}, "required"),
    ({"sightings": dict(sightings(act(T0)), count=[-1])}, "count[0]"),
    ({"sightings": dict(sightings(act(T0)), count=[1, 2])}, "count has 2"),
    ({"sightings": dict(sightings(act(T0)), kind=["DANCE"])}, "kind[0]"),
    ({"sightings": dict(sightings(act(T0)), userId=[None])}, "userId[0]"),
    ({"sightings": sightings(act(T0, last=T0 + MINUTE))}, "lastAt[0]"),
    ({"sightings": sightings(act(T0, last=T0 - 1))}, "lastAt[0]"),
    ({"sightings": dict(sightings(act(T0)), firstAt=[1.5])}, "firstAt[0]"),
    ({"sightings": dict(sightings(act(T0)), userId=["18446744073709551616"])}, "userId[0]"),
    ({"members": [{"guildId": "1", "userId": "2", "at": "x"}]}, "members[0].at"),
    ({"members": [{"guildId": "1", "userId": "2"}]}, "MemberInput.at"),
])
def test_a_batch_that_breaks_its_types(lane, pg, change, place):
    answer = lane.send({**lane.batch(), **change})
    assert code(answer) == "BAD_USER_INPUT"
    assert place in answer["errors"][0]["message"]
    assert pg.execute("SELECT count(*) FROM lane") == [(0,)]


def test_fragments_that_double_at_each_level(graphqld):
    levels = 30
    query = "{ __schema { queryType { ...f0 } } }" + "".join(
        f" fragment f{i} on __Type {{ a{i}: ofType {{ ...f{i + 1} ...f{i + 1} }}"
        f" b{i}: ofType {{ ...f{i + 1} }} }}" for i in range(levels)
    ) + f" fragment f{levels} on __Type {{ name }}"
    answer = graphqld.query(query)
    assert "data" in answer or code(answer).startswith("LIMIT_")


# --- the database goes and comes ------------------------------------------------------------------

def test_postgresql_restarts_under_load(graphqld, pg):
    """Batches go on being sent as a worker would; whatever was answered, each counts once."""
    pg_gone = threading.Event()
    stop = threading.Event()
    sent, failures = [0] * 4, []

    def run(number):
        lane = Lane(graphqld, lane=number)
        try:
            while not stop.is_set():
                answer = lane.send(lane.batch(sightings=sightings(
                    act(T0, user=str(number + 1)))))
                if "errors" in answer:
                    assert code(answer) == "UNAVAILABLE", answer
                    pg_gone.set()
                    continue
                result = answer["data"]["recordSightings"]
                lane.position = int(result["position"])
                sent[number] = lane.position
        except BaseException as e:  # noqa: B902 - shown below
            failures.append(e)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    try:
        for _ in range(2):
            goal = sum(sent) + 40
            harness.wait_until(lambda: failures or sum(sent) >= goal, 30, "batches")
            pg_gone.clear()
            pg.kill()
            assert pg_gone.wait(20)
            harness.wait_until(lambda: request(graphqld, "GET", "/healthz")[0] == 503, 20,
                               "the last connection is found dead")
            pg.start()
        goal = sum(sent) + 40
        harness.wait_until(lambda: failures or sum(sent) >= goal, 30, "batches after the restart")
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not failures
    assert request(graphqld, "GET", "/healthz")[0] == 200
    rows = pg.execute("SELECT user_id - 1, sum(count)::int FROM activity GROUP BY 1 ORDER BY 1")
    assert rows == [(n, count) for n, count in enumerate(sent) if count]


def test_started_without_a_database(graphqld, pg):
    graphqld.stop()
    pg.stop()
    graphqld.start()
    answer = graphqld.query("{ lanes(lanes: [1]) { lane } }")
    assert (answer["status"], code(answer)) == (200, "UNAVAILABLE")
    status, answer, _ = request(graphqld, body=b'{"query":"{ lanes(lanes: [1]) { lane } }"}',
                                token=graphqld.token, Accept="application/graphql-response+json")
    assert (status, code(answer)) == (503, "UNAVAILABLE")
    pg.start()
    harness.wait_until(lambda: "data" in graphqld.query("{ lanes(lanes: [1]) { lane } }"), 20,
                       "the database is found")


def test_a_newer_or_older_schema_is_refused(graphqld, pg):
    graphqld.stop()
    for sql, words in (("UPDATE migration SET version = 999 WHERE version = 1", "newer than"),
                       ("DELETE FROM migration", "--migrate")):
        pg.execute(sql)
        done = subprocess.run(graphqld.argv(), capture_output=True, text=True, timeout=20)
        assert done.returncode == 1 and words in done.stderr


def test_drain(graphqld, pg):
    """SIGTERM: what is under way is answered; nothing new is taken."""
    answers = []
    blocker = pg.connect()
    blocker.autocommit = False
    with blocker.cursor() as cur:
        cur.execute("LOCK TABLE lane IN ACCESS EXCLUSIVE MODE")
    lane = Lane(graphqld)
    thread = threading.Thread(target=lambda: answers.append(lane.send(lane.batch())))
    thread.start()
    harness.wait_until(lambda: pg.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == [(1,)], 10,
        "the batch waits")
    graphqld.send(signal.SIGTERM)
    graphqld.log.wait_for("stopping")
    blocker.rollback()
    thread.join()
    assert answers[0]["data"]["recordSightings"]["code"] == "APPLIED"
    assert graphqld.wait() == 0
    graphqld.start()
