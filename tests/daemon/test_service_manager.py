"""presence-graphqld under a service manager: passed sockets, credentials, watchdog, another user."""

import os
import pathlib
import pwd
import shutil
import signal
import socket

import pytest

import harness

ACT_AS_MANAGER = 'LISTEN_PID=$$ LISTEN_FDS=1; export LISTEN_PID LISTEN_FDS; exec "$@"'


@pytest.fixture
def prepared(workdir, conf, pg):
    """presence-graphqld, ready to be started by the test; judged afterwards."""
    graphqld = harness.Graphqld(workdir, conf, pg).prepare()
    try:
        yield graphqld
        graphqld.stop()
        graphqld.check_log()
    finally:
        graphqld.abandon()


def require_reachable_build():
    program = pathlib.Path(harness.program("presence-graphqld"))
    if any(not (p.stat().st_mode & 0o001) for p in program.parents):
        pytest.skip("nobody may not enter the build tree")


@pytest.fixture
def manager(prepared, workdir):
    """The service manager's ear."""
    path = workdir / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(path))
        s.settimeout(20 * harness.SLOWNESS)
        prepared.env["NOTIFY_SOCKET"] = str(path)
        yield s


def test_a_passed_socket_is_served(prepared, workdir, conf):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(workdir / "passed.sock"))
        listener.listen()
        conf.update(graphqld={"listen": "unix:/nowhere/at/all.sock"}).save()
        prepared.argv = lambda argv=prepared.argv(): ["/bin/sh", "-c", ACT_AS_MANAGER, "sh", *argv]
        prepared.popen_options = lambda: {
            "preexec_fn": lambda: os.dup2(listener.fileno(), 3), "close_fds": False}
        prepared.start(wait=False)
        prepared.log.wait_for("listening", containing="the socket that was passed")
        status, _, _ = harness.UnixHTTP(workdir / "passed.sock").request("GET", "/healthz")
        assert status in (200, 503)


def test_the_manager_hears_of_start_life_and_end(prepared, manager):
    prepared.env["WATCHDOG_USEC"] = "100000"
    prepared.start()
    heard = [manager.recv(100).decode() for _ in range(4)]
    assert heard == ["READY=1"] + 3 * ["WATCHDOG=1"]
    prepared.stop()
    manager.setblocking(False)
    while heard[-1] == "WATCHDOG=1":
        heard.append(manager.recv(100).decode())
    assert heard[-1] == "STOPPING=1"


def test_a_credential_comes_before_the_token_file(prepared, workdir, conf):
    credentials = workdir / "credentials"
    credentials.mkdir()
    shutil.move(conf.get("graphqld", "token_file"), credentials / "graphqld.tokens")
    prepared.env["CREDENTIALS_DIRECTORY"] = str(credentials)
    prepared.start()
    assert "errors" not in prepared.query("{ lanes(lanes: [1]) { lane } }")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_becomes_the_configured_user(prepared, conf):
    require_reachable_build()
    nobody = pwd.getpwnam("nobody")
    conf.update(presence={"user": "nobody"}).save()
    os.chown(conf.get("graphqld", "token_file"), nobody.pw_uid, nobody.pw_gid)
    prepared.start()
    status = pathlib.Path(f"/proc/{prepared.pid}/status").read_text()
    assert f"Uid:\t{nobody.pw_uid}\t{nobody.pw_uid}\t{nobody.pw_uid}" in status
    assert conf.graphql_socket.stat().st_uid == nobody.pw_uid
    # the test's database lets nobody in; the token, though, was read
    assert prepared.query("{ lanes(lanes: [1]) { lane } }")["status"] != 401


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_log_belongs_to_the_user_and_can_be_opened_anew(prepared, workdir, conf):
    require_reachable_build()
    nobody = pwd.getpwnam("nobody")
    logs = workdir / "logs"
    logs.mkdir()
    os.chown(logs, nobody.pw_uid, nobody.pw_gid)
    log = logs / "graphqld.log"
    conf.update(presence={"user": "nobody"}, log={"target": log}).save()
    os.chown(conf.get("graphqld", "token_file"), nobody.pw_uid, nobody.pw_gid)
    prepared.start()
    assert (log.stat().st_uid, log.stat().st_mode & 0o777) == (nobody.pw_uid, 0o640)
    log.rename(logs / "old.log")
    prepared.send(signal.SIGUSR1)
    harness.wait_until(log.exists, what="a new log file")
    assert log.stat().st_uid == nobody.pw_uid
    assert "cannot open" not in (logs / "old.log").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_is_not_roots_own_file_is_not_given_away(prepared, workdir, conf):
    require_reachable_build()
    nobody = pwd.getpwnam("nobody")
    os.chown(conf.get("graphqld", "token_file"), nobody.pw_uid, nobody.pw_gid)
    (workdir / "elsewhere").touch()
    (workdir / "link").symlink_to(workdir / "elsewhere")
    (workdir / "twice").touch()
    os.link(workdir / "twice", workdir / "other-name")
    for target in ("link", "twice"):
        conf.update(presence={"user": "nobody"}, log={"target": workdir / target}).save()
        prepared.start()
        assert (workdir / target).stat().st_uid == 0
        prepared.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_new_token_file_belongs_to_the_user(prepared, workdir, conf):
    nobody = pwd.getpwnam("nobody")
    path = workdir / "made.tokens"
    conf.update(presence={"user": "nobody"}, graphqld={"token_file": path}).save()
    prepared.tool("--new-token", "one", "read")
    assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (nobody.pw_uid, 0o600)
    os.chown(path, 0, 0)  # not a new one: whose it is was somebody's decision
    prepared.tool("--new-token", "two", "read")
    assert path.stat().st_uid == 0
    path.unlink()
    conf.update(presence={"user": "no-such-user"}).save()
    with pytest.raises(AssertionError, match="there is no user no-such-user"):
        prepared.tool("--new-token", "three", "read")
    assert not path.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_unknown_user_ends_the_start(prepared, conf):
    conf.update(presence={"user": "no-such-user"}).save()
    prepared.start(wait=False)
    assert prepared.wait() == 1
    assert "[presence] user: there is no user no-such-user" in prepared.log.text()
    prepared.child = None
