"""HTTP as an attacker writes it: requests hidden in others, halves of them, too many of them. Whatever two
programs in a row could read differently is refused, and the connection ends with it."""

import json
import re
import shutil
import socket

import pytest

import harness
from conftest import run
from test_graphql_http import stops_growing

BODY = b'{"query":"{ service { version } }"}'
HEAD = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
GOOD = HEAD + LENGTH + b"\r\n" + BODY
NEXT = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def door():
    path = harness.new_dir()
    pg = harness.Postgres(path)
    pg.start()
    try:
        graphqld = harness.Graphqld(path, harness.Conf(path).save(), pg).prepare()
        yield from run(graphqld)
        pg.stop()
    finally:
        pg.abandon()
    shutil.rmtree(path, ignore_errors=True)


def dial(door):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20 * harness.SLOWNESS)

    def connected():
        try:
            s.connect(str(door.conf.graphql_socket))
            return True
        except BlockingIOError:  # the listen queue is full for a moment
            return False

    harness.wait_until(connected, 20, "the service takes connections", 0.002)
    return s


def answers(door, data):
    """The statuses of all answers, until the server closes the connection; the client sends no more."""
    with dial(door) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        text = b""
        try:
            while (piece := s.recv(65536)):
                text += piece
        except ConnectionResetError:
            pass
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", text)], text


# Each is followed by another request, which must not be served.
REFUSED = {
    "two lengths": HEAD + LENGTH + LENGTH + b"\r\n" + BODY,
    "two lengths that differ": HEAD + LENGTH + b"Content-Length: 3\r\n\r\n" + BODY,
    "the other way round": HEAD + b"Content-Length: 3\r\n" + LENGTH + b"\r\n" + BODY,
    "a list of lengths": HEAD + b"Content-Length: %d, 3\r\n\r\n" % len(BODY) + BODY,
    "a signed length": HEAD + b"Content-Length: +%d\r\n\r\n" % len(BODY) + BODY,
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n" + BODY,
    "a length in hexadecimal": HEAD + b"Content-Length: 0x23\r\n\r\n" + BODY,
    "no digits": HEAD + b"Content-Length: \r\n\r\n" + BODY,
    "a folded length": HEAD + b"Content-Length:\r\n %d\r\n\r\n" % len(BODY) + BODY,
    "beyond 64 bits": HEAD + b"Content-Length: 18446744073709551651\r\n\r\n" + BODY,
    "length and chunks": HEAD + LENGTH + CHUNKED + b"\r\n" + CHUNKS,
    "chunks and length": HEAD + CHUNKED + LENGTH + b"\r\n" + CHUNKS,
    "a request behind no chunks": HEAD + b"Content-Length: 6\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "two encodings": HEAD + CHUNKED + CHUNKED + b"\r\n" + CHUNKS,
    "another encoding": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
    "almost chunked": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
    "identity": HEAD + b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\n" + BODY,
    "a blank before the colon": HEAD + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKS,
    "chunks of HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n" + CHUNKS,
    "a bad chunk": HEAD + CHUNKED + b"\r\nzz\r\n" + BODY,
    "a negative chunk": HEAD + CHUNKED + b"\r\n-1\r\n" + BODY,
    "a chunk beyond 64 bits": HEAD + CHUNKED + b"\r\n1ffffffffffffffff\r\n" + BODY,
    "a chunk that does not end": HEAD + CHUNKED + b"\r\n3\r\n{}XX0\r\n\r\n",
    "a chunk with other bytes for its line's end": HEAD + CHUNKED + b"\r\n%x\r\n%sXY0\r\n\r\n"
                                                   % (len(BODY), BODY),
    "a chunk's size with half of its line's end": HEAD + CHUNKED + b"\r\n%x\rX%s\r\n0\r\n\r\n"
                                                  % (len(BODY), BODY),
    "a chunk's size with a line feed alone": HEAD + CHUNKED + b"\r\n%x;a=b\n%s\r\n0\r\n\r\n"
                                             % (len(BODY), BODY),
    "a folded trailer": HEAD + CHUNKED + b"\r\n%x\r\n%s\r\n0\r\n X: y\r\n\r\n" % (len(BODY), BODY),
    "a folded field": HEAD + b"X: a\r\n b\r\n" + LENGTH + b"\r\n" + BODY,
    "a blank in a name": HEAD + b"X y: a\r\n" + LENGTH + b"\r\n" + BODY,
    "lines of line feeds alone": (HEAD + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + BODY,
    "an end without its line feed": HEAD + LENGTH + b"\rX" + BODY,
    "two blanks before the target": GOOD.replace(b"POST ", b"POST  "),
    "a NUL in a field": HEAD + b"X: a\0b\r\n" + LENGTH + b"\r\n" + BODY,
    "HTTP/1.2": GOOD.replace(b"HTTP/1.1", b"HTTP/1.2"),
    "a name of nothing": HEAD + b": x\r\n" + LENGTH + b"\r\n" + BODY,
    "a line without a colon": HEAD + b"nonsense\r\n" + LENGTH + b"\r\n" + BODY,
    "a carriage return alone": HEAD + b"X: a\rContent-Length: 3\r\n" + LENGTH + b"\r\n" + BODY,
    "no host": HEAD.replace(b"Host: x\r\n", b"") + LENGTH + b"\r\n" + BODY,
    "two hosts": HEAD + b"Host: y\r\n" + LENGTH + b"\r\n" + BODY,
    "two tokens": HEAD + b"Authorization: Bearer 1\r\nAuthorization: Bearer 2\r\n" + LENGTH
                  + b"\r\n" + BODY,
    "no length": HEAD + b"\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_be_read_in_two_ways(door, name):
    statuses, text = answers(door, REFUSED[name] + NEXT)
    assert set(statuses) <= {400, 411, 413, 505} and statuses, text
    assert b'"version"' not in text and b'"status"' not in text


def test_what_is_good_all_the_same(door):
    for data in (GOOD, HEAD + CHUNKED + b"\r\n" + CHUNKS,
                 HEAD + CHUNKED + b"\r\n%x;a=b\r\n%s\r\n0\r\nX: y\r\n\r\n" % (len(BODY), BODY),
                 HEAD + CHUNKED + b"\r\n" + b"".join(b"1\r\n%c\r\n" % c for c in BODY)
                 + b"0\r\n\r\n",
                 b"\r\n" + GOOD,
                 GOOD.replace(b"POST /graphql", b"POST http://x/graphql"),
                 b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + LENGTH + b"\r\n" + BODY,
                 b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"):
        statuses, text = answers(door, data + NEXT)
        assert statuses == [200, 200] and text.endswith(b'{"status":"ok"}'), text
    statuses, text = answers(door, HEAD + LENGTH + b"Expect: 100-continue\r\n\r\n" + BODY + NEXT)
    assert statuses == [100, 200, 200]
    assert answers(door, HEAD.replace(b"1.1", b"1.0") + LENGTH + b"\r\n" + BODY + NEXT)[0] == [200]
    assert answers(door, HEAD + LENGTH + b"Connection: close\r\n\r\n" + BODY + NEXT)[0] == [200]


def test_pipelining_with_mistakes_in_the_middle(door):
    """Answers come in order; what is wrong with one does not touch the next."""
    wrong = HEAD + b"Content-Length: 3\r\n\r\n{a}"
    text = GOOD.replace(b"application/json", b"text/plain")
    away = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    assert answers(door, GOOD + wrong + GOOD + text + away + GOOD)[0] == [
        200, 400, 200, 415, 404, 200]
    assert answers(door, GOOD * 200)[0] == [200] * 200
    assert answers(door, GOOD + b"BROKEN\r\n\r\n" + GOOD)[0][:1] == [200]
    assert len(answers(door, GOOD + b"BROKEN\r\n\r\n" + GOOD)[0]) < 3


def test_a_body_that_is_packed(door):
    statuses, text = answers(door, HEAD + LENGTH + b"Content-Encoding: gzip\r\n\r\n" + BODY)
    assert statuses == [415]


def test_ends_of_text_inside_of_text(door):
    """A percent-encoded NUL ends nothing."""
    def get(target):
        statuses, text = answers(door, b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % target)
        return statuses[0], text

    assert get(b"/healthz%00")[0] == 404
    assert get(b"/healthz%00/../graphql")[0] == 404
    assert b"GRAPHQL_PARSE_FAILED" in get(b"/graphql?query=%7B__typename%7D%00%7B")[1]
    assert b'"__typename":"Query"' in get(b"/graphql?query=%7B__typename%7d+%0a")[1]
    assert b"GRAPHQL_PARSE_FAILED" in get(b"/graphql?query=%7B__typename%7D%zz")[1]


def test_heads_that_are_too_long(door):
    for head in (b"GET /" + b"a" * 30000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"A" * 30000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
                 b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"x" * 30000 + b": y\r\n\r\n"):
        statuses, _ = answers(door, head)
        assert not statuses or statuses[0] in (414, 431)
    for n, status in ((98, 200), (101, 431)):
        head = b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * n + b"\r\n"
        assert answers(door, head)[0] == [status]
    assert answers(door, GOOD)[0] == [200]


def test_halves_of_requests_leave_nothing(door):
    """Thousands of clients that give up in the middle, in every way: memory stays where it was."""
    stream = json.dumps({"query": "subscription { decisionMade { decisionId } }"}).encode()
    parts = [b"", b"P", HEAD, GOOD[:-1], HEAD + CHUNKED + b"\r\n5\r\n{",
             GOOD, GOOD + GOOD[:-5], GOOD * 5,
             HEAD + b"Accept: text/event-stream\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
             % (door.token.encode(), len(stream)) + stream,
             REFUSED["two lengths"], REFUSED["length and chunks"], REFUSED["no length"]]

    def give_up():
        for _ in range(150):
            for part in parts:
                with dial(door) as s:
                    s.sendall(part)
        assert answers(door, GOOD)[0] == [200]

    stops_growing(door.pid, give_up, 128)
