"""What scripts/test runs: builds, runs every test, and ends with `N passed, N failed`.

usage: scripts/test [--quick] [--sanitize] [-k EXPRESSION]
  --quick      unit and daemon tests of one plain build; no sanitizers, no clang, no slow tests
  --sanitize   the daemon tests run on the sanitized build as well (slow)
  -k           only daemon tests that match (as pytest's -k)

What runs: unit and daemon tests as gcc builds them, the shared table under ThreadSanitizer, the unit
tests under AddressSanitizer and UBSan, as gcc and as clang build them; a warning ends any build.
The builds go to $PRESENCE_BUILD_DIR (default: build/ in the tree), the same with -sanitize and with
-clang.
"""

import argparse
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

TOP = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("PRESENCE_BUILD_DIR", TOP / "build")).absolute()
SANITIZED = BUILD.with_name(BUILD.name + "-sanitize")
CLANG = BUILD.with_name(BUILD.name + "-clang")


class Score:
    """What passed and what failed, by name."""

    def __init__(self):
        self.passed = 0
        self.failed = []

    def fail(self, name):
        self.failed.append(name)

    def finish(self):
        for name in self.failed:
            print(f"FAILED {name}")
        print(f"{self.passed} passed, {len(self.failed)} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


def say(text):
    print(f"== {text}", flush=True)


def build(directory, *options):
    say(f"build in {directory}")
    return subprocess.run([str(TOP / "scripts/build"), str(directory), *options]).returncode == 0


def unit_tests(score, directory, label):
    say(f"make check ({label})")
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="STDOUT",
               UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")
    for stale in directory.glob("tests/*.trs"):
        stale.unlink()
    done = subprocess.run(["make", "-k", f"-j{os.cpu_count()}", "check"], cwd=directory, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    (directory / "check.log").write_text(done.stdout)
    results = sorted(directory.glob("tests/*.trs"))
    failures = len(score.failed)
    for trs in results:
        log = trs.with_suffix(".log").read_text(errors="replace")
        bad = {m for m in re.findall(r"^\[  FAILED  \] ([A-Za-z_]\w*)$", log, re.M)}
        score.passed += len(re.findall(r"^\[       OK \]", log, re.M))
        if not re.search(r"^:test-result: PASS", trs.read_text(), re.M):
            for name in sorted(bad) or ["(did not finish)"]:
                score.fail(f"{label}: {trs.stem}: {name}")
            print(log[-4000:])
    if done.returncode and len(score.failed) == failures:
        print(done.stdout[-6000:])
        score.fail(f"{label}: make check")


def thread_test(score, directory):
    say("make check-tsan")
    done = subprocess.run(["make", "check-tsan"], cwd=directory, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    score.passed += len(re.findall(r"^\[       OK \]", done.stdout, re.M))
    if done.returncode:
        print(done.stdout[-6000:])
        score.fail("check-tsan")


def daemon_tests(score, directory, label, options, slowness):
    say(f"daemon tests ({label})")
    report = directory / "daemon-tests.xml"
    report.unlink(missing_ok=True)
    argv = ["/usr/bin/python3", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "--tb=short",
            f"--basetemp={directory / 'pytest'}", f"--junitxml={report}", *options,
            str(TOP / "tests/daemon")]
    if importlib.util.find_spec("xdist"):
        argv[3:3] = ["-n", str(min(os.cpu_count(), 4))]
    env = dict(os.environ, PRESENCE_BUILD_DIR=str(directory), PYTHONDONTWRITEBYTECODE="1",
               PRESENCE_TEST_SLOWNESS=str(slowness))
    status = subprocess.run(argv, env=env, cwd=TOP).returncode
    if not report.exists():
        score.fail(f"{label}: pytest ended with {status}")
        return
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            score.fail(f"{label}: {case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is None:
            score.passed += 1


def main():
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--sanitize", action="store_true")
    parser.add_argument("-k", metavar="EXPRESSION")
    options = parser.parse_args()
    score = Score()
    select = ["-k", options.k] if options.k else []
    if options.quick:
        select += ["-m", "not slow"]
    flags = ["--enable-werror", "--enable-debug-faults"]

    if build(BUILD, *flags):
        unit_tests(score, BUILD, "gcc")
        daemon_tests(score, BUILD, "gcc", select, 1)
    else:
        score.fail("gcc: build")
    if options.quick:
        return score.finish()
    thread_test(score, BUILD)
    sanitized = [*flags, "--enable-sanitizers", "CFLAGS=-g -O1"]
    if build(SANITIZED, *sanitized):
        unit_tests(score, SANITIZED, "sanitizers")
        if options.sanitize:
            daemon_tests(score, SANITIZED, "sanitizers", select, 4)
    else:
        score.fail("sanitizers: build")
    if build(CLANG, *sanitized, "CC=clang"):
        unit_tests(score, CLANG, "clang")
    else:
        score.fail("clang: build")
    return score.finish()


if __name__ == "__main__":
    sys.exit(main())
