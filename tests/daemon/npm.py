"""Packages of npm that the tests use as clients and as oracles. They are installed into a cache outside the
tree ($XDG_CACHE_HOME/presence-tests) the first time; without node and npm, or without their registry, such
tests are skipped and say why."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"),
                     "presence-tests")


def installed(modules, package):
    name, _, version = package.rpartition("@")
    try:
        found = json.loads((modules / name / "package.json").read_text())["version"]
    except FileNotFoundError:
        return False
    return found == version or found.startswith(f"{version}.")


def modules(name, *packages):
    """The node_modules folder that holds these packages (name@version)."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    there = CACHE / name / "node_modules"
    if all(installed(there, p) for p in packages):
        return there
    there.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix",
                               str(there.parent), *packages], capture_output=True, text=True,
                              timeout=180)
    except subprocess.TimeoutExpired:
        pytest.skip("npm does not finish")
    if done.returncode:
        pytest.skip(f"npm cannot install {' '.join(packages)}: {done.stderr[-200:]}")
    return there


def command(script, *args):
    return ["node", "--no-warnings", str(HERE / script), *map(str, args)]


def environment(there):
    return os.environ | {"NODE_PATH": str(there)}


def verdicts(report):
    """What graphql_oracle.js found, in words."""
    return (f"{report['documents']} documents ({report['valid']} valid, {report['syntax']} with mistakes of"
            f" syntax, {report['invalid']} invalid): {report['n_disagreements']} judged otherwise,"
            f" {report['n_places']} with other places")


def run(there, script, *args, env=None, timeout=300):
    """What the script prints: JSON."""
    done = subprocess.run(command(script, *args), capture_output=True, text=True,
                          env=environment(there) | (env or {}), timeout=timeout)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
