"""Ninety days of a large guild: what heatmap and dailyCounts cost over HTTP, from totals and where different
people are counted, which reads the log; and what making the totals costs.

    /usr/bin/python3 tests/bench/bench_graphql_totals.py [--rows N]
"""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from bench_graphql_service import GUILD, Client, Service, Table, postgres_us  # noqa: E402
import harness  # noqa: E402

DAYS, USERS, CHANNELS = 90, 200000, 60
# In the order of time, as it is recorded; a few members do most of it.
FILL = """
INSERT INTO activity (guild_id, user_id, minute, channel_id, first_at, last_at, count, kind)
SELECT {guild}, 600000000000000000 + (power((hashint8(n) & 1048575) / 1048576.0, 3) * {users})::bigint, m,
       700000000000000000 + (hashint8(n * 7919) & 1048575) % {channels}, m, m, 1,
       (CASE WHEN n % 10 < 7 THEN 1 WHEN n % 10 < 9 THEN 5 ELSE 10 END)
  FROM generate_series({first}::bigint, {last} - 1) n,
       LATERAL (SELECT date_trunc('minute', now() - make_interval(secs => {days} * 86400.0 * (1 - n / {rows}.0)))
                    AS m) t
    ON CONFLICT DO NOTHING"""
BEGIN = """
INSERT INTO guild (guild_id, lane, at, name) VALUES ({guild}, 0, now(), 'large');
INSERT INTO member (guild_id, user_id, at, bot)
SELECT {guild}, 600000000000000000 + n, now(), false FROM generate_series(0, {users}) n;
SELECT ensure_month((now() - make_interval(days => d))::date) FROM generate_series(0, {days} + 1, 10) d;
SELECT pg_advisory_lock(totals_lock());
UPDATE total_state SET until = t, closing = t, horizon = NULL
  FROM (SELECT quarter(now() - interval '{days} days') AS t) x"""
QUERIES = (("heatmap", "acts"), ("dailyCounts", "acts messages"), ("heatmap", "acts people"),
           ("dailyCounts", "acts people"))


def fill(pg, rows):
    names = {"guild": GUILD, "days": DAYS, "users": USERS, "channels": CHANNELS, "rows": rows}
    pg.execute(BEGIN.format(**names))
    for first in range(0, rows, 500000):
        pg.execute(FILL.format(first=first, last=min(rows, first + 500000), **names))


def make(pg):
    """Milliseconds of PostgreSQL's CPU for each quarter of an hour."""
    with pg.connect() as c, c.cursor() as cursor:
        before, more = postgres_us(pg), True
        while more:
            cursor.execute("SELECT make_totals()")
            more, = cursor.fetchone()
        return (postgres_us(pg) - before) / 1000 / (DAYS * 96)


def bench(table, rows, requests=15):
    service = Service()
    try:
        fill(service.pg, rows)
        made = make(service.pg)
        service.pg.execute("VACUUM ANALYZE activity, activity_total, member")
        client = Client(service.graphqld.conf.graphql_socket, token=service.admin)  # the first one was idle
        for field, selection in QUERIES:
            query = f'{{ {field}(guildId: "{GUILD}", days: {DAYS}) {{ {selection} }} }}'
            times = []
            for _ in range(3 if "people" in selection else requests):
                begin = time.perf_counter()
                client.ask(query)
                times.append((time.perf_counter() - begin) * 1000)
            table.row(f"{field} of {DAYS} days, {rows:,} rows ({selection}): ms", times, form=".0f")
        table.row("  making the totals of a quarter of an hour: ms of PostgreSQL", [made])
    finally:
        service.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rows", type=int, default=2000000, help="of the log (2000000)")
    options = parser.parse_args()
    try:
        bench(Table(), options.rows)
    finally:
        harness.Postgres.drop_template()


if __name__ == "__main__":
    main()
