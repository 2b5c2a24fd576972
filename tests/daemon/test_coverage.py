"""The coverage ledger of the whole system: what Presence did not see is not called watched."""

import harness

INTERVALS = """
select guild_id, session, presence.unix_ms(from_at), presence.unix_ms(to_at), open
  from presence.coverage_interval order by guild_id, from_at
"""


def intervals(stack, guild=None):
    return [row[1:] for row in stack.pg.execute(INTERVALS) if guild in (None, row[0])]


def wait_for(stack, guild, count):
    harness.wait_until(lambda: len(intervals(stack, guild)) >= count, 30, f"{count} intervals")
    return intervals(stack, guild)


def first_guild(stack):
    return int(stack.sim.get("/_sim/world")["guilds"][0]["id"])


def dropped_for_a_while(stack):
    """Cuts the connection and refuses the next ones; returns when it was cut (ms)."""
    since = stack.presenced.log.position()
    stack.sim.post("/_sim/refuse", {"connects": 3, "status": 503})
    stack.sim.post("/_sim/drop")
    at_ms = stack.sim.post("/_sim/act", {"kind": "presence"})["time_ms"]
    stack.presenced.log.wait_for("gateway_waiting", since=since, count=3)
    return at_ms


def test_a_lost_session_was_watched_until_its_connection_broke(make_stack):
    stack = make_stack(sim_args=["--guilds", "2", "--members", "5"]).start()
    stack.presenced.expect_any_error()
    guild = first_guild(stack)
    wait_for(stack, guild, 1)
    dropped_ms = dropped_for_a_while(stack)
    stack.sim.post("/_sim/expire")
    old, new = wait_for(stack, guild, 2)
    harness.wait_until(lambda: not intervals(stack, guild)[0][3], 30, "the old session ended")
    old = intervals(stack, guild)[0]
    assert old[2] <= dropped_ms + 500
    assert new[1] - old[2] >= 1000, "the blind time was called watched"


def test_a_resumed_session_has_no_gap(make_stack):
    stack = make_stack(sim_args=["--guilds", "2", "--members", "5"]).start()
    stack.presenced.expect_any_error()
    guild = first_guild(stack)
    wait_for(stack, guild, 1)
    since = stack.presenced.log.position()
    dropped_for_a_while(stack)
    stack.presenced.log.wait_for("gateway_resumed", deadline=60, since=since)
    stack.presenced.wait_live()
    assert len(intervals(stack, guild)) == 1


def test_an_outage_of_a_guild_is_a_gap_of_that_guild(make_stack):
    stack = make_stack(sim_args=["--guilds", "2", "--members", "5"]).start()
    guild = first_guild(stack)
    wait_for(stack, guild, 1)
    stack.sim.post("/_sim/act", {"kind": "guild_outage", "guild": 0})
    harness.wait_until(lambda: not intervals(stack, guild)[0][3], 30, "its interval is closed")
    stack.sim.post("/_sim/act", {"kind": "guild_restore", "guild": 0})
    closed, opened = wait_for(stack, guild, 2)
    assert closed[2] <= opened[1] and opened[3]
    others = {row[0] for row in stack.pg.execute(INTERVALS)} - {guild}
    assert all(len(intervals(stack, g)) == 1 for g in others)
