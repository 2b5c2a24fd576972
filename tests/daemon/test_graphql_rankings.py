"""Rankings and typical gaps against what was recorded."""

import collections

import pytest

import reads
from reads import CHANNELS, COUNTED, DAY, GUILD, HOUR, MODEL, NOW, OTHER, STRANGER, USERS
from test_graphqld import act, sightings, stamp

ROLES = ("0", "1", "2", "3")


@pytest.fixture(scope="module")
def world():
    with reads.world() as made:
        made.lane.record(roles=[{"guildId": GUILD, "roleId": r, "at": NOW, "name": f"r{r}"} for r in ROLES]
                         + [{"guildId": GUILD, "roleId": "4", "at": NOW, "gone": True, "name": "old"}])
        yield made


def ranked(world, **arguments):
    text = ", ".join(f"{k}: {v}" for k, v in arguments.items())
    return world.read(f'{{ ranking(guildId: "{GUILD}", {text}) {{ place id acts people lastActAt }} }}')["ranking"]


def expected(key, everybody, acts, first, reverse):
    """key: act -> the ids it counts for."""
    count, people, last = collections.Counter(), collections.defaultdict(set), {}
    for a in acts:
        for id in key(a):
            count[id] += a.count
            people[id].add(a.user)
            last[id] = max(last.get(id, 0), a.at)
    chosen = [i for i in everybody if reverse or count[i]]
    chosen.sort(key=lambda i: (count[i] if reverse else -count[i], int(i)))
    return [{"place": n + 1, "id": i, "acts": str(count[i]), "people": len(people[i]),
             "lastActAt": stamp(last[i]) if i in last else None} for n, i in enumerate(chosen[:first])]


OF = {"MEMBER": (lambda a: [a.user], USERS),
      "CHANNEL": (lambda a: [a.channel] if a.channel else [], CHANNELS),
      "ROLE": (lambda a: [str(USERS.index(a.user) % 3)], ROLES)}


@pytest.mark.parametrize("of", OF)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("days", [1, 30, 90])
def test_who_did_most(world, of, reverse, days):
    key, everybody = OF[of]
    acts = [a for a in COUNTED if a.at >= NOW - days * DAY]
    for first in (2, 100):
        assert ranked(world, of=of, days=days, reverse=str(reverse).lower(), first=first) == expected(
            key, everybody, acts, first, reverse)


def test_of_some_kinds(world):
    acts = [a for a in MODEL if a.at >= NOW - 30 * DAY and a.kind in ("TYPING", "COMMAND")]
    assert ranked(world, kinds="[TYPING, COMMAND]") == expected(OF["MEMBER"][0], USERS, acts, 10, False)
    assert ranked(world, kinds="[]") == []


def test_nothing_of_those_who_may_be_bots_or_have_left(world):
    for of in OF:
        assert STRANGER not in [e["id"] for e in ranked(world, of=of, days=400, first=100, reverse="true")]
    world.pg.execute("UPDATE member SET left_at = now() WHERE guild_id = %s AND user_id = %s",
                     (GUILD, USERS[0]))
    try:
        for reverse in ("true", "false"):
            assert USERS[0] not in [e["id"] for e in ranked(world, days=400, first=100, reverse=reverse)]
    finally:
        world.pg.execute("UPDATE member SET left_at = NULL WHERE guild_id = %s AND user_id = %s",
                         (GUILD, USERS[0]))


def test_not_from_before_a_soft_reset(world):
    at = NOW - 7 * DAY
    with world.reset_at(at):
        got = ranked(world, days=90, first=100)
    assert got == expected(OF["MEMBER"][0], USERS, [a for a in COUNTED if a.at >= at], 100, False)


@pytest.mark.parametrize("arguments, text", [
    ({"days": 0}, "days: expected 1 to 400"), ({"days": 401}, "days: expected 1 to 400"),
    ({"first": 0}, "first: expected 1 to 100"), ({"first": 101}, "first: expected 1 to 100"),
    ({"first": -1}, "first: expected 1 to 100")])
def test_what_nobody_may_ask(world, arguments, text):
    given = ", ".join(f"{k}: {v}" for k, v in arguments.items())
    answer = world.ask(f'{{ ranking(guildId: "{GUILD}", {given}) {{ id }} }}')
    assert answer["errors"][0]["message"] == text
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_typical_gaps(world):
    """In the class of the median, and never beyond the longest."""
    user = "600000000000000777"
    gaps = [HOUR, 3 * HOUR, 3 * HOUR + 1, 5 * HOUR, 40 * HOUR]
    at = NOW - 20 * DAY
    times = [at]
    for gap in gaps:
        times.append(times[-1] + gap)
    world.lane.record(members=[{"guildId": OTHER, "userId": user, "at": NOW, "bot": False, "onRoster": True}])
    for t in times:
        world.lane.record(sightings=sightings(act(t, "MESSAGE", guild=OTHER, user=user)))
    got = world.read(f'{{ member(guildId: "{OTHER}", userId: "{user}") {{ gaps {{ count meanMs medianMs maxMs }} }}'
                     f' none: member(guildId: "{GUILD}", userId: "{USERS[9]}") {{ gaps {{ medianMs }} }} }}')
    assert got["none"]["gaps"]["medianMs"] is None
    gaps_got = {k: int(v) for k, v in got["member"]["gaps"].items()}
    assert gaps_got["count"] == 5 and gaps_got["maxMs"] == 40 * HOUR
    assert 2 * HOUR <= gaps_got["medianMs"] <= 4 * HOUR
    for share, least, most in ((0, 1, 2), (0.2, 1, 2), (0.5, 2, 4), (0.61, 4, 8), (1, 32, 64)):
        value = world.pg.execute("select gap_quantile(gap_hist, %s) from last_seen where guild_id = %s "
                                 "and user_id = %s", (share, OTHER, user))[0][0]
        assert least * HOUR <= value <= most * HOUR, share
