"""Measures from outside how long an act takes from the simulator into PostgreSQL.

A thread lets one simulated member after the other use a command (no load does that), and polls
the activity table for it. The time is counted from the simulator's clock to the poll that found
the row committed: no less than the real delay, and at most one poll more.
"""

import contextlib
import threading
import time

POLL_SECONDS = 0.01
FOUND_SQL = """
select a.guild_id::text, a.user_id::text from activity a join activity_kind k using (kind)
where k.name = 'INTERACTION' and (a.guild_id, a.user_id) in (select * from unnest(%s, %s))
"""


class LagProbe(threading.Thread):
    """Probes at a rate until stopped; lags_ms holds what was measured."""

    def __init__(self, sim, pg, guilds, members, per_second=10):
        super().__init__(daemon=True)
        self.sim, self.pg = sim, pg
        self.targets = ((g, 2 + m) for m in range(members - 2) for g in range(guilds))
        self.pause = 1 / per_second
        self.stopping = threading.Event()
        self.waiting = {}
        self.lags_ms = []
        self.error = None

    def run(self):
        try:
            with contextlib.closing(self.pg.connect()) as connection:
                self.probe(connection)
        except Exception as e:  # noqa: BLE001 - reported by whoever reads the result
            self.error = e

    def probe(self, connection):
        due = time.monotonic()
        while not self.stopping.is_set() or self.waiting:
            now = time.monotonic()
            if now >= due and not self.stopping.is_set():
                self.act()
                due = max(due + self.pause, now)
            if self.waiting:
                self.poll(connection)
            if self.stopping.wait(POLL_SECONDS):
                if now > due + 10:
                    return
                time.sleep(POLL_SECONDS)

    def act(self):
        target = next(self.targets, None)
        if target is None:
            self.stopping.set()
            return
        done = self.sim.act("interaction", guild=target[0], user=target[1])
        if done["counted_as"] == "interaction" and done["s"] is not None:
            self.waiting[done["guild"], done["user"]] = done["time_ms"]

    def poll(self, connection):
        guilds, users = zip(*((int(g), int(u)) for g, u in self.waiting))
        with connection.cursor() as cursor:
            cursor.execute(FOUND_SQL, (list(guilds), list(users)))
            found = cursor.fetchall()
        now_ms = time.time() * 1000
        for key in found:
            self.lags_ms.append(now_ms - self.waiting.pop(tuple(key)))

    def stop(self):
        self.stopping.set()
        self.join(30)
        if self.error:
            raise self.error

    def percentiles(self, last=None):
        """(p50, p99) in ms of the last measurements, (None, None) without any."""
        lags = sorted(self.lags_ms[-last:] if last else self.lags_ms)
        if not lags:
            return None, None
        return tuple(round(lags[min(len(lags) - 1, int(len(lags) * q))]) for q in (0.5, 0.99))
