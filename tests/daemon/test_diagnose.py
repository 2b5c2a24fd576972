"""/diagnose: what is wrong here is found and said, with how to mend it; what is safe is mended."""

import pytest

import harness
from talk import Talk

MANAGE_GUILD, MANAGE_ROLES = 1 << 5, 1 << 28
INVITE = 277293943939


@pytest.fixture(scope="module")
def talk():
    stack = harness.Stack(sim_args=["--guilds", 1, "--members", 20, "--set", "rest_bucket=100000"])
    try:
        stack.start()
        yield Talk(stack).wait_registered()
    except BaseException:
        stack.close(check=False)
        raise
    stack.close()


def grant(talk, permissions):
    talk.sim.post("/_sim/config", {"permissions": str(permissions)})


def diagnose(talk, **options):
    return talk.run("diagnose", options)


def part(answer, name):
    return next(f["value"] for f in answer.embed["fields"] if f["name"] == name)


def roles(talk):
    return {r["name"]: r["id"] for r in talk.sim.get("/_sim/world")["guilds"][0]["roles"]}


def setting(talk, key):
    row = talk.stack.pg.execute("SELECT value #>> '{}' FROM presence.setting"
                                " WHERE guild_id = %s AND key = %s", (talk.guild, key))
    return row[0][0] if row else None


def test_lacking_rights_are_named_with_what_they_cost(talk):
    lacking = {"KICK_MEMBERS": 1 << 1, "VIEW_AUDIT_LOG": 1 << 7, "MANAGE_ROLES": 1 << 28}
    for name, bit in lacking.items():
        grant(talk, INVITE & ~bit)
        got = part(diagnose(talk), "Rights")
        assert f"`{name}` is missing" in got, got
        assert not any(f"`{other}`" in got for other in lacking if other != name), got
    grant(talk, INVITE)
    assert part(diagnose(talk), "Rights") == "✅"


def test_hidden_channels_are_counted_and_shown(talk):
    before = diagnose(talk)
    hidden = [talk.sim.act("channel_create", type=0, name=f"secret {n}", hidden=True)["id"]
              for n in range(12)]
    got = part(diagnose(talk), "Channels")
    assert "12 channels" in got and got.count("<#") == 10 and got.endswith("…"), got
    assert "12 channels" not in part(before, "Channels")
    for channel in hidden:
        talk.sim.act("channel_update", channel=channel, hidden=False)
    assert "hidden" not in part(diagnose(talk), "Channels")


def test_nothing_is_made_unasked_or_for_who_may_not(talk):
    assert "`inactive_role`: not set" in part(diagnose(talk), "Roles")
    answer = talk.run("diagnose", {"fix": True}, permissions=MANAGE_GUILD)
    assert "MANAGE_ROLES" in answer.text and "Inactive" not in roles(talk)
    grant(talk, INVITE & ~MANAGE_ROLES)
    diagnose(talk, fix=True)
    grant(talk, INVITE)
    assert "Inactive" not in roles(talk) and setting(talk, "inactive_role") is None


def test_the_role_is_made_set_and_below_the_bots(talk):
    answer = diagnose(talk, fix=True)
    assert answer.text.startswith("How Presence stands here") and "Mended" in answer.text
    assert part(answer, "Roles") == "✅"
    made = roles(talk)["Inactive"]
    assert setting(talk, "inactive_role") == made
    diagnose(talk, fix=True)
    assert list(roles(talk)).count("Inactive") == 1 and setting(talk, "inactive_role") == made


def test_a_role_above_the_bots_and_a_deleted_one_are_told_apart(talk):
    high = talk.sim.act("role_create", name="High", position=30)["id"]
    talk.run("set inactive_role", {"role": high})
    harness.wait_until(lambda: setting(talk, "inactive_role") == high, 10, "the role is set")
    got = part(diagnose(talk), "Roles")
    assert "not below" in got and high in got, got
    talk.sim.act("role_delete", role=high)
    assert "was deleted" in part(diagnose(talk), "Roles")
    assert "Mended" in diagnose(talk, fix=True).text
    assert setting(talk, "inactive_role") == roles(talk)["Inactive"]  # the one made before


def test_without_the_database_it_still_answers(talk):
    graphqld = talk.stack.graphqld
    graphqld.stop()
    try:
        answer = diagnose(talk)
        assert "The database is away" in part(answer, "Service")
        assert part(answer, "Rights") == "✅"
    finally:
        graphqld.start()
    harness.wait_until(lambda: "database is away" not in diagnose(talk).text, 30, "it is back")
