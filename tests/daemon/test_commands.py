"""Commands through every layer: from a user of the simulator over the gateway, a worker and a cog to
the answer that the simulator's REST receives."""

import os
import random
import re
import signal
import subprocess
import time

import pytest

import harness
from simclient import Control
from talk import DEFERRED, Talk

HOSTILE = ["x" * 10000, "\u200b\u200b", "\u202etxt.exe", "@everyone <@1> <@&2> <#3>", "\x07bell",
           "'; drop table member; --", '"}) { guilds { id } } #', "${jndi:ldap://x}", "%s%n%x",
           "🏳️‍🌈" * 900, "", "0", "\\u0000", "`" * 50 + "||" * 50]
WRONG_IDS = ["18446744073709551616", "99999999999999999999999", "-5", "", "0", "1 or 1=1", "\u0661"]
SUB_COMMAND, TEXT, INTEGER, BOOL, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = 1, 3, 4, 5, 6, 7, 8, 9, 10, 11


@pytest.fixture(scope="module")
def talk():
    stack = harness.Stack(sim_args=["--guilds", 2, "--members", 40, "--set", "rest_bucket=100000"])
    try:
        stack.start()
        yield Talk(stack).wait_registered()
    except BaseException:
        stack.close(check=False)
        raise
    stack.close()


def actions(registered):
    """(what to run, its options) of each slash command."""
    for command in registered:
        if command["type"] != 1:
            continue
        options = command.get("options", [])
        subs = [o for o in options if o["type"] == SUB_COMMAND]
        for sub in subs:
            yield f"{command['name']} {sub['name']}", sub.get("options", [])
        if not subs:
            yield command["name"], options


def good(talk, option):
    kind = option["type"]
    if option.get("choices"):
        return option["choices"][0]["value"]
    if option["name"] in ("depth", "min_idle", "joined_before", "period", "since", "until", "days", "new_member_grace",
                          "away_max", "channel_idle"):
        return "30d"
    if kind == ATTACHMENT:
        return talk.file('{"format": 1, "settings": {"away_per_year": 7}}')
    if option["name"] == "language":
        return "en-US"
    if option["name"] == "ignored_channels":
        return talk.channels[0]["id"]
    if option["name"] == "section":
        return "voice"
    if option["name"] == "command":
        return "status member"
    return {TEXT: "x" * max(1, option.get("min_length", 1)), INTEGER: option.get("min_value", 1),
            NUMBER: option.get("min_value", 1), BOOL: True, USER: talk.members[7],
            CHANNEL: next(c["id"] for c in talk.channels
                          if c["type"] in option.get("channel_types", [0])),
            ROLE: talk.roles[1]["id"], MENTIONABLE: talk.members[7]}[kind]


def bad_values(option):
    """(value, whether it must be refused) for one option."""
    kind = option["type"]
    if option.get("choices"):
        yield from ((v, True) for v in ("no-such-choice", "'; drop table x", 5))
    elif kind == TEXT:
        least, most = option.get("min_length", 0), option.get("max_length", 6000)
        for v in HOSTILE:
            yield v, len(v) < least or len(v) > most
        yield 7, True
    elif kind in (INTEGER, NUMBER):
        yield from ((v, True) for v in ("7", True, 2 ** 60, -2 ** 60, 1e300))
        if "min_value" in option:
            yield option["min_value"] - 1, True
            yield option["max_value"] + 1, True
    elif kind == BOOL:
        yield from ((v, True) for v in ("true", 1, "x" * 10000))
    else:
        yield from ((v, True) for v in [*WRONG_IDS, 5, True])


# --- registration -----------------------------------------------------------------------------------

def test_registration_is_what_discord_takes(talk):
    names = [c["name"] for c in talk.registered()]
    assert {"status", "ping", "Activity status", "Nudge"} <= set(names)
    assert all(c["contexts"] == [0] for c in talk.registered())


def test_the_page_lists_them_all(talk):
    page = (harness.BUILD_DIR / "man/presence-commands.7").read_text()
    listed = re.findall(r"^\.It Ic (.*)$", page, re.M)
    for command, options in actions(talk.registered()):
        usage = " ".join([f"/{command}"] + [o["name"] if o.get("required") else f"[{o['name']}]"
                                           for o in options])
        assert usage in listed
        assert all(f".It Ar {o['name']}\n{o['description']}\n" in page for o in options)
    assert "?ping" in " ".join(listed)


def test_commands_are_registered_only_when_they_differ(make_stack):
    stack = make_stack(sim_args=["--guilds", 1, "--members", 5])
    stack.start()
    talk = Talk(stack).wait_registered()
    body = talk.registered()
    path = next(r["path"] for r in stack.sim.get("/_sim/received?what=rest")["items"]
                if r["method"] == "PUT")

    def listed():
        return sum(r["method"] == "GET" and r["path"].endswith("/commands")
                   for r in stack.sim.get("/_sim/received?what=rest")["items"])

    before = listed()
    stack.presenced.restart()
    stack.presenced.wait_live()
    harness.wait_until(lambda: listed() > before, 20, "the registered commands are read")
    talk.run("status member")
    assert len(talk.registrations()) == 1
    body[0]["description"] = "Somebody else's words"
    status, _, _ = Control(stack.sim.base, stack.sim.token).rest("PUT", path, body)
    assert status == 200
    stack.presenced.restart()
    stack.presenced.wait_live()
    talk.wait_registered(2)
    assert talk.registered()[0]["description"] != "Somebody else's words"


def forget_settings(talk):
    answer = talk.run("settings reset")
    if answer.buttons:
        talk.press(answer, next(iter(answer.buttons)))


# --- every command ----------------------------------------------------------------------------------

def test_every_command_with_good_options(talk):
    for command, options in actions(talk.registered()):
        required = {o["name"]: good(talk, o) for o in options if o.get("required")}
        everything = {o["name"]: good(talk, o) for o in options}
        if command.startswith("set "):
            forget_settings(talk)  # they must go together
        for given in (required, everything):
            answer = talk.run(command, given)
            assert answer.text or answer.type == 9, (command, given)
            assert "expected" not in answer.text and "is missing" not in answer.text, answer.text


def test_every_command_without_what_it_needs(talk):
    for command, options in actions(talk.registered()):
        for missing in (o for o in options if o.get("required")):
            given = {o["name"]: good(talk, o) for o in options
                     if o.get("required") and o is not missing}
            answer = talk.run(command, given)
            assert answer.private and f"`{missing['name']}` is missing" in answer.text, command


def test_every_option_with_values_that_no_client_would_send(talk):
    for command, options in actions(talk.registered()):
        required = {o["name"]: good(talk, o) for o in options if o.get("required")}
        for option in options:
            for value, refused in bad_values(option):
                answer = talk.run(command, required | {option["name"]: value})
                assert not refused or (answer.private and f"`{option['name']}`" in answer.text), (
                    command, option["name"], str(value)[:80], answer.text)


def test_every_command_without_the_permission(talk):
    for command in talk.registered():
        if "default_member_permissions" not in command:
            continue
        names = ([c for c, _ in actions([command])] if command["type"] == 1 else [command["name"]])
        for name in names:
            args = {} if command["type"] == 1 else {"target": talk.members[8]}
            answer = talk.run(name, permissions=0, **args)
            assert answer.private and "You may not do this" in answer.text or \
                "is missing" in answer.text, (name, answer.text)


@pytest.mark.parametrize("data", [
    {"name": "gone", "type": 1}, {"name": "status", "type": 1}, {"name": "status", "type": 2},
    {"name": "x" * 5000, "type": 1}, {"type": 1}, {}, {"name": 7, "type": 1},
    {"name": "status", "type": 1, "options": [{"name": "member", "type": 2, "options": []}]},
    {"name": "status", "type": 1, "options": [{"name": "member", "type": 1, "options": [
        {"name": "member", "type": 3, "value": "x"}]}]},
    {"name": "status", "type": 1, "options": "x"}, {"name": "Activity status", "type": 2},
])
def test_commands_that_were_never_registered(talk, data):
    answer = talk.answer(talk.send(type=2, user=5, data=data))
    assert answer.private and answer.text


# --- what is said -----------------------------------------------------------------------------------

def test_who_asks_about_himself_is_told_of_the_time_before(talk):
    talk.sim.act("message", user=20)
    assert "a message" in talk.run("status member", user=20).text
    assert "a command" in talk.run("status member", user=20).text
    assert "a command" in talk.run("status member", {"member": talk.members[20]}, user=21).text


def test_status_of_somebody_else(talk):
    talk.sim.act("message", user=22)
    look = ("status member", {"member": talk.members[22], "detail": True})
    harness.wait_until(lambda: "Joined" in talk.run(*look, user=23).text, 20)
    answer = talk.run(*look, user=23)
    assert answer.private and "a message" in answer.text
    assert talk.members[22] in answer.text
    answer = talk.run("status member", {"member": talk.members[22], "public": True}, user=23)
    assert not answer.private
    answer = talk.run("status member", {"member": talk.members[22], "detail": True}, user=23,
                      permissions=0)
    assert "MODERATE_MEMBERS" in answer.text and "a message" not in answer.text
    assert "Bots" in talk.run("status member", {"member": talk.members[1]}).text
    assert "not a member" in talk.run("status member", {"member": "994893149241479228"}).text
    assert "a message" in talk.run("Activity status", target=talk.members[22], user=23).text


def test_status_of_a_channel_and_of_the_guild(talk):
    hidden = talk.sim.act("channel_create", name="staff", hidden=True)["id"]
    general = next(c["id"] for c in talk.channels if c["name"] == "general")
    talk.sim.act("message", user=26)

    def shown():
        text = talk.run("status channel", {"channel": general}, user=27).text
        return "People in 7 days: 0" not in text and text

    assert f"<#{general}>" in harness.wait_until(shown, 20)
    assert "do not see" in talk.run("status channel", {"channel": hidden}, user=27).text
    assert "Messages in 90 days" in talk.run("status channel", user=27).text
    assert "do not see" in talk.run("status channel", {"channel": "994893149241479228"}).text
    answer = talk.run("status guild", {"public": True})
    assert "People: 40" in answer.text and not answer.private
    assert "Last activity: <t:" in answer.text and " 0 % of the last 30" in answer.text


def test_lengths_of_time(talk):
    for text in ("36h", "10d", "2w", "3mo", "1y"):
        assert "<t:" in talk.run("inactive list", {"min_idle": text}).text
    for text in ("30", "0d", "-3d", "1m", "d", "11y", "3 parsecs", "9999999999999999999d"):
        answer = talk.run("inactive list", {"min_idle": text})
        assert answer.private and "`min_idle`: expected a length of time" in answer.text, text


def test_help(talk):
    everything = talk.run("help").text
    for command, _ in actions(talk.registered()):
        assert f"/{command}" in everything
        assert f"/{command}" in talk.run("help", {"command": command}).text
    assert "KICK_MEMBERS" in talk.run("help", {"command": "/ping"}).text
    assert "no command" in talk.run("help", {"command": "<@5> `x`"}).text


# --- buttons ----------------------------------------------------------------------------------------

def press(talk, custom_id, user=5, permissions=8, **args):
    return talk.answer(talk.send(type=3, custom_id=custom_id, user=user,
                                 permissions=str(permissions), **args))


@pytest.fixture(scope="module")
def crowd():
    """A guild of people who were last seen long ago."""
    stack = harness.Stack(sim_args=["--guilds", 1, "--members", 40, "--set", "rest_bucket=100000"])
    try:
        stack.start()
        talk = Talk(stack).wait_registered()
        for n, user in enumerate(talk.members[2:]):
            stack.pg.execute("insert into presence.last_seen (guild_id, user_id, last_seen, "
                             "last_counted, last_seen_kind, last_counted_kind) values "
                             "(%s, %s, now() - %s * interval '1 day', now() - %s * interval '1 day', "
                             "1, 1) on conflict (guild_id, user_id) do nothing",
                             (talk.guild, user, 40 + n, 40 + n))
        yield talk
    except BaseException:
        stack.close(check=False)
        raise
    stack.close()


def listed(answer):
    return re.findall(r"<@(\d+)>", answer.embed["description"])


def test_pages_are_turned(crowd):
    first = crowd.run("inactive list", user=6)
    assert len(listed(first)) == 15 and list(first.buttons) == ["More"] and first.private
    second = press(crowd, first.buttons["More"]["custom_id"], user=6)
    assert second.type == 7 and list(second.buttons) == ["Back", "More"]
    third = press(crowd, second.buttons["More"]["custom_id"], user=6)
    assert list(third.buttons) == ["Back"]
    seen = listed(first) + listed(second) + listed(third)
    assert len(set(seen)) == len(seen) > 30
    back = press(crowd, third.buttons["Back"]["custom_id"], user=6)
    assert listed(back) == listed(second)
    assert third.embed["footer"]["text"] == f"{len(seen)} in all"


def test_buttons_are_their_owners(crowd):
    mine = crowd.run("inactive list", user=6).buttons["More"]["custom_id"]
    for made_up in (mine[:-1] + ("0" if mine[-1] != "0" else "1"), mine.replace("inactive", "channels"),
                    "inactive.ffffffff.1.000000000000000000000000", "x" * 100, "x" * 5000, "", "\u0000"):
        answer = press(crowd, made_up, user=6)
        assert answer.type == 4 and answer.private and "whoever ran" in answer.text, made_up
    assert "whoever ran" in press(crowd, mine, user=7).text
    answer = press(crowd, mine, user=6, permissions=0)
    assert "KICK_MEMBERS" in answer.text and answer.type == 4
    assert press(crowd, mine, user=6).type == 7


def test_buttons_do_not_outlive_what_they_stand_for(crowd):
    """After a restart the same secret signs, but what was listed is forgotten; with another secret
    nothing that was shown before is taken."""
    stack = crowd.stack
    mine = crowd.run("inactive list", user=6).buttons["More"]["custom_id"]
    stack.presenced.restart()
    stack.presenced.wait_live()
    assert "too old" in press(crowd, mine, user=6).text
    mine = crowd.run("inactive list", user=6).buttons["More"]["custom_id"]
    secret = stack.dir / "state" / "secret"
    assert secret.stat().st_mode & 0o777 == 0o600 and len(secret.read_text().strip()) == 64
    secret.write_text("another secret\n")
    assert stack.presenced.reload()["ok"]
    assert "whoever ran" in press(crowd, mine, user=6).text
    assert "another" not in stack.presenced.log.text()


# --- in time, and once ------------------------------------------------------------------------------

def test_a_slow_database_is_waited_for_behind_a_deferral(make_stack):
    stack = make_stack(sim_args=["--guilds", 1, "--members", 20])
    stack.start()
    talk = Talk(stack).wait_registered()
    assert talk.run("status member").type == 4
    for public in (False, True):
        os.kill(stack.graphqld.pid, signal.SIGSTOP)
        made = talk.send(type=2, command="status member", options={"public": public}, user=5)
        deferral = harness.wait_until(lambda: talk.take() or talk.calls.get(made), 10)[0]
        os.kill(stack.graphqld.pid, signal.SIGCONT)
        assert deferral["body"]["type"] == DEFERRED
        answer = talk.answer(made, 20)
        assert answer.private is not public and talk.members[5] in answer.text


def test_without_a_database_what_is_in_memory_is_told(make_stack):
    stack = make_stack(sim_args=["--guilds", 1, "--members", 20])
    stack.presenced.expected += ["graphql_away"]
    stack.start()
    talk = Talk(stack).wait_registered()
    stack.sim.act("message", user=6)
    stack.graphqld.stop()
    answer = talk.run("status member", {"member": talk.members[6]}, user=7)
    assert "a message" in answer.text and "database" in answer.text
    stack.graphqld.start()
    harness.wait_until(lambda: "database" not in talk.run("status member", user=7).text, 20)


def test_what_comes_too_late_is_a_sighting_only(talk):
    before = talk.sim.sent().get("interaction", 0)
    made = talk.send(type=2, command="ping", user=5, permissions="8", age_ms=2600)
    assert talk.silence(made)
    assert talk.sim.sent()["interaction"] > before


def test_what_is_replayed_is_a_sighting_only(make_stack):
    stack = make_stack(sim_args=["--guilds", 1, "--members", 20])
    stack.start()
    talk = Talk(stack).wait_registered()
    stack.sim.post("/_sim/refuse", {"connects": 1, "status": 503})
    stack.sim.post("/_sim/drop")
    made = talk.send(type=2, command="ping", user=5, permissions="8")
    stack.presenced.log.wait_for("gateway_resumed")
    assert talk.silence(made)


def test_a_dead_worker_leaves_no_command_to_be_run_again(make_stack):
    """Killed at random between a command's arrival and its answer: answered once, or not at all."""
    stack = make_stack(sim_args=["--guilds", 1, "--members", 20])
    stack.presenced.expect_any_error()
    stack.start()
    talk = Talk(stack).wait_registered()
    rng, made = random.Random(9), []
    for turn in range(12):
        made += [talk.send(type=2, command="ping", user=5 + n, permissions="8") for n in range(4)]
        time.sleep(rng.random() * 0.2)  # not waited for: any moment is as good
        victims = stack.presenced.workers()
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        harness.wait_until(lambda: len(set(stack.presenced.workers()) - set(victims)) == 2, 30)
    harness.wait_until(lambda: talk.run("status member").type == 4, 30)
    answered = [len([c for c in talk.calls.get(m, []) if c["status"] == 204]) for m in made]
    assert max(len(talk.calls.get(m, [])) for m in made) <= 1
    assert sum(answered) > 0


def test_permissions_are_the_members_own(talk):
    """As the simulator computes them from roles: nobody here may kick."""
    made = talk.send(type=2, command="ping", user=9)
    assert "KICK_MEMBERS" in talk.answer(made).text


def test_what_comes_next(crowd):
    """Only silence that was watched counts; who is exempt, on leave or of the staff is left alone."""
    pg, guild, mine = crowd.stack.pg, crowd.guild, crowd.members[30]

    def status(**args):
        return crowd.run("status member", {"member": mine}, user=6, **args)

    pg.execute("update presence.guild set bot_joined_at = now() - interval '200 days' "
               "where guild_id = %s", (guild,))
    pg.execute("update presence.member set joined_at = now() - interval '2 years' "
               "where guild_id = %s", (guild,))
    assert "State: active" in status().text
    pg.execute("insert into presence.coverage (guild_id, session, from_at, to_at, open_reason) values "
               "(%s, 1, now() - interval '200 days', now() - interval '1 minute', 'CREATE')", (guild,))
    answer = status()
    assert "to be marked inactive <t:" in answer.text, answer.text
    crowd.run("exempt add", {"target": mine})
    assert "State: exempt" in status().text and "• is exempt" in status().text
    crowd.run("exempt remove", {"target": mine})
    crowd.run("away set", {"until": "5d", "member": mine})
    assert "State: away" in status().text
    crowd.run("away end", {"member": mine})
    crowd.sim.act("message", user=30)
    answer = status()
    assert "State: active" in answer.text and "a reminder" in answer.text


# --- languages --------------------------------------------------------------------------------------

GETTEXT = ["xgettext", "--from-code=UTF-8", "--keyword=_", "--keyword=N_", "-o", "-"]


def catalogue(text):
    """Messages of a catalogue: {id: translation}."""
    entries = re.findall(r'^msgid ((?:"(?:[^"\\]|\\.)*"\n)+)msgstr ((?:"(?:[^"\\]|\\.)*"\n?)+)', text,
                         re.M)
    return {"".join(re.findall(r'"((?:[^"\\]|\\.)*)"', a)): "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', b))
            for a, b in entries}


def test_every_text_is_translated():
    sources = [p for room in ("cogs", "core", "discord", "worker")
               for p in sorted((harness.SOURCE_DIR / "src" / room).glob("*.c"))]
    found = catalogue(subprocess.run([*GETTEXT, *map(str, sources)], check=True, text=True,
                                     capture_output=True).stdout)
    found.pop("")
    assert len(found) > 150
    for po in (harness.SOURCE_DIR / "po").glob("*.po"):
        subprocess.run(["msgfmt", "--check-format", "-o", "/dev/null", str(po)], check=True)
        translated = catalogue(po.read_text())
        translated.pop("", None)
        assert not set(found) - set(translated), f"{po.name} lacks {set(found) - set(translated)}"
        assert not set(translated) - set(found), f"{po.name} has too much"
        assert all(translated.values())


def test_no_text_to_users_is_left_in_english():
    """What is put into an answer is in _( ) or N_( ): a literal of words elsewhere would stay English."""
    words = re.compile(r"(?<![%a-z])[A-Za-z]{2,} [A-Za-z]{2,}")
    for path in sorted((harness.SOURCE_DIR / "src" / "cogs").glob("*.c")):
        text = re.sub(r"/\*.*?\*/|#include[^\n]*", "", path.read_text(), flags=re.S)
        text = re.sub(r'\b(?:_|N_)\(\s*(?:"(?:[^"\\]|\\.)*"\s*)+\)', "", text)
        literals = re.findall(r'"((?:[^"\\\n]|\\.)*)"', text)
        assert not [t for t in literals if words.search(t)], path.name


def test_answers_in_german(talk):
    forget_settings(talk)
    harness.wait_until(lambda: "Einstellungen" in talk.run("settings view", locale="de").text, 20)
    answer = talk.run("status member", {"detail": True}, user=30, locale="de")
    assert "Untätig seit" in answer.text and "Idle" not in answer.text
    assert "Das darfst du hier nicht" in talk.run("ping", permissions=0, locale="de").text
    assert "Zeitspanne" in talk.run("inactive list", {"min_idle": "x"}, locale="de").text
    assert "Idle for" in talk.run("status member", user=30, locale="fr").text
    status = next(c for c in talk.registered() if c["name"] == "status")
    assert status["description_localizations"]["de"].startswith("Wer und was")


# --- changes ----------------------------------------------------------------------------------------

def test_exemptions(talk):
    member, role = talk.members[12], talk.roles[1]["id"]
    talk.stack.pg.execute("delete from presence.exemption")
    assert "Nobody is exempt" in talk.run("exempt list").text
    answer = talk.run("exempt add", {"target": member, "until": "30d", "reason": "**on** leave"})
    assert "is exempt until <t:" in answer.text and answer.private
    assert "take it back" in talk.run("exempt add", {"target": role}).text
    shown = talk.run("exempt list").text
    assert f"<@{member}>" in shown and f"<@&{role}>" in shown and r"\*\*on\*\*" in shown
    assert "is exempt by" in talk.run("exempt check", {"member": member}).text
    assert "is not exempt." in talk.run("exempt check", {"member": talk.members[13]}).text
    assert "not exempt any more" in talk.run("exempt remove", {"target": member}).text
    assert "Nothing was changed" in talk.run("exempt remove", {"target": member}).text
    assert "not exempt any more" in talk.run("exempt remove", {"target": role}).text
    assert "is exempt until you" in talk.run("Exempt from purge", target=member).text
    talk.run("exempt remove", {"target": member})
    assert talk.stack.pg.execute("select count(*) from presence.exemption") == [(0,)]


def test_settings_are_shown(talk):
    def run(command, options=None):
        return talk.run(command, options, guild=1).text

    guild = talk.sim.get("/_sim/world")["guilds"][1]["id"]
    assert "at its default" in run("settings view")
    assert "No setting" in run("settings history")
    assert "time_until_inactive: 30d" in run("settings view", {"section": "time_until_inactive"})
    refused = run("settings view", {"section": "weather"})
    assert "`section`: expected one of" in refused and "`voice`" in refused
    changed = talk.stack.graphqld.query(
        """mutation($g: Snowflake!, $a: Snowflake) { updateSettings(guildId: $g, version: 0, actorId: $a,
           changes: [{key: "time_until_inactive", value: "1728000"}]) { code errors } }""",
        {"g": guild, "a": talk.members[4]})
    assert changed["data"]["updateSettings"]["code"] == "OK", changed
    assert "time_until_inactive: **20d**" in run("settings view")
    history = run("settings history")
    assert "default → 20d" in history and f"<@{talk.members[4]}>" in history


def test_absences(talk):
    talk.stack.pg.execute("delete from presence.absence")
    assert "There is no absence" in talk.run("away end", user=14).text
    answer = talk.run("away set", {"until": "10d", "reason": "sea"}, user=14, permissions=0)
    assert "Away until <t:" in answer.text
    assert f"<@{talk.members[14]}>" in talk.run("away list", user=14, permissions=0).text
    assert "MODERATE_MEMBERS" in talk.run("away list", {"all": True}, user=15, permissions=0).text
    assert f"<@{talk.members[14]}>" in talk.run("away list", {"all": True}, user=15).text
    assert "MODERATE_MEMBERS" in talk.run("away end", {"member": talk.members[14]}, user=15,
                                          permissions=0).text
    assert "Welcome back" in talk.run("away end", user=14, permissions=0).text
    assert "Nothing was changed" in talk.run("away set", {"until": "365d"}, user=14).text
