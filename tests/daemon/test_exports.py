"""Lists as files: attachments of answers, read page by page from a guild of some thousand members."""

import csv
import io
import json
import os
import signal

import pytest

import harness
from talk import DEFERRED, Talk

CROWD = 2300
FIRST = 900000000000000001
NASTY = ['=cmd|"/c calc"!A0', "+1", "-1", "@SUM(1)", 'a "b", c', "two\nlines", "tab\there", "ünïcødé 🏳️‍🌈",
         "<@&5> **x**"]


@pytest.fixture(scope="module")
def crowd():
    stack = harness.Stack(sim_args=["--guilds", 1, "--members", 20, "--set", "rest_bucket=100000"])
    try:
        stack.start()
        talk = Talk(stack).wait_registered()
        pg = stack.pg
        pg.execute("insert into presence.member (guild_id, user_id, at, roster_at, joined_at, bot, username) "
                   "select %s, %s + n, now(), now(), now() - interval '300 days', false, 'user' || n "
                   "from generate_series(0, %s) n", (talk.guild, FIRST, CROWD - 1))
        pg.execute("insert into presence.last_seen (guild_id, user_id, last_seen, last_counted, "
                   "last_seen_kind, last_counted_kind) select %s, %s + n, t, t, k, k from "
                   "(select n, now() - (60 + n / 100.0) * interval '1 day' as t, "
                   "case when n %% 2 = 0 then 1 else 5 end as k from generate_series(0, %s) n) x",
                   (talk.guild, FIRST, CROWD - 1))
        for n, nick in enumerate(NASTY):
            pg.execute("update presence.member set nick = %s where user_id = %s", (nick, FIRST + n))
        yield talk
    except BaseException:
        stack.close(check=False)
        raise
    stack.close()


def exported(talk, format, command="inactive list", options=None, **args):
    answer = talk.run(command, {"export": format, **(options or {})}, user=6, **args)
    assert answer.private and len(answer.files) == 1, answer.text
    name, content = next(iter(answer.files.items()))
    assert name.endswith("." + format)
    return answer, content


def rows_of(content, format):
    if format == "json":
        return json.loads(content)
    return list(csv.DictReader(io.StringIO(content, newline=""),
                               dialect="excel" if format == "csv" else "excel-tab"))


@pytest.mark.parametrize("format", ["csv", "json", "txt"])
def test_all_members_in_order(crowd, format):
    answer, content = exported(crowd, format, options={"min_idle": "50d"})
    rows = rows_of(content, format) if format != "txt" else [
        dict(zip(content.split("\n")[0].split("\t"), line.split("\t"))) for line in
        content.strip("\n").split("\n")[1:]]
    assert [r["user_id"] for r in rows] == [str(FIRST + n) for n in range(CROWD - 1, -1, -1)]
    assert f"Rows in the file: {CROWD}" in answer.text and "goes on" not in answer.text
    assert {r["last_counted_kind"] for r in rows} == {"MESSAGE", "REACTION_ADD"}
    assert all(r["idle_since"].endswith("Z") and r["username"].startswith("user") for r in rows)
    nicks = [r["nick"] for r in rows[::-1][:len(NASTY)]]
    if format == "json":
        assert nicks == NASTY
    elif format == "csv":
        assert nicks == ["'" + n if n[0] in "=+-@" else n for n in NASTY]
    else:
        assert nicks == [n.replace("\n", " ").replace("\t", " ") for n in NASTY]


def test_the_same_people_as_on_the_pages(crowd):
    for options in ({"min_idle": "80d"}, {"min_idle": "70d", "kind": "reactions"}, {"joined_before": "299d"},
                    {"joined_before": "301d"}, {"sort": "name"}):
        shown = crowd.run("inactive list", options, user=6)
        count = int(shown.embed["footer"]["text"].split()[0])
        if count == 0:
            answer = crowd.run("inactive list", options | {"export": "csv"}, user=6)
            assert "Nobody has been idle" in answer.text and not answer.files
            continue
        rows = rows_of(exported(crowd, "csv", options=options)[1], "csv")
        assert len(rows) == count
        assert options.get("kind") != "reactions" or {r["last_counted_kind"] for r in rows} == {"REACTION_ADD"}


@pytest.mark.parametrize("format", ["csv", "json", "txt"])
def test_what_does_not_fit_is_cut_and_that_is_said(crowd, format):
    answer, content = exported(crowd, format, attachment_max=30000)
    assert len(content.encode()) <= 30000 and "goes on" in answer.text and "presencectl query" in answer.text
    rows = rows_of(content, format)
    assert 50 < len(rows) < CROWD and f"Rows in the file: {len(rows)}" in answer.text
    assert rows[0]["user_id"] == str(FIRST + CROWD - 1) and rows[-1]["last_counted_kind"]


def test_a_file_in_the_edit_of_a_deferred_answer(crowd):
    os.kill(crowd.stack.graphqld.pid, signal.SIGSTOP)
    made = crowd.send(type=2, command="inactive list", options={"export": "csv"}, user=6,
                      permissions="8")
    deferral = harness.wait_until(lambda: crowd.take() or crowd.calls.get(made), 10)[0]
    os.kill(crowd.stack.graphqld.pid, signal.SIGCONT)
    assert deferral["body"]["type"] == DEFERRED
    answer = crowd.answer(made, 20)
    assert len(rows_of(next(iter(answer.files.values())), "csv")) == CROWD


def test_only_so_many_at_once(crowd):
    """A flood of exports is refused beyond a few; afterwards there is room again."""
    os.kill(crowd.stack.graphqld.pid, signal.SIGSTOP)
    made = [crowd.send(type=2, command="inactive list", options={"export": "csv"}, user=6,
                       permissions="8") for _ in range(7)]
    harness.wait_until(lambda: crowd.take() or all(crowd.calls.get(m) for m in made), 10)
    os.kill(crowd.stack.graphqld.pid, signal.SIGCONT)
    answers = [crowd.answer(m, 30) for m in made]
    assert sum(bool(a.files) for a in answers) == 4
    assert all("try again in a minute" in a.text for a in answers if not a.files)
    assert exported(crowd, "csv")


def test_quiet_channels(crowd):
    def both():
        """The commands themselves keep a channel alive, as soon as they are recorded."""
        shown = crowd.run("channels inactive", user=6)
        rows = rows_of(exported(crowd, "csv", command="channels inactive")[1], "csv")
        return rows if f"{len(rows)} in all" == shown.embed["footer"]["text"] else None

    rows = harness.wait_until(both, 20)
    types = {c["id"]: c["type"] for c in crowd.channels}
    assert {types[r["channel_id"]] for r in rows} and 4 not in {types[r["channel_id"]] for r in rows}
    voice = rows_of(exported(crowd, "json", command="channels inactive", options={"type": "voice"})[1],
                    "json")
    assert voice and {types[r["channel_id"]] for r in voice} == {2}
    assert {r["channel_id"] for r in voice} < {r["channel_id"] for r in rows}


def test_no_file_without_the_permission(crowd):
    answer = crowd.run("inactive list", {"export": "csv"}, user=6, permissions=0)
    assert "KICK_MEMBERS" in answer.text and not answer.files
