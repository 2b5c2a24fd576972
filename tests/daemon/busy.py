"""A running system under load, for the tests that do something to it and then ask whether all is
recorded. Nothing here waits for time: progress is counted in events of the load."""

import os
import urllib.error

import harness
import truth
from harness import wait_until

GUILDS, MEMBERS = 24, 200
RATE = 5000 / harness.SLOWNESS
HEARTBEAT_MS = 1000
LATE_MS = 1000

# The load's own kinds in their usual proportions, and a little of everything else that needs no
# arguments: weights of 10000, so that some 200 a second are of the rare kinds.
MIX = {"message": 4800, "typing": 1900, "reaction_add": 950, "reaction_remove": 200,
       "presence": 1150, "voice": 600}
MIX |= dict.fromkeys((
    "bot_message", "webhook_message", "command", "edit", "embed_update", "message_delete",
    "poll_vote_add", "poll_vote_remove", "interaction", "voice_self", "voice_server",
    "thread_join", "thread_leave", "event_rsvp_add", "event_rsvp_remove", "invite_create",
    "automod", "audit", "pins_update", "member_repeat"), 20)

# Acts for between, with arguments that the load cannot give. No bot joins: the load would take it for
# one of the people (test_kinds.py has bots).
SPRINKLE = [
    ("thread_create", {}), ("thread_join", {}), ("thread_leave", {}), ("thread_update", {}),
    ("audit", {"action_type": 20}), ("audit", {"action_type": 143}), ("audit", {"action_type": 74}),
    ("invite_create", {}), ("event_create", {}), ("event_rsvp_add", {}), ("event_rsvp_remove", {}),
    ("automod", {}), ("interaction", {}), ("interaction", {"type": 3}), ("command", {}),
    ("member_join", {}), ("member_join", {"pending": True}),
    ("member_leave", {}), ("member_update", {"flags": 2}), ("member_update", {"flags": 0}),
    ("member_update", {"avatar": True}), ("member_update", {"timeout_s": 60}),
    ("voice_join", {}), ("voice_move", {}), ("voice_hand", {"up": True}), ("voice_leave", {}),
    ("message", {"type": 7}), ("message", {"type": 19}), ("channel_create", {}),
    ("guild_update", {}),
]
WITHOUT_USER = {"member_join"}


class Busy:
    """A stack, the load on it, and the judgement at the end."""

    def __init__(self, stack, guilds=GUILDS, members=MEMBERS):
        self.stack = stack
        self.guilds, self.members = guilds, members
        self.sprinkled = 0
        for name in ("pg", "redis", "graphqld", "sim", "presenced"):
            setattr(self, name, getattr(stack, name))

    # --- the load -----------------------------------------------------------------------------

    def load(self, rate=RATE, **plan):
        self.sim.post("/_sim/load", {"rate": rate, "mix": MIX, **plan})
        return self

    def made(self):
        return self.sim.get("/_sim/load")["dispatched"]

    def let_pass(self, events):
        """Waits until so many more events were made."""
        goal = self.made() + int(events)
        wait_until(lambda: self.made() >= goal, 120, f"{events} more events")

    def sprinkle(self, dice, acts=1):
        """Single deeds of the kinds no load makes. Some are not possible just then (400)."""
        for _ in range(acts):
            kind, args = dice.choice(SPRINKLE)
            args = dict(args, guild=dice.randrange(self.guilds))
            if kind not in WITHOUT_USER:
                args["user"] = dice.randrange(2, self.members)
            try:
                if args.get("up"):  # two raisings in a row are told apart by 8 bits only
                    self.sim.post("/_sim/act", {"kind": kind, **args, "up": False})
                self.sim.post("/_sim/act", {"kind": kind, **args})
                self.sprinkled += 1
            except urllib.error.HTTPError as e:
                assert e.code == 400, f"{kind} {args}: {e.code}"

    # --- what was received ----------------------------------------------------------------------

    def heartbeats(self, since=0):
        return self.sim.get(f"/_sim/received?what=heartbeat&since={since}")["items"]

    def mark(self):
        """A place in the simulator's record of what it received."""
        return self.sim.get("/_sim/received?what=none")["next"]

    def let_beat(self, count, since=None):
        """Waits for so many more heartbeats."""
        since = self.mark() if since is None else since
        wait_until(lambda: len(self.heartbeats(since)) >= count, count * HEARTBEAT_MS / 1000 + 60,
                   f"{count} heartbeats", interval=0.1)

    def check_heartbeats(self, since=0, least=1):
        """None came later than a second after its time. A connection's schedule begins with its
        HELLO, so that the master's own death makes none late."""
        self.let_beat(least, since)
        beats = self.heartbeats(since)
        late = [b for b in beats if b["late_ms"] > LATE_MS * harness.SLOWNESS]
        assert not late, f"{len(late)} of {len(beats)} heartbeats late: {late[:5]}"
        return max(b["late_ms"] for b in beats)

    # --- the end --------------------------------------------------------------------------------

    def not_durable(self):
        """What is still on its way: a text, None if nothing is."""
        status = self.presenced.ctl_try("status")
        if not status:
            return "presenced does not answer"
        if not status["shards"]:
            return "presenced has not planned its shards yet"
        if status["queue"]["events"] or status["lanes"]["used_slots"] or \
                status["lanes"]["spooled"]:
            return f"queue {status['queue']}, lanes {status['lanes']}"
        sessions = {s["shard"][0]: s for s in self.sim.get("/_sim/sessions") if s["connected"]}
        for shard in status["shards"]:
            session = sessions.get(shard["id"])
            if shard["state"] != "live" or not session:
                return f"shard {shard['id']} is {shard['state']}"
            if shard["resume_seq"] != session["last_seq"]:
                return (f"shard {shard['id']} may resume at {shard['resume_seq']}, "
                        f"{session['last_seq']} was sent")
        unknown = self.pg.execute("select count(*) from member where bot is null")[0][0]
        return f"{unknown} members with an unknown bot flag" if unknown else None

    def settle(self, deadline=120, expected=()):
        """Ends the load, waits until all that was sent is durable and every look-up answered, and
        asserts that all is as it was done, but for the differences expected."""
        self.sim.post("/_sim/load/stop")
        last = [None]

        def durable():
            last[0] = self.not_durable()
            return last[0] is None

        try:
            wait_until(durable, deadline, interval=0.1)
        except harness.Timeout:
            pass  # with what is missing, below
        found = [last[0]] if last[0] else []
        identified = self.sim.get("/_sim/received?what=identify")["items"]
        shards = len(self.presenced.ctl("status")["shards"])
        if len(identified) != shards:
            found.append(f"{len(identified)} identifies for {shards} shards: a session was lost")
        account = truth.Truth.of(self.sim)
        account.slack_ms = truth.PAUSED_SLACK_MS
        assert account.total() > 0
        found += truth.differences(account, self.pg)
        missing = [line for line in expected if line not in found]
        found = [line for line in found if line not in expected]
        assert not found, f"{len(found)} differences:\n" + "\n".join(found[:40])
        assert not missing, f"expected to differ: {missing}"
        return account


def resident(stack):
    """Bytes of the master and its workers; what they share is counted once, through Pss."""
    total = 0
    for pid in [stack.presenced.pid, *stack.presenced.workers()]:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    return total * 1024


def kill_worker(stack, dice):
    """SIGKILL for one of the workers that run just now."""
    workers = stack.presenced.workers()
    if workers:
        try:
            os.kill(dice.choice(workers), 9)
        except ProcessLookupError:
            pass
