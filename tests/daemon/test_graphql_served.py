"""A running presence-graphqld judged by packages of npm: the audits of GraphQL over HTTP."""

import pytest

import npm


@pytest.fixture(scope="module")
def modules():
    return npm.modules("graphql-http", "graphql-http@1.22.4", "graphql@16.15.0")


def test_every_audit_of_graphql_over_http(graphqld, graphql_url, modules):
    """All levels: what the specification demands, recommends and allows."""
    results = npm.run(modules, "graphql_http_audit.js", graphql_url, graphqld.token)
    failed = [f"{r['id']} {r['name']}: {r['reason']}" for r in results if r["status"] != "ok"]
    assert failed == []
    assert len(results) >= 60
