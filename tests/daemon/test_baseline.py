"""/baseline: what members wrote before the bot came is found by search or in the channels' history,
recorded as known and counted nowhere; it survives its worker, and can be cancelled."""

import json
import os
import random
import signal
import time

import pytest

import harness
from talk import Talk

MEMBERS = 60
DAY = 86400000
NEVER, OLDER, BOT_ONLY, SYSTEM = 4, 5, 6, 7  # members with nothing to be found


def make(args=()):
    return harness.Stack(sim_args=["--guilds", 1, "--members", MEMBERS, "--set", "rest_bucket=100000",
                                   "--set", "rest_global=100000", *args])


class Past:
    """What was written before: the ground truth."""

    def __init__(self, talk, days=170, seed=5, each=3, spread=True):
        self.talk, self.last = talk, {}
        r = random.Random(seed)
        now = int(time.time() * 1000)
        guild = talk.sim.get("/_sim/world?members=1")["guilds"][0]
        self.users = [m["id"] for m in guild["members"]][2:]  # the first two are bots
        channels = [c["id"] for c in guild["channels"] if c["type"] == 0 and not c.get("hidden")]
        channels = channels if spread else channels[:1]
        for i, user in enumerate(self.users):
            if i == NEVER:
                continue
            newest = now - r.randrange(10, days) * DAY - r.randrange(DAY)
            if i == OLDER:
                newest = now - 300 * DAY
            for back in range(each):
                got = talk.sim.act("old_message", user=user, channel=r.choice(channels),
                                   at_ms=newest - back * DAY, bot=i == BOT_ONLY,
                                   type=18 if i == SYSTEM else 0)
                if back == 0 and i not in (OLDER, BOT_ONLY, SYSTEM):
                    self.last[user] = (int(got["id"]) >> 22) + 1420070400000

    def known(self):
        """user: (last counted, how often something was counted) of all who are known."""
        return {str(u): int(ms) for u, ms in self.talk.stack.pg.execute(
            "SELECT user_id, extract(epoch FROM last_counted) * 1000 FROM presence.last_seen"
            " WHERE last_counted IS NOT NULL")}

    def check(self):
        known = self.known()
        for user, ms in self.last.items():
            assert known.get(user, 0) >= ms, (user, ms, known.get(user))
        mine = {u: ms for u, ms in known.items() if u in self.last and u not in self.active()}
        assert mine == {u: ms for u, ms in self.last.items() if u not in self.active()}
        for i in (NEVER, OLDER, BOT_ONLY, SYSTEM):
            assert self.users[i] not in known
        assert not self.talk.stack.pg.execute(
            "SELECT FROM presence.activity WHERE first_at < now() - interval '5 days'")
        assert not self.talk.stack.pg.execute("SELECT FROM presence.last_seen WHERE gap_count > 0"
                                              " AND user_id <> ALL (%s)",
                                              ([int(u) for u in self.active()],))

    def active(self):
        """Who did something since Presence watches: those who ran commands."""
        return {str(u) for u, in self.talk.stack.pg.execute(
            "SELECT DISTINCT user_id FROM presence.activity")}


def job(talk):
    rows = talk.stack.pg.execute("SELECT state, data, failure, attempts FROM presence.job"
                                 " WHERE kind = 'BASELINE' ORDER BY job_id DESC LIMIT 1")
    return (rows[0][0], json.loads(rows[0][1]), rows[0][2], rows[0][3]) if rows else None


def over(talk, deadline=60):
    """Waits for the end; returns (state, data, failure, attempts)."""
    return harness.wait_until(lambda: job(talk) if job(talk) and job(talk)[0] != "QUEUED" else None,
                              deadline, "the baseline ends")


def asked(talk, part):
    return [r for r in talk.sim.get("/_sim/received?what=rest")["items"] if part in r["path"]]


@pytest.fixture
def talk():
    stack = make()
    try:
        stack.start()
        yield Talk(stack).wait_registered()
    except BaseException:
        stack.close(check=False)
        raise
    stack.close()


def catalogued(talk):
    harness.wait_until(lambda: talk.stack.pg.execute(
        "SELECT count(*) FROM presence.member WHERE bot = false")[0][0] >= MEMBERS - 5, 20,
        "the members are known")


@pytest.mark.parametrize("method", ["search", "history"])
def test_last_messages_are_found_and_nothing_is_counted(talk, method):
    past = Past(talk)
    catalogued(talk)
    answer = talk.run("baseline", {"method": method})
    assert answer.private and "baseline" in json.dumps(answer.final) and answer.buttons
    state, data, failure, _ = over(talk)
    assert (state, failure) == ("DONE", None), (data, failure)
    past.check()
    assert data["using"] == method and data["done"] == data["total"] and data["requests"] > 0
    talk.run("baseline", {"method": method})  # once more: nothing changes
    before = past.known()
    harness.wait_until(lambda: talk.stack.pg.execute(
        "SELECT count(*) FROM presence.job WHERE kind = 'BASELINE' AND state = 'DONE'")[0][0] == 2,
        60, "the second one ends")
    assert {u: ms for u, ms in past.known().items() if u not in past.active()} == \
        {u: ms for u, ms in before.items() if u not in past.active()}
    past.check()
    done = talk.run("baseline", {"action": "status"})
    assert "The past is searched" in done.text and not done.buttons


def test_a_trial_records_nothing(talk):
    past = Past(talk)
    catalogued(talk)
    talk.run("baseline", {"dry_run": True})
    state, data, _, _ = over(talk)
    assert state == "DONE" and data["found"] >= len(past.last) - 1
    assert not set(past.known()) - past.active()


def test_a_later_act_is_not_lowered(talk):
    past = Past(talk)
    catalogued(talk)
    user = sorted(past.last)[3]
    talk.sim.act("message", user=user)
    harness.wait_until(lambda: user in past.known(), 10, "the message is recorded")
    now = past.known()[user]
    talk.run("baseline")
    over(talk)
    assert past.known()[user] == now > past.last[user]


def test_an_index_that_is_not_ready_is_waited_for(talk):
    past = Past(talk)
    catalogued(talk)
    talk.sim.post("/_sim/config", {"search_not_ready": 2})
    talk.run("baseline", {"method": "search"})
    assert over(talk)[0] == "DONE"
    past.check()
    assert [r["status"] for r in asked(talk, "/messages/search")][:3] == [202, 202, 200]


def test_without_the_intent_auto_reads_the_history_and_search_fails(talk):
    past = Past(talk)
    catalogued(talk)
    talk.sim.post("/_sim/config", {"intents_allowed": 2})
    talk.run("baseline", {"method": "search"})
    state, _, failure, _ = over(talk)
    assert state == "FAILED" and "MESSAGE_CONTENT" in failure
    assert "MESSAGE_CONTENT" in talk.run("baseline", {"action": "status"}).text
    talk.run("baseline")
    state, data, failure, _ = harness.wait_until(
        lambda: job(talk) if job(talk)[0] == "DONE" else None, 60, "the history is read")
    assert data["using"] == "history"
    past.check()


def slow(talk):
    """A past that takes at least five seconds to read: one request in 700 ms."""
    past = Past(talk, each=12, spread=False)
    catalogued(talk)
    talk.sim.post("/_sim/config", {"rest_bucket": 1, "rest_window_ms": 700})
    return past


def said_over(talk):
    """The edits of the message that shows the progress, once the last says that it was cancelled."""
    edits = [r for r in asked(talk, "/webhooks/") if r["method"] == "PATCH"]
    return edits if edits and "was cancelled" in edits[-1]["body"] else None


def begun(talk):
    harness.wait_until(lambda: job(talk) and job(talk)[1].get("requests", 0) > 0, 20, "it is at work")


def test_cancelled_it_asks_no_more(talk):
    slow(talk)
    talk.run("baseline", {"method": "history"})
    begun(talk)
    assert "Cancelled" in talk.run("baseline", {"action": "cancel"}).text
    assert job(talk)[0] == "CANCELLED"
    talk.stack.presenced.log.wait_for("job_lost")
    n = len(asked(talk, "/channels/"))
    talk.run("status member")
    assert len(asked(talk, "/channels/")) <= n + 1  # one may have been under way
    shown = harness.wait_until(lambda: said_over(talk), 20, "the message that shows it says so")
    edits = [r["at_ms"] for r in shown[:-1]]  # the last is the answer, which waits for nobody
    assert all(b - a > 4900 for a, b in zip(edits, edits[1:])), edits
    assert "nothing to cancel" in talk.run("baseline", {"action": "cancel"}).text


def test_one_at_a_time(talk):
    slow(talk)
    talk.run("baseline", {"method": "history"})
    begun(talk)
    talk.run("baseline", {"method": "search"})
    assert talk.stack.pg.execute("SELECT count(*) FROM presence.job")[0][0] == 1


@pytest.mark.slow
@pytest.mark.parametrize("method", ["search", "history"])
def test_it_survives_its_worker(talk, method):
    past = slow(talk)
    talk.run("baseline", {"method": method})
    begun(talk)
    for worker in talk.stack.presenced.workers():
        os.kill(worker, signal.SIGKILL)
    assert over(talk, 120)[0] == "DONE"
    past.check()
    assert job(talk)[3] >= 2
