"""What `make bench-graphql` runs: what presence-graphqld costs, beside Mercurius and PostGraphile 4.14
on the same PostgreSQL in the same run.

CPU is that of the service alone, user and system, from /proc/PID/task/*/schedstat; PostgreSQL's share
is shown beside it. One client sends one request after the other, on one kept connection.
"""

import argparse
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bench_graphql_lists  # noqa: E402
import bench_graphql_peers  # noqa: E402
import bench_graphql_totals  # noqa: E402
from bench import machine  # noqa: E402
from bench_graphql_service import (GUILD, MEMBERS, MINUTE, T0, Client, Service, Table, columns,  # noqa: E402
                                   one_by_one, percentile, resident_mb, user_of)
import documents  # noqa: E402
import harness  # noqa: E402

OPERATIONS = harness.SOURCE_DIR / "graphql" / "operations"


def parse():
    parser = argparse.ArgumentParser(prog="make bench-graphql",
                                     description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="of each part; the median counts (3)")
    parser.add_argument("--rows", type=int, default=100000, help="sightings of a run (100000)")
    parser.add_argument("--requests", type=int, default=1000000,
                        help="requests before memory is looked at (1000000)")
    parser.add_argument("--singles", type=int, default=5000, help="single mutations of a run (5000)")
    parser.add_argument("--pages", type=int, default=300, help="requests per page of a list (300)")
    parser.add_argument("--log", type=int, default=1000000,
                        help="rows of the log that totals are made of (1000000)")
    parser.add_argument("--only", action="append", choices=list(PARTS),
                        help="one part; may be repeated")
    parser.add_argument("--attack", help=argparse.SUPPRESS)
    return parser.parse_args()


# --- recordSightings ---------------------------------------------------------------------------------

def operation(name, by_text):
    """What names an operation in a request: its id, as workers send it, or its text."""
    text = (OPERATIONS / f"{name}.graphql").read_text()
    return ({"query": text} if by_text
            else {"documentId": "sha256:" + hashlib.sha256(text.encode()).hexdigest()})


def record_bodies(size, total, lane, position, minute, users=20000, by_text=False):
    """Ready requests of `size` sightings each: what the client spends is not what is measured."""
    named = operation("RecordSightings", by_text)
    rng = random.Random(size)
    bodies = []
    for n in range(total // size):
        batch = {"lane": lane, "epoch": "1", "from": str(position + n * size),
                 "to": str(position + (n + 1) * size), "sessions": [],
                 "sightings": columns(rng, size, minute + n * MINUTE, users)}
        bodies.append(json.dumps({**named, "variables": {"batches": [batch]}},
                                 separators=(",", ":")).encode())
    return bodies


def without_log(pg):
    """Leaves the log out: batch_sightings as it is, without the one statement that writes there."""
    text, = pg.execute("SELECT pg_get_functiondef('batch_sightings'::regproc)")[0]
    begin = text.index("    INSERT INTO activity ")
    pg.execute(text[:begin] + text[text.index(";", begin) + 1:])


def spent_on_batches(service, size, bodies):
    """Microseconds per row, of the service and of PostgreSQL."""
    def work():
        for body in bodies:
            answer = service.client.send(body)
            assert b'"APPLIED"' in answer, answer[:500]

    return service.spent(work, len(bodies) * size)


def record(table, options):
    """Returns microseconds per row by 1,000, for the ratios. The variants take turns, run by run."""
    services = [Service(), Service(), Service()]
    without_log(services[2].pg)
    reached = None
    try:
        for lane, (size, most) in enumerate(((1000, 1.0), (5000, 0.8))):
            runs = []
            for run in range(options.runs + 1):
                at = lane, run * (options.rows // size) * size, T0 + run * 1000 * MINUTE
                bodies, texts = (record_bodies(size, options.rows, *at, by_text=t) for t in (False, True))
                runs.append([spent_on_batches(s, size, b)
                             for s, b in zip(services, (bodies, texts, bodies))])
            named, text, no_log = zip(*runs[1:])  # the first one fills caches
            middle = table.row(f"recordSightings by {size:,}: us per row", [r[0] for r in named], most)
            reached = reached or middle
            table.row("  the same by the text of the operation", [r[0] for r in text])
            table.row("  PostgreSQL, with the activity log", [r[1] for r in named + text], 20)
            table.row("  PostgreSQL, its insert into the log left out", [r[1] for r in no_log], 12)
        return reached
    finally:
        for s in services:
            s.close()


# --- the language ------------------------------------------------------------------------------------

GUILD_FIELDS = ("id name available leftAt ownerId afkChannelId systemChannelId locale memberCount "
                "humanCount botJoinedAt rosterAt settingsVersion").split()
MEMBER_FIELDS = ("guildId userId username globalName nick roles joinedAt premiumSince timeoutUntil "
                 "pending leftAt state knowledge idleSince observedIdleMs observedShare notBefore "
                 "lastSeen lastSeenKind lastSeenChannelId lastCounted lastCountedKind").split()


def long_query():
    """200 lines as a dashboard would send them: aliases, fragments, variables, directives."""
    lines = ["query Dashboard($guild: Snowflake!, $user: Snowflake!, $after: String,",
             "                $with: Boolean = true) {"]
    for n in range(6):
        lines += f"""  g{n}: guild(id: $guild) {{
    ...GuildFacts
    humans: humanCount
    lastAct {{ ch type ts }}
    settings {{ key value }}
    page{n}: members(first: {n + 10}, after: $after, orderBy: IDLE) {{
      nodes {{
        ...MemberFacts
        stateSince
        gaps {{ count }}
      }}
      pageInfo {{
        hasNextPage
        endCursor
      }}
      totalCount @include(if: $with)
    }}
  }}
  m{n}: member(guildId: $guild, userId: $user) {{
    ...MemberFacts
    presentUntil
    idleStats {{ timesIdle avgIdleTime prevAvgs }}
    lastAct {{ ch type ts }}
    certain{n}: knowledge
  }}""".splitlines()
    lines += ["  service {", "    version", "  }", "}", "", "fragment GuildFacts on Guild {",
              *(f"  {f}" for f in GUILD_FIELDS), "}", "", "fragment MemberFacts on Member {",
              *(f"  {f}" for f in MEMBER_FIELDS), "}"]
    return lines + ["# the end"] * (200 - len(lines))


def language(table, options):
    lines = long_query()
    assert len(lines) == 200
    with tempfile.NamedTemporaryFile("w", suffix=".graphql") as f:
        f.write("\n".join(lines) + "\n")
        f.flush()
        runs = [[float(v) for v in subprocess.run(
            [harness.program("tests/gql_bench"), "document", f.name, "2000"], check=True,
            stdout=subprocess.PIPE, text=True).stdout.split()] for _ in range(options.runs)]
    table.row("parse + validate a query of 200 lines: us", [r[0] for r in runs], 150, ".0f")
    table.row("  the same, found in the cache: us", [r[1] for r in runs], 5)


# --- one row -----------------------------------------------------------------------------------------

RENAME = """mutation ($guild: Snowflake!, $user: Snowflake!, $nick: String) {
  updateMember(guildId: $guild, userId: $user, patch: { nick: $nick }) {
    code
    member { guildId userId nick }
  }
}"""
KNOWN = """mutation ($guilds: [GuildInput!]!, $members: [MemberInput!]!) {
  upsertGuilds(guilds: $guilds) { code }
  upsertMembers(members: $members) { code }
}"""


def make_members(service):
    service.client.ask(KNOWN, {
        "guilds": [{"guildId": GUILD, "at": T0, "name": "x", "available": True}],
        "members": [{"guildId": GUILD, "userId": user_of(n), "at": T0, "onRoster": True, "bot": False}
                    for n in range(MEMBERS)]})


def rename_body(n):
    return json.dumps({"query": RENAME, "variables": {
        "guild": GUILD, "user": user_of(n), "nick": f"name {n}"}}).encode()


def sighting_bodies(total, lane, by_text=False):
    """Batches of one sighting each, of a member that is known."""
    return record_bodies(1, total, lane, 0, T0, MEMBERS, by_text)


def disk_ms(service, count):
    """Milliseconds of an UPDATE of one row without any service: mostly its way to the disk."""
    with contextlib.closing(service.pg.connect()) as c, c.cursor() as cursor:
        def update(n):
            cursor.execute("UPDATE presence.member SET flags = %s WHERE guild_id = %s AND user_id = %s",
                           (n, GUILD, user_of(n)))
            return b""

        return one_by_one(update, lambda n: n, count)


def single_of(table, service, options, name, body_of, most=60, p50=0.6):
    """Returns microseconds of one; most and p50 None: shown for comparison."""
    one_by_one(service.client.send, body_of, 200)
    ours, theirs, times, done = [], [], [], itertools.count(200)
    for _ in range(options.runs):
        def work():
            times.append(one_by_one(service.client.send, lambda n: body_of(next(done)),
                                    options.singles))

        one, other = service.spent(work, options.singles)
        ours.append(one)
        theirs.append(other)
    middle = table.row(f"one {name}: us of the service", ours, most, ".0f")
    table.row("  PostgreSQL: us", theirs, form=".0f")
    table.row("  p50 with one client: ms", [percentile(t, 0.5) for t in times], p50)
    table.row("  p99: ms", [percentile(t, 0.99) for t in times])
    return middle


def single(table, options):
    """Returns microseconds of one updateMember, for the ratios: the peers do the same."""
    service = Service()
    try:
        make_members(service)
        middle = single_of(table, service, options, "updateMember", rename_body)
        total = 200 + options.runs * options.singles
        single_of(table, service, options, "recordSightings of one row",
                  sighting_bodies(total, 0).__getitem__)
        single_of(table, service, options, "recordSightings, by the operation's text",
                  sighting_bodies(total, 1, True).__getitem__, None, None)
        table.row("  for comparison, a bare UPDATE by libpq, p50: ms",
                  [percentile(disk_ms(service, options.singles // 5), 0.5)])
        return middle
    finally:
        service.close()


# --- memory ------------------------------------------------------------------------------------------

IN_FLIGHT = 64


def memory(table, options):
    """Pipelined requests: mostly one that no table is read for, now and then a new document and one
    that PostgreSQL answers."""
    service = Service()
    try:
        path, token = service.graphqld.conf.graphql_socket, service.admin

        def request(query):
            body = json.dumps({"query": query}).encode()
            return (b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
                    % (token.encode(), len(body), body))

        plain = request("{ service { version } }") * (IN_FLIGHT - 2)
        at_begin = []
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(path))
            for n in range(options.requests // IN_FLIGHT):
                s.sendall(plain + request(f"{{ a{n % 5000}: __typename }}")
                          + request("{ guilds(first: 3) { nodes { id name } } }"))
                seen = 0
                while seen < IN_FLIGHT:
                    seen += s.recv(1 << 18).count(b"HTTP/1.1 200")
                if n == options.requests // IN_FLIGHT // 10:
                    at_begin.append(resident_mb(service.graphqld.pid))
        held = table.row(f"resident after {options.requests:,} requests: MB",
                         [resident_mb(service.graphqld.pid)], 25, ".1f")
        table.row("  more than after the first tenth of them: MB", [held - at_begin[0]], 1, ".1f")
        return held
    finally:
        service.close()


# --- hostile requests --------------------------------------------------------------------------------

HOSTILE_SEC = 10


def hostile(table, options):
    """A normal query beside clients that send the worst documents one after the other."""
    service = Service()
    try:
        before = resident_mb(service.graphqld.pid)
        attackers = [subprocess.Popen([sys.executable, __file__, "--attack",
                                       str(service.graphqld.conf.graphql_socket)],
                                      stdout=subprocess.PIPE) for _ in range(2)]
        try:
            body = json.dumps({"query": "{ guilds(first: 3) { nodes { id name } } }"}).encode()
            for a in attackers:
                assert a.stdout.readline() == b"attacks\n"
            times, end = [], time.monotonic() + HOSTILE_SEC
            while time.monotonic() < end or len(times) < 1000:
                times += one_by_one(service.client.send, lambda n: body, 100)
            assert all(a.poll() is None for a in attackers)
        finally:
            for a in attackers:
                a.kill()
                a.wait()
                a.stdout.close()
        table.row("a normal query beside hostile ones, p99: ms", [percentile(times, 0.99)], 50)
        table.row("  memory that they took: MB", [resident_mb(service.graphqld.pid) - before], 15,
                  ".1f")
    finally:
        service.close()


def attack(path):
    """Until it is killed."""
    client = Client(path)
    bodies = [body for _, body, _ in documents.hostile()]
    print("attacks", flush=True)
    for body in itertools.cycle(bodies):
        try:
            client.send(body)
        except OSError:  # the server closes after some of them
            client = Client(path)


# --- lists of a million members ----------------------------------------------------------------------

def lists(table, options):
    worst = {}
    for row in bench_graphql_lists.bench(options.pages, quiet=True):
        at = worst.setdefault(row["list"], [row["figure_ms"], 0])
        at[1] = max(at[1], row["p99_ms"])
    for name, (most, p99) in worst.items():
        table.row(f"100 of 1,000,000 members, {name}, worst p99: ms", [p99], most, ".1f")


def totals(table, options):
    bench_graphql_totals.bench(table, options.log)


PARTS = {"language": language, "record": record, "single": single, "memory": memory,
         "hostile": hostile, "lists": lists, "totals": totals, "peers": bench_graphql_peers.peers}


def main():
    options = parse()
    if options.attack:
        attack(options.attack)
    print(f"{machine()}\n")
    table = Table()
    reached = {}
    try:
        for name, part in PARTS.items():
            if options.only and name not in options.only:
                continue
            if name == "peers":
                part(table, options, reached)
            else:
                reached[name] = part(table, options)
    finally:
        harness.Postgres.drop_template()
    sys.exit(1 if table.missed else 0)


if __name__ == "__main__":
    main()
