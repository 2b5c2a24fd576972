"""A guild is reset under load: it begins anew, every other guild of the shard loses nothing, and
whoever dies in the middle of it, the guild is not left gated and not reset twice."""

import os
import random

import pytest

import harness
import truth
from busy import kill_worker
from test_developers import DEVELOPER, Room, code_in, resets

GUILDS, MEMBERS = 50, 40
RATE = 1000 / harness.SLOWNESS


@pytest.fixture
def busy(make_busy):
    busy = make_busy(["--guilds", GUILDS, "--members", MEMBERS], start=False)
    busy.guilds, busy.members = GUILDS, MEMBERS
    busy.stack.start_servers()
    members = busy.sim.get("/_sim/world?members=1")["guilds"][0]["members"]
    busy.stack.conf.update(discord={"developers": members[DEVELOPER]["id"]}).save()
    busy.presenced.start()
    busy.presenced.wait_live()
    busy.load(rate=RATE)
    busy.let_pass(1000)
    return busy


def settle(busy, room):
    """Everything is durable, and all guilds but the one that was reset are as the simulator knows."""
    busy.sim.post("/_sim/load/stop")
    harness.wait_until(lambda: busy.not_durable() is None, 120, "all is durable", interval=0.1)
    account = truth.Truth.of(busy.sim)
    account.slack_ms = truth.PAUSED_SLACK_MS
    found = truth.differences(account, busy.pg)
    others = [line for line in found if room.guild["id"] not in line]
    assert not others, f"{len(others)} differences:\n" + "\n".join(others[:20])


def is_watched_and_moving(busy, room):
    """The guild is not gated: what is done in it is recorded, and it is watched."""
    before = moving(busy, room)
    for _ in range(3):
        room.write("Good morning", user=12)
    harness.wait_until(lambda: moving(busy, room) > before, 60, "acts of the guild are recorded")
    harness.wait_until(lambda: busy.pg.execute(
        "select count(*) from coverage where guild_id = %s and to_at is null",
        (room.guild["id"],))[0][0] == 1, 60, "the guild is watched")


def moving(busy, room):
    return busy.pg.execute("select coalesce(sum(count), 0) from activity where guild_id = %s "
                           "and user_id = %s", (room.guild["id"], room.members[12]))[0][0]


def test_under_load(busy):
    room = Room(busy.stack)
    code = room.write(code_in(room.ask("?reset")))
    assert room.answer(code, deadline=60).startswith("Done:")
    busy.let_pass(1000)
    is_watched_and_moving(busy, room)
    settle(busy, room)
    floor = busy.pg.execute("select reset_at from guild where guild_id = %s", (room.guild["id"],))[0][0]
    assert floor and resets(room) == 1
    busy.presenced.log.wait_for("roster_complete", containing=room.guild["id"], count=2, deadline=60)


STEPS = ["gated", "clear", "resume", "open"]


@pytest.mark.parametrize("victim", ["worker", "presenced"])
@pytest.mark.parametrize("step", STEPS)
def test_death_at_a_step(busy, step, victim):
    room = Room(busy.stack)
    since = busy.presenced.log.position()
    room.write(code_in(room.ask("?reset")))
    busy.presenced.log.wait_for("reset_step", since=since, containing=": " + step)
    if victim == "worker":
        for pid in busy.presenced.workers():
            os.kill(pid, 9)
    else:
        busy.presenced.kill()
        busy.presenced.start()
    busy.presenced.log.wait_for("reset_over", since=since, deadline=90)
    busy.presenced.wait_live(60)
    is_watched_and_moving(busy, room)
    assert resets(room) == 1
    settle(busy, room)


@pytest.mark.slow
def test_random_deaths(busy):
    room = Room(busy.stack)
    dice = random.Random(7)
    for count in range(1, 6):
        since = busy.presenced.log.position()
        room.write(code_in(room.ask("?reset")))
        busy.presenced.log.wait_for("reset_begun", since=since)
        busy.let_pass(dice.randrange(300))
        if dice.random() < 0.3:
            busy.presenced.kill()
            busy.presenced.start()
        else:
            kill_worker(busy, dice)
        busy.presenced.log.wait_for("reset_over", since=since, deadline=90)
        busy.presenced.wait_live(60)
        assert resets(room) == count
    is_watched_and_moving(busy, room)
    settle(busy, room)
