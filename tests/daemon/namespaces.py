"""Private mount namespaces: a process that sees other files than the machine's in a few places."""

import os
import subprocess

import pytest

RUN = 'while [ "$1" != -- ]; do mount $1 || exit 99; shift; done; shift; exec "$@"'


def need():
    """Skips the test where mounting in a namespace of one's own is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mounts in a private namespace")
    done = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        pytest.skip(f"mounting in a private namespace is refused: {done.stdout.strip()}")


def with_mounts(argv, *mounts):
    """argv, to be run after these mounts (mount(8)'s arguments, without blanks inside)."""
    return ["unshare", "--mount", "sh", "-c", RUN, "sh", *mounts, "--", *argv]


def in_namespace_of(pid, *argv):
    subprocess.run(["nsenter", "--mount", "--target", str(pid), *argv], check=True)


def wrap(process, *mounts):
    """Lets a harness.Process start with these mounts; its pid stays its own."""
    plain = process.argv
    process.argv = lambda: with_mounts(plain(), *mounts)
