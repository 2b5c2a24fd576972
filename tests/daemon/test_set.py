"""/set: what is changed, for whom, after which question; how soon it holds everywhere."""

import json
import signal
import subprocess
import time

import pytest

import harness
from talk import Talk

MANAGE_GUILD = 32
DAY = 86400
# What a family's own setting is called as an option, and a good value that is not the default.
GOOD = {"mode": ("mode", "on"), "time_until_inactive": ("days", "45d"),
        "grace": ("new_member_grace", "20d"), "voice": ("voice_counts", "joins"),
        "protection": ("protect_staff", False), "away": ("away_max", "90d"),
        "channels": ("channel_idle", "30d"), "language": ("language", "de"),
        "preset": ("preset", "gaming")}


@pytest.fixture(scope="module")
def talk():
    stack = harness.Stack(sim_args=["--guilds", 2, "--members", 40, "--set", "rest_bucket=100000"])
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
    """Nothing is set."""
    answer = talk.run("settings reset")
    if answer.buttons:
        talk.press(answer, next(iter(answer.buttons)))
    assert not talk.stack.pg.execute("select from presence.setting where guild_id = %s", (talk.guild,))
    wait_version(talk, version(talk))


def version(talk):
    rows = talk.stack.pg.execute("select settings_version from presence.guild where guild_id = %s",
                                 (talk.guild,))
    return rows[0][0] if rows else None


def stored(talk, key):
    rows = talk.stack.pg.execute("select value from presence.setting where guild_id = %s and key = %s",
                                 (talk.guild, key))
    return rows[0][0] if rows else None


def families(talk):
    return next(c for c in talk.registered() if c["name"] == "set")["options"]


def silent_for(talk, users, days, watched=200):
    """These members were last seen so long ago, and Presence was watching all the time."""
    pg = talk.stack.pg
    pg.execute("update presence.guild set bot_joined_at = now() - interval '300 days' "
               "where guild_id = %s", (talk.guild,))
    pg.execute("delete from presence.coverage where guild_id = %s", (talk.guild,))
    pg.execute("insert into presence.coverage (guild_id, session, from_at, to_at, open_reason) values "
               "(%s, 1, now() - %s * interval '1 day', now(), 'CREATE')", (talk.guild, watched))
    pg.execute("delete from presence.last_seen where guild_id = %s", (talk.guild,))
    for user in users:
        pg.execute("insert into presence.last_seen (guild_id, user_id, last_seen, last_counted, "
                   "last_seen_kind, last_counted_kind) values (%s, %s, now() - %s * interval '1 day', "
                   "now() - %s * interval '1 day', 1, 1)", (talk.guild, user, days, days))


def wait_version(talk, number, deadline=20):
    """By the worker's own copy."""
    def look():
        done = subprocess.run([harness.program("presencectl"), "-c", str(talk.stack.conf.path),
                               "--json", "guild", talk.guild], capture_output=True, text=True, timeout=60)
        return done.returncode == 0 and json.loads(done.stdout)["settings_version"] == number

    harness.wait_until(look, deadline, f"the worker has version {number}")


# --- what there is ----------------------------------------------------------------------------------

def test_only_what_works_is_offered(talk):
    names = {f["name"] for f in families(talk)}
    assert set(GOOD) | {"inactive_role", "active_role", "log_channel", "review_channel",
                        "nudge_channel"} <= names
    assert not names & {"auto_kick", "auto_prune_timer", "caps", "approval", "retention", "warnings"}
    for family in families(talk):
        assert family["options"] and len(family["description"]) <= 100
        assert "de" in family["description_localizations"]
    assert next(f for f in families(talk) if f["name"] == "time_until_inactive")["options"][0][
        "name"] == "days"


def test_a_harmless_change_is_made_at_once(talk):
    before = version(talk)
    answer = talk.run("set time_until_inactive", {"days": "45"}, user=6)
    assert answer.private and "Settings changed" in answer.text
    assert "`time_until_inactive`: 30d → **45d** (from now: <t:" in answer.text
    assert stored(talk, "time_until_inactive") == 45 * DAY and version(talk) == before + 1
    assert f"Version {before + 1}" in answer.text
    rows = talk.stack.pg.execute("select changed_by, old_value, new_value from presence.setting_history "
                                 "order by changed_at desc limit 1")
    assert rows == [(int(talk.members[6]), None, 45 * DAY)]
    wait_version(talk, before + 1)
    assert "like that already" in talk.run("set time_until_inactive", {"days": "45d"}).text
    assert version(talk) == before + 1


def test_a_change_holds_everywhere_within_a_second(talk):
    talk.run("set away", {"away_per_year": 5})
    wait_version(talk, version(talk))
    talk.run("set away", {"away_per_year": 6})
    begun = time.monotonic()
    wait_version(talk, version(talk))
    print(f"the worker had it {time.monotonic() - begun:.3f} s after the answer was read")


@pytest.mark.parametrize("family", sorted(GOOD))
def test_every_family(talk, family):
    name, value = GOOD[family]
    option = next(o for f in families(talk) if f["name"] == family for o in f["options"]
                  if o["name"] == name)
    assert option
    answer = talk.run(f"set {family}", {name: value}, permissions=MANAGE_GUILD | 8)
    if answer.buttons:
        answer = talk.press(answer, "Change")
    assert ("Settings changed" in answer.text or "Einstellungen geändert" in answer.text), answer.text
    assert version(talk) > 0


def test_roles_and_channels(talk):
    role = next(r["id"] for r in talk.roles if r["id"] != talk.guild)
    answer = talk.run("set inactive_role", {"role": role})
    assert f"none → **<@&{role}>**" in answer.text and stored(talk, "inactive_role") == role
    assert "another role" in talk.run("set active_role", {"role": role}).text
    assert "belongs to everybody" in talk.run("set active_role", {"role": talk.guild}).text
    channel = next(c["id"] for c in talk.channels if c["type"] == 0)
    assert f"<#{channel}>" in talk.run("set log_channel", {"channel": channel}).text
    voice = next(c["id"] for c in talk.channels if c["type"] == 2)
    assert "kind of channel" in talk.run("set log_channel", {"channel": voice}).text


def test_without_an_option_it_shows_what_is(talk):
    before = version(talk)
    answer = talk.run("set protection")
    assert "protect_staff: on" in answer.text and "Give an option" in answer.text
    assert version(talk) == before


@pytest.mark.parametrize("options, words", [
    ({"days": "6h"}, "from 1d to 5y"), ({"days": "0"}, "from 1d to 5y"), ({"days": "9y"}, "people sleep"),
    ({"days": "-5"}, "from 1d"), ({"days": "soon"}, "such as 12h"), ({"days": "9" * 200}, "from 1d"),
    ({"days": "5m"}, "from 1d"), ({"days": "1'; drop table setting"}, "from 1d"), ({}, "is missing"),
])
def test_what_is_out_of_range(talk, options, words):
    before = version(talk)
    answer = talk.run("set time_until_inactive", options)
    assert answer.private and "`days`" in answer.text and words in answer.text, answer.text
    assert version(talk) == before


def test_refusals_in_german(talk):
    text = talk.run("set time_until_inactive", {"days": "6h"}, locale="de").text
    assert "`days`: erwartet: eine Dauer wie 12h oder 30d von 1d bis 5y: Menschen schlafen" in text


# --- what is asked first ----------------------------------------------------------------------------

def test_what_would_flag_people_says_how_many_first(talk):
    silent_for(talk, talk.members[10:17], 20)
    before = version(talk)
    answer = talk.run("set time_until_inactive", {"days": "14d"}, user=7)
    assert "would flag **7** members who are active now" in answer.text, answer.text
    assert "Nobody becomes due before <t:" in answer.text and "30d → **14d**" in answer.text
    assert version(talk) == before and list(answer.buttons) == ["Change", "Cancel"]
    done = talk.press(answer, "Change", user=7)
    assert done.type == 7 and "Settings changed" in done.text and not done.buttons
    assert stored(talk, "time_until_inactive") == 14 * DAY and version(talk) == before + 1
    again = talk.press(answer, "Change", user=7)
    assert "Settings changed" in again.text and version(talk) == before + 1


def test_what_was_not_watched_flags_nobody(talk):
    silent_for(talk, talk.members[10:17], 20, watched=10)
    answer = talk.run("set time_until_inactive", {"days": "14d"})
    assert "would flag **0** members" in answer.text, answer.text
    talk.press(answer, "Cancel")


def test_going_from_observing_to_acting_counts_too(talk):
    silent_for(talk, talk.members[10:14], 40)
    answer = talk.run("set mode", {"mode": "on"})
    assert "would flag **4** members" in answer.text and "observe → **on**" in answer.text


def test_what_cannot_be_counted_asks_as_well(talk):
    answer = talk.run("set protection", {"protect_staff": False})
    assert "left alone so far" in answer.text and list(answer.buttons) == ["Change", "Cancel"]
    before = version(talk)
    assert "Nothing was changed" in talk.press(answer, "Cancel").text
    assert version(talk) == before
    assert "Settings changed" in talk.press(answer, "Change").text


def test_a_preset_shows_all_that_it_changes(talk):
    answer = talk.run("set preset", {"preset": "education"})
    assert "`time_until_inactive`: 30d → **120d**" in answer.text
    assert "`preset`: standard → **education**" in answer.text
    talk.press(answer, "Change")
    assert stored(talk, "away_max") == 180 * DAY
    answer = talk.run("set preset", {"preset": "standard"})
    assert "`time_until_inactive`: 120d → **30d**" in answer.text and "would flag" in answer.text
    talk.press(answer, "Change")
    assert stored(talk, "away_max") is None and stored(talk, "time_until_inactive") is None


def test_a_press_that_takes_long_is_acknowledged_first(talk):
    answer = talk.run("set preset", {"preset": "education"})
    talk.stack.graphqld.send(signal.SIGSTOP)
    made = talk.send(type=3, custom_id=answer.buttons["Change"]["custom_id"], user=5, permissions="8")

    def acknowledged():
        talk.take()
        return talk.calls.get(made)

    try:
        assert harness.wait_until(acknowledged, 20, "the press is acknowledged")[0]["body"]["type"] == 6
    finally:
        talk.stack.graphqld.send(signal.SIGCONT)
    assert "Settings changed" in talk.answer(made, 20).text


def test_somebody_else_was_quicker(talk):
    answer = talk.run("set time_until_inactive", {"days": "14d"})
    talk.run("set away", {"away_per_year": 9})
    before = version(talk)
    assert "Somebody changed the settings" in talk.press(answer, "Change").text
    assert version(talk) == before and stored(talk, "time_until_inactive") is None


# --- the language -----------------------------------------------------------------------------------

def test_answers_follow_the_setting_then_the_guild_then_the_caller(talk):
    def says(locale, words, **args):
        assert words in talk.run("settings view", locale=locale, **args).text

    says("en-US", "Settings of this server")
    says("de", "Einstellungen dieses Servers")
    says("en-US", "Einstellungen dieses Servers", guild_locale="de")
    talk.run("set language", {"language": "de"})
    wait_version(talk, version(talk))
    says("en-US", "Einstellungen dieses Servers")
    assert "du brauchst" in talk.run("ping", permissions=0).text.lower()
    for broken in ("klingon", "fr", "de_DE", "x" * 100):
        answer = talk.run("set language", {"language": broken})
        assert "Diese Sprache" in answer.text or "`language`" in answer.text
    talk.run("set language", {"language": "en-US"})
    wait_version(talk, version(talk))
    says("de", "Settings of this server", guild_locale="de")
    talk.run("set language", {"language": "none"})
    wait_version(talk, version(talk))
    says("de", "Einstellungen dieses Servers")


def test_the_first_call_of_a_guild_knows_its_language(talk):
    """It waits until the settings are read."""
    guild = talk.sim.get("/_sim/world")["guilds"][1]["id"]
    talk.stack.graphqld.query("""mutation($g: Snowflake!) { updateSettings(guildId: $g, version: 0,
                                 changes: [{key: "language", value: "\\"de\\""}]) { code } }""", {"g": guild})
    answer = talk.run("settings view", guild=1)
    if "Einstellungen" not in answer.text:  # a machine that needs more than a second for a query
        assert answer.ack_ms > 1000
    harness.wait_until(lambda: "Einstellungen" in talk.run("settings view", guild=1).text, 20)


def test_after_a_change_nobody_is_due_for_a_week(talk):
    pg, mine = talk.stack.pg, talk.members[12]
    silent_for(talk, [mine], 20)
    pg.execute("update presence.member set joined_at = now() - interval '2 years'")
    answer = talk.run("set time_until_inactive", {"days": "14d"})
    talk.press(answer, "Change")
    wait_version(talk, version(talk))
    text = talk.run("status member", {"member": mine}).text
    assert "settings were changed in the last 7 days" in text, text
    assert "State: inactive" not in text


# --- who may ----------------------------------------------------------------------------------------

def test_who_may(talk):
    before = version(talk)
    assert "MANAGE_GUILD" in talk.run("set away", {"away_per_year": 5}, permissions=0).text
    refused = talk.run("set time_until_inactive", {"days": "60d"}, permissions=MANAGE_GUILD)
    assert "ADMINISTRATOR" in refused.text and version(talk) == before
    allowed = talk.run("set away", {"away_per_year": 5}, permissions=MANAGE_GUILD)
    assert "Settings changed" in allowed.text


def test_a_question_is_only_for_who_asked_it(talk):
    answer = talk.run("set time_until_inactive", {"days": "14d"}, user=7)
    before = version(talk)
    assert "whoever ran the command" in talk.press(answer, "Change", user=8).text
    assert "ADMINISTRATOR" in talk.press(answer, "Change", user=7, permissions=MANAGE_GUILD).text
    assert version(talk) == before


def test_a_database_that_is_away(talk):
    talk.stack.presenced.expect_any_error()
    talk.stack.graphqld.kill()
    assert "database" in talk.run("set away", {"away_per_year": 5}).text
    talk.stack.graphqld.start()
    harness.wait_until(lambda: "database" not in talk.run("set away", {"away_per_year": 5}).text, 20)
