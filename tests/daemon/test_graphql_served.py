"""A running presence-graphqld judged by packages of npm: the audits of GraphQL over HTTP, and graphql-js's own
executor on the same data."""

import pytest

import npm
from test_graphqld import T0, Lane, act, sightings
from writes import World, Writes


@pytest.fixture(scope="module")
def modules():
    return npm.modules("graphql-http", "graphql-http@1.22.4", "graphql@16.15.0")


def test_every_audit_of_graphql_over_http(graphqld, graphql_url, modules, record_property):
    """All levels: what the specification demands, recommends and allows."""
    results = npm.run(modules, "graphql_http_audit.js", graphql_url, graphqld.token)
    failed = [f"{r['id']} {r['name']}: {r['reason']}" for r in results if r["status"] != "ok"]
    assert failed == []
    assert len(results) >= 60
    record_property("counted", f"{len(results)} audits, none failed")


def fill(world):
    """Two guilds; ids in text order differ from those in number, names need escapes, much is null."""
    guilds = []
    for n in range(2):
        w = Writes(world)
        users = [str(int(w.guild) + 100 + 97 * k) for k in range(7)]
        w.ok("upsertMembers", members=[
            w.member(u, nick=None if k % 2 else f'n "{k}" \\ \u00e9\U0001f600',
                     roles=[w.role] * (k % 3), joinedAt=T0 - k * 86400000, pending=k == 3)
            for k, u in enumerate(users)])
        w.ok("upsertChannels", channels=[
            {"guildId": w.guild, "channelId": w.channel, "at": T0, "name": "general", "type": 0}])
        w.ok("upsertRoles", roles=[{"guildId": w.guild, "roleId": w.role, "at": T0, "name": "r"}])
        w.ok("addExemption", guildId=w.guild, target=":USER", targetId=users[1], reason="x")
        w.ok("updateSettings", guildId=w.guild, version=0,
             changes=[{"key": "mode", "value": '"on"'}])
        guilds.append((w.guild, users, w.channel))
    lane = Lane(world.graphqld)
    lane.record(sightings=sightings(*(
        act(T0 + 60000 * k, kind, guild=guild, user=user, channel=channel)
        for guild, users, channel in guilds
        for k, (user, kind) in enumerate(zip(users, ["MESSAGE", "TYPING", "VOICE_JOIN"] * 2)))))
    return guilds


def test_graphql_js_agrees_with_what_is_served(graphqld, graphql_url, modules, record_property):
    """As test_graphql_law.py does with the parser and validator alone, here against the schema that a client
    is told, and what a client is answered."""
    token = graphqld.new_token("boss", "admin")
    graphqld.restart(wait=False)
    graphqld.log.wait_for("listening", count=3)
    report = npm.run(modules, "graphql_oracle.js", graphql_url, "", 500, 11, env={"TOKEN": token})
    assert report["documents"] == 500 and report["unjudged"] < 100
    assert report["n_disagreements"] == 0, report["disagreements"]
    assert report["n_places"] == 0, report["places"]
    assert min(report["valid"], report["invalid"], report["syntax"]) > 10
    record_property("counted", npm.verdicts(report))


def test_graphql_js_executes_alike(graphqld, pg, request, modules, record_property):
    """Aliases, fragments, @skip and @include, merged selections, nulls, lists, enums, connections."""
    world = World(graphqld, pg)
    guilds = fill(world)
    graphqld.conf.update(graphqld={"max_cost": 100000000, "max_depth": 40})
    graphql_url = request.getfixturevalue("graphql_url")  # there is no Unix socket any more
    report = npm.run(modules, "graphql_executor.js", graphql_url, world.admin, 400, 3,
                     ",".join([g for g, _, _ in guilds] + ["4"]),
                     ",".join([guilds[0][1][0], guilds[1][1][2], guilds[0][2], "5"]))
    print(report["types"], report["moving"])
    assert report["n_different"] == 0, report["different"]
    assert report["too_large"] < report["documents"] / 4
    assert report["nulls"] > 1000 and report["bytes"] > 100000
    assert report["failed"] > 20 and report["failed"] > report["no_data"] > 5
    assert {"Query", "Guild", "GuildConnection", "Member", "MemberEdge", "PageInfo",
            "Channel", "Setting"} <= set(report["types"])
    record_property("counted", f"{report['documents']} documents, {report['bytes']} bytes of answers the same,"
                    f" {report['failed']} of them with errors, {report['no_data']} without data")
