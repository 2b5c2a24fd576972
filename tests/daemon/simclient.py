"""presence-sim for tests: Sim starts it and speaks its control API, Gateway is a plain client of its
gateway. Only the standard library, so that everything can use it."""

import base64
import ctypes
import json
import os
import pathlib
import re
import select
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD_DIR = pathlib.Path(os.environ.get("PRESENCE_BUILD_DIR", ROOT / "build"))
AGENT = "DiscordBot (https://example.org/presence-tests, 1) tests"
INTENTS_ALL = 53608447
INTENTS_PRESENCE = 18943687


def wait_until(predicate, deadline=10.0, what="the condition"):
    """Polls until predicate() is true and returns its value."""
    end = time.monotonic() + deadline
    while True:
        value = predicate()
        if value:
            return value
        assert time.monotonic() < end, f"waited {deadline} s in vain for {what}"
        time.sleep(0.01)


class Control:
    """The control API at a base URL."""

    token = "sim-token"

    def __init__(self, base, token=None):
        self.base = base
        self.token = token or self.token

    def request(self, method, path, body=None, headers=None, timeout=60):
        """Returns status, headers, bytes; errors are answers too."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | (headers or {})
        request = urllib.request.Request(self.base + path, data=data, method=method,
                                         headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read()

    def call(self, method, path, body=None):
        status, _, text = self.request(method, "/_sim/" + path, body)
        assert status == 200, f"{method} /_sim/{path} {body}: {status} {text.decode()}"
        return json.loads(text)

    def get(self, path, /, **query):
        return self.call("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def post(self, path, /, **args):
        return self.call("POST", path, args)

    def act(self, kind, /, **args):
        return self.call("POST", "act", {"kind": kind} | args)

    def config(self, **settings):
        return self.post("config", **settings)

    def load(self, **plan):
        return self.post("load", **plan)

    def wait_load(self, deadline=60):
        """Until the load is over and everything was sent."""
        return wait_until(lambda: (s := self.get("load")) and not s["running"]
                          and s["backlog"] == 0 and s, deadline, "the end of the load")

    def sessions(self):
        return self.get("sessions")

    def received(self, what=None, since=0):
        query = {"since": since} | ({"what": what} if what else {})
        return self.get("received", **query)["items"]

    def wait_received(self, what, count=1, deadline=10, since=0):
        return wait_until(lambda: len(items := self.received(what, since)) >= count and items,
                          deadline, f"{count} x {what} at the simulator")

    def world(self, members=False):
        return self.get("world", **({"members": 1} if members else {}))

    def summary(self):
        return self.get("truth", summary=1)

    def truth(self, what=None, guild=None):
        """The ground truth as lists of rows by name of row: count, member, voice, roster, summary."""
        query = {k: v for k, v in (("what", what), ("guild", guild)) if v}
        status, _, text = self.request(
            "GET", "/_sim/truth" + ("?" + urllib.parse.urlencode(query) if query else ""))
        assert status == 200, text
        rows = {}
        for line in text.decode().splitlines():
            row = json.loads(line)
            rows.setdefault(row.pop("row"), []).append(row)
        return rows

    def rest(self, method, path, body=None, token=True, agent=AGENT, headers=None):
        """A REST call; returns status, headers, the body parsed (None if there is none)."""
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bot {self.token if token is True else token}"
        headers["User-Agent"] = agent
        status, got, text = self.request(method, "/api/v10" + path, body, headers)
        if text and got.get("Content-Type", "").startswith("application/json"):
            return status, got, json.loads(text)
        return status, got, text or None


class Sim(Control):
    """A simulator of one's own: with Sim("--guilds", "3") as sim: ..."""

    def __init__(self, *args, binary=None):
        self.args = [str(a) for a in args]
        self.binary = binary or BUILD_DIR / "presence-sim"
        self.process = None

    def start(self):
        self.process = subprocess.Popen([str(self.binary), *self.args], stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        assert line, f"presence-sim did not start ({self.process.wait()})"
        ports = json.loads(line)
        self.gateway_url = ports["gateway"]
        if "--token" in self.args:
            self.token = self.args[self.args.index("--token") + 1]
        Control.__init__(self, ports["http"])
        return self

    def stop(self):
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(20)
        self.process.stdout.close()
        self.process = None
        assert status == 0, f"presence-sim ended with {status}"

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind and self.process and self.process.poll() is not None:
            self.process = None
        self.stop()

    def gateway(self, **options):
        return Gateway(self.gateway_url, token=self.token, **options)


class Zstd:
    """libzstd's stream, without a module for it."""

    class Buffer(ctypes.Structure):
        _fields_ = [("bytes", ctypes.c_void_p), ("size", ctypes.c_size_t),
                    ("pos", ctypes.c_size_t)]

    def __init__(self):
        self.lib = ctypes.CDLL("libzstd.so.1")
        self.lib.ZSTD_createDStream.restype = ctypes.c_void_p
        self.lib.ZSTD_decompressStream.restype = ctypes.c_size_t
        self.lib.ZSTD_decompressStream.argtypes = [ctypes.c_void_p, ctypes.c_void_p,
                                                   ctypes.c_void_p]
        self.lib.ZSTD_isError.argtypes = [ctypes.c_size_t]
        self.stream = ctypes.c_void_p(self.lib.ZSTD_createDStream())
        self.room = ctypes.create_string_buffer(1 << 17)

    def decompress(self, data):
        source = ctypes.create_string_buffer(data, len(data))
        got = self.Buffer(ctypes.cast(source, ctypes.c_void_p), len(data), 0)
        text = b""
        while True:
            out = self.Buffer(ctypes.cast(self.room, ctypes.c_void_p), len(self.room), 0)
            rc = self.lib.ZSTD_decompressStream(self.stream, ctypes.byref(out), ctypes.byref(got))
            assert not self.lib.ZSTD_isError(rc), "zstd stream broken"
            text += self.room.raw[:out.pos]
            if got.pos == got.size and out.pos < out.size:
                return text


class Closed(Exception):
    """The connection ended; code is None without a close frame."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code = code


class Gateway:
    """One gateway connection, read and written by hand."""

    def __init__(self, url, token="sim-token", compress=None, query=None, timeout=10):
        self.token = token
        self.timeout = timeout
        self.compress = compress
        self.inflater = {"zlib-stream": zlib.decompressobj, "zstd-stream": Zstd,
                         None: lambda: None}[compress]()
        self.seq = None
        self.session_id = None
        self.frames = 0
        self.buffer = b""
        self.log = []  # all payloads read
        if query is None:
            query = "v=10&encoding=json" + (f"&compress={compress}" if compress else "")
        address = re.match(r"ws://([^:/]+):(\d+)", url).groups()
        self.socket = socket.create_connection((address[0], int(address[1])), timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET /?{query} HTTP/1.1\r\nHost: {address[0]}\r\n"
                             "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                             "\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            data = self.socket.recv(4096)
            if not data:
                raise Closed(None, "during the handshake")
            self.buffer += data
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.status = int(head.split()[1])
        if self.status != 101:
            raise Closed(None, f"handshake refused with {self.status}")

    # --- bytes ------------------------------------------------------------------------------------

    def need(self, n, deadline):
        while len(self.buffer) < n:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise TimeoutError("nothing came from the gateway")
            try:
                data = self.socket.recv(1 << 18)
            except ConnectionResetError:
                raise Closed(None, "reset") from None
            if not data:
                raise Closed(None, "end of file")
            self.buffer += data
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def frame(self, deadline):
        first, length = self.need(2, deadline)
        if length == 126:
            length, = struct.unpack("!H", self.need(2, deadline))
        elif length == 127:
            length, = struct.unpack("!Q", self.need(8, deadline))
        self.frames += 1
        return first & 0x80, first & 15, self.need(length, deadline)

    def send_frame(self, opcode, data):
        head = bytes([0x80 | opcode])
        if len(data) < 126:
            head += bytes([0x80 | len(data)])
        else:
            head += bytes([0x80 | 126]) + struct.pack("!H", len(data))
        mask = os.urandom(4)
        self.socket.sendall(head + mask
                            + bytes(b ^ mask[i & 3] for i, b in enumerate(data)))

    def message(self, timeout=None):
        """One whole message as bytes; control frames are served on the way."""
        deadline = time.monotonic() + (timeout or self.timeout)
        data = b""
        while True:
            final, opcode, part = self.frame(deadline)
            if opcode == 8:
                code = struct.unpack("!H", part[:2])[0] if len(part) >= 2 else None
                raise Closed(code, part[2:].decode())
            if opcode == 9:
                self.send_frame(10, part)
                continue
            if opcode == 10:
                continue
            data += part
            if final:
                return data

    # --- payloads ---------------------------------------------------------------------------------

    def recv(self, timeout=None):
        """One payload."""
        data = self.message(timeout)
        if self.compress == "zlib-stream":
            assert data.endswith(b"\x00\x00\xff\xff")
        if self.inflater:
            data = self.inflater.decompress(data)
        payload = json.loads(data)
        if payload["op"] == 0:
            self.seq = payload["s"]
        self.log.append(payload)
        return payload

    def until(self, t=None, op=None, timeout=None):
        """Reads on until a dispatch of type t, or a payload with this op, came."""
        while True:
            payload = self.recv(timeout)
            if (t is not None and payload["t"] == t) or (op is not None and payload["op"] == op):
                return payload

    def send(self, op, d):
        self.send_frame(1, json.dumps({"op": op, "d": d}).encode())

    def identify(self, intents=INTENTS_ALL, **more):
        if not self.log:
            self.until(op=10)
        self.send(2, {"token": self.token, "intents": intents,
                      "properties": {"os": "linux", "browser": "t", "device": "t"}} | more)

    def ready(self, intents=INTENTS_ALL, **more):
        """Identifies and reads READY and the guilds; returns READY's d."""
        self.identify(intents, **more)
        ready = self.until("READY")["d"]
        self.session_id = ready["session_id"]
        for _ in ready["guilds"] if intents & 1 else []:
            self.until("GUILD_CREATE")
        return ready

    def resume(self, session_id, seq, token=None):
        if not self.log:
            self.until(op=10)
        self.session_id = session_id
        self.send(6, {"token": token or self.token, "session_id": session_id, "seq": seq})

    def heartbeat(self):
        self.send(1, self.seq)
        return self.until(op=11)

    def closed(self, timeout=None):
        """Reads on until the connection ends; returns the close code."""
        try:
            while True:
                self.recv(timeout)
        except Closed as e:
            return e.code

    def close(self, code=None):
        if code:
            self.send_frame(8, struct.pack("!H", code))
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.socket.close()
