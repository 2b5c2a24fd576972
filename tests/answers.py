"""Prints typical answers of the bot as a user would see them in Discord.

usage: PRESENCE_BUILD_DIR=build python3 tests/answers.py [LOCALE]

Starts presence-sim, Redis, PostgreSQL and Presence of the build tree, makes a server with a history, runs
commands and prints what the simulator's REST received for each."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "daemon"))

import harness  # noqa: E402
from talk import Talk, shown  # noqa: E402

COMMANDS = [
    ("status member", {"member": 10, "detail": True}),
    ("status guild", {}),
    ("guild_health", {}),
    ("inactive list", {"min_idle": "60d"}),
    ("inactive list", {"min_idle": "60d", "export": "csv"}),
    ("channels inactive", {}),
    ("activity top", {"kind": "messages"}),
    ("set time_until_inactive", {"days": "20d"}),
    ("exempt add", {"target": 12, "until": "30d", "reason": "sabbatical"}),
    ("diagnose", {}),
    ("privacy delete", {}),
    ("inactive list", {"min_idle": "10 parsecs"}),
]


def history(talk):
    """A month that was watched; acts of today; people who were last seen long ago."""
    pg = talk.stack.pg
    harness.wait_until(lambda: pg.execute("select count(*) from presence.member where bot = false") == [(40,)], 30)
    pg.execute("update presence.guild set bot_joined_at = now() - interval '200 days'")
    pg.execute("update presence.member set joined_at = now() - interval '2 years'")
    pg.execute("insert into presence.coverage (guild_id, session, from_at, to_at, open_reason) values "
               "(%s, 1, now() - interval '200 days', now(), 'SESSION')", (talk.guild,))
    pg.execute("insert into presence.last_seen (guild_id, user_id, last_seen, last_counted, last_seen_kind, "
               "last_counted_kind, gap_count, gap_sum_ms, gap_max_ms, gap_hist) select guild_id, user_id, t, t, 1, "
               "1, 5, 90000000, 72000000, '[0:15]={1,0,3,0,0,1,0,0,0,0,0,0,0,0,0,0}' from (select *, now() - n * n * "
               "interval '2 hours' as t from (select *, row_number() over (order by user_id) as n from "
               "presence.member where bot = false) x) y on conflict do nothing")
    for user, count in ((10, 7), (11, 12), (12, 3)):
        for _ in range(count):
            talk.sim.act("message", user=user)
    harness.wait_until(lambda: pg.execute("select sum(count) from presence.activity where kind = 1") == [(22,)], 30)


def main(locale):
    stack = harness.Stack(sim_args=["--guilds", 1, "--members", 40, "--set", "rest_bucket=100000"])
    try:
        stack.start()
        talk = Talk(stack).wait_registered()
        history(talk)
        for command, options in COMMANDS:
            given = {k: talk.members[v] if k in ("member", "target") else v for k, v in options.items()}
            print(f"> /{command}" + "".join(f" {k}:{v}" for k, v in given.items()))
            print(shown(talk.run(command, given, user=20, locale=locale)), end="\n\n")
    finally:
        stack.close(check=False)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "en-US")
