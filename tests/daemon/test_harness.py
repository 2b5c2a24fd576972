"""The harness itself: its servers start, die and come back with their data."""

import pytest

import harness


def test_postgres_survives_a_kill(pg):
    pg.execute("create table t (n int)")
    pg.execute("insert into t values (7)")
    pg.kill()
    assert not pg.running()
    pg.start()
    assert pg.execute("select n from t") == [(7,)]


def test_redis_starts_empty_after_a_kill(redis_server):
    redis_server.client().set("k", "v")
    redis_server.kill()
    redis_server.start()
    assert redis_server.client().get("k") is None


def test_a_condition_that_never_holds_is_named():
    with pytest.raises(harness.Timeout, match="the sun rises"):
        harness.wait_until(lambda: False, 0.05 / harness.SLOWNESS, "the sun rises")


def test_log_lines_are_taken_apart(workdir):
    log = harness.Log(workdir / "log")
    log.path.write_text("2026-08-01T12:00:00.123Z presenced[412] error gateway_closed: code 4004\n"
                        "something else\n")
    (event,) = log.events()
    assert (event.program, event.pid, event.level) == ("presenced", 412, "error")
    assert log.wait_for("gateway_closed", containing="4004").message == "code 4004"


def test_undeclared_errors_fail(workdir):
    process = harness.Process(workdir)
    process.log.path.write_text("2026-08-01T12:00:00.123Z p[1] error bad_thing: x\n")
    with pytest.raises(AssertionError, match="bad_thing"):
        process.check_log()
    process.expect_error("bad_thing")
    process.check_log()
