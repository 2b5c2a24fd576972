"""Pages of 100 members with six fields out of a million members, over HTTP: milliseconds per order
and filter, on the first page and on the last. Prints a table; exits with 1 if a figure is missed.

    /usr/bin/python3 tests/bench/bench_graphql_lists.py [--requests N] [--json]
"""

import argparse
import json
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
from bench_graphql_service import Client, percentile  # noqa: E402
import fill  # noqa: E402
import harness  # noqa: E402

QUERY = """query ($guild: Snowflake!, $filter: MemberFilter, $by: MemberOrder!, $way: Direction!,
                  $first: Int, $after: String, $last: Int, $before: String) {
  members(guildId: $guild, filter: $filter, orderBy: $by, direction: $way, first: $first,
          after: $after, last: $last, before: $before) {
    nodes { userId username nick joinedAt state idleSince }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""

MONTH_AGO = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 30 * 86400))
FAST, SLOW = 20, 250
CASES = (  # name, figure in ms, order, filter
    ("state", FAST, "ID", {"states": ["INACTIVE"]}),
    ("state, a rare one", FAST, "ID", {"states": ["WARNED"]}),
    ("state, two, by idle", FAST, "IDLE", {"states": ["INACTIVE", "WARNED"]}),
    ("state, by idle", FAST, "IDLE", {"states": ["ACTIVE"]}),
    ("idle", FAST, "IDLE", {}),
    ("idle longer than 30 days", FAST, "IDLE", {"quietSince": MONTH_AGO}),
    ("joined", FAST, "JOINED", {}),
    ("joined in the last 30 days", FAST, "JOINED", {"joinedSince": MONTH_AGO}),
    ("id", FAST, "ID", {}),
    ("name", SLOW, "NAME", {}),
    ("name contains", SLOW, "NAME", {"name": "name a1b"}),
    ("name that nobody has", SLOW, "NAME", {"name": "zzzzzzz"}),
    ("role", SLOW, "ID", {"roles": [str(fill.COMMON_ROLE)]}),
    ("role, a rare one, by idle", SLOW, "IDLE", {"roles": [str(fill.RARE_ROLE)]}),
    ("role, a rare one", SLOW, "ID", {"roles": [str(fill.RARE_ROLE)]}),
    ("kind", SLOW, "ID", {"lastKinds": ["MESSAGE"]}),
    ("kind, a rare one", SLOW, "IDLE", {"lastKinds": ["AUTOMOD"]}),
    ("state of a role, by idle", SLOW, "IDLE",
     {"states": ["INACTIVE"], "roles": [str(fill.COMMON_ROLE)]}),
    ("kind, idle for 30 days", SLOW, "IDLE", {"lastKinds": ["VOICE_JOIN"], "quietSince": MONTH_AGO}),
    ("name, by idle", SLOW, "IDLE", {"name": "name a1b"}),
)


class Postgres(harness.Postgres):
    """With the memory a server of this size would be given."""

    def argv(self):
        return [*super().argv(), "-c", "shared_buffers=1GB", "-c", "max_wal_size=4GB"]


def members(client, **variables):
    """Returns (the connection, milliseconds)."""
    body = json.dumps({"query": QUERY, "variables": variables})
    begin = time.perf_counter()
    data = client.send(body)
    spent = (time.perf_counter() - begin) * 1000
    answer = json.loads(data)
    assert "errors" not in answer, answer
    return answer["data"]["members"], spent


def pages(case):
    """The pages of a list that are measured: the first one, the last one, and the one before it
    asked for from its first row, both directions."""
    _, _, order, condition = case
    common = {"guild": str(fill.BIG), "by": order, "filter": condition or None}
    yield "first", {**common, "way": "ASC", "first": 100}
    yield "last", {**common, "way": "ASC", "last": 100}
    yield "first, descending", {**common, "way": "DESC", "first": 100}


def measure(client, case, requests):
    name, figure, _, _ = case
    if figure == SLOW:
        requests = max(20, requests // 10)
    for page, variables in pages(case):
        got, _ = members(client, **variables)
        if page == "last" and got["pageInfo"]["hasPreviousPage"]:
            cursor = got["pageInfo"]["startCursor"]
            yield from run(client, name, figure, "before the last",
                           {**variables, "before": cursor}, requests)
        elif got["pageInfo"]["hasNextPage"]:
            cursor = got["pageInfo"]["endCursor"]
            yield from run(client, name, figure, f"after the {page}",
                           {**variables, "after": cursor}, requests)
        yield from run(client, name, figure, page, variables, requests)


def run(client, name, figure, page, variables, requests):
    times = []
    for _ in range(requests):
        got, spent = members(client, **variables)
        times.append(spent)
    yield {"list": name, "page": page, "rows": len(got["nodes"]), "figure_ms": figure,
           "p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99)}


def show(row):
    print(f"{row['list']:28} {row['page']:24} {row['rows']:4} {row['p50_ms']:9.2f}"
          f" {row['p99_ms']:9.2f} {row['figure_ms']:7}"
          f"{'' if row['p99_ms'] <= row['figure_ms'] else '  MISSED'}", flush=True)


def bench(requests, only=None, quiet=False):
    """Fills a database of its own and measures; returns the rows of the table."""
    directory = harness.new_dir("presence-lists-")
    pg = Postgres(directory)
    pg.start()
    graphqld = harness.Graphqld(directory, harness.Conf(directory).save(), pg).prepare()
    rows = []
    try:
        fill.fill(pg)
        token = graphqld.new_token("reader", "read")
        graphqld.start()
        client = Client(graphqld.conf.graphql_socket, token=token)
        for case in CASES:
            for row in measure(client, case, requests) if not only or case[0].startswith(tuple(only)) else ():
                rows.append(row)
                if not quiet:
                    show(row)
    finally:
        graphqld.abandon()
        pg.abandon()
        shutil.rmtree(directory, ignore_errors=True)
        harness.Postgres.drop_template()
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--requests", type=int, default=300, help="per page (300)")
    parser.add_argument("--only", metavar="TEXT", action="append",
                        help="lists whose name begins with this; may be repeated")
    parser.add_argument("--json", action="store_true", help="one JSON list instead of the table")
    options = parser.parse_args()
    if not options.json:
        print(f"{'list':28} {'page':24} rows    p50 ms    p99 ms  figure")
    rows = bench(options.requests, options.only, options.json)
    if options.json:
        print(json.dumps(rows))
    return any(r["p99_ms"] > r["figure_ms"] for r in rows)


if __name__ == "__main__":
    sys.exit(main())
