"""The views for analysts: the same figures as the API's, for a role that sees nothing else; and the
queries of sql/README.md."""

import re

import pytest

import harness
import reads
from reads import CHANNELS, COUNTED, DAY, GUILD, MODEL, NOW

README = (harness.SOURCE_DIR / "sql" / "README.md").read_text()
STATEMENTS = [s.strip() + ";" for s in re.sub(r"(?m)^ {4}--.*\n", "", "\n".join(
    re.findall(r"(?m)^ {4}(?:SELECT|CREATE|GRANT| |--).*$", README.split("## Views")[1]))).split(";")
    if s.strip()]


@pytest.fixture(scope="module")
def world():
    with reads.world() as made:
        for statement in STATEMENTS:
            if statement.startswith(("CREATE", "GRANT")):
                made.pg.execute(statement)
        yield made


@pytest.fixture
def analyst(world):
    """Runs a statement with the rights of README's analyst."""
    def run(sql):
        with world.pg.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET ROLE analyst")
            cursor.execute(sql)
            return cursor.fetchall()

    return run


def test_the_queries_of_the_readme(analyst):
    asked = [s for s in STATEMENTS if s.startswith("SELECT")]
    assert len(asked) == 3
    idle, quiet, days = map(analyst, asked)
    people = {c: {a.user for a in COUNTED if a.channel == c and a.at >= NOW - 30 * DAY}
              for c in CHANNELS}
    assert {name for name, _, _ in quiet} == {
        n for c, n in zip(CHANNELS, ("beta", "Alpha", "gamma")) if len(people[c]) < 3}
    assert idle == sorted(idle, key=lambda row: row[2])
    assert sum(n for _, n in days) >= len(set().union(*people.values()))


def test_nothing_but_the_views(world, analyst):
    import psycopg2

    for table in ("member", "last_seen", "activity", "setting", "audit", "secret"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            analyst(f"SELECT * FROM presence.{table} LIMIT 1")


def test_the_log_and_its_days(world, analyst):
    rows = analyst(f"SELECT user_id, kind, count, counts FROM activity_log WHERE guild_id = {GUILD}")
    assert sorted(rows) == sorted((int(a.user), a.kind, a.count, a.kind != "TYPING") for a in MODEL)
    days = analyst(f"SELECT sum(acts) FROM activity_daily WHERE guild_id = {GUILD} AND counts")
    assert days == [(sum(a.count for a in COUNTED),)]
    with world.reset_at(NOW - 7 * DAY):
        rows = analyst(f"SELECT sum(count) FROM activity_log WHERE guild_id = {GUILD}")
    assert rows == [(sum(a.count for a in MODEL if a.at >= NOW - 7 * DAY),)]


def test_channels(analyst):
    rows = analyst("SELECT channel_id, people_7, people_30, people_90, acts_90, messages_90"
                   f" FROM channel_activity WHERE guild_id = {GUILD} AND gone_at IS NULL")
    def people(channel, days):
        return len({a.user for a in COUNTED if a.channel == channel and a.at >= NOW - days * DAY})

    late = [a for a in COUNTED if a.at >= NOW - 90 * DAY]
    assert sorted(rows) == [
        (int(c), *(people(c, d) for d in (7, 30, 90)),
         sum(a.count for a in late if a.channel == c),
         sum(a.count for a in late if a.channel == c and a.kind == "MESSAGE")) for c in CHANNELS]


def test_every_table_and_view_is_told_of(world):
    names = {n for n, in world.pg.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'presence'::regnamespace"
        " AND relkind IN ('r', 'p', 'v') AND NOT relispartition")}
    own = {"event", "erasure", "service_right", "secret", "migration"}  # of the service itself
    assert {n for n in names - own if not re.search(rf"\b{n}\b", README)} == set()
