"""What the parts of `make bench-graphql` share: reading CPU and memory, the table, a client, a service with
a database of its own, sightings."""

import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
import harness  # noqa: E402

GUILD = "500000000000000001"
T0 = 1_780_000_020_000  # a whole minute of 2026
MINUTE = 60_000
MEMBERS = 1000


# --- measuring ---------------------------------------------------------------------------------------

def cpu_us(pid):
    """Microseconds that all threads of a process have run."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            pass
    return total / 1000


def postgres_us(pg):
    total = 0
    for pid in harness.children_of(pg.pid):
        try:
            total += cpu_us(pid)
        except FileNotFoundError:
            pass
    return total


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Table:
    """The figures, with what is to be reached and whether it is."""

    def __init__(self):
        self.missed = 0
        print(f"{'figure':52} {'measured':>24} {'reach':>9}", flush=True)

    def row(self, name, values, most=None, form=".2f"):
        """values: of the runs; the median counts."""
        middle = statistics.median(values)
        text = format(middle, form)
        if len(values) > 1:
            text += f" ({format(min(values), form)}-{format(max(values), form)})"
        wanted = "" if most is None else f"{most:g}"
        state = "" if most is None else "ok" if middle <= most else "MISSED"
        self.missed += state == "MISSED"
        print(f"{name:52} {text:>24} {wanted:>9} {state}", flush=True)
        return middle


class Client:
    """One kept connection over a Unix socket or TCP. A request is one write, as libcurl's are."""

    def __init__(self, path=None, port=None, token=None, target="/graphql"):
        self.socket = (socket.create_connection(("localhost", port)) if path is None
                       else socket.socket(socket.AF_UNIX))
        if path is not None:
            self.socket.connect(str(path))
        lines = [f"POST {target} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        self.head = "".join(line + "\r\n" for line in lines).encode() + b"Content-Length: "

    def send(self, body):
        """body: bytes or text. Returns that of the answer."""
        if isinstance(body, str):
            body = body.encode()
        self.socket.sendall(b"%s%d\r\n\r\n%s" % (self.head, len(body), body))
        data = self.more()
        while b"\r\n\r\n" not in data:
            data += self.more()
        head, data = data.split(b"\r\n\r\n", 1)
        rest = int(re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)[1]) - len(data)
        parts = [data]
        while rest > 0:
            parts.append(self.more())
            rest -= len(parts[-1])
        return b"".join(parts)

    def more(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data

    def ask(self, query, variables=None):
        answer = json.loads(self.send(json.dumps({"query": query, "variables": variables or {}})))
        assert "errors" not in answer, answer
        return answer["data"]


class Service:
    """presence-graphqld on a database of its own."""

    def __init__(self):
        self.directory = harness.new_dir("presence-bench-")
        self.pg = harness.Postgres(self.directory)
        self.pg.start()
        self.graphqld = harness.Graphqld(self.directory, harness.Conf(self.directory).save(),
                                         self.pg).prepare()
        self.admin = self.graphqld.new_token("bench", "admin,ingest,read")
        self.graphqld.start()
        self.client = Client(self.graphqld.conf.graphql_socket, token=self.admin)

    def close(self):
        self.graphqld.abandon()
        self.pg.abandon()
        shutil.rmtree(self.directory, ignore_errors=True)

    def spent(self, work, count):
        """Runs work; microseconds of the service's and of PostgreSQL's CPU for each of count."""
        before = cpu_us(self.graphqld.pid), postgres_us(self.pg)
        work()
        after = cpu_us(self.graphqld.pid), postgres_us(self.pg)
        return (after[0] - before[0]) / count, (after[1] - before[1]) / count


def one_by_one(send, body_of, count):
    """Milliseconds of each request."""
    times = []
    for n in range(count):
        body = body_of(n)
        begin = time.perf_counter()
        answer = send(body)
        times.append((time.perf_counter() - begin) * 1000)
        assert b'"errors"' not in answer, answer[:500]
    return times


def user_of(n):
    return str(600000000000000000 + n % MEMBERS)


# --- sightings ---------------------------------------------------------------------------------------

KINDS = ["MESSAGE"] * 12 + ["REACTION_ADD", "VOICE_JOIN", "VOICE_LEAVE", "TYPING"]


def columns(rng, rows, minute, users=20000):
    """Sightings as a worker coalesces them: one guild, some channels, one minute."""
    out = {k: [] for k in ("guildId", "userId", "channelId", "kind", "count", "firstAt", "lastAt",
                           "counted")}
    for user in sorted(rng.sample(range(users), rows)):
        kind = rng.choice(KINDS)
        first = minute + rng.randrange(30000)
        out["guildId"].append(GUILD)
        out["userId"].append(str(600000000000000000 + user))
        out["channelId"].append(str(700000000000000000 + rng.randrange(40)))
        out["kind"].append(kind)
        out["count"].append(1 + rng.randrange(3))
        out["firstAt"].append(first)
        out["lastAt"].append(first + rng.randrange(20000))
        out["counted"].append(kind != "TYPING")
    return out
