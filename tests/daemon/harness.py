"""Starts real servers in private directories for the daemon tests, the demo and the benchmark.

PostgreSQL, Redis, presence-graphqld, presence-sim and presenced are each a class here with start,
stop, kill and restart. Nothing listens on a fixed port or path, so many stacks may run side by
side. Only processes started here are ever signalled, by pid.
"""

import contextlib
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

SOURCE_DIR = pathlib.Path(__file__).resolve().parents[2]
BUILD_DIR = pathlib.Path(os.environ.get("PRESENCE_BUILD_DIR", SOURCE_DIR / "build")).resolve()
PG_BIN = pathlib.Path(os.environ.get("PRESENCE_PG_BIN", "/usr/lib/postgresql/15/bin"))
# Sanitizers and two busy cores make everything several times slower.
SLOWNESS = float(os.environ.get("PRESENCE_TEST_SLOWNESS", "1"))

LINE = re.compile(r"^(\S+Z) (\S+?)\[(\d+)\] (debug|info|warn|error) (\w+): (.*)$")
SANITIZER = re.compile(r"(AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:)")


class Timeout(AssertionError):
    """Something did not happen in time."""


def wait_until(predicate, deadline=20.0, what=None, interval=0.02):
    """Calls predicate until it is true and returns its value; Timeout after deadline seconds."""
    end = time.monotonic() + deadline * SLOWNESS
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise Timeout(f"not within {deadline} s: {what or predicate}")
        time.sleep(interval)


def program(name):
    """The path of a program of the build tree."""
    for folder in ("", "src"):
        path = BUILD_DIR / folder / name
        if path.exists():
            return str(path)
    raise FileNotFoundError(f"{name} is not built in {BUILD_DIR} (PRESENCE_BUILD_DIR)")


def new_dir(prefix="presence-"):
    """A short path: Unix socket names end at 107 bytes. Others may pass through, not list."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    path.chmod(0o711)
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Event:
    """One line of a log, taken apart."""

    def __init__(self, match):
        self.time, self.program, self.pid, self.level, self.event, self.message = match.groups()
        self.pid = int(self.pid)

    def __repr__(self):
        return f"<{self.program}[{self.pid}] {self.level} {self.event}: {self.message}>"


class Log:
    """Follows a log file; positions are byte offsets."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.touch()

    def position(self):
        return self.path.stat().st_size

    def text(self, since=0):
        with open(self.path, "rb") as f:
            f.seek(since)
            return f.read().decode("utf-8", "replace")

    def events(self, event=None, since=0, level=None):
        found = []
        for line in self.text(since).splitlines():
            match = LINE.match(line)
            if match:
                e = Event(match)
                if (event is None or e.event == event) and (level is None or e.level == level):
                    found.append(e)
        return found

    def wait_for(self, event, deadline=20.0, since=0, containing="", count=1):
        """Waits for count lines of an event whose message contains a text; returns the last."""
        def look():
            hits = [e for e in self.events(event, since) if containing in e.message]
            return hits[count - 1] if len(hits) >= count else None

        try:
            return wait_until(look, deadline, f"{event} ({containing})")
        except Timeout as e:
            raise Timeout(f"{e}; the log {self.path} ends with:\n{self.tail()}") from None

    def tail(self, lines=30):
        return "\n".join(self.text().splitlines()[-lines:])


class Process:
    """A child process whose stderr goes to a log file of its own."""

    name = "process"

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.log = Log(self.dir / f"{self.name}.log")
        self.child = None
        self.killed = False
        self.expected = []
        self.env = dict(os.environ)
        # Else AddressSanitizer keeps 256 MB of what was freed, and a leak is hard to tell from that.
        self.env.setdefault("ASAN_OPTIONS", "quarantine_size_mb=16")

    # --- what a subclass says -----------------------------------------------------------------

    def argv(self):
        raise NotImplementedError

    def popen_options(self):
        return {}

    def wait_ready(self):
        """Returns once the process serves."""

    # --- life ---------------------------------------------------------------------------------

    @property
    def pid(self):
        return self.child.pid if self.child else None

    def running(self):
        return self.child is not None and self.child.poll() is None

    def state(self):
        """For people who read a failed test."""
        if self.child is None:
            return "not started, or stopped by the test"
        status = self.child.poll()
        return f"pid {self.pid}, running" if status is None else f"ended with {status}"

    def start(self, wait=True):
        assert not self.running(), f"{self.name} runs already"
        self.killed = False
        with open(self.log.path, "ab") as err:
            self.child = subprocess.Popen(self.argv(), stdin=subprocess.DEVNULL, stdout=err,
                                          stderr=err, env=self.env, **self.popen_options())
        if wait:
            try:
                self.wait_ready()
            except BaseException:
                self.abandon()
                raise
        return self

    def check_alive(self):
        if not self.running():
            raise AssertionError(f"{self.name} ended with {self.child.returncode}; its log:\n"
                                 f"{self.log.tail()}")

    def send(self, signo):
        assert self.running(), f"{self.name} does not run"
        os.kill(self.pid, signo)

    def wait(self, deadline=30.0):
        try:
            return self.child.wait(deadline * SLOWNESS)
        except subprocess.TimeoutExpired:
            raise Timeout(f"{self.name} did not end; its log:\n{self.log.tail()}") from None

    def stop(self, deadline=30.0, signo=signal.SIGTERM, expect=0):
        """Asks it to end and checks its exit status."""
        if self.child is None:
            return
        if self.running():
            self.send(signo)
        status = self.wait(deadline)
        self.child = None
        if not self.killed:
            assert status == expect, f"{self.name} ended with {status}:\n{self.log.tail()}"

    def kill(self):
        """SIGKILL: it dies between two instructions."""
        self.killed = True
        if self.running():
            self.send(signal.SIGKILL)
            self.child.wait()

    def restart(self, wait=True):
        self.stop()
        return self.start(wait)

    def abandon(self):
        """Ends it, whatever it takes; asserts nothing."""
        if self.running():
            with contextlib.suppress(ProcessLookupError):
                self.send(signal.SIGTERM)
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
        self.child = None

    # --- judging the log ------------------------------------------------------------------------

    def expect_error(self, event):
        """Error lines of this event are part of the test."""
        self.expected.append(event)

    def expect_any_error(self):
        """For tests in which everything may go wrong around the process."""
        self.expected = None

    def check_log(self):
        bad = [] if self.expected is None else [
            e for e in self.log.events(level="error") if e.event not in self.expected]
        assert not bad, f"unexpected errors in the log of {self.name}: {bad}"
        found = SANITIZER.search(self.log.text())
        assert not found, f"a sanitizer spoke in {self.log.path}:\n{self.log.tail(80)}"


def children_of(pid):
    """The pids whose parent is pid, from /proc."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = pathlib.Path("/proc", entry, "stat").read_text()
                if int(stat.rpartition(")")[2].split()[1]) == pid:
                    found.append(int(entry))
    return found


def gone(*pids):
    """Whether all of them have ended. Who adopted an orphan may never ask for its exit status (the
    first process of a container often does not): dead is dead."""
    def dead(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except (FileNotFoundError, ProcessLookupError):
            return True

    return all(dead(pid) for pid in pids)


def cpu_seconds(pid):
    """User and system time of a process, its threads included."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- PostgreSQL -------------------------------------------------------------------------------------

class Postgres(Process):
    """A server of its own, on a Unix socket only. initdb runs once; each server gets a copy."""

    name = "postgres"
    template = None

    def __init__(self, directory):
        super().__init__(directory)
        self.data = self.dir / "pg"
        self.sockets = self.dir / "pgs"
        self.owner = None
        if os.geteuid() == 0:  # PostgreSQL refuses root
            self.owner = pwd.getpwnam("postgres")
        self.backends = []

    def popen_options(self):
        if self.owner is None:
            return {"cwd": "/"}
        return {"cwd": "/", "user": self.owner.pw_uid, "group": self.owner.pw_gid,
                "extra_groups": []}

    def run(self, *argv):
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, **self.popen_options())
        assert done.returncode == 0, f"{argv[0]}: {done.stdout}"

    def own(self, path):
        path.mkdir()
        if self.owner:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)
        path.chmod(0o700)

    def make_template(self):
        home = new_dir("presence-pg-")
        target = home / "t"
        self.own(target)
        self.run(str(PG_BIN / "initdb"), "-D", str(target), "-U", "presence", "--auth=trust",
                 "--encoding=UTF8", "--locale=C", "--no-sync")
        Postgres.template = target

    @classmethod
    def drop_template(cls):
        if cls.template:
            shutil.rmtree(cls.template.parent)
            cls.template = None

    def prepare(self):
        if self.data.exists():
            return
        if Postgres.template is None:
            self.make_template()
        subprocess.run(["cp", "-a", str(Postgres.template), str(self.data)], check=True)
        self.own(self.sockets)

    def argv(self):
        return [str(PG_BIN / "postgres"), "-D", str(self.data), "-k", str(self.sockets),
                "-c", "listen_addresses=", "-c", "shared_buffers=64MB", "-c", "fsync=on",
                "-c", "max_connections=60", "-c", "max_wal_size=512MB",
                "-c", "log_checkpoints=off"]

    def start(self, wait=True):
        self.prepare()
        return super().start(wait)

    @property
    def conninfo(self):
        return f"host={self.sockets} user=presence dbname=presence"

    @property
    def owner_conninfo(self):
        """Of the role that owns the tables and cannot log in, nor do more than own them."""
        return self.conninfo + " options=-crole=presence_owner"

    @property
    def service_conninfo(self):
        """Of a role with the rights that serving needs, and no others."""
        return f"host={self.sockets} user=presence_service dbname=presence"

    def wait_ready(self):
        import psycopg2

        def try_it():
            self.check_alive()
            try:
                psycopg2.connect(f"host={self.sockets} user=presence dbname=postgres").close()
                return True
            except psycopg2.OperationalError:
                return False

        wait_until(try_it, 60, "PostgreSQL answers")
        with self.connect("postgres") as c, c.cursor() as cur:
            cur.execute("select 1 from pg_database where datname = 'presence'")
            missing = cur.fetchone() is None
        c.close()
        if missing:
            self.execute("create role presence_service login", database="postgres")
            self.execute("create role presence_owner", database="postgres")
            self.execute("create database presence owner presence_owner", database="postgres")

    def connect(self, database="presence"):
        import psycopg2

        c = psycopg2.connect(f"host={self.sockets} user=presence dbname={database}",
                             options="-c search_path=presence,public")
        c.autocommit = True
        return c

    def execute(self, sql, args=None, database="presence"):
        """Runs one statement; returns its rows, [] if it has none."""
        with contextlib.closing(self.connect(database)) as c, c.cursor() as cur:
            cur.execute(sql, args)
            return cur.fetchall() if cur.description else []

    def stop(self, deadline=30.0, signo=signal.SIGINT, expect=0):  # SIGINT: fast shutdown
        super().stop(deadline, signo, expect)

    def kill(self):
        """The server and its backends, as a power cut would: all at once."""
        if not self.running():
            return
        self.killed = True
        victims = [self.pid] + children_of(self.pid)
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.child.wait()
        wait_until(lambda: gone(*victims[1:]), 10, "the backends are gone")
        self.child = None

    def check_log(self):
        """PostgreSQL's log has another form; a PANIC is the only line that fails a test."""
        assert "PANIC" not in self.log.text(), self.log.tail()


# --- Redis ------------------------------------------------------------------------------------------

class Redis(Process):
    """A server of its own on a Unix socket, keeping nothing on disk."""

    name = "redis"

    def __init__(self, directory):
        super().__init__(directory)
        self.socket = self.dir / "redis.sock"

    @property
    def url(self):
        return f"unix://{self.socket}"

    def argv(self):
        return ["redis-server", "--port", "0", "--unixsocket", str(self.socket),
                "--unixsocketperm", "700", "--save", "", "--appendonly", "no",
                "--daemonize", "no", "--dir", str(self.dir)]

    def client(self):
        import redis

        return redis.Redis(unix_socket_path=str(self.socket), decode_responses=True)

    def wait_ready(self):
        import redis

        def try_it():
            self.check_alive()
            try:
                return self.client().ping()
            except redis.exceptions.RedisError:
                return False

        wait_until(try_it, 20, "Redis answers")

    def check_log(self):
        """Redis's log has another form and is not judged."""


# --- presence.conf ----------------------------------------------------------------------------------

class Conf:
    """presence.conf as a dict of dicts, written anew by save()."""

    def __init__(self, directory, **sections):
        self.dir = pathlib.Path(directory)
        self.path = self.dir / "presence.conf"
        self.sections = {
            "presence": {"state_dir": self.dir / "state", "run_dir": self.dir / "run"},
            "discord": {"token_file": self.dir / "discord.token"},
            "workers": {"count": 2, "flush_ms": 50, "cogs_dir": BUILD_DIR / "src/cogs/.libs"},
            "cache": {"members": 20000, "ring": 1024,
                      "instance": self.dir.name.replace(".", "-")[-32:]},
            "graphql": {"token_file": self.dir / "graphql.token"},
            "graphqld": {"token_file": self.dir / "graphqld.tokens"},
        }
        self.update(**sections)
        for name in ("state", "run"):
            (self.dir / name).mkdir(exist_ok=True)

    def update(self, **sections):
        for section, keys in sections.items():
            self.sections.setdefault(section, {}).update(keys)
        return self

    def get(self, section, key):
        return str(self.sections[section][key])

    def text(self):
        out = []
        for section, keys in self.sections.items():
            out.append(f"[{section}]")
            out += [f"{key} = {value}" for key, value in keys.items()]
        return "\n".join(out) + "\n"

    def save(self):
        self.path.write_text(self.text())
        return self

    def secret(self, section, token):
        """Writes a token file of mode 0600."""
        path = pathlib.Path(self.get(section, "token_file"))
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as f:
            f.write(token + "\n")

    @property
    def control_socket(self):
        return self.sections.get("control", {}).get("socket", self.dir / "run" / "control.sock")

    @property
    def graphql_socket(self):
        return self.dir / "run" / "graphqld.sock"


# --- presence-graphqld ------------------------------------------------------------------------------

class UnixHTTP:
    """Just enough HTTP over a Unix socket for GraphQL requests from tests."""

    def __init__(self, path):
        self.path = str(path)

    def request(self, method, target, body=b"", headers=None, timeout=30):
        import http.client

        connection = http.client.HTTPConnection("localhost", timeout=timeout)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout)
        connection.sock.connect(self.path)
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), data


class Graphqld(Process):
    """presence-graphqld on a Unix socket, its database migrated, with a token for the workers."""

    name = "graphqld"

    def __init__(self, directory, conf, pg):
        super().__init__(directory)
        self.conf = conf
        self.owner = pg.owner_conninfo
        conf.update(graphqld={"conninfo": pg.service_conninfo}).save()

    def argv(self):
        return [program("presence-graphqld"), "-c", str(self.conf.path)]

    def tool(self, *args):
        done = subprocess.run(self.argv() + list(args), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=self.env)
        assert done.returncode == 0, f"presence-graphqld {args}: {done.stderr}"
        return done.stdout

    def migrate(self):
        return self.tool("--migrate", self.owner)

    def new_token(self, name, scope):
        return self.tool("--new-token", name, scope).strip().split()[-1]

    def prepare(self, scopes="ingest"):
        self.migrate()
        if not pathlib.Path(self.conf.get("graphqld", "token_file")).exists():
            self.token = self.new_token("workers", scopes)
            self.conf.secret("graphql", self.token)
        return self

    def wait_ready(self):
        def try_it():
            self.check_alive()
            try:
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(str(self.conf.graphql_socket))
                return True
            except OSError:
                return False

        wait_until(try_it, 20, "presence-graphqld listens")

    def query(self, document, variables=None, token=None):
        """POSTs one operation; returns the decoded answer."""
        body = json.dumps({"query": document, "variables": variables or {}}).encode()
        status, _, data = UnixHTTP(self.conf.graphql_socket).request(
            "POST", "/graphql", body, {"Content-Type": "application/json",
                                       "Authorization": f"Bearer {token or self.token}"})
        answer = json.loads(data)
        answer["status"] = status
        return answer


# --- presence-sim -----------------------------------------------------------------------------------

class Sim(Process):
    """presence-sim on loopback; it keeps its ports over a restart."""

    name = "sim"
    token = "simulated.token.for-tests"

    def __init__(self, directory, args=()):
        super().__init__(directory)
        self.args = [str(a) for a in args]
        self.port = free_port()
        self.gateway_port = free_port()

    def argv(self):
        return [program("presence-sim"), "--listen-http", f"127.0.0.1:{self.port}",
                "--listen-gateway", f"127.0.0.1:{self.gateway_port}", "--token", self.token,
                *self.args]

    @property
    def base(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def gateway(self):
        return f"ws://127.0.0.1:{self.gateway_port}"

    def wait_ready(self):
        def try_it():
            self.check_alive()
            try:
                return self.get("/_sim/config") is not None
            except OSError:
                return False

        wait_until(try_it, 60, "presence-sim answers")

    def http(self, method, path, body=None, timeout=60):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            text = answer.read()
        return json.loads(text) if text else {}

    def get(self, path):
        return self.http("GET", path)

    def post(self, path, body=None):
        return self.http("POST", path, body if body is not None else {})

    def act(self, kind, **args):
        """One deed of one simulated user; returns what was done (see src/sim/control.h)."""
        answer = self.post("/_sim/act", {"kind": kind, **args})
        assert answer["ok"], answer
        return answer

    def sent(self):
        """How many acts of each kind were seen by some client."""
        return self.get("/_sim/truth?summary=1")["kinds"]


# --- presenced --------------------------------------------------------------------------------------

class Presenced(Process):
    """presenced in the foreground, with its workers."""

    name = "presenced"

    def __init__(self, directory, conf):
        super().__init__(directory)
        self.conf = conf
        self.env.pop("DISCORD_TOKEN", None)
        self.env["PRESENCE_WORKER"] = str(BUILD_DIR / "presence-worker")
        self.options = []

    def argv(self):
        return [program("presenced"), "-c", str(self.conf.path), *self.options]

    def wait_ready(self):
        def try_it():
            self.check_alive()
            return self.ctl_try("status") is not None

        wait_until(try_it, 30, "presenced answers on its control socket")

    def wait_live(self, deadline=30.0):
        """Until every shard is live."""
        def try_it():
            self.check_alive()
            status = self.ctl_try("status")
            shards = (status or {}).get("shards", [])
            return shards and all(s["state"] == "live" for s in shards) and status

        return wait_until(try_it, deadline, f"every shard is live; log:\n{self.log.tail()}")

    def control(self, command, timeout=10, **args):
        """One request on the control socket (control.h); returns the whole answer."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout * SLOWNESS)
            s.connect(str(self.conf.control_socket))
            s.sendall(json.dumps({"v": 1, "id": 1, "command": command,
                                  "args": args}).encode() + b"\n")
            line = s.makefile().readline()
        return json.loads(line)

    def ctl(self, command, **args):
        answer = self.control(command, **args)
        assert answer["ok"], f"{command}: {answer['error']}"
        return answer["result"]

    def ctl_try(self, command, **args):
        try:
            return self.ctl(command, **args)
        except (OSError, ValueError, AssertionError):
            return None

    def workers(self):
        """The pids of the running workers."""
        found = []
        for p in children_of(self.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                if "worker" in pathlib.Path(f"/proc/{p}/comm").read_text():
                    found.append(p)
        return found

    def reload(self):
        return self.control("reload", timeout=30)

    def stop(self, deadline=60.0, signo=signal.SIGTERM, expect=0):
        super().stop(deadline, signo, expect)


# --- everything together -----------------------------------------------------------------------------

class Stack:
    """PostgreSQL, Redis, presence-graphqld, presence-sim and presenced in one directory."""

    def __init__(self, sim_args=(), conf=None, directory=None):
        self.dir = pathlib.Path(directory) if directory else new_dir()
        self.pg = Postgres(self.dir)
        self.redis = Redis(self.dir)
        self.sim = Sim(self.dir, sim_args)
        self.conf = Conf(self.dir, redis={"url": self.redis.url},
                         discord={"api_base": f"{self.sim.base}/api/v10"})
        if conf:
            self.conf.update(**conf)
        self.conf.secret("discord", self.sim.token)
        self.graphqld = Graphqld(self.dir, self.conf, self.pg)
        self.presenced = Presenced(self.dir, self.conf)

    @property
    def processes(self):
        return [self.presenced, self.sim, self.graphqld, self.redis, self.pg]

    def start_servers(self):
        """Everything but presenced."""
        self.pg.start()
        self.redis.start()
        self.graphqld.prepare("ingest,read,erase")
        self.graphqld.start()
        self.sim.start()
        return self

    def start(self):
        self.start_servers()
        self.presenced.start()
        self.presenced.wait_live()
        return self

    def close(self, check=True):
        """Stops all, presenced first; then judges logs and exit statuses."""
        problems = []
        for p in self.processes:
            try:
                p.stop()
            except AssertionError as e:
                problems.append(str(e))
            p.abandon()
        for p in self.processes if check else []:
            try:
                p.check_log()
            except AssertionError as e:
                problems.append(str(e))
        instance = self.conf.get("cache", "instance")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"/dev/shm/presence-{instance}")
        if problems and check:
            raise AssertionError("\n".join(problems) + f"\n(logs kept in {self.dir})")
        shutil.rmtree(self.dir, ignore_errors=True)
