"""presence-sim's gateway, read by hand."""

import pytest
from simclient import Closed, Sim

FAST = ["--set", "identify_window_ms=0"]


@pytest.fixture
def make_sim():
    sims = []

    def make(*args):
        sims.append(Sim(*FAST, *args).start())
        return sims[-1]

    yield make
    for s in sims:
        s.stop()


@pytest.fixture
def small(make_sim):
    return make_sim("--guilds", "2", "--members", "20")



def test_first_events(small):
    with small.gateway() as g:
        ready = g.ready()
        assert [p["t"] for p in g.log] == [None, "READY", "GUILD_CREATE", "GUILD_CREATE"]
        assert {x["id"] for x in ready["guilds"]} == {p["d"]["id"] for p in g.log[2:]}
        done = small.act("message", content="hello")
        got = g.until("MESSAGE_CREATE")
        assert got["s"] == done["s"] and got["d"]["id"] == done["id"]
        assert got["d"]["content"] == "hello" and got["d"]["author"]["id"] == done["user"]
        assert small.summary()["kinds"] == {"message": 1}


def test_resume_replays_what_was_missed(small):
    with small.gateway() as g:
        g.ready()
        small.act("message", content="one")
        seq, session = g.until("MESSAGE_CREATE")["s"], g.session_id
        small.post("drop")
        with pytest.raises(Closed):
            g.recv()
    small.act("message", content="two")
    small.act("reaction_add", user=3)
    with small.gateway(compress="zlib-stream") as g:
        g.resume(session, seq)
        g.until("RESUMED")
        assert [(p["t"], p["s"]) for p in g.log[1:]] == [
            ("MESSAGE_CREATE", seq + 1), ("MESSAGE_REACTION_ADD", seq + 2), ("RESUMED", seq + 3)]
        small.act("typing")
        assert g.until("TYPING_START")["s"] == seq + 4
