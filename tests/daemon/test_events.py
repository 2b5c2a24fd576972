"""The event table against the simulator's ground truth: two accounts of the product's rules, written
apart. The frames of a scripted hour of all kinds of acts go through tests/interpret."""

import collections
import json
import random
import subprocess
import time

import harness
import pytest
from simclient import BUILD_DIR, INTENTS_PRESENCE, Sim

# Acts and the arguments that make each of their variants.
ACTS = [
    ("message", {"type": t}) for t in (0, 0, 0, 1, 2, 4, 6, 7, 8, 12, 18, 19, 21, 24, 25, 27, 31,
                                       44, 46)
] + [(kind, {}) for kind in (
    "bot_message", "webhook_message", "command", "ephemeral", "edit", "edit", "embed_update",
    "message_delete", "reaction_add", "reaction_remove", "reaction_remove_all", "poll_vote_add",
    "poll_vote_remove", "typing", "interaction", "voice_join", "voice_join", "voice_move",
    "voice_leave", "voice_self", "voice_server", "voice_effect", "thread_create",
    "thread_shown", "thread_update", "thread_join", "thread_leave", "member_repeat",
    "event_create", "event_update", "event_rsvp_add", "event_rsvp_remove", "invite_create",
    "invite_delete", "automod", "pins_update", "channel_create", "channel_update", "guild_update",
    "member_join")
] + [
    ("edit", {"edited_ms": 1000}),
    ("voice_hand", {"up": True}), ("voice_hand", {"up": False}),
    ("member_update", {"pending": True}), ("member_update", {"pending": False}),
    ("member_update", {"flags": 2}), ("member_update", {"flags": 0}),
    ("member_update", {"avatar": True}), ("member_update", {"nick": "x"}),
    ("member_update", {"timeout_s": 60}), ("member_join", {"bot": True}),
    ("audit", {"action_type": 20}), ("audit", {"action_type": 143}), ("audit", {"action_type": 74}),
]
OWN_TIME = {"message", "message_system", "command", "edit", "typing", "interaction", "thread_create",
            "audit"}
WITHOUT_USER = {"webhook_message", "bot_message", "member_join"}


def drain(gateway, frames):
    """Reads up to a mark that the simulator was asked for."""
    while True:
        data = gateway.message()
        frames.append((time.time_ns() // 1000000, data))
        if b'"MARK"' in data:
            return


def start(sim, gateway, frames):
    """READY, the guilds and the whole roster, as a worker would know it."""
    gateway.identify(INTENTS_PRESENCE)
    drain_after_ready(sim, gateway, frames)
    for guild in sim.world()["guilds"]:
        gateway.send(8, {"guild_id": guild["id"], "query": "", "limit": 0})
    while sum(b"GUILD_MEMBERS_CHUNK" in data for _, data in frames) < len(sim.world()["guilds"]):
        frames.append((time.time_ns() // 1000000, gateway.message()))


def drain_after_ready(sim, gateway, frames):
    while not any(b'"READY"' in data for _, data in frames):
        frames.append((time.time_ns() // 1000000, gateway.message()))
    sim.post("raw", t="MARK", d={})
    drain(gateway, frames)


def interpret(frames):
    lines = b"".join(b"%d %s\n" % frame for frame in frames)
    done = subprocess.run([BUILD_DIR / "tests" / "interpret"], input=lines, capture_output=True,
                          check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def shuffled(rng, value):
    """The same value with the keys of all objects in another order."""
    if isinstance(value, dict):
        keys = rng.sample(list(value), len(value))
        return {k: shuffled(rng, value[k]) for k in keys}
    if isinstance(value, list):
        return [shuffled(rng, v) for v in value]
    return value


def other_spelling(rng, data):
    """The same frame: keys shuffled, white space between, characters escaped."""
    return json.dumps(shuffled(rng, json.loads(data))).encode()


def compare(sightings, truth):
    """Counts must agree; so must times, of the kinds that carry their own."""
    counts = collections.Counter()
    times = collections.defaultdict(list)
    for s in sightings:
        key = s["guild"], s["user"], s["channel"], s["kind"]
        counts[key] += 1
        times[key].append(s["at"])
    wanted = {(r["guild"], r["user"], r["channel"], r["kind"]): r for r in truth}
    found = []
    for key, row in wanted.items():
        if counts[key] != row["count"]:
            found.append(f"{key}: {row['count']} done, {counts[key]} found")
        elif key[3] in OWN_TIME and (min(times[key]), max(times[key])) != (row["first"],
                                                                            row["last"]):
            found.append(f"{key}: {row['first']} to {row['last']}, found {times[key]}")
    found += [f"{key}: none done, {n} found" for key, n in counts.items() if key not in wanted]
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_event_table_agrees_with_ground_truth(seed):
    rng = random.Random(seed)
    with Sim("--guilds", "2", "--members", "30", "--set", "identify_window_ms=0") as sim:
        frames, acts = [], collections.Counter()
        with sim.gateway() as gateway:
            start(sim, gateway, frames)
            for _ in range(3000):
                kind, args = rng.choice(ACTS)
                args = dict(args, guild=rng.randrange(2))
                if kind not in WITHOUT_USER:
                    args["user"] = rng.randrange(1, 32)
                if args.get("up"):  # two raisings in a row are told apart by 8 bits only
                    sim.request("POST", "/_sim/act", {"kind": kind} | args | {"up": False})
                status, _, _ = sim.request("POST", "/_sim/act", {"kind": kind} | args)
                acts[kind] += status == 200  # some are not possible just now
            sim.post("raw", t="MARK", d={})
            drain(gateway, frames)
        assert all(acts[kind] for kind, _ in ACTS), acts
        sightings = interpret(frames)
        assert not any(s["unknown"] for s in sightings)
        found = compare(sightings, sim.truth()["count"])
        assert not found, "\n".join(found)
        assert interpret([(at, other_spelling(rng, data)) for at, data in frames]) == sightings


def test_an_event_whose_guild_cannot_be_read_costs_only_itself(make_stack):
    stack = make_stack(sim_args=["--guilds", "1", "--members", "5"]).start()
    sim, log = stack.sim, stack.presenced.log
    sim.post("/_sim/raw", {"t": "MESSAGE_CREATE", "d": {"guild_id": True, "id": "1"}})
    log.wait_for("gateway_event", containing="expected a snowflake")
    act = sim.act("message", guild=0, user=3)
    harness.wait_until(
        lambda: stack.pg.execute("select 1 from activity where user_id = %s", [int(act["user"])]),
        20, "the next event is recorded")
    assert stack.presenced.ctl("status")["shards"][0]["reconnects"] == 0
