"""presence-sim's gateway and control API, read by hand: what Discord promises, and what is broken on
request."""

import collections
import json
import time

import pytest
from simclient import INTENTS_ALL, INTENTS_PRESENCE, Closed, Sim, wait_until

GUILDS, MEMBERS, CONTENT, PRESENCES = 1, 2, 1 << 15, 1 << 8
MESSAGES, TYPING, DIRECT = 1 << 9, 1 << 11, 1 << 12


@pytest.fixture
def make_sim():
    sims = []

    def make(*args, window=0):
        sims.append(Sim("--set", f"identify_window_ms={window}", *args).start())
        return sims[-1]

    yield make
    for s in sims:
        s.stop()


@pytest.fixture
def small(make_sim):
    return make_sim("--guilds", "2", "--members", "20")


def types(g):
    return [p["t"] for p in g.log if p["op"] == 0]


def events_up_to_now(sim, g):
    """What reached g, read up to a mark."""
    before = len(g.log)
    sim.post("raw", t="MARK", d={})
    g.until("MARK")
    return g.log[before:-1]


# --- start ------------------------------------------------------------------------------------------


def test_first_events(small):
    with small.gateway() as g:
        ready = g.ready()
        assert g.log[0]["op"] == 10 and g.log[0]["d"]["heartbeat_interval"] == 41250
        assert types(g) == ["READY", "GUILD_CREATE", "GUILD_CREATE"]
        assert {x["id"] for x in ready["guilds"]} == {p["d"]["id"] for p in g.log[2:]}
        guild = g.log[2]["d"]
        assert {c["type"] for c in guild["channels"]} == {0, 2, 4, 5, 13, 15}
        assert guild["threads"][0]["type"] == 11 and len(guild["roles"]) == 4
        # neither presences asked for nor anybody in voice: the bot alone
        assert len(guild["members"]) == 22  # all intents: presences are in, the guild is small
        done = small.act("message", content="hello")
        got = g.until("MESSAGE_CREATE")
        assert got["s"] == done["s"] and got["d"]["id"] == done["id"]
        assert got["d"]["content"] == "hello" and got["d"]["author"]["id"] == done["user"]
        assert small.summary()["kinds"] == {"message": 1}


def test_member_list_is_partial_without_presences(small):
    small.act("voice_join", user=4)
    with small.gateway() as g:
        g.ready(INTENTS_PRESENCE)
        first, second = (p["d"] for p in g.log[2:])
        assert len(first["members"]) == 2 and len(first["voice_states"]) == 1
        assert "guild_id" not in first["voice_states"][0]
        assert len(second["members"]) == 1 and second["member_count"] == 22


@pytest.mark.parametrize("change, code", [
    ({"token": "wrong"}, 4004),
    ({"intents": 1 << 30}, 4013),
    ({"intents": None}, 4013),
    ({"intents": INTENTS_ALL}, 4014),
    ({"shard": [2, 2]}, 4010),
    ({"shard": [0]}, 4010),
])
def test_identify_is_judged(make_sim, change, code):
    sim = make_sim("--intents-allowed", "2")
    with sim.gateway() as g:
        g.until(op=10)
        g.send(2, {"token": sim.token, "intents": 1, "properties": {}} | change)
        assert g.closed() == code


def test_too_many_guilds_for_a_shard(make_sim):
    sim = make_sim("--guilds", "6", "--members", "1", "--set", "guilds_per_shard=5")
    with sim.gateway() as g:
        g.identify()
        assert g.closed() == 4011


@pytest.mark.parametrize("send, code", [
    (lambda g: g.send(8, {"guild_id": "1", "query": "", "limit": 0}), 4003),
    (lambda g: g.send(99, {}), 4001),
    (lambda g: g.send_frame(1, b"{nonsense"), 4002),
    (lambda g: g.send_frame(1, b'{"op":1,"d":null} trailing'), 4002),
    (lambda g: g.send_frame(1, b'{"op":3,"d":"' + b"x" * 4096 + b'"}'), 4002),
    (lambda g: [g.send(1, None) for _ in range(121)], 4008),
    (lambda g: (g.identify(), g.until("READY"), g.identify()), 4005),
    (lambda g: g.resume("0" * 32, 5), None),
])
def test_client_mistakes(small, send, code):
    with small.gateway() as g:
        g.until(op=10)
        send(g)
        if code:
            assert g.closed() == code
        else:
            assert g.until(op=9)["d"] is False


@pytest.mark.parametrize("query, code", [("v=9&encoding=json", 4012), ("encoding=json", 4012),
                                         ("v=10&encoding=etf", 4002)])
def test_query(small, query, code):
    with small.gateway(query=query) as g:
        assert g.closed() == code


def test_largest_payload_is_taken(small):
    with small.gateway() as g:
        g.ready()
        text = json.dumps({"op": 3, "d": {"x": ""}})
        g.send_frame(1, json.dumps({"op": 3, "d": {"x": "y" * (4096 - len(text))}}).encode())
        assert len(small.wait_received("presence_update")[0]["d"]["x"]) == 4096 - len(text)


def test_identify_gate_and_budget(make_sim):
    sim = make_sim("--max-concurrency", "2", "--shards", "4", window=600000)
    with sim.gateway() as a, sim.gateway() as b, sim.gateway() as c:
        a.ready(1, shard=[0, 4])
        b.ready(1, shard=[1, 4])
        c.identify(1, shard=[2, 4])
        assert c.until(op=9)["d"] is False
        sim.config(identify_window_ms=0)
        c.identify(1, shard=[2, 4])
        c.until("READY")
    limit = sim.rest("GET", "/gateway/bot")[2]["session_start_limit"]
    assert limit == {"total": 1000, "remaining": 996, "reset_after": 14400000,
                     "max_concurrency": 2}
    sim.config(identify_remaining=0)
    with sim.gateway() as g:
        g.identify(1)
        assert g.closed() == 4004


def test_shards_share_the_guilds(make_sim):
    sim = make_sim("--guilds", "7", "--members", "2")
    with sim.gateway() as a, sim.gateway() as b:
        of_a, of_b = ({x["id"] for x in g.ready(shard=[i, 2])["guilds"]}
                      for i, g in enumerate((a, b)))
        assert not of_a & of_b and len(of_a | of_b) == 7
        assert all(int(x) >> 22 & 1 == 0 for x in of_a)
        for i in range(7):
            sim.act("message", guild=i)
        sim.act("dm")
        for g, ids in ((a, of_a), (b, of_b)):
            got = [p["d"] for p in events_up_to_now(sim, g)]
            assert {m["guild_id"] for m in got if "guild_id" in m} == ids
            assert sum("guild_id" not in m for m in got) == (g is a)


# --- intents ----------------------------------------------------------------------------------------

# kind of act -> the intents of which one must be there, the dispatch, how it counts
ACTS = [
    ("message", MESSAGES, "MESSAGE_CREATE", "message"),
    ("command", MESSAGES, "MESSAGE_CREATE", "command"),
    ("bot_message", MESSAGES, "MESSAGE_CREATE", None),
    ("webhook_message", MESSAGES, "MESSAGE_CREATE", None),
    ("ephemeral", DIRECT, "MESSAGE_CREATE", None),
    ("dm", DIRECT, "MESSAGE_CREATE", None),
    ("edit", MESSAGES, "MESSAGE_UPDATE", "edit"),
    ("embed_update", MESSAGES, "MESSAGE_UPDATE", None),
    ("reaction_add", 1 << 10, "MESSAGE_REACTION_ADD", "reaction_add"),
    ("reaction_remove", 1 << 10, "MESSAGE_REACTION_REMOVE", "reaction_remove"),
    ("reaction_remove_all", 1 << 10, "MESSAGE_REACTION_REMOVE_ALL", None),
    ("poll_vote_add", 1 << 24, "MESSAGE_POLL_VOTE_ADD", "poll_vote_add"),
    ("poll_vote_remove", 1 << 24, "MESSAGE_POLL_VOTE_REMOVE", "poll_vote_remove"),
    ("typing", TYPING, "TYPING_START", "typing"),
    ("interaction", 0, "INTERACTION_CREATE", "interaction"),
    ("voice_join", 1 << 7, "VOICE_STATE_UPDATE", "voice_join"),
    ("voice_move", 1 << 7, "VOICE_STATE_UPDATE", "voice_move"),
    ("voice_self", 1 << 7, "VOICE_STATE_UPDATE", "voice_self"),
    ("voice_hand", 1 << 7, "VOICE_STATE_UPDATE", "voice_self"),
    ("voice_server", 1 << 7, "VOICE_STATE_UPDATE", None),
    ("voice_effect", 1 << 7, "VOICE_CHANNEL_EFFECT_SEND", "voice_effect"),
    ("voice_leave", 1 << 7, "VOICE_STATE_UPDATE", "voice_leave"),
    ("thread_create", GUILDS, "THREAD_CREATE", "thread_create"),
    ("thread_shown", GUILDS, "THREAD_CREATE", None),
    ("thread_update", GUILDS, "THREAD_UPDATE", None),
    ("thread_join", MEMBERS, "THREAD_MEMBERS_UPDATE", "thread_join"),
    ("thread_leave", MEMBERS, "THREAD_MEMBERS_UPDATE", "thread_leave"),
    ("member_repeat", MEMBERS, "GUILD_MEMBER_ADD", None),
    ("member_update", MEMBERS, "GUILD_MEMBER_UPDATE", None),
    ("presence", PRESENCES, "PRESENCE_UPDATE", None),
    ("audit", 4, "GUILD_AUDIT_LOG_ENTRY_CREATE", "audit"),
    ("automod", 1 << 21, "AUTO_MODERATION_ACTION_EXECUTION", "automod"),
    ("event_create", 1 << 16, "GUILD_SCHEDULED_EVENT_CREATE", "event_create"),
    ("event_rsvp_add", 1 << 16, "GUILD_SCHEDULED_EVENT_USER_ADD", "event_rsvp_add"),
    ("event_rsvp_remove", 1 << 16, "GUILD_SCHEDULED_EVENT_USER_REMOVE", "event_rsvp_remove"),
    ("event_update", 1 << 16, "GUILD_SCHEDULED_EVENT_UPDATE", None),
    ("invite_create", 1 << 6, "INVITE_CREATE", "invite_create"),
    ("invite_delete", 1 << 6, "INVITE_DELETE", None),
    ("role_create", GUILDS, "GUILD_ROLE_CREATE", None),
    ("channel_create", GUILDS, "CHANNEL_CREATE", None),
    ("channel_update", GUILDS, "CHANNEL_UPDATE", None),
    ("pins_update", GUILDS, "CHANNEL_PINS_UPDATE", None),
    ("guild_update", GUILDS, "GUILD_UPDATE", None),
    ("message_delete", MESSAGES, "MESSAGE_DELETE", None),
    ("member_leave", MEMBERS, "GUILD_MEMBER_REMOVE", None),
    ("member_join", MEMBERS, "GUILD_MEMBER_ADD", "member_join"),
]


def test_every_act_with_and_without_its_intent(small):
    intents = sorted({bit for _, bit, _, _ in ACTS if bit})
    with small.gateway() as g:
        g.ready(INTENTS_ALL)
        others = {}
        for bit in intents:
            others[bit] = small.gateway()
            others[bit].ready(INTENTS_ALL & ~bit)
        counted = collections.Counter()
        for kind, bit, t, counts in ACTS:
            done = small.act(kind)
            got = g.recv()
            assert (got["t"], got["s"]) == (t, done["s"]), kind
            assert done["counted_as"] == counts, kind
            assert done["sessions"] == 1 + len(intents) - (bit != 0), kind
            counted[counts] += counts is not None
        for bit, other in others.items():
            missing = {t for _, b, t, _ in ACTS if b == bit}
            seen = {p["t"] for p in events_up_to_now(small, other)}
            may_come_otherwise = {t for _, b, t, _ in ACTS if b != bit}
            assert not (missing - may_come_otherwise) & seen
            other.close()
        del counted[None]
        assert small.summary()["kinds"] == dict(counted)
        assert small.summary()["unseen"] == {}


def test_truth_of_the_unseen(small):
    with small.gateway() as g:
        g.ready(GUILDS)
        assert small.act("message")["s"] is None
        assert small.act("message")["counted_as"] is None
        assert small.summary()["kinds"] == {} and small.summary()["unseen"] == {"message": 2}


@pytest.mark.parametrize("args, counts", [
    *[({"type": t}, "message_system") for t in (1, 2, 4, 6, 8, 12, 25, 27, 29, 31, 44)],
    *[({"type": t}, None) for t in (3, 5, 7, 18, 21, 24, 26, 32, 46)],
    ({"type": 19}, "message"),
    ({"user": 1}, None),  # a bot's
])
def test_message_types(small, args, counts):
    with small.gateway() as g:
        g.ready(MESSAGES | 1)
        assert small.act("message", **args)["counted_as"] == counts
        assert g.until("MESSAGE_CREATE")["d"]["type"] == args.get("type", 0)


@pytest.mark.parametrize("kind, args, counts", [
    ("member_update", {"pending": False}, "member_update"),
    ("member_update", {"flags": 2}, "member_update"),
    ("member_update", {"flags": 4}, None),
    ("member_update", {"avatar": True}, "member_update"),
    ("member_update", {"roles": ["Mods"]}, None),
    ("member_update", {"nick": "x"}, None),
    ("member_update", {"timeout_s": 60}, None),
    ("audit", {"user": 1}, None),
    ("audit", {"action_type": 143}, None),
    ("audit", {"action_type": 74}, "audit"),
    ("edit", {"edited_ms": 1600000000000}, None),
    ("member_join", {"bot": True}, None),
    ("invite_create", {"anonymous": True}, None),
    ("voice_move", {"channel": "AFK"}, None),
])
def test_what_does_not_count(small, kind, args, counts):
    with small.gateway() as g:
        g.ready(INTENTS_ALL)
        small.act("message")
        small.act("voice_join")
        joined = small.act("member_join", pending=True)
        if args == {"pending": False}:
            args = args | {"user": joined["user"]}
        assert small.act(kind, **args)["counted_as"] == counts


def test_message_content_is_stripped(small):
    with small.gateway() as with_, small.gateway() as without:
        with_.ready(MESSAGES | DIRECT | CONTENT)
        without.ready(MESSAGES | DIRECT)
        small.act("message", content="secret")
        small.act("message", content="hey bot", mention_bot=True)
        small.act("dm", content="direct")
        small.act("bot_message", self=True, content="mine")
        for g, expected in ((with_, ["secret", "hey bot", "direct", "mine"]),
                            (without, ["", "hey bot", "direct", "mine"])):
            assert [p["d"]["content"] for p in events_up_to_now(small, g)] == expected


def test_hidden_channel_is_a_blind_spot(small):
    with small.gateway() as g:
        g.ready()
        small.act("channel_update", channel="help", hidden=True)
        assert g.until("CHANNEL_UPDATE")["d"]["permission_overwrites"]
        for kind in ("message", "typing", "reaction_add"):
            assert small.act(kind, channel="help")["s"] is None
        assert events_up_to_now(small, g) == []


def test_rights_the_bot_lacks(small):
    small.config(permissions="0")
    with small.gateway() as g:
        g.ready()
        for kind in ("invite_create", "automod", "audit"):
            assert small.act(kind)["sessions"] == 0


def test_outage_kick_and_invitation(small):
    with small.gateway() as g:
        ids = [x["id"] for x in g.ready()["guilds"]]
        small.act("guild_outage")
        assert g.recv()["d"] == {"id": ids[0], "unavailable": True}
        small.act("guild_restore")
        assert g.recv()["d"]["id"] == ids[0]
        small.act("guild_leave", guild=1)
        assert g.recv()["d"] == {"id": ids[1]}
        new = small.act("guild_join")
        got = g.until("GUILD_CREATE")["d"]
        assert got["id"] == new["guild"] and got["member_count"] == 22


# --- member lists -----------------------------------------------------------------------------------


def test_chunks(make_sim):
    sim = make_sim("--members", "2500")
    with sim.gateway() as g:
        guild = g.ready(1 | MEMBERS)["guilds"][0]["id"]
        g.send(8, {"guild_id": guild, "query": "", "limit": 0, "nonce": "n1"})
        joined = sim.act("member_join")
        chunks = [g.until("GUILD_MEMBERS_CHUNK")["d"] for _ in range(3)]
        assert [(c["chunk_index"], c["chunk_count"], c["nonce"]) for c in chunks] == [
            (i, 3, "n1") for i in range(3)]
        ids = [m["user"]["id"] for c in chunks for m in c["members"]]
        assert len(ids) == len(set(ids)) == 2502 and joined["user"] not in ids
        roster = sim.truth("roster")["roster"][0]["members"]
        bots = {m["user"]["id"] for c in chunks for m in c["members"] if m["user"].get("bot")}
        assert set(roster) == set(ids) - bots | {joined["user"]}
        g.send(8, {"guild_id": guild, "query": "", "limit": 0, "nonce": "n2"})
        limited = g.until("RATE_LIMITED")["d"]
        assert limited["opcode"] == 8 and 25 < limited["retry_after"] <= 30
        assert limited["meta"] == {"guild_id": guild, "nonce": "n2"}


def test_member_look_ups(small):
    with small.gateway() as g:
        guild = g.ready(1 | MEMBERS)["guilds"][0]["id"]
        people = small.world(members=True)["guilds"][0]["members"]
        g.send(8, {"guild_id": guild, "user_ids": [people[3]["id"], "123123",
                                                   "994893149241479228"], "nonce": "x" * 33})
        got = g.until("GUILD_MEMBERS_CHUNK")["d"]
        assert [m["user"]["id"] for m in got["members"]] == [people[3]["id"]]
        assert got["not_found"] == [123123, "994893149241479228"] and "nonce" not in got
        g.send(8, {"guild_id": guild, "query": people[5]["name"], "limit": 5})
        got = g.until("GUILD_MEMBERS_CHUNK")["d"]
        assert [m["user"]["id"] for m in got["members"]] == [people[5]["id"]]
        g.send(8, {"guild_id": int(guild), "user_ids": int(people[3]["id"])})  # without quotes
        assert len(g.until("GUILD_MEMBERS_CHUNK")["d"]["members"]) == 1
        g.send(8, {"guild_id": guild, "query": ""})
        assert g.closed() == 4002


def test_whole_list_without_intent_is_not_answered(small):
    with small.gateway() as g:
        guild = g.ready(1)["guilds"][0]["id"]
        g.send(8, {"guild_id": guild, "query": "", "limit": 0})
        small.wait_received("request_members")
        assert events_up_to_now(small, g) == []


# --- resume -----------------------------------------------------------------------------------------


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
    row = next(r for r in small.truth("count")["count"] if r["kind"] == "reaction_add")
    assert row["first"] <= row["first_until"] and row["count"] == 1


def session_of(sim):
    g = sim.gateway()
    g.ready()
    return g


def test_resume_refused(small):
    g = session_of(small)
    with small.gateway() as other:
        other.resume(g.session_id, g.seq + 1)
        assert other.closed() == 4007
    with small.gateway() as other:
        other.resume(g.session_id, g.seq, token="wrong")
        assert other.until(op=9)["d"] is False
    g.close(1000)
    small.wait_received("disconnect")
    wait_until(lambda: not [s for s in small.sessions() if s["id"] == g.session_id
                            and not s["dead"]], what="the session's end")
    with small.gateway() as other:
        other.resume(g.session_id, g.seq)
        assert other.until(op=9)["d"] is False


def test_expired_sessions(small):
    g = session_of(small)
    small.post("expire")
    small.act("message")
    g.until("MESSAGE_CREATE")  # it lives on until its client leaves
    g.close(4000)
    with small.gateway() as other:
        other.resume(g.session_id, g.seq)
        assert other.until(op=9)["d"] is False


def test_short_replay_buffer(make_sim):
    sim = make_sim("--set", "replay_max=1024", "--members", "5")
    g = session_of(sim)
    g.close(4000)
    wait_until(lambda: not sim.sessions()[0]["connected"], what="the disconnect")
    sim.load(events=1100, rate=100000, wait_sessions=0, mix={"message": 1})
    wait_until(lambda: not sim.get("load")["running"], what="the load's end")
    with sim.gateway() as other:
        other.resume(g.session_id, g.seq)
        assert other.until(op=9)["d"] is False


# --- heartbeats and faults --------------------------------------------------------------------------


def test_heartbeats_are_recorded_and_demanded(make_sim):
    sim = make_sim("--set", "heartbeat_ms=1000")
    with sim.gateway() as g:
        g.ready()
        g.heartbeat()
        beat, = sim.received("heartbeat")
        assert -1000 <= beat["late_ms"] <= 0 and beat["seq"] == g.seq
        sim.post("op", op=1)
        assert g.until(op=1)
        g.heartbeat()
        assert sim.received("heartbeat")[1]["asked"] is True
        assert g.closed() == 4000  # no more beats


def test_stalled_acks(small):
    with small.gateway() as g:
        g.ready()
        small.post("stall", acks=True)
        g.send(1, g.seq)
        small.wait_received("heartbeat")
        small.act("message")
        assert g.recv()["t"] == "MESSAGE_CREATE"
        small.post("stall", acks=False)
        g.heartbeat()


def test_stalled_sending_and_reading(small):
    with small.gateway() as g, small.gateway() as other:
        g.ready()
        other.ready()
        conn = next(s["conn"] for s in small.sessions() if s["id"] == g.session_id)
        assert small.post("stall", conn=conn, sending=True, reading=True)["conns"] == 1
        g.send(1, g.seq)
        small.act("message")
        assert other.recv()["t"] == "MESSAGE_CREATE"
        other.heartbeat()
        assert len(small.received("heartbeat")) == 1
        small.post("stall", conn=conn, sending=False, reading=False)
        assert {g.recv()["t"], g.recv()["t"]} == {"MESSAGE_CREATE", None}


def test_op_7_ends_in_a_close(small):
    with small.gateway() as g:
        g.ready()
        small.post("op", op=7)
        g.until(op=7)
        assert g.closed() == 4000


def test_reconnect_and_invalid_session(small):
    for args in ({"op": 7}, {"op": 9, "resumable": True}):
        g = session_of(small)
        small.post("op", session=g.session_id, **args)
        assert g.until(op=args["op"])["d"] in (None, True)
        g.close(4000)
        with small.gateway() as other:
            other.resume(g.session_id, g.seq)
            other.until("RESUMED")
    g = session_of(small)
    small.post("op", op=9, resumable=False, session=g.session_id)
    assert g.until(op=9)["d"] is False
    with small.gateway() as other:
        other.resume(g.session_id, g.seq)
        assert other.until(op=9)["d"] is False


@pytest.mark.parametrize("compress", [None, "zlib-stream", "zstd-stream"])
def test_truncated_messages(small, compress):
    with small.gateway(compress=compress) as g:
        g.ready()
        small.post("raw", text=json.dumps({"op": 0, "t": "X", "s": 9, "d": "y" * 300}), cut=12)
        data = g.message()
        with pytest.raises((ValueError, AssertionError)):
            json.loads(g.inflater.decompress(data) if g.inflater else data)


@pytest.mark.parametrize("code", [1000, 4000, 4001, 4002, 4003, 4004, 4005, 4007, 4008, 4009, 4010,
                                  4011, 4012, 4013, 4014])
def test_every_close_code(small, code):
    with small.gateway() as g:
        g.ready()
        small.post("close", code=code)
        assert g.closed() == code


def test_drops(small):
    for args in ({}, {"fin": True}):
        with small.gateway() as g:
            g.ready()
            small.post("drop", **args)
            with pytest.raises(Closed) as e:
                g.recv()
            assert e.value.code is None
            assert ("reset" in str(e.value)) == (not args)


@pytest.mark.parametrize("compress", [None, "zlib-stream", "zstd-stream"])
def test_reset_inside_a_message(small, compress):
    with small.gateway(compress=compress) as g:
        g.ready()
        small.post("drop", mid=9)
        with pytest.raises(Closed, match="reset"):
            g.recv()
        assert len(g.buffer) + 2 == 9  # the frame's header was taken from it
        session, seq = g.session_id, g.seq
    with small.gateway(compress=compress) as g:
        g.resume(session, seq)
        g.until("RESUMED")


def test_late_guilds(make_sim):
    sim = make_sim("--set", "guild_create_delay_ms=1", "--members", "3")
    with sim.gateway() as g:
        g.identify()
        g.until("READY")
        sim.act("message")
        assert g.recv()["t"] == "MESSAGE_CREATE"
        assert g.recv()["t"] == "GUILD_CREATE"


def test_refusals(small):
    small.post("refuse", connects=2, status=503)
    for _ in range(2):
        with pytest.raises(Closed, match="503"):
            small.gateway()
    small.post("refuse", identifies=1, code=4008)
    with small.gateway() as g:
        g.identify()
        assert g.closed() == 4008
    small.post("refuse", identifies=1)
    with small.gateway() as g:
        g.identify()
        assert g.until(op=9)["d"] is False
        g.ready()


@pytest.mark.parametrize("compress", [None, "zlib-stream", "zstd-stream"])
@pytest.mark.parametrize("how", [{"size": 7}, {"size": 1}, {"trickle": True}])
def test_fragments(small, compress, how):
    small.post("fragment", **how)
    with small.gateway(compress=compress) as g:
        g.ready()
        before = g.frames
        small.act("message", content="in pieces")
        assert g.until("MESSAGE_CREATE")["d"]["content"] == "in pieces"
        assert (g.frames - before > 10) == ("size" in how)


def test_raw_and_broken(small):
    with small.gateway() as g:
        g.ready()
        small.post("raw", t="SOMETHING_NEW", d={"x": [1]})
        got = g.recv()
        assert got["t"] == "SOMETHING_NEW" and got["d"] == {"x": [1]}
        small.act("message")
        first = g.recv()
        small.post("duplicate")
        assert g.recv() == first
        small.post("raw", text='{"op":0,')
        assert g.message() == b'{"op":0,'
        small.post("raw", text="0123456789", cut=3)
        assert g.message() == b"0123456"
        small.post("raw", hex="00ff")
        assert g.message() == b"\x00\xff"
        small.post("raw", wire_hex="8a00")  # a pong, as bytes of the stream
        small.act("typing")
        assert g.recv()["t"] == "TYPING_START"


def test_slow_reader_does_not_hold_others_up(make_sim):
    sim = make_sim("--guilds", "3", "--members", "20")
    with sim.gateway() as slow, sim.gateway() as quick:
        slow.ready()
        quick.ready()
        sim.load(rate=20000, events=40000, seed=1)
        for _ in range(40000):
            quick.recv()
        state = {s["id"]: s for s in sim.sessions()}
        assert state[slow.session_id]["sent_seq"] < state[slow.session_id]["last_seq"]
        for _ in range(40000):
            slow.recv()
        assert slow.seq == quick.seq


# --- load -------------------------------------------------------------------------------------------

KINDS = {"MESSAGE_CREATE": "message", "TYPING_START": "typing",
         "MESSAGE_REACTION_ADD": "reaction_add", "MESSAGE_REACTION_REMOVE": "reaction_remove"}


class Watcher:
    """Counts what a gateway client sees, as a bot would."""

    def __init__(self):
        self.counts = collections.Counter()
        self.last = {}
        self.voice = {}

    def saw(self, payload):
        d, t = payload["d"], payload["t"]
        if t == "VOICE_STATE_UPDATE":
            key = d["guild_id"], d["user_id"]
            before, now = self.voice.get(key), (d["channel_id"], d["self_mute"])
            self.voice[key] = now if d["channel_id"] else None
            kind = ("voice_join" if not before else "voice_leave" if not d["channel_id"] else
                    "voice_move" if before[0] != now[0] else "voice_self")
        elif t in KINDS:
            kind = KINDS[t]
        else:
            return
        user = d["author"]["id"] if t == "MESSAGE_CREATE" else d["user_id"]
        key = d["guild_id"], user, d["channel_id"] or "0", kind
        self.counts[key] += 1
        if t == "MESSAGE_CREATE":
            ms = (int(d["id"]) >> 22) + 1420070400000
            assert d["timestamp"].startswith(time.strftime("%Y-%m-%dT%H:%M:%S",
                                                           time.gmtime(ms // 1000)))
        elif t == "TYPING_START":
            ms = d["timestamp"] * 1000
        else:
            return
        self.last[key] = max(self.last.get(key, 0), ms)


def check_truth(sim, watcher):
    rows = sim.truth("count")["count"]
    keys = {(r["guild"], r["user"], r["channel"], r["kind"]): r for r in rows}
    assert {k: r["count"] for k, r in keys.items()} == dict(watcher.counts)
    for key, ms in watcher.last.items():
        assert keys[key]["last"] == ms and keys[key]["own_time"]
    now = time.time() * 1000
    for r in rows:
        assert r["first"] <= r["first_until"] and r["last"] <= r["last_until"] <= now
        assert r["first"] <= r["last"] and r["first"] > now - 600000


@pytest.mark.parametrize("compress", [None, "zlib-stream", "zstd-stream"])
def test_load_is_what_the_truth_says(make_sim, compress):
    sim = make_sim("--guilds", "5", "--members", "50")
    watcher = Watcher()
    with sim.gateway(compress=compress) as g:
        g.ready()
        assert sim.load(events=5000, seed=7)["ok"]
        seen = collections.Counter()
        for _ in range(5000):
            p = g.recv()
            seen[p["t"]] += 1
            watcher.saw(p)
        assert sim.wait_load()["dispatched"] == 5000
        assert events_up_to_now(sim, g) == []
        assert [p["s"] for p in g.log if p["op"] == 0] == list(range(1, g.seq + 1))
        check_truth(sim, watcher)
        share = {t: n / 5000 for t, n in seen.items()}
        assert abs(share["MESSAGE_CREATE"] - .5) < .03 and abs(share["PRESENCE_UPDATE"] - .12) < .02


def test_load_survives_drops(make_sim):
    sim = make_sim("--guilds", "3", "--members", "30")
    watcher, cut = Watcher(), 0
    g = sim.gateway()
    g.ready()
    seq, session = g.seq, g.session_id
    sim.load(events=6000, rate=6000, seed=3)
    while seq < 6004 + cut:
        try:
            p = g.recv()
            if p["op"] == 0:
                assert p["s"] == seq + 1
                seq = p["s"]
                watcher.saw(p)
                if seq % 1000 == 0:
                    sim.post("drop")
        except Closed:
            cut += 1
            g = sim.gateway()
            g.resume(session, seq)
    sim.wait_load()
    assert cut >= 2
    check_truth(sim, watcher)


def test_replayed_load_has_the_same_bytes(make_sim):
    sim = make_sim("--guilds", "3", "--members", "30")
    with sim.gateway() as g:
        g.ready()
        seq = g.seq
        sim.load(events=500, seed=3)
        first = [g.recv() for _ in range(500)]
    with sim.gateway() as again:
        again.resume(g.session_id, seq)
        assert [again.recv() for _ in range(500)] == first


def test_load_of_every_kind(make_sim):
    sim = make_sim("--guilds", "2", "--members", "20")
    with sim.gateway() as g:
        g.ready()
        mix = {kind: 1 for kind, _, _, _ in ACTS if kind != "member_leave"}
        sim.load(events=2000, mix=mix, seed=5)
        done = sim.wait_load()
        assert done["dispatched"] == 2000
        kinds = sim.summary()["kinds"]
        assert set(kinds) >= {counts for _, _, _, counts in ACTS if counts} - {"member_join"}


def test_bad_plans(small):
    for plan, word in (({"mix": {"nonsense": 1}}, "nonsense"), ({"mix": {}}, "mix"),
                       ({"mix": {"message": -1}}, "message"), ({"mix": [1]}, "mix"),
                       ({"zipf": -1}, "zipf"), ({"zipf": 1e300}, "zipf")):
        status, _, text = small.request("POST", "/_sim/load", plan)
        assert status == 400 and word in json.loads(text)["error"]


@pytest.mark.parametrize("method, path, body, word", [
    ("POST", "act", {"kind": "dance"}, "dance"),
    ("POST", "act", {"kind": "message", "guild": 9}, "guild"),
    ("POST", "act", {"kind": "message", "user": "5"}, "user"),
    ("POST", "act", {"kind": "message", "channel": "nowhere"}, "channel"),
    ("POST", "act", {"kind": "voice_leave"}, "voice"),
    ("POST", "config", {"heartbeat_ms": 0}, "heartbeat_ms"),
    ("POST", "config", {"no_such": 1}, "no_such"),
    ("GET", "nothing", None, "nothing"),
])
def test_control_mistakes(small, method, path, body, word):
    status, _, text = small.request(method, "/_sim/" + path, body)
    assert status == 400 and word in json.loads(text)["error"]
