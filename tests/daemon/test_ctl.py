"""presencectl against missing, silent, broken and foreign servers, and its own arguments.

What the commands show of a running presenced is tested in test_control.py.
"""

import json
import os
import pathlib
import pwd
import socket
import subprocess
import threading

import pytest

import harness


def ctl(*args, user=None):
    options = {}
    if user:
        options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return subprocess.run([harness.program("presencectl"), *args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                          cwd="/", **options)


@pytest.fixture
def peer(workdir):
    """A server that answers each connection's first line with given bytes, then closes."""
    path = workdir / "control.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    heard = []
    threads = []

    def answer_with(answer):
        def serve():
            connection, _ = listener.accept()
            with connection:
                heard.append(json.loads(connection.makefile().readline()))
                connection.sendall(answer)

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        return path, heard

    yield answer_with
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    listener.close()


def reply(**fields):
    return json.dumps({"v": 1, "id": 1, **fields}).encode() + b"\n"


def test_not_running(workdir):
    done = ctl("status", "-s", str(workdir / "none.sock"))
    assert done.returncode == 3
    assert "presenced is not running" in done.stderr
    assert str(workdir / "none.sock") in done.stderr


def test_a_dead_socket_is_not_running(workdir):
    path = workdir / "left.sock"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
    done = ctl("status", "-s", str(path))
    assert (done.returncode, "is not running" in done.stderr) == (3, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_permission_denied(workdir):
    path = workdir / "control.sock"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen()
        path.chmod(0o600)
        readable = pathlib.Path(harness.program("presencectl"))
        if any(not (p.stat().st_mode & 0o001) for p in readable.parents):
            pytest.skip("nobody may not enter the build tree")
        done = ctl("status", "-s", str(path), user=pwd.getpwnam("nobody"))
    assert done.returncode == 3
    assert "permission denied" in done.stderr and "[control] mode" in done.stderr


def test_the_socket_comes_from_the_configuration(workdir):
    conf = harness.Conf(workdir).save()
    done = ctl("-c", str(conf.path), "status")
    assert done.returncode == 3
    assert str(workdir / "run" / "control.sock") in done.stderr


def test_a_wrong_configuration_is_shown_whole(workdir):
    path = workdir / "presence.conf"
    path.write_text("[log]\nlevel = loud\n[worker]\n")
    done = ctl("-c", str(path), "status")
    assert done.returncode == 2
    assert f"{path}:2: [log] level = loud: expected one of" in done.stderr
    assert f"{path}:3: unknown section [worker]" in done.stderr


def test_the_request(peer):
    path, heard = peer(reply(ok=True, result={"known": False, "user": "6", "guild": "5"}))
    done = ctl("-s", str(path), "member", "5", "6")
    assert done.returncode == 0, done.stderr
    assert heard == [{"v": 1, "id": 1, "command": "member", "args": {"guild": "5", "user": "6"}}]
    assert done.stdout.startswith("member 6 of guild 5: not in the table")


def test_a_member_in_words(peer):
    result = {"known": True, "user": "6", "guild": "5", "bot": None, "on_roster": True,
              "last_seen_ms": 1785585600123, "last_seen_kind": "typing", "last_counted_ms": None,
              "last_counted_kind": None, "present_until_ms": None, "voice_channel": None,
              "loading": True, "pending": True, "lane": 3, "worker": 0, "shard": 0}
    path, _ = peer(reply(ok=True, result=result))
    done = ctl("-s", str(path), "member", "5", "6")
    assert done.stdout.splitlines() == [
        "member 6 of guild 5: in the table",
        "last seen      2026-08-01T12:00:00.123Z (typing)",
        "last counted   never, as far as is known",
        "in voice       -",
        "bot            not known yet",
        "on the roster  yes",
        "screening      not passed yet",
        "what was before is being looked up in Redis and PostgreSQL",
        "lane           3, worker 0"]


def test_json_is_the_result_alone(peer):
    result = {"known": True, "user": "6", "later": [1, {"a": None}]}
    path, _ = peer(reply(ok=True, result=result))
    done = ctl("member", "5", "6", "--json", "-s", str(path))
    assert json.loads(done.stdout) == result


def test_a_refusal_is_status_1(peer):
    path, _ = peer(reply(ok=False, error={"code": "bad_config", "message": "nothing was changed",
                                          "errors": ["presence.conf:3: a", "presence.conf:9: b"]}))
    done = ctl("reload", "-s", str(path))
    assert done.returncode == 1
    assert done.stderr == ("presencectl: reload: nothing was changed\n"
                           "  presence.conf:3: a\n  presence.conf:9: b\n")


def test_another_version_is_named(peer):
    path, _ = peer(json.dumps({"v": 4, "id": 1, "ok": False, "supported": 4,
                               "error": {"code": "version", "message": "no"}}).encode() + b"\n")
    done = ctl("status", "-s", str(path))
    assert done.returncode == 1
    assert "speaks version 4 of the control protocol, presencectl 1" in done.stderr


@pytest.mark.parametrize("answer, complaint", [
    (b"", "closed the connection without an answer"),
    (b'{"v":1,', "closed the connection without an answer"),
    (b"[1]\n", "something else than a JSON object"),
    (b"\xff\xfe\n", "something else than a JSON object"),
    (b"{}\n", "refused without a reason"),
    (b'{"ok":"yes","error":7}\n', "refused without a reason"),
])
def test_a_broken_server(peer, answer, complaint):
    path, _ = peer(answer)
    done = ctl("status", "-s", str(path))
    assert done.returncode in (1, 3)
    assert complaint in done.stderr


@pytest.mark.parametrize("command", ["status", "workers", "guild 5", "member 5 6", "reload",
                                     "log debug", "drain", "top -n 1"])
@pytest.mark.parametrize("result", [
    {}, [], None, 7,
    {"known": True, "shards": 7, "workers": [1, None, {"lanes": "x"}], "queue": [], "counters": 1,
     "quarantine": [{}], "changed": [None], "table": "x", "degraded": [5, {}]}])
def test_odd_results_do_not_hurt(peer, command, result):
    path, _ = peer(reply(ok=True, result=result))
    done = ctl("-s", str(path), *command.split())
    assert done.returncode == 0, done.stderr


def test_a_silent_server_times_out(workdir):
    path = workdir / "control.sock"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen()
        done = ctl("status", "-s", str(path), "-t", "0.05")
    assert (done.returncode, done.stderr) == (
        3, "presencectl: status: presenced did not answer in 50 ms\n")


def test_an_endless_line_is_refused(peer):
    path, _ = peer(b"x" * (1 << 20) + b"y" * 8192)
    done = ctl("status", "-s", str(path))
    assert done.returncode == 3
    assert "a line of more than 1048576 bytes" in done.stderr


@pytest.mark.parametrize("args, complaint", [
    ([], "expected a command"),
    (["dance"], "unknown command dance"),
    (["member", "1"], "member: expected an argument: user"),
    (["member", "1", "x"], "user = x: expected a Discord id"),
    (["member", "1", "18446744073709551616"], "expected a Discord id"),
    (["guild", "0"], "expected a Discord id"),
    (["guild", "1", "2"], "unexpected argument 2"),
    (["log", "loud"], "expected debug, info, warn or error"),
    (["invite", "x"], "expected one application id"),
    (["-t", "x", "status"], "--timeout x: expected seconds"),
    (["-n", "0", "top"], "--rounds 0: expected a number"),
    (["--what"], "see presencectl --help"),
])
def test_wrong_usage(args, complaint):
    done = ctl(*args)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stdout == ""


def test_invite():
    done = ctl("invite", "1502943274598535171")
    assert done.returncode == 0
    assert done.stdout == ("https://discord.com/oauth2/authorize?client_id=1502943274598535171"
                           "&scope=bot+applications.commands&permissions=277293943939\n")


def test_invite_asks_presenced(peer):
    path, heard = peer(reply(ok=True, result={"application_id": "77"}))
    done = ctl("invite", "-s", str(path))
    assert heard[0]["command"] == "status"
    assert "client_id=77&" in done.stdout


def test_invite_without_presenced_says_what_to_do(workdir):
    done = ctl("invite", "-s", str(workdir / "none"))
    assert done.returncode == 3
    assert "presencectl invite APPLICATION" in done.stderr
