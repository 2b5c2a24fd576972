"""presence-sim driven by discord.js, where node and npm are at hand."""

import json
import subprocess

import pytest

import npm
from simclient import Sim


@pytest.fixture(scope="module")
def modules():
    return npm.modules("discord.js", "discord.js@14")


@pytest.fixture
def sim():
    with Sim("--guilds", "3", "--members", "1500", "--set", "identify_window_ms=0") as s:
        yield s


class Client:
    def __init__(self, sim, modules):
        self.process = subprocess.Popen(
            npm.command("discord_js_client.js", sim.base + "/api", sim.token),
            env=npm.environment(modules), stdout=subprocess.PIPE, text=True)
        self.seen = []

    def wait(self, what, **fields):
        for line in self.process.stdout:
            report = json.loads(line)
            self.seen.append(report)
            assert report["what"] != "error", report
            if report["what"] == what and all(report.get(k) == v for k, v in fields.items()):
                return report
        pytest.fail(f"no {what} {fields}; saw {self.seen[-5:]}")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def client(sim, modules):
    c = Client(sim, modules)
    yield c
    c.stop()


def test_login_caches_and_events(sim, client):
    ready = client.wait("ready")
    world = sim.world(members=True)
    assert ready["user"] == world["self"]
    for guild in world["guilds"]:
        assert ready["guilds"][guild["id"]] == {
            "name": guild["name"], "members": 1502, "threads": 1, "roles": 4,
            "channels": len([c for c in guild["channels"] if c["type"] != 11])}
    done = sim.act("message", content="hello library", user=7)
    got = client.wait("message", id=done["id"])
    assert (got["content"], got["author"]) == ("hello library", done["user"])
    assert abs(got["created_ms"] - done["time_ms"]) < 1000
    done = sim.act("reaction_add", user=8)
    assert client.wait("reaction", user=done["user"])["channel"] == done["channel"]
    done = sim.act("voice_join", user=9)
    assert client.wait("voice", user=done["user"])["after"] == done["channel"]
    moved = sim.act("voice_move", user=9)
    assert client.wait("voice", user=done["user"])["after"] == moved["channel"]
    sim.act("voice_leave", user=9)
    assert client.wait("voice", user=done["user"])["after"] is None
    done = sim.act("typing", user=10)
    assert client.wait("typing", user=done["user"])["ms"] == done["time_ms"] // 1000 * 1000
    done = sim.act("member_join", name="newcomer")
    assert client.wait("join", user=done["user"])["name"] == "newcomer"
    sim.act("member_update", user=done["user"], nick="Newie")
    assert client.wait("update", user=done["user"])["nick"] == "Newie"
    sim.act("member_leave", user=done["user"])
    client.wait("leave", user=done["user"])
    done = sim.act("edit", user=7, content="again")
    assert client.wait("edit", id=done["id"])["content"] == "again"
    done = sim.act("thread_create", user=11)
    assert client.wait("thread", id=done["id"])["fresh"] is True
    done = sim.act("audit", user=12)
    assert client.wait("audit", id=done["id"])["user"] == done["user"]
    done = sim.act("interaction", user=12)
    assert client.wait("interaction", id=done["id"])["user"] == done["user"]
    done = sim.act("invite_create", user=13)
    client.wait("invite", user=done["user"])


def test_role_kick_command_and_interaction_calls(sim, client):
    client.wait("ready")
    guild = sim.world(members=True)["guilds"][0]
    target = guild["members"][30]["id"]
    sim.act("interaction", type=2, user=12, name="deeds", data={
        "id": "900000000000000001", "type": 1, "name": "deeds",
        "options": [{"name": "target", "type": 3, "value": target}]})
    got = client.wait("deeds")
    assert got["given"] and got["taken"] and got["commands"] == ["deeds"]
    assert got["refused"] == 50013 and (got["edited"], got["after"]) == ("at work", "done")
    rest = [(r["method"], r["status"], r["reason"]) for r in sim.received("rest")
            if target in r["path"] or "/roles" in r["path"]]
    assert ("PUT", 204, "given") in rest and ("DELETE", 204, "taken") in rest
    assert ("DELETE", 204, "for%20the%20test") in rest
    if {"what": "leave", "user": target} not in client.seen:
        client.wait("leave", user=target)
    assert "Made" in [r["name"] for r in sim.world()["guilds"][0]["roles"]]


def test_resume_after_a_drop(sim, client):
    client.wait("ready")
    sim.post("stall", sending=True)
    done = [sim.act("message", content=str(i), user=7) for i in range(100)]
    sim.post("drop")
    assert client.wait("resumed")["replayed"] == 101  # the library counts RESUMED itself too
    seen = [r["id"] for r in client.seen if r["what"] == "message"]
    assert seen == [d["id"] for d in done] and len(sim.received("identify")) == 1
