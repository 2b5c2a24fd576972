"""presence-sim driven by a client nobody here wrote: Debian's python3-discord. It runs in a process of
its own (discord_py_client.py), reports each thing it saw as a line of JSON, and is told nothing about the
simulator but where it listens."""

import json
import pathlib
import subprocess
import sys
import time

import pytest
from simclient import Sim

CLIENT = pathlib.Path(__file__).with_name("discord_py_client.py")
ACTOR = pathlib.Path(__file__).with_name("discord_py_actor.py")

pytest.importorskip("discord", reason="python3-discord is not installed")


class Client:
    def __init__(self, sim, program=CLIENT):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(program), sim.base + "/api/v10", sim.gateway_url,
             sim.token], stdout=subprocess.PIPE, text=True)
        self.seen = []

    def wait(self, what, **fields):
        """The next report of this kind with these fields; others are kept."""
        for line in self.process.stdout:
            report = json.loads(line)
            self.seen.append(report)
            if report["what"] == what and all(report.get(k) == v for k, v in fields.items()):
                return report
        pytest.fail(f"no {what} {fields}; saw {self.seen[-5:]}")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def sim():
    with Sim("--guilds", "3", "--members", "1500", "--set", "identify_window_ms=0") as s:
        yield s


@pytest.fixture
def client(sim):
    c = Client(sim)
    yield c
    c.stop()


def test_login_caches_and_events(sim, client):
    ready = client.wait("ready")
    world = sim.world(members=True)
    assert ready["user"] == world["self"]
    assert set(ready["guilds"]) == {g["id"] for g in world["guilds"]}
    for guild in world["guilds"]:
        cached = ready["guilds"][guild["id"]]
        assert cached["name"] == guild["name"]
        # discord.py asks for the whole list of each guild: all chunks came
        assert cached["members"] == 1502 and cached["chunked"]
        assert cached["channels"] == len([c for c in guild["channels"] if c["type"] != 11])
        assert cached["threads"] == 1 and cached["roles"] == 4
    assert len(sim.received("request_members")) == 3

    done = sim.act("message", content="hello library", user=7)
    got = client.wait("message", id=done["id"])
    assert got["content"] == "hello library" and got["author"] == done["user"]
    assert abs(got["created_ms"] - done["time_ms"]) < 1000

    done = sim.act("reaction_add", user=8, emoji="\U0001f525")
    got = client.wait("reaction", user=done["user"])
    assert got["emoji"] == "\U0001f525" and got["channel"] == done["channel"]

    done = sim.act("voice_join", user=9, channel="Lounge")
    assert client.wait("voice", user=done["user"])["after"] == done["channel"]
    moved = sim.act("voice_move", user=9, channel="Gaming")
    got = client.wait("voice", user=done["user"])
    assert (got["before"], got["after"]) == (done["channel"], moved["channel"])
    sim.act("voice_self", user=9, self_mute=True)
    assert client.wait("voice", user=done["user"])["self_mute"]
    sim.act("voice_leave", user=9)
    assert client.wait("voice", user=done["user"])["after"] is None

    done = sim.act("typing", user=10)
    assert client.wait("typing", user=done["user"])["ms"] == done["time_ms"] // 1000 * 1000
    done = sim.act("member_join", name="newcomer")
    assert client.wait("join", user=done["user"])["name"] == "newcomer"
    sim.act("member_update", user=done["user"], roles=["Regulars"], nick="Newie")
    assert client.wait("update", user=done["user"])["nick"] == "Newie"
    sim.act("member_leave", user=done["user"])
    client.wait("leave", user=done["user"])
    done = sim.act("edit", user=7, content="hello again")
    assert client.wait("edit", id=done["id"])["content"] == "hello again"
    done = sim.act("thread_create", name="a thread", user=11)
    assert client.wait("thread", id=done["id"])["owner"] == done["user"]
    done = sim.act("event_create", user=11)
    client.wait("scheduled", id=done["id"])
    done = sim.act("interaction", user=12)
    assert client.wait("interaction", id=done["id"])["user"] == done["user"]


def test_resume_after_a_drop(sim, client):
    client.wait("ready")
    done = [sim.act("message", content=str(i), user=7) for i in range(3)]
    client.wait("message", id=done[-1]["id"])
    sim.post("stall", sending=True)
    done = [sim.act("message", content=str(i), user=7) for i in range(100)]
    sim.post("drop")
    client.wait("resumed")
    resume, = sim.wait_received("resume")
    assert resume["result"] == "resumed" and resume["replayed"] == 100
    seen = [r["id"] for r in client.seen if r["what"] == "message"]
    assert seen[-100:] == [d["id"] for d in done] and len(sim.received("identify")) == 1


@pytest.mark.parametrize("fault", [{"op": 7}, {"op": 9, "resumable": False}])
def test_asked_to_reconnect(sim, client, fault):
    client.wait("ready")
    sim.post("op", **fault)
    deadline = time.monotonic() + 60
    client.wait("resumed" if fault["op"] == 7 else "ready")
    assert time.monotonic() < deadline
    done = sim.act("message", user=5)
    client.wait("message", id=done["id"])


def test_what_it_does_by_rest(sim):
    actor = Client(sim, ACTOR)
    try:
        done = actor.wait("acted")
        g = sim.world()["guilds"][0]["id"]
        assert done["role"] in sim.rest("GET", f"/guilds/{g}/members/{done['given']}")[2]["roles"]
        assert sim.rest("GET", f"/guilds/{g}/members/{done['kicked']}")[2]["code"] == 10007
        assert actor.wait("managed")["code"] == 50013
        assert actor.wait("owner")["code"] == 50013
        assert actor.wait("gone")["code"] == 10007
        assert actor.wait("edited")["content"] == "report 2"
        assert actor.wait("direct")["content"] == "still there?"
        assert actor.wait("synced")["names"] == ["status"]
        reasons = {r["reason"] for r in sim.received("rest")}
        assert {"f%C3%BCr 41 d idle", "back", "idle 90 d"} <= reasons  # it leaves spaces as they are
        asked = sim.act("interaction", user=9, name="status")
        assert actor.wait("answered")["id"] == asked["id"]
        answers = [r["status"] for r in sim.received("rest")
                   if r["path"].startswith(("/interactions", "/webhooks"))]
        assert answers == [204, 200, 200]
    finally:
        actor.stop()
