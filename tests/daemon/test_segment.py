"""The shared segment is lost, damaged, somebody else's or has no room; the spool's disk is full."""

import os
import pathlib
import signal
import struct
import subprocess

import harness
import namespaces
import pytest
from harness import wait_until

RATE = 5000 / harness.SLOWNESS


def segment_of(busy):
    return pathlib.Path("/dev/shm/presence-" + busy.stack.conf.get("cache", "instance"))


def kill_everything_of(presenced):
    """The master and its workers, before any of them can make anything durable."""
    family = [presenced.pid, *presenced.workers()]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    for pid in family:
        os.kill(pid, signal.SIGKILL)
    presenced.killed = True
    presenced.child.wait()
    wait_until(lambda: harness.gone(*family), 10, "the workers are gone")


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def overwrite_magic(path):
    with open(path, "r+b") as f:
        f.write(b"ELF, or so")


def next_version(path):
    with open(path, "r+b") as f:
        f.seek(8)
        f.write(b"\xff\xff\xff\x7f")


def another_owner(path):
    os.chown(path, 65534, 65534)


def readable_by_all(path):
    path.chmod(0o644)


def other_size_of_rings(path):
    """A valid one, but of another configuration: the ring's slots, behind version and sizes."""
    with open(path, "r+b") as f:
        data = f.read(4096)
        ring = (1024).to_bytes(4, "little")
        at = data.index(ring)
        f.seek(at)
        f.write((2048).to_bytes(4, "little"))


@pytest.mark.parametrize("harm,said", [
    (pathlib.Path.unlink, None),
    (truncate, "size of the segment is"),
    (overwrite_magic, "magic is"),
    (next_version, "version is 2147483647, expected"),
    (another_owner, "owner"),
    (other_size_of_rings, "expected"),
], ids=lambda value: getattr(value, "__name__", None))
def test_a_segment_is_lost(make_busy, harm, said):
    """All is killed and the segment gone or unusable: what was in it only comes again by RESUME,
    what was already in PostgreSQL or a spool is dropped."""
    if harm is another_owner and os.geteuid() != 0:
        pytest.skip("needs root: gives a file away")
    busy = make_busy()
    busy.load(RATE)
    busy.let_pass(3000)
    kill_everything_of(busy.presenced)
    harm(segment_of(busy))
    position = busy.presenced.log.position()
    busy.let_pass(1000)
    busy.presenced.start()
    created = busy.presenced.log.wait_for("segment", since=position, containing="created")
    assert created.level == "info"
    refused = [e for e in busy.presenced.log.events("segment", position) if e.level == "warn"]
    if said:
        assert len(refused) == 1 and said in refused[0].message, refused
        assert segment_of(busy).name in refused[0].message
    else:
        assert not refused
    busy.let_pass(1000)
    busy.settle()
    busy.check_heartbeats()


def test_a_segment_is_lost_behind_a_spool(make_busy):
    """PostgreSQL is away and the spools hold what it lacks when the segment is lost: they are all
    that knows what was taken of the session already."""
    busy = make_busy()
    busy.load(RATE)
    busy.let_pass(2000)
    busy.pg.kill()
    wait_until(lambda: busy.presenced.ctl("status")["lanes"]["spooled"] > 10, 60,
               "lanes are in their spools")
    busy.let_pass(2000)
    kill_everything_of(busy.presenced)
    segment_of(busy).unlink()
    position = busy.presenced.log.position()
    busy.presenced.start()
    busy.presenced.log.wait_for("segment", since=position, containing="created")
    busy.let_pass(1000)
    busy.pg.start()
    busy.let_pass(1000)
    busy.settle(180)
    busy.check_heartbeats()


def test_a_lane_is_scribbled_over_while_it_is_used(make_busy):
    """The next start is a new segment's, and what was in the old one comes again by RESUME."""
    busy = make_busy()
    busy.load(RATE)
    busy.let_pass(2000)
    with open(segment_of(busy), "r+b") as f:
        f.seek(struct.calcsize("<QIIQQIIQQ"))
        lanes_offset, = struct.unpack("<Q", f.read(8))
        f.seek(lanes_offset + 64)  # lane 0's tail is its second line
        f.write(b"\xff" * 7)
    log = busy.presenced.log
    log.wait_for("segment_damaged", containing="lane 0 has tail")
    assert busy.presenced.wait() == 1
    position = log.position()
    busy.presenced.start()
    refused = log.wait_for("segment", since=position, containing="lane 0 has tail")
    assert refused.level == "warn"
    log.wait_for("gateway_resumed", since=position)
    busy.let_pass(500)
    busy.settle()


def test_the_segment_is_cut_short_while_it_is_used(make_busy):
    """Told in words, and like any other loss of the segment for whoever starts presenced again."""
    busy = make_busy()
    busy.load(RATE)
    busy.let_pass(2000)
    truncate(segment_of(busy))
    log = busy.presenced.log
    assert busy.presenced.wait() == 1
    log.wait_for("segment_cut")
    position = log.position()
    busy.presenced.start()
    log.wait_for("segment", since=position, containing="size of the segment is")
    log.wait_for("gateway_resumed", since=position)
    busy.let_pass(500)
    busy.settle()


def test_an_instance_has_one_segment_and_one_user(make_busy):
    """Another configuration that was copied but for its directories is refused before it does harm."""
    busy = make_busy()
    busy.load(RATE)
    busy.let_pass(1000)
    other = busy.stack.dir / "other"
    other.mkdir()
    conf = harness.Conf(other, discord={"gateway_url": "ws://127.0.0.1:1"},
                        cache={"instance": busy.stack.conf.get("cache", "instance")}).save()
    conf.secret("discord", "token")
    conf.secret("graphql", "token")
    done = subprocess.run([harness.program("presenced"), "-c", str(conf.path)],
                          env=busy.presenced.env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 1
    assert "is in use: another presenced has the same [cache] instance" in done.stdout
    busy.let_pass(500)
    busy.settle()


def test_a_lane_of_which_only_the_spool_has_anything(make_busy):
    """The database has never heard of a guild, its spool has all: what comes after the segment's
    loss means what it means beside that."""
    busy = make_busy(sim_args=["--guilds", 1])
    busy.sim.post("/_sim/act", {"kind": "message", "guild": 0, "user": 2})
    busy.settle()
    busy.graphqld.kill()
    busy.sim.post("/_sim/act", {"kind": "guild_join"})
    wait_until(lambda: busy.presenced.ctl("status")["lanes"]["spooled"] == 1, 20, "a spool is used")
    for kind in ("voice_join", "member_update"):
        busy.sim.post("/_sim/act", {"kind": kind, "guild": 1, "user": 2})

    def durable():
        shard = busy.presenced.ctl("status")["shards"][0]
        return shard["resume_seq"] == busy.sim.get("/_sim/sessions")[0]["last_seq"]

    wait_until(durable, 20, "all is in the spool")
    kill_everything_of(busy.presenced)
    segment_of(busy).unlink()
    for kind in ("voice_self", "voice_leave"):
        busy.sim.post("/_sim/act", {"kind": kind, "guild": 1, "user": 2})
    busy.graphqld.start()
    position = busy.presenced.log.position()
    busy.presenced.start()
    busy.presenced.log.wait_for("gateway_resumed", since=position)
    busy.settle()


def test_a_session_of_which_nothing_is_durable(make_busy):
    """All is killed before the first event could be recorded: the session is resumed from its READY
    on, which leaves nothing to be recorded and cannot be sent again."""
    busy = make_busy(start=False)
    busy.stack.start_servers()
    busy.graphqld.kill()
    busy.presenced.start()
    busy.presenced.wait_live()
    busy.load(1000)
    busy.let_pass(1500)  # the master notes once a second where it may resume
    kill_everything_of(busy.presenced)
    busy.graphqld.start()
    position = busy.presenced.log.position()
    busy.presenced.start()
    busy.presenced.log.wait_for("gateway_resumed", since=position)
    busy.let_pass(500)
    busy.settle()


# What waits for a lock is given up sooner than what works.
HOLD = """
create table public.go ();
grant select on public.go to public;
create function public.hold() returns trigger language plpgsql as $$
begin
    while not exists (select from public.go) loop
        perform pg_sleep(0.02);
    end loop;
    return null;
end $$;
create trigger hold before insert on presence.activity execute function public.hold();
"""


def hanging(pg, event):
    return pg.execute("select count(*) from pg_stat_activity where wait_event = %s", (event,))[0][0]


def test_a_segment_is_lost_while_a_batch_is_under_way(make_busy):
    """A batch hangs in PostgreSQL, whoever sent it is killed and the segment lost; it commits only
    after the new segment has asked where the lanes stand. Its act was not durable, so Discord sends
    it again: the claim must have waited for the commit, or the act counts twice."""
    if harness.SLOWNESS > 1:
        pytest.skip("a statement is given up after 5 s: too few for a slow start")
    busy = make_busy(["--guilds", 1, "--members", 20], workers={"count": 1})
    busy.sim.act("message", user=2)
    wait_until(lambda: busy.not_durable() is None, 20, "the first act is durable")
    busy.pg.execute(HOLD)
    busy.sim.act("message", user=3)
    wait_until(lambda: hanging(busy.pg, "PgSleep") == 1, 20, "the batch is under way")
    kill_everything_of(busy.presenced)
    segment_of(busy).unlink()
    busy.presenced.start()
    # For the lane's row: the claim, or the batch that holds the act a second time.
    wait_until(lambda: hanging(busy.pg, "transactionid") == 1, 20, "the new segment waits")
    assert hanging(busy.pg, "PgSleep") == 1
    busy.pg.execute("insert into public.go default values")
    busy.presenced.wait_live()
    resumed = busy.sim.get("/_sim/received?what=resume")["items"]
    assert [r["result"] for r in resumed] == ["resumed"]
    assert busy.settle().total() == 2


def test_workers_die_while_they_read_back_what_a_lost_segment_held(make_busy):
    """The segment is lost, presence-graphqld away, and the workers that wait for what their members
    were before are killed: their successors must ask again."""
    busy = make_busy()
    busy.load(RATE)
    busy.let_pass(2000)
    busy.graphqld.kill()
    kill_everything_of(busy.presenced)
    segment_of(busy).unlink()
    busy.presenced.start()
    wait_until(lambda: busy.presenced.ctl("status")["counters"]["rows_live"] > 20, 60,
               "events wait for their members' rows")
    for pid in busy.presenced.workers():
        os.kill(pid, 9)
    busy.graphqld.start()
    busy.let_pass(1000)
    busy.settle()


def test_no_room_for_the_segment(workdir):
    namespaces.need()
    conf = harness.Conf(workdir, discord={"gateway_url": "ws://127.0.0.1:1"})
    conf.update(cache={"members": 1000000}).save()
    conf.secret("discord", "token")
    conf.secret("graphql", "token")
    argv = [harness.program("presenced"), "-c", str(conf.path)]
    env = dict(os.environ, PRESENCE_WORKER=str(harness.BUILD_DIR / "presence-worker"))
    done = subprocess.run(namespaces.with_mounts(argv, "-t tmpfs -o size=1m none /dev/shm"),
                          env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 1, done.stdout
    said = [line for line in done.stdout.splitlines() if " error start_failed: " in line]
    assert len(said) == 1 and "shared memory" in said[0] and "No space left" in said[0], said
    assert "bytes" in said[0], "how much was wanted is told"


def test_a_slow_disk_is_no_hang(make_busy):
    """A worker that waits for its spool's disk answers no ping; killing it would not help."""
    busy = make_busy(start=False)
    slow = busy.stack.dir / "slow"
    busy.presenced.env["PRESENCE_DEBUG_SLOW_DISK"] = str(slow)
    busy.stack.start()
    if busy.presenced.control("debug")["error"]["code"] == "unknown_command":
        pytest.skip("needs a build with --enable-debug-faults")
    busy.load(1000)
    busy.let_pass(500)
    busy.graphqld.kill()
    slow.touch()
    busy.presenced.log.wait_for("worker_waits", deadline=60)
    busy.graphqld.start()
    busy.settle()
    busy.check_heartbeats()
    assert not busy.presenced.log.events("worker_killed")


def test_spool_on_a_full_disk(make_busy):
    """PostgreSQL is away and the spool's disk fills: events are no longer acknowledged, Discord's
    heartbeats go on, one alert is raised, and all arrives once there is room again."""
    namespaces.need()
    busy = make_busy(start=False, workers={"count": 1})
    spool = busy.stack.dir / "spool"
    spool.mkdir()
    busy.stack.conf.update(cache={"spool_dir": spool}).save()
    namespaces.wrap(busy.presenced, f"-t tmpfs -o size=512k,mode=700 none {spool}")
    busy.stack.start()
    log = busy.presenced.log
    busy.load(RATE)
    busy.let_pass(1000)
    busy.pg.kill()
    log.wait_for("alert", deadline=120, containing="No space left on device")
    wait_until(lambda: busy.presenced.ctl("status")["queue"]["events"] > 1000, 60,
               "events wait in the master")
    since = busy.mark()
    busy.let_beat(4, since)
    stopped = busy.presenced.ctl("status")
    assert stopped["lanes"]["spooled"] > 0
    assert stopped["shards"][0]["resume_seq"] < stopped["shards"][0]["received_seq"]
    alerts = log.events("alert")
    assert len(alerts) == 1 and str(spool) in alerts[0].message, alerts
    # Space first: the spool goes on while PostgreSQL is still away.
    namespaces.in_namespace_of(busy.presenced.pid, "mount", "-o", "remount,size=256m", str(spool))
    log.wait_for("spool_ok", deadline=60)
    busy.pg.start()
    busy.let_pass(1000)
    busy.settle(180)
    busy.check_heartbeats(since, 4)
    assert len(log.events("alert")) == 1, log.events("alert")
    assert not log.events("worker_hung") and not log.events("worker_killed")
