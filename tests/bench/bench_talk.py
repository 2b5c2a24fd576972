"""What `make bench-talk` runs: how soon interactions are acknowledged while everything else is at
work: a load of events, and a bulk job of a thousand role changes against Discord's rate limits.

An interaction's time counts from its snowflake, which the simulator makes when it happens, to the
moment its REST receives the callback: both by one clock. The simulator stands for Discord, which is
another machine: run by root it gets the better niceness, as in bench.py.
"""

import argparse
import contextlib
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
import harness  # noqa: E402
import roles  # noqa: E402
from talk import Talk  # noqa: E402

P50_MS_MAX, P99_MS_MAX, MS_MAX = 100, 500, 3000
SIM_NICE = -10
COMMANDS = ("status member", "status guild", "help", "away list", "settings view", "ping")


def parse():
    parser = argparse.ArgumentParser(prog="make bench-talk", description=__doc__.split("\n\n")[0])
    parser.add_argument("--interactions", type=int, default=2000)
    parser.add_argument("--per-second", type=int, default=40, help="interactions (40)")
    parser.add_argument("--events", type=int, default=5000, help="of the load, a second (5,000)")
    return parser.parse_args()


def talk_on(talk, args):
    """Sends the interactions at their pace; returns their ids."""
    rng, sent, begin = random.Random(1), [], time.monotonic()
    for n in range(args.interactions):
        due = begin + n / args.per_second
        if due > time.monotonic():
            time.sleep(due - time.monotonic())
        sent.append(talk.send(type=2, command=rng.choice(COMMANDS), options={},
                              user=rng.randrange(5, 900), permissions=str(8)))
        if n % 20 == 0:
            talk.take()
    return sent


def main():
    args = parse()
    seconds = args.interactions / args.per_second
    stack = roles.stack(["--guilds", 20, "--members", 1000, "--set", "rest_bucket=20"])
    try:
        stack.start()
        talk = Talk(stack).wait_registered()
        role = next(r["id"] for r in talk.roles if r["name"] == "Regulars")
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, stack.sim.pid, SIM_NICE)
        stack.sim.post("/_sim/load", {"rate": args.events, "seconds": seconds + 5})
        talk.send(type=2, command="many_roles", options={"role": role}, user=5, permissions=str(8))
        sent = talk_on(talk, args)
        harness.wait_until(lambda: talk.take() or all(i in talk.calls for i in sent), 10,
                           "every interaction is answered")
        took = sorted(talk.calls[i][0]["at_ms"] - ((int(i) >> 22) + 1420070400000) for i in sent)
        statuses = [r["status"] for r in stack.sim.get("/_sim/received?what=rest")["items"]]
        load = stack.sim.get("/_sim/load")
    except BaseException:
        stack.close(check=False)
        raise
    p50, p99, most = took[len(took) // 2], took[len(took) * 99 // 100], took[-1]
    done = sum(r["status"] == 204 for r in stack.sim.get("/_sim/received?what=rest")["items"]
               if r["method"] == "PUT" and "/roles/" in r["path"])
    print(f"{len(took)} interactions: p50 {p50} ms, p99 {p99} ms, longest {most} ms")
    print(f"beside {load['dispatched']} events, {args.events} a second asked for")
    print(f"and {done} role changes of a bulk job; answered 429: {statuses.count(429)}")
    stack.close(check=False)
    good = p50 < P50_MS_MAX and p99 < P99_MS_MAX and most < MS_MAX and 429 not in statuses
    print("as it should be" if good else "NOT as it should be")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
