"""One query is one statement, whatever its depth, and reads what was selected: from PostgreSQL's log."""

import json
import os
import random
import re

import pytest

import harness
import reads
from reads import CHANNELS, DAY, GUILD, NOW, USERS
from test_graphql_scopes import SCHEMA, named
from test_graphqld import stamp

STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]+): (.*)")
# what a connection of the pool begins with, and what the service does by itself
ASIDE = re.compile(r"SET synchronous_commit|SELECT max\(version\) FROM presence.migration$"
                   r"|SELECT presence.(ensure_months|forget_requests|make_totals)\(")
OPERATIONS = harness.SOURCE_DIR / "graphql" / "operations"
VARIABLES = {"lanes": [3, 4], "keys": [{"guildId": GUILD, "userId": u} for u in USERS],
             "guildId": GUILD, "userId": USERS[0], "channelId": CHANNELS[0],
             "orderBy": "IDLE", "days": 30, "first": 15, "of": "MEMBER", "reverse": False, "roleId": "5",
             "types": [0], "quietDays": 60, "minPeople": 2, "count": True}
VARIABLES |= dict.fromkeys(("since", "watchedSince", "today", "week", "month"), "2026-01-01T00:00:00Z")
DOCUMENTS = 50


@pytest.fixture(scope="module")
def world():
    with reads.world() as made:
        made.pg.execute("ALTER SYSTEM SET log_statement = 'all'")
        made.pg.execute("SELECT pg_reload_conf()")
        harness.wait_until(lambda: made.pg.execute("SHOW log_statement") == [("all",)])
        yield made


def statements(world, document, variables=None, token=None):
    """What PostgreSQL was sent for a document; and the answer, which holds no errors."""
    begin = os.path.getsize(world.pg.log.path)
    answer = world.ask(document, variables, token)
    assert "errors" not in answer, (document, answer["errors"])
    sent = STATEMENT.findall(world.pg.log.text(begin))
    return [s for s in sent if not ASIDE.match(s)], answer["data"]


class Writer:
    """Documents at random out of the introspected schema, which all can be answered."""

    def __init__(self, schema, rng):
        self.types = {t["name"]: t for t in schema["types"]}
        self.root = self.types[schema["queryType"]["name"]]
        self.rng = rng

    def value(self, t, name):
        if t["kind"] == "NON_NULL":
            return self.value(t["ofType"], name)
        if t["kind"] == "LIST":
            return f"[{self.value(t['ofType'], name)}]"
        of = self.types[t["name"]]
        if of["kind"] == "ENUM":
            return self.rng.choice(of["enumValues"])["name"]
        if of["kind"] == "INPUT_OBJECT":
            return "{" + ", ".join(f"{f['name']}: {self.value(f['type'], f['name'])}"
                                   for f in self.chosen(of["inputFields"])) + "}"
        special = {"timeZone": '"Asia/Kolkata"', "lanes": "3", "days": str(self.rng.randint(1, 40)),
                   "quietDays": "9", "userId": f'"{self.rng.choice(USERS)}"',
                   "channelId": f'"{self.rng.choice(CHANNELS)}"'}
        if name in special:
            return special[name]
        return {"Int": str(self.rng.randint(1, 20)), "Boolean": self.rng.choice(("true", "false")),
                "Snowflake": f'"{GUILD}"', "BigInt": '"9"', "String": '"u"', "UnixMs": str(NOW),
                "DateTime": f'"{stamp(NOW - self.rng.randint(1, 90) * DAY)}"'}[t["name"]]

    def chosen(self, inputs):
        """What is required, and of the rest some; one direction of paging, without a cursor."""
        left_out = {"after", "before", self.rng.choice(("first", "last"))}
        return [a for a in inputs if a["name"] not in left_out
                and (a["type"]["kind"] == "NON_NULL" and a["defaultValue"] is None
                     or self.rng.random() < 0.3)]

    def field(self, f, depth):
        given = ", ".join(f"{a['name']}: {self.value(a['type'], a['name'])}"
                          for a in self.chosen(f["args"]))
        alias = f"a{self.rng.randint(0, 10**9)}: " if self.rng.random() < 0.5 or f["args"] else ""
        return (alias + f["name"] + (f"({given})" if given else "")
                + self.selection(named(f["type"]), depth))

    def selection(self, name, depth):
        t = self.types[name]
        if t["kind"] != "OBJECT":
            return ""
        leaves = [f for f in t["fields"] if self.types[named(f["type"])]["kind"] != "OBJECT"]
        nested = [f for f in t["fields"] if f not in leaves] if depth else []
        some = self.rng.sample(leaves, self.rng.randint(0, len(leaves)))
        some += self.rng.sample(nested, self.rng.randint(min(1, len(nested)), min(3, len(nested))))
        return " { __typename " + " ".join(self.field(f, depth - 1) for f in some) + " }"

    def document(self):
        fields = self.rng.sample(self.root["fields"], self.rng.randint(1, 4))
        return "{ " + " ".join(self.field(f, self.rng.randint(1, 6)) for f in fields) + " }"


@pytest.fixture(scope="module")
def writer(world):
    schema = world.ask(SCHEMA, token=world.admin)["data"]["__schema"]
    return Writer(schema, random.Random(20261123))


def test_the_operations_of_the_workers(world):
    seen = 0
    for path in sorted(OPERATIONS.glob("*.graphql")):
        text = path.read_text()
        if text.startswith("query"):
            variables = {name: {} if type_.endswith("Filter") else VARIABLES.get(name)
                         for name, type_ in re.findall(r"\$(\w+)\s*:\s*\[?(\w+)", text)}
            sent, _ = statements(world, text, variables, world.worker)
            assert len(sent) == 1, (path.name, sent)
            seen += 1
    assert seen


def test_documents_at_random(world, writer):
    depths, roots = set(), set()
    for _ in range(DOCUMENTS):
        document = writer.document()
        sent, data = statements(world, document, token=world.all)
        assert len(sent) == 1, (document, sent)
        depths.add(max(document[:i].count("{") - document[:i].count("}")
                       for i in range(len(document))))
        roots.update(re.findall(r"\b(\w+)\(guildId", document))
        assert data
    assert max(depths) >= 6 and len(roots) >= 10


# --- only what was selected ----------------------------------------------------------------------

def columns(world, document):
    (sql,), _ = statements(world, document)
    return set(re.findall(r"\bt\d+\.([a-z_]+)", sql)), sql


@pytest.mark.parametrize("type_name, around", [
    ("Member", f'members(guildId: "{GUILD}") {{ nodes {{ %s }} }}'),
    ("Guild", f'guild(id: "{GUILD}") {{ %s }}'),
    ("Channel", f'channels(guildId: "{GUILD}") {{ nodes {{ %s }} }}'),
    ("ActivityEntry", f'activity(guildId: "{GUILD}") {{ nodes {{ %s }} }}'),
    ("Decision", f'decisions(guildId: "{GUILD}") {{ nodes {{ %s }} }}'),
    ("Job", f'jobs(guildId: "{GUILD}") {{ nodes {{ %s }} }}')])
def test_columns(world, writer, type_name, around):
    """What a selection reads is what each of its fields reads alone, and each reads something."""
    leaves = [f["name"] for f in writer.types[type_name]["fields"]
              if writer.types[named(f["type"])]["kind"] != "OBJECT"]
    base, _ = columns(world, "{ " + around % "__typename" + " }")
    alone = {f: columns(world, "{ " + around % f + " }")[0] for f in leaves}
    assert all(len(c - base) <= 3 for c in alone.values()), alone
    assert len(set().union(*alone.values()) - base) >= 3
    for _ in range(8):
        some = writer.rng.sample(leaves, writer.rng.randint(1, len(leaves)))
        got, sql = columns(world, "{ " + around % " ".join(some) + " }")
        assert got == base.union(*(alone[f] for f in some)), some
        assert "*" not in re.sub(r"count\(\*\)|q\.\*|f\.\*", "", sql)


def relations(plan):
    """Every table that a plan reads."""
    if isinstance(plan, list):
        return set().union(*map(relations, plan))
    if isinstance(plan, dict):
        found = set().union(*map(relations, plan.values()))
        return found | ({plan["Relation Name"]} if "Relation Name" in plan else set())
    return set()


@pytest.mark.parametrize("document, tables", [
    (f'{{ members(guildId: "{GUILD}") {{ nodes {{ userId nick }} }} }}', {"member"}),
    (f'{{ members(guildId: "{GUILD}") {{ totalCount }} }}', {"member"}),
    (f'{{ members(guildId: "{GUILD}", orderBy: IDLE) {{ nodes {{ userId lastSeen }} }} }}',
     {"member", "last_seen", "guild"}),
    (f'{{ channels(guildId: "{GUILD}") {{ nodes {{ name }} }} }}', {"channel"}),
    (f'{{ heatmap(guildId: "{GUILD}") {{ acts }} }}', set()),  # in a function
    (f'{{ heatmap(guildId: "{GUILD}") {{ people }} }}', {"activity", "member"}),
    (f'{{ heatmap(guildId: "{GUILD}") {{ observedMs }} }}', set()),
    ("{ service { version } }", set()),
], ids=["names", "count", "idle", "channels", "acts", "people", "watched", "version"])
def test_tables(world, document, tables):
    """The planner drops the joins that nothing was selected of."""
    (sql,), _ = statements(world, document)
    with world.pg.connect() as connection, connection.cursor() as cursor:
        sql = re.sub(r"\$\d+", "NULL", re.sub(r"\$\d+(?=::bigint)", GUILD, sql, count=1))
        cursor.execute("EXPLAIN (FORMAT JSON) " + sql.replace("%", "%%"))
        plan = cursor.fetchone()[0]
    read = {re.sub(r"_y\d+m\d+$", "", t) for t in relations(plan)}
    assert read == tables, json.dumps(plan, indent=1)
