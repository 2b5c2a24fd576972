"""The client of Discord's REST API against presence-sim: outcomes under limits of every scope, bursts
of failures, lost connections, a token that is refused, and answers beside bulk work."""

import http.server
import socket
import threading

import pytest
from rest_program import Client
from simclient import Sim, wait_until


@pytest.fixture
def sim():
    with Sim("--guilds", "3", "--members", "20", "--set", "rest_global=100000",
             "--set", "rest_bucket=100000") as s:
        yield s


def calls(sim, path=""):
    return [r for r in sim.received("rest") if path in r["path"]]


def guild(sim, n=0):
    return sim.world()["guilds"][n]["id"]


# --- outcomes by name -----------------------------------------------------------------------------


def test_outcomes(sim):
    g = guild(sim)
    with Client(sim) as client:
        me = client.call("GET", "/users/@me")
        assert me["outcome"] == "ok" and me["body"]["id"] == sim.world()["self"]
        for path, outcome, status, code in [
                (f"/guilds/{g}", "ok", 200, 0),
                ("/guilds/1", "unknown_guild", 404, 10004),
                (f"/guilds/{g}/members/994893149241479228", "unknown_user", 404, 10013),
                (f"/guilds/{g}/roles/5", "unknown_role", 404, 10011),
                ("/channels/5", "unknown_channel", 404, 10003),
                ("/nowhere", "not_found", 404, 0),
                (f"/guilds/{g}/members?limit=5000", "bad_request", 400, 50035)]:
            got = client.call("GET", path)
            assert (got["outcome"], got["status"], got["code"]) == (outcome, status, code), path
        assert client.call("DELETE", "/gateway")["outcome"] == "bad_request"


def test_nobody_there_is_told_as_not_sent():
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with Client(None, base=f"http://127.0.0.1:{port}/api/v10") as client:
        got = client.call("POST", "/channels/1/messages", json={"content": "x"}, tries=2)
        assert got["outcome"] == "not_sent" and got["status"] == 0 and got["error"]


# --- trying again ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_burst_of_failures_is_waited_out(sim, status):
    sim.post("refuse", rest=2, status=status)
    with Client(sim) as client:
        assert client.call("GET", "/users/@me")["outcome"] == "ok"
    assert [r["status"] for r in calls(sim)] == [status, status, 200]


def test_failures_without_end_are_told(sim):
    sim.post("refuse", rest=100, status=502)
    with Client(sim) as client:
        got = client.call("GET", "/users/@me", tries=3)
        assert (got["outcome"], got["status"]) == ("unavailable", 502)
    assert len(calls(sim)) == 3


def test_lost_connections(sim):
    sim.post("refuse", rest=3, status=0)
    with Client(sim) as client:
        assert client.call("GET", "/users/@me")["outcome"] == "ok"
        sim.post("refuse", rest=100, status=0)
        assert client.call("GET", "/users/@me", tries=2)["outcome"] == "no_answer"


@pytest.mark.parametrize("status, outcome", [(502, "unavailable"), (0, "no_answer")])
@pytest.mark.parametrize("kept", [False, True])
def test_what_is_not_safe_to_repeat_is_sent_once(sim, status, outcome, kept):
    with Client(sim) as client:
        if kept:  # libraries like to repeat what ended with a kept connection
            client.call("GET", "/users/@me")
        sim.post("refuse", rest=1, status=status, path="/channels")
        got = client.call("POST", "/channels/1/messages", json={"content": "x"})
        assert got["outcome"] == outcome
        assert len(calls(sim, "/channels")) == 1
        # With a nonce Discord recognises the second one.
        sim.post("refuse", rest=1, status=status, path="/channels")
        client.call("POST", "/channels/1/messages", json={"nonce": "1"}, nonce=True)
        assert len(calls(sim, "/channels")) == 3


# --- limits ---------------------------------------------------------------------------------------


def test_a_bucket_is_never_overdrawn(sim):
    sim.config(rest_bucket=3, rest_window_ms=400)
    g = guild(sim)
    with Client(sim) as client:
        numbers = [client.send("GET", f"/guilds/{g}/roles") for _ in range(12)]
        assert {client.wait(n)["outcome"] for n in numbers} == {"ok"}
    assert [r["status"] for r in calls(sim)] == [200] * 12


def test_other_guilds_do_not_wait(sim):
    sim.config(rest_bucket=1, rest_window_ms=60000)
    with Client(sim) as client:
        assert client.call("GET", f"/guilds/{guild(sim)}/roles")["outcome"] == "ok"
        waiting = client.send("GET", f"/guilds/{guild(sim)}/roles")
        assert client.call("GET", f"/guilds/{guild(sim, 1)}/roles")["outcome"] == "ok"
        assert client.call("GET", f"/guilds/{guild(sim)}/channels")["outcome"] == "ok"
        assert waiting not in client.outcomes
        client.tell({"cancel": waiting})
    assert len(calls(sim)) == 3


@pytest.mark.parametrize("scope, invalid", [("user", 1), ("global", 1), ("shared", 0)])
def test_a_429_is_waited_for(sim, scope, invalid):
    sim.post("refuse", rest=1, status=429, retry_after=0.3, scope=scope)
    with Client(sim) as client:
        got = client.call("GET", "/users/@me")
        assert got["outcome"] == "ok" and got["invalid"] == invalid
        assert any("rest_429" in line and scope in line for line in client.log)
    assert [r["status"] for r in calls(sim)] == [429, 200]


def test_a_global_429_holds_everything_but_answers_to_interactions(sim):
    sim.post("refuse", rest=1, status=429, retry_after=600, scope="global")
    with Client(sim) as client:
        first = client.send("GET", "/users/@me")
        wait_until(lambda: calls(sim), what="the first request")
        held = client.send("GET", "/gateway/bot", lane="answers")
        # Nothing knows this interaction; that it is told so is enough.
        answer = client.call("POST", "/interactions/1/token/callback", lane="answers",
                             json={"type": 5})
        assert answer["status"] == 404
        assert first not in client.outcomes and held not in client.outcomes
        client.tell({"cancel": first}, {"cancel": held})
    assert len(calls(sim)) == 2


def test_processes_share_what_is_global(sim, tmp_path):
    sim.post("refuse", rest=1, status=429, retry_after=600, scope="global")
    budget = tmp_path / "budget"
    with Client(sim, budget=budget) as one, Client(sim, budget=budget) as two:
        first = one.send("GET", "/users/@me")
        wait_until(lambda: calls(sim), what="the first request")
        wait_until(lambda: any("rest_429" in line for line in one.log), what="the 429")
        late = two.call("GET", "/users/@me", give_up_ms=200)
        assert late["outcome"] == "not_sent"
        one.tell({"cancel": first})
    assert len(calls(sim)) == 1


def test_the_global_limit_is_kept_by_all_together(sim, tmp_path):
    sim.config(rest_global=50)
    budget = tmp_path / "budget"
    with Client(sim, budget=budget) as one, Client(sim, budget=budget) as two:
        numbers = [(c, c.send("GET", f"/users/{i}")) for i in range(1, 60) for c in (one, two)]
        assert {c.wait(n, 60)["status"] for c, n in numbers} == {404}
    assert 429 not in [r["status"] for r in calls(sim)]


def test_a_banned_address_falls_silent(sim):
    sim.post("refuse", rest=1, status=429, retry_after=600, scope="banned")
    with Client(sim) as client:
        first = client.send("GET", "/users/@me")
        wait_until(lambda: any("rest_banned" in line for line in client.log), what="the ban")
        late = client.call("POST", "/interactions/1/token/callback", lane="answers",
                           json={"type": 5}, give_up_ms=200)
        assert late["outcome"] == "not_sent"
        client.tell({"cancel": first})
    assert len(calls(sim)) == 1


def test_invalid_requests_brake_bulk_work_long_before_the_ban(sim):
    with Client(sim, token="sim-token") as client:
        client.tell({"invalid": 499})
        sim.post("refuse", rest=1, status=403, path="/users")
        assert client.call("GET", "/users/@me")["outcome"] == "forbidden"
        held = client.send("GET", "/users/@me")
        assert client.call("GET", "/gateway/bot", lane="answers")["outcome"] == "ok"
        client.tell({"invalid": 2000})
        late = client.call("GET", "/gateway/bot", lane="answers", give_up_ms=100)
        assert late["outcome"] == "not_sent" and held not in client.outcomes
        client.tell({"cancel": held})
    assert len(calls(sim)) == 2


# --- the token ------------------------------------------------------------------------------------


def test_a_refused_token_is_not_used_again(sim):
    with Client(sim) as client:
        numbers = [client.send("GET", f"/users/{i}") for i in range(1, 20)]
        for n in numbers:
            client.wait(n)
        sim.config(token="another")
        numbers = [client.send("GET", "/users/@me") for _ in range(50)]
        assert {client.wait(n)["outcome"] for n in numbers} == {"unauthorized"}
        assert len([r for r in calls(sim) if r["status"] == 401]) == 1  # one route: one at a time
        # Somebody acts.
        client.tell({"token": "another"})
        assert client.call("GET", "/users/@me")["outcome"] == "ok"
        assert not any("sim-token" in line or "another" in line for line in client.log)


def test_a_token_in_the_path_is_another_matter(sim):
    sim.post("refuse", rest=1, status=401, path="/webhooks")
    with Client(sim) as client:
        got = client.call("PATCH", "/webhooks/1/secret-token/messages/@original", json={})
        assert got["outcome"] == "token_expired"
        assert client.call("GET", "/users/@me")["outcome"] == "ok"
        assert not any("secret-token" in line for line in client.log)


# --- a whole job ----------------------------------------------------------------------------------


def test_a_job_through_every_trouble_loses_nothing_and_does_nothing_twice(sim):
    """40 roles are given under limits while connections end before and after the deed, Discord has
    a problem, and 429s of every scope come: each is given, and told so."""
    sim.config(rest_bucket=10, rest_window_ms=200)
    world = sim.world(members=True)["guilds"]
    jobs = [(g["id"], m["id"], g["roles"][1]["id"]) for g in world for m in g["members"][3:17]][:40]
    troubles = [{"rest": 2, "status": 502}, {"rest": 2, "status": 0},
                {"rest": 2, "status": 0, "after": True},
                {"rest": 1, "status": 500, "after": True}] + [
                    {"rest": 1, "status": 429, "retry_after": 0.1, "scope": scope}
                    for scope in ("user", "shared", "global")]
    with Client(sim) as client:
        numbers = []
        for i, (g, user, role) in enumerate(jobs):
            if i % 6 == 0 and troubles:
                wait_until(lambda: len(client.order) >= len(numbers) - 3, what="the calls before")
                sim.post("refuse", path="/roles/", **troubles.pop())
            numbers.append(client.send("PUT", f"/guilds/{g}/members/{user}/roles/{role}",
                                       reason="a job"))
        assert {client.wait(n, 60)["outcome"] for n in numbers} == {"ok"}
        assert max(o["invalid"] for o in client.outcomes.values()) == 2  # shared ones do not count
    sim.config(rest_bucket=100000)
    for g, user, role in jobs:
        assert role in sim.rest("GET", f"/guilds/{g}/members/{user}")[2]["roles"]
    refused = [r["status"] for r in calls(sim, "/roles/") if r["status"] == 429]
    assert len(refused) == 3  # those that were asked for: none of our own pacing


def test_a_kick_whose_answer_is_lost(sim):
    """The second try finds nobody: that is what was wanted."""
    g = sim.world(members=True)["guilds"][0]
    sim.post("refuse", rest=1, status=0, after=True, path="/members/")
    with Client(sim) as client:
        got = client.call("DELETE", f"/guilds/{g['id']}/members/{g['members'][9]['id']}",
                          reason="idle 90 d")
        assert got["outcome"] == "unknown_member"
    assert len(calls(sim, "/members/")) == 2


def test_a_message_with_a_nonce_whose_answer_is_lost(sim):
    channel = sim.world()["guilds"][0]["channels"][1]["id"]
    sim.post("refuse", rest=1, status=0, after=True, path="/messages")
    with Client(sim) as client:
        got = client.call("POST", f"/channels/{channel}/messages", nonce=True, json={
            "content": "once", "nonce": "7f3a", "enforce_nonce": True},
            files=[{"name": "a.csv", "type": "text/csv", "text": "id\n"}])
        assert got["outcome"] == "ok"
    messages = sim.rest("GET", f"/channels/{channel}/messages")[2]
    assert [m["content"] for m in messages].count("once") == 1


def test_what_the_bot_may_not_is_told_by_name(sim):
    guild = sim.world(members=True)["guilds"][0]
    owner, member = guild["members"][2]["id"], guild["members"][8]["id"]
    with Client(sim) as client:
        for path, outcome in [(f"{owner}", "no_permission"),
                              (f"{member}/roles/{guild['roles'][3]['id']}", "no_permission"),
                              (f"{member}/roles/{guild['id']}", "unknown_role")]:
            got = client.call("DELETE", f"/guilds/{guild['id']}/members/{path}")
            assert got["outcome"] == outcome, path
        sim.post("refuse", rest=1, status=403, code=50007)
        assert client.call("POST", "/channels/5/messages", json={"content": "x"})["outcome"] == \
            "cannot_dm"


# --- lanes ----------------------------------------------------------------------------------------


def test_answers_are_not_queued_behind_bulk_work(sim):
    """2,000 bulk calls wait; 50 answers go in after them and are over while most still wait."""
    g = guild(sim)
    with Client(sim) as client:
        bulk = [client.send("GET", f"/guilds/{g}/roles") for _ in range(2000)]
        client.wait(bulk[0])
        answers = [client.send("POST", f"/interactions/{i}/token/callback", lane="answers",
                               json={"type": 5}) for i in range(1, 51)]
        for n in answers:
            assert client.wait(n)["status"] == 404
        assert len(client.order) < 500
        client.tell(*({"cancel": n} for n in bulk))


def test_answers_pass_bulk_work_of_their_own_bucket(sim):
    sim.config(rest_bucket=1, rest_window_ms=300)
    g = guild(sim)
    with Client(sim) as client:
        bulk = [client.send("GET", f"/guilds/{g}/roles") for _ in range(20)]
        client.wait(bulk[0])
        answer = client.send("GET", f"/guilds/{g}/roles", lane="answers")
        client.wait(answer)
        assert client.order.index(answer) < 5
        client.tell(*({"cancel": n} for n in bulk))


def test_what_nobody_waits_for_any_more(sim):
    sim.config(rest_bucket=1, rest_window_ms=60000)
    g = guild(sim)
    with Client(sim) as client:
        assert client.call("GET", f"/guilds/{g}/roles")["outcome"] == "ok"
        got = client.call("GET", f"/guilds/{g}/roles", give_up_ms=100)
        assert got["outcome"] == "not_sent" and "time" in got["error"]


# --- what is sent ---------------------------------------------------------------------------------


class Recorder(http.server.BaseHTTPRequestHandler):
    """Keeps whole requests; answers 204."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.command, self.path, self.headers, body,
                                 self.client_address))
        self.send_response(204)
        self.end_headers()

    do_PUT = do_PATCH = do_POST

    def log_message(self, *_):
        pass


class Scripted(http.server.BaseHTTPRequestHandler):
    """Answers with what server.script holds for the path, the last of it for ever."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        script = self.server.script[self.path.rpartition("/")[2]]
        status, headers, body = script.pop(0) if len(script) > 1 else script[0]
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


def serving(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.seen, server.script, server.daemon_threads = [], {}, True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def recorder():
    yield from serving(Recorder)


@pytest.fixture
def scripted():
    yield from serving(Scripted)


def test_what_a_request_looks_like(recorder):
    base = f"http://127.0.0.1:{recorder.server_port}/api/v10"
    with Client(None, base=base) as client:
        client.call("PUT", "/guilds/1/members/2/roles/3", reason="für #1\r\nX: y")
        client.call("PATCH", "/channels/1", json={"name": "ä"})
        client.call("POST", "/interactions/1/secret/callback", json={"type": 5})
        client.call("POST", "/channels/1/messages", json={"content": "x"}, nonce=True,
                    files=[{"name": "a.csv", "type": "text/csv", "text": "id\n1\n"}])
    put, patch, answer, upload = recorder.seen
    assert put[1] == "/api/v10/guilds/1/members/2/roles/3" and put[3] == b""
    assert put[2]["X-Audit-Log-Reason"] == "f%C3%BCr%20%231%20%20X%3A%20y"
    assert put[2]["Authorization"] == "Bot sim-token" and put[2]["Content-Type"] is None
    assert put[2]["User-Agent"].startswith("DiscordBot (")
    assert patch[2]["Content-Type"] == "application/json" and patch[3] == '{"name":"ä"}'.encode()
    assert patch[2]["X-Audit-Log-Reason"] is None
    assert answer[2]["Authorization"] is None
    kind, _, boundary = upload[2]["Content-Type"].partition("; boundary=")
    assert kind == "multipart/form-data"
    parts = upload[3].split(b"--" + boundary.encode())
    assert b'name="payload_json"' in parts[1] and parts[1].endswith(b'\r\n\r\n{"content":"x"}\r\n')
    assert b'name="files[0]"; filename="a.csv"' in parts[2] and b"\r\n\r\nid\n1\n\r\n" in parts[2]
    assert parts[3] == b"--\r\n"
    # One connection is kept for what may be repeated.
    assert put[4] == patch[4] == upload[4] != answer[4]


# --- servers that say strange things --------------------------------------------------------------

STRANGE = {
    # 429s without, or with a senseless, time to wait: a made-up one; then all is well
    "word": ([(429, {"X-RateLimit-Scope": "user"}, '{"retry_after":"soon"}')], "not_sent"),
    "negative": ([(429, {"X-RateLimit-Scope": "user"}, '{"retry_after":-5}')], "not_sent"),
    "endless": ([(429, {"X-RateLimit-Scope": "user"}, '{"retry_after":1e308}')], "not_sent"),
    "zero": ([(429, {"X-RateLimit-Scope": "user"}, '{"retry_after":0}'), (200, {}, "{}")], "ok"),
    "array": ([(429, {"X-RateLimit-Scope": "user", "Retry-After": "0"}, "[]"), (200, {}, "[]")], "ok"),
    # error bodies that are none
    "nothing": ([(403, {}, "")], "forbidden"),
    "broken": ([(403, {}, '{"code":')], "forbidden"),
    "list": ([(403, {}, "[50013]")], "forbidden"),
    "huge": ([(403, {}, '{"code":1e300}')], "forbidden"),
    "below": ([(403, {}, '{"code":-50013}')], "forbidden"),
    "text": ([(403, {}, '{"code":"50013"}')], "forbidden"),
    "html": ([(403, {"Content-Type": "text/html"}, '{"code":50013}')], "forbidden"),
    "deep": ([(404, {}, "[" * 100000)], "not_found"),
    # statuses nobody promised
    "moved": ([(302, {"Location": "http://127.0.0.1:1/"}, "")], "unexpected"),
    "teapot": ([(418, {}, "{}")], "bad_request"),
    "empty": ([(204, {}, "")], "ok"),
    # limits' headers that are none
    "headers": ([(200, {"X-RateLimit-Limit": "-1", "X-RateLimit-Remaining": "many",
                        "X-RateLimit-Reset-After": "nan", "X-RateLimit-Bucket": "b" * 500}, "{}")],
                "ok"),
    "far": ([(200, {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "4",
                    "X-RateLimit-Reset": "1e300", "X-RateLimit-Reset-After": "1e300"}, "{}")], "ok"),
}


def test_strange_answers(scripted):
    scripted.script = {name: list(script) for name, (script, _) in STRANGE.items()}
    base = f"http://127.0.0.1:{scripted.server_port}"
    with Client(None, base=base) as client:
        numbers = {name: client.send("GET", f"/strange/{name}", give_up_ms=1500) for name in STRANGE}
        for name, (_, outcome) in STRANGE.items():
            got = client.wait(numbers[name])
            expected = ("not_sent", "rate_limited") if outcome == "not_sent" else (outcome,)
            assert got["outcome"] in expected, (name, got)
