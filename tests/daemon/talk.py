"""Talking to the bot: users of presence-sim run commands, and what the bot answers is what the
simulator's REST received. Bodies are held against Discord's OpenAPI description where it is at hand."""

import email
import itertools
import json
import os
import pathlib

import harness

SPEC = pathlib.Path(os.environ.get("PRESENCE_OPENAPI", harness.SOURCE_DIR.parent / "shared" / "discord"
                                   / "openapi.json"))
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
COMMANDS = "/applications/{application_id}/commands"
ORIGINAL = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
EPHEMERAL = 64
DEFERRED = 5
DEFERRED_UPDATE = 6
ADMINISTRATOR = 8


class Judge:
    """Request bodies against the description; without it, nothing is judged."""

    def __init__(self):
        self.spec = json.loads(SPEC.read_text()) if SPEC.exists() else None
        self.validators = {}

    def check(self, template, method, body):
        if not self.spec:
            return
        import jsonschema

        key = template, method
        if key not in self.validators:
            schema = self.spec["paths"][template][method]["requestBody"]["content"][
                "application/json"]["schema"]
            self.validators[key] = jsonschema.Draft202012Validator(
                schema, resolver=jsonschema.RefResolver("", self.spec))
        errors = list(self.validators[key].iter_errors(body))
        assert not errors, f"{method} {template} {body}: {errors[0].message[:400]}"


def read_body(text):
    """(what the call says, {name: content} of the files beside it)"""
    if not text.startswith("--"):
        return json.loads(text), {}
    boundary = text[2:text.index("\r\n")]
    parts = email.message_from_bytes(b"Content-Type: multipart/form-data; boundary=" + boundary.encode()
                                     + b"\r\n\r\n" + text.encode()).get_payload()
    payload, *files = parts
    assert payload.get_param("name", header="Content-Disposition") == "payload_json"
    names = [p.get_param("name", header="Content-Disposition") for p in files]
    assert names == [f"files[{n}]" for n in range(len(files))]
    return (json.loads(payload.get_payload(decode=True)),
            {f.get_filename(): f.get_payload(decode=True).decode() for f in files})


class Answer:
    """What came of one interaction."""

    def __init__(self, interaction, calls):
        self.id = interaction
        self.callback = calls[0]["body"]
        self.status = calls[0]["status"]
        self.type = self.callback["type"]
        self.ack_ms = calls[0]["at_ms"] - ((int(interaction) >> 22) + 1420070400000)
        self.final = calls[1]["body"] if len(calls) > 1 else self.callback.get("data", {})
        self.files = calls[-1]["files"]
        self.private = self.callback.get("data", {}).get("flags", 0) & EPHEMERAL == EPHEMERAL

    @property
    def embed(self):
        return (self.final.get("embeds") or [{}])[0]

    @property
    def text(self):
        """Everything that is to be read in it."""
        e = self.embed
        parts = [self.final.get("content", ""), e.get("title", ""), e.get("description", ""),
                 e.get("footer", {}).get("text", "")]
        parts += [f"{f['name']}: {f['value']}" for f in e.get("fields", [])]
        return "\n".join(p for p in parts if p)

    @property
    def buttons(self):
        return {b["label"]: b for row in self.final.get("components", [])
                for b in row.get("components", []) if b["type"] == 2}

    @property
    def selects(self):
        return {c["placeholder"]: c for row in self.final.get("components", [])
                for c in row.get("components", []) if c["type"] != 2}


COLOURS = {0x5865f2: "blue", 0x3ba55d: "green", 0xfaa61a: "orange", 0xed4245: "red", 0x747f8d: "grey"}


def shown(answer):
    """The answer as it looks: the embed behind its bar, fields side by side, files, buttons."""
    e, lines = answer.embed, []
    if answer.final.get("content"):
        lines.append(answer.final["content"])
    if e:
        lines.append(f"┃ ({COLOURS.get(e.get('color'), '?')})")
        lines += [f"┃ {e['title']}"] if e.get("title") else []
        lines += [f"┃ {line}" for line in e.get("description", "").splitlines()]
        row = []
        for f in [*e.get("fields", []), None]:
            if row and (f is None or not f.get("inline") or len(row) == 3):
                lines.append("┃ " + "   ".join(f"{r['name']}: {r['value']}".replace("\n", " / ") for r in row))
                row = []
            if f and not f.get("inline"):
                lines += [f"┃ {f['name']}", *(f"┃   {line}" for line in f["value"].splitlines())]
            elif f:
                row.append(f)
        lines += [f"┃ – {e['footer']['text']}"] if e.get("footer") else []
    for name, content in answer.files.items():
        lines += [f"📎 {name} ({len(content.encode())} bytes)",
                  *(f"   {line}" for line in content.splitlines()[:4])]
    lines += ["  ".join(f"[{label}]" for label in answer.buttons)] if answer.buttons else []
    return "\n".join([*lines, "(only you can see this)" if answer.private else "(everybody sees this)"])


class Late(Exception):
    """The machine was so busy that Discord would not have taken the answer any more."""


class Talk:
    def __init__(self, stack):
        self.stack, self.sim = stack, stack.sim
        self.judge = Judge()
        self.read = 0
        self.parse = []  # what else an answer may mention at the moment
        self.calls, self.tokens = {}, {}
        self.files, self.file_ids = {}, itertools.count(7000000000000000001)
        guild = self.sim.get("/_sim/world?members=1")["guilds"][0]
        self.guild = guild["id"]
        self.members = [m["id"] for m in guild["members"]]
        self.channels = guild["channels"]
        self.roles = guild["roles"]

    def wait_registered(self, count=1):
        self.stack.presenced.log.wait_for("commands_registered", count=count)
        return self

    def registrations(self):
        """The bodies of all bulk overwrites."""
        return [json.loads(r["body"]) for r in self.sim.get("/_sim/received?what=rest")["items"]
                if r["method"] == "PUT" and r["path"].endswith("/commands") and r["status"] == 200]

    def registered(self):
        body = self.registrations()[-1]
        self.judge.check(COMMANDS, "put", body)
        return body

    def take(self):
        """Sorts what REST received since the last time by the interaction it answers."""
        got = self.sim.get(f"/_sim/received?what=rest&since={self.read}")
        self.read = got["next"]
        for r in got["items"]:
            r["body"], r["files"] = read_body(r["body"]) if r["body"] else (None, {})
            parts = r["path"].split("/")
            if parts[1] == "interactions":
                self.tokens[parts[3]] = parts[2]
                self.calls.setdefault(parts[2], []).append(r)
            elif parts[1] == "webhooks":
                self.calls[self.tokens[parts[3]]].append(r)

    def send(self, **args):
        """Returns the id of the interaction."""
        return self.sim.act("interaction", **args)["id"]

    def answer(self, interaction, deadline=10.0):
        """Waits for the answer, the deferred one too, and judges all that was sent."""
        def look():
            self.take()
            calls = self.calls.get(interaction, [])
            done = calls and (calls[0]["body"]["type"] not in (DEFERRED, DEFERRED_UPDATE)
                              or len(calls) > 1)
            return calls if done else None

        calls = harness.wait_until(look, deadline, f"an answer to interaction {interaction}")
        if calls[0]["status"] == 404:
            raise Late(interaction)
        for call, template in zip(calls, (CALLBACK, ORIGINAL)):
            assert call["status"] in (200, 204), call
            self.judge.check(template, call["method"].lower(), call["body"])
            message = call["body"].get("data", call["body"]) if template == CALLBACK else call["body"]
            if call["body"].get("type") not in (DEFERRED, DEFERRED_UPDATE, 8, 9):
                assert message["allowed_mentions"]["parse"] in ([], self.parse), message
            named = [a["filename"] for a in message.get("attachments", [])]
            assert named == list(call["files"]), message
        return Answer(interaction, calls)

    def late(self):
        """Whether the log says (once a minute) that interactions came too late to be acted on."""
        return bool(self.stack.presenced.log.events("interaction_late"))

    def run(self, command, options=None, user=5, permissions=ADMINISTRATOR, **args):
        """Repeated where the machine stood still for seconds: what is late is not acted on."""
        args = {"type": 2, "command": command, "options": options or {}, "user": user,
                "permissions": str(permissions), "files": self.files, **args}
        self.files = {}
        for _ in range(5):
            try:
                return self.answer(self.send(**args))
            except Late:
                pass
            except harness.Timeout:
                if not self.late():
                    raise
        raise Late(command)

    def file(self, text):
        """The id of a file that somebody uploads with his next command."""
        self.files[str(next(self.file_ids))] = text
        return list(self.files)[-1]

    def press(self, answer, label, user=5, permissions=ADMINISTRATOR, **args):
        """One of the buttons of an answer."""
        return self.answer(self.send(type=3, custom_id=answer.buttons[label]["custom_id"], user=user,
                                     permissions=str(permissions), **args))

    def choose(self, answer, hint, values, user=5, permissions=ADMINISTRATOR, **resolved):
        """In one of the selects of an answer."""
        select = answer.selects[hint]
        return self.answer(self.send(type=3, user=user, permissions=str(permissions), data={
            "custom_id": select["custom_id"], "component_type": select["type"], "values": values,
            "resolved": resolved}))

    def fill(self, answer, values, user=5, permissions=ADMINISTRATOR):
        """Sends a form."""
        assert answer.type == 9, answer.callback
        return self.answer(self.send(type=5, user=user, permissions=str(permissions), data={
            "custom_id": answer.final["custom_id"],
            "components": [{"type": 18, "id": n, "component": {"type": 4, "custom_id": k, "value": v}}
                           for n, (k, v) in enumerate(values.items())]}))

    def silence(self, interaction):
        """Nothing was said to it, and what was asked later was answered."""
        self.run("status member", user=9)
        self.take()
        return interaction not in self.calls
