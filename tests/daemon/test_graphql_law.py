"""The language as another implementation understands it: thousands of generated documents are given to
graphql-js and to our parser and validator, which must accept and refuse the same ones, refuse them at the
same places, and make the same values of variables. Needs node and npm; no service and no database is started."""

import json

import pytest

import harness
import npm

RICH = npm.HERE.parent / "data" / "graphql" / "rich.graphql"


@pytest.fixture(scope="module")
def modules():
    return npm.modules("graphql-16.15.0", "graphql@16.15.0")


# "" is the schema of the service, which has no unions and the like; rich.graphql has everything.
@pytest.mark.parametrize("schema,count,seed", [(RICH, 2500, 1), ("", 1000, 2)])
def test_graphql_js_agrees(modules, record_property, schema, count, seed):
    report = npm.run(modules, "graphql_oracle.js", harness.program("tests/gql_check"), schema, count,
                  seed)
    print(json.dumps({k: report[k] for k in ("hits", "differences")}, indent=1))
    assert report["documents"] == count
    assert report["n_disagreements"] == 0, report["disagreements"]
    assert report["n_places"] == 0, report["places"]
    assert min(report["valid"], report["invalid"], report["syntax"]) > count / 40
    if schema:
        assert report["missed"] == []
        assert min(report["hits"].values()) >= 10, report["hits"]
    record_property("counted", npm.verdicts(report))


def test_values_are_coerced_alike(modules, record_property, tmp_path):
    """Variables as JSON, literals with variables in them, defaults: what the field gets at last."""
    report = npm.run(modules, "graphql_coercion.js", harness.program("tests/gql_check"),
                     tmp_path / "coercion.graphql", 3000, 1)
    assert report["n_different"] == 0, report["different"]
    assert report["documents"] == 3000 and report["accepted"] > 2000 and report["refused"] > 200
    assert report["stricter"] < 30
    record_property("counted", f"{report['accepted']} documents gave the same values, {report['refused']}"
                    " were refused by both")


def test_introspection_tells_the_whole_schema(modules, record_property):
    """buildClientSchema and printSchema on our introspection give back the SDL."""
    report = npm.run(modules, "graphql_schema.js", harness.program("tests/gql_check"),
                  npm.HERE.parents[1] / "graphql" / "schema.graphql")
    assert report["told"] == report["written"]
    record_property("counted", f"{len(report['told'].splitlines())} lines of SDL are the same")
