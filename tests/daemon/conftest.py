"""Fixtures of the daemon tests. A process that logs an undeclared error fails its test."""

import pathlib
import resource
import shutil
import socket
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import busy  # noqa: E402
import harness  # noqa: E402

DESCRIPTORS = 4096
import writes  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def descriptors():
    """Some tests hold more connections than a login session may usually open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < DESCRIPTORS:
        enough = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))


@pytest.fixture(scope="session", autouse=True)
def pg_template():
    """initdb runs at most once in a session."""
    yield
    harness.Postgres.drop_template()


@pytest.fixture
def workdir(request):
    """A private directory with a short path, kept when the test fails."""
    path = harness.new_dir()
    yield path
    if not getattr(request.node, "failed", False):
        shutil.rmtree(path, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        item.failed = True
        for stack in getattr(item, "stacks", []):
            for process in stack.processes:
                report.sections.append((f"log of {process.name}, {process.state()}",
                                        process.log.tail(40)))


def pytest_terminal_summary(terminalreporter):
    """What a test counted, and is worth a line: record_property("counted", text)."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "counted":
                terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {value}")


def run(process):
    """Yields a started process; stops and judges it afterwards."""
    process.start()
    try:
        yield process
        process.stop()
        process.check_log()
    finally:
        process.abandon()


@pytest.fixture
def pg(workdir):
    yield from run(harness.Postgres(workdir))


@pytest.fixture
def redis_server(workdir):
    yield from run(harness.Redis(workdir))


@pytest.fixture
def conf(workdir):
    """presence.conf for what is started in workdir."""
    return harness.Conf(workdir).save()


@pytest.fixture
def graphqld(workdir, conf, pg):
    yield from run(harness.Graphqld(workdir, conf, pg).prepare())


@pytest.fixture(scope="module")
def world():
    """A service with PostgreSQL that the tests of a module share."""
    path = harness.new_dir()
    pg = harness.Postgres(path)
    pg.start()
    try:
        for graphqld in run(harness.Graphqld(path, harness.Conf(path).save(), pg).prepare()):
            yield writes.World(graphqld, pg)
        pg.stop()
    finally:
        pg.abandon()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def w(world):
    """Mutations in a guild of the test's own."""
    return writes.Writes(world)


@pytest.fixture
def graphql_url(graphqld):
    """Where presence-graphqld answers on TCP, which other people's clients need."""
    port = harness.free_port()
    graphqld.stop()
    graphqld.conf.update(graphqld={"listen": f"127.0.0.1:{port}"}).save()
    graphqld.start(wait=False)

    def answers():
        graphqld.check_alive()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    harness.wait_until(answers, 20, "presence-graphqld listens")
    return f"http://127.0.0.1:{port}/graphql"


@pytest.fixture
def sim(workdir):
    yield from run(harness.Sim(workdir))


@pytest.fixture
def make_stack(request):
    """Makes stacks that are stopped and judged at the end of the test:
    make_stack(sim_args=["--guilds", "3"], conf={"workers": {"count": 1}})."""
    stacks = request.node.stacks = []

    def make(**options):
        stacks.append(harness.Stack(**options))
        return stacks[-1]

    yield make
    for stack in stacks:
        stack.close(check=not getattr(request.node, "failed", False))


@pytest.fixture
def stack(make_stack):
    """The whole system, running, every shard live."""
    return make_stack().start()


@pytest.fixture
def make_busy(make_stack):
    """Makes running systems for a load to come. Whatever happens to one, errors in its log are its
    right to report; what a sanitizer says is not."""
    def make(sim_args=(), start=True, **conf):
        sections = {"workers": {"count": 2, "flush_ms": 50}}
        for section, keys in conf.items():
            sections.setdefault(section, {}).update(keys)
        stack = make_stack(sim_args=["--guilds", busy.GUILDS, "--members", busy.MEMBERS, "--set",
                                     f"heartbeat_ms={busy.HEARTBEAT_MS}", *sim_args],
                           conf=sections)
        for process in stack.processes:
            process.expect_any_error()
        if start:
            stack.start()
        return busy.Busy(stack)

    return make
