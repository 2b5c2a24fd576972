"""The language as another implementation understands it: thousands of generated documents are given to
graphql-js and to our parser and validator, which must accept and refuse the same ones, and refuse them
at the same places. Needs node and npm; graphql-js is installed into a cache outside the tree
($XDG_CACHE_HOME/presence-tests) the first time. No service and no database is started."""

import json
import os
import pathlib
import shutil
import subprocess

import harness
import pytest

HERE = pathlib.Path(__file__).parent
RICH = HERE.parent / "data" / "graphql" / "rich.graphql"
GRAPHQL = "16.15.0"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"),
                     "presence-tests", f"graphql-{GRAPHQL}")


@pytest.fixture(scope="module")
def modules():
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    if not (CACHE / "node_modules" / "graphql" / "package.json").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        try:
            done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix",
                                   str(CACHE), f"graphql@{GRAPHQL}"], capture_output=True,
                                  text=True, timeout=180)
        except subprocess.TimeoutExpired:
            pytest.skip("npm does not finish")
        if done.returncode:
            pytest.skip(f"npm cannot install graphql-js: {done.stderr[-200:]}")
    return CACHE / "node_modules"


def node(modules, script, *args):
    done = subprocess.run(["node", str(HERE / script), *map(str, args)], capture_output=True,
                          text=True, env=os.environ | {"NODE_PATH": str(modules)}, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


# "" is the schema of the service, which has no unions and the like; rich.graphql has everything.
@pytest.mark.parametrize("schema,count,seed", [(RICH, 2500, 1), ("", 1000, 2)])
def test_graphql_js_agrees(modules, schema, count, seed):
    report = node(modules, "graphql_oracle.js", harness.program("tests/gql_check"), schema, count,
                  seed)
    print(json.dumps({k: report[k] for k in ("documents", "valid", "syntax", "invalid", "hits",
                                             "differences")}, indent=1))
    assert report["documents"] == count
    assert report["n_disagreements"] == 0, report["disagreements"]
    assert report["n_places"] == 0, report["places"]
    assert min(report["valid"], report["invalid"], report["syntax"]) > count / 40
    if schema:
        assert report["missed"] == []
        assert min(report["hits"].values()) >= 10, report["hits"]


def test_introspection_tells_the_whole_schema(modules):
    """buildClientSchema and printSchema on our introspection give back the SDL."""
    report = node(modules, "graphql_schema.js", harness.program("tests/gql_check"),
                  HERE.parents[1] / "graphql" / "schema.graphql")
    assert report["told"] == report["written"]
