"""/settings revert, reset, export and import: back to what was, and settings as a file."""

import json

import pytest

import harness
from talk import ADMINISTRATOR, Talk

MANAGE_GUILD = 32
DAY = 86400


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
    """Nothing is set."""
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


def change(talk, command, options):
    answer = talk.run(command, options)
    if answer.buttons:
        answer = talk.press(answer, "Change")
    assert "Settings changed" in answer.text, answer.text
    return version(talk)


def import_text(talk, text, **args):
    return talk.run("settings import", {"file": talk.file(text)}, **args)


def file_of(**keys):
    return json.dumps({"format": 1, "settings": {k.replace("__", "."): v for k, v in keys.items()}})


# --- back -------------------------------------------------------------------------------------------

def test_back_to_a_version(talk):
    first = change(talk, "set time_until_inactive", {"days": "60d"})
    second = change(talk, "set away", {"away_per_year": 6, "away_max": "20d"})
    change(talk, "set time_until_inactive", {"days": "90d"})
    change(talk, "set away", {"away_per_year": 8})
    answer = talk.run("settings revert", {"version": second})
    assert "`time_until_inactive`: 90d → **60d**" in answer.text
    assert "`away_per_year`: 8 → **6**" in answer.text and "away_max" not in answer.text
    before = version(talk)
    assert "Nothing was changed" in talk.press(answer, "Cancel").text and version(talk) == before
    done = talk.press(answer, "Change")
    assert "Settings changed" in done.text and version(talk) == before + 1
    assert settings(talk) == {"time_until_inactive": 60 * DAY, "away_per_year": 6, "away_max": 20 * DAY}
    talk.press(talk.run("settings revert", {"version": first}), "Change")
    assert settings(talk) == {"time_until_inactive": 60 * DAY}
    answer = talk.run("settings revert", {"version": first - 1})
    assert "60d → **30d**" in answer.text and "Nobody becomes due" in answer.text
    shown = talk.run("settings history").text
    assert f"version {before + 1} · `away_per_year` 8 → 6" in shown


def test_versions_that_there_are_not(talk):
    change(talk, "set away", {"away_per_year": 6})
    for bad in (version(talk) + 1, 2 ** 31 - 1):
        assert f"from 0 to {version(talk)}" in talk.run("settings revert", {"version": bad}).text
    assert "like that already" in talk.run("settings revert", {"version": version(talk)}).text
    assert "`version`" in talk.run("settings revert", {"version": -1}).text
    assert "`version`" in talk.run("settings revert", {"version": 2 ** 31}).text


def test_defaults_of_a_section_and_of_all(talk):
    change(talk, "set away", {"away_per_year": 6})
    change(talk, "set channels", {"channel_idle": "20d"})
    answer = talk.run("settings reset", {"section": "away"})
    assert "`away_per_year`: 6 → **4**" in answer.text and "channel_idle" not in answer.text
    talk.press(answer, "Change")
    assert settings(talk) == {"channel_idle": 20 * DAY}
    assert "expected one of" in talk.run("settings reset", {"section": "weather"}).text
    talk.press(talk.run("settings reset"), "Change")
    assert settings(talk) == {} and "like that already" in talk.run("settings reset").text


def test_what_cannot_be_set_is_no_section(talk):
    for section in ("caps", "auto_kick", "retention"):
        refused = talk.run("settings view", {"section": section}).text
        assert "`section`: expected one of" in refused and f"`{section}`" not in refused
    assert "protect_rsvp" not in talk.run("settings view", {"section": "protection"}).text


def test_what_was_before_a_reset_of_the_server_is_no_version(talk):
    old = change(talk, "set away", {"away_per_year": 6})
    answer = talk.stack.graphqld.query("mutation($g: Snowflake!) { softReset(guildId: $g) { code } }",
                                       {"g": talk.guild}, token=admin(talk))
    assert answer["data"]["softReset"]["code"] == "OK", answer
    at_reset = version(talk)
    change(talk, "set away", {"away_per_year": 7})
    assert f"from {at_reset} to" in talk.run("settings revert", {"version": old}).text
    talk.press(talk.run("settings revert", {"version": at_reset}), "Change")
    assert "at its default" in talk.run("settings view").text
    talk.stack.pg.execute("delete from presence.setting")


def admin(talk):
    token = talk.stack.graphqld.new_token("boss", "admin")
    import signal
    talk.stack.graphqld.send(signal.SIGHUP)
    talk.stack.graphqld.log.wait_for("tokens")
    return token


# --- files ------------------------------------------------------------------------------------------

def test_out_and_in_again(talk):
    change(talk, "set time_until_inactive", {"days": "60d"})
    change(talk, "set protection", {"protect_staff": False})
    answer = talk.run("settings export")
    name, data = next(iter(answer.files.items()))
    assert name == "presence-settings.json" and answer.private
    text = data.decode() if isinstance(data, bytes) else data
    assert json.loads(text)["settings"] == {"time_until_inactive": 60 * DAY, "protect_staff": False}
    talk.press(talk.run("settings reset"), "Change")
    answer = import_text(talk, text)
    assert "30d → **60d**" in answer.text and "`protect_staff`: on → **off**" in answer.text
    assert settings(talk) == {}
    assert "Settings changed" in talk.press(answer, "Change").text
    assert settings(talk) == {"time_until_inactive": 60 * DAY, "protect_staff": False}
    assert "like that already" in import_text(talk, text).text
    assert "60d → **30d**" in import_text(talk, file_of(protect_staff=False)).text


@pytest.mark.parametrize("text, words", [
    ("", "byte 0: expected {"), ("{", "expected"), ("[]", "expected {"), ("{}", "format and settings"),
    ("\ufeff{}", "expected {"), ('{"format": 2, "settings": {}}', "format: expected 1"),
    (file_of(mod="on"), "settings.mod: there is no such setting"),
    (file_of(time_until_inactive=5, away_per_year=99),
     "settings.time_until_inactive: expected a duration such as 12h or 30d from 1d to 5y"),
    (file_of(min_days=30, time_until_inactive=DAY), "min_days: expected no more days"),
    (file_of(auto_kick=True), "settings.auto_kick: this version of Presence does not do that yet"),
    (file_of(kick_caps__per_run=500), "settings.kick_caps.per_run: this version"),
    ("x" * 70000, "at most 64 kB"), ("x" * 60000, "expected {"), ("[" * 60000, "expected {"),
    ('{"format": 1, "settings": {"' + "k" * 5000 + '": 1}}', "there is no such setting"),
])
def test_files_that_are_not_good(talk, text, words):
    change(talk, "set away", {"away_per_year": 6})
    before = version(talk)
    answer = import_text(talk, text)
    assert answer.private and words in answer.text and not answer.buttons, answer.text
    assert version(talk) == before and settings(talk) == {"away_per_year": 6}


def test_all_that_is_wrong_with_a_file_is_told(talk):
    text = import_text(talk, file_of(time_until_inactive=5, away_per_year=99, mod=1), locale="de").text
    assert "settings.away_per_year: erwartet: eine ganze Zahl von 1 bis 52" in text
    assert "settings.mod: diese Einstellung gibt es nicht" in text and "time_until_inactive" in text


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:1/x", "https://cdn.discordapp.com.evil.example/x", "file:///etc/passwd",
    "https://cdn.discordapp.com@evil.example/x", "https://evil.example/cdn.discordapp.com/x",
    "//cdn.discordapp.com/x", "https://cdn.discordapp.com", "https://cdn.discordapp.com/a b", "",
    "gopher://cdn.discordapp.com/x", "https://cdn.discordapp.com\\@evil.example/", "x" * 5000, 7, None,
])
def test_files_from_elsewhere_are_not_fetched(talk, url):
    data = {"id": "1", "type": 1, "name": "settings", "options": [
        {"type": 1, "name": "import", "options": [{"type": 11, "name": "file", "value": "77777777777777777"}]}],
        "resolved": {"attachments": {"77777777777777777": {"id": "77777777777777777", "size": 5,
                                                           "filename": "x", "url": url}}}}
    answer = talk.answer(talk.send(type=2, user=5, permissions=str(ADMINISTRATOR), data=data))
    assert answer.private and "`file`: expected" in answer.text, answer.text


def test_a_file_that_is_gone(talk):
    base = talk.sim.base
    for url in (f"{base}/api/attachments/1/2/x.json", f"{base}/nowhere"):
        data = {"id": "1", "type": 1, "name": "settings", "options": [
            {"type": 1, "name": "import", "options": [
                {"type": 11, "name": "file", "value": "77777777777777777"}]}],
            "resolved": {"attachments": {"77777777777777777": {
                "id": "77777777777777777", "size": 5, "filename": "x", "url": url}}}}
        answer = talk.answer(talk.send(type=2, user=5, permissions=str(ADMINISTRATOR), data=data))
        assert "did not hand out the file" in answer.text


def test_who_may(talk):
    for command, options in (("revert", {"version": 0}), ("reset", {}), ("export", {}), ("history", {}),
                             ("import", {"file": talk.file("{}")})):
        text = talk.run(f"settings {command}", options, permissions=MANAGE_GUILD).text
        assert "ADMINISTRATOR" in text, command
    assert "default" in talk.run("settings view", permissions=MANAGE_GUILD).text
