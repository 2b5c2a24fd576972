"""presencectl query against a real presence-graphqld."""

import json
import os
import signal
import subprocess

import pytest

import harness
from test_graphqld import GUILD, T0, USER, Lane, act, member, sightings

MEMBER = """query One($g: Snowflake!, $u: Snowflake!) {
  member(guildId: $g, userId: $u) { userId nick roles lastSeenKind }
}
query Two { service { schemaVersion } }"""
CHANGES = "subscription { changes(lanes: [%s]) { kind guildId } }" % ",".join(map(str, range(64)))


def start(graphqld, *args, **options):
    return subprocess.Popen([harness.program("presencectl"), "-c", str(graphqld.conf.path), "query",
                             *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **options)


def query(graphqld, document, *args):
    """Runs it with the document on standard input: (exit status, stdout, stderr)."""
    child = start(graphqld, "-", *args)
    out, err = child.communicate(document, 60)
    return child.returncode, out, err


@pytest.fixture
def admin(graphqld):
    """The configuration's token may do everything that is tried here."""
    graphqld.conf.secret("graphql", graphqld.new_token("me", "admin,ingest"))
    graphqld.send(signal.SIGHUP)
    graphqld.log.wait_for("tokens")
    Lane(graphqld).record(members=[member(bot=False, onRoster=True, nick='a"é\n', roles=[])],
                          sightings=sightings(act(T0, "TYPING")))
    return graphqld


def test_a_document_of_a_file(admin, workdir):
    path = workdir / "member.graphql"
    path.write_text(MEMBER)
    child = start(admin, str(path), "--operation", "One", "--var", f"g={GUILD}", "--var",
                  f'u="{USER}"')
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    assert out == """{
  "member": {
    "userId": "%s",
    "nick": "a\\"é\\n",
    "roles": [],
    "lastSeenKind": "TYPING"
  }
}
""" % USER


def test_json_is_the_answer_as_it_came(admin):
    status, out, err = query(admin, MEMBER, "--json", "--operation", "Two")
    assert (status, err, out.count("\n")) == (0, "", 1)
    assert json.loads(out) == {"data": {"service": {"schemaVersion": admin.query(
        "{ service { schemaVersion } }")["data"]["service"]["schemaVersion"]}}}


def test_values_that_are_no_json_are_strings(admin):
    document = 'query($n: String!) { __type(name: $n) { name } }'
    for value in ("Guild", '"Guild"'):
        assert query(admin, document, "--var", f"n={value}")[1] == (
            '{\n  "__type": {\n    "name": "Guild"\n  }\n}\n')
    status, _, err = query(admin, document, "--var", "n=01")  # not JSON, so a string
    assert (status, err) == (0, "")
    status, _, err = query(admin, document, "--var", "n=1")
    assert status == 1 and "(BAD_USER_INPUT)" in err


def test_errors(admin):
    status, out, err = query(admin, "{ nothing }")
    assert (status, out) == (1, "")
    assert err.startswith("presencectl: query: 1:3: ") and "(GRAPHQL_VALIDATION_FAILED)" in err
    status, out, err = query(admin, "{ nothing }", "--json")
    assert (status, err) == (1, "") and json.loads(out)["errors"]
    admin.conf.secret("graphql", "0" * 64)
    status, _, err = query(admin, "{ service { version } }")
    assert status == 1 and "(UNAUTHENTICATED)" in err


def test_wrong_usage(admin, workdir):
    def wrong(*args, text):
        child = start(admin, *args)
        out, err = child.communicate("{ service { version } }", 60)
        assert (child.returncode, out) == (2, "") and text in err, err

    wrong(text="expected the file")
    wrong("-", "more", text="expected the file")
    wrong(str(workdir / "none.graphql"), text="No such file")
    wrong("-", "--var", "a", text="--var a: expected NAME=VALUE")
    wrong("-", "--var", "1a=2", text="expected NAME=VALUE")
    wrong("-", "--var", "a=1", "--var", "ab=1", "--var", "a=2", text="--var a is given twice")
    (workdir / "latin1").write_bytes(b"# \xe9\n{ service { version } }")
    wrong(str(workdir / "latin1"), text="not valid UTF-8")
    (workdir / "nul").write_bytes(b"{ service { version } }\0")
    wrong(str(workdir / "nul"), text="NUL")
    os.chmod(admin.conf.get("graphql", "token_file"), 0o644)
    wrong("-", text="token_file")


def test_nobody_there(workdir):
    conf = harness.Conf(workdir)
    conf.save().secret("graphql", "0" * 64)
    done = subprocess.run([harness.program("presencectl"), "-c", str(conf.path), "query", "-"],
                          input="{ a }", capture_output=True, text=True, timeout=60)
    assert done.returncode == 3 and "graphqld.sock" in done.stderr


def test_options_of_query_alone(workdir):
    done = subprocess.run([harness.program("presencectl"), "status", "--var", "a=1"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "belong to query" in done.stderr


def test_a_subscription_is_printed_as_it_comes(admin, pg):
    child = start(admin, "-", "--json")
    child.stdin.write(CHANGES)
    child.stdin.close()
    harness.wait_until(lambda: pg.execute("SELECT count(*) FROM pg_locks"
                                          " WHERE locktype = 'advisory' AND granted") == [(1,)], 20,
                       "the subscription is in force")
    for guild in ("5", "6"):
        pg.execute("SELECT tell('SETTINGS', %s)", (guild,))
        assert json.loads(child.stdout.readline()) == {
            "data": {"changes": {"kind": "SETTINGS", "guildId": guild}}}
    admin.stop()  # completes it
    assert child.wait(20) == 0 and child.stderr.read() == ""
    child.stdout.close()
    child.stderr.close()
    admin.start()


def test_a_stream_that_breaks_off(admin, pg):
    child = start(admin, "-")
    child.stdin.write(CHANGES)
    child.stdin.close()
    harness.wait_until(lambda: pg.execute("SELECT count(*) FROM pg_locks"
                                          " WHERE locktype = 'advisory' AND granted") == [(1,)], 20,
                       "the subscription is in force")
    pg.execute("SELECT tell('SETTINGS', 5)")
    assert child.stdout.readline() == "{\n"
    admin.kill()
    assert child.wait(20) == 3 and "the stream broke off" in child.stderr.read()
    child.stdout.close()
    child.stderr.close()
    admin.start()
