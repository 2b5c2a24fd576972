"""presenced with stub workers (tests/stub_worker.c) and presence-sim, without any database."""

import os
import pathlib
import re
import signal

import harness
from harness import wait_until

EVENT = re.compile(r"^event lane=(\d+) n=(\d+) session=(\d+) seq=(\d+) flags=(\d+) t=(\S*) "
                   r"guild=(\d+) arrival=(\d+)$")
REDELIVERED, REPLAYED = 1, 2


class Seen:
    """An event as a stub worker wrote it down."""

    def __init__(self, slot, match):
        self.slot = slot
        (self.lane, self.n, self.session, self.seq, self.flags, self.t, self.guild,
         self.arrival) = [v if i == 5 else int(v) for i, v in enumerate(match.groups())]

    def __repr__(self):
        return f"<{self.t} lane {self.lane} n {self.n} seq {self.seq} flags {self.flags}>"


class Alone:
    def __init__(self, sim_args=("--guilds", "3", "--members", "5"), **sections):
        self.dir = harness.new_dir()
        self.sim = harness.Sim(self.dir, sim_args)
        self.conf = harness.Conf(self.dir)
        self.conf.update(discord={"gateway_url": self.sim.gateway, "compress": "none",
                                  "shards": 1},
                         cache={"members": 2000}).update(**sections).save()
        self.conf.secret("discord", self.sim.token)
        self.conf.secret("graphql", "stub-token")
        self.presenced = harness.Presenced(self.dir, self.conf)
        self.presenced.env["PRESENCE_WORKER"] = str(harness.BUILD_DIR / "tests" / "stub-worker")
        self.log = self.presenced.log

    @property
    def processes(self):
        return [self.presenced, self.sim]

    @property
    def state_dir(self):
        return pathlib.Path(self.conf.get("presence", "state_dir"))

    def flag(self, name, on=True):
        path = self.state_dir / name
        path.touch() if on else path.unlink()

    def start(self, live=True):
        self.sim.start()
        self.presenced.start()
        if live:
            self.presenced.wait_live()
        return self

    # --- what the stubs saw ---------------------------------------------------------------------

    def lines(self):
        out = []
        for path in sorted(self.state_dir.glob("stub.*.log")):
            slot = int(path.name.split(".")[1])
            out += [(slot, line) for line in path.read_text().splitlines()]
        return out

    def events(self, t=None):
        found = [Seen(slot, m) for slot, line in self.lines() if (m := EVENT.match(line))]
        return [e for e in found if t is None or e.t == t]

    def wait_event(self, t, count=1, deadline=15):
        return wait_until(lambda: len(e := self.events(t)) >= count and e, deadline,
                          f"{count} x {t} at a worker; log:\n{self.log.tail()}")

    def wait_seqs(self, session, seqs, deadline=60):
        """Until each seq of the session was given to a worker; returns the events."""
        def complete():
            events = [e for e in self.events() if e.session == session]
            return set(seqs) <= {e.seq for e in events} and events

        return wait_until(complete, deadline, f"every event of {session} at a worker")

    def status(self):
        return self.presenced.ctl("status")

    def shard(self):
        return self.status()["shards"][0]

    def worker_of(self, slot):
        return next(w for w in self.status()["workers"] if w["slot"] == slot)

    def close(self, check=True):
        problems = []
        for p in self.processes:
            try:
                p.stop()
                if check:
                    p.check_log()
            except AssertionError as e:
                problems.append(str(e))
            p.abandon()
        try:
            os.unlink(f"/dev/shm/presence-{self.conf.get('cache', 'instance')}")
        except FileNotFoundError:
            pass
        assert not (problems and check), "\n".join(problems) + f"\n(logs kept in {self.dir})"

    def kill_worker(self, slot=0, signo=signal.SIGKILL):
        pid = self.worker_of(slot)["pid"]
        os.kill(pid, signo)
        self.log.wait_for("worker_died", containing=f"pid {pid}")
        wait_until(lambda: self.worker_of(slot)["state"] == "ready", 30, "the new worker")
        return pid


def assert_in_order(events):
    """Within a lane what was not delivered before comes in order, without gaps."""
    last = {}
    for e in sorted(events, key=lambda e: (e.lane, e.n)):
        assert e.n <= last.get(e.lane, 0) + 1, f"gap in lane {e.lane} before {e}"
        last[e.lane] = max(e.n, last.get(e.lane, 0))
