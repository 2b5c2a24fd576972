"""/privacy: what is held about somebody is shown and erased at his own wish, and nobody else's."""

import json

import pytest

import harness
from talk import Talk


@pytest.fixture(scope="module")
def talk():
    stack = harness.Stack(sim_args=["--guilds", 1, "--members", 40, "--set", "rest_bucket=100000"])
    try:
        stack.start()
        talk = Talk(stack).wait_registered()
        harness.wait_until(lambda: stack.pg.execute(
            "select count(*) from presence.member where bot = false and left_at is null") == [(40,)], 30)
        yield talk
    except BaseException:
        stack.close(check=False)
        raise
    stack.close()


def recorded(talk, user):
    return talk.stack.pg.execute("select coalesce(sum(count), 0)::integer from presence.activity where kind = 1 "
                                 "and user_id = %s", (talk.members[user],))[0][0]


def write(talk, user, count):
    before = recorded(talk, user)
    for _ in range(count):
        talk.sim.act("message", user=user)
    harness.wait_until(lambda: recorded(talk, user) == before + count, 20)


def press(talk, answer, label, user):
    return talk.answer(talk.send(type=3, custom_id=answer.buttons[label]["custom_id"], user=user,
                                 permissions="0"))


def export(talk, user):
    answer = talk.run("privacy export", user=user, permissions=0)
    assert answer.private and list(answer.files) == ["about-me.json"], answer.text
    return json.loads(answer.files["about-me.json"])


def test_policy(talk):
    answer = talk.run("privacy policy", user=10, permissions=0)
    assert answer.private and "It does not record" in answer.text and "/privacy delete" in answer.text


def test_everything_about_the_caller(talk):
    write(talk, 10, 3)
    write(talk, 11, 5)
    talk.run("away set", {"until": "5d", "reason": 'sea "and" sun'}, user=10, permissions=0)
    talk.run("exempt add", {"target": talk.members[10]}, user=12)
    got = export(talk, 10)
    me = talk.members[10]
    assert got["guild"] == talk.guild and got["user"] == me and got["cut"] == []
    data = got["data"]
    assert sum(a["count"] for a in data["activity"] if a["kind"] == 1) == 3
    assert data["absence"][0]["reason"] == 'sea "and" sun' and data["exemption"][0]["target_id"] == me
    assert data["member"][0]["username"] and isinstance(data["member"][0]["roles"], list)
    for rows in data.values():
        for row in rows:
            assert row["guild_id"] == talk.guild and me in row.values()
            assert not any(isinstance(v, int) and v > 2 ** 53 for v in row.values()), row
    text = json.dumps(got)
    assert talk.members[11] not in text and talk.members[13] not in text
    tables = {r[0] for r in talk.stack.pg.execute("select relation from presence.erasure where type = 'MEMBER'")}
    assert set(data) == tables


def test_nothing_is_erased_before_it_was_confirmed(talk):
    write(talk, 14, 2)
    answer = talk.run("privacy delete", user=14, permissions=0)
    assert answer.private and set(answer.buttons) == {"Erase", "Cancel"}
    assert recorded(talk, 14) == 2
    refused = press(talk, answer, "Erase", 15)
    assert "whoever ran" in refused.text and recorded(talk, 14) == 2
    assert "Nothing was changed" in press(talk, answer, "Cancel", 14).text and recorded(talk, 14) == 2


def test_what_was_recorded_is_erased(talk):
    pg = talk.stack.pg
    write(talk, 16, 4)
    write(talk, 17, 2)
    talk.run("away set", {"until": "5d"}, user=16, permissions=0)
    answer = talk.run("privacy delete", user=16, permissions=0)
    done = press(talk, answer, "Erase", 16)
    assert done.type == 7 and "Erased:" in done.text and not done.buttons
    assert recorded(talk, 16) == 0 and recorded(talk, 17) == 2
    assert pg.execute("select count(*) from presence.absence where user_id = %s", (talk.members[16],)) == [(0,)]
    assert pg.execute("select username <> '' from presence.member where user_id = %s",
                      (talk.members[16],)) == [(True,)]
    assert pg.execute("select actor_id, detail from presence.audit where operation = 'forgetMember'") == [
        (None, {})]
    write(talk, 16, 1)
    assert sum(a["count"] for a in export(talk, 16)["data"]["activity"] if a["kind"] == 1) == 1


def test_more_than_a_file_may_hold(talk):
    answer = talk.run("privacy export", user=10, permissions=0, attachment_max=200)
    assert "more than Discord takes" in answer.text and not answer.files


def test_of_a_table_the_last_rows(talk):
    """20,000 of each: what is cut is named."""
    talk.stack.pg.execute("insert into presence.activity (guild_id, user_id, minute, channel_id, kind, count, "
                          "first_at, last_at) select %s, %s, m, 5, 1, 1, m, m from (select date_trunc('minute', "
                          "now()) - n * interval '1 minute' as m from generate_series(1, 20500) n) x",
                          (talk.guild, talk.members[18]))
    got = export(talk, 18)
    rows = got["data"]["activity"]
    assert got["cut"] == ["activity"] and len(rows) == 20000
    assert rows[0]["minute"] > rows[-1]["minute"]
