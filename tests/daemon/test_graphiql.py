"""GraphiQL, served by presence-graphqld: as files, and used in a real browser where one is installed."""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request

import pytest

import harness
import npm
from test_graphqld import GUILD, T0, USER, Lane, act, member, sightings

SCRIPT = npm.HERE / "graphiql_page.js"
QUERY = '{ member(guildId: "%s", userId: "%s") { nick lastSeenKind } }' % (GUILD, USER)


@pytest.fixture(scope="module")
def files():
    """What scripts/graphiql fetches, kept in the cache of the tests."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    there = npm.CACHE / "graphiql-4.1.2"
    page = harness.SOURCE_DIR / "graphql" / "graphiql"
    if not (there / "graphiql.min.js").exists():
        try:
            done = subprocess.run([harness.SOURCE_DIR / "scripts" / "graphiql", there],
                                  capture_output=True, text=True, timeout=180)
        except subprocess.TimeoutExpired:
            pytest.skip("npm does not finish")
        assert "holds another" not in done.stderr
        if done.returncode:
            pytest.skip(f"npm cannot fetch graphiql: {done.stderr[-200:]}")
    for own in page.iterdir():
        shutil.copy(own, there)
    return there


@pytest.fixture
def serve(graphqld):
    """Restarts the service on TCP with the page switched on: serve(files) gives its base URL."""
    def start(files):
        port = harness.free_port()
        graphqld.stop()
        graphqld.conf.update(graphqld={"listen": f"127.0.0.1:{port}", "graphiql": "yes"}).save()
        graphqld.env["PRESENCE_GRAPHIQL"] = str(files)
        graphqld.start(wait=False)
        graphqld.log.wait_for("listening", count=2)
        return f"http://127.0.0.1:{port}"

    return start


def get(url, method="GET"):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


def test_off_unless_asked_for(graphqld):
    for path in ("/graphiql", "/graphiql/page.js"):
        status, headers, text = harness.UnixHTTP(graphqld.conf.graphql_socket).request("GET", path)
        assert status == 404 and b"[graphqld] graphiql" in text


def test_the_files_and_nothing_else(serve, files):
    base = serve(files)
    for path, name in (("/graphiql", "index.html"), ("/graphiql/page.js", "page.js"),
                       ("/graphiql/graphiql.min.js", "graphiql.min.js"),
                       ("/graphiql/graphiql.min.css", "graphiql.min.css")):
        status, headers, text = get(base + path)
        assert status == 200 and text == (files / name).read_bytes()
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy and "//" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        status, headers, text = get(base + path, "HEAD")
        assert (status, text) == (200, b"")
    for path in ("/graphiql/", "/graphiql/nothing", "/graphiql/../graphiql/page.js",
                 "/graphiql/%2e%2e/presence.conf", "/graphiqlx"):
        assert get(base + path)[0] == 404
    assert get(base + "/graphiql", "POST")[0] == 405


def test_without_its_files_the_service_goes_on(graphqld, serve, workdir):
    base = serve(workdir / "none")
    assert get(base + "/graphiql")[0] == 404
    assert get(base + "/graphql?query=%7B__typename%7D")[0] == 200
    graphqld.expect_error("graphiql")


def test_in_a_browser(graphqld, serve, files, workdir):
    """A query is typed and run, and its result seen; the page asks nobody else for anything."""
    browser = shutil.which("chromium")
    if not browser:
        pytest.skip("chromium is not installed")
    modules = npm.modules("playwright", "playwright-core@1.64.1")
    Lane(graphqld).record(members=[member(bot=False, onRoster=True, nick="Zoë")],
                          sightings=sightings(act(T0, "TYPING")))
    token = graphqld.new_token("me", "read")
    base = serve(files)
    done = subprocess.run(
        ["node", str(SCRIPT), browser, f"{base}/graphiql", token, QUERY, "TYPING",
         os.environ.get("PRESENCE_SCREENSHOT", str(workdir / "graphiql.png"))],
        env=os.environ | {"NODE_PATH": str(modules), "HOME": str(workdir)},
        capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert json.loads(seen["result"]) == {"data": {"member": {"nick": "Zoë",
                                                             "lastSeenKind": "TYPING"}}}
    assert seen["hosts"] == [base[7:]]
    assert seen["console"] == []
    assert "Guilds the bot is in." in seen["explained"]
