"""What presence-sim's REST does to its world: roles, kicks, messages, commands, answers to interactions;
who may, what it causes, and that requests and answers are as Discord's OpenAPI description has them."""

import json
import urllib.error
import urllib.request

import pytest
from simclient import Sim
from test_sim_openapi import check, spec, template_of, validator  # noqa: F401

KICK, MANAGE_MESSAGES, MANAGE_ROLES = 1 << 1, 1 << 13, 1 << 28
EVERYONE, REGULARS, MODS, PRESENCE = range(4)  # indexes of roles, in the order of their positions


@pytest.fixture(scope="module")
def base():
    with Sim("--guilds", "2", "--members", "30", "--set", "rest_global=1000000",
             "--set", "rest_bucket=1000000", "--set", "identify_window_ms=0") as s:
        with s.gateway() as g:
            g.ready()
            s.gate = g
            yield s


@pytest.fixture
def sim(base):
    yield base
    base.config(permissions="277293943939", interaction_ack_ms=3000, interaction_token_ms=900000)


def place(sim, n=0):
    guild = sim.world(members=True)["guilds"][n]
    return guild, guild["id"], [r["id"] for r in guild["roles"]], \
        {c["name"]: c["id"] for c in guild["channels"]}


def request_schema(spec, template, method):
    return spec["paths"][template][method.lower()]["requestBody"]["content"]["application/json"]["schema"]


def call(spec, sim, method, path, status, body=None, **options):
    """A call whose body and answer are as described; 204 has none."""
    if spec and body is not None and status < 300:
        wanted = json.loads(json.dumps(body), parse_int=int)
        for entry in wanted if isinstance(wanted, list) else []:
            if str(entry.get("default_member_permissions", "")).isdigit():
                entry["default_member_permissions"] = int(entry["default_member_permissions"])
        validator(spec, request_schema(spec, template_of(spec, path.split("?")[0]), method)).validate(wanted)
    if status == 204:
        got, _, answer = sim.rest(method, path, body, **options)
        assert (got, answer) == (204, None), (method, path, got, answer)
        return None
    if status == 400:  # inner codes are strings in reality, integers in the description
        got, _, answer = sim.rest(method, path, body, **options)
        assert got == 400, (method, path, got, answer)
        return answer
    return check(spec, sim, method, path, status, body=body, **options)[1]


def event(sim, name, **fields):
    """The next event of this name with these fields in its d."""
    while True:
        got = sim.gate.until(t=name)["d"]
        if all(got.get(k) == v for k, v in fields.items()):
            return got


# --- roles and kicks ------------------------------------------------------------------------------


def test_a_role_is_given_and_taken(spec, sim):
    guild, g, roles, _ = place(sim)
    user = guild["members"][20]["id"]
    path = f"/guilds/{g}/members/{user}/roles/{roles[MODS]}"
    for method, has in (("PUT", True), ("PUT", True), ("DELETE", False), ("DELETE", False)):
        call(spec, sim, method, path, 204, headers={"X-Audit-Log-Reason": "idle%20f%C3%BCr%2041%20d"})
        assert (roles[MODS] in sim.rest("GET", f"/guilds/{g}/members/{user}")[2]["roles"]) == has
    for has in (True, False):
        update = event(sim, "GUILD_MEMBER_UPDATE")
        assert (roles[MODS] in update["roles"]) == has and update["user"]["id"] == user
        entry = event(sim, "GUILD_AUDIT_LOG_ENTRY_CREATE")
        assert entry["action_type"] == 25 and entry["target_id"] == user
        assert entry["reason"] == "idle für 41 d" and entry["user_id"] == sim.world()["self"]


def test_a_kick(spec, sim):
    guild, g, _, _ = place(sim)
    user = guild["members"][21]["id"]
    call(spec, sim, "DELETE", f"/guilds/{g}/members/{user}", 204)
    assert event(sim, "GUILD_MEMBER_REMOVE")["user"]["id"] == user
    assert event(sim, "GUILD_AUDIT_LOG_ENTRY_CREATE", action_type=20)["target_id"] == user
    again = call(spec, sim, "DELETE", f"/guilds/{g}/members/{user}", 404)
    assert again["code"] == 10007


def test_who_may_not(spec, sim):
    guild, g, roles, _ = place(sim)
    plain = guild["members"][22]["id"]
    owner, me = guild["members"][2]["id"], sim.world()["self"]
    above = sim.act("role_create", name="above")["id"]
    sim.act("member_update", user=23, roles=["above"])

    def refused(method, path, status, code):
        assert call(spec, sim, method, f"/guilds/{g}/members/{path}", status)["code"] == code, path

    refused("DELETE", owner, 403, 50013)
    refused("DELETE", me, 403, 50013)
    refused("DELETE", guild["members"][23]["id"], 403, 50013)
    refused("DELETE", "994893149241479228", 404, 10013)
    refused("PUT", f"{plain}/roles/{above}", 403, 50013)
    refused("PUT", f"{plain}/roles/{roles[PRESENCE]}", 403, 50013)
    refused("PUT", f"{plain}/roles/{g}", 404, 10011)
    refused("PUT", f"{plain}/roles/5", 404, 10011)
    # A low role to somebody above: heights of members do not matter.
    call(spec, sim, "PUT", f"/guilds/{g}/members/{guild['members'][23]['id']}/roles/{roles[MODS]}", 204)
    sim.config(permissions=str(277293943939 & ~KICK))
    refused("DELETE", plain, 403, 50013)
    call(spec, sim, "PUT", f"/guilds/{g}/members/{plain}/roles/{roles[MODS]}", 204)
    sim.config(permissions=str(277293943939 & ~MANAGE_ROLES))
    refused("DELETE", f"{plain}/roles/{roles[MODS]}", 403, 50013)
    sim.config(permissions="277293943939")
    sim.act("member_update", user=0, timeout_s=600)
    refused("DELETE", plain, 403, 50013)
    sim.act("member_update", user=0, timeout_s=0)
    call(spec, sim, "DELETE", f"/guilds/{g}/members/{plain}", 204)


# --- messages -------------------------------------------------------------------------------------


def test_a_message_is_written_edited_deleted(spec, sim):
    _, _, _, channels = place(sim)
    path = f"/channels/{channels['general']}/messages"
    body = {"content": "3 members are idle", "allowed_mentions": {"parse": []}, "nonce": "a-1",
            "enforce_nonce": True}
    made = call(spec, sim, "POST", path, 200, body)
    assert made["content"] == body["content"] and made["nonce"] == "a-1"
    assert event(sim, "MESSAGE_CREATE", id=made["id"])["nonce"] == "a-1"
    # Sent twice with its nonce it is one message.
    assert call(spec, sim, "POST", path, 200, body)["id"] == made["id"]
    assert call(spec, sim, "POST", path, 200, body | {"nonce": "a-2"})["id"] != made["id"]
    one = f"{path}/{made['id']}"
    assert call(spec, sim, "PATCH", one, 200, {"content": "two"})["edited_timestamp"]
    assert event(sim, "MESSAGE_UPDATE", id=made["id"])["content"] == "two"
    assert check(spec, sim, "GET", one)[1]["content"] == "two"
    call(spec, sim, "DELETE", one, 204)
    event(sim, "MESSAGE_DELETE", id=made["id"])
    assert call(spec, sim, "DELETE", one, 404)["code"] == 10008


def test_whose_messages(spec, sim):
    _, _, _, channels = place(sim)
    other = sim.act("message", user=5)["id"]
    path = f"/channels/{channels['general']}/messages/{other}"
    assert call(spec, sim, "PATCH", path, 403, {"content": "x"})["code"] == 50005
    assert call(spec, sim, "DELETE", path, 403)["code"] == 50013
    sim.config(permissions=str(277293943939 | MANAGE_MESSAGES))
    call(spec, sim, "DELETE", path, 204)


@pytest.mark.parametrize("body, code", [
    ({}, 50006), ({"content": ""}, 50006), ({"content": "ü" * 2001}, 50035),
    ({"content": "x", "embeds": [{}] * 11}, 50035), ({"content": "x", "nonce": "n" * 26}, 50035)])
def test_messages_that_are_refused(spec, sim, body, code):
    _, _, _, channels = place(sim)
    got = call(spec, sim, "POST", f"/channels/{channels['general']}/messages", 400, body)
    assert got["code"] == code
    if code == 50035:
        field, = got["errors"]
        assert got["errors"][field]["_errors"][0]["code"]
    assert sim.rest("POST", f"/channels/{channels['general']}/messages", {"content": "ü" * 2000})[0] == 200


def test_places_that_are_refused(spec, sim):
    _, _, _, channels = place(sim)
    hidden = sim.act("channel_create", name="staff", hidden=True)["channel"]
    thread = sim.act("thread_create", name="locked")["channel"]

    def refused(channel, status, code, body=None):
        got = sim.rest("POST", f"/channels/{channel}/messages", body or {"content": "x"})
        assert (got[0], got[2]["code"]) == (status, code), got

    refused(channels["Community"], 400, 50008)
    refused(hidden, 403, 50001)
    refused("5", 404, 10003)
    assert sim.rest("POST", f"/channels/{thread}/messages", {"content": "x"})[0] == 200
    sim.act("thread_update", channel=thread, locked=True)
    refused(thread, 403, 160005)


def test_a_direct_message(spec, sim):
    guild, _, _, _ = place(sim, 1)
    user = guild["members"][7]["id"]
    dm = call(spec, sim, "POST", "/users/@me/channels", 200, {"recipient_id": user})
    assert dm["type"] == 1 and dm["recipients"][0]["id"] == user
    path = f"/channels/{dm['id']}/messages"
    assert call(spec, sim, "POST", path, 200, {"content": "still there?"})["content"] == "still there?"
    sim.act("member_leave", guild=1, user=user)
    assert call(spec, sim, "POST", path, 403, {"content": "x"})["code"] == 50278
    assert call(spec, sim, "POST", "/users/@me/channels", 400,
                {"recipient_id": sim.world()["self"]})["code"] == 50007
    assert call(spec, sim, "POST", "/users/@me/channels", 404, {"recipient_id": "5"})["code"] == 10013


def upload(sim, path, parts, boundary="XX"):
    body = b"".join(b"--" + boundary.encode() + b"\r\nContent-Disposition: form-data; " + head
                    + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    body += b"--" + boundary.encode() + b"--\r\n"
    request = urllib.request.Request(sim.base + "/api/v10" + path, data=body, method="POST", headers={
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Authorization": f"Bot {sim.token}", "User-Agent": "DiscordBot (https://example.org, 1)"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read())


def test_files(sim):
    _, _, _, channels = place(sim)
    path = f"/channels/{channels['general']}/messages"
    json_part = (b'name="payload_json"', b'{"content":"report"}')
    file_part = (b'name="files[0]"; filename="a.csv"', b"id\r\n1\r\n")
    assert upload(sim, path, [json_part, file_part])[1]["content"] == "report"
    assert upload(sim, path, [(b'name="payload_json"', b"{}"), file_part])[0] == 200
    named = (b'name="payload_json"', b'{"attachments":[{"id":"0","filename":"a.csv"}]}')
    assert upload(sim, path, [named, file_part])[0] == 200
    assert upload(sim, path, [named])[1]["code"] == 50035
    second = (b'name="files[1]"; filename="a.csv"', b"id\r\n1\r\n")
    assert upload(sim, path, [json_part, second])[1]["code"] == 50035
    assert upload(sim, path, [json_part, (b'name="files[0]"', b"x")])[1]["code"] == 50035
    large = (b'name="files[0]"; filename="a.csv"', b"x" * (10 * 1024 * 1024 + 1))
    status, answer = upload(sim, path, [json_part, large])
    assert (status, answer["code"]) == (413, 40005)
    assert upload(sim, path, [file_part])[1]["code"] == 50035
    assert upload(sim, path, [(b'name="payload_json"', b"{"), file_part])[1]["code"] == 50035


# --- commands -------------------------------------------------------------------------------------

COMMAND = {"name": "status", "description": "Who is active", "contexts": [0],
           "default_member_permissions": "2",
           "options": [{"type": 1, "name": "member", "description": "One member",
                        "options": [{"type": 6, "name": "member", "description": "Whom"}]}]}


@pytest.mark.parametrize("scope", ["", "/guilds/{g}"])
def test_commands(spec, sim, scope):
    _, g, _, _ = place(sim)
    app = sim.world()["self"]
    path = f"/applications/{app}{scope.format(g=g)}/commands"
    assert call(spec, sim, "GET", path, 200) == []
    first = call(spec, sim, "PUT", path, 200, [COMMAND, {"name": "Nudge", "type": 2}])
    assert [c["name"] for c in first] == ["status", "Nudge"]
    assert first[0]["options"] == COMMAND["options"]
    assert call(spec, sim, "GET", path, 200) == first
    # A name that stays keeps its id; one that is left out is gone.
    second = call(spec, sim, "PUT", path, 200, [COMMAND | {"description": "else"}])
    assert [c["id"] for c in second] == [first[0]["id"]]
    assert call(spec, sim, "GET", path, 200) == second
    assert sim.rest("PUT", path, {"name": "no list"})[2]["code"] == 50035
    for wrong in ({"name": "Upper"}, {"name": ""}, {"description": ""}, {"description": "x" * 101},
                  {"type": 9}, {"options": [COMMAND["options"][0]] * 26}):
        assert call(spec, sim, "PUT", path, 400, [COMMAND | wrong])["code"] == 50035, wrong
    assert call(spec, sim, "PUT", path, 400, [COMMAND, COMMAND])["code"] == 50035
    many = [COMMAND | {"name": f"n{i}"} for i in range(100)]
    assert call(spec, sim, "PUT", path, 400, many + [COMMAND])["code"] == 30032
    assert len(call(spec, sim, "PUT", path, 200, many)) == 100
    other = [COMMAND | {"name": f"m{i}"} for i in range(99)]
    assert call(spec, sim, "PUT", path, 400, other)["code"] == 30034
    assert call(spec, sim, "GET", path, 200)[0]["name"] == "n0"
    assert sim.rest("PUT", "/applications/5/commands", [])[0] == 403


# --- interactions ---------------------------------------------------------------------------------


def interact(sim, **args):
    made = sim.act("interaction", user=9, **args)["id"]
    seen = event(sim, "INTERACTION_CREATE", id=made)
    return f"/interactions/{made}/{seen['token']}/callback", \
        f"/webhooks/{sim.world()['self']}/{seen['token']}"


def test_an_answer(spec, sim):
    callback, hook = interact(sim)
    assert sim.rest("GET", hook + "/messages/@original", token=False)[2]["code"] == 10015
    body = {"type": 4, "data": {"content": "idle for 3 d", "flags": 64}}
    call(spec, sim, "POST", callback, 204, body, token=False)
    assert sim.rest("POST", callback, body, token=False)[2]["code"] == 40060
    original = check(spec, sim, "GET", hook + "/messages/@original", token=False)[1]
    assert original["content"] == "idle for 3 d" and original["flags"] == 64
    edited = call(spec, sim, "PATCH", hook + "/messages/@original", 200, {"content": "4 d"}, token=False)
    assert edited["id"] == original["id"] and edited["content"] == "4 d"
    later = call(spec, sim, "POST", hook, 200, {"content": "more"}, token=False)
    call(spec, sim, "PATCH", f"{hook}/messages/{later['id']}", 200, {"content": "less"}, token=False)
    call(spec, sim, "DELETE", f"{hook}/messages/{later['id']}", 204, token=False)
    got = sim.rest("PATCH", f"{hook}/messages/{later['id']}", {"content": "x"}, token=False)
    assert got[2]["code"] == 10008


def test_a_deferred_answer(spec, sim):
    callback, hook = interact(sim)
    call(spec, sim, "POST", callback, 204, {"type": 5, "data": {"flags": 64}}, token=False)
    assert check(spec, sim, "GET", hook + "/messages/@original", token=False)[1]["flags"] == 64 | 128
    done = call(spec, sim, "PATCH", hook + "/messages/@original", 200, {"content": "done"}, token=False)
    assert done["flags"] == 64 and done["content"] == "done"


def test_the_answer_itself_is_told_if_asked(spec, sim):
    callback, _ = interact(sim)
    got = call(spec, sim, "POST", callback + "?with_response=true", 200,
               {"type": 4, "data": {"content": "hello"}}, token=False)
    assert got["resource"]["message"]["content"] == "hello"
    assert got["interaction"]["response_message_id"] == got["resource"]["message"]["id"]


def test_interactions_that_are_over(sim):
    callback, hook = interact(sim)
    sim.config(interaction_ack_ms=0)
    late = {"type": 5}
    assert sim.rest("POST", callback, late, token=False)[2]["code"] == 10062
    sim.config(interaction_ack_ms=3000)
    assert sim.rest("POST", callback, late, token=False)[0] == 204
    sim.config(interaction_token_ms=0)
    got = sim.rest("PATCH", hook + "/messages/@original", {"content": "x"}, token=False)
    assert (got[0], got[2]["code"]) == (401, 50027)
    for wrong in (callback.replace("tok-", "tik-"), "/interactions/5/tok-5/callback"):
        assert sim.rest("POST", wrong, late, token=False)[2]["code"] == 10062


@pytest.mark.parametrize("kind, allowed", [(2, {4, 5, 9}), (3, {4, 5, 6, 7, 9}), (4, {8}),
                                           (5, {4, 5, 6, 7})])
def test_which_answers_fit_which_interaction(sim, kind, allowed):
    data = {4: {"content": "x"}, 7: {"content": "x"}, 8: {"choices": []},
            9: {"custom_id": "m", "title": "t", "components": [{}]}}
    fits = set()
    for answer in range(0, 13):
        callback, _ = interact(sim, type=kind)
        got = sim.rest("POST", callback, {"type": answer, "data": data.get(answer, {})}, token=False)
        if got[0] == 204:
            fits.add(answer)
        else:
            assert (got[0], got[2]["code"]) == (400, 50035)
    assert fits == allowed


def test_interactions_do_not_need_what_is_global(sim):
    sim.config(rest_global=1)
    try:
        callback, _ = interact(sim)
        sim.rest("GET", "/users/@me")
        assert sim.rest("POST", callback, {"type": 5}, token=False)[0] == 204
    finally:
        sim.config(rest_global=1000000)
