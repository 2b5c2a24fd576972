"""Nothing is lost and nothing counted twice, whatever is killed, stopped, reloaded or absent.

Each test lets the simulator's people act while something happens to the system, waits until all
that was sent is durable, and compares PostgreSQL with the simulator's ground truth: every count
exact, every time right, the roster and who sits in voice as they are. `make soak` runs the kills
for longer and with more seeds (PRESENCE_SOAK_SEEDS, PRESENCE_SOAK_SECONDS).
"""

import contextlib
import os
import random
import signal
import urllib.error

import pytest

import harness
from busy import HEARTBEAT_MS, RATE, kill_worker, resident

SEEDS = int(os.environ.get("PRESENCE_SOAK_SEEDS", "3"))
SECONDS = float(os.environ.get("PRESENCE_SOAK_SECONDS", "10"))
ABSENCE_SECONDS = float(os.environ.get("PRESENCE_ABSENCE_SECONDS", "10"))
FLAT_OUT_EVENTS = int(200000 / harness.SLOWNESS)
# Master and workers, their shared segment included, at a flat-out load with PostgreSQL behind: the
# master's queue is bounded (64 MB), the segment is fixed, a worker's batches are bounded.
FLAT_OUT_RESIDENT = 160 << 20


@pytest.fixture
def busy(make_busy):
    return make_busy().load()


def test_a_calm_run(busy):
    dice = random.Random(1)
    for _ in range(100):
        busy.let_pass(100)
        busy.sprinkle(dice)
    busy.settle()
    busy.check_heartbeats()
    assert busy.sprinkled > 50


# --- kills -----------------------------------------------------------------------------------------

def kill_and_start(busy, process, dice):
    process.kill()
    busy.let_pass(dice.randrange(int(RATE / 2)))
    process.start()


def strike(busy, dice):
    what = dice.choices(["worker", "master", "graphqld", "redis", "pg"], [5, 2, 3, 2, 2])[0]
    if what == "worker":
        kill_worker(busy, dice)
    else:
        kill_and_start(busy, busy.presenced if what == "master" else getattr(busy, what), dice)
    return what


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_random_kills(busy, seed):
    dice = random.Random(seed)
    struck = []
    end = busy.made() + RATE * SECONDS
    while busy.made() < end:
        busy.let_pass(dice.uniform(0.1, 1.5) * RATE)
        busy.sprinkle(dice, 5)
        struck.append(strike(busy, dice))
    print(f"seed {seed}: {' '.join(struck)}")
    account = busy.settle(180)
    late = busy.check_heartbeats()
    print(f"seed {seed}: {account.total()} acts, latest heartbeat {late} ms")


@pytest.mark.parametrize("victim", ["worker", "presenced", "graphqld", "redis", "pg"])
def test_one_kill(busy, victim):
    dice = random.Random(victim)
    busy.let_pass(1000)
    if victim == "worker":
        kill_worker(busy, dice)
    else:
        kill_and_start(busy, getattr(busy, victim), dice)
    busy.let_pass(1000)
    busy.settle()


@pytest.mark.slow
def test_a_frozen_tree_thaws(make_busy):
    """Master and workers are stopped for longer than a worker may leave a ping unanswered, as by a
    freezer of the system; the master comes to first. Its workers had no chance to answer."""
    busy = make_busy()
    busy.load(200)
    workers = busy.presenced.workers()
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    busy.let_pass(200 * 4)  # a ping is under way: there is one every 3 s
    busy.presenced.send(signal.SIGSTOP)
    busy.let_pass(200 * 12)
    position = busy.presenced.log.position()
    busy.presenced.send(signal.SIGCONT)
    busy.presenced.log.wait_for("gateway_resumed", since=position)
    for pid in workers:
        os.kill(pid, signal.SIGCONT)
    busy.settle()
    assert busy.presenced.workers() == workers
    assert not busy.presenced.log.events("worker_killed")


# --- absences --------------------------------------------------------------------------------------

@pytest.mark.slow
@pytest.mark.parametrize("absent", ["pg", "redis", "graphqld"])
def test_an_absence(busy, absent):
    process = getattr(busy, absent)
    busy.let_pass(1000)
    since = busy.mark()
    process.kill()
    beats = max(3, int(ABSENCE_SECONDS * 1000 / HEARTBEAT_MS))
    busy.let_beat(beats, since)
    assert busy.presenced.running()
    peak = resident(busy)
    process.start()
    busy.let_pass(1000)
    busy.settle(180)
    busy.check_heartbeats(since, beats)
    assert peak < FLAT_OUT_RESIDENT, f"{peak >> 20} MB resident while {absent} was away"


def test_flat_out(make_busy):
    """As fast as the socket takes it: heartbeats on time, memory bounded, every count exact."""
    busy = make_busy(["--set", "heartbeat_ms=500"])
    busy.load(rate=0, events=FLAT_OUT_EVENTS)
    peaks = []

    def all_made():
        peaks.append(resident(busy))
        progress = busy.sim.get("/_sim/load")
        return not progress["running"] and progress["backlog"] == 0

    harness.wait_until(all_made, 120, f"{FLAT_OUT_EVENTS} events", interval=0.1)
    account = busy.settle(180)
    peaks.append(resident(busy))
    late = busy.check_heartbeats(least=3)
    print(f"{account.total()} acts, at most {max(peaks) >> 20} MB, latest heartbeat {late} ms")
    assert max(peaks) < FLAT_OUT_RESIDENT, f"{max(peaks) >> 20} MB resident"


# --- restarts and reloads ---------------------------------------------------------------------------

def test_stop_and_start_within_the_resume_window(busy):
    busy.let_pass(1000)
    busy.presenced.stop()
    busy.let_pass(1000)
    busy.presenced.start()
    busy.let_pass(1000)
    busy.settle()
    assert busy.sim.get("/_sim/received?what=resume")["items"]


@pytest.mark.parametrize("database", ["there", "away"])
def test_a_lost_segment(busy, database):
    """As after a power cut within the resume window: the session is resumed, the memory is new."""
    busy.let_pass(1000)
    busy.presenced.stop()
    os.unlink(f"/dev/shm/presence-{busy.stack.conf.get('cache', 'instance')}")
    if database == "away":
        busy.graphqld.stop()
    busy.presenced.start()
    busy.let_pass(500)
    if database == "away":
        busy.graphqld.start()
    busy.let_pass(500)
    busy.settle()
    assert [r["result"] for r in busy.sim.get("/_sim/received?what=resume")["items"]] == ["resumed"]
    for guild in busy.sim.get("/_sim/world")["guilds"]:
        known = busy.presenced.ctl("guild", guild=guild["id"])
        assert known["known"] and known["watching"] and known["available"], known


def reload_with(busy, **sections):
    busy.stack.conf.update(**sections).save()
    return busy.presenced.reload()


@pytest.mark.slow
def test_workers_from_two_to_five_to_one(busy):
    for count in (5, 1):
        busy.let_pass(2000)
        assert reload_with(busy, workers={"count": count})["ok"]

        def rolled_over():
            workers = busy.presenced.ctl("workers")["workers"]
            return (len(workers) == count and sum(w["lanes"] for w in workers) == 64
                    and all(w["state"] == "ready" for w in workers))

        harness.wait_until(rolled_over, 30, f"{count} workers own all lanes")
    busy.let_pass(2000)
    busy.settle()
    busy.check_heartbeats()


def test_good_bad_and_half_bad_reloads(busy):
    """A file that is bad in one place changes nothing, not even what stands right in it."""
    conf, presenced = busy.stack.conf, busy.presenced
    busy.let_pass(1000)
    assert reload_with(busy, workers={"flush_ms": 100})["ok"]
    busy.let_pass(1000)
    good = conf.text()
    conf.path.write_text(good + "[log]\nlevel = debug\n[redis]\nurl = nonsense\n")
    for ask in (presenced.reload, lambda: presenced.send(1)):
        position = presenced.log.position()
        refused = ask()
        presenced.log.wait_for("reload_refused", since=position)
        if refused:
            assert not refused["ok"] and refused["error"]["code"] == "bad_config"
            assert any("url" in e for e in refused["error"]["errors"]), refused
        assert presenced.ctl("status")["log_level"] == "info"
        busy.let_pass(500)
    conf.path.write_text("[log\nlevel")
    assert not presenced.reload()["ok"]
    conf.path.write_text(good + "[log]\nlevel = warn\n")
    assert presenced.reload()["ok"]
    assert presenced.ctl("status")["log_level"] == "warn"
    busy.let_pass(1000)
    busy.settle()
    busy.check_heartbeats()


def test_hands_among_the_loads_voice_events(make_busy):
    """The load's voice events show no raised hand, so it is down from then on: what a moderator does
    next is still nobody's act."""
    busy = make_busy(["--guilds", 1, "--members", 1])
    moderated = 0
    for seed in range(1, 13):
        for deed in ("voice_join", "voice_hand"):
            with contextlib.suppress(urllib.error.HTTPError):  # he may sit there already
                busy.sim.post("/_sim/act", {"kind": deed})
        busy.load(100, events=1, mix={"voice": 1}, seed=seed)
        harness.wait_until(lambda: not busy.sim.get("/_sim/load")["running"], 20, "the event")
        with contextlib.suppress(urllib.error.HTTPError):  # or he has left
            moderated += busy.sim.post("/_sim/act", {"kind": "voice_server"})["ok"]
    assert moderated > 3
    busy.settle()
