"""What becomes of requests when PostgreSQL is restarted, killed, full, locked or out of connections:
the right error for each, nothing half done, and service again without a restart."""

import contextlib
import json
import os
import signal
import threading

import pytest

import harness
import namespaces
from writes import DAY, World, Writes, later

ACCEPT = "application/graphql-response+json"


def post(w, document, variables=None, token=None, accept=ACCEPT, timeout=30):
    """status, data, [(code, path, message)]; no message may tell where or how the database runs."""
    body = json.dumps({"query": document, "variables": variables or {}}).encode()
    status, _, data = harness.UnixHTTP(w.graphqld.conf.graphql_socket).request(
        "POST", "/graphql", body, {"Content-Type": "application/json", "Accept": accept,
                                   "Authorization": f"Bearer {token or w.admin}"}, timeout)
    answer = json.loads(data)
    errors = [(e["extensions"]["code"], e.get("path"), e["message"])
              for e in answer.get("errors", [])]
    for _, _, message in errors:
        for secret in (str(w.pg.dir), "presence_service", "/", "SELECT", "PQ", "pg_"):
            assert secret not in message, message
    return status, answer.get("data"), errors


def rename(w, name="x"):
    return f'updateGuild(guildId: "{w.guild}", patch: {{name: "{name}"}}) {{ code guild {{ name }} }}'


def serves(w, deadline=30):
    """Every connection is back: as many requests as there are connections, at once."""
    def look():
        answers = []
        threads = [threading.Thread(target=lambda n=n: answers.append(
            post(w, "mutation { " + rename(w, f"s{n}") + " }"))) for n in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return all(status == 200 and not errors for status, _, errors in answers)

    harness.wait_until(look, deadline, "mutations are carried out again")


@contextlib.contextmanager
def locked(pg, *tables):
    """Somebody's transaction holds these tables."""
    c = pg.connect()
    c.autocommit = False
    with c.cursor() as cur:
        for table in tables:
            cur.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    try:
        yield
    finally:
        c.rollback()
        c.close()


def in_thread(call):
    """Returns a function that waits for the call's result."""
    got = []
    t = threading.Thread(target=lambda: got.append(call()))
    t.start()

    def join():
        t.join()
        return got[0]

    return join


def waiting(pg, n=1):
    harness.wait_until(lambda: pg.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'presence_service'"
        " AND wait_event_type = 'Lock'")[0][0] >= n, 20, "a statement waits for a lock")


def backends(pg):
    return [r[0] for r in pg.execute("SELECT pid FROM pg_stat_activity"
                                     " WHERE usename = 'presence_service'")]


def end_backends(pg):
    pg.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
               " WHERE usename = 'presence_service'")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_the_server_goes_and_comes_back(w, how):
    """Under load: every request is answered, with its result or with UNAVAILABLE; what was answered
    OK is there afterwards."""
    stop, answers = threading.Event(), []

    def run(n):
        for i in range(100000):
            if stop.is_set():
                return
            answers.append((f"{n}-{i}", post(
                w, f'mutation {{ addExemption(guildId: "{w.guild}", target: USER, targetId:'
                f' "{n * 50 + i % 50 + 1}", reason: "{n}-{i}") {{ code }} }}')))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    try:
        harness.wait_until(lambda: len(answers) > 40, 30, "requests are answered")
        getattr(w.pg, how)()
        harness.wait_until(lambda: any(a[1][0] == 503 for a in answers[-20:]), 30,
                           "requests are refused")
        w.pg.start()
        since = len(answers)
        harness.wait_until(lambda: any(a[1][0] == 200 for a in answers[since:]), 30,
                           "requests are carried out")
    finally:
        stop.set()
        for t in threads:
            t.join()
    for _, (status, data, errors) in answers:
        if status == 200:
            assert data["addExemption"]["code"] == "OK" and not errors
        else:
            assert status == 503 and errors[0][0] == "UNAVAILABLE" and data is None
    done = {reason for reason, (status, _, _) in answers if status == 200}
    assert {a[0] for a in answers} - done, "the outage was seen"
    kept = {r[0] for r in w.rows("SELECT detail->>'reason' FROM audit WHERE guild_id = %s"
                                 " AND operation = 'addExemption'", w.guild)}
    assert done <= kept
    serves(w)


def test_a_connection_that_is_cut_while_it_works(w):
    request = w.request_id()
    once = (f'mutation {{ setAbsence(guildId: "{w.guild}", userId: "{w.user}", requestId: "{request}",'
            f' until: "{later(DAY)}") {{ code repeated errors }} }}')
    with locked(w.pg, "absence"):
        answer = in_thread(lambda: post(w, once))
        waiting(w.pg)
        end_backends(w.pg)
        status, data, errors = answer()
    assert status == 503 and data is None
    assert errors == [("UNAVAILABLE", ["setAbsence"], "the connection to the database was lost")]
    serves(w)
    assert w.count("absence") == 0
    assert post(w, once)[1]["setAbsence"] == {"code": "OK", "repeated": False, "errors": []}
    assert post(w, once)[1]["setAbsence"]["repeated"] and w.count("absence") == 1


def test_a_lock_that_is_held(w):
    """Somebody's ALTER TABLE: those who need the table are told, the others are served."""
    with locked(w.pg, "decision"):
        write = in_thread(lambda: post(w, "mutation($d: [DecisionInput!]!) { a: " + rename(w, "a") +
                                       f' b: recordDecisions(guildId: "{w.guild}", decisions: $d)'
                                       " { code } c: " + rename(w, "c") + " }", {"d": [
                                           {"kind": "FLAG", "userId": w.user,
                                            "evidence": {"lastActs": [], "protections": []}}]}))
        waiting(w.pg)
        assert post(w, "mutation { " + rename(w, "other") + " }")[0] == 200
        status, data, errors = write()
    assert status == 200 and data["b"] is None
    assert data["a"]["guild"] == {"name": "a"} and data["c"]["guild"] == {"name": "c"}
    assert errors == [("UNAVAILABLE", ["b"], "something else holds what this needs: try again")]
    with locked(w.pg, "guild"):
        status, data, errors = post(w, "{ guilds { edges { node { id } } } }",
                                    token=w.world.reader)
    assert (status, data) == (503, None) and errors[0][0] == "UNAVAILABLE"
    assert errors[0][2] == "something else holds what this needs: try again"
    serves(w)


def test_a_statement_that_takes_too_long(w):
    w.pg.execute("CREATE FUNCTION presence.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                 " PERFORM pg_sleep(60); RETURN NEW; END $$;"
                 "CREATE TRIGGER slow BEFORE INSERT ON presence.exemption FOR EACH ROW"
                 " EXECUTE FUNCTION presence.slow()")
    try:
        status, data, errors = post(w, f'mutation {{ addExemption(guildId: "{w.guild}", target: USER,'
                                    ' targetId: "5") { code } }')
    finally:
        w.pg.execute("DROP TRIGGER slow ON presence.exemption; DROP FUNCTION presence.slow()")
    assert (status, data) == (503, None)
    assert errors == [("TIMEOUT", ["addExemption"], "the statement took too long")]
    assert w.count("exemption") == 0 and w.count("audit", "operation = 'addExemption'") == 0
    serves(w)


def test_a_query_that_takes_too_long(w):
    """As figures of very many acts may."""
    function, = w.pg.execute("SELECT pg_get_functiondef('presence.days_ago(integer)'::regprocedure)")[0]
    w.pg.execute(function.replace("BEGIN\n", "BEGIN PERFORM pg_sleep(60);\n", 1))
    try:
        status, data, errors = post(w, f'{{ heatmap(guildId: "{w.guild}", days: 90) {{ acts }} }}')
    finally:
        w.pg.execute(function)
    assert (status, data) == (503, None)
    assert errors == [("TIMEOUT", None, "the query took too long: ask for fewer days, fields or rows")]
    assert len(post(w, f'{{ heatmap(guildId: "{w.guild}") {{ acts }} }}')[1]["heatmap"]) == 168


@pytest.mark.slow
def test_a_server_that_hangs(w):
    """Its processes neither answer nor end: whoever has one is told after 30 s, whoever waits for one after 5."""
    pids = backends(w.pg)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        asked = [in_thread(lambda: post(w, "mutation { " + rename(w) + " }", timeout=120))
                 for _ in range(len(pids) + 2)]
        answers = [join() for join in asked]
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert {(status, data) for status, data, _ in answers} == {(503, None)}
    assert sorted(errors[0][0] for _, _, errors in answers) == (
        ["TIMEOUT"] * 2 + ["UNAVAILABLE"] * len(pids))
    serves(w)


@pytest.mark.slow
def test_a_document_that_takes_too_long(w):
    """Each field has its own patience; those of one document do not add up without end."""
    fields = [f"m{n}: {rename(w, f'late{n}')}" for n in range(20)]
    with locked(w.pg, "guild"):
        status, data, errors = post(w, "mutation { " + " ".join(fields) + " last: __typename }",
                                    timeout=120)
    assert status == 200 and data.pop("last") == "Mutation"
    assert set(data.values()) == {None} and len(data) == len(errors) == 20
    assert [path for _, path, _ in errors] == [[f"m{n}"] for n in range(20)]
    late = [code for code, _, message in errors if message.startswith("not begun")]
    assert {c for c, _, _ in errors[:20 - len(late)]} == {"UNAVAILABLE"}
    assert set(late) == {"TIMEOUT"} and 10 <= len(late) < 20
    assert w.rows("SELECT count(*) FROM guild WHERE name LIKE 'late%%'")[0][0] == 0
    serves(w)


def test_no_connection_to_spare(w):
    """The server is up but takes no one in."""
    w.pg.execute("ALTER ROLE presence_service CONNECTION LIMIT 0")
    try:
        end_backends(w.pg)
        harness.wait_until(lambda: backends(w.pg) == [], 20, "all connections are gone")

        w.graphqld.log.wait_for("pg_down", containing="too many connections")
        status, data, errors = post(w, "mutation { " + rename(w) + " }")
        assert (status, data) == (503, None)
        assert errors == [("UNAVAILABLE", ["updateGuild"], "the database is away")]
        status, _, data = harness.UnixHTTP(w.graphqld.conf.graphql_socket).request("GET", "/healthz")
        assert status == 503, data
    finally:
        w.pg.execute("ALTER ROLE presence_service CONNECTION LIMIT -1")
    serves(w)


def test_one_connection_left(w):
    """Fewer connections than the pool wants: all is served through what there is."""
    w.pg.execute("ALTER ROLE presence_service CONNECTION LIMIT 1")
    try:
        end_backends(w.pg)
        serves(w)
        assert len(backends(w.pg)) == 1
    finally:
        w.pg.execute("ALTER ROLE presence_service CONNECTION LIMIT -1")
    harness.wait_until(lambda: len(backends(w.pg)) >= 4, 30, "the pool is whole again")


def test_a_server_that_takes_no_writes(w):
    """A standby, or an administrator who works on it: reads go on."""
    w.pg.execute("ALTER ROLE presence_service SET default_transaction_read_only = on")
    try:
        end_backends(w.pg)
        harness.wait_until(lambda: post(w, "{ guilds { edges { node { id } } } }",
                                        token=w.world.reader)[0] == 200, 20, "reads go on")
        status, data, errors = post(w, "mutation { " + rename(w) + " }")
        assert (status, data) == (503, None)
        assert errors == [("UNAVAILABLE", ["updateGuild"],
                           "the database takes no writes at the moment")]
    finally:
        w.pg.execute("ALTER ROLE presence_service RESET default_transaction_read_only")
    end_backends(w.pg)
    serves(w)


def test_rights_that_were_taken_away(w):
    """A mistake of the administrator's is ours to log, and no secret of the caller's."""
    w.pg.execute("REVOKE INSERT ON exemption FROM presence_service")
    try:
        w.graphqld.expect_error("pg_refused")
        status, data, errors = post(w, f'mutation {{ addExemption(guildId: "{w.guild}", target: USER,'
                                    ' targetId: "5") { code } }')
    finally:
        w.pg.execute("GRANT INSERT ON exemption TO presence_service")
    assert status == 200 and data == {"addExemption": None}
    assert errors == [("INTERNAL", ["addExemption"], "the database refused it (42501)")]
    serves(w)


def test_a_full_disk(workdir, conf):
    """A table in a tablespace of two megabytes."""
    namespaces.need()
    pg = harness.Postgres(workdir)
    small = workdir / "small"
    small.mkdir()
    plain = pg.argv
    ids = (pg.owner.pw_uid, pg.owner.pw_gid)
    pg.argv = lambda: namespaces.with_mounts(
        ["setpriv", f"--reuid={ids[0]}", f"--regid={ids[1]}", "--clear-groups", *plain()],
        f"-t tmpfs -o size=2m,mode=700,uid={ids[0]},gid={ids[1]} none {small}")
    pg.popen_options = lambda: {"cwd": "/"}
    graphqld = None
    prepare = pg.prepare

    def as_postgres():
        del pg.popen_options
        prepare()
        pg.popen_options = lambda: {"cwd": "/"}

    pg.prepare = as_postgres
    try:
        pg.start()
        graphqld = harness.Graphqld(workdir, conf, pg).prepare().start()
        w = Writes(World(graphqld, pg))
        pg.execute(f"CREATE TABLESPACE small LOCATION '{small}'")
        pg.execute("ALTER TABLE decision SET TABLESPACE small")
        document = (f'mutation($d: [DecisionInput!]!) {{ recordDecisions(guildId: "{w.guild}",'
                    " decisions: $d) { code } " + rename(w, "y") + " }")
        many = [{"kind": "FLAG", "userId": w.user, "evidence": {
            "lastActs": [], "protections": [], "note": "x" * 900}}] * 400
        answers = [post(w, document, {"d": many}) for _ in range(8)]
        full = [a for a in answers if a[2]]
        assert 1 <= len(full) < 8
        for status, data, errors in full:
            assert status == 200 and data["recordDecisions"] is None
            assert data["updateGuild"]["code"] == "OK"
            assert errors == [("UNAVAILABLE", ["recordDecisions"],
                               "the database has no room on its disk")]
        assert w.count("decision") == 400 * (8 - len(full))
        assert len(graphqld.log.events("pg_short")) == len(full)
        namespaces.in_namespace_of(pg.pid, "mount", "-o", "remount,size=64m", str(small))
        assert post(w, document, {"d": many})[2] == []
        graphqld.stop()
        graphqld.check_log()
        pg.stop()
    finally:
        for process in (graphqld, pg):
            if process:
                process.abandon()


def test_more_statements_than_a_connection_keeps(w):
    """Old ones make room: those in use stay prepared, and the server does not fill up."""
    reader = w.world.reader
    for n in range(1400):
        status, data, errors = post(w, f"{{ a{n}: service {{ version }} }}", token=reader)
        assert status == 200 and list(data) == [f"a{n}"] and not errors
        if n % 200 == 0:
            assert post(w, "mutation { " + rename(w, f"n{n}") + " }")[0] == 200
    answers = [post(w, f"{{ a{n}: service {{ version }} }}", token=reader) for n in (0, 1399, 700)]
    assert [list(a[1]) for a in answers] == [["a0"], ["a1399"], ["a700"]]
