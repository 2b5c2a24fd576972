"""Every kind of act through the whole system: what the simulator's people did is what PostgreSQL
holds, for each member, channel and kind."""

import collections
import random
import urllib.error

import pytest

import harness
import truth
from test_events import ACTS, WITHOUT_USER
from busy import kill_worker


def try_act(stack, kind, args):
    """Some are not possible just now, which the simulator says with 400."""
    try:
        stack.sim.post("/_sim/act", {"kind": kind} | args)
    except urllib.error.HTTPError as e:
        assert e.code == 400, f"{kind} {args}: {e.code}"
        return False
    return True


@pytest.mark.parametrize("killing", [False, True], ids=["calm", "workers die"])
def test_all_kinds_are_recorded(make_stack, killing):
    """A dead worker's successor knows what its table knew: where somebody sat, his flags, avatar."""
    stack = make_stack(sim_args=["--guilds", 3, "--members", 30],
                       conf={"workers": {"count": 2, "flush_ms": 50}})
    if killing:
        stack.presenced.expect_any_error()
    stack.start()
    rng = random.Random(4)
    acts = collections.Counter()
    for turn in range(1500):
        if killing and turn % 100 == 50:
            kill_worker(stack, rng)
        kind, args = rng.choice(ACTS)
        args = dict(args, guild=rng.randrange(3))
        if kind not in WITHOUT_USER:
            args["user"] = rng.randrange(1, 32)
        acts[kind] += try_act(stack, kind, args)
    want = sum(stack.sim.sent().values())
    assert want > 500
    try:
        harness.wait_until(lambda: truth.recorded_total(stack.pg) >= want, 30, interval=0.1)
    except harness.Timeout:
        pass  # what is missing is shown below
    found = truth.differences(truth.Truth.of(stack.sim), stack.pg)
    assert not found, f"{len(found)} differences:\n" + "\n".join(found[:40])
