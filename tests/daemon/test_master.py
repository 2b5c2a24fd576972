"""presenced alone: supervision, delivery, resume, reload, flow control. Its workers are stubs that
write down what they are given; Discord is presence-sim."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

import harness
from harness import wait_until
from master_alone import REDELIVERED, REPLAYED, Alone, assert_in_order


@pytest.fixture
def alone(request):
    made = request.node.stacks = []

    def make(**options):
        made.append(Alone(**options))
        return made[-1]

    yield make
    for a in made:
        failed = getattr(request.node, "failed", False)
        a.close(check=not failed)
        if not failed:
            shutil.rmtree(a.dir, ignore_errors=True)


# --- what it is made of -----------------------------------------------------------------------------

def test_links_no_http_redis_or_sql():
    done = subprocess.run(["readelf", "-d", harness.program("presenced")], check=True,
                          stdout=subprocess.PIPE, text=True)
    assert "libwebsockets" in done.stdout
    for name in ("curl", "hiredis", "libpq", "http_parser"):
        assert name not in done.stdout, f"presenced links {name}"


def run_presenced(conf, *options, env=None):
    return subprocess.run([harness.program("presenced"), "-c", str(conf), *options],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60,
                          env=env or dict(os.environ))


def test_check_only(workdir):
    conf = harness.Conf(workdir).save()
    good = run_presenced(conf.path, "-n")
    assert (good.returncode, good.stdout) == (0, f"{conf.path}: good\n")
    printed = run_presenced(conf.path, "-nv")
    assert "count = 2" in printed.stdout
    again = workdir / "again.conf"
    again.write_text(printed.stdout)
    assert run_presenced(again, "-nv").stdout == printed.stdout
    conf.update(redis={"url": "redis://:hidden@localhost"}).save()
    assert "url = redis://:***@localhost\n" in run_presenced(conf.path, "-nv").stdout
    conf.update(workers={"count": "many"}).save()
    bad = run_presenced(conf.path, "-n")
    assert bad.returncode == 78 and "count" in bad.stderr and f"{conf.path.name}:" in bad.stderr
    assert run_presenced(conf.path, "--nonsense").returncode == 64


def test_start_refusals(alone):
    a = alone()
    token = a.dir / "discord.token"
    token.chmod(0o644)
    refused = run_presenced(a.conf.path, env=a.presenced.env)
    assert refused.returncode == 1 and "others can read" in refused.stderr
    assert a.sim.token not in refused.stderr
    token.chmod(0o600)
    refused = run_presenced(a.conf.path, "-W", "/nonexistent/worker")
    assert refused.returncode == 1 and "start_failed" in refused.stderr
    a.start()
    second = run_presenced(a.conf.path, env=a.presenced.env)
    assert second.returncode == 1
    assert f"presenced runs already as pid {a.presenced.pid}" in second.stderr
    assert a.shard()["state"] == "live"


def test_background(alone):
    a = alone()
    a.conf.update(log={"target": a.dir / "background.log"}).save()
    a.sim.start()
    started = run_presenced(a.conf.path, "-d", env=a.presenced.env)
    assert started.returncode == 0, started.stderr
    pid = a.presenced.ctl("status")["pid"]
    try:
        a.presenced.child = type("Gone", (), {"poll": lambda self: None, "pid": pid})()
        a.presenced.wait_live()
        assert os.getsid(pid) != os.getsid(0)
    finally:
        a.presenced.child = None
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: harness.gone(pid), 20, "its end")
    assert "stopped" in (a.dir / "background.log").read_text()
    a.conf.update(presence={"state_dir": "/proc/nowhere"}).save()
    assert run_presenced(a.conf.path, "-d", env=a.presenced.env).returncode == 1


# --- delivery ---------------------------------------------------------------------------------------

def test_what_members_see_of_it(alone):
    """Its line in the list of members comes with the Identify."""
    a = alone().start()
    identify, = a.sim.get("/_sim/received?what=identify")["items"]
    assert identify["presence"]["status"] == "online"
    assert identify["presence"]["activities"] == [{"name": "who is around", "type": 3}]


def test_an_event_arrives(alone):
    a = alone().start()
    before = int(time.time() * 1000)
    deed = a.sim.act("message", guild=1, content="hello")
    event = a.wait_event("MESSAGE_CREATE")[0]
    assert event.guild == int(deed["guild"])
    assert event.seq == deed["s"]
    assert event.flags == 0
    assert before - 5 <= event.arrival <= int(time.time() * 1000) + 5
    lanes = {e.lane for e in a.events() if e.guild == event.guild}
    assert lanes == {event.lane}
    sessions = [line for _, line in a.lines() if line.startswith("session edge=1")]
    assert sessions and f"session={event.session}" in sessions[0]
    wait_until(lambda: a.shard()["resume_seq"] == deed["s"], what="it is durable")


def test_few_descriptors_are_enough(alone):
    a = alone()
    argv = a.presenced.argv
    a.presenced.argv = lambda: ["prlimit", "--nofile=64:64", *argv()]
    a.start()
    assert a.shard()["state"] == "live"


@pytest.mark.parametrize("compress", ["zlib-stream", "zstd-stream"])
def test_compression(alone, compress):
    a = alone(discord={"compress": compress}).start()
    for i in range(50):
        a.sim.act("message", content=f"number {i} " * 20)
    a.wait_event("MESSAGE_CREATE", 50)
    assert_in_order(a.events())
    assert a.shard()["compress"] == compress
    # One byte at a time, in small fragments.
    a.sim.post("/_sim/fragment", {"size": 7, "trickle": True})
    a.sim.act("message", content="in pieces")
    a.wait_event("MESSAGE_CREATE", 51)


def test_undecodable_stream_falls_back_to_zlib(alone):
    a = alone(discord={"compress": "zstd-stream"})
    a.presenced.expect_error("gateway_inflate")
    a.start()
    a.sim.post("/_sim/raw", {"hex": "00112233445566778899"})
    a.log.wait_for("gateway_resumed")
    a.sim.act("message")
    a.wait_event("MESSAGE_CREATE")


def test_events_of_a_killed_worker_come_again(alone):
    a = alone().start()
    deed = a.sim.act("message", guild=0)
    first = a.wait_event("MESSAGE_CREATE")[0]
    wait_until(lambda: a.shard()["resume_seq"] == deed["s"])
    a.flag("stall")
    for _ in range(5):
        a.sim.act("message", guild=0)
    a.wait_event("MESSAGE_CREATE", 6)
    a.kill_worker(first.slot)
    a.wait_event("MESSAGE_CREATE", 11)
    a.flag("stall", False)
    wait_until(lambda: a.shard()["resume_seq"] == a.shard()["received_seq"])
    events = a.events("MESSAGE_CREATE")
    assert [e.seq for e in events if e.flags & REDELIVERED] == list(range(deed["s"] + 1,
                                                                          deed["s"] + 6))
    assert len({e.arrival for e in events}) <= 6, "redelivery keeps the time of arrival"
    assert_in_order(a.events())
    assert a.status()["queue"]["events"] == 0


def test_poison_is_put_into_quarantine(alone):
    a = alone(discord={"message_content": "yes"}).start()
    a.presenced.expect_error("quarantined")
    bystander = a.sim.act("message", guild=1)
    wait_until(lambda: a.shard()["resume_seq"] == bystander["s"])
    a.sim.act("message", guild=0, content="stub:abort")
    a.log.wait_for("quarantined", deadline=30)
    deed = a.sim.act("message", guild=0, content="after it")
    a.wait_event("QUARANTINED")
    wait_until(lambda: [e for e in a.events("MESSAGE_CREATE") if e.seq == deed["s"]])
    deaths = a.log.events("worker_died")
    assert len(deaths) == 2
    listed = a.status()["quarantine"]
    assert len(listed) == 1 and listed[0]["event"] == "MESSAGE_CREATE"
    kept = json.loads(open(listed[0]["file"]).read())
    assert kept["d"]["content"] == "stub:abort"
    assert os.stat(listed[0]["file"]).st_mode & 0o777 == 0o600
    wait_until(lambda: a.shard()["resume_seq"] == deed["s"], what="the lane goes on")
    assert bystander["s"] in {e.seq for e in a.events("MESSAGE_CREATE")}
    # The tombstone has the poison's place, so a replay does not bring it back.
    assert a.events("QUARANTINED")[0].seq == kept["s"]


def test_only_the_guilty_event_is_blamed(alone):
    """Every lane of the worker has an unacknowledged event when it crashes."""
    a = alone(sim_args=("--guilds", "20", "--members", "3"), workers={"count": 1},
              discord={"message_content": "yes"}).start()
    a.presenced.expect_error("quarantined")
    wait_until(lambda: a.status()["queue"]["events"] == 0)
    a.flag("stall")
    for g in range(20):
        a.sim.act("message", guild=g, content="stub:abort" if g == 13 else "harmless")
    a.log.wait_for("worker_died")
    a.flag("stall", False)
    a.log.wait_for("quarantined", deadline=40)
    last = a.sim.act("message", guild=13)
    wait_until(lambda: a.shard()["resume_seq"] == last["s"], 30)
    assert len(a.status()["quarantine"]) == 1
    good = {e.guild for e in a.events("MESSAGE_CREATE")}
    assert len(good) == 20


@pytest.mark.slow
def test_hung_worker_is_replaced(alone):
    a = alone(workers={"count": 1}, discord={"message_content": "yes"}).start()
    a.presenced.expect_error("worker_killed")
    a.sim.act("message", content="stub:hang")
    a.log.wait_for("worker_killed", deadline=40, containing="does not answer pings")
    a.log.wait_for("worker_ready", count=2)
    assert a.shard()["state"] == "live"
    a.sim.stop()  # the event is still poison: the drain may or may not wait for the second hang
    a.presenced.expect_error("quarantined")


def test_crash_fault_and_restart_count(alone):
    a = alone().start()
    for fault, said in (("crash", "signal 6"), ("exit", "exit status 3")):
        wait_until(lambda: a.status()["queue"]["events"] == 0)
        position = a.log.position()
        a.presenced.ctl("debug", fault=fault, worker=1)
        a.log.wait_for("worker_died", containing=said, since=position)
        wait_until(lambda: a.worker_of(1)["state"] == "ready")
    assert a.worker_of(1)["restarts"] == 2
    assert a.worker_of(1)["lanes"] == 32
    hello = a.log.wait_for("stderr", containing="stub says hello")
    assert hello.program == "presence-worker"


def test_failing_starts_slow_down(alone):
    a = alone()
    worker = a.dir / "worker.sh"
    worker.write_text("#!/bin/sh\necho no luck >&2\nexit 9\n")
    worker.chmod(0o755)
    a.presenced.env["PRESENCE_WORKER"] = str(worker)
    a.presenced.expect_error("cogs_trial")
    a.start(live=False)
    a.log.wait_for("worker_died", count=3, containing="exit status 9")
    pauses = [int(e.message.split(" in ")[1].split()[0]) for e in a.log.events("worker_restart")]
    assert pauses and all(1000 <= p <= 4000 for p in pauses)
    lines = [e.event for e in a.log.events() if e.event in ("stderr", "worker_died")]
    assert lines[0] == "stderr", "what it said comes before its exit status"


@pytest.mark.slow
def test_a_worker_that_does_not_become_ready_is_replaced(alone):
    a = alone(workers={"count": 1})
    stub, worker = a.presenced.env["PRESENCE_WORKER"], a.dir / "worker.sh"
    worker.write_text(f'#!/bin/sh\n[ "$1" = --take-cogs ] && exit 0\nmkdir "{a.dir}/once" && exec sleep 600\nexec "{stub}" "$@"\n')
    worker.chmod(0o755)
    a.presenced.env["PRESENCE_WORKER"] = str(worker)
    a.presenced.expect_error("worker_killed")
    a.start(live=False)
    a.log.wait_for("worker_killed", deadline=60, containing="not ready in time")
    a.presenced.wait_live(60)
    assert a.worker_of(0)["restarts"] == 1


# --- sessions ---------------------------------------------------------------------------------------

def test_stop_and_start_lose_nothing(alone):
    a = alone().start()
    session = int(a.shard()["session"])
    a.sim.act("message")
    a.wait_event("MESSAGE_CREATE")
    a.presenced.stop()
    assert not os.path.exists(a.conf.control_socket)
    missed = [a.sim.act("message")["s"] for _ in range(10)]
    a.presenced.start()
    a.presenced.wait_live()
    events = a.wait_seqs(session, missed)
    assert int(a.shard()["session"]) == session
    for e in events:
        if e.seq in missed:
            assert e.flags & REPLAYED
    seqs = [e.seq for e in events]
    assert len(seqs) == len(set(seqs)), "an orderly stop leaves nothing to repeat"
    assert any(line.startswith("session edge=3") for _, line in a.lines())


def test_killed_master_resumes_at_what_is_durable(alone):
    a = alone().start()
    session = int(a.shard()["session"])
    durable = a.sim.act("message")["s"]
    wait_until(lambda: a.shard()["resume_seq"] == durable)
    a.flag("volatile")
    more = [a.sim.act("message")["s"] for _ in range(5)]
    a.wait_seqs(session, more)
    a.presenced.kill()
    a.flag("volatile", False)
    more += [a.sim.act("message")["s"] for _ in range(5)]
    since = a.sim.get("/_sim/received")["next"]
    a.presenced.start()
    a.presenced.wait_live()
    a.wait_seqs(session, more)
    resumes = a.sim.get(f"/_sim/received?what=resume&since={since}")["items"]
    assert resumes, "it resumes"
    again = [e for e in a.events("MESSAGE_CREATE") if e.flags & REPLAYED]
    assert {e.seq for e in again} >= set(more), "what was not durable is asked for again"
    assert durable not in {e.seq for e in again}


def test_damaged_state_file_is_reported_and_ignored(alone):
    a = alone().start()
    a.presenced.stop()
    state = next(a.state_dir.glob("*.state"))
    assert state.stat().st_mode & 0o777 == 0o600
    state.write_text(state.read_text()[:-20])
    a.presenced.expect_error("state_file")
    a.presenced.start()
    a.presenced.wait_live()
    a.log.wait_for("state_file", containing="damaged")
    assert len(a.log.events("gateway_ready")) == 2


def test_a_state_file_that_cannot_be_written_is_told_once(alone):
    a = alone(sim_args=("--guilds", "3", "--members", "5", "--set", "heartbeat_ms=500")).start()
    a.presenced.expect_error("state_file")
    blocked = next(a.state_dir.glob("*.state")).with_suffix(".state.new")
    blocked.mkdir()
    a.sim.act("message")
    a.log.wait_for("state_file", containing="Is a directory")
    since = a.sim.get("/_sim/received?what=none")["next"]
    wait_until(lambda: len(a.sim.get(f"/_sim/received?what=heartbeat&since={since}")["items"]) >= 6)
    blocked.rmdir()
    a.log.wait_for("state_file_ok")
    assert len(a.log.events("state_file")) == 1


TLS_CONF = """
[req]
distinguished_name = dn
[dn]
[ext]
subjectAltName = DNS:{name}
"""


def certificates(folder, name):
    """A CA and a certificate for name; returns their paths."""
    (folder / "tls.conf").write_text(TLS_CONF.format(name=name))
    run = dict(check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config",
           "tls.conf"]
    subprocess.run(["openssl", "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem",
                    "-subj", "/CN=Test CA", "-days", "2"], **run)
    subprocess.run(["openssl", "req", *key, "-keyout", "server.key", "-out", "server.csr",
                    "-subj", "/CN=server"], **run)
    subprocess.run(["openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey",
                    "ca.key", "-out", "server.pem", "-days", "2", "-extfile", "tls.conf",
                    "-extensions", "ext"], **run)
    return folder / "ca.pem", folder / "server.pem", folder / "server.key"


class TlsFront(threading.Thread):
    """Takes TLS off and passes the bytes on to the simulator's gateway. Notes the names asked for."""

    def __init__(self, certificate, key, port):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.names = []
        self.context.sni_callback = lambda sock, name, context: self.names.append(name)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.back = port
        self.start()

    def run(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        try:
            front = self.context.wrap_socket(plain, server_side=True)
            back = socket.create_connection(("127.0.0.1", self.back))
            threading.Thread(target=self.copy, args=(back, front), daemon=True).start()
            self.copy(front, back)
        except OSError:
            plain.close()

    @staticmethod
    def copy(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
        except (OSError, ValueError):
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@pytest.mark.parametrize("name,trusted,said", [
    ("gateway.test", True, None),
    ("other.test", True, "hostname"),
    ("gateway.test", False, "unable to get local issuer"),
])
def test_tls(alone, name, trusted, said):
    """The address comes from the resolver, the name goes into SNI and is looked for in the
    certificate."""
    a = alone()
    ca, certificate, key = certificates(a.dir, name)
    front = TlsFront(certificate, key, a.sim.gateway_port)
    a.conf.update(discord={"gateway_url": f"wss://gateway.test:{front.port}"}).save()
    if trusted:
        a.presenced.env["SSL_CERT_FILE"] = str(ca)
    a.start(live=False)
    if said:
        line = a.log.wait_for("gateway_waiting").message
        assert said in line.lower(), line
        assert not a.log.events("gateway_ready")
        return
    a.log.wait_for("gateway_ready")
    assert front.names[0] == "gateway.test"
    # READY's resume URL is the simulator's own: plain, and used for the next connection.
    for i in range(20):
        a.sim.act("message", content="x" * 1000)
    a.wait_event("MESSAGE_CREATE", 20)


# Every code of the gateway's contract: what is done, and which words of the log say so. 4014 and a
# wrong token from the start have tests of their own below.
CLOSES = [
    ("reset", "drop", {}, "resume", "connection lost"),
    ("end", "drop", {"fin": True}, "resume", "connection lost"),
    ("op 7", "op", {"op": 7}, "resume", "closed by us"),
    ("op 9 true", "op", {"op": 9, "resumable": True}, "resume", "closed by us"),
    ("op 9 false", "op", {"op": 9, "resumable": False}, "identify", "closed by us"),
] + [(str(code), "close", {"code": code}, done, said) for code, done, said in [
    (1000, "resume", "normal end"), (1001, "resume", "going away"),
    (4000, "resume", "unknown error"), (4001, "identify", "this is a mistake of ours"),
    (4002, "resume", "this is a mistake of ours"), (4003, "identify", "not authenticated"),
    (4004, "fatal", "token refused"), (4005, "identify", "this is a mistake of ours"),
    (4007, "identify", "invalid sequence number"),
    (4008, "pause", "this is a mistake of ours"), (4009, "identify", "timed out"),
    (4010, "fatal", "invalid shard"), (4011, "fatal", "sharding required"),
    (4012, "fatal", "invalid API version"), (4013, "fatal", "invalid intents"),
    (4999, "resume", "unexpected close code"),
]]


@pytest.mark.parametrize("path,body,done,said", [c[1:] for c in CLOSES], ids=[c[0] for c in CLOSES])
def test_every_way_to_be_cut_off(alone, path, body, done, said):
    a = alone().start()
    a.presenced.expect_error("gateway_fatal")
    a.presenced.expect_error("gateway_disconnected")
    a.sim.post("/_sim/config", {"identify_window_ms": 10})
    before = a.shard()["session"]
    position = a.log.position()
    a.sim.post(f"/_sim/{path}", body)
    line = a.log.wait_for("gateway_disconnected", since=position)
    assert said in line.message, line
    if "code" in body:
        assert f"code {body['code']}" in line.message, line
    assert (line.level == "error") == ("mistake of ours" in line.message)
    if done == "fatal":
        fatal = a.log.wait_for("gateway_fatal", since=position)
        assert str(body["code"]) in fatal.message and fatal.level == "error"
        assert a.presenced.wait() == 78
        a.presenced.child = None
        assert not a.log.events("gateway_identify", position)
        return
    if done == "pause":  # a minute, the window in which too much was sent
        waiting = a.log.wait_for("gateway_waiting", since=position).message
        wait_ms = int(re.search(r"(\d+) ms", waiting).group(1))
        assert 55000 <= wait_ms <= 65000, waiting
        assert a.shard()["session"] == before
        return
    again = {"resume": "gateway_resumed", "identify": "gateway_ready"}[done]
    a.log.wait_for(again, since=position)
    a.presenced.wait_live()
    deed = a.sim.act("message")
    wait_until(lambda: [e for e in a.events("MESSAGE_CREATE") if e.seq == deed["s"]])
    after = a.shard()["session"]
    assert (before == after) == (done == "resume")
    lost = a.log.events("gateway_session_lost", position)
    assert len(lost) == (done == "identify")
    ended = [text for _, text in a.lines()
             if text.startswith("session edge=4") and f"session={before} " in text]
    assert bool(ended) == (done == "identify")


def test_the_table_of_closes_is_whole():
    """Against the list that the program itself goes by."""
    source = (harness.SOURCE_DIR / "src" / "discord" / "gw_codes.c").read_text()
    codes = {int(c) for c in re.findall(r"^    \{(\d+), GW_", source, re.M)}
    # Without a code, and codes that stand for that: drops. 4014: see below.
    assert codes - {0, 1005, 1006, 4014} == {c[2]["code"] for c in CLOSES if "code" in c[2]} - {4999}


def test_a_silent_connection_is_a_zombie(alone):
    """Heartbeats are not answered: closed with 4000 after an interval, and resumed."""
    a = alone(sim_args=("--guilds", "3", "--members", "5", "--set", "heartbeat_ms=500")).start()
    before = a.shard()["session"]
    position = a.log.position()
    a.sim.post("/_sim/stall", {"acks": True})
    line = a.log.wait_for("gateway_disconnected", since=position)
    assert "closed by us" in line.message and "4000" in line.message, line
    a.sim.post("/_sim/stall", {"acks": False})
    a.log.wait_for("gateway_resumed", since=position)
    assert a.shard()["session"] == before


def test_intents_refused_twice_are_fatal(alone):
    """The identify without privileged intents is refused as well."""
    a = alone(sim_args=("--guilds", "1", "--members", "3", "--set", "identify_window_ms=10"))
    for event in ("gateway_intents", "gateway_fatal", "gateway_disconnected"):
        a.presenced.expect_error(event)
    a.sim.start()
    a.sim.post("/_sim/refuse", {"identifies": 2, "code": 4014})
    a.presenced.start(wait=False)
    assert a.presenced.wait() == 78
    a.presenced.child = None
    assert len(a.log.events("gateway_intents")) == 1
    assert "4014" in a.log.wait_for("gateway_fatal").message
    assert "Server Members Intent" in a.log.events("gateway_intents")[0].message


def test_wrong_token_is_fatal(alone):
    a = alone()
    a.conf.secret("discord", "not.the.token")
    a.presenced.expect_error("gateway_fatal")
    a.presenced.expect_error("gateway_disconnected")
    a.sim.start()
    a.presenced.start(wait=False)
    assert a.presenced.wait() == 78
    a.presenced.child = None
    assert "4004" in a.log.wait_for("gateway_fatal").message
    assert "not.the.token" not in a.log.text()


def test_refused_intents_are_dropped(alone):
    a = alone(sim_args=("--guilds", "1", "--members", "3", "--intents-allowed", "0"))
    a.presenced.expect_error("gateway_intents")
    a.presenced.expect_error("gateway_disconnected")
    a.start()
    assert len(a.log.events("gateway_intents")) == 1
    assert not a.status()["intents"] & (1 << 1 | 1 << 15)
    wait_until(lambda: a.status()["state"] == "running")
    assert a.status()["degraded"] == ["privileged intents are refused"]


def test_nobody_listens(alone):
    a = alone()
    a.presenced.start()
    a.log.wait_for("gateway_waiting", count=2)
    a.sim.start()
    a.presenced.wait_live()


def with_real_worker(alone, **options):
    """Real workers without a database: they still answer the master's questions."""
    a = alone(**options)
    a.presenced.env["PRESENCE_WORKER"] = str(harness.BUILD_DIR / "presence-worker")
    a.conf.update(discord={"gateway_url": "", "shards": "auto",
                           "api_base": f"{a.sim.base}/api/v10"}).save()
    return a


def test_token_refused_by_the_api(alone):
    a = with_real_worker(alone)
    a.conf.secret("discord", "not.the.token")
    a.presenced.expect_error("token_refused")
    a.sim.start()
    a.presenced.start(wait=False)
    assert a.presenced.wait() == 78
    a.presenced.child = None
    assert "token_file" in a.log.wait_for("token_refused").message
    assert "not.the.token" not in a.log.text()


def test_shards_url_and_application_are_asked_for(alone):
    a = with_real_worker(alone, sim_args=("--guilds", "6", "--members", "3", "--shards", "2",
                                          "--max-concurrency", "2"))
    a.start()
    status = a.status()
    assert len(status["shards"]) == 2
    assert status["application_id"] and status["user_id"] and status["user_name"]
    assert status["message_content"], "auto: the simulator's application may have it"


def test_api_down_at_start(alone):
    a = with_real_worker(alone)
    a.presenced.start()
    a.log.wait_for("discord_unreachable", containing="/gateway/bot", deadline=40)
    a.sim.start()
    a.presenced.wait_live(60)


def test_identify_budget_is_not_exhausted(alone):
    a = with_real_worker(alone)
    a.presenced.expect_error("identify_budget")
    a.sim.start()
    a.sim.post("/_sim/config", {"identify_remaining": 20})
    a.presenced.start()
    line = a.log.wait_for("identify_budget").message
    assert "20 of 1000 identifies are left" in line, line
    assert not a.sim.get("/_sim/received?what=identify")["items"]
    assert a.status()["degraded"] == ["the identify budget is exhausted"]


@pytest.mark.slow
def test_identify_budget_comes_back(alone):
    a = with_real_worker(alone)
    a.presenced.expect_error("identify_budget")
    a.sim.start()
    a.sim.post("/_sim/config", {"identify_remaining": 20})
    a.presenced.start()
    a.log.wait_for("identify_budget")
    a.sim.post("/_sim/config", {"identify_remaining": 500})
    a.presenced.wait_live(90)
    assert a.status()["degraded"] == []


def test_name_that_does_not_resolve(alone):
    a = with_real_worker(alone)
    a.conf.update(discord={"gateway_url": "ws://gateway.invalid:1"}).save()
    a.start(live=False)
    a.log.wait_for("gateway_waiting", containing="cannot resolve gateway.invalid", deadline=30)


def test_refused_zstd_falls_back_to_zlib(alone):
    a = alone(discord={"compress": "zstd-stream"})
    a.sim.start()
    a.sim.post("/_sim/refuse", {"connects": 1, "status": 400})
    a.presenced.start()
    a.presenced.wait_live()
    a.log.wait_for("gateway_compress", containing="trying zlib-stream")
    assert a.shard()["compress"] == "zlib-stream"


@pytest.mark.slow
def test_identify_gate(alone):
    a = alone(sim_args=("--guilds", "12", "--members", "2", "--shards", "3"),
              discord={"shards": 3})
    a.sim.start()
    a.presenced.start()
    a.presenced.wait_live(40)
    times = [i["at_ms"] for i in a.sim.get("/_sim/received?what=identify")["items"]]
    assert len(times) == 3
    assert all(b - a_ >= 5000 for a_, b in zip(times, times[1:])), times
    wait_until(lambda: len({e.guild for e in a.events("GUILD_CREATE")}) == 12)


# --- reload -----------------------------------------------------------------------------------------

def test_reload(alone):
    a = alone().start()
    a.conf.update(workers={"flush_ms": 77}, cache={"members": 4000}).save()
    answer = a.presenced.reload()
    assert answer["ok"]
    changed = {c["key"]: c for c in answer["result"]["changed"]}
    assert changed["workers.flush_ms"]["new"] == "77"
    assert not changed["workers.flush_ms"]["restart"]
    assert changed["cache.members"]["restart"]
    assert a.status()["restart_needed"] == ["cache.members"]
    a.log.wait_for("reload_restart", containing="restart presenced to make it 4k")
    assert [line for _, line in a.lines()].count("commit") == 4  # each at its start, each now


def test_bad_config_is_kept_out(alone):
    a = alone().start()
    a.presenced.expect_error("reload_refused")
    a.conf.update(workers={"flush_ms": 77, "bogus": 1}, log={"level": "loud"}).save()
    answer = a.presenced.reload()
    assert answer["error"]["code"] == "bad_config"
    assert len(answer["error"]["errors"]) == 2
    assert a.status()["log_level"] == "info"
    # Good text, but a worker refuses it: nobody takes it.
    del a.conf.sections["workers"]["bogus"]
    a.conf.update(log={"level": "debug"}).save()
    a.flag("fail")
    answer = a.presenced.reload()
    assert answer["error"]["code"] == "bad_config"
    assert any("the test wants it" in e for e in answer["error"]["errors"])
    assert a.status()["log_level"] == "info"
    assert [line for _, line in a.lines()].count("abort") == 2
    a.flag("fail", False)
    a.presenced.send(signal.SIGHUP)
    wait_until(lambda: a.status()["log_level"] == "debug")


def test_worker_count_rolls_without_loss(alone):
    a = alone(sim_args=("--guilds", "20", "--members", "10")).start()
    session = int(a.shard()["session"])
    a.sim.post("/_sim/load", {"events": 4000, "rate": 2000})
    for count in (5, 1, 3):
        a.conf.update(workers={"count": count}).save()
        assert a.presenced.reload()["ok"]
        wait_until(lambda: len(a.status()["workers"]) == count
                   and sorted(w["lanes"] for w in a.status()["workers"])
                   == sorted(64 // count + (i < 64 % count) for i in range(count)),
                   what=f"{count} workers share the lanes")
    wait_until(lambda: not a.sim.get("/_sim/load")["running"], 30)
    last = a.shard()["received_seq"]
    events = a.wait_seqs(session, range(2, last + 1))
    assert_in_order(events)
    first_time = [e for e in events if not e.flags & REDELIVERED]
    assert len({(e.session, e.seq) for e in first_time}) == len(first_time), "delivered twice"
    assert not a.log.events("worker_died")


# --- flow control and the end -----------------------------------------------------------------------

def test_flow_control(alone):
    a = alone(sim_args=("--guilds", "50", "--members", "50"))
    a.start()
    session = int(a.shard()["session"])
    a.flag("stall")
    a.sim.post("/_sim/config", {"heartbeat_ms": 1000})
    a.sim.post("/_sim/drop", {})
    a.log.wait_for("gateway_resumed")
    a.sim.post("/_sim/load", {"events": 90000})
    a.log.wait_for("flow_paused", deadline=40)
    status = a.status()
    assert status["queue"]["bytes"] < status["queue"]["bytes_max"]
    assert status["queue"]["paused"]
    rss = harness_rss(a.presenced.pid)
    assert rss < 250 << 20, f"{rss} bytes resident"
    beats = len(a.sim.get("/_sim/received?what=heartbeat")["items"])
    wait_until(lambda: len(a.sim.get("/_sim/received?what=heartbeat")["items"]) >= beats + 3,
               10, "heartbeats go on")
    a.flag("stall", False)
    a.log.wait_for("flow_resumed", deadline=40)
    wait_until(lambda: not a.sim.get("/_sim/load")["running"], 60)
    wait_until(lambda: a.status()["queue"]["events"] == 0 and a.shard()["resume_seq"]
               == a.shard()["received_seq"] >= 90000, 60)
    last = a.shard()["received_seq"]
    events = a.wait_seqs(session, range(2, last))
    assert_in_order(events)
    late = [i["late_ms"] for i in a.sim.get("/_sim/received?what=heartbeat")["items"]]
    assert max(late) < 1000, late


def harness_rss(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def test_a_worker_s_environment_is_small(alone):
    a = alone()
    token = pathlib.Path(a.conf.get("discord", "token_file")).read_text().strip()
    a.presenced.env.update(CREDENTIALS_DIRECTORY="/nowhere", DISCORD_TOKEN=token, SECRET="x",
                           TZ="UTC")
    a.start()
    found = pathlib.Path(f"/proc/{a.worker_of(0)['pid']}/environ").read_text()
    names = {pair.partition("=")[0] for pair in found.split("\0") if pair}
    assert "TZ" in names
    assert not names & {"CREDENTIALS_DIRECTORY", "DISCORD_TOKEN", "SECRET", "HOME"}, names


def test_every_signal(alone):
    a = alone(log={"target": "stderr"}).start()
    a.presenced.send(signal.SIGHUP)
    a.log.wait_for("reloaded")
    a.presenced.send(signal.SIGUSR1)
    a.log.wait_for("log_reopened")
    wait_until(lambda: [line for _, line in a.lines()].count("log_reopen") == 2)
    a.presenced.send(signal.SIGCHLD)
    a.presenced.send(signal.SIGPIPE)
    assert a.shard()["state"] == "live"
    a.presenced.send(signal.SIGINT)
    assert a.presenced.wait() == 0
    a.presenced.child = None


def test_log_file_is_reopened(alone):
    a = alone()
    path = a.dir / "log"
    a.conf.update(log={"target": path}).save()
    a.start()
    path.rename(a.dir / "log.1")
    a.presenced.send(signal.SIGUSR1)
    wait_until(path.exists, what="a new log file")
    wait_until(lambda: "log_reopened" in path.read_text())


def test_second_sigterm_ends_at_once(alone):
    a = alone(workers={"count": 1}).start()
    a.presenced.expect_error("worker_killed")
    a.presenced.ctl("debug", fault="hang", worker=0)
    a.presenced.send(signal.SIGTERM)
    a.log.wait_for("draining")
    a.presenced.send(signal.SIGTERM)
    assert a.presenced.wait(10) == 0
    a.presenced.child = None


def test_orphans_keep_the_lock_until_they_are_done(alone):
    """A stub that cannot see the end of its master holds the lock; a new master waits for it."""
    a = alone(workers={"count": 1}).start()
    pid = a.worker_of(0)["pid"]
    a.presenced.expect_error("worker_killed")
    os.kill(pid, signal.SIGSTOP)
    a.presenced.kill()
    a.presenced.start(wait=False)
    a.log.wait_for("lock_wait")
    assert not a.log.events("start_failed")
    os.kill(pid, signal.SIGCONT)
    a.presenced.wait_ready()
    a.presenced.wait_live()
