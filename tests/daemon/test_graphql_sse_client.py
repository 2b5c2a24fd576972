"""Subscriptions through npm's graphql-sse, where node and npm are at hand; it is installed into a cache
outside the tree ($XDG_CACHE_HOME/presence-tests) the first time."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

import harness

SCRIPT = pathlib.Path(__file__).with_name("graphql_sse_client.js")
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")
                     ) / "presence-tests" / "graphql-sse"


@pytest.fixture(scope="module")
def modules():
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    if not (CACHE / "node_modules" / "graphql-sse" / "package.json").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        try:
            done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix",
                                   str(CACHE), "graphql-sse@2.6.1", "graphql@16.15.0"],
                                  capture_output=True, text=True, timeout=180)
        except subprocess.TimeoutExpired:
            pytest.skip("npm does not finish")
        if done.returncode:
            pytest.skip(f"npm cannot install graphql-sse: {done.stderr[-200:]}")
    return CACHE / "node_modules"


@pytest.fixture
def port(graphqld):
    """presence-graphqld on TCP, which node's fetch needs."""
    port = harness.free_port()
    graphqld.stop()
    graphqld.conf.update(graphqld={"listen": f"127.0.0.1:{port}"}).save()
    graphqld.start(wait=False)

    def answers():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    harness.wait_until(answers, 20, "presence-graphqld listens")
    return port


def subscribe(port, token, modules, query):
    return subprocess.Popen(
        ["node", "--no-warnings", str(SCRIPT), f"http://127.0.0.1:{port}/graphql", token, query],
        env=os.environ | {"NODE_PATH": str(modules)}, stdout=subprocess.PIPE, text=True)


def test_a_real_client(graphqld, pg, port, modules):
    client = subscribe(port, graphqld.token, modules,
                       "subscription { changes(lanes: [%s]) { kind guildId } }"
                       % ",".join(map(str, range(64))))
    try:
        harness.wait_until(lambda: pg.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted") == [(1,)], 20,
            "the subscription is in force")
        pg.execute("SELECT tell('SETTINGS', 5), tell('JOB', 6, 1)")
        got = [json.loads(client.stdout.readline())["next"]["data"]["changes"] for _ in range(2)]
        assert got == [{"kind": "SETTINGS", "guildId": "5"}, {"kind": "JOB", "guildId": "6"}]
        graphqld.send(signal.SIGTERM)
        assert json.loads(client.stdout.readline()) == {"complete": True}
        assert client.wait(20) == 0 and graphqld.wait() == 0
    finally:
        client.kill()
        client.wait()
        client.stdout.close()
        if not graphqld.running():
            graphqld.start(wait=False)
            graphqld.log.wait_for("listening", count=3)


def test_mistakes_arrive_as_results(graphqld, port, modules):
    client = subscribe(port, graphqld.token, modules, "subscription { nothing }")
    lines = [json.loads(line) for line in client.stdout]
    client.stdout.close()
    assert client.wait(20) == 0
    assert lines[0]["next"]["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert lines[1] == {"complete": True}
