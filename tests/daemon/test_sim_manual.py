"""presence-sim(1) names every option, setting, control call and kind of act that the program has."""

import re
import subprocess

import pytest
from simclient import BUILD_DIR, ROOT, Sim

PAGE = (ROOT / "man" / "presence-sim.1").read_text()


def macro_words(*macros):
    """The words behind these macros at the beginning of a line."""
    words = set()
    for line in PAGE.splitlines():
        for macro in macros:
            if line.startswith(macro + " "):
                words |= set(line[len(macro):].replace(" ,", "").split())
    return words


def test_options():
    text = subprocess.run([BUILD_DIR / "presence-sim", "--help"], capture_output=True, text=True,
                          check=True).stdout
    options = set(re.findall(r"--([a-z-]+)", text))
    assert options and options == set(re.findall(r"^\.It (?:Fl \w , )?Fl Fl ([a-z-]+)", PAGE, re.M))


def test_settings():
    with Sim() as sim:
        names = set(sim.get("config")) | {"token"}
    assert names == {w for w in macro_words(".It Cm") if w in names}
    section = PAGE[PAGE.index(".Sh SETTINGS"):PAGE.index(".Sh CONTROL API")]
    documented = re.findall(r"^\.It Cm (.*)$", section, re.M)
    assert names == {w for line in documented for w in line.split(" , ")}


def test_acts():
    kinds = set()
    for path in (ROOT / "src" / "sim").glob("act_*.c"):
        kinds |= set(re.findall(r'\{"(\w+)", act_\w+\}', path.read_text()))
    section = PAGE[PAGE.index(".Ss ACTS"):PAGE.index(".Ss TRUTH")]
    documented = re.findall(r"^\.It Cm (.*)$", section, re.M)
    assert len(kinds) > 40 and kinds == {w for line in documented for w in line.split(" , ")}


def test_control_calls():
    source = (ROOT / "src" / "sim" / "control.c").read_text()
    calls = set(re.findall(r'\{"(GET|POST)", "([a-z/]+)", \w+\}', source))
    documented = set(re.findall(r"(GET|POST) /_sim/([a-z/]+)", PAGE))
    assert len(calls) > 15 and calls == documented


@pytest.mark.parametrize("args", [["--no-such-option"], ["surplus"], ["--guilds", "x"],
                                  ["--set", "nonsense=1"], ["--set", "nonsense"],
                                  ["--listen-http", "nowhere"], ["--load", "{"],
                                  ["--load", '{"mix":{"dance":1}}'],
                                  ["--guilds", "1000", "--members", "1000000"]])
def test_wrong_command_lines(args):
    done = subprocess.run([BUILD_DIR / "presence-sim", *args], capture_output=True, text=True,
                          timeout=20)
    assert done.returncode == 2 and done.stderr and not done.stdout


def test_ports_are_told(workdir):
    file = workdir / "ports"
    with Sim("--print-ports", file) as sim:
        assert f'"http":"{sim.base}"' in file.read_text()
        done = subprocess.run([BUILD_DIR / "presence-sim", "--listen-http",
                               sim.base.removeprefix("http://")], capture_output=True, timeout=20)
        assert done.returncode == 2 and b"in use" in done.stderr
