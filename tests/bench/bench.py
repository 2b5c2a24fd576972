"""What `make bench` runs: what an event costs, how fast, how late, how much memory; beside it the
same work done with Debian's python3-discord.

Every figure is measured on this machine in this run. CPU is that of presenced and its workers,
user and system, from /proc/PID/stat; what the other processes spend is shown beside it. The rate is
that of the gateway socket: events by the time from the load's start until the master has read the
last of them. The simulator stands for Discord, which is another machine: run by root it gets the
better niceness, since here it shares the cores with all that it feeds; Presence depends on nothing
of that.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
import harness  # noqa: E402
import lag  # noqa: E402
import truth  # noqa: E402

MODES = ("none", "zstd-stream", "zlib-stream")
# What is to be reached. The rate is asked for without compression: compressing takes the simulator
# several times as long as Presence needs for the whole event.
CPU_US_MAX = {"none": 3.5, "zstd-stream": 5.0, "zlib-stream": 7.0}
RATE_MIN = 150000
CALM_US_MAX = 40
LAG_MS_MAX = {0.5: 300, 0.99: 1000}
IDLE_PERCENT_MAX = 0.1
CATALOGUE_MAX = {"CPU seconds": 4, "MB resident": 200, "bytes per member": 130}
SIM_NICE = -10
REST_SECONDS = 5  # memory that a burst needed is given back within a few seconds


def parse():
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="of each part; the median counts (5)")
    parser.add_argument("--events", type=int, default=200000)
    parser.add_argument("--guilds", type=int, default=100)
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10, help="of each paced run (10)")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--only", action="append", metavar="PART",
                        choices=["flat", "paced", "calm", "idle", "roster", "peer"],
                        help="flat, paced, calm, idle, roster or peer; may be repeated")
    return parser.parse_args()


# --- measuring ---------------------------------------------------------------------------------------

def tree(presenced):
    return [presenced.pid, *presenced.workers()]


def cpu(pids):
    return sum(harness.cpu_seconds(p) for p in pids)


def postgres_cpu(pg):
    """The server's backends come and go: what the living ones and the dead ones took."""
    stat = pathlib.Path(f"/proc/{pg.pid}/stat").read_text().rpartition(")")[2].split()
    dead = (int(stat[13]) + int(stat[14])) / os.sysconf("SC_CLK_TCK")
    living = 0.0
    for pid in [pg.pid, *harness.children_of(pg.pid)]:
        try:
            living += harness.cpu_seconds(pid)
        except FileNotFoundError:  # it ended just now: among the dead next time
            pass
    return dead + living


def resident(pids):
    """Proportional set size in bytes: shared pages counted once."""
    total = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+) kB", text, re.M)[1]) * 1024
    return total


def wakeups(pids):
    """Voluntary context switches: each is a wake-up later on."""
    total = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M)[1])
    return total


def verdict(good):
    return "ok" if good else "MISSED"


def spread(values, form):
    """The median and, in brackets, the least and the most."""
    return (f"{format(statistics.median(values), form)} "
            f"({format(min(values), form)} to {format(max(values), form)})")


class System(harness.Stack):
    """The whole system in one mode, with a load that can be asked for."""

    def __init__(self, options, mode, members=None, cache=None):
        members = members or options.members
        super().__init__(
            sim_args=["--guilds", options.guilds, "--members", members],
            conf={"discord": {"compress": mode},
                  "workers": {"count": options.workers, "flush_ms": 250},
                  "cache": cache or {"members": 250000, "ring": 16384}})
        self.humans = options.guilds * members
        for process in (self.sim, self.redis, self.graphqld, self.presenced):
            process.popen_options = lambda: {"start_new_session": True}

    def start_servers(self):
        super().start_servers()
        if os.geteuid() == 0:
            os.setpriority(os.PRIO_PROCESS, self.sim.pid, SIM_NICE)
            with contextlib.suppress(OSError):  # no groups here
                pathlib.Path(f"/proc/{self.sim.pid}/autogroup").write_text(str(SIM_NICE))
        return self

    def read_from_socket(self):
        """Dispatches that the master has read so far."""
        return sum(s["events"] for s in self.presenced.ctl("status")["shards"])

    def wait_loaded(self, before, deadline):
        """Until a load is over and the master has read all of it; returns what it was."""
        harness.wait_until(lambda: not self.load_progress()["running"], deadline,
                           "the load ends", interval=0.02)
        progress = self.load_progress()
        harness.wait_until(
            lambda: self.read_from_socket() - before >= progress["dispatched"], deadline,
            "the master has read it", interval=0.005)
        return progress["dispatched"]

    def wait_catalogued(self, deadline=600, look=lambda: None):
        """Until every guild's roster is complete in PostgreSQL; looks now and then."""
        sql = "select count(*), count(roster_at) from guild where left_at is null"

        def complete():
            self.presenced.check_alive()
            look()
            (guilds, done), = self.pg.execute(sql)
            return guilds and guilds == done and guilds == len(self.guild_ids)

        self.guild_ids = self.sim.get("/_sim/world")["guilds"]
        harness.wait_until(complete, deadline, "every roster is complete", interval=0.1)

    def load(self, **plan):
        self.sim.post("/_sim/load", plan)

    def load_progress(self):
        return self.sim.get("/_sim/load")

    def nothing_waits(self):
        status = self.presenced.ctl("status")
        return status["queue"]["events"] == status["lanes"]["used_slots"] == 0

    def wait_recorded(self, deadline=120):
        """Asks PostgreSQL once nothing is under way: the question costs it more than a batch."""
        want = sum(self.sim.sent().values())
        harness.wait_until(
            lambda: self.nothing_waits() and truth.recorded_total(self.pg) >= want, deadline,
            f"{want} acts are recorded", interval=0.05)


def spent(system, work):
    """Runs work, which returns a number of events; returns what it took per event in us of CPU, by
    process, and the seconds as a whole."""
    pids = tree(system.presenced)

    def readings():
        return {"presence": cpu(pids), "graphqld": harness.cpu_seconds(system.graphqld.pid),
                "postgres": postgres_cpu(system.pg),
                "redis": harness.cpu_seconds(system.redis.pid),
                "simulator": harness.cpu_seconds(system.sim.pid)}

    begin, before = time.monotonic(), readings()
    events = work()
    seconds, after = time.monotonic() - begin, readings()
    assert tree(system.presenced) == pids, "a worker was replaced during the measurement"
    return {"seconds": seconds,
            **{key: (after[key] - before[key]) / max(events, 1) * 1e6 for key in before}}


def columns(runs, *keys):
    """Each run's values of the keys, as lists."""
    return ([r[key] for r in runs] for key in keys)


# --- the parts -----------------------------------------------------------------------------------------

OTHERS = ("graphqld", "postgres", "redis", "simulator")


def others(runs):
    return ", ".join(f"{key} {statistics.median(r[key] for r in runs):.1f}" for key in OTHERS)


def flat_run(system, options):
    """One flat-out load: everything until the last act is committed."""
    taken = []

    def work():
        before, begin = system.read_from_socket(), time.monotonic()
        system.load(events=options.events, rate=0, seed=time.monotonic_ns() % 2**31)
        events = system.wait_loaded(before, 300)
        taken.append(events / (time.monotonic() - begin))
        system.wait_recorded()
        return events

    return {**spent(system, work), "taken": taken[0]}


def flat(options):
    print(f"\nFlat out: {options.events:,} events over one shard, {options.guilds} guilds of "
          f"{options.members:,} members, {options.workers} workers;\n"
          f"median of {options.runs} runs (least to most).\n"
          "CPU: microseconds per event of presenced and its workers, Redis and PostgreSQL written.\n"
          "Taken: events per second from the load's start until the master has read the last one\n"
          "from its socket. Recorded: seconds until the last one is committed in PostgreSQL.\n\n"
          f"{'':<13}{'CPU':<22}{'at most':<16}{'taken':<30}{'at least':<18}"
          f"{'recorded':>8}{'lost':>6}")
    medians, beside = {}, []
    for mode in MODES:
        system = System(options, mode)
        try:
            system.start()
            system.wait_catalogued()
            runs = [flat_run(system, options) for _ in range(options.runs)]
            done = truth.Truth.of(system.sim)
            done.slack_ms = truth.PAUSED_SLACK_MS  # sockets hold seconds of a compressed stream
            lost = len(truth.differences(done, system.pg))
        finally:
            system.close(check=False)
        us, taken, seconds = columns(runs, "presence", "taken", "seconds")
        medians[mode], rate = statistics.median(us), statistics.median(taken)
        wanted = f"{RATE_MIN:,} {verdict(rate >= RATE_MIN)}" if mode == "none" else ""
        limit = CPU_US_MAX[mode]
        print(f"{mode:<13}{spread(us, '.2f'):<22}{f'{limit} {verdict(medians[mode] <= limit)}':<16}"
              f"{spread(taken, ',.0f'):<30}{wanted:<18}{statistics.median(seconds):>7.1f}s{lost:>6}",
              flush=True)
        beside.append(f"{mode:<13}{others(runs)}")
    print("\nCPU per event beside it (with a compressed stream the simulator, which compresses on "
          "one\ncore, bounds the rate):\n" + "\n".join(beside), flush=True)
    return medians


def paced(options, rate, lag_wanted, us_max):
    """Runs at a rate; tells the lag, and judges it or the CPU."""
    system = System(options, "zstd-stream")
    try:
        system.start()
        system.wait_catalogued()
        probe = lag.LagProbe(system.sim, system.pg, options.guilds, options.members, 20)

        def work():
            before = system.read_from_socket()
            system.load(rate=rate, seconds=options.seconds, seed=time.monotonic_ns() % 2**31)
            return system.wait_loaded(before, options.seconds * 2 + 30)

        probe.start()
        runs = [spent(system, work) for _ in range(options.runs)]
        probe.stop()
        p50, p99 = probe.percentiles()
        held = resident(tree(system.presenced))
        system.wait_recorded()
    finally:
        system.close(check=False)
    us, = columns(runs, "presence")
    judged = f", at most {us_max}: {verdict(statistics.median(us) <= us_max)}" if us_max else ""
    print(f"\nPaced: {rate:,} events/s over one shard, zstd-stream, {options.runs} runs of "
          f"{options.seconds:.0f} s\n"
          f"  CPU per event: {spread(us, '.1f')} us{judged} ({others(runs)})")
    if lag_wanted:
        good = p50 < LAG_MS_MAX[0.5] and p99 < LAG_MS_MAX[0.99]
        print(f"  lag, from the act to its commit: p50 {p50} ms, p99 {p99} ms; under "
              f"{LAG_MS_MAX[0.5]} and {LAG_MS_MAX[0.99]}: {verdict(good)}")
    else:
        print(f"  lag, from the act to its commit: p50 {p50} ms, p99 {p99} ms")
    print(f"  resident: {held / 1e6:.1f} MB", flush=True)


def idle(options):
    system = System(options, "zstd-stream")
    try:
        system.start()
        system.wait_catalogued()
        pids = tree(system.presenced)
        switches, before, begin = wakeups(pids), cpu(pids), time.monotonic()
        time.sleep(2 * options.seconds)
        seconds = time.monotonic() - begin
        percent = 100 * (cpu(pids) - before) / seconds
        print(f"\nIdle for {seconds:.0f} s: {percent:.3f} % of a core, under {IDLE_PERCENT_MAX}: "
              f"{verdict(percent < IDLE_PERCENT_MAX)}; "
              f"{(wakeups(pids) - switches) / seconds:.1f} wake-ups/s of {len(pids)} processes",
              flush=True)
    finally:
        system.close(check=False)


def roster(options):
    """Cataloguing 100 x 10,000 members from an empty start, with rings of the default size and a
    table for a tenth more members than there are. The tree's memory counts as a whole, the table
    and the rings too, at its height and once it is at rest."""
    members = 10 * options.members
    total = options.guilds * members
    system = System(options, "zstd-stream", members=members,
                    cache={"members": total * 11 // 10, "ring": 4096})
    try:
        system.start_servers()
        before = postgres_cpu(system.pg)
        begin = time.monotonic()
        system.presenced.start()
        system.presenced.wait_live(120)
        pids = tree(system.presenced)
        heights = []
        system.wait_catalogued(1200, lambda: heights.append(resident(pids)))
        seconds = time.monotonic() - begin
        used = cpu(pids)
        beside = (f"graphqld {harness.cpu_seconds(system.graphqld.pid):.1f} s, postgres "
                  f"{postgres_cpu(system.pg) - before:.1f} s, redis "
                  f"{harness.cpu_seconds(system.redis.pid):.1f} s")
        (count,), = system.pg.execute(truth.ROSTER_SQL.replace(
            "guild_id::text, user_id::text", "count(*)"))
        assert tree(system.presenced) == pids, "a worker was replaced during the measurement"
        time.sleep(REST_SECONDS)  # what is measured is what stays
        held = resident(pids)
    finally:
        system.close(check=False)
    found = {"CPU seconds": used, "MB resident": max(heights + [held]) / 1e6,
             "bytes per member": held / max(count, 1)}
    print(f"\nCatalogue: {count:,} members from an empty start in {seconds:.1f} s ({beside})")
    for key, most in CATALOGUE_MAX.items():
        print(f"  {key}: {found[key]:.2f}, at most {most}: {verdict(found[key] <= most)}")
    print(f"  at rest: {held / 1e6:.0f} MB resident", flush=True)


# --- the peer ------------------------------------------------------------------------------------------

class PeerProcess(harness.Process):
    """tests/bench/peer.py."""

    name = "peer"

    def __init__(self, directory, sim, redis, mode):
        super().__init__(directory)
        self.args = [sim.base, sim.gateway, sim.token, str(redis.socket), mode]

    def argv(self):
        return ["/usr/bin/python3", str(pathlib.Path(__file__).with_name("peer.py")), *self.args]

    def lines(self, key):
        found = [json.loads(line) for line in self.log.text().splitlines()
                 if line.startswith("{")]
        return [line[key] for line in found if key in line]

    def wait_ready(self):
        def look():
            self.check_alive()
            return self.lines("ready")

        harness.wait_until(look, 300, "the peer is ready")


def peer_run(options, mode):
    directory = harness.new_dir()
    redis = harness.Redis(directory)
    sim = harness.Sim(directory, ["--guilds", options.guilds, "--members", options.members])
    peer = PeerProcess(directory, sim, redis, mode)
    try:
        redis.start()
        sim.start()
        peer.start()
        before = harness.cpu_seconds(peer.pid)
        sim.post("/_sim/load", {"events": options.events, "rate": 0})
        harness.wait_until(lambda: not sim.get("/_sim/load")["running"], 600, "the load ends",
                           interval=0.2)

        def quiet():
            counts = peer.lines("handled")
            return len(counts) > 3 and counts[-1] == counts[-3] > 0

        harness.wait_until(quiet, 600, "the peer has handled all", interval=0.5)
        events = sim.get("/_sim/load")["dispatched"]
        return (harness.cpu_seconds(peer.pid) - before) / events * 1e6
    finally:
        for process in (peer, sim, redis):
            process.abandon()


def peer(options, medians):
    print("\nThe same events with python3-discord (a dictionary, flushed to Redis each second; no "
          "PostgreSQL)")
    for mode in ("none", "zlib-stream"):
        us = peer_run(options, mode)
        ratio = f", {us / medians[mode]:.1f} times as much" if mode in medians else ""
        print(f"{mode:<14}{us:>10.1f} us per event{ratio}", flush=True)


def machine():
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    kernel = subprocess.run(["uname", "-r"], stdout=subprocess.PIPE, text=True).stdout.strip()
    return f"{model[1] if model else 'unknown CPU'}, {os.cpu_count()} cores, Linux {kernel}"


def main():
    options = parse()
    parts = options.only or ["flat", "paced", "calm", "idle", "roster", "peer"]
    print(f"Machine: {machine()}")
    print(f"The simulator, which stands for another machine, runs at niceness {SIM_NICE}."
          if os.geteuid() == 0 else "The simulator shares the cores as an equal (not run by root).")
    medians = flat(options) if "flat" in parts else {}
    if "paced" in parts:
        paced(options, 5000, True, None)
    if "calm" in parts:
        paced(options, 1000, False, CALM_US_MAX)
    if "idle" in parts:
        idle(options)
    if "roster" in parts:
        roster(options)
    if "peer" in parts:
        peer(options, medians)
    harness.Postgres.drop_template()


if __name__ == "__main__":
    main()
