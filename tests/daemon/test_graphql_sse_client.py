"""Subscriptions through npm's graphql-sse, where node and npm are at hand."""

import json
import signal
import subprocess

import pytest

import harness
import npm


@pytest.fixture(scope="module")
def modules():
    return npm.modules("graphql-sse", "graphql-sse@2.6.1", "graphql@16.15.0")


def subscribe(url, token, modules, query):
    return subprocess.Popen(
        npm.command("graphql_sse_client.js", url, token, query), env=npm.environment(modules),
        stdout=subprocess.PIPE, text=True)


def test_a_real_client(graphqld, pg, graphql_url, modules):
    client = subscribe(graphql_url, graphqld.token, modules,
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


def test_mistakes_arrive_as_results(graphqld, graphql_url, modules):
    client = subscribe(graphql_url, graphqld.token, modules, "subscription { nothing }")
    lines = [json.loads(line) for line in client.stdout]
    client.stdout.close()
    assert client.wait(20) == 0
    assert lines[0]["next"]["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert lines[1] == {"complete": True}
