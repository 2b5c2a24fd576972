"""Workers' copies of guilds' settings: read from presence-graphqld, true within a second of a change,
not used while nobody tells of changes."""

import json
import signal
import subprocess
import time

import pytest

import harness

WORKERS = 2


@pytest.fixture
def stack(make_stack):
    stack = make_stack(sim_args=["--guilds", "8"], conf={"workers": {"count": WORKERS}}).start()
    stack.admin = stack.graphqld.new_token("boss", "admin")
    stack.graphqld.send(signal.SIGHUP)
    stack.graphqld.log.wait_for("tokens")
    harness.wait_until(lambda: len(guilds(stack)) == 8, 20, "the guilds are recorded")
    return stack


def guilds(stack):
    return [str(row[0]) for row in stack.pg.execute("SELECT guild_id FROM guild ORDER BY guild_id")]


def ask(stack, guild):
    done = subprocess.run([harness.program("presencectl"), "-c", str(stack.conf.path), "--json",
                           "guild", guild], capture_output=True, text=True, timeout=60)
    if "is not there at the moment" in done.stderr:
        return {"settings_version": None}
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def known(stack, guild, version):
    return harness.wait_until(
        lambda: (g := ask(stack, guild))["settings_version"] == version and g, 20,
        f"the worker has version {version} of {guild}")


def change(stack, guild, version, key, value):
    answer = stack.graphqld.query(
        "mutation($g: Snowflake!, $v: Int!, $c: [SettingChange!]!) {"
        " updateSettings(guildId: $g, version: $v, changes: $c) { code errors version } }",
        {"g": guild, "v": version, "c": [{"key": key, "value": None if value is None else json.dumps(value)}]},
        token=stack.admin)
    assert answer["data"]["updateSettings"]["code"] == "OK", answer
    return answer["data"]["updateSettings"]["version"]


def one_of_each_worker(stack):
    """A guild for each worker."""
    of = {}
    for guild in guilds(stack):
        of.setdefault(known(stack, guild, 0)["worker"], guild)
    assert len(of) == WORKERS, "all guilds are in one worker's lanes"
    return list(of.values())


def test_a_change_reaches_every_worker(stack):
    for guild in one_of_each_worker(stack):
        version = change(stack, guild, 0, "mode", "on")
        begun = time.monotonic()
        known(stack, guild, version)
        print(f"the worker had it after {time.monotonic() - begun:.3f} s")
        known(stack, guild, change(stack, guild, version, "time_until_inactive", 8 * 86400))
    others = [g for g in guilds(stack) if ask(stack, g)["settings_version"] == 0]
    assert len(others) == 8 - WORKERS
    done = subprocess.run([harness.program("presencectl"), "-c", str(stack.conf.path), "guild",
                           others[0]], capture_output=True, text=True, timeout=60)
    assert "settings      version 0\n" in done.stdout


def test_what_changed_while_nobody_told_of_it(stack):
    """Without the service nothing is known; with it again, everything is read again."""
    first, second = one_of_each_worker(stack)
    change(stack, first, 0, "mode", "on")
    known(stack, first, 1)
    stack.presenced.expect_any_error()
    stack.graphqld.kill()
    for guild in (first, second):
        known(stack, guild, None)
    done = subprocess.run([harness.program("presencectl"), "-c", str(stack.conf.path), "guild",
                           first], capture_output=True, text=True, timeout=60)
    assert "settings      being read\n" in done.stdout
    stack.pg.execute("INSERT INTO setting VALUES (%s, 'mode', '\"off\"', 1);"
                     " UPDATE guild SET settings_version = 1 WHERE guild_id = %s", (second, second))
    stack.graphqld.start()
    known(stack, first, 1)
    known(stack, second, 1)
    known(stack, second, change(stack, second, 1, "mode", "on"))


def test_a_worker_that_takes_lanes_over_reads_for_itself(stack):
    first, _ = one_of_each_worker(stack)
    version = change(stack, first, 0, "mode", "on")
    slot = known(stack, first, version)["worker"]
    stack.presenced.expect_any_error()
    done = subprocess.run([harness.program("presencectl"), "-c", str(stack.conf.path), "debug",
                           "crash", str(slot)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    known(stack, first, version)
    known(stack, first, change(stack, first, version, "mode", "off"))


def test_settings_that_a_worker_does_not_understand(stack):
    """They are never acted by: those of a newer version of the database."""
    first, second = one_of_each_worker(stack)
    stack.pg.execute("INSERT INTO setting_definition (key, type, default_value, means)"
                     " VALUES ('kick_everybody', 'BOOLEAN', 'false', 'a setting of the future')")
    version = change(stack, first, 0, "kick_everybody", True)
    stack.presenced.log.wait_for("settings", containing="kick_everybody: there is no such setting")
    assert ask(stack, first)["settings_version"] is None
    known(stack, second, change(stack, second, 0, "mode", "on"))
    change(stack, first, version, "kick_everybody", None)
    known(stack, first, version + 1)


def test_a_reset_is_a_change(stack):
    first, _ = one_of_each_worker(stack)
    known(stack, first, change(stack, first, 0, "mode", "on"))
    answer = stack.graphqld.query(
        "mutation($g: Snowflake!) { softReset(guildId: $g) { code errors } }", {"g": first},
        token=stack.admin)
    assert answer["data"]["softReset"]["code"] == "OK", answer
    known(stack, first, 2)
    known(stack, first, change(stack, first, 2, "min_days", 2))
