"""Who waits for an answer never waits for bulk work, and our own pacing runs into no limit."""

import roles
from talk import Talk


def changes(talk):
    return [r for r in talk.sim.get("/_sim/received?what=rest")["items"]
            if r["method"] == "PUT" and "/roles/" in r["path"]]


def test_answers_go_before_a_thousand_role_changes():
    stack = roles.stack(["--guilds", 1, "--members", 300, "--set", "rest_bucket=10"])
    try:
        stack.start()
        talk = Talk(stack).wait_registered()
        role = next(r["id"] for r in talk.roles if r["name"] == "Regulars")
        talk.run("many_roles", {"role": role})
        for user in range(10, 40):
            answer = talk.run("status member", user=user)
            assert "Last activity" in answer.text
        assert 0 < len(changes(talk)) < 200, "the bulk work is not over, and not at a standstill"
        statuses = [r["status"] for r in talk.sim.get("/_sim/received?what=rest")["items"]]
        assert 429 not in statuses
    except BaseException:
        stack.close(check=False)
        raise
    stack.close()
