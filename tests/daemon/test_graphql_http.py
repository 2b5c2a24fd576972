"""The door: media types, methods that are switched off, rates, idle and trickling connections."""

import socket

import pytest

import harness
from test_graphqld import code, request

QUERY = b'{"query":"{ service { version } }"}'


def restart(graphqld, **keys):
    graphqld.stop()
    graphqld.conf.update(graphqld=keys).save()
    graphqld.start()


def test_accept(graphqld):
    for accept, kind in ((None, "application/json"), ("*/*", "application/json"),
                         ("application/graphql-response+json", "application/graphql-response+json"),
                         ("application/json;q=0.1, application/graphql-response+json",
                          "application/graphql-response+json")):
        headers = {"Accept": accept} if accept else {}
        status, answer, got = request(graphqld, body=QUERY, **headers)
        assert status == 200 and got["Content-Type"] == f"{kind}; charset=utf-8"
    status, answer, got = request(graphqld, body=QUERY, Accept="text/html")
    assert (status, code(answer)) == (406, "NOT_ACCEPTABLE")
    for kind in ("application/json; charset=latin1", "application/graphql"):
        assert request(graphqld, body=QUERY, **{"Content-Type": kind})[0] == 415


def test_several_lines_of_accept_are_one_list(graphqld):
    for lines, status, kind in (
            (("text/html", "application/json"), 200, "application/json"),
            (("application/json;q=0.1", "text/html", "application/graphql-response+json"), 200,
             "application/graphql-response+json"),
            (("*/*", "application/json;q=0", "application/graphql-response+json;q=0",
              "text/event-stream;q=0"), 406, "application/json"),
            (("text/html", "image/png"), 406, "application/json")):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(graphqld.conf.graphql_socket))
            accept = "".join(f"Accept: {line}\r\n" for line in lines)
            s.sendall(f"POST /graphql HTTP/1.1\r\nHost: x\r\n{accept}Content-Type: application/json\r\n"
                      f"Connection: close\r\nContent-Length: {len(QUERY)}\r\n\r\n".encode() + QUERY)
            answer = b"".join(iter(lambda: s.recv(65536), b"")).decode()
        assert answer.startswith(f"HTTP/1.1 {status} ")
        assert f"Content-Type: {kind}; charset=utf-8\r\n" in answer


def test_get_switched_off(graphqld):
    restart(graphqld, get="no")
    status, answer, headers = request(graphqld, "GET", "/graphql?query=%7B__typename%7D")
    assert (status, code(answer), headers["Allow"]) == (405, "BAD_REQUEST", "POST")
    assert request(graphqld, body=QUERY)[0] == 200


def test_rate_limit(graphqld):
    token = graphqld.new_token("r", "read")
    other = graphqld.new_token("s", "read")
    restart(graphqld, max_rate=3)
    for _ in range(100):
        status, answer, headers = request(graphqld, body=QUERY, token=token)
        if status != 200:
            break
    assert (status, code(answer), headers["Retry-After"]) == (429, "RATE_LIMITED", "1")
    assert request(graphqld, body=QUERY, token=other)[0] == 200  # has its own allowance
    assert request(graphqld, body=QUERY)[0] == 200
    for _ in range(30):  # workers have no limit
        assert request(graphqld, body=QUERY, token=graphqld.token)[0] == 200
    harness.wait_until(lambda: request(graphqld, body=QUERY, token=token)[0] == 200, 10,
                       "the allowance fills again")


def memory_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def stops_growing(pid, round_of_work, kilobytes):
    """What allocators keep is bounded, so one of a few equal rounds adds next to nothing; a leak grows in each."""
    grown = []
    for _ in range(20):
        before = memory_kb(pid)
        round_of_work()
        grown.append(memory_kb(pid) - before)
        if grown[-1] < kilobytes:
            return
    raise AssertionError(f"every round adds memory, in kB: {grown}")


def served(graphqld):
    try:
        return request(graphqld, body=QUERY)[0] == 200
    except BlockingIOError:  # the listen queue is full for a moment
        return False


@pytest.mark.parametrize("head", [b"", b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Le",
                                  b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: "
                                  b"application/json\r\nContent-Length: 100\r\n\r\n{"])
def test_a_thousand_idle_connections(graphqld, head):
    """Silent, or in the middle of head or body: held cheaply, and others are served beside them."""
    for _ in range(50):
        assert request(graphqld, body=QUERY)[0] == 200
    before = memory_kb(graphqld.pid)
    idle = []
    try:
        for _ in range(1200):
            s = socket.socket(socket.AF_UNIX)
            s.connect(str(graphqld.conf.graphql_socket))
            s.sendall(head)
            idle.append(s)
        harness.wait_until(lambda: served(graphqld), 20, "all connections are taken")
        for _ in range(100):
            status, answer, _ = request(graphqld, body=QUERY)
            assert status == 200 and "data" in answer
        assert (memory_kb(graphqld.pid) - before) / len(idle) < 32  # kB for each
    finally:
        for s in idle:
            s.close()
