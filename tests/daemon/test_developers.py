"""Developers' commands by message: who may give them, when they run, and what they answer."""

import json
import re

import pytest

import harness
import talk

DEVELOPER, STRANGER = 7, 8


class Room:
    """A channel in which simulated people write, and what the bot answers there."""

    def __init__(self, stack):
        self.stack, self.sim = stack, stack.sim
        self.judge = talk.Judge()
        self.read = 0
        self.answers = []
        guilds = self.sim.get("/_sim/world?members=1")["guilds"]
        self.guild = guilds[0]
        self.members = [m["id"] for m in self.guild["members"]]
        self.bot = self.members[0]

    def write(self, content, user=DEVELOPER, kind="message", **args):
        """Returns the message's id."""
        return self.sim.act(kind, user=user, content=content, **args)["id"]

    def take(self):
        got = self.sim.get(f"/_sim/received?what=rest&since={self.read}")
        self.read = got["next"]
        for r in got["items"]:
            if r["method"] == "POST" and re.fullmatch(r"/channels/\d+/messages", r["path"]):
                assert r["status"] == 200, r
                body = json.loads(r["body"])
                self.judge.check("/channels/{channel_id}/messages", "post", body)
                assert body["allowed_mentions"]["parse"] == []
                self.answers.append(body)
        return self.answers

    def answers_to(self, message):
        self.take()
        return [a["content"] for a in self.answers
                if a["message_reference"]["message_id"] == message]

    def answer(self, message, count=1, deadline=20):
        return harness.wait_until(lambda: len(a := self.answers_to(message)) >= count and a,
                                  deadline, f"an answer to {message}")[count - 1]

    def ask(self, content, **args):
        return self.answer(self.write(content, **args))


@pytest.fixture
def start(make_stack):
    def make(conf=None, sim_args=(), **discord):
        stack = make_stack(sim_args=["--guilds", 3, "--members", 30, *sim_args],
                           conf={"workers": {"count": 2}, **(conf or {})})
        stack.start_servers()
        members = stack.sim.get("/_sim/world?members=1")["guilds"][0]["members"]
        stack.conf.update(discord={"developers": members[DEVELOPER]["id"], **discord}).save()
        stack.presenced.start()
        stack.presenced.wait_live()
        return Room(stack)

    return make


@pytest.fixture
def room(start):
    return start()


def orders(room):
    return [e.message for e in room.stack.presenced.log.events("order")]


def test_ping(room):
    text = room.ask("?ping")
    assert text.startswith("I am here.") and "PostgreSQL: up" in text and "Redis: up" in text
    assert room.ask("? PING please").endswith("`?ping`")
    assert room.ask(f"<@{room.bot}> ping", mention_bot=True).startswith("I am here.")
    assert "`?setup`" in room.ask(f"<@{room.bot}> what can you do?", mention_bot=True)
    harness.wait_until(lambda: len(orders(room)) == 4, what="a line for each")
    developer, guild = room.members[DEVELOPER], room.guild["id"]
    assert orders(room)[0] == f"ping by {developer}, guild {guild}: done"


def test_only_commands_are_answered(room):
    silent = [room.write(text) for text in (
        "ping", "??", "? what", "?pingg", "<@1> ping", "", "x?ping", "?" + "ping " * 200,
        "\u200b?ping", "?\u202egnip", "<@" + "9" * 300 + "> ping")]
    silent += [room.write("?ping", kind=kind) for kind in ("bot_message", "webhook_message")]
    room.ask("?ping")
    assert not any(room.answers_to(m) for m in silent)


def test_strangers_are_refused_once(room):
    first = room.write("?ping", user=STRANGER)
    assert "developers who run this bot" in room.answer(first)
    later = [room.write(text, user=STRANGER) for text in ("?ping", "?setup", "?sync now")]
    other = room.write("? ", user=STRANGER + 1)
    assert "developers" in room.ask("?sync", user=STRANGER + 2)
    room.ask("?ping")
    assert not any(room.answers_to(m) for m in [*later, other])
    assert len([o for o in orders(room) if "not a developer" in o]) == 2


def test_without_developers_nobody_is_answered(start):
    room = start(developers="")
    assert room.write("?ping")
    done = room.sim.sent()["message"]
    harness.wait_until(lambda: room.stack.pg.execute(
        "select coalesce(sum(count), 0) from activity where kind = 1")[0][0] >= done)
    assert not room.take() and not orders(room)


def test_without_the_intent_a_mention_is_needed(start):
    room = start(message_content="no")
    bare = room.write("?ping")
    assert room.ask(f"<@{room.bot}> ping", mention_bot=True).startswith("I am here.")
    assert not room.answers_to(bare)


def test_a_prefix_of_ones_own(start):
    room = start(prefix="p!")
    other = room.write("?ping")
    assert room.ask("p!ping").startswith("I am here.")
    assert not room.answers_to(other)


def test_direct_messages(start):
    room = start(intents=18943687 + 4096)
    assert room.ask("?ping", kind="dm").startswith("I am here.")
    assert "guild_id: expected" in room.ask("?setup", kind="dm")
    for guild in room.sim.get("/_sim/world")["guilds"]:  # whichever worker owns its lane
        message = room.write(f"?setup {guild['id']}", kind="dm")
        assert "Server: known and watched" in room.answer(message)
    assert "Discord has not shown it" in room.ask("?setup 994893149241479228", kind="dm")


def test_sync(room):
    puts = lambda: [r for r in room.sim.get("/_sim/received?what=rest")["items"]
                    if r["method"] == "PUT" and r["path"].endswith("/commands")]
    room.stack.presenced.log.wait_for("commands_registered")
    assert room.ask("?sync") == "Discord has the commands as they are here."
    assert len(puts()) == 1
    room.sim.http("POST", "/_sim/refuse", {"rest": 1, "status": 403, "path": "/commands", "code": 50001})
    room.stack.presenced.expect_error("commands_not_registered")
    assert "could not be compared" in room.ask("?sync")


def test_setup(room):
    harness.wait_until(lambda: room.stack.pg.execute("select count(*) from guild")[0][0] == 3)
    message = room.write("?setup")
    steps = room.answer(message)
    assert "Server: known and watched" in steps
    assert "Settings: version" in steps
    assert "Permissions: all there" in steps
    assert "Members: asked for" in steps
    chunks = len(room.sim.get("/_sim/received?what=request_members")["items"])
    assert re.search(r"Members: 3\d are listed", room.answer(message, count=2, deadline=60))
    assert len(room.sim.get("/_sim/received?what=request_members")["items"]) == chunks + 1


def test_not_when_it_is_old_or_comes_again(room):
    """Replayed after a RESUME it is a sighting only, and so is one that is over a minute old."""
    room.ask("?ping")
    room.sim.post("/_sim/stall", {"sending": True})
    missed = room.write("?ping")
    room.sim.post("/_sim/drop", {})
    room.stack.presenced.log.wait_for("gateway_resumed")
    room.stack.presenced.wait_live()
    assert room.ask("?ping").startswith("I am here.")
    assert not room.answers_to(missed)
    done = room.sim.sent()["message"]
    harness.wait_until(lambda: room.stack.pg.execute(
        "select coalesce(sum(count), 0) from activity where kind = 1")[0][0] == done)


# --- codes and ?delete ------------------------------------------------------------------------------

def code_in(text):
    return re.search(r"repeat `([0-9A-Z]{6})` here", text)[1]


def recorded(room, user, guild=None):
    """How many acts of a member the database knows."""
    return room.stack.pg.execute(
        "select coalesce(sum(count), 0) from activity where user_id = %s and guild_id = %s",
        (user, guild or room.guild["id"]))[0][0]


def erasures(room):
    return room.stack.pg.execute("select count(*) from audit where operation = 'hardReset'")[0][0]


def act_as(room, index, times=3):
    before = recorded(room, room.members[index])
    for _ in range(times):
        room.write("Good morning", user=index)
    harness.wait_until(lambda: recorded(room, room.members[index]) == before + times)
    return room.members[index]


def redis_keys(room, pattern):
    return list(room.stack.redis.client().scan_iter(match=pattern))


def test_delete_a_member(room):
    victim, other = act_as(room, 11), act_as(room, 12)
    guild = room.guild["id"]
    for user in (victim, other):
        harness.wait_until(lambda: redis_keys(room, f"*:member:{user}"))
    shown = room.ask(f"?delete member {victim}")
    assert "`activity` 1" in shown and "`member` 1 (put back" in shown
    assert recorded(room, victim) == 3 and erasures(room) == 0
    done = room.ask(code_in(shown).lower())
    assert done.startswith("Deleted:") and "`activity` 1" in done
    assert recorded(room, victim) == 0 and recorded(room, other) == 3
    assert erasures(room) == 1
    assert room.stack.pg.execute("select count(*) from member where user_id = %s", (victim,))[0][0] == 1
    harness.wait_until(lambda: not redis_keys(room, f"*:member:{victim}"))
    assert not room.stack.redis.client().zscore(f"guild:{{{guild}}}:seen", victim)
    assert redis_keys(room, f"*:member:{other}")

    def forgotten():
        member = room.stack.presenced.ctl("member", guild=guild, user=victim)
        return not member.get("last_seen_ms") and not member.get("seen_ms")

    harness.wait_until(forgotten)
    act_as(room, 11, 2)


def test_delete_for_good(room):
    victim = act_as(room, 11)
    assert room.ask(code_in(room.ask(f"?delete --no-readd user {victim}"))).startswith("Deleted:")
    assert room.stack.pg.execute("select count(*) from member where user_id = %s", (victim,))[0][0] == 0
    act_as(room, 11, 1)  # who is still there is known again
    harness.wait_until(lambda: room.stack.pg.execute(
        "select count(*) from member where user_id = %s", (victim,))[0][0] == 1)


def test_delete_a_channel_and_a_guild(room):
    act_as(room, 11)
    channel = next(c["id"] for c in room.guild["channels"] if c["name"] == "general")
    assert "`activity`" in room.ask(code_in(room.ask(f"?delete channel {channel}")))
    victim = act_as(room, 11)
    assert "`member`" in room.ask(code_in(room.ask(f"?delete guild {room.guild['id']}")))
    assert recorded(room, victim) == 0
    act_as(room, 11)


def test_delete_what_is_not_there(room):
    assert "Nothing was deleted." in room.ask("?delete member 994893149241479228")
    assert room.ask("?delete member 12").startswith("target_id: expected")
    assert room.ask("?delete").endswith("`?delete <guild|channel|member|user> <target_id> [--no-readd]`")
    assert erasures(room) == 0


def test_codes(room):
    """Of the same developer, in the same channel, one at a time, and once."""
    victim = act_as(room, 11)
    code = code_in(room.ask(f"?delete member {victim}"))
    other = next(c["name"] for c in room.guild["channels"] if c["type"] == 0 and c["name"] != "general")
    silent = [room.write(code, user=STRANGER), room.write(code, channel=other)]
    wrong = "000000" if code != "000000" else "000001"
    assert "not the code" in room.ask(wrong)
    silent.append(room.write(code))  # it holds no longer
    first = code_in(room.ask(f"?delete member {victim}"))
    second = code_in(room.ask(f"?delete member {room.members[12]}"))
    assert first != second
    assert "not the code" in room.ask(first)
    last = code_in(room.ask(f"?delete member {victim}"))
    assert room.ask("?" + last).startswith("Deleted:")
    silent.append(room.write(last))
    room.ask("?ping")
    assert not any(room.answers_to(m) for m in silent)
    assert erasures(room) == 1


def test_a_code_expires(room):
    victim = act_as(room, 11)
    code = code_in(room.ask(f"?delete member {victim}"))
    assert "expired" in room.ask(code, age_ms=-62000)
    silent = room.write(code)
    room.ask("?ping")
    assert not room.answers_to(silent)
    assert recorded(room, victim) == 3 and erasures(room) == 0


def test_an_old_command_is_not_run(room):
    old, fresh = room.write("?ping", age_ms=61000), room.write("?ping", age_ms=40000)
    assert room.answer(fresh).startswith("I am here.")
    assert not room.answers_to(old)


def test_codes_in_direct_messages(start):
    room = start(intents=18943687 + 4096)
    victim = act_as(room, 11)
    for guild in room.sim.get("/_sim/world")["guilds"]:
        shown = room.ask(f"?delete {guild['id']} user {victim}", kind="dm")
        assert room.ask(code_in(shown), kind="dm").startswith("Deleted:")
    assert erasures(room) == 3


# --- ?reset -----------------------------------------------------------------------------------------

def reset_row(room):
    return room.stack.pg.execute("select reset_at is not null, settings_version from guild "
                                 "where guild_id = %s", (room.guild["id"],))[0]


def resets(room):
    return room.stack.pg.execute("select count(*) from guild_reset where guild_id = %s",
                                 (room.guild["id"],))[0][0]


def open_coverage(room):
    return room.stack.pg.execute("select count(*) from coverage where guild_id = %s and to_at is null",
                                 (room.guild["id"],))[0][0]


def test_reset(room):
    presenced, guild = room.stack.presenced, room.guild["id"]
    victim = act_as(room, 11)
    harness.wait_until(lambda: redis_keys(room, f"guild:{{{guild}}}:*"))
    asked = room.ask("?reset")
    assert "as if unknown" in asked and resets(room) == 0
    code = room.write(code_in(asked))
    assert room.answer(code, deadline=60).startswith("Done:")
    assert resets(room) == 1 and reset_row(room)[0]
    presenced.log.wait_for("gateway_resumed")
    presenced.log.wait_for("reset_over")
    presenced.wait_live()
    assert not presenced.ctl("member", guild=guild, user=victim)["last_seen_ms"]
    assert not redis_keys(room, f"guild:{{{guild}}}:member:{victim}")
    rows = room.stack.graphqld.query(
        "query($g: Snowflake!, $u: Snowflake!) { member(guildId: $g, userId: $u) "
        "{ lastSeen idleSince } }", {"g": guild, "u": victim})
    assert rows["data"]["member"] == {"lastSeen": None, "idleSince": None}
    harness.wait_until(lambda: open_coverage(room) == 1)
    gap = room.stack.pg.execute("select count(*) from coverage where guild_id = %s and "
                                "close_reason = 'EVENTS_LOST'", (guild,))[0][0]
    assert gap == 1
    assert len(room.sim.get("/_sim/received?what=identify")["items"]) == 1
    act_as(room, 11, 2)
    assert room.ask("?ping").startswith("I am here.")


def test_reset_is_told_when_it_cannot_be(room):
    code = code_in(room.ask("?reset"))
    room.stack.graphqld.kill()
    act = room.write("Good morning", user=12)
    assert act
    room.stack.presenced.expect_any_error()
    room.stack.presenced.log.wait_for("graphql_away")
    assert "not done, as far as is known: the database is away" in room.ask(code)
    room.stack.graphqld.start()
    act_as(room, 11)
    assert resets(room) == 0
