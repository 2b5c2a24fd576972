"""The workers name what they want by documentId: they need no right to send documents of their own."""

import harness


def test_the_whole_system_with_stored_operations_only(make_stack):
    """Catalogue, records and seeds go through; a document of one's own does not."""
    stack = make_stack(sim_args=["--guilds", 2, "--members", 20],
                       conf={"graphqld": {"persisted_only": "yes"}}).start()
    act = stack.sim.act("message")
    harness.wait_until(
        lambda: stack.pg.execute("SELECT last_seen_kind IS NOT NULL FROM last_seen"
                                 " WHERE guild_id = %s AND user_id = %s",
                                 (act["guild"], act["user"])) == [(True,)], 20,
        "the message is on record")
    answer = stack.graphqld.query("{ lanes(lanes: [1]) { lane } }")
    assert answer["errors"][0]["extensions"]["code"] == "PERSISTED_ONLY"
