"""presencectl against a running presenced: every command, as text and as JSON."""

import json
import pathlib
import signal
import subprocess

import pytest

import harness


@pytest.fixture
def watched(make_stack):
    """A running system whose simulated member 5 has just written."""
    stack = make_stack(sim_args=["--guilds", "2", "--members", "20"]).start()
    done = stack.sim.act("message", guild=0, user=5)
    stack.done = done

    def recorded():
        return stack.pg.execute("select 1 from activity where user_id = %s", [int(done["user"])])

    harness.wait_until(recorded, 20, "the message is recorded")
    return stack


def ctl(stack, *args):
    done = subprocess.run([harness.program("presencectl"), "-c", str(stack.conf.path), *args],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=90)
    return done.returncode, done.stdout, done.stderr


def unique(pairs):
    """An object in which no key stands twice."""
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


def ctl_json(stack, *args):
    status, out, err = ctl(stack, "--json", *args)
    assert (status, err) == (0, "")
    return json.loads(out, object_pairs_hook=unique)


def test_status(watched):
    status = harness.wait_until(
        lambda: (s := ctl_json(watched, "status"))["state"] == "running" and s, 10, "it runs")
    assert status["pid"] == watched.presenced.pid
    assert [s["state"] for s in status["shards"]] == ["live"]
    assert status["counters"]["sightings"] >= 1
    code, text, _ = ctl(watched, "status")
    assert code == 0
    assert f"pid {watched.presenced.pid}, instance {status['instance']}: running since" in text
    assert "0/1       live" in text
    for worker in status["workers"]:
        assert str(worker["pid"]) in text


def test_workers_are_the_processes(watched):
    workers = ctl_json(watched, "workers")["workers"]
    assert {w["pid"] for w in workers} == set(watched.presenced.workers())
    assert sum(w["lanes"] for w in workers) == 64
    assert all(w["state"] == "ready" for w in workers)


def test_member(watched):
    guild, user = watched.done["guild"], watched.done["user"]
    member = ctl_json(watched, "member", guild, user)
    assert (member["guild"], member["user"], member["known"]) == (guild, user, True)
    assert member["last_seen_ms"] == watched.done["time_ms"]
    assert member["last_seen_kind"] == "message"
    assert {"lane", "worker", "shard"} <= set(member)
    code, text, _ = ctl(watched, "member", guild, user)
    assert code == 0 and text.startswith(f"member {user} of guild {guild}: in the table\n")
    assert "(message)" in text


def test_guild(watched):
    guild = ctl_json(watched, "guild", watched.done["guild"])
    assert guild["known"] and guild["available"]
    assert 0 <= guild["lane"] < 64
    code, text, _ = ctl(watched, "guild", watched.done["guild"])
    assert code == 0 and f"guild {watched.done['guild']}: available" in text


def test_an_unknown_guild_is_told(watched):
    code, out, err = ctl(watched, "guild", "1")
    assert "not known" in out + err or "not_found" in err or code == 1


def test_top_draws_rates(watched):
    code, text, _ = ctl(watched, "top", "-n", "2", "-i", "0.05")
    assert code == 0
    assert text.count("presenced at ") == 2
    lines = [line for line in text.splitlines() if line.startswith("events")]
    assert lines[0].endswith("-/s") and not lines[1].endswith("-/s")


def test_log_level(watched):
    assert ctl_json(watched, "log", "debug") == {"level": "debug", "old": "info"}
    assert ctl_json(watched, "status")["log_level"] == "debug"


def test_reload_names_what_changed(watched):
    watched.conf.update(log={"level": "warn"}, cache={"members": 30000}).save()
    result = ctl_json(watched, "reload")
    changed = {c["key"]: (c["old"], c["new"], c["restart"]) for c in result["changed"]}
    assert changed == {"cache.members": ("20k", "30k", True),
                       "log.level": ("info", "warn", False)}
    assert ctl_json(watched, "status")["restart_needed"] == ["cache.members"]
    code, text, _ = ctl(watched, "status")
    assert "waits for a restart: cache.members" in text


def test_a_bad_configuration_is_refused_whole(watched):
    watched.presenced.expect_error("reload_refused")
    good = watched.conf.text()
    watched.conf.path.write_text(good + "[log]\nlevel = loud\nformat = xml\n")
    socket = ["-s", str(watched.conf.control_socket)]
    code, out, err = ctl(watched, "reload", *socket)
    assert (code, out) == (1, "")
    assert "expected one of debug, info, warn, error" in err
    assert "expected one of text, json" in err
    assert ctl_json(watched, "status", *socket)["log_level"] == "info"
    # without -s presencectl finds the same errors when it looks for the socket
    code, out, err = ctl(watched, "reload")
    assert (code, out) == (2, "") and "expected one of text, json" in err


def test_drain(watched):
    code, text, _ = ctl(watched, "drain")
    assert (code, text) == (0, "presenced drains and stops\n")
    assert watched.presenced.wait() == 0
    code, _, err = ctl(watched, "status")
    assert code == 3 and "presenced is not running" in err


def test_invite_uses_the_application(watched):
    application = ctl_json(watched, "status")["application_id"]
    assert application
    code, text, _ = ctl(watched, "invite")
    assert code == 0 and f"client_id={application}&" in text


def test_an_unknown_fault_is_refused(watched):
    code, _, err = ctl(watched, "debug", "explode")
    assert code == 1 and "debug" in err


HOUR_MS = 3600 * 1000


def react(stack):
    """A reaction, which carries no time of its own: how many ms it is recorded too late."""
    done = stack.sim.act("reaction_add", guild=0, user=5)
    (first,), = harness.wait_until(lambda: stack.pg.execute(
        """delete from activity where user_id = %s
           and kind = (select kind from activity_kind where name = 'REACTION_ADD')
           returning extract(epoch from first_at) * 1000""",
        [int(done["user"])]), 20, "the reaction is recorded")
    return float(first) - done["time_ms"]


def longest_lag(stack):
    return max(w["lag_p99_ms"] or 0 for w in ctl_json(stack, "workers")["workers"])


def test_a_step_of_the_clock(watched):
    """The machine's clock goes back by an hour, for presenced and all its workers."""
    presenced = watched.presenced
    last_seen = "select last_seen from last_seen where user_id = %s"
    before = watched.pg.execute(last_seen, [int(watched.done["user"])])
    assert ctl_json(watched, "debug", "clock", "--", str(-HOUR_MS)) == {}
    assert -HOUR_MS - 1000 < react(watched) < -HOUR_MS + 20000
    # what was seen later stays the last, and the workers go by the same clock: so does a new one
    assert watched.pg.execute(last_seen, [int(watched.done["user"])]) == before
    assert longest_lag(watched) < HOUR_MS / 2
    position = presenced.log.position()
    for worker in ctl_json(watched, "workers")["workers"]:
        ctl_json(watched, "debug", "exit", str(worker["slot"]))
    presenced.log.wait_for("worker_ready", since=position, count=2)
    assert -HOUR_MS - 1000 < react(watched) < -HOUR_MS + 20000
    assert longest_lag(watched) < HOUR_MS / 2
    assert ctl_json(watched, "debug", "clock", "0") == {}
    assert abs(react(watched)) < 20000


def test_a_step_of_the_clock_has_bounds(watched):
    code, _, err = ctl(watched, "debug", "clock", str(11 * 365 * 24 * HOUR_MS))
    assert (code, "at most ten years" in err) == (1, True), err


# --- tokens -----------------------------------------------------------------------------------------

def test_a_rotated_graphql_token_reaches_the_workers(watched):
    graphqld, presenced, conf = watched.graphqld, watched.presenced, watched.conf
    watched.sim.post("/_sim/load", {"events": 6000, "rate": 1000})
    new = graphqld.tool("--new-token", "workers-2", "ingest").strip()
    graphqld.send(signal.SIGHUP)
    graphqld.log.wait_for("tokens", containing="2 tokens")
    conf.secret("graphql", new)
    assert ctl_json(watched, "reload") == {"changed": [], "rotated": ["graphql.token_file"]}
    # the old token goes: whoever still uses it is turned away
    tokens = pathlib.Path(conf.get("graphqld", "token_file"))
    tokens.write_text("".join(line for line in tokens.read_text().splitlines(True)
                              if line.startswith("workers-2 ")))
    position = presenced.log.position()
    graphqld.send(signal.SIGHUP)
    graphqld.log.wait_for("tokens", containing="1 tokens")
    harness.wait_until(lambda: not watched.sim.get("/_sim/load")["running"], 60)
    done = watched.sim.act("message", guild=0, user=7)
    harness.wait_until(lambda: watched.pg.execute(
        "select 1 from last_seen where user_id = %s and last_seen >= to_timestamp(%s / 1000.0)",
        [int(done["user"]), done["time_ms"]]), 30, "the message is recorded")
    assert not presenced.log.events("graphql_away", since=position)
    assert not presenced.log.events("worker_started", since=position)
    assert new not in presenced.log.text() + graphqld.log.text()


def test_a_rotated_discord_token_is_used_at_the_next_identify(watched):
    presenced = watched.presenced
    presenced.expect_error("gateway_fatal")
    watched.conf.secret("discord", "another.token.of-the-test")
    code, text, _ = ctl(watched, "reload")
    assert (code, text) == (0, "discord.token_file: a new token\n")
    presenced.log.wait_for("token_rotated", containing="discord.token_file")
    assert "another.token" not in presenced.log.text()
    # presence-sim knows the old one alone: that the new one was sent shows in its refusal
    position = presenced.log.position()
    ctl_json(watched, "debug", "drop", "0")
    presenced.log.wait_for("gateway_fatal", containing="4004", since=position)
    assert presenced.wait() == 78
    presenced.child = None


def test_a_refused_token_is_read_once_more(watched):
    """Discord's token was reset, the file holds the new one, but nobody said so to presenced."""
    presenced = watched.presenced
    watched.sim.post("/_sim/config", {"token": "new.token.of-the-test"})
    watched.conf.secret("discord", "new.token.of-the-test")
    position = presenced.log.position()
    watched.sim.post("/_sim/close", {"code": 4004})
    presenced.log.wait_for("gateway_token", containing="trying the new one", since=position)
    presenced.log.wait_for("gateway_ready", since=position)
    assert "new.token" not in presenced.log.text()
    done = watched.sim.act("message", guild=0, user=7)
    harness.wait_until(lambda: watched.pg.execute(
        "select 1 from activity where user_id = %s", [int(done["user"])]), 20, "it is recorded")
    # the file holds no other token than the refused one: this time it is the end
    presenced.expect_error("gateway_fatal")
    watched.sim.post("/_sim/close", {"code": 4004})
    presenced.log.wait_for("gateway_fatal", containing="4004", since=position)
    assert presenced.wait() == 78
    presenced.child = None


def test_a_token_that_was_reset_before_the_first_connection_is_read_once_more(make_stack):
    stack = make_stack(sim_args=["--guilds", "1", "--members", "5"]).start_servers()
    stack.sim.post("/_sim/refuse", {"rest": 1, "status": 503, "path": "/gateway/bot"})
    stack.presenced.start()
    stack.presenced.log.wait_for("discord_unreachable", containing="/gateway/bot")
    stack.conf.secret("discord", "new.token.of-the-test")
    stack.sim.post("/_sim/config", {"token": "new.token.of-the-test"})
    stack.presenced.wait_live()
    stack.presenced.log.wait_for("token_rotated", containing="discord.token_file")


@pytest.mark.parametrize("section, mode, complaint", [
    ("graphql", 0o640, "mode is 0640, expected 0600"),
    ("discord", None, "No such file or directory")])
def test_a_token_file_that_cannot_be_used_refuses_the_reload(watched, section, mode, complaint):
    presenced = watched.presenced
    presenced.expect_error("reload_refused")
    watched.conf.update(log={"level": "debug"}).save()
    path = pathlib.Path(watched.conf.get(section, "token_file"))
    if mode is None:
        path.unlink()
    else:
        path.write_text("yet-another-token\n")
        path.chmod(mode)
    answer = presenced.reload()
    assert answer["error"]["code"] == "bad_config"
    assert answer["error"]["errors"] == [f"[{section}] token_file: {path}: {complaint}"
                                         + (": others can read this secret" if mode else "")]
    assert ctl_json(watched, "status")["log_level"] == "info"
    assert not presenced.log.events("token_rotated")
    done = watched.sim.act("message", guild=0, user=7)
    harness.wait_until(lambda: watched.pg.execute(
        "select 1 from activity where user_id = %s", [int(done["user"])]), 20, "still recording")
