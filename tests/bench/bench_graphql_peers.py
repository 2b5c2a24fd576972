"""Mercurius and PostGraphile 4.14 (npm), tuned by hand, doing what presence-graphqld is measured with, each
on a PostgreSQL of its own. A part of `make bench-graphql`."""

import json
import pathlib
import random
import shutil
import subprocess

import pytest

from bench_graphql_service import (GUILD, MINUTE, T0, Client, columns, cpu_us, one_by_one, percentile,
                                   resident_mb, user_of)
import harness
import npm

PEER_SQL = """
CREATE SCHEMA peer;
CREATE TABLE peer.member (guild_id bigint, user_id bigint, last_seen timestamptz, kind text, nick text,
  PRIMARY KEY (guild_id, user_id));
CREATE TABLE peer.activity (guild_id bigint, user_id bigint, minute bigint, channel_id bigint, kind text,
  count int, PRIMARY KEY (guild_id, user_id, minute, channel_id, kind));
INSERT INTO peer.member SELECT 500000000000000001, 600000000000000000 + n FROM generate_series(0, 999) n;
CREATE FUNCTION peer.rename_member(guild_id bigint, user_id bigint, nick text) RETURNS peer.member
LANGUAGE plpgsql AS $$ DECLARE m peer.member; BEGIN
  UPDATE peer.member t SET nick = $3 WHERE t.guild_id = $1 AND t.user_id = $2 RETURNING * INTO m;
  RETURN m; END $$;
CREATE FUNCTION peer.record(guild_id bigint[], user_id bigint[], channel_id bigint[], kind text[],
  count int[], first_at bigint[], last_at bigint[], counted boolean[]) RETURNS int
LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO peer.member AS t SELECT DISTINCT ON (g, u) g, u, to_timestamp(l / 1000.0), k
    FROM unnest($1, $2, $4, $7) AS s (g, u, k, l) ORDER BY g, u, l DESC
    ON CONFLICT ON CONSTRAINT member_pkey DO UPDATE SET last_seen = EXCLUDED.last_seen,
    kind = EXCLUDED.kind WHERE t.last_seen IS NULL OR t.last_seen < EXCLUDED.last_seen;
  INSERT INTO peer.activity AS t SELECT g, u, f / 60000, coalesce(c, 0), k, sum(n)
    FROM unnest($1, $2, $6, $3, $4, $5) AS s (g, u, f, c, k, n) GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2
    ON CONFLICT ON CONSTRAINT activity_pkey DO UPDATE SET count = t.count + EXCLUDED.count;
  RETURN cardinality($1); END $$;
"""
PEERS = {
    "mercurius": {
        "packages": ["mercurius@16.10.1", "fastify@5.12.8", "pg@8.23.1", "graphql@16.15.0"],
        "rename": """mutation ($guild: ID!, $user: ID!, $nick: String) {
          renameMember(guildId: $guild, userId: $user, nick: $nick) { guildId userId nick } }""",
        "record": "mutation ($s: Sightings!) { record(sightings: $s) }",
        "variables": lambda s: {"s": s},
        "one": lambda g, u, n: {"guild": g, "user": u, "nick": n}},
    "postgraphile": {
        "packages": ["postgraphile@4.14.1", "pg@8.23.1", "graphql@15.11.0"],
        "rename": """mutation ($input: RenameMemberInput!) { renameMember(input: $input) {
          member { guildId userId nick } } }""",
        "record": "mutation ($input: RecordInput!) { record(input: $input) { integer } }",
        "variables": lambda s: {"input": s},
        "one": lambda g, u, n: {"input": {"guildId": g, "userId": u, "nick": n}}},
}


def peer_modules(name):
    """Where its packages are, or None with a line that says why."""
    try:
        return npm.modules(f"bench-{name}", *PEERS[name]["packages"])
    except pytest.skip.Exception as e:
        print(f"{name}: left out, {e}", flush=True)
        return None


class Peer:
    """One of the peers on a database of its own."""

    def __init__(self, name, modules):
        self.directory = harness.new_dir("presence-peer-")
        self.pg = harness.Postgres(self.directory)
        self.pg.start()
        self.pg.execute(PEER_SQL)
        path = self.directory / "peer.sock"
        self.process = subprocess.Popen(
            ["node", str(pathlib.Path(__file__).with_name("peer_graphql.js")), name, str(path),
             str(self.pg.sockets)],
            env=npm.environment(modules) | {"NODE_ENV": "production"})

        def connect():
            try:
                return Client(path)
            except (FileNotFoundError, ConnectionRefusedError):  # not yet bound, not yet listening
                return None

        self.client = harness.wait_until(connect, 60, f"{name} listens")

    def spent(self, work, count):
        before = cpu_us(self.process.pid)
        work()
        return (cpu_us(self.process.pid) - before) / count

    def close(self):
        self.process.kill()
        self.process.wait()
        self.pg.abandon()
        shutil.rmtree(self.directory, ignore_errors=True)


def peer(table, options, name, reached):
    modules = peer_modules(name)
    if not modules:
        return
    of = PEERS[name]
    p = Peer(name, modules)
    try:
        def one(n):
            return json.dumps({"query": of["rename"], "variables": of["one"](
                GUILD, user_of(n), f"name {n}")}).encode()

        one_by_one(p.client.send, one, 1000)  # its compiler has seen it
        times = []
        ratio(table, f"{name}: one renameMember: us", [p.spent(
            lambda: times.extend(one_by_one(p.client.send, one, options.singles)), options.singles)
            for _ in range(options.runs)], reached.get("single"))
        table.row("  p50 with one client: ms", [percentile(times, 0.5)])
        rng = random.Random(1)
        bodies = [json.dumps({"query": of["record"], "variables": of["variables"](
            columns(rng, 1000, T0 + n * MINUTE))}).encode() for n in range(options.rows // 2000)]
        one_by_one(p.client.send, lambda n: bodies[n], len(bodies))
        ratio(table, f"{name}: batches of 1,000: us per row", [p.spent(
            lambda: one_by_one(p.client.send, lambda n: bodies[n], len(bodies)), 1000 * len(bodies))
            for _ in range(options.runs)], reached.get("record"))
        ratio(table, f"{name}: resident: MB", [resident_mb(p.process.pid)], reached.get("memory"))
    finally:
        p.close()


def ratio(table, name, values, ours):
    middle = table.row(name, values)
    if ours:
        print(f"    {middle / ours:.1f} times presence-graphqld", flush=True)


def peers(table, options, reached):
    for name in PEERS:
        peer(table, options, name, reached)
