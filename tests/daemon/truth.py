"""Compares what presence-sim did (its ground truth) with what PostgreSQL holds.

Counts must agree exactly per guild, member, channel and kind. Times must be those the events
carry. An event that carries none has the time at which it arrived: not before its first delivery
by the simulator, and not later than Truth.slack_ms after its last one: SLACK_MS, the time a frame
may wait in sockets on a busy machine; where workers or the database were away, PAUSED_SLACK_MS,
since flow control may then leave the gateway's socket unread for 30 s (gw.h, GW_PAUSE_MAX_MS).
"""

import collections
import json
import os
import urllib.request

SLACK_MS = 3000 * float(os.environ.get("PRESENCE_TEST_SLOWNESS", "1"))
PAUSED_SLACK_MS = SLACK_MS + 30000
NOT_COUNTED = {"typing"}  # it vetoes acting against somebody, and does not end his idleness

Row = collections.namedtuple("Row", "count own_time first first_until last last_until")

KINDS_SQL = """
select lower(k.name), sum(a.count) from activity a join activity_kind k using (kind) group by 1
"""
COUNTS_SQL = """
select a.guild_id::text, a.user_id::text, a.channel_id::text, lower(k.name), sum(a.count),
       (extract(epoch from min(a.first_at)) * 1000)::bigint,
       (extract(epoch from max(a.last_at)) * 1000)::bigint
from activity a join activity_kind k using (kind) group by 1, 2, 3, 4
"""
MEMBERS_SQL = """
select guild_id::text, user_id::text, (extract(epoch from last_seen) * 1000)::bigint,
       (extract(epoch from last_counted) * 1000)::bigint
from last_seen where last_seen is not null
"""
ROSTER_SQL = """
select guild_id::text, user_id::text from member where left_at is null and bot is false
"""
VOICE_SQL = """
select guild_id::text, user_id::text, channel_id::text,
       (extract(epoch from from_at) * 1000)::bigint, (extract(epoch from to_at) * 1000)::bigint,
       from_estimated or estimated
from voice_session
"""


class Truth:
    """The simulator's account."""

    def __init__(self, text):
        self.slack_ms = SLACK_MS
        self.counts = {}
        self.members = {}
        self.voice = []
        self.roster = {}
        for line in text.splitlines():
            self.take(json.loads(line))

    @classmethod
    def of(cls, sim):
        with urllib.request.urlopen(f"{sim.base}/_sim/truth", timeout=120) as answer:
            return cls(answer.read().decode())

    def take(self, row):
        kind = row.get("row")
        if kind == "count":
            key = (row["guild"], row["user"], row["channel"], row["kind"])
            self.counts[key] = Row(row["count"], row["own_time"], row["first"], row["first_until"], row["last"],
                                   row["last_until"])
        elif kind == "member":
            self.members[row["guild"], row["user"]] = row
        elif kind == "voice":
            self.voice.append(row)
        elif kind == "roster":
            self.roster[row["guild"]] = set(row["members"])

    def kinds(self):
        sums = collections.Counter()
        for (_, _, _, kind), row in self.counts.items():
            sums[kind] += row.count
        return dict(sums)

    def total(self):
        return sum(row.count for row in self.counts.values())


def recorded_kinds(pg):
    return {kind: int(count) for kind, count in pg.execute(KINDS_SQL)}


def recorded_total(pg):
    return int(pg.execute("select coalesce(sum(count), 0) from activity")[0][0])


def outside(value, low, high, slack_ms, own_time=False):
    if own_time:
        return value != low
    return value is None or not low <= value <= max(low, high or low) + slack_ms


def compare_counts(truth, pg, found):
    recorded = {tuple(row[:4]): row[4:] for row in pg.execute(COUNTS_SQL)}
    for key, want in truth.counts.items():
        have = recorded.pop(key, None)
        where = "guild %s user %s channel %s %s" % key
        if have is None:
            found.append(f"{where}: {want.count} done, none recorded")
        elif int(have[0]) != want.count:
            found.append(f"{where}: {want.count} done, {have[0]} recorded")
        elif outside(have[1], want.first, want.first_until, truth.slack_ms, want.own_time):
            found.append(f"{where}: first at {want.first}..{want.first_until}, recorded {have[1]}")
        elif outside(have[2], want.last, want.last_until, truth.slack_ms, want.own_time):
            found.append(f"{where}: last at {want.last}..{want.last_until}, recorded {have[2]}")
    for key, have in recorded.items():
        found.append("guild %s user %s channel %s %s: none done, " % key + f"{have[0]} recorded")


def latest_rows(pg):
    """By member the latest act of all, and of those that count, in the rows of activity."""
    seen, counted = {}, {}
    for guild, user, _, kind, _, _, last in pg.execute(COUNTS_SQL):
        seen[guild, user] = max(last, seen.get((guild, user), 0))
        if kind not in NOT_COUNTED:
            counted[guild, user] = max(last, counted.get((guild, user), 0))
    return seen, counted


def compare_latest(pg, found):
    """A member's times are to the ms those of his latest rows, which compare_counts judges."""
    rows = latest_rows(pg)
    for guild, user, *times in pg.execute(MEMBERS_SQL):
        for what, have, latest in zip(("seen", "counted"), times, rows):
            want = latest.get((guild, user))
            if have != want:
                found.append(f"guild {guild} user {user}: last {what} is {have}, the latest row's "
                             f"is {want}")


def compare_members(truth, pg, found):
    recorded = {(guild, user): (seen, counted)
                for guild, user, seen, counted in pg.execute(MEMBERS_SQL)}
    for key, want in truth.members.items():
        seen, counted = recorded.pop(key, (None, None))
        where = "guild %s user %s" % key
        if outside(seen, want["seen"], want["seen_until"], truth.slack_ms):
            found.append(f"{where}: seen at {want['seen']}..{want['seen_until']}, recorded {seen}")
        if want["counted"] is None and counted is not None:
            found.append(f"{where}: nothing counted, recorded {counted}")
        if want["counted"] is not None and outside(counted, want["counted"],
                                                   want["counted_until"], truth.slack_ms):
            found.append(f"{where}: counted at {want['counted']}..{want['counted_until']}, "
                         f"recorded {counted}")
    for key in recorded:
        found.append("guild %s user %s: never did anything, recorded as seen" % key)


def compare_roster(truth, pg, found):
    recorded = collections.defaultdict(set)
    for guild, user in pg.execute(ROSTER_SQL):
        recorded[guild].add(user)
    for guild, members in truth.roster.items():
        missing, extra = members - recorded[guild], recorded[guild] - members
        if missing:
            found.append(f"guild {guild}: {len(missing)} members not on the roster, such as "
                         f"{min(missing)}")
        if extra:
            found.append(f"guild {guild}: {len(extra)} on the roster that are no members, such as "
                         f"{min(extra)}")


def compare_voice(truth, pg, found):
    """What is promised: who sits where is exact, and so is each stay, as long as the same member does
    not come into the same channel twice within one ms. A stay's key is its begin, which is the time
    of arrival (voice states carry none), so a replay that delivers minutes of coming and going in
    one ms may fold some into one: never more stays than there were, never none, none that was
    estimated, and none that began before it did."""
    done = collections.defaultdict(list)
    for row in truth.voice:
        if (row["guild"], row["user"]) in truth.members:  # others are bots: nobody's activity
            done[row["guild"], row["user"], row["channel"]].append(row)
    recorded = collections.defaultdict(list)
    for guild, user, channel, begin, end, estimated in pg.execute(VOICE_SQL):
        recorded[guild, user, channel].append((begin, end, estimated))
    for key in sorted(done.keys() | recorded.keys()):
        stays, have = done[key], recorded[key]
        where = "guild %s user %s voice channel %s" % key
        sits = [s["to"] is None for s in stays].count(True)
        if sits != sum(end is None for _, end, _ in have):
            found.append(f"{where}: {'sits' if sits else 'does not sit'} there, recorded {have}")
        if not bool(stays) == bool(have) or len(have) > len(stays):
            found.append(f"{where}: {len(stays)} stays, {len(have)} recorded")
        elif stays and min(begin for begin, _, _ in have) < min(s["from"] for s in stays):
            found.append(f"{where}: recorded before the first began")
        if any(estimated for _, _, estimated in have):
            found.append(f"{where}: estimated, although no session was lost: {have}")


def differences(truth, pg, roster=True):
    """Every difference, one line each; an empty list is what a test asserts."""
    found = []
    compare_counts(truth, pg, found)
    compare_members(truth, pg, found)
    compare_latest(pg, found)
    compare_voice(truth, pg, found)
    if roster:
        compare_roster(truth, pg, found)
    return found
