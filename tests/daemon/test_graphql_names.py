"""Members by a part of a name, in every order: letters of any case, and those that mean something to SQL."""

import pytest

from test_graphqld import CHANNEL, GUILD, Lane, T0, act, sightings

NAMES = ("Anna", "anna_B", "50% off", "50 of", "back\\slash", "backslash", "ÄRGER", "O'Neill", "a.b", "left Anna")
USERS = {name: str(600000000000000001 + n) for n, name in enumerate(NAMES)}


@pytest.fixture
def read(graphqld):
    lane = Lane(graphqld)
    lane.record(members=[{"guildId": GUILD, "userId": u, "at": T0, "bot": False, "onRoster": not n.startswith("left"),
                          "username": n, "joinedAt": T0 + i} for i, (n, u) in enumerate(USERS.items())],
                sightings=sightings(*[act(T0, user=u, channel=CHANNEL, last=T0 + i)
                                      for i, u in enumerate(USERS.values())]))

    def members(by, **condition):
        answer = graphqld.query(
            "query ($f: MemberFilter, $by: MemberOrder!) { members(guildId: \"%s\", filter: $f, orderBy: $by)"
            " { totalCount nodes { username } } }" % GUILD, {"f": condition, "by": by}, token=token)
        assert "errors" not in answer, answer
        nodes = [n["username"] for n in answer["data"]["members"]["nodes"]]
        assert answer["data"]["members"]["totalCount"] == len(nodes)
        return nodes

    token = graphqld.new_token("people", "read")
    graphqld.stop()
    graphqld.start()
    return members


def test_a_part_of_a_name(read):
    for by in ("IDLE", "ID", "JOINED", "NAME"):
        for part in ("anna", "ANNA", "%", "_", "\\", "50", "ärger", "'", ".", "slash", "nobody", "a"):
            want = [n for n in NAMES if part.lower() in n.lower() and not n.startswith("left")]
            got = read(by, name=part)
            assert (sorted(got) if by == "NAME" else got) == (sorted(want) if by == "NAME" else want), (by, part)
        assert read(by, name="anna", states=["LEFT"]) == ["left Anna"]
