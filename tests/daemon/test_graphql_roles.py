"""PostgreSQL roles: the service can do what serving needs and nothing else, whatever it is made to
send."""

import subprocess

import psycopg2
import pytest

import harness
from writes import T0, Writes

APPEND_ONLY = ("decision", "setting_history", "audit", "job_event")


def run_as(pg, user, sql):
    c = psycopg2.connect(f"host={pg.sockets} user={user} dbname=presence",
                         options="-c search_path=presence")
    try:
        c.autocommit = True
        with c.cursor() as cur:
            cur.execute(sql)
            return cur.fetchall() if cur.description else []
    finally:
        c.close()


@pytest.fixture(scope="module")
def tables(world):
    w = Writes(world)
    w.ok("updateSettings", guildId=w.guild, version=0, changes=[{"key": "mode", "value": '"on"'}])
    return [r[0] for r in world.pg.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'presence'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition")]


def test_nothing_belongs_to_the_service(world, tables):
    assert len(tables) > 25
    rows = world.pg.execute("SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class"
                            " WHERE relnamespace = 'presence'::regnamespace")
    assert rows == [("presence_owner",)]
    assert world.pg.execute("SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles"
                            " WHERE rolname IN ('presence_service', 'presence_owner')") == [
        (False,) * 4] * 2


@pytest.mark.parametrize("sql", [
    "DROP TABLE {}", "ALTER TABLE {} ADD COLUMN x integer", "TRUNCATE {}",
    "ALTER TABLE {} DISABLE TRIGGER ALL", "CREATE TRIGGER x BEFORE DELETE ON {} FOR EACH ROW"
    " EXECUTE FUNCTION append_only()", "ALTER TABLE {} OWNER TO presence_service",
    "CREATE INDEX ON {} ((1))", "GRANT ALL ON {} TO presence_service", "VACUUM FULL {}",
    "COPY {} TO PROGRAM 'true'"])
def test_no_table_can_be_dropped_or_altered(world, tables, sql):
    for table in tables:
        if sql.startswith(("GRANT", "VACUUM")):  # warns and does nothing
            before = world.pg.execute("SELECT relacl::text FROM pg_class WHERE oid = %s::regclass",
                                      (table,))
        try:
            run_as(world.pg, "presence_service", sql.format(table))
        except psycopg2.errors.InsufficientPrivilege:
            continue
        assert sql.startswith(("GRANT", "VACUUM"))
        assert before == world.pg.execute("SELECT relacl::text FROM pg_class"
                                          " WHERE oid = %s::regclass", (table,))


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_what_is_append_only_cannot_be_changed_by_any_way_round(world, tables, table):
    for before in ("", "SET presence.erasing = 'on'; ", "SET session_replication_role = replica; "):
        for sql in (f"DELETE FROM {table}", f"UPDATE {table} SET guild_id = 1",
                    f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT DO UPDATE"
                    " SET guild_id = 1"):
            with pytest.raises((psycopg2.errors.InsufficientPrivilege, psycopg2.errors.SyntaxError)):
                run_as(world.pg, "presence_service", before + sql)


@pytest.mark.parametrize("sql", [
    "SELECT * FROM audit", "SELECT * FROM erasure", "INSERT INTO erasure DEFAULT VALUES",
    "UPDATE setting_definition SET most = 1e9", "INSERT INTO migration VALUES (99, 'x')",
    "DELETE FROM member", "DELETE FROM guild", "DELETE FROM job", "DELETE FROM absence",
    "UPDATE job_transition SET kick = true", "UPDATE activity_kind SET counts_by_default = false",
    "CREATE TABLE x (y integer)", "CREATE FUNCTION x() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE public.x (y integer)", "CREATE SCHEMA x", "SET ROLE presence_owner",
    "SELECT grant_service('presence_service')", "DROP SCHEMA presence CASCADE",
    "ALTER FUNCTION append_only() RENAME TO x", "DROP FUNCTION settings_faults(jsonb) CASCADE",
    "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN"
    " OLD; END'", "SELECT pg_read_file('/etc/passwd')", "ALTER ROLE presence_service SUPERUSER",
    "DROP DATABASE presence", "CREATE EXTENSION dblink", "BEGIN; LOCK TABLE erasure"])
def test_what_else_is_forbidden(world, tables, sql):
    with pytest.raises((psycopg2.errors.InsufficientPrivilege, psycopg2.errors.ObjectInUse)) as e:
        run_as(world.pg, "presence_service", sql)
    if "DATABASE" not in sql:
        assert isinstance(e.value, psycopg2.errors.InsufficientPrivilege)


def test_the_rights_are_those_that_are_written_down(world, tables):
    """A table made later may be read until somebody says more."""
    rights = {r: ("" if s == "NONE" else s) for r, s in world.pg.execute(
        "SELECT relation, rights FROM service_right")}
    assert set(rights) <= set(tables)
    for table in tables:
        want = set(filter(None, rights.get(table, "SELECT").split(", ")))
        got = {r for r in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES",
                           "TRIGGER")
               if world.pg.execute("SELECT has_table_privilege('presence_service', %s, %s)",
                                   (f"presence.{table}", r)) == [(True,)]}
        assert got == want, table


def test_functions_with_the_owners_rights_are_for_the_service_alone(world):
    world.pg.execute("CREATE ROLE somebody")
    rows = world.pg.execute(
        "SELECT proname, has_function_privilege('presence_service', oid, 'EXECUTE'),"
        " has_function_privilege('somebody', oid, 'EXECUTE'), proconfig FROM pg_proc"
        " WHERE pronamespace = 'presence'::regnamespace AND prosecdef")
    assert len(rows) >= 5
    for name, service, others, config in rows:
        assert service and not others, name
        assert config == ["search_path=presence, pg_temp"], name
    assert world.pg.execute("SELECT has_function_privilege('presence_service',"
                            " 'presence.grant_service(name)', 'EXECUTE')") == [(False,)]


def test_what_was_granted_otherwise_is_taken_back(graphqld, pg):
    pg.execute("GRANT ALL ON decision, audit TO presence_service;"
               " GRANT CREATE ON SCHEMA presence TO presence_service")
    assert "the role presence_service may serve" in graphqld.tool("--migrate", pg.owner_conninfo)
    for sql in ("DELETE FROM decision", "SELECT FROM audit", "CREATE TABLE x (y integer)"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            run_as(pg, "presence_service", sql)


def test_migrate_names_what_is_missing(graphqld, conf, pg):
    for conninfo, words in ((f"host={pg.sockets} user=nobody_here dbname=presence",
                             'role "nobody_here" does not exist'),
                            (f"host={pg.sockets} dbname=presence", "names no user"),
                            ("host=", "names no user")):
        conf.update(graphqld={"conninfo": conninfo}).save()
        done = subprocess.run([*graphqld.argv(), "--migrate", pg.owner_conninfo],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and words in done.stderr, done.stderr
    done = subprocess.run([*graphqld.argv(), "--migrate", "a", "b"], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 64


def test_one_role_for_all_serves_and_is_warned_about(workdir, conf, pg):
    graphqld = harness.Graphqld(workdir, conf, pg)
    conf.update(graphqld={"conninfo": pg.conninfo}).save()
    graphqld.tool("--migrate")
    graphqld.token = graphqld.new_token("workers", "ingest")
    admin = graphqld.new_token("boss", "admin")
    conf.secret("graphql", graphqld.token)
    graphqld.start()
    graphqld.log.wait_for("rights")
    answer = graphqld.query(f'mutation {{ upsertGuilds(guilds: [{{guildId: "5", at: {T0}}}])'
                            ' { code } }', token=admin)
    assert answer["data"]["upsertGuilds"]["code"] == "OK"
    graphqld.stop()
    graphqld.check_log()
