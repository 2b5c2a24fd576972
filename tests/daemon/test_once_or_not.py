"""A worker dies over a destructive command, at any instant between its code and its answer: the
command is executed once or not at all, never twice, and nobody does it again later."""

import contextlib
import os
import random
import time

import pytest

import harness
from test_developers import DEVELOPER, Room, act_as, code_in, erasures, recorded

KILLS = int(os.environ.get("PRESENCE_KILLS", "6"))
# From the code's message to its answer takes some 10 to 20 ms.
LATEST_S = 0.03


@pytest.fixture
def start(make_stack):
    def make(die=None):
        stack = make_stack(sim_args=["--guilds", 2, "--members", 30], conf={"workers": {"count": 2}})
        stack.start_servers()
        members = stack.sim.get("/_sim/world?members=1")["guilds"][0]["members"]
        stack.conf.update(discord={"developers": members[DEVELOPER]["id"]}).save()
        if die:
            stack.presenced.env["PRESENCE_DEBUG_DIE"] = die
        stack.presenced.expect_any_error()
        stack.presenced.start()
        stack.presenced.wait_live()
        return Room(stack)

    return make


def executed(room, message):
    """How often what this message asked for was carried out, by the database's own record."""
    return room.stack.pg.execute("select count(*) from audit where operation = 'hardReset' "
                                 "and request_id = %s", (message,))[0][0]


def everything_is_taken(room):
    """Whatever was delivered again is behind us: what is written now is recorded and answered."""
    act_as(room, 12, 1)
    room.ask("?ping")


def kill_workers(room):
    for pid in room.stack.presenced.workers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)


@pytest.mark.parametrize("point,times", [("confirmed", 0), ("asked", None), ("executed", 1),
                                         ("answering", 1)])
def test_death_at_an_instant(start, point, times):
    room = start(die=point)
    if room.stack.presenced.control("debug")["error"]["code"] == "unknown_command":
        pytest.skip("needs a build with --enable-debug-faults")
    victim = act_as(room, 11)
    code = room.write(code_in(room.ask(f"?delete member {victim}")))
    room.stack.presenced.log.wait_for("worker_died")
    everything_is_taken(room)
    done = executed(room, code)
    assert done == times if times is not None else done <= 1
    assert recorded(room, victim) == (0 if done else 3)
    assert len(room.answers_to(code)) <= 1 and erasures(room) == done
    assert len(room.stack.presenced.log.events("worker_died")) == 1


def test_random_kills(start, record_property):
    room = start()
    dice = random.Random(KILLS)
    outcomes = {"executed": 0, "answered": 0, "neither": 0}
    for _ in range(KILLS):
        victim = act_as(room, 11, 2)
        before = recorded(room, victim)
        code = room.write(code_in(room.ask(f"?delete member {victim}")))
        time.sleep(dice.uniform(0, LATEST_S))  # the instant is what the test is about
        kill_workers(room)
        everything_is_taken(room)
        done, answers = executed(room, code), len(room.answers_to(code))
        assert done <= 1 and answers <= 1 and (done or not answers)
        assert recorded(room, victim) == (0 if done else before)
        outcomes["answered" if answers else "executed" if done else "neither"] += 1
    assert erasures(room) == outcomes["executed"] + outcomes["answered"]
    record_property("counted", f"{KILLS} kills: {outcomes}")
