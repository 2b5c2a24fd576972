"""Every body that presence-sim's REST answers with, against Discord's OpenAPI description where it is at
hand (see the contract's README: ../shared/discord beside this tree)."""

import json
import os
import pathlib

import pytest
from simclient import ROOT, Sim

jsonschema = pytest.importorskip("jsonschema", reason="python3-jsonschema is not installed")

SPEC = pathlib.Path(os.environ.get("PRESENCE_OPENAPI",
                                   ROOT.parent / "shared" / "discord" / "openapi.json"))

pytestmark = pytest.mark.skipif(not SPEC.exists(), reason=f"no {SPEC}")


@pytest.fixture(scope="module")
def spec():
    """None where it is not at hand: then only the answers themselves are judged."""
    return json.loads(SPEC.read_text()) if SPEC.exists() else None


@pytest.fixture(scope="module")
def sim():
    with Sim("--guilds", "2", "--members", "30", "--set", "rest_global=1000000",
             "--set", "rest_bucket=1000000", "--set", "identify_window_ms=0") as s:
        with s.gateway() as g:
            g.ready()
            s.act("message", content="hello")
            s.act("message", mention=5)
            s.act("message", type=6)
            s.act("command")
            s.act("edit")
            s.act("voice_join", user=4)
            s.act("member_update", user=6, nick="Nick", avatar=True, roles=["Mods"], timeout_s=600)
            s.act("channel_create", name="late", type=2)
            s.act("thread_create", name="thread")
            yield s


def template_of(spec, path):
    """The OpenAPI path that describes a concrete one; the most literal wins."""
    segments, best = path.strip("/").split("/"), None
    for template in spec["paths"]:
        parts = template.strip("/").split("/")
        if len(parts) != len(segments):
            continue
        if all(p.startswith("{") or p == s for p, s in zip(parts, segments)):
            literal = sum(not p.startswith("{") for p in parts)
            if best is None or literal > best[0]:
                best = literal, template
    assert best, f"{path} is not in the description"
    return best[1]


def validator(spec, schema):
    # The document itself is the base of its "#/components/..." references.
    resolver = jsonschema.RefResolver("", spec)
    return jsonschema.Draft202012Validator(schema, resolver=resolver,
                                           format_checker=jsonschema.FormatChecker())


def schema_of(spec, template, method, status):
    responses = spec["paths"][template][method.lower()]["responses"]
    answer = responses.get(str(status)) or responses.get(f"{status // 100}XX")
    assert answer, f"{method} {template}: {status} is not described"
    if "$ref" in answer:
        answer = spec["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
    return answer["content"]["application/json"]["schema"]


def check(spec, sim, method, path, status=200, template=None, **options):
    got, headers, body = sim.rest(method, path, **options)
    assert got == status, (method, path, got, body)
    if not spec:
        return headers, body
    template = template or template_of(spec, path.split("?")[0])
    errors = sorted(validator(spec, schema_of(spec, template, method, got)).iter_errors(body),
                    key=lambda e: list(e.path))
    assert not errors, f"{method} {path}: " + "; ".join(
        f"{'/'.join(map(str, e.path))}: {e.message[:300]}" for e in errors[:5])
    return headers, body


def test_every_route(spec, sim):
    world = sim.world(members=True)
    guild = world["guilds"][0]
    g, user = guild["id"], guild["members"][5]["id"]
    check(spec, sim, "GET", "/gateway", token=False)
    check(spec, sim, "GET", "/gateway/bot")
    check(spec, sim, "GET", "/users/@me")
    check(spec, sim, "GET", "/users/@me/guilds")
    check(spec, sim, "GET", f"/users/{user}")
    check(spec, sim, "GET", "/applications/@me")
    check(spec, sim, "GET", "/oauth2/applications/@me")
    check(spec, sim, "GET", f"/guilds/{g}")
    check(spec, sim, "GET", f"/guilds/{g}?with_counts=true")
    check(spec, sim, "GET", f"/guilds/{g}/members?limit=1000")
    for member in guild["members"]:
        check(spec, sim, "GET", f"/guilds/{g}/members/{member['id']}")
    check(spec, sim, "GET", f"/guilds/{g}/members/search?query=a&limit=10")
    check(spec, sim, "GET", f"/guilds/{g}/roles")
    for role in guild["roles"]:
        check(spec, sim, "GET", f"/guilds/{g}/roles/{role['id']}")
    check(spec, sim, "GET", f"/guilds/{g}/channels")
    check(spec, sim, "GET", f"/guilds/{g}/threads/active")
    check(spec, sim, "GET", f"/guilds/{g}/voice-states/{guild['members'][4]['id']}")
    for channel in sim.world()["guilds"][0]["channels"]:
        check(spec, sim, "GET", f"/channels/{channel['id']}")
        _, messages = check(spec, sim, "GET", f"/channels/{channel['id']}/messages")
        for m in messages:
            check(spec, sim, "GET", f"/channels/{channel['id']}/messages/{m['id']}")


@pytest.mark.parametrize("path, status, code", [
    ("/guilds/1", 404, 10004),
    ("/guilds/{g}/members/994893149241479228", 404, 10013),
    ("/guilds/{g}/members/{other}", 404, 10007),
    ("/guilds/{g}/members?limit=1001", 400, 50035),
    ("/guilds/{g}/roles/5", 404, 10011),
    ("/guilds/{g}/voice-states/{user}", 404, 10065),
    ("/channels/5", 404, 10003),
    ("/channels/{c}/messages/5", 404, 10008),
])
def test_errors(spec, sim, path, status, code):
    first, second = sim.world(members=True)["guilds"]
    path = path.format(g=first["id"], user=first["members"][9]["id"],
                       other=second["members"][5]["id"], c=first["channels"][1]["id"])
    assert check(spec, sim, "GET", path, status)[1]["code"] == code


def test_refused_calls(spec, sim):
    g = sim.world()["guilds"][0]["id"]
    for token in (False, "wrong"):
        assert check(spec, sim, "GET", "/users/@me", 401, token=token)[1]["code"] == 0
    assert sim.rest("GET", "/users/@me", agent="curl/7")[::2] == (
        403, {"message": "internal network error", "code": 40333})
    assert sim.rest("GET", "/nowhere")[::2] == (404, {"message": "404: Not Found", "code": 0})
    assert sim.rest("DELETE", "/gateway")[0] == 405
    sim.config(intents_allowed=0)
    assert check(spec, sim, "GET", f"/guilds/{g}/members", 403)[1]["code"] == 50001
    assert sim.rest("GET", "/applications/@me")[2]["flags"] == 0
    sim.config(intents_allowed=33026)
    assert sim.rest("GET", "/applications/@me")[2]["flags"] == 565248


def test_paging_members(sim):
    g = sim.world()["guilds"][1]["id"]
    after, seen = "0", []
    while page := sim.rest("GET", f"/guilds/{g}/members?limit=7&after={after}")[2]:
        seen += [int(m["user"]["id"]) for m in page]
        after = seen[-1]
    assert seen == sorted(set(seen)) and len(seen) == 32


def test_rate_limits(spec):
    with Sim("--set", "rest_bucket=3", "--set", "rest_window_ms=600000") as sim:
        g = sim.world()["guilds"][0]["id"]
        for left in (2, 1, 0):
            headers, _ = check(spec, sim, "GET", f"/guilds/{g}/roles")
            assert headers["X-RateLimit-Remaining"] == str(left)
            assert headers["X-RateLimit-Limit"] == "3"
        headers, body = check(spec, sim, "GET", f"/guilds/{g}/roles", 429)
        assert body["retry_after"] <= float(headers["Retry-After"]) <= 600
        assert headers["X-RateLimit-Scope"] == "user" and not body["global"]
        other, _ = check(spec, sim, "GET", f"/guilds/{g}/channels")
        assert other["X-RateLimit-Bucket"] != headers["X-RateLimit-Bucket"]
        sim.config(rest_global=1, rest_bucket=1000)
        answers = [sim.rest("GET", f"/guilds/{g}/roles") for _ in range(30)]
        body = next(b for status, _, b in answers if status == 429)
        assert body["global"] is True


def test_faults(sim):
    sim.post("refuse", rest=2, status=502)
    assert [sim.rest("GET", "/users/@me")[0] for _ in range(3)] == [502, 502, 200]
    sim.post("refuse", rest=1, status=429, path="/gateway", retry_after=7.5)
    assert sim.rest("GET", "/users/@me")[0] == 200
    status, headers, body = sim.rest("GET", "/gateway/bot")
    assert status == 429 and body["retry_after"] == 7.5 and headers["Retry-After"] == "8"
    sim.post("refuse", rest=1, status=0)
    with pytest.raises(OSError):
        sim.rest("GET", "/users/@me")
    seen = sim.received("rest")[-1]
    assert (seen["method"], seen["path"]) == ("GET", "/users/@me")
