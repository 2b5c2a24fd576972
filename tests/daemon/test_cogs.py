"""Modules with commands: made, tried, replaced while the system works, refused by name."""

import os
import shutil
import subprocess

import pytest

import harness
import test_developers
from talk import Talk

LIBRARY = harness.BUILD_DIR / ".libs"
BUILT = harness.BUILD_DIR / "src/cogs/.libs"
EXAMPLE = harness.SOURCE_DIR / "examples/cog"

SOURCE = r"""
#include <presence/cog.h>
#include <stdlib.h>
static void say(struct call *call)
{
    struct message m;
    message_init(&m);
    buf_puts(&m.body, "%(says)s");
    call_answer(call, &m);
}
static const struct command_action action[] = {{.run = say}, {.run = NULL}};
static const struct command command = {
    .kind = COMMAND_SLASH, .name = "%(command)s", .description = "A test", .actions = action};
static const struct command *const commands[] = {&command};
static const char *self_check(void) { return %(check)s; }
%(more)s
COG_EXPORT const struct cog %(symbol)s = {.version = %(version)s, .name = "%(name)s",
    .commands = commands, .n_commands = 1, .self_check = self_check};
"""
USUAL = {"says": "one", "command": "extra", "check": "NULL", "more": "", "symbol": "presence_cog",
         "version": "COG_VERSION", "name": "extra"}


def write(path, content):
    """Replaced as an installer does: the file that is in use is another one."""
    path.with_suffix(".tmp").write_bytes(content)
    path.with_suffix(".tmp").rename(path)


class Cogs:
    """A directory of installed modules: those of the build, and one more."""

    def __init__(self, directory):
        self.dir = directory / "cogs"
        self.dir.mkdir()
        for module in BUILT.glob("*.so"):
            shutil.copy(module, self.dir)
        self.extra = self.dir / "extra.so"

    def make(self, **how):
        source, module = self.dir / "extra.c", self.dir / "made"
        source.write_text(SOURCE % (USUAL | how))
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", module, source,
                        f"-I{harness.SOURCE_DIR}/include", f"-L{LIBRARY}", f"-Wl,-rpath,{LIBRARY}",
                        "-lpresence-cog"], check=True)
        write(self.extra, module.read_bytes())


def reload(presenced, name=None):
    """What became of each module."""
    answer = presenced.control("reload-cogs", timeout=120, **({"name": name} if name else {}))
    assert answer["ok"], answer
    return {c["name"]: c for c in answer["result"]["cogs"]}


def says(talk):
    return talk.run("extra").text


# What is wrong with a module, and what is said of it.
BROKEN = [
    ({"version": "COG_VERSION + 1"}, "version"),
    ({"check": '"no coffee"'}, "no coffee"),
    ({"check": "(abort(), NULL)"}, "signal 6"),
    ({"symbol": "another_name"}, "presence_cog"),
    ({"name": "other"}, '"other"'),
    ({"command": "status"}, "/status"),
    ({"command": "Not A Name"}, "a name is"),
    ({"more": "void nowhere(void); void (*const here)(void) = nowhere;"}, "nowhere"),
]


def test_modules_change_under_load(make_busy):
    busy = make_busy(start=False)
    cogs = Cogs(busy.stack.dir)
    cogs.make()
    busy.stack.conf.update(workers={"cogs_dir": cogs.dir}).save()
    busy.stack.start()
    talk = Talk(busy.stack).wait_registered()
    assert says(talk) == "one"
    busy.load()
    busy.let_pass(500)

    workers = set(busy.presenced.workers())
    cogs.make(says="two")
    report = reload(busy.presenced)
    assert report["extra"]["ok"] and report["extra"]["changed"]
    assert all(c["ok"] and not c["changed"] for name, c in report.items() if name != "extra")
    assert not workers & set(busy.presenced.workers()), "all are new"
    assert says(talk) == "two"
    assert len(talk.registrations()) == 1, "nothing that Discord knows has changed"
    busy.let_pass(500)

    workers = set(busy.presenced.workers())
    for how, why in BROKEN:
        cogs.make(**how)
        refused(busy, why)
    write(cogs.extra, b"this is no module")
    refused(busy, "file too short")
    cogs.make()
    cogs.extra.chmod(0o666)
    refused(busy, "others than its owner may write it")
    assert workers == set(busy.presenced.workers()), "nobody was replaced for nothing"
    assert says(talk) == "two"

    # Nor does a worker that starts again, or presenced, load what was refused.
    os.kill(min(workers), 9)
    harness.wait_until(lambda: len(set(busy.presenced.workers()) - workers) == 1, 20, "a new worker")
    busy.let_pass(500)
    busy.presenced.stop()
    busy.presenced.start()
    busy.presenced.wait_live()
    assert not {c["name"]: c for c in busy.presenced.ctl("status")["cogs"]}["extra"]["ok"]
    assert says(talk) == "two"

    cogs.extra.unlink()
    assert reload(busy.presenced)["extra"]["removed"]
    talk.wait_registered(2)
    assert "extra" not in {c["name"] for c in talk.registered()}
    busy.settle()


def refused(busy, why):
    report = reload(busy.presenced, "extra")
    assert list(report) == ["extra"], "the others were not asked for"
    assert not report["extra"]["ok"] and report["extra"]["kept"], why
    assert why in report["extra"]["reason"]


def test_the_gateway_is_not_touched(make_busy):
    busy = make_busy(start=False)
    cogs = Cogs(busy.stack.dir)
    busy.stack.conf.update(workers={"cogs_dir": cogs.dir, "count": 3}).save()
    busy.stack.start()
    busy.load()
    for round in range(4):
        cogs.make(says=f"round {round}")
        assert reload(busy.presenced)["extra"]["changed"]
        busy.let_pass(200)
    status = busy.presenced.ctl("status")
    assert [s["reconnects"] for s in status["shards"]] == [0]
    assert [w["lanes"] for w in status["workers"]] == [22, 21, 21] or \
        sorted(w["lanes"] for w in status["workers"]) == [21, 21, 22]
    busy.settle()


def test_a_module_that_is_not_there(make_stack):
    stack = make_stack(sim_args=["--guilds", 1, "--members", 5])
    stack.presenced.expect_error("cog_refused")
    stack.start()
    assert reload(stack.presenced, "nonesuch")["nonesuch"]["reason"] == "there is no such module"
    refused = stack.presenced.control("reload-cogs", name="../../etc/x")
    assert refused["error"]["code"] == "bad_request"
    shown = subprocess.run([harness.program("presencectl"), "-s", str(stack.conf.control_socket),
                            "reload-cogs"], capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0 and "admin" in shown.stdout and "ok" in shown.stdout, shown


def test_the_example_is_built_from_an_installed_tree(make_stack, workdir):
    root = workdir / "root"
    subprocess.run(["make", "-s", "-C", harness.BUILD_DIR, "install", f"DESTDIR={root}"], check=True,
                   capture_output=True, env={**os.environ, "MAKEFLAGS": ""})
    [description] = root.rglob("presence-cog.pc")
    [library] = [p.parent for p in root.rglob("libpresence-cog.so.0")]
    for name in ("Makefile", "hello.c"):
        shutil.copy(EXAMPLE / name, workdir)
    subprocess.run(["make", "-s", f"LDFLAGS=-Wl,-rpath,{library}"], cwd=workdir, check=True,
                   env={**os.environ, "PKG_CONFIG_PATH": str(description.parent),
                        "PKG_CONFIG_SYSROOT_DIR": str(root), "CFLAGS": "-O2 -Wall -Wextra -Werror"})
    wanted = subprocess.run(["readelf", "-d", workdir / "hello.so"], check=True, capture_output=True,
                            text=True).stdout
    assert "libpresence-cog.so.0" in wanted

    stack = make_stack(sim_args=["--guilds", 1, "--members", 20, "--set", "rest_bucket=100000"])
    cogs = Cogs(stack.dir)
    stack.conf.update(workers={"cogs_dir": cogs.dir}).save()
    stack.start()
    talk = Talk(stack).wait_registered()
    write(cogs.dir / "hello.so", (workdir / "hello.so").read_bytes())
    assert reload(stack.presenced, "hello")["hello"]["changed"]
    talk.wait_registered(2)
    [command] = [c for c in talk.registered() if c["name"] == "hello"]
    assert command["description_localizations"]["de"] == "Grüßt dich"
    assert talk.run("hello", {"name": "*Ann*"}).text == "Hello, \\*Ann\\*!"
    assert talk.run("hello", locale="de").text.startswith("Hallo, <@")


@pytest.mark.parametrize("module", sorted(p.stem for p in BUILT.glob("*.so")))
def test_a_module_exports_its_table_alone(module):
    text = subprocess.run(["nm", "-D", "--defined-only", BUILT / f"{module}.so"], check=True,
                          capture_output=True, text=True).stdout
    assert [line.split()[-1] for line in text.splitlines()] == ["presence_cog"]


def test_reload_by_message(make_stack):
    stack = make_stack(sim_args=["--guilds", 1, "--members", 20])
    cogs = Cogs(stack.dir)
    cogs.make()
    stack.start_servers()
    members = stack.sim.get("/_sim/world?members=1")["guilds"][0]["members"]
    stack.conf.update(workers={"cogs_dir": cogs.dir},
                      discord={"developers": members[test_developers.DEVELOPER]["id"]}).save()
    stack.presenced.expect_error("cog_refused")
    stack.presenced.start()
    stack.presenced.wait_live()
    room = test_developers.Room(stack)
    workers = set(stack.presenced.workers())
    cogs.make(says="two")
    answer = room.ask("?reload")
    assert "`extra`: ok, new" in answer and "`user`: ok, unchanged" in answer
    harness.wait_until(lambda: not workers & set(stack.presenced.workers()), 30, "all are new")
    stack.presenced.log.wait_for("cogs_reloaded", containing="2 workers")
    write(cogs.dir / "user.so", b"this is no module")
    assert room.ask("?reload user").endswith("`user`: failed: file too short; the old one stays")
