"""/ping and "Nudge": who is notified, and where."""

import pytest

import harness
from talk import Talk, read_body

POST = "/channels/{channel_id}/messages"


@pytest.fixture(scope="module")
def talk():
    stack = harness.Stack(sim_args=["--guilds", 1, "--members", 40, "--set", "rest_bucket=100000"])
    try:
        stack.start()
        talk = Talk(stack).wait_registered()
        harness.wait_until(lambda: stack.pg.execute("select 1 from presence.guild where name <> ''"), 20)
        yield talk
    except BaseException:
        stack.close(check=False)
        raise
    stack.close()


@pytest.fixture()
def setting(talk):
    def put(**values):
        for key, value in values.items():
            talk.stack.pg.execute("insert into presence.setting (guild_id, key, value, version) "
                                  "values (%s, %s, %s::jsonb, 1)", (talk.guild, key, value))
    yield put
    talk.stack.pg.execute("delete from presence.setting")


def posts(talk, since):
    """(channel, body) of the messages that the bot posted, each judged."""
    found = []
    for r in talk.sim.get(f"/_sim/received?what=rest&since={since}")["items"]:
        if r["method"] == "POST" and r["path"].startswith("/channels/") and r["path"].endswith("/messages"):
            body, _ = read_body(r["body"])
            talk.judge.check(POST, "post", body)
            found.append((r["path"].split("/")[2], body))
    return found


def ran(talk, *args, **more):
    since = talk.sim.get("/_sim/received?what=rest&since=999999999")["next"]
    answer = talk.run(*args, **more)
    return answer, posts(talk, since)


def other_channel(talk):
    return talk.sim.act("channel_create", name="nudges")["id"]


def test_a_member_gets_a_direct_message(talk):
    answer, sent = ran(talk, "ping", {"member": talk.members[8], "text": "hello @everyone <@&5>"})
    assert answer.private and "direct message" in answer.text
    (channel, body), = sent
    assert channel not in [c["id"] for c in talk.channels]
    assert body["content"].endswith(": hello @everyone <@&5>") and body["content"].startswith("**")
    assert body["allowed_mentions"] == {"parse": []} and body["nonce"] == answer.id
    answer, sent = ran(talk, "Nudge", target=talk.members[8])
    assert answer.private and "Are you still with us" in sent[0][1]["content"]


def test_or_is_nudged_in_the_channel_for_it(talk, setting):
    place = other_channel(talk)
    setting(nudge_channel=f'"{place}"')
    answer, sent = ran(talk, "ping", {"member": talk.members[8], "text": "@here still there?"})
    assert answer.private and f"<#{place}>" in answer.text
    (channel, body), = sent
    assert channel == place and body["content"] == f"<@{talk.members[8]}> @here still there?"
    assert body["allowed_mentions"] == {"parse": [], "users": [talk.members[8]]}


@pytest.mark.parametrize("code", [50007, 50278])
def test_or_here_where_no_direct_message_is_taken(talk, code):
    talk.sim.post("/_sim/refuse", {"rest": 1, "path": "/users/@me/channels", "status": 403,
                                   "code": code})
    answer, sent = ran(talk, "ping", {"member": talk.members[9]}, user=10)
    (channel, body), = sent
    assert channel in [c["id"] for c in talk.channels] and f"<#{channel}>" in answer.text
    assert body["allowed_mentions"]["users"] == [talk.members[9]]


def test_what_discord_refuses_is_told(talk, setting):
    setting(nudge_channel='"994893149241479228"')
    answer, sent = ran(talk, "ping", {"member": talk.members[9]}, user=10)
    assert "did not take the nudge: unknown_channel" in answer.text and answer.private


def test_nobody_is_notified_without_a_member(talk, setting):
    answer, sent = ran(talk, "ping")
    assert answer.final["allowed_mentions"] == {"parse": []} and not answer.private and not sent
    assert "Is anybody there" in answer.final["content"]
    answer, _ = ran(talk, "ping", {"text": "@everyone come"})
    assert answer.final["allowed_mentions"] == {"parse": []}
    place = other_channel(talk)
    setting(nudge_channel=f'"{place}"')
    answer, sent = ran(talk, "ping", {"text": "come"})
    assert f"Nudged in <#{place}>" in answer.text
    (channel, body), = sent
    assert channel == place and body["content"] == "come" and body["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize("permissions, everyone", [(2, False), (2 | 1 << 17, True), (8, True)])
def test_everyone_is_notified_only_if_the_server_and_the_caller_may(talk, setting, permissions, everyone):
    answer, _ = ran(talk, "ping", {"text": "come"}, permissions=permissions)
    assert answer.final["content"] == "come"
    setting(ping_everyone="true")
    talk.parse = ["everyone"]
    try:
        answer, _ = ran(talk, "ping", {"text": "come"}, permissions=permissions)
    finally:
        talk.parse = []
    assert answer.final["allowed_mentions"] == {"parse": ["everyone"] if everyone else []}
    assert answer.final["content"] == ("@everyone come" if everyone else "come")


def test_bots_and_strangers_are_not_nudged(talk):
    for member, words in ((talk.members[1], "Bots"), ("994893149241479228", "not a member")):
        answer, sent = ran(talk, "ping", {"member": member})
        assert words in answer.text and answer.private and not sent
