"""/guild_health, /log, /channels ignore and what is suggested while somebody types."""

import json
import re

import pytest

import harness
from talk import CALLBACK, Talk


@pytest.fixture(scope="module")
def talk():
    stack = harness.Stack(sim_args=["--guilds", 1, "--members", 40, "--set", "rest_bucket=100000"])
    try:
        stack.start()
        talk = Talk(stack).wait_registered()
        harness.wait_until(lambda: stack.pg.execute(
            "select count(*) from presence.member where bot = false and left_at is null") == [(40,)], 30)
        harness.wait_until(lambda: stack.pg.execute("select 1 from presence.channel limit 1"), 20)
        stack.pg.execute("insert into presence.last_seen (guild_id, user_id, last_seen_kind, last_counted_kind) "
                         "select guild_id, user_id, 1, 1 from presence.member on conflict do nothing")
        talk.run("help", user=20)  # keeps its channel alive from now on
        harness.wait_until(lambda: stack.pg.execute("select 1 from presence.activity where kind = 14"), 20)
        yield talk
    except BaseException:
        stack.close(check=False)
        raise
    stack.close()


# --- /guild_health ----------------------------------------------------------------------------------

def last_seen(talk, days, members):
    """Everybody's rows were made before anybody acted: what is recorded meanwhile finds them."""
    talk.stack.pg.execute(
        "update presence.last_seen set (last_seen, last_counted) = (select t, t from (select case when user_id = "
        "any(%s::bigint[]) then now() - %s * interval '1 day' end) x(t))", (members, days))


def test_health(talk):
    people = talk.stack.pg.execute("select user_id from presence.member where bot = false")
    people = [str(p[0]) for p in people]
    last_seen(talk, 3, people)
    text = talk.run("guild_health", user=20).text
    assert "People: 40" in text and "Active in 7 days: 40 (100 %)" in text
    assert "Not known: 0 (0 %)" in text
    assert "one in five" not in text and re.search(r"Quiet channels: \d+ \(\d+ %\)", text)
    last_seen(talk, 50, people)
    text = talk.run("guild_health", user=20).text
    assert "Fewer than one in five people were active" in text
    last_seen(talk, 3, people[:5])
    assert "nothing is known yet" in talk.run("guild_health", user=20).text


def test_health_is_bad_where_presence_was_blind(talk):
    pg = talk.stack.pg
    pg.execute("update presence.guild set bot_joined_at = now() - interval '60 days'")
    answer = talk.run("guild_health", {"public": True}, user=20)
    assert "Presence was away" in answer.text and answer.embed["color"] == 0xed4245 and not answer.private
    pg.execute("insert into presence.coverage (guild_id, session, from_at, to_at, open_reason) values "
               "(%s, 1, now() - interval '60 days', now(), 'SESSION')", (talk.guild,))
    answer = talk.run("guild_health", user=20)
    assert "Presence was away" not in answer.text and "for 100 %" in answer.text and answer.private
    assert "MODERATE_MEMBERS" in talk.run("guild_health", user=20, permissions=0).text


# --- /log ---------------------------------------------------------------------------------------------

def test_log(talk):
    assert "Nothing was decided." in talk.run("log", user=20).text
    decisions = [{"kind": "FLAG", "userId": talk.members[n], "rule": "time_until_inactive",
                  "reason": f"silent for {n} days **", "evidence": {"lastActs": [], "protections": []}}
                 for n in range(10, 30)]
    decisions += [{"kind": "VETO", "userId": talk.members[9], "actorId": talk.members[8],
                   "reason": "@everyone <@&5>", "evidence": {"lastActs": [], "protections": []}}]
    done = talk.stack.graphqld.query(
        """mutation($g: Snowflake!, $d: [DecisionInput!]!) { recordDecisions(guildId: $g, decisions: $d)
           { code errors } }""", {"g": talk.guild, "d": decisions})
    assert done["data"]["recordDecisions"]["code"] == "OK", done
    everything = talk.run("log", user=20)
    assert everything.private and "More" in everything.buttons and "21 in all" in everything.text
    assert "**taken out by somebody**" in everything.text and f"by <@{talk.members[8]}>" in everything.text
    assert r"\@everyone" in everything.text and "by the rules" in everything.text
    second = talk.answer(talk.send(type=3, custom_id=everything.buttons["More"]["custom_id"], user=20,
                                   permissions="8"))
    assert second.type == 7 and "Back" in second.buttons
    only = talk.run("log", {"kind": "veto"}, user=20).text
    assert "1 in all" in only and "flagged" not in only
    only = talk.run("log", {"member": talk.members[11], "since": "1d"}, user=20).text
    assert "1 in all" in only and "Since <t:" in only and "silent for 11 days" in only
    assert "Nothing was decided" in talk.run("log", {"member": talk.members[30]}, user=20).text
    assert "`since`: expected a length" in talk.run("log", {"since": "yesterday"}, user=20).text
    assert "MANAGE_GUILD" in talk.run("log", user=20, permissions=0).text
    talk.run("set channels", {"channel_min_people": 3}, user=22)
    changes = talk.run("log", {"kind": "settings", "since": "1d", "member": talk.members[22]}, user=20,
                       permissions=32).text
    assert "channel_min_people" in changes and f"<@{talk.members[22]}>" in changes and "1 in all" in changes
    assert "No setting was changed" in talk.run("log", {"kind": "settings", "member": talk.members[30]},
                                                user=20).text
    talk.run("set channels", {"channel_min_people": 2}, user=22)
    assert "als inaktiv markiert" in talk.run("log", {"kind": "flag"}, user=20, locale="de").text


# --- /channels ignore -----------------------------------------------------------------------------------

def quiet(talk):
    return set(re.findall(r"<#(\d+)>", talk.run("channels inactive", user=20).embed["description"]))


def test_ignored_channels_are_not_proposed(talk):
    before = quiet(talk)
    category = next(c["id"] for c in talk.channels if c["type"] == 4)
    inside = {c for c, in talk.stack.pg.execute(
        "select channel_id::text from presence.channel where parent_id = %s", (category,))} & before
    one = next(iter(before - inside), None) or next(iter(before))
    answer = talk.run("channels ignore", {"channel": one, "add": True}, user=20, permissions=16)
    assert "Settings changed" in answer.text and one in answer.text
    assert quiet(talk) == before - {one}
    assert "like that already" in talk.run("channels ignore", {"channel": one, "add": True}, user=20).text
    talk.run("channels ignore", {"channel": category, "add": True}, user=20)
    assert quiet(talk) == before - {one} - inside
    talk.run("channels ignore", {"channel": one, "add": False}, user=20)
    talk.run("channels ignore", {"channel": category, "add": False}, user=20)
    assert quiet(talk) == before
    assert "like that already" in talk.run("channels ignore", {"channel": one, "add": False}, user=20).text
    by = talk.stack.pg.execute("select distinct changed_by::text from presence.setting_history "
                               "where key = 'ignored_channels'")
    assert by == [(talk.members[20],)]
    assert "MANAGE_CHANNELS" in talk.run("channels ignore", {"channel": one, "add": True},
                                         user=20, permissions=0).text


# --- suggestions ---------------------------------------------------------------------------------------

def suggested(talk, command, option, typed, permissions=8, **args):
    made = talk.send(type=4, command=command, options={option: typed}, focused=option, user=20,
                     permissions=str(permissions), **args)
    answer = harness.wait_until(lambda: talk.take() or talk.calls.get(made), 10)[0]
    assert answer["status"] == 204 and answer["body"]["type"] == 8
    talk.judge.check(CALLBACK, "post", answer["body"])
    choices = answer["body"]["data"]["choices"]
    assert len(choices) <= 25 and all(1 <= len(c["name"]) <= 100 and 1 <= len(c["value"]) <= 100
                                      for c in choices)
    return choices


def test_commands_are_suggested(talk):
    values = [c["value"] for c in suggested(talk, "help", "command", "status")]
    assert "status member" in values and "Activity status" in values and "ping" not in values
    assert len(suggested(talk, "help", "command", "")) == 25
    assert [c["value"] for c in suggested(talk, "help", "command", "/ACTIVITY TOP")] == ["activity top"]
    german = suggested(talk, "help", "command", "rangliste", locale="de")
    assert [c["value"] for c in german] == ["activity top"] and "Rangliste" in german[0]["name"]
    for value in values:
        assert "no command" not in talk.run("help", {"command": value}, user=20).text


def test_sections_are_suggested_to_those_who_may_see_them(talk):
    values = [c["value"] for c in suggested(talk, "settings view", "section", "vo")]
    assert "voice" in values
    assert not suggested(talk, "settings view", "section", "vo", permissions=0)
    for command in talk.registered():
        for sub in command.get("options", []):
            for option in [sub, *sub.get("options", [])]:
                if option.get("autocomplete"):
                    name = command["name"] + ("" if option is sub else " " + sub["name"])
                    assert suggested(talk, name, option["name"], ""), name


@pytest.mark.parametrize("typed", ["x" * 10000, "\u202e", "'; drop table member; --", "%s%n", 7, None,
                                   "🏳️‍🌈" * 900, "\\u0000", "\""])
def test_whatever_is_typed(talk, typed):
    assert json.dumps(suggested(talk, "help", "command", typed))


def test_a_suggestion_is_a_sighting(talk):
    talk.stack.pg.execute("delete from presence.activity where kind = 14")
    suggested(talk, "help", "command", "p")
    harness.wait_until(lambda: talk.stack.pg.execute(
        "select 1 from presence.activity where kind = 14 and user_id = %s", (talk.members[20],)), 20)
