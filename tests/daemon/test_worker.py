"""presence-worker in the whole system: the roster, look-ups of unknown actors, Redis, idleness.
What needs a service that fails on demand is tested by tests/t_worker.c."""

import pathlib
import time

import harness

EVENT_ONLY = 18943685  # without GUILD_MEMBERS


def member(stack, act):
    rows = stack.pg.execute(
        "select bot, left_at is null and roster_at is not null from presence.member"
        " where guild_id = %s and user_id = %s", (int(act["guild"]), int(act["user"])))
    return rows[0] if rows else (None, None)


def test_everybody_is_catalogued(make_stack):
    stack = make_stack(sim_args=["--guilds", 3, "--members", 1500]).start()
    want = set()
    for guild in stack.sim.get("/_sim/world?members=1")["guilds"]:
        want |= {(int(guild["id"]), int(m["id"])) for m in guild["members"]
                 if m["index"] >= 2}  # 0 and 1 are bots
    assert len(want) >= 4500

    def people():
        return {tuple(r) for r in stack.pg.execute(
            "select guild_id, user_id from presence.member where bot = false"
            " and left_at is null and roster_at is not null")}

    harness.wait_until(lambda: people() == want, 30, "the roster is the simulator's")
    asked = stack.sim.get("/_sim/received?what=request_members")["items"]
    assert len(asked) == 3  # once per guild, within Discord's 30 s rule
    harness.wait_until(lambda: stack.pg.execute(
        "select count(*) from presence.guild where roster_at is not null")[0][0] == 3, 60,
        "all catalogues are complete")


def test_unknown_actors_are_looked_up(make_stack):
    """Without the member list an audit entry names somebody of whom nothing is known."""
    stack = make_stack(sim_args=["--intents-allowed", EVENT_ONLY])
    stack.presenced.expect_any_error()  # the refused intent is reported
    stack.start()
    stack.sim.post("/_sim/refuse", {"rest": 2, "status": 429, "path": "/members/",
                                    "retry_after": 0.3})
    person = stack.sim.act("audit", user=5)
    bot = stack.sim.act("audit", user=1)
    harness.wait_until(lambda: member(stack, person)[0] is False, 20, "a person")
    harness.wait_until(lambda: member(stack, bot)[0] is True, 20, "a bot")
    assert member(stack, person)[1]  # the answer showed him in the guild
    kept = stack.pg.execute("select user_id from presence.activity where guild_id = %s",
                            (int(person["guild"]),))
    assert kept == [(int(person["user"]),)]  # nothing of the bot stays
    assert not stack.sim.get("/_sim/received?what=request_members")["items"]


def test_redis_mirrors_who_was_seen(stack):
    client = stack.redis.client()
    acts = [stack.sim.act("typing", user=u) for u in range(2, 8)]
    guild = acts[0]["guild"]
    for act in acts:
        harness.wait_until(
            lambda: client.zscore(f"guild:{{{guild}}}:seen", act["user"]), 10, "seen in Redis")
        assert client.hget(f"guild:{{{guild}}}:member:{act['user']}", "act")
    ms = harness.wait_until(lambda: stack.pg.execute(
        "select (extract(epoch from last_seen) * 1000)::bigint from presence.last_seen"
        " where user_id = %s", (int(acts[0]["user"]),)), 10, "the commit")
    assert int(client.zscore(f"guild:{{{guild}}}:seen", acts[0]["user"])) == ms[0][0]
    # Of whoever was catalogued and never seen Redis could tell nothing.
    harness.wait_until(lambda: stack.pg.execute(
        "select roster_at from presence.guild where guild_id = %s", (int(guild),))[0][0], 20)
    unseen = stack.pg.execute(
        "select user_id from presence.member m where guild_id = %s and bot = false and not exists"
        " (select from presence.last_seen t where (t.guild_id, t.user_id) ="
        " (m.guild_id, m.user_id))", (int(guild),))
    assert len(unseen) > 10
    assert not any(client.exists(f"guild:{{{guild}}}:member:{user}") for user, in unseen)


def test_what_was_deleted_meanwhile_is_gone(make_stack):
    """The next session's guilds come without it, and nothing else tells."""
    stack = make_stack(sim_args=["--guilds", 2, "--members", 5]).start()
    guild, other = stack.sim.get("/_sim/world")["guilds"]
    alive = ("select channel_id::text from presence.channel where guild_id = %s and gone_at is null"
             " and archived is not true")
    roles = "select role_id::text from presence.role where guild_id = %s and gone_at is null"

    def ids(sql, of):
        return {i for i, in stack.pg.execute(sql, (int(of["id"]),))}

    thread = stack.sim.act("thread_create", guild=0)["id"]
    role = stack.sim.act("role_create", guild=0)["id"]
    text = stack.sim.act("channel_create", guild=0)["id"]
    harness.wait_until(lambda: {thread, text} <= ids(alive, guild) and role in ids(roles, guild), 20,
                       "they are known")
    known = {sql: ids(sql, of) for sql, of in ((alive, guild), (roles, guild))}
    untouched = ids(alive, other), ids(roles, other)
    stack.presenced.stop()
    stack.sim.act("thread_delete", guild=0, channel=thread)
    stack.sim.act("role_delete", guild=0, role=role)
    stack.sim.act("channel_delete", guild=0, channel=text)
    stack.sim.post("/_sim/expire")
    stack.presenced.expect_any_error()  # that session cannot be resumed
    stack.presenced.start()
    harness.wait_until(lambda: ids(alive, guild) == known[alive] - {thread, text}
                       and ids(roles, guild) == known[roles] - {role}, 30, "they are gone")
    assert (ids(alive, other), ids(roles, other)) == untouched


def switches(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0])


def at_rest(presenced):
    """Nothing waits for a worker, in a ring or for an answer."""
    status = presenced.ctl("status")
    return (not status["queue"]["events"] and not status["lanes"]["used_slots"]
            and not any(w["in_flight"] for w in status["workers"]))


def test_one_wake_up_serves_several_events(stack):
    """At a calm rate too, where each event comes by itself."""
    pids = [stack.presenced.pid, *stack.presenced.workers()]
    before = sum(switches(pid) for pid in pids)
    stack.sim.post("/_sim/load", {"rate": 1000, "seconds": 2})
    harness.wait_until(lambda: not stack.sim.get("/_sim/load")["running"], 30, "the load ends")
    events = stack.sim.get("/_sim/load")["dispatched"]
    woken = sum(switches(pid) for pid in pids) - before
    assert events > 500
    assert woken < events / 2, (woken, events)


def test_idle_workers_sleep(stack):
    """Only the master's pings and the session's lease wake them."""
    harness.wait_until(lambda: stack.pg.execute(
        "select count(*) from presence.guild where roster_at is not null")[0][0] >= 1, 20)
    harness.wait_until(lambda: at_rest(stack.presenced), 20, "the last batches are answered")
    workers = stack.presenced.workers()
    before = [switches(pid) for pid in workers]
    time.sleep(4)  # what is measured is time itself
    woken = [switches(pid) - n for pid, n in zip(workers, before)]
    assert max(woken) <= 20, woken
