"""Totals of the log by quarters of an hour: at any time what a count of the log would be, whoever is late
or erased while they are made; and the figures that are read from them."""

import contextlib
import datetime
import random
import threading
import zoneinfo

import pytest

import harness
import reads
from reads import DAY, GUILD, NOW, OTHER
from test_graphqld import CHANNEL, HOUR, MINUTE, USER, Lane, act, lane, sightings  # noqa: F401

QUARTER = 15 * MINUTE
CHANNELS = (CHANNEL, "700000000000000002", None)
USERS = tuple(str(int(USER) + n) for n in range(12))
DIFFERENT = """
WITH log AS (SELECT a.guild_id, c AS channel_id, quarter(a.minute) AS slot, a.kind, sum(a.count)::bigint AS acts
               FROM activity a, total_state s, unnest(ARRAY[a.channel_id, -1]) c
              WHERE a.minute < s.until GROUP BY 1, 2, 3, 4),
     made AS (SELECT guild_id, channel_id, slot, kind, acts FROM activity_total)
(SELECT 'log', * FROM log EXCEPT ALL SELECT 'log', * FROM made)
UNION ALL (SELECT 'made', * FROM made EXCEPT ALL SELECT 'made', * FROM log)"""


def exact(pg):
    assert pg.execute(DIFFERENT) == []


def until(pg):
    return pg.execute("SELECT unix_ms(until) FROM total_state")[0][0]


def begin_at(pg, at):
    """As if there had been no totals until then."""
    with contextlib.closing(pg.connect()) as c, c.cursor() as cursor:
        cursor.execute("BEGIN; SELECT pg_advisory_xact_lock(totals_lock()); DELETE FROM activity_total;"
                       " UPDATE total_state SET until = quarter(to_timestamp(%s)),"
                       " closing = quarter(to_timestamp(%s)), horizon = NULL; COMMIT", (at / 1000, at / 1000))


def step(pg):
    return pg.execute("SELECT make_totals()")[0][0]


def all_steps(pg):
    """Up to the quarter that is not over for long enough; the service and other transactions may come
    between."""
    harness.wait_until(lambda: step(pg) is not None and until(pg) > NOW - 21 * MINUTE, 60,
                       "the totals are made")


def some(rng, n, since, before=0):
    """Acts of the time from since to before ms ago."""
    rows = {}
    for _ in range(n):
        at = NOW - rng.randrange(before, since) // MINUTE * MINUTE
        row = act(at, rng.choice(("MESSAGE", "COMMAND", "TYPING")), user=rng.choice(USERS),
                  channel=rng.choice(CHANNELS), guild=rng.choice((GUILD, OTHER)), count=rng.randint(1, 5))
        rows[at, row[1], row[2]["user"], row[2]["channel"], row[2]["guild"]] = row
    return sightings(*rows.values())


def human(guild, user, bot=False):
    return {"guildId": guild, "userId": user, "at": NOW, "bot": bot, "onRoster": True}


# --- making them ----------------------------------------------------------------------------------

def test_totals_are_made_quarter_by_quarter(lane, pg):
    begin_at(pg, NOW - 6 * HOUR)
    lane.record(sightings=some(random.Random(1), 300, 6 * HOUR))
    all_steps(pg)
    assert until(pg) <= NOW
    assert pg.execute("SELECT count(*) > 50 FROM activity_total") == [(True,)]
    exact(pg)
    lane.record(sightings=some(random.Random(2), 300, 12 * HOUR))  # most of them late
    exact(pg)


def test_the_service_makes_them_by_itself(graphqld, lane, pg):
    harness.wait_until(lambda: until(pg) > NOW - HOUR, 30, "it has begun")
    graphqld.stop()
    begin_at(pg, NOW - 10 * HOUR)
    graphqld.start()
    lane.record(sightings=some(random.Random(3), 300, 11 * HOUR))
    harness.wait_until(lambda: until(pg) > NOW - 21 * MINUTE, 60, "the totals are made")
    exact(pg)


@contextlib.contextmanager
def transaction(pg):
    with contextlib.closing(pg.connect()) as c, c.cursor() as cursor:
        cursor.execute("BEGIN")
        yield cursor
        cursor.execute("COMMIT")


INSERT = ("INSERT INTO activity (guild_id, user_id, minute, channel_id, first_at, last_at, count, kind)"
          " SELECT 1, 2, to_timestamp(%s), 3, to_timestamp(%s), to_timestamp(%s), 5, 1")
LATE = ("SELECT add_to_totals(ARRAY[1::bigint], ARRAY[2::bigint], ARRAY[to_timestamp(%s)], ARRAY[3::bigint],"
        " ARRAY[1::smallint], ARRAY[5], false)")


@pytest.fixture
def by_hand(graphqld, pg):
    """Without the service, so that each step is the test's; totals begin two hours ago."""
    graphqld.stop()
    begin_at(pg, NOW - 2 * HOUR)
    return pg


def test_a_batch_that_does_not_know_of_the_step_is_waited_for(by_hand):
    pg, at = by_hand, (NOW - 2 * HOUR) // QUARTER * 900
    with transaction(pg) as batch:
        batch.execute(INSERT, (at, at, at))
        assert step(pg)  # says which quarter is next
        for _ in range(5):
            assert step(pg) and until(pg) == at * 1000
    all_steps(pg)
    assert pg.execute("SELECT acts FROM activity_total WHERE channel_id = 3") == [(5,)]
    exact(pg)


def test_who_comes_late_during_a_step_is_counted_once(by_hand):
    pg, at = by_hand, (NOW - 2 * HOUR) // QUARTER * 900
    assert step(pg)
    with transaction(pg) as batch:  # it has found that the quarter is being summed up
        batch.execute(INSERT, (at, at, at))
        batch.execute(LATE, (at,))
        assert not step(pg) and until(pg) == at * 1000
    all_steps(pg)
    exact(pg)
    with transaction(pg) as batch:  # behind it
        batch.execute(INSERT, (at + 60, at + 60, at + 60))
        batch.execute(LATE, (at + 60,))
    assert pg.execute("SELECT acts FROM activity_total WHERE channel_id = 3") == [(10,)]
    exact(pg)


def test_two_processes_do_not_count_twice(by_hand):
    pg = by_hand
    pg.execute(INSERT, (NOW / 1000 - 7000,) * 3)
    threads = [threading.Thread(target=all_steps, args=(pg,)) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    exact(pg)


def test_late_rows_erasures_and_steps_at_once(graphqld, pg):
    """Whoever comes between whom."""
    graphqld.conf.update(graphqld={"max_cost": 1000000}).save()
    begin_at(pg, NOW - 12 * HOUR)
    lanes = [Lane(graphqld, n) for n in (3, 4)]
    failed, done = [], threading.Event()

    def guarded(work):
        def run():
            try:
                work()
            except BaseException as e:  # noqa: B902
                failed.append(e)
        return threading.Thread(target=run)

    def record(lane, guild):
        rng = random.Random(lane.lane)
        for _ in range(30):
            rows = some(rng, 40, 12 * HOUR)
            rows["guildId"] = [guild] * len(rows["guildId"])
            keys = list(zip(*(rows[k] for k in ("firstAt", "kind", "userId", "channelId"))))
            keep = [keys.index(k) == i for i, k in enumerate(keys)]
            lane.record(sightings={k: [x for x, y in zip(v, keep) if y] for k, v in rows.items()})
            if rng.random() < 0.2:
                lane.record(members=[human(guild, rng.choice(USERS), rng.random() < 0.3)])

    def again_and_again(sql, arguments):
        with contextlib.closing(pg.connect()) as c, c.cursor() as cursor:
            while not done.is_set():
                cursor.execute(sql, arguments())

    def erase():
        rng = random.Random(9)
        again_and_again("DELETE FROM activity WHERE guild_id = %s AND user_id = %s",
                        lambda: (rng.choice((GUILD, OTHER)), rng.choice(USERS)))

    def make():
        again_and_again("SELECT make_totals()", lambda: None)

    recorders = [guarded(lambda: record(lanes[0], GUILD)), guarded(lambda: record(lanes[1], OTHER))]
    others = [guarded(erase), guarded(make)]
    for t in recorders + others:
        t.start()
    for t in recorders:
        t.join()
    done.set()
    for t in others:
        t.join()
    assert failed == []
    exact(pg)
    all_steps(pg)
    exact(pg)


# --- what is deleted ------------------------------------------------------------------------------

def test_what_is_erased_is_in_no_total(w):
    w.other = str(int(w.user) + 7)
    w.ok("upsertMembers", members=[w.member(w.other)])
    w.ok("upsertChannels", channels=[{"guildId": w.guild, "channelId": w.channel, "at": NOW, "name": "c"}])
    lane = Lane(w.graphqld)
    lane.epoch = int(w.guild)
    rows = [act(NOW - n * HOUR, user=u, channel=c, guild=w.guild, count=n) for n in range(1, 9)
            for u in (w.user, w.other) for c in (w.channel, None)]
    answer = w.graphqld.query("mutation ($b: [LaneBatch!]!) { recordSightings(batches: $b) { code } }",
                              {"b": [lane.batch(sightings=sightings(*rows))]})
    assert answer["data"]["recordSightings"][0]["code"] == "APPLIED", answer

    def total():
        exact(w.pg)
        return w.rows("SELECT coalesce(sum(acts), 0)::int FROM activity_total WHERE guild_id = %s"
                      " AND channel_id = -1", w.guild)[0][0]

    assert total() == 4 * 36
    w.ok("hardReset", type=":MEMBER", guildId=w.guild, id=w.user)
    assert total() == 2 * 36
    w.ok("hardReset", type=":CHANNEL", guildId=w.guild, id=w.channel)
    assert total() == 36
    w.ok("eraseUser", userId=w.other)
    assert total() == 0
    assert w.count("activity_total") == 0


def test_a_bot_that_is_found_later_is_in_no_total(lane, pg):
    lane.record(sightings=sightings(act(NOW - 3 * HOUR), act(NOW - 3 * HOUR, user=USERS[1], count=4)))
    lane.record(members=[human(GUILD, USER, bot=True)])
    assert pg.execute("SELECT sum(acts)::int FROM activity_total WHERE channel_id = -1") == [(4,)]
    lane.record(sightings=sightings(act(NOW - 2 * HOUR), act(NOW - 2 * HOUR, user=USERS[1])))
    assert pg.execute("SELECT sum(acts)::int FROM activity_total WHERE channel_id = -1") == [(5,)]
    exact(pg)


def test_totals_outlive_a_partition(lane, pg):
    """Days for ever: what is dropped as a whole is not subtracted."""
    month = datetime.datetime.fromtimestamp((NOW - 70 * DAY) / 1000, datetime.timezone.utc)
    lane.record(sightings=sightings(act(NOW - 70 * DAY)))
    pg.execute(f"DROP TABLE activity_y{month:%Y}m{month:%m}")
    assert pg.execute("SELECT count(*) FROM activity") == [(0,)]
    assert pg.execute("SELECT sum(acts)::int FROM activity_total WHERE channel_id = -1") == [(1,)]


# --- the figures ----------------------------------------------------------------------------------

ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "Europe/Berlin")
STRANGERS = USERS[9:]


@pytest.fixture(scope="module")
def figures():
    """Members of whom the last three may be bots, with acts of forty days, many close to now."""
    with reads.world() as made:
        made.pg.execute("DELETE FROM activity")
        rng = random.Random(5)
        members = [human(g, u, None if u in STRANGERS else False) for g in (GUILD, OTHER) for u in USERS]
        made.lane.record(members=members)
        for since in (40 * DAY, 3 * DAY, 5 * HOUR, HOUR):
            made.lane.record(sightings=some(rng, 500, since))
        made.log = made.pg.execute(
            "SELECT a.minute, a.last_at, a.user_id::text, nullif(a.channel_id, 0)::text, k.name, a.count"
            " FROM activity a JOIN activity_kind k USING (kind) JOIN member m USING (guild_id, user_id)"
            " WHERE a.guild_id = %s AND m.bot IS NOT NULL", (GUILD,))
        yield made


@pytest.mark.parametrize("reset", [None, 9 * DAY + 7 * MINUTE + 31000, 40 * MINUTE])
@pytest.mark.parametrize("made", [50 * DAY, 8 * DAY, 2 * HOUR, 0])
def test_figures_are_a_count_of_the_log(figures, made, reset):
    """Wherever the totals end, whatever is asked for."""
    pg, rng = figures.pg, random.Random(made)
    begin_at(pg, NOW - 60 * DAY)
    pg.execute("INSERT INTO activity_total SELECT guild_id, c, quarter(minute), kind, sum(count)"
               " FROM activity, unnest(ARRAY[channel_id, -1]) c WHERE minute < quarter(to_timestamp(%s))"
               " GROUP BY 1, 2, 3, 4",
               ((NOW - made) / 1000,))
    pg.execute("UPDATE total_state SET until = quarter(to_timestamp(%s)), closing = quarter(to_timestamp(%s))",
               ((NOW - made) / 1000,) * 2)
    pg.execute("UPDATE guild SET reset_at = to_timestamp(%s) WHERE guild_id = %s",
               (None if reset is None else (NOW - reset) / 1000, GUILD))
    floor = NOW - reset if reset else 0
    for zone in ZONES:
        days = rng.choice((1, 5, 10, 30))
        member = rng.choice((None, None, USERS[0], STRANGERS[0]))
        channel = rng.choice((None, CHANNEL))
        kinds = rng.choice((None, ["TYPING", "MESSAGE"]))
        compare(figures, zone, days, member, channel, kinds, floor)


def compare(world, zone, days, member, channel, kinds, floor):
    info = zoneinfo.ZoneInfo(zone)
    got = world.read("""query ($g: Snowflake!, $z: String!, $d: Int!, $u: Snowflake, $c: Snowflake,
                               $k: [ActivityKind!]) {
      heatmap(guildId: $g, timeZone: $z, days: $d, userId: $u, channelId: $c, kinds: $k) {
        weekday hour acts people }
      dailyCounts(guildId: $g, timeZone: $z, days: $d, userId: $u, channelId: $c, kinds: $k) {
        day acts messages people }
      service { now } }""", g=GUILD, z=zone, d=days, u=member, c=channel, k=kinds)
    now = datetime.datetime.fromisoformat(got["service"]["now"][:-1] + "+00:00")
    hours, dates = {}, {}
    for minute, last, user, of, kind, count in world.log:
        if (last.timestamp() * 1000 < floor or member not in (None, user) or channel not in (None, of)
                or not (kind in kinds if kinds else kind != "TYPING")):
            continue
        t = minute.astimezone(info)
        if minute >= now - datetime.timedelta(days=days):
            h = hours.setdefault((t.isoweekday(), t.hour), [0, set()])
            h[0] += count
            h[1].add(user)
        d = dates.setdefault(str(t.date()), [0, 0, set()])
        d[0] += count
        d[1] += count if kind == "MESSAGE" else 0
        d[2].add(user)
    for h in got["heatmap"]:
        acts, people = hours.get((h["weekday"], h["hour"]), (0, ()))
        assert (h["acts"], h["people"]) == (str(acts), len(people)), (zone, days, h)
    assert len(got["dailyCounts"]) == days
    for d in got["dailyCounts"]:
        acts, messages, people = dates.get(d["day"], (0, 0, ()))
        assert (d["acts"], d["messages"], d["people"]) == (str(acts), str(messages), len(people)), (
            zone, days, d)
