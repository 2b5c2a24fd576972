"""A name server that stops answering holds up the shard that has to connect, and nothing else."""

import os
import queue
import random
import socket
import struct
import threading

import harness
import namespaces
import pytest

NAME = "gateway.test"
# Beyond 10 s the master gives up waiting and uses the address it found before.
HANG_SECONDS = float(os.environ.get("PRESENCE_RESOLVER_SECONDS", "6"))
RATE = 1000 / harness.SLOWNESS


class NameServer(threading.Thread):
    """Answers A queries for one name with 127.0.0.1; hangs when told so."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for _ in range(20):  # resolv.conf knows no ports: an address of one's own
            self.address = f"127.{random.randrange(64, 250)}.{random.randrange(250)}.53"
            try:
                self.socket.bind((self.address, 53))
                break
            except OSError:
                continue
        else:
            pytest.skip("port 53 of the loopback cannot be had")
        self.open = threading.Event()
        self.open.set()
        self.asked = queue.Queue()
        self.start()

    def run(self):
        while True:
            try:
                data, sender = self.socket.recvfrom(512)
            except OSError:
                return
            self.asked.put(data)
            self.open.wait()
            try:
                self.socket.sendto(self.answer(data), sender)
            except OSError:
                return

    @staticmethod
    def answer(query):
        labels = b"".join(bytes([len(x)]) + x.encode() for x in NAME.split(".")) + b"\0"
        question = query[12:query.index(b"\0", 12) + 5]
        known = question[:-4].lower() == labels
        kind, = struct.unpack("!H", question[-4:-2])
        record = b""
        if known and kind == 1:  # A; a query for AAAA is answered with nothing
            record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + bytes((127, 0, 0, 1))
        flags = 0x8180 if known else 0x8183
        return (query[:2] + struct.pack("!HHHHH", flags, 1, len(record) > 0, 0, 0) + question
                + record)

    def close(self):
        self.open.set()
        self.socket.close()


@pytest.fixture
def names(workdir):
    namespaces.need()
    server = NameServer()
    (workdir / "resolv.conf").write_text(
        f"nameserver {server.address}\noptions timeout:30 attempts:1\n")
    (workdir / "nsswitch.conf").write_text("hosts: files dns\n")
    server.mounts = [f"--bind {workdir}/{name} /etc/{name}"
                     for name in ("resolv.conf", "nsswitch.conf")]
    yield server
    server.close()


def recorded(busy, guilds):
    return int(busy.pg.execute("select coalesce(sum(count), 0) from activity "
                               "where guild_id = any(%s)", (guilds,))[0][0])


def test_a_resolver_that_hangs(make_busy, names):
    busy = make_busy(["--shards", "2", "--max-concurrency", "2", "--gateway-name", NAME],
                     start=False)
    namespaces.wrap(busy.presenced, *names.mounts)
    busy.stack.start()
    assert not names.asked.empty(), "the name of the gateway was not asked for"
    busy.load(RATE)
    busy.let_pass(RATE)
    guilds = [int(g["id"]) for g in busy.sim.get("/_sim/world")["guilds"]]
    of_shard_0 = [g for g in guilds if (g >> 22) % 2 == 0]
    assert 0 < len(of_shard_0) < len(guilds)
    conn = {s["shard"][0]: s["conn"] for s in busy.sim.get("/_sim/sessions")}

    names.open.clear()
    while not names.asked.empty():
        names.asked.get()
    since, before = busy.mark(), recorded(busy, of_shard_0)
    busy.sim.post("/_sim/drop", {"shard": 1})
    names.asked.get(timeout=30 * harness.SLOWNESS)

    def beats_of_shard_0():
        return [b for b in busy.heartbeats(since) if b["conn"] == conn[0]]

    harness.wait_until(lambda: len(beats_of_shard_0()) >= HANG_SECONDS, HANG_SECONDS + 30,
                       "heartbeats of shard 0", interval=0.1)
    harness.wait_until(lambda: recorded(busy, of_shard_0) > before + RATE, 30,
                       "events of shard 0 go on being recorded", interval=0.1)
    if HANG_SECONDS < 9:
        assert busy.presenced.ctl("status")["shards"][1]["state"] != "live"
    names.open.set()

    busy.presenced.log.wait_for("gateway_resumed", deadline=60, containing="shard 1")
    busy.let_pass(RATE)
    busy.settle()
    busy.check_heartbeats()
