"""Documents against the programs' own tables: presence.conf(5), the sample file, option lists,
commands, mdoc style."""

import re
import subprocess

import pytest

import harness

MAN = harness.BUILD_DIR / "man"
PAGES = {"presenced": "presenced.8", "presencectl": "presencectl.8",
         "presence-graphqld": "presence-graphqld.8", "presence-sim": "presence-sim.1"}


def page(name):
    for folder in (MAN, harness.SOURCE_DIR / "man"):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"{name} is neither in {MAN} nor in the source tree")


def output(*argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=True).stdout


@pytest.fixture(scope="module")
def keys():
    """(section, key) -> (default, how a change is applied), from the program's table."""
    test = harness.BUILD_DIR / "tests" / "t_conf"
    rows = [line.split("\t") for line in output(str(test), "--keys").splitlines()]
    assert len(rows) > 30
    return {(section, key): (default, apply) for section, key, default, apply in rows}


def test_presence_conf_5_lists_exactly_the_keys(keys):
    found = {}
    section = None
    for line in page("presence.conf.5").read_text().splitlines():
        if match := re.match(r"\.Ss \[(\w+)\]$", line):
            section = match[1]
        elif match := re.match(r'\.It Ic (\w+) Pq (?:Li ("[^"]*"|\S+)|empty)( , No reload)?$', line):
            default = (match[2] or "").strip('"').replace("\\&", "")
            apply = ("reload" if match[3] else
                     "graphqld" if section == "graphqld" else "restart")
            found[section, match[1]] = (default, apply)
        else:
            assert not (section and line.startswith(".It Ic")), f"not in the form of a key: {line}"
    assert found == keys
    assert list(found) == list(keys)  # the same order, too


def test_the_sample_lists_exactly_the_keys(keys):
    found = {}
    section = None
    for line in (harness.BUILD_DIR / "etc/presence.conf").read_text().splitlines():
        if match := re.match(r"\[(\w+)\]$", line):
            section = match[1]
        elif match := re.match(r"# (\w+) =(?: (.*))?$", line):
            found[section, match[1]] = match[2] or ""
        else:
            assert line == "" or line.startswith("# "), f"neither comment nor key: {line}"
    assert found == {where: default for where, (default, _) in keys.items()}
    assert list(found) == list(keys)


def test_the_sample_with_all_keys_set_is_the_default(keys, workdir):
    """Uncommented, it is accepted by the real parser and changes nothing."""
    sample = (harness.BUILD_DIR / "etc/presence.conf").read_text()
    path = workdir / "presence.conf"
    path.write_text(re.sub(r"^# (\w+ =)", r"\1", sample, flags=re.M))
    empty = workdir / "empty.conf"
    empty.write_text("")
    printed = [output(harness.program("presenced"), "-nv", "-c", str(p)) for p in (path, empty)]
    assert printed[0] == printed[1] != ""


def help_options(program):
    """The options that -h names; -h itself need not."""
    text = output(harness.program(program), "-h")
    return set(re.findall(r"(?<![\w-])(-[a-zA-Z]\b|--[a-z][\w-]*)", text)) | {"-h"}


def page_options(name):
    found = {"-h"}
    for line in page(name).read_text().splitlines():
        if line.startswith(".It Fl "):
            found.update(f"--{long}" if long else f"-{short}"
                         for long, short in re.findall(r"Fl (?:Fl ([\w-]+)|(\w)\b)", line))
    return found


@pytest.mark.parametrize("program", sorted(PAGES))
def test_options_of_the_page_are_those_of_help(program):
    options = help_options(program)
    assert len(options) > 3
    assert page_options(PAGES[program]) == options


@pytest.mark.parametrize("program", sorted(PAGES))
def test_help_and_version_are_asked_for_alike(program):
    path = harness.program(program)
    assert output(path, "--version") == output(path, "-V")
    assert re.fullmatch(rf"{program} \d+\.\d+\.\d+\n", output(path, "-V"))
    assert output(path, "--help") == output(path, "-h")
    assert output(path, "-h").startswith(f"usage: {program} ")
    wrong = subprocess.run([path, "--nonsense"], capture_output=True, text=True, timeout=60)
    assert wrong.returncode == (64 if program in ("presenced", "presence-graphqld") else 2)
    assert wrong.stdout == "" and wrong.stderr


def test_the_socket_unit_listens_where_the_sample_configuration_looks():
    unit = (harness.SOURCE_DIR / "etc/presence-graphqld.socket").read_text()
    sample = (harness.SOURCE_DIR / "etc/presence.conf.in").read_text()
    (name,) = re.findall(r"^ListenStream=/run/presence/(\S+)$", unit, re.M)
    assert f"# url = unix:{name}\n" in sample and f"# listen = unix:{name}\n" in sample


def test_presencectl_8_lists_exactly_the_commands():
    text = output(harness.program("presencectl"), "--help").partition("commands:")[2]
    commands = set(re.findall(r"^  ([\w-]+)", text, re.M))
    listed = {line.split()[2] for line in page("presencectl.8").read_text().splitlines()
              if line.startswith(".It Cm ")}
    assert listed - {"debug"} == commands - {"debug"}
    assert "debug" in listed  # the page names it in every build


def test_presence_graphqld_8_lists_exactly_the_limits():
    """In the order of the program's own table; where a key of the configuration tells, its name."""
    test = harness.BUILD_DIR / "tests" / "t_graphql_validate"
    limits = [tuple(line.split("\t")) for line in output(str(test), "--limits").splitlines()]
    text = page("presence-graphqld.8").read_text()
    listed = [(code, value) for code, _, value in
              re.findall(r"^\.It Li (LIMIT_\w+) Pq (Ic )?(\w+)$", text, re.M)]
    assert listed == [(code, value if value != "0" else "max_" + code[6:].lower())
                      for code, value in limits]
    source = "".join(p.read_text() for p in (harness.SOURCE_DIR / "src/graphql").glob("*.[cly]"))
    assert set(re.findall(r'"(LIMIT_\w+)"', source)) == {code for code, _ in limits}


@pytest.mark.parametrize("name", ["presence.conf.5", "presence-commands.7", *sorted(PAGES.values())])
def test_mandoc_has_nothing_to_say(name):
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", str(page(name))],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_readme_names_the_one_install_list():
    """The packages that configure asks for are those of scripts/deps."""
    asked = set(re.findall(r"^PRESENCE_(?:PKG|TOOL)\(.*\[([\w.+-]+)\]\)$",
                           (harness.SOURCE_DIR / "configure.ac").read_text(), re.M))
    assert len(asked) > 10
    deps = str(harness.SOURCE_DIR / "scripts/deps")
    listed = set(output(deps, "run").split())
    assert asked <= listed
    assert "scripts/deps" in (harness.SOURCE_DIR / "README.md").read_text()
