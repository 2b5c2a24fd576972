"""What `make bench` runs: what an event costs, how fast, how late, how much memory; beside it the
same work done with Debian's python3-discord.

Every figure is measured on this machine in this run. CPU is that of presenced and its workers,
user and system, from /proc/PID/stat; presence-graphqld and PostgreSQL are shown beside it.
"""

import argparse
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
LIMITS = {"none": 3.5, "zstd-stream": 5.0, "zlib-stream": 7.0}


def parse():
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="runs per mode; the median counts (5)")
    parser.add_argument("--events", type=int, default=200000)
    parser.add_argument("--guilds", type=int, default=100)
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20, help="of each paced run (20)")
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
    return dead + cpu([pg.pid, *harness.children_of(pg.pid)])


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


class System(harness.Stack):
    """The whole system in one mode, with a load that can be asked for."""

    def __init__(self, options, mode, members=None, rows=None):
        members = members or options.members
        super().__init__(
            sim_args=["--guilds", options.guilds, "--members", members],
            conf={"discord": {"compress": mode},
                  "workers": {"count": options.workers, "flush_ms": 250},
                  "cache": {"members": rows or 250000, "ring": 16384}})
        self.humans = options.guilds * members

    def wait_catalogued(self, deadline=600):
        """Until every guild's roster is complete in PostgreSQL."""
        sql = "select count(*), count(roster_at) from guild where left_at is null"

        def complete():
            self.presenced.check_alive()
            (guilds, done), = self.pg.execute(sql)
            return guilds and guilds == done and guilds == len(self.guild_ids)

        self.guild_ids = self.sim.get("/_sim/world")["guilds"]
        harness.wait_until(complete, deadline, "every roster is complete", interval=0.1)

    def load(self, **plan):
        self.sim.post("/_sim/load", plan)

    def load_progress(self):
        return self.sim.get("/_sim/load")

    def wait_recorded(self, deadline=120):
        want = sum(self.sim.sent().values())
        harness.wait_until(lambda: truth.recorded_total(self.pg) >= want, deadline,
                           f"{want} acts are recorded", interval=0.05)


def spent(system, work):
    """Runs work; returns (its value, seconds, CPU of the tree, of graphqld, of PostgreSQL)."""
    pids = tree(system.presenced)
    before = (time.monotonic(), cpu(pids), harness.cpu_seconds(system.graphqld.pid),
              postgres_cpu(system.pg))
    value = work()
    assert tree(system.presenced) == pids, "a worker was replaced during the measurement"
    after = (time.monotonic(), cpu(pids), harness.cpu_seconds(system.graphqld.pid),
             postgres_cpu(system.pg))
    return (value, *(b - a for a, b in zip(before, after)))


# --- the parts -----------------------------------------------------------------------------------------

def flat_run(system, options):
    """One flat-out load: everything until the last act is committed."""
    begin = sum(system.sim.sent().values())

    def work():
        system.load(events=options.events, rate=0, seed=time.monotonic_ns() % 2**31)
        harness.wait_until(lambda: not system.load_progress()["running"], 300, "the load ends",
                           interval=0.05)
        progress = system.load_progress()
        system.wait_recorded()
        return progress

    progress, seconds, tree_cpu, graphqld_cpu, pg_cpu = spent(system, work)
    events = progress["dispatched"]
    return {"events": events, "acts": sum(system.sim.sent().values()) - begin,
            "per_second": progress["per_second"], "all_recorded_s": seconds,
            "us": tree_cpu / events * 1e6, "graphqld_us": graphqld_cpu / events * 1e6,
            "postgres_us": pg_cpu / events * 1e6}


def flat(options):
    print(f"\nflat out: {options.events:,} events, {options.guilds} guilds of {options.members:,} "
          f"members, {options.workers} workers, median of {options.runs} "
          "(CPU microseconds per event)")
    print(f"{'':<14}{'presence':>10}{'at most':>9}{'graphqld':>10}{'postgres':>10}"
          f"{'events/s':>11}{'recorded after':>16}{'lost':>6}")
    medians = {}
    for mode in MODES:
        system = System(options, mode)
        try:
            system.start()
            system.wait_catalogued()
            runs = [flat_run(system, options) for _ in range(options.runs)]
            lost = len(truth.differences(truth.Truth.of(system.sim), system.pg))
        finally:
            system.close(check=False)
        middle = {key: statistics.median(r[key] for r in runs) for key in runs[0]}
        medians[mode] = middle["us"]
        print(f"{mode:<14}{middle['us']:>10.2f}{LIMITS[mode]:>9}{middle['graphqld_us']:>10.2f}"
              f"{middle['postgres_us']:>10.2f}{middle['per_second']:>11,.0f}"
              f"{middle['all_recorded_s']:>14.1f} s{lost:>6}", flush=True)
    return medians


def paced(options, rate, title):
    system = System(options, "zstd-stream")
    try:
        system.start()
        system.wait_catalogued()

        def work():
            system.load(rate=rate, seconds=options.seconds)
            probe.start()
            harness.wait_until(lambda: not system.load_progress()["running"],
                               options.seconds * 2 + 30, "the load ends", interval=0.2)
            probe.stop()
            return system.load_progress()

        probe = lag.LagProbe(system.sim, system.pg, options.guilds, options.members, 20)
        progress, _, tree_cpu, graphqld_cpu, pg_cpu = spent(system, work)
        p50, p99 = probe.percentiles()
        system.wait_recorded()
        events = progress["dispatched"]
        print(f"\n{title}: {progress['per_second']:,.0f} events/s for {options.seconds:.0f} s\n"
              f"  lag, from the act to its commit: p50 {p50} ms, p99 {p99} ms\n"
              f"  CPU per event: presence {tree_cpu / events * 1e6:.1f} us, graphqld "
              f"{graphqld_cpu / events * 1e6:.1f} us, postgres {pg_cpu / events * 1e6:.1f} us\n"
              f"  resident: {resident(tree(system.presenced)) / 1e6:.1f} MB", flush=True)
    finally:
        system.close(check=False)


def idle(options):
    system = System(options, "zstd-stream")
    try:
        system.start()
        system.wait_catalogued()
        pids = tree(system.presenced)
        switches = wakeups(pids)
        _, seconds, used, _, _ = spent(system, lambda: time.sleep(options.seconds))
        print(f"\nidle for {seconds:.0f} s: {100 * used / seconds:.3f} % of a core, "
              f"{(wakeups(pids) - switches) / seconds:.1f} wake-ups/s of {len(pids)} processes",
              flush=True)
    finally:
        system.close(check=False)


def roster(options):
    """Cataloguing 100 x 10,000 members from an empty start."""
    members = 10 * options.members
    total = options.guilds * members
    system = System(options, "zstd-stream", members=members, rows=total * 5 // 4)
    try:
        system.start_servers()
        begin = time.monotonic()
        system.presenced.start()
        system.presenced.wait_live(120)
        system.wait_catalogued(1200)
        seconds = time.monotonic() - begin
        pids = tree(system.presenced)
        (count,), = system.pg.execute(truth.ROSTER_SQL.replace(
            "guild_id::text, user_id::text", "count(*)"))
        held = resident(pids)
        print(f"\ncatalogue: {count:,} members in {seconds:.1f} s, {cpu(pids):.2f} s of CPU, "
              f"{held / 1e6:.0f} MB resident, {held / max(count, 1):.0f} bytes per member",
              flush=True)
    finally:
        system.close(check=False)


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
    print("\nthe same events with python3-discord (dictionary, flushed to Redis each second; no "
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
    print(f"machine: {machine()}")
    medians = flat(options) if "flat" in parts else {}
    if "paced" in parts:
        paced(options, 5000, "paced")
    if "calm" in parts:
        paced(options, 1000, "calm (CPU at most 40 us)")
    if "idle" in parts:
        idle(options)
    if "roster" in parts:
        roster(options)
    if "peer" in parts:
        peer(options, medians)
    harness.Postgres.drop_template()


if __name__ == "__main__":
    main()
