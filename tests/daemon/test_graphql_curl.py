"""curl as a client, the way a manual page or a script would use it: POST, GET and a stream of events."""

import hashlib
import json
import shutil
import subprocess

import pytest

import harness

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
QUERY = "query($l: [Int!]!) { lanes(lanes: $l) { lane } }"
CLAIM = harness.SOURCE_DIR / "graphql" / "operations" / "ClaimLanes.graphql"
CHANGES = "subscription { changes(lanes: [%s]) { kind guildId } }" % ",".join(map(str, range(64)))


@pytest.fixture
def command(graphqld):
    def make(*args, path="/graphql", token=True):
        return ["curl", "--silent", "--show-error", "--max-time", str(int(30 * harness.SLOWNESS)),
                "--unix-socket", str(graphqld.conf.graphql_socket),
                *(["--oauth2-bearer", graphqld.token] if token else []), *args,
                f"http://localhost{path}"]

    return make


def run(argv, stdin=None):
    """(what -w printed behind the body, the body)"""
    done = subprocess.run([*argv, "-w", r"\n%{http_code} %{content_type}"], input=stdin,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    return status, body


def test_post(command):
    body = json.dumps({"query": QUERY, "variables": {"l": [7]}})
    for how in (["--json", body], ["-H", "Content-Type: application/json", "-d", body],
                ["-H", "Content-Type: application/json", "-d", "@-"],
                ["-H", "Content-Type: application/json", "-H", "Transfer-Encoding: chunked", "-d",
                 body],
                ["-H", "Content-Type: application/json", "-H", "Expect: 100-continue", "-d", body]):
        status, answer = run(command(*how), stdin=body)
        assert status == "200 application/json; charset=utf-8", how
        assert json.loads(answer) == {"data": {"lanes": [{"lane": 7}]}}
    status, answer = run(command("-H", "Accept: application/graphql-response+json", "-H",
                                 "Content-Type: application/json", "-d", '{"query":"{ nothing }"}'))
    assert status == "400 application/graphql-response+json; charset=utf-8"
    assert run(command("-d", body))[0].startswith("415 ")  # curl calls it a form


def test_get(command):
    status, answer = run(command("-G", "--data-urlencode", f"query={QUERY}", "--data-urlencode",
                                 'variables={"l":[1,2]}'))
    assert (status[:3], json.loads(answer)) == (
        "200", {"data": {"lanes": [{"lane": 1}, {"lane": 2}]}})
    digest = hashlib.sha256(CLAIM.read_bytes()).hexdigest()
    status, answer = run(command("-G", "--data-urlencode", f"documentId=sha256:{digest}",
                                 "--data-urlencode", 'variables={"lanes":[1],"epoch":"1"}'))
    assert status[:3] == "405"  # a mutation
    status, answer = run(command("-G", "--data-urlencode", "query={ service { version } }",
                                 token=False))
    assert (status[:3], list(json.loads(answer))) == ("200", ["data"])
    assert run(command("--head", path="/healthz"))[0][:3] == "200"


def test_two_requests_over_one_connection(command):
    argv = command("--json", json.dumps({"query": "{ service { version } }"}), "-w",
                   r"\n%{num_connects}\n")
    done = subprocess.run([*argv, argv[-1]], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.splitlines()[1::2] == ["1", "0"]


def test_events(command, graphqld, pg):
    child = subprocess.Popen(
        command("--no-buffer", "-H", "Accept: text/event-stream", "-H",
                "Content-Type: application/json", "-d", json.dumps({"query": CHANGES})),
        stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == ":\n"  # it has begun
        assert child.stdout.readline() == "\n"
        for guild in ("5", "6"):
            pg.execute("SELECT tell('SETTINGS', %s)", (guild,))
            assert [child.stdout.readline() for _ in range(3)] == [
                "event: next\n",
                'data: {"data":{"changes":{"kind":"SETTINGS","guildId":"%s"}}}\n' % guild, "\n"]
        graphqld.stop()
        assert [line for line in child.stdout if line != "\n"] == ["event: complete\n", "data:\n"]
        assert child.wait(20) == 0
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
        if not graphqld.running():
            graphqld.start()
