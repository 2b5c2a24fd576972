"""/setup: one message that asks, step by step, and one change at the end."""

import pytest

import harness
from talk import Talk

DAY = 86400
KIND, ROLE, LOG = ("What kind of server is this?", "The role of inactive members",
                   "The channel for what Presence did")


@pytest.fixture(scope="module")
def talk():
    stack = harness.Stack(sim_args=["--guilds", 1, "--members", 30, "--set", "rest_bucket=100000"])
    try:
        stack.start()
        talk = Talk(stack).wait_registered()
        harness.wait_until(lambda: version(talk) == 0, 20, "the guild is recorded")
        yield talk
    except BaseException:
        stack.close(check=False)
        raise
    stack.close()


@pytest.fixture(autouse=True)
def fresh(talk):
    answer = talk.run("settings reset")
    if answer.buttons:
        talk.press(answer, "Change")
    assert settings(talk) == {}


def version(talk):
    rows = talk.stack.pg.execute("select settings_version from presence.guild where guild_id = %s",
                                 (talk.guild,))
    return rows[0][0] if rows else None


def settings(talk):
    return dict(talk.stack.pg.execute("select key, value from presence.setting"))


def joined(talk, days):
    talk.stack.pg.execute("update presence.guild set bot_joined_at = now() - %s * interval '1 day'",
                          (days,))


def role_of(talk):
    return next(r for r in talk.roles if r["id"] != talk.guild)["id"]


def test_step_by_step(talk):
    joined(talk, 100)
    before, role = version(talk), role_of(talk)
    channel = next(c["id"] for c in talk.channels if c["type"] == 0)
    answer = talk.run("setup", user=7)
    assert answer.private and list(answer.selects) == [KIND, ROLE, LOG]
    assert list(answer.buttons) == ["Inactive after…", "Finish", "Cancel"]
    assert "Inactive after: 30d" in answer.text and "Mode: observe" in answer.text
    answer = talk.choose(answer, KIND, ["gaming"], user=7)
    assert answer.type == 7 and "Inactive after: 14d" in answer.text
    assert [o["value"] for o in answer.selects[KIND]["options"] if o.get("default")] == ["gaming"]
    answer = talk.choose(answer, ROLE, [role], user=7, roles={role: {"id": role, "managed": False}})
    assert f"<@&{role}>" in answer.text
    assert answer.selects[ROLE]["default_values"] == [{"id": role, "type": "role"}]
    answer = talk.choose(answer, LOG, [channel], user=7)
    assert f"<#{channel}>" in answer.text and answer.selects[LOG]["channel_types"] == [0, 5]
    form = talk.press(answer, "Inactive after…", user=7)
    assert form.final["components"][0]["component"]["value"] == "14d"
    answer = talk.fill(form, {"days": "45"}, user=7)
    assert answer.type == 7 and "Inactive after: 45d" in answer.text
    assert version(talk) == before and settings(talk) == {}
    question = talk.press(answer, "Finish", user=7)  # new members are left alone for a shorter time
    assert "left alone so far" in question.text and settings(talk) == {}
    done = talk.press(question, "Change", user=7)
    assert "Settings changed" in done.text and "`preset`: standard → **gaming**" in done.text
    assert version(talk) == before + 1
    assert settings(talk) == {"preset": "gaming", "new_member_grace": 7 * DAY, "mode": "observe",
                              "time_until_inactive": 45 * DAY, "channel_idle": 30 * DAY,
                              "inactive_role": role, "log_channel": channel}
    assert version(talk) == before + 1
    again = talk.run("setup", user=7)
    assert "Inactive after: 45d" in again.text and f"<@&{role}>" in again.text
    assert "like that already" in talk.press(again, "Finish", user=7).text
    assert version(talk) == before + 1


def test_what_can_flag_people_is_asked_once_more(talk):
    joined(talk, 100)
    before = version(talk)
    answer = talk.choose(talk.run("setup"), KIND, ["strict"])
    answer = talk.press(answer, "Finish")
    assert "would flag **0** members" in answer.text and list(answer.buttons) == ["Change", "Cancel"]
    assert version(talk) == before
    assert "Settings changed" in talk.press(answer, "Change").text
    assert settings(talk)["time_until_inactive"] == 21 * DAY


def test_the_first_fourteen_days_are_observed_anyway(talk):
    joined(talk, 3)
    answer = talk.run("setup")
    assert "observes until 14 days after Presence joined" in answer.text
    talk.press(answer, "Finish")
    assert "mode" not in settings(talk)


def test_finishing_twice_changes_once(talk):
    before = version(talk)
    answer = talk.choose(talk.run("setup"), KIND, ["education"])
    talk.press(answer, "Finish")
    assert version(talk) == before + 1
    assert "Settings changed" in talk.press(answer, "Finish").text and version(talk) == before + 1


def test_cancelled(talk):
    before = version(talk)
    answer = talk.choose(talk.run("setup"), KIND, ["gaming"])
    cancelled = talk.press(answer, "Cancel")
    assert "Nothing was changed" in cancelled.text and not cancelled.buttons and not cancelled.selects
    assert version(talk) == before


def test_somebody_else_was_quicker(talk):
    answer = talk.choose(talk.run("setup"), KIND, ["education"])
    talk.run("set away", {"away_per_year": 9})
    assert "Somebody changed the settings" in talk.press(answer, "Finish").text
    assert settings(talk) == {"away_per_year": 9}


def test_what_cannot_be_chosen(talk):
    role = role_of(talk)
    first = talk.run("setup")
    managed = {role: {"id": role, "managed": True}}
    assert "cannot be given" in talk.choose(first, ROLE, [role], roles=managed).text
    assert "cannot be given" in talk.choose(first, ROLE, [talk.guild]).text
    for bad in ("x", "0", "-1", "9" * 30, "1 or 1=1", "\u202e"):
        assert "cannot be given" in talk.choose(first, ROLE, [bad]).text or bad == "9" * 30
        assert "no such choice" in talk.choose(first, LOG, [bad]).text or bad == "9" * 30
    for bad in ("no-such-preset", "x" * 5000, "", 7, None, {"a": 1}):
        assert "no such choice" in talk.choose(first, KIND, [bad]).text
    assert "no such choice" in talk.choose(first, KIND, []).text
    form = talk.press(first, "Inactive after…")
    for bad in ("6h", "soon", "x" * 4000, "", "\u200b", "'; drop table setting"):
        answer = talk.fill(form, {"days": bad})
        assert "expected a duration such as 12h or 30d from 1d to 5y" in answer.text, bad
    assert "expected a duration" in talk.fill(form, {"weeks": "30d"}).text
    assert "none yet" in talk.choose(first, ROLE, []).text
    assert settings(talk) == {}


def test_who_may(talk):
    assert "ADMINISTRATOR" in talk.run("setup", permissions=32).text
    answer = talk.run("setup", user=7)
    assert "whoever ran the command" in talk.choose(answer, KIND, ["gaming"], user=8).text
    assert "ADMINISTRATOR" in talk.choose(answer, KIND, ["gaming"], user=7, permissions=32).text
    form = talk.press(answer, "Inactive after…", user=7)
    assert "whoever ran the command" in talk.fill(form, {"days": "40d"}, user=8).text
    assert settings(talk) == {}


def test_in_german(talk):
    text = talk.run("setup", locale="de").text
    assert "Presence einrichten" in text and "Inaktiv nach: 30d" in text
