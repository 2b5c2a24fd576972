"""An event that kills every worker that is given it, among 5,000 others a second."""

import json
import pathlib
import subprocess

import harness
import pytest

WORD = "a-word-that-kills"


def status_text(busy):
    done = subprocess.run([harness.program("presencectl"), "-s",
                           str(busy.stack.conf.control_socket), "status"], check=True,
                          stdout=subprocess.PIPE, text=True, timeout=60)
    return done.stdout


def test_a_poisoned_event_is_put_aside(make_busy):
    busy = make_busy(start=False, discord={"message_content": "yes"})
    busy.presenced.env["PRESENCE_DEBUG_POISON"] = WORD
    busy.stack.start()
    answer = busy.presenced.control("debug")
    if answer["error"]["code"] == "unknown_command":
        pytest.skip("needs a build with --enable-debug-faults")
    busy.load()
    busy.let_pass(2000)
    busy.sim.act("channel_create", guild=3, user=0, type=0, name="poison")
    poison = busy.sim.act("message", guild=3, user=9, channel="poison", content=f"It is {WORD}.")
    busy.presenced.log.wait_for("quarantined", deadline=60)
    busy.let_pass(2000)
    after = busy.sim.act("message", guild=3, user=9, content="alive")
    assert after["guild"] == poison["guild"]
    # Everything else of this lane, this worker and the others is counted; the poison is not.
    busy.settle(expected=["guild %s user %s channel %s message: 1 done, none recorded"
                          % (poison["guild"], poison["user"], poison["channel"])])
    busy.check_heartbeats()
    assert len(busy.presenced.log.events("quarantined")) == 1
    assert len(busy.presenced.log.events("worker_died")) == 2
    listed = busy.presenced.ctl("status")["quarantine"]
    assert len(listed) == 1 and listed[0]["event"] == "MESSAGE_CREATE", listed
    kept = json.loads(pathlib.Path(listed[0]["file"]).read_text())
    assert kept["d"]["id"] == poison["id"] and kept["s"] == poison["s"]
    shown = [line for line in status_text(busy).splitlines() if line.startswith("quarantined:")]
    assert len(shown) == 1 and listed[0]["file"] in shown[0], shown
