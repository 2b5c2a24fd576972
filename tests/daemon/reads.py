"""What the tests of reads share: one small world, recorded as a worker would, that no test changes.

Two guilds. In the first: ten members of three channels and acts of the last hundred days, of which
MODEL tells what the figures are made of; what the second holds must never be counted, nor what
STRANGER does, of whom it is not known whether it is a bot."""

import collections
import contextlib
import random
import shutil
import time

import harness
from test_graphqld import HOUR, MINUTE, Lane, act, sightings

DAY = 24 * HOUR
NOW = int(time.time() * 1000) // MINUTE * MINUTE
GUILD, OTHER = "500000000000000001", "500000000000000777"
CHANNELS = ("700000000000000001", "700000000000000002", "700000000000000003")
USERS = tuple(str(600000000000000001 + i) for i in range(10))
STRANGER = "600000000000000999"
KINDS = ("MESSAGE", "REACTION_ADD", "COMMAND", "TYPING")

Act = collections.namedtuple("Act", "at kind user channel count")


def model():
    """Acts of GUILD, each in a minute of its own; never in the last channel."""
    rng = random.Random(3)
    minutes = rng.sample(range(10, 100 * 24 * 60), 300)
    return [Act(NOW - m * MINUTE, rng.choice(KINDS), rng.choice(USERS[:8]),
                rng.choice(CHANNELS[:2] + (None,)), rng.randint(1, 3)) for m in minutes]


MODEL = model()
COUNTED = [a for a in MODEL if a.kind != "TYPING"]


class World:
    def __init__(self, directory):
        self.pg = harness.Postgres(directory)
        self.conf = harness.Conf(directory).save()
        self.pg.start()
        self.graphqld = harness.Graphqld(directory, self.conf, self.pg).prepare()
        self.conf.update(graphqld={"max_cost": 1000000}).save()
        self.token = self.graphqld.new_token("people", "read")
        self.admin = self.graphqld.new_token("admin", "admin")
        self.all = self.graphqld.new_token("all", "admin,ingest")
        self.worker = self.graphqld.new_token("worker", "ingest,read")
        self.graphqld.start()
        self.lane = Lane(self.graphqld)
        self.record()

    def record(self):
        begin = NOW - 20 * DAY
        self.lane.record(
            sessions=[(1, 9)],
            guilds=[{"guildId": g, "at": NOW, "name": n} for g, n in ((GUILD, "One"), (OTHER, "Two"))],
            channels=[{"guildId": GUILD, "channelId": c, "at": NOW, "name": name, "type": 0,
                       "position": position, "lastMessageId": "1400000000000000000"}
                      for c, name, position in zip(CHANNELS, ("beta", "Alpha", "gamma"), (2, 3, 1))]
            + [{"guildId": GUILD, "channelId": "700000000000000009", "at": NOW, "gone": True,
                "name": "late"},
               {"guildId": OTHER, "channelId": CHANNELS[0], "at": NOW, "name": "secret"}],
            members=[{"guildId": g, "userId": u, "at": NOW, "bot": False, "onRoster": True,
                      "username": f"u{i}", "roles": [str(i % 3)], "joinedAt": NOW - 200 * DAY}
                     for g in (GUILD, OTHER) for i, u in enumerate(USERS)],
            gateway=[{"session": "1", "shard": 0, "shards": 1, "edge": "STARTED", "at": begin,
                      "watchedUntil": NOW - MINUTE}],
            coverage=[{"guildId": g, "session": "1", "at": begin, "open": True, "reason": "SESSION"}
                      for g in (GUILD, OTHER)],
            sightings=sightings(
                *[act(a.at, a.kind, guild=GUILD, user=a.user, channel=a.channel, count=a.count,
                      counted=a.kind != "TYPING") for a in MODEL],
                # of another guild, and of somebody who may be a bot
                act(NOW - 2 * HOUR, guild=OTHER, user=USERS[9], channel=CHANNELS[2], count=7),
                act(NOW - 2 * HOUR, guild=GUILD, user=STRANGER, channel=CHANNELS[1], count=7)))
        # an hour of it lies within the last seven days
        for user, since, until in ((USERS[0], NOW - 7 * DAY - HOUR, NOW - 7 * DAY + HOUR),
                                   (USERS[1], NOW - 30 * MINUTE, None)):
            self.lane.record(voice=[self.edge(user, CHANNELS[1], since)])
            self.lane.record(voice=[self.edge(STRANGER, CHANNELS[1], since)])
            if until:
                self.lane.record(voice=[self.edge(user, None, until)])
        self.lane.record(present=[{"guildId": GUILD, "userId": USERS[1], "until": NOW - 10 * MINUTE}])
        self.pg.execute("INSERT INTO setting_history (guild_id, version, key, old_value, new_value)"
                        " SELECT %s, v, k, NULL, to_jsonb(v) FROM generate_series(1, 4) v,"
                        " unnest(ARRAY['mode', 'voice_tick']) k WHERE v > 1 OR k = 'mode'", (GUILD,))

    @staticmethod
    def edge(user, channel, at):
        return {"guildId": GUILD, "userId": user, "channelId": channel, "at": at, "state": 0,
                "estimated": False}

    @contextlib.contextmanager
    def reset_at(self, at):
        """The guild stands as after a soft reset at that time, for as long as this lasts."""
        self.pg.execute("UPDATE guild SET reset_at = to_timestamp(%s / 1000.0) WHERE guild_id = %s",
                        (at, GUILD))
        yield
        self.pg.execute("UPDATE guild SET reset_at = NULL WHERE guild_id = %s", (GUILD,))

    def ask(self, document, variables=None, token=None):
        return self.graphqld.query(document, variables, token=token or self.token)

    def read(self, document, **variables):
        answer = self.ask(document, variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]


@contextlib.contextmanager
def world():
    directory = harness.new_dir()
    made = World(directory)
    try:
        yield made
        made.graphqld.stop()
        made.graphqld.check_log()
        made.pg.stop()
    finally:
        made.graphqld.abandon()
        made.pg.abandon()
    shutil.rmtree(directory, ignore_errors=True)


def pages(read, field, arguments, selection, size, forward=True):
    """All nodes of a connection, page by page, in its order; checks what pageInfo says."""
    nodes, cursor = [], None
    names = ("first", "after", "endCursor", "hasNextPage", "hasPreviousPage") if forward else (
        "last", "before", "startCursor", "hasPreviousPage", "hasNextPage")
    document = (f"query ($cursor: String) {{ {field}({arguments}, {names[0]}: {size},"
                f" {names[1]}: $cursor) {{ nodes {selection} totalCount"
                " edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }")
    while True:
        got = read(document, cursor=cursor)[field]
        info = got["pageInfo"]
        assert info[names[4]] is (cursor is not None)
        assert [info["startCursor"], info["endCursor"]] == (
            [got["edges"][0]["cursor"], got["edges"][-1]["cursor"]] if got["edges"] else [None, None])
        nodes = nodes + got["nodes"] if forward else got["nodes"] + nodes
        cursor = info[names[2]]
        if not info[names[3]]:
            assert got["totalCount"] == len(nodes)
            return nodes
