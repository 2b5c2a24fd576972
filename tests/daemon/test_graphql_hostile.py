"""Hostile requests: each is answered with what is wrong with it, none takes memory or time for good, and
the next request is served as before. How long others wait beside them is measured by bench-graphql."""

import contextlib
import http.client
import json
import socket

import documents
import harness
from test_graphql_http import stops_growing


def answer(graphqld, body):
    """A body that is too long is refused before all of it was sent, and then nobody reads the rest."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(60 * harness.SLOWNESS)
    connection.sock.connect(str(graphqld.conf.graphql_socket))
    try:
        connection.request("POST", "/graphql", body, {
            "Content-Type": "application/json", "Authorization": f"Bearer {graphqld.token}"})
    except BrokenPipeError:
        pass
    got = connection.getresponse()
    with contextlib.closing(connection):
        return got.status, json.loads(got.read())


def test_each_is_answered(graphqld):
    wrong = []
    for what, body, code in documents.hostile():
        status, got = answer(graphqld, body)
        errors = got.get("errors", [])
        codes = {e["extensions"]["code"] for e in errors}
        if status >= 500 or (code not in codes if code else errors):
            wrong.append((what, code, status, json.dumps(got)[:300]))
        assert all(0 < len(e["message"]) < 1100 for e in errors), what
        assert len(errors) <= 50, what
        status, got = answer(graphqld, documents.body("{__typename}"))
        assert (status, got) == (200, {"data": {"__typename": "Query"}}), what
    assert wrong == []


def test_memory_stays(graphqld):
    bodies = [body for _, body, _ in documents.hostile()]

    def ask_all():
        for body in bodies:
            answer(graphqld, body)

    stops_growing(graphqld.pid, ask_all, 256)
