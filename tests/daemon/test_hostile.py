"""Whoever the system talks to errs: a cache that answers rubbish, something between workers and
presence-graphqld that loses, repeats, delays and spoils, dispatches of guilds nobody created."""

import collections
import os
import random
import socket
import threading

import harness
import pytest
from harness import wait_until
from test_segment import kill_everything_of, segment_of

SEEDS = int(os.environ.get("PRESENCE_SOAK_SEEDS", "1"))


class Server(threading.Thread):
    """On a Unix socket; each connection has a thread."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(50)
        self.start()

    def run(self):
        while True:
            conn, _ = self.listener.accept()
            threading.Thread(target=self.serve_quietly, args=(conn,), daemon=True).start()

    def serve_quietly(self, conn):
        with conn:
            try:
                self.serve(conn)
            except OSError:
                pass

    def serve(self, conn):
        raise NotImplementedError


# --- Redis ------------------------------------------------------------------------------------------

class Rubbish(Server):
    """Greets as Redis does and answers everything else alike."""

    def __init__(self, path, greeting, answer):
        self.greeting, self.answer, self.asked = greeting, answer, 0
        super().__init__(path)

    def serve(self, conn):
        greeting = self.greeting
        while conn.recv(65536):
            self.asked += 1
            conn.sendall(greeting or self.answer)
            greeting = b""


@pytest.mark.parametrize("greeting,answer", [
    (b"", b"\0\xffHTTP/1.1 200 OK\r\n\r\n"),
    (b"+PONG\r\n", b"*1\r\n" * 10000),
    (b"+PONG\r\n", b"$99999999999999\r\n"),
    (b"+PONG\r\n", b"-ERR no\r\n:5\r\n*3\r\n$3\r\nabc\r\n:1\r\n*0\r\n"),
], ids=["no Redis", "nested", "never ends", "wrong types"])
def test_redis_answers_rubbish(make_busy, workdir, greeting, answer):
    rubbish = Rubbish(workdir / "rubbish.sock", greeting, answer)
    busy = make_busy(redis={"url": f"unix://{workdir}/rubbish.sock"})
    busy.load(1000)
    busy.let_pass(500)
    kill_everything_of(busy.presenced)
    segment_of(busy).unlink()  # so that rows are asked for
    busy.presenced.start()
    busy.let_pass(1000)
    busy.settle()
    assert rubbish.asked > 2
    assert not busy.presenced.log.events("worker_died")


# --- presence-graphqld --------------------------------------------------------------------------------

def read_message(conn):
    """An HTTP message with a Content-Length; None at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = conn.recv(65536)
        if not more:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                   if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        more = conn.recv(65536)
        if not more:
            return None
        body += more
    return head + b"\r\n\r\n" + body


def answer(body, status="200 OK"):
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


class Between(Server):
    """Passes requests on to presence-graphqld and errs now and then, once it is told to."""

    LATE_S = 5  # for one whose sender has been told nothing

    SPOILT = {  # before the request was passed on
        "refused": answer(b"oops", "500 Internal Server Error"),
        "unauthorized": answer(b'{"errors":[{"message":"no"}]}', "401 Unauthorized"),
        "too many": answer(b"", "429 Too Many Requests"),
        "no JSON": answer(b"<html>", "502 Bad Gateway"),
        "internal": answer(b'{"data":null,"errors":[{"message":"no","extensions":'
                           b'{"code":"INTERNAL"}}]}'),
    }
    LIES = {  # after it was
        "failed": answer(b"oops", "500 Internal Server Error"),
        "no data": answer(b'{"data":null}'),
        "nothing": answer(b'{"data":{"recordSightings":[],"claimLanes":[],"memberSeeds":[],'
                          b'"guildSeeds":[],"voiceSeeds":[]}}'),
        "garbage": answer(bytes(range(256))),
    }
    DEEDS = [*SPOILT, *LIES, "lost", "half", "half the JSON", "twice", "late"]

    def __init__(self, path, target, seed):
        self.target, self.dice, self.errs = str(target), random.Random(seed), False
        self.did = collections.Counter()
        super().__init__(path)

    def pass_on(self, request):
        with socket.socket(socket.AF_UNIX) as conn:
            conn.connect(self.target)
            conn.sendall(request)
            return read_message(conn)

    def pass_on_late(self, request):
        try:
            self.pass_on(request)
        except OSError:
            pass

    def serve(self, conn):
        while (request := read_message(conn)) is not None:
            deed = self.dice.choice(self.DEEDS) if self.errs and self.dice.random() < 0.6 else "ok"
            self.did[deed] += 1
            if deed in self.SPOILT:
                conn.sendall(self.SPOILT[deed])
                continue
            if deed == "late":
                threading.Timer(self.LATE_S, self.pass_on_late, (request,)).start()
                return
            reply = self.pass_on(request)
            if deed == "twice":
                reply = self.pass_on(request)
            if reply is None or deed == "lost":
                return
            if deed == "half":
                conn.sendall(reply[:-10])
                return
            if deed == "half the JSON":
                reply = answer(reply.split(b"\r\n\r\n", 1)[1][:-20])
            conn.sendall(self.LIES.get(deed, reply))


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_what_lies_between_errs(make_busy, workdir, seed):
    """Requests that are lost before or behind PostgreSQL's commit, repeated, or passed on when their
    sender and its segment are long gone; answers that are lost, cut or untrue."""
    busy = make_busy(start=False)
    between = Between(workdir / "between.sock", busy.stack.conf.graphql_socket, seed)
    busy.stack.start_servers()
    busy.stack.conf.update(graphql={"url": f"unix:{workdir}/between.sock"}).save()
    busy.presenced.start()
    busy.presenced.wait_live()
    busy.load(2000)
    busy.let_pass(1000)
    between.errs = True
    busy.let_pass(10000)
    kill_everything_of(busy.presenced)
    segment_of(busy).unlink()
    busy.presenced.start()
    wait_until(lambda: all(between.did[deed] for deed in Between.DEEDS), 120, "each way to err")
    between.errs = False
    busy.settle(180)
    assert not busy.presenced.log.events("worker_died")


# --- Discord ----------------------------------------------------------------------------------------

NEVER_CREATED = ["5", "1533081865936834564", "9223372036854775809", "18446744073709551615"]
SOMEBODY = {"id": "806374682394759223", "username": "somebody"}
MEMBER = {"roles": [], "joined_at": "2024-01-01T00:00:00+00:00"}
IN_FULL = {"user": SOMEBODY, **MEMBER}
STRANGE = [
    ("MESSAGE_CREATE", {"id": "18446744073709551615", "channel_id": "77", "author": SOMEBODY,
                        "member": MEMBER, "type": 0}),
    ("MESSAGE_UPDATE", {"id": "9223372036854775807", "channel_id": "77", "author": SOMEBODY,
                        "member": MEMBER, "edited_timestamp": "9999-12-31T23:59:59.9+00:00"}),
    ("TYPING_START", {"channel_id": "77", "user_id": SOMEBODY["id"], "timestamp": 99999999999999,
                      "member": IN_FULL}),
    ("VOICE_STATE_UPDATE", {"channel_id": "78", "user_id": SOMEBODY["id"], "member": IN_FULL}),
    ("VOICE_STATE_UPDATE", {"channel_id": None, "user_id": SOMEBODY["id"], "member": IN_FULL}),
    ("GUILD_MEMBER_REMOVE", {"user": SOMEBODY}),
    ("GUILD_ROLE_CREATE", {"role": {"id": "99", "name": "\0", "permissions": "9" * 30}}),
    ("GUILD_MEMBERS_CHUNK", {"members": [IN_FULL] * 3, "chunk_index": 0, "chunk_count": 1}),
    ("CHANNEL_CREATE", {"id": "77", "type": 99, "name": "n" * 5000}),
]


def test_events_of_guilds_that_were_never_created(make_busy):
    """They are recorded with possible times, or passed over; everybody else's are not touched."""
    busy = make_busy()

    def send(t, d):
        busy.sim.post("/_sim/raw", {"t": t, "d": d})

    for guild in NEVER_CREATED:
        for t, d in STRANGE:
            send(t, {"guild_id": guild, **d})
        send("GUILD_DELETE", {"id": guild, "unavailable": True})
        send("GUILD_CREATE", {"id": guild, "channels": [], "roles": [], "threads": [],
                              "voice_states": [], "members": [], "member_count": 0})
        send("GUILD_DELETE", {"id": guild})
    for t in ("READY", "GUILD_CREATE", "MESSAGE_CREATE", "X" * 5000, ""):
        for d in (None, {}, [], 5, {"guild_id": []}, {"id": {}}):
            send(t, d)
    mine = [int(guild) - (int(guild) >> 63 << 64) for guild in NEVER_CREATED]

    def all_is_recorded():
        status = busy.presenced.ctl("status")
        return not status["queue"]["events"] and not status["lanes"]["used_slots"]

    wait_until(all_is_recorded, 20)
    rows = busy.pg.execute(
        "select guild_id, min(first_at) > now() - interval '1 hour', max(last_at) < now() +"
        " interval '1 hour' from activity where guild_id = any(%s) group by 1", (mine,))
    assert sorted(rows) == sorted((guild, True, True) for guild in mine)
    for table in ("activity", "last_seen", "voice_session", "member"):
        busy.pg.execute(f"delete from {table} where guild_id = any(%s)", (mine,))
    busy.load(2000)
    for _ in range(20):
        busy.let_pass(50)
        busy.sim.post("/_sim/duplicate")
    busy.settle()
    assert not busy.presenced.log.events("worker_died")
    assert not busy.presenced.log.events("batch_refused")
