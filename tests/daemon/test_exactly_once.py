"""Nothing is lost and nothing counted twice, whatever is killed, stopped, reloaded or absent.

Each test lets the simulator's people act while something happens to the system, waits until all
is recorded, and compares PostgreSQL with the simulator's ground truth: every count exact, every
time right. `make soak` runs the kills for longer and with more seeds (PRESENCE_SOAK_SEEDS,
PRESENCE_SOAK_SECONDS).
"""

import os
import random
import time

import pytest

import harness
import truth

GUILDS, MEMBERS = 12, 60
RATE = 2000 / harness.SLOWNESS
SEEDS = int(os.environ.get("PRESENCE_SOAK_SEEDS", "3"))
SECONDS = float(os.environ.get("PRESENCE_SOAK_SECONDS", "10"))


@pytest.fixture
def busy(make_stack):
    """A running system under load. Whatever happens to it, errors in its log are its right to
    report; what a sanitizer says is not."""
    stack = make_stack(sim_args=["--guilds", GUILDS, "--members", MEMBERS],
                       conf={"workers": {"count": 2, "flush_ms": 50}})
    for process in stack.processes:
        process.expect_any_error()
    stack.start()
    stack.sim.post("/_sim/load", {"rate": RATE})
    return stack


def made(stack):
    return stack.sim.get("/_sim/load")["dispatched"]


def let_pass(stack, acts):
    """Waits until so many more acts were sent."""
    goal = made(stack) + acts
    harness.wait_until(lambda: made(stack) >= goal, 60, f"{acts} more acts")


def settle(stack, deadline=90):
    """Ends the load, waits for the last record, and asserts that all is as it was done."""
    stack.sim.post("/_sim/load/stop")
    stack.presenced.wait_live(60)
    want = sum(stack.sim.sent().values())
    assert want > 0
    try:
        harness.wait_until(lambda: truth.recorded_total(stack.pg) >= want, deadline, interval=0.1)
    except harness.Timeout:
        pass  # what is missing is shown below
    found = truth.differences(truth.Truth.of(stack.sim), stack.pg)
    assert not found, f"{len(found)} differences:\n" + "\n".join(found[:30])


def test_a_calm_run(busy):
    let_pass(busy, 3000)
    settle(busy)


# --- kills -----------------------------------------------------------------------------------------

def kill_worker(stack, dice):
    workers = stack.presenced.workers()
    if workers:
        victim = dice.choice(workers)
        try:
            os.kill(victim, 9)
        except ProcessLookupError:
            pass


def kill_and_start(process, dice):
    process.kill()
    time.sleep(dice.uniform(0, 0.5))
    process.start()


def strike(stack, dice):
    what = dice.choices(["worker", "master", "graphqld", "redis", "pg"], [5, 2, 3, 2, 2])[0]
    if what == "worker":
        kill_worker(stack, dice)
    else:
        process = {"master": stack.presenced, "graphqld": stack.graphqld, "redis": stack.redis,
                   "pg": stack.pg}[what]
        kill_and_start(process, dice)
    return what


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_random_kills(busy, seed):
    dice = random.Random(seed)
    struck = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(dice.uniform(0.1, 1.5))
        struck.append(strike(busy, dice))
    print(f"seed {seed}: {' '.join(struck)}")
    settle(busy, 120)


@pytest.mark.parametrize("victim", ["worker", "presenced", "graphqld", "redis", "pg"])
def test_one_kill(busy, victim):
    dice = random.Random(victim)
    let_pass(busy, 500)
    if victim == "worker":
        kill_worker(busy, dice)
    else:
        kill_and_start(getattr(busy, victim), dice)
    let_pass(busy, 500)
    settle(busy)


# --- absences --------------------------------------------------------------------------------------

@pytest.mark.slow
@pytest.mark.parametrize("absent", ["pg", "redis", "graphqld"])
def test_an_absence(busy, absent):
    process = getattr(busy, absent)
    seconds = float(os.environ.get("PRESENCE_ABSENCE_SECONDS", "10"))
    let_pass(busy, 500)
    process.kill()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.5)
        assert busy.presenced.running()
    beats = [i for i in busy.sim.get("/_sim/received?what=heartbeat")["items"]]
    assert all(i["late_ms"] < 1000 for i in beats), beats
    process.start()
    let_pass(busy, 500)
    settle(busy, 120)


# --- restarts and reloads ---------------------------------------------------------------------------

def test_stop_and_start_within_the_resume_window(busy):
    let_pass(busy, 500)
    busy.presenced.stop()
    let_pass(busy, 500)
    busy.presenced.start()
    let_pass(busy, 500)
    settle(busy)
    resumes = busy.sim.get("/_sim/received?what=resume")["items"]
    assert resumes, "it identified anew instead of resuming"


def reload_with(stack, **sections):
    stack.conf.update(**sections).save()
    return stack.presenced.reload()


@pytest.mark.slow
def test_workers_from_two_to_five_to_one(busy):
    for count in (5, 1):
        let_pass(busy, 500)
        assert reload_with(busy, workers={"count": count})["ok"]

        def rolled_over():
            workers = busy.presenced.ctl("workers")["workers"]
            return (len(workers) == count and sum(w["lanes"] for w in workers) == 64
                    and all(w["state"] == "ready" for w in workers))

        harness.wait_until(rolled_over, 30, f"{count} workers own all lanes")
    let_pass(busy, 500)
    settle(busy)


def test_good_and_bad_reloads(busy):
    let_pass(busy, 300)
    assert reload_with(busy, workers={"flush_ms": 100})["ok"]
    let_pass(busy, 300)
    good = busy.conf.text()
    busy.conf.path.write_text(good + "[redis]\nurl = nonsense\n[log]\nlevel = debug\n")
    refused = busy.presenced.reload()
    assert not refused["ok"] and refused["error"]["code"] == "bad_config"
    assert busy.presenced.ctl("status")["log_level"] == "info"
    busy.conf.path.write_text("[log\nlevel")
    assert not busy.presenced.reload()["ok"]
    let_pass(busy, 300)
    settle(busy)
