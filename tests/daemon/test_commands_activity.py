"""/activity top, /status role and the habits of a member, as their users see them."""

import re

import pytest

import harness
from talk import Talk


@pytest.fixture(scope="module")
def talk():
    stack = harness.Stack(sim_args=["--guilds", 1, "--members", 40, "--set", "rest_bucket=100000"])
    try:
        stack.start()
        talk = Talk(stack).wait_registered()
        for user, count in ((10, 5), (11, 9), (12, 2)):
            for _ in range(count):
                stack.sim.act("message", user=user)
        stack.sim.act("reaction_add", user=12)
        harness.wait_until(lambda: stack.pg.execute(
            "select sum(count) from presence.activity where kind in (1, 5)") == [(17,)], 20)
        yield talk
    except BaseException:
        stack.close(check=False)
        raise
    stack.close()


def ids(answer, sign="@"):
    return re.findall(rf"<{sign}(\d+)>", answer.embed["description"])


def setting(talk, key, value):
    pg = talk.stack.pg
    pg.execute("delete from presence.setting where key = %s", (key,))
    if value is not None:
        pg.execute("insert into presence.setting (guild_id, key, value, version) values (%s, %s, %s::jsonb, 1)",
                   (talk.guild, key, value))


def test_the_most_active_members(talk):
    answer = talk.run("activity top", {"kind": "messages"}, user=20, permissions=0)
    assert answer.embed["title"] == "Most active members" and answer.private
    assert ids(answer) == [talk.members[11], talk.members[10], talk.members[12]]
    assert "1. " in answer.text and "**9** acts" in answer.text and "· messages" in answer.text
    assert len(ids(talk.run("activity top", {"kind": "messages", "limit": 2}, user=20))) == 2
    assert ids(talk.run("activity top", {"kind": "reactions"}, user=20)) == [talk.members[12]]
    assert "Nothing was recorded" in talk.run("activity top", {"kind": "polls"}, user=20).text
    least = talk.run("activity top", {"kind": "messages", "reverse": True, "limit": 25}, user=20)
    assert least.embed["title"].startswith("Least") and "**0** acts" in least.text
    assert talk.members[11] not in ids(least)


def test_the_period_is_told_as_a_date(talk):
    for period in ("1d", "12w", "1y"):
        assert re.search(r"Since <t:\d+:D>", talk.run("activity top", {"period": period}, user=20).text)
    for period in ("30", "2y", "12h", "0d"):
        refused = talk.run("activity top", {"period": period}, user=20)
        assert "`period`: expected a length of time" in refused.text, period


def test_channels_and_roles(talk):
    answer = talk.run("activity top", {"by": "channel", "kind": "messages"}, user=20)
    assert ids(answer, "#") and "· 3 people" in answer.text
    refused = talk.run("activity top", {"by": "channel"}, user=20, permissions=0)
    assert "MANAGE_CHANNELS" in refused.text and not ids(refused, "#")
    answer = talk.run("activity top", {"by": "role", "reverse": True}, user=20, permissions=0)
    assert ids(answer, "@&") and talk.guild not in ids(answer, "@&")


@pytest.mark.parametrize("value, member, staff", [('"everyone"', True, True), ('"staff"', False, True),
                                                  ('"off"', False, False), (None, True, True)])
def test_who_may_see_rankings(talk, value, member, staff):
    setting(talk, "leaderboard_visibility", value)
    try:
        for permissions, allowed in ((0, member), (8, staff), (1 << 13, staff)):
            answer = talk.run("activity top", user=20, permissions=permissions)
            assert bool(ids(answer) if "title" in answer.embed else []) is allowed, answer.text
    finally:
        setting(talk, "leaderboard_visibility", None)


def test_status_of_a_role(talk):
    role = talk.roles[1]["id"]
    pg = talk.stack.pg
    pg.execute("update presence.member set roles = '{}'")
    chosen = [talk.members[n] for n in (10, 11, 30, 31)]
    pg.execute("update presence.member set roles = array[%s::bigint] where user_id = any(%s::bigint[])",
               (role, chosen))
    pg.execute("insert into presence.last_seen (guild_id, user_id, last_seen, last_counted, last_seen_kind,"
               " last_counted_kind) values (%s, %s, now() - interval '50 days', now() - interval '50 days', 1, 1)"
               " on conflict (guild_id, user_id) do update set last_counted = excluded.last_counted",
               (talk.guild, talk.members[30]))
    answer = talk.run("status role", {"role": role}, user=20)
    for line in ("People: 4", "Active in 24 hours: 2 (50 %)", "Active in 30 days: 2 (50 %)",
                 "Silent for longer: 1 (25 %)", "Not known: 1 (25 %)"):
        assert line in answer.text, answer.text
    assert "MODERATE_MEMBERS" in talk.run("status role", {"role": role}, user=20, permissions=0).text
    assert "Everybody has" in talk.run("status role", {"role": talk.guild}, user=20).text
    gone = talk.run("status role", {"role": "994893149241479228"}, user=20)
    assert "People: 0" in gone.text


def test_habits(talk):
    hist = "{1,0,3,0,0,1,0,0,0,0,0,0,0,0,0,0}"
    talk.stack.pg.execute(
        "update presence.last_seen set gap_count = 5, gap_sum_ms = 90000000, gap_max_ms = 72000000, "
        "gap_hist = ('[0:15]=' || %s)::integer[] where user_id = %s", (hist, talk.members[10]))
    text = talk.run("status member", {"member": talk.members[10], "detail": True}, user=20).text
    assert "typically 3 hours" in text and "on average 5 hours, at most 20 hours" in text, text
