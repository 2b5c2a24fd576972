"""What scripts/demo runs: the whole system on private servers, shown live.

Without DISCORD_TOKEN it runs against presence-sim, whose people act at --rate; in the end what
they did is compared with what PostgreSQL holds, per kind, per member and to the millisecond.
"""

import argparse
import datetime
import os
import pathlib
import shutil
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "daemon"))
import harness  # noqa: E402
import lag  # noqa: E402
import truth  # noqa: E402

DRAIN_SECONDS = 60


class Stopped(Exception):
    """Ctrl-C or SIGTERM."""


def parse():
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__.split("\n")[0])
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS",
                        help="end by itself (otherwise: until Ctrl-C)")
    parser.add_argument("--rate", type=float, default=300, help="acts per second (300)")
    parser.add_argument("--guilds", type=int, default=5, help="simulated servers (5)")
    parser.add_argument("--members", type=int, default=400, help="members of each (400)")
    return parser.parse_args()


# --- the system -------------------------------------------------------------------------------------

class Demo:
    """The running system and what is known of it at the moment."""

    def __init__(self, options):
        self.options = options
        self.token = os.environ.get("DISCORD_TOKEN")
        sim_args = ["--guilds", options.guilds, "--members", options.members]
        conf = {"cache": {"members": 100000, "ring": 4096}, "workers": {"flush_ms": 250},
                "log": {"level": "info"}}
        self.stack = harness.Stack(sim_args=sim_args, conf=conf)
        if self.token:
            del self.stack.conf.sections["discord"]["api_base"]
            self.stack.presenced.env["DISCORD_TOKEN"] = self.token
        self.sent = {}
        self.cpu_before = None
        self.probe = None

    def start(self):
        for what, start in (("PostgreSQL", self.stack.pg.start), ("Redis", self.stack.redis.start),
                            ("presence-graphqld", self.start_graphqld),
                            ("presence-sim", self.start_sim), ("presenced", self.start_presenced)):
            print(f"starting {what} ...", flush=True)
            start()
        if not self.token:
            self.stack.sim.post("/_sim/load", {"rate": self.options.rate})
            self.probe = lag.LagProbe(self.stack.sim, self.stack.pg, self.options.guilds,
                                      self.options.members, per_second=5)
            self.probe.start()

    def start_graphqld(self):
        self.stack.graphqld.prepare().start()

    def start_sim(self):
        if not self.token:
            self.stack.sim.start()

    def start_presenced(self):
        self.stack.presenced.start()
        self.stack.presenced.wait_live(60)

    def refresh(self):
        """Reads everything the picture shows."""
        if not self.token:
            self.sent = self.stack.sim.sent()
        self.recorded = truth.recorded_kinds(self.stack.pg)
        self.status = self.stack.presenced.ctl_try("status") or {}
        (self.members, self.seen, self.idle, self.in_voice), = self.stack.pg.execute("""
            select (select count(*) from member where left_at is null and bot is false),
                   count(*) filter (where last_counted is not null),
                   count(*) filter (where last_counted < now() - interval '10 seconds'),
                   (select count(*) from voice_session where to_at is null)
            from last_seen""")
        self.longest = self.stack.pg.execute("""
            select coalesce(m.username, l.user_id::text), extract(epoch from now() - last_counted)
            from last_seen l left join member m using (guild_id, user_id)
            where last_counted is not null order by last_counted limit 3""")

    def cpu(self):
        """Share of a core that master and workers took since the last call, in percent."""
        pids = [self.stack.presenced.pid, *self.stack.presenced.workers()]
        now = (time.monotonic(), sum(harness.cpu_seconds(p) for p in pids))
        before, self.cpu_before = self.cpu_before, now
        if before is None or now[1] < before[1]:
            return None
        return 100 * (now[1] - before[1]) / (now[0] - before[0])

    def stop(self):
        self.stack.close(check=False)


# --- the picture -------------------------------------------------------------------------------------

def number(value, form="{:,}"):
    return "-" if value is None else form.format(value)


def picture(demo, elapsed):
    of = f" of {demo.options.seconds:.0f} s" if demo.options.seconds else ""
    if demo.token:
        where = "your Discord servers"
    else:
        where = f"{demo.options.guilds} simulated servers of {demo.options.members} members"
    lines = [f"Presence, {elapsed:.0f} s{of}: every act in {where}", "",
             f"  {'kind':<20}{'sent':>12}{'recorded':>12}"]
    kinds = sorted(set(demo.sent) | set(demo.recorded),
                   key=lambda k: -(demo.sent.get(k, 0) or demo.recorded.get(k, 0)))
    most = max([demo.recorded.get(k, 0) for k in kinds], default=0)
    for kind in kinds:
        sent = "-" if demo.token else number(demo.sent.get(kind, 0))
        got = demo.recorded.get(kind, 0)
        bar = "#" * (24 * got // most if most else 0)
        lines.append(f"  {kind:<20}{sent:>12}{number(got):>12}  {bar}")
    total = "-" if demo.token else number(sum(demo.sent.values()))
    lines += [f"  {'all':<20}{total:>12}{number(sum(demo.recorded.values())):>12}", ""]
    if demo.probe:
        p50, p99 = demo.probe.percentiles(last=500)
        lines.append(f"  from the act to its commit in PostgreSQL: p50 {number(p50)} ms, "
                     f"p99 {number(p99)} ms")
    lines += [              f"  members {demo.members:,}   seen acting {demo.seen:,}   idle for 10 s "
              f"{demo.idle:,}   in voice {demo.in_voice:,}",
              f"  presenced and its {len(demo.status.get('workers') or [])} workers take "
              f"{number(demo.cpu(), '{:.1f}')} % of one core"]
    if demo.longest:
        lines.append("  longest idle: " + ", ".join(f"{name} {float(s):.0f} s"
                                                    for name, s in demo.longest))
    return lines


def show(lines):
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        print("\033[H\033[J" + "\n".join(line[:width] for line in lines), flush=True)
    else:
        print("\n".join(lines) + "\n", flush=True)


def watch(demo):
    """Draws until the time is over."""
    begin = time.monotonic()
    pause = 1 if sys.stdout.isatty() else 10
    while True:
        elapsed = time.monotonic() - begin
        for process in demo.stack.processes:
            if process.child is not None:
                process.check_alive()
        demo.refresh()
        show(picture(demo, elapsed))
        left = demo.options.seconds - elapsed if demo.options.seconds else pause
        if left <= 0:
            return
        time.sleep(min(pause, left))


# --- the end -----------------------------------------------------------------------------------------

def judge(demo):
    """Stops the load, waits until all of it is recorded, compares. True if nothing differs."""
    demo.stack.sim.post("/_sim/load/stop")
    demo.probe.stop()
    sent = truth.Truth.of(demo.stack.sim)
    try:
        harness.wait_until(lambda: truth.recorded_total(demo.stack.pg) >= sent.total(),
                           DRAIN_SECONDS, interval=0.2)
    except harness.Timeout:
        print(f"not all is recorded {DRAIN_SECONDS} s after the last act")
    sent = truth.Truth.of(demo.stack.sim)
    recorded = truth.recorded_kinds(demo.stack.pg)
    kinds = sent.kinds()
    print(f"\n  {'kind':<20}{'sent':>12}{'recorded':>12}")
    for kind in sorted(set(kinds) | set(recorded)):
        want, have = kinds.get(kind, 0), recorded.get(kind, 0)
        print(f"  {kind:<20}{want:>12,}{have:>12,}{'' if want == have else '   <- differs'}")
    found = truth.differences(sent, demo.stack.pg)
    for line in found[:20]:
        print(f"  {line}")
    if found:
        print(f"sent != recorded: {len(found)} differences")
        return False
    print(f"\nsent = recorded: {sent.total():,} acts of {len(sent.members):,} members, "
          "every count equal, every time right")
    return True


def stop_signal(signo, frame):
    raise Stopped


def main():
    options = parse()
    for signo in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signo, stop_signal)
    demo = Demo(options)
    good = True
    try:
        try:
            demo.start()
            watch(demo)
        except Stopped:
            print()
        if not demo.token and demo.stack.sim.running():
            good = judge(demo)
    except Stopped:
        good = False
    except (AssertionError, OSError, FileNotFoundError) as e:
        print(f"the demo failed at {datetime.datetime.now():%H:%M:%S}: {e}", file=sys.stderr)
        good = False
    finally:
        for signo in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signo, signal.SIG_IGN)
        demo.stop()
        harness.Postgres.drop_template()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
