"""The order of the rooms (ARCHITECTURE.md): a room includes, and calls, only rooms before it; each
outside package is named in src/link only, by the files that wrap it."""

import pathlib
import re
import subprocess

import pytest

import harness

TOP = harness.SOURCE_DIR
BELOW = ["base", "core", "discord", "link", "cogs"]
PROGRAMS = ["master", "worker", "graphql", "ctl", "sim"]

# The files of src/link that may name a package's headers; ws.c and ws_server.c are the two ends.
PACKAGES = {
    "cjson": {"json.c"},
    "yajl": {"jsonin.c"},
    "ini.h": {"ini.c"},
    "curl": {"http.c"},
    "http_parser.h": {"httpd_head.c"},
    "hiredis": {"redis.c", "redis_value.c"},
    "libpq-fe.h": {"pg_priv.h", "pg_listen.c"},
    "libwebsockets.h": {"ws.c", "ws_priv.h", "loop_lws.h", "ws_server.c"},
    "zlib.h": {"inflate.c", "deflate.c"},
    "zstd.h": {"inflate.c", "deflate.c"},
    "openssl": {"crypto.c", "ws_tls.c"},
}


def sources(folder):
    found = sorted(p for p in (TOP / folder).rglob("*") if p.suffix in {".c", ".h", ".l", ".y"})
    assert found
    return found


def includes(path):
    """(form, name): form is < or the quotation mark."""
    return re.findall(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', path.read_text(), re.M)


def allowed(room):
    if room in BELOW:
        return BELOW[:BELOW.index(room) + 1]
    return [*BELOW, room]


@pytest.fixture(scope="module")
def owners():
    """Header of include/presence -> its room, as the rooms' build fragments list it."""
    found = {}
    for room in BELOW + PROGRAMS:
        fragment = (TOP / f"src/{room}/local.mk").read_text()
        for name in re.findall(r"include/presence/(\w+\.h)", fragment):
            found[name] = room
    return found


def test_every_folder_is_a_room_and_every_shared_header_has_one(owners):
    assert {p.name for p in (TOP / "src").iterdir() if p.is_dir()} == set(BELOW + PROGRAMS)
    assert set(owners) == {p.name for p in (TOP / "include/presence").iterdir()}


@pytest.mark.parametrize("room", BELOW + PROGRAMS)
def test_a_room_includes_only_rooms_before_it(room, owners):
    own = [TOP / "include/presence" / name for name, owner in owners.items() if owner == room]
    for path in sources(f"src/{room}") + own:
        for form, name in includes(path):
            if form != '"' or name == "config.h":
                continue
            folder, _, base = name.rpartition("/")
            where = owners[base] if folder == "presence" else folder or room
            assert where in allowed(room), f"{path.relative_to(TOP)} includes {name} of {where}"


def test_outside_packages_are_named_only_where_they_are_wrapped():
    """Whatever is not libc's, the compiler's or libbsd's belongs to a package of the table."""
    packages = subprocess.run(["dpkg", "-L", "libc6-dev", "linux-libc-dev", "libbsd-dev"],
                              check=True, capture_output=True, text=True).stdout
    system = {"config.h",
              *re.findall(r"^/usr/include/(?:\w+-linux-gnu/)?(\S+\.h)$", packages, re.M)}
    compiler = subprocess.run(["gcc", "-print-file-name=include"], check=True,
                              capture_output=True, text=True).stdout.strip()
    used = {package: set() for package in PACKAGES}
    for path in sources("src") + sources("include"):
        for form, name in includes(path):
            if form == '"' or name in system or (pathlib.Path(compiler) / name).exists():
                continue
            package = name if name in PACKAGES else name.partition("/")[0]
            assert package in PACKAGES, f"{path.relative_to(TOP)}: {name} is of no known package"
            assert path.parent == TOP / "src/link", f"{path.relative_to(TOP)} names {name}"
            used[package].add(path.name)
    assert used == PACKAGES


def symbols(archive):
    """(defined, wanted) of an archive."""
    text = subprocess.run(["nm", "-g", str(archive)], check=True, capture_output=True,
                          text=True).stdout
    return (set(re.findall(r"^[0-9a-f]+ [TDRBC] (\w+)$", text, re.M)),
            set(re.findall(r"^ +U (\w+)$", text, re.M)))


def test_no_archive_calls_a_later_room():
    rooms = {"base": ["libbase"], "core": ["libcore"], "discord": ["libdiscord"],
             "link": [p.stem for p in (harness.BUILD_DIR / ".libs").glob("liblink_*.a")],
             "cogs": ["libcogs"], "worker": ["libworker"], "master": ["libmaster"], "graphql": ["libgraphql"]}
    assert len(rooms["link"]) > 5
    found = {}
    for room, archives in rooms.items():
        pairs = [symbols(harness.BUILD_DIR / ".libs" / f"{a}.a") for a in archives]
        found[room] = tuple(set().union(*part) for part in zip(*pairs))
    for room, (_, wanted) in found.items():
        for other, (defined, _) in found.items():
            if other not in allowed(room):
                assert not wanted & defined, f"{room} calls {other}: {wanted & defined}"
