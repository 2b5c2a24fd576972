"""What the tests of mutations share: a service with one guild, and calls that check themselves."""

import datetime
import signal

T0 = 1_780_000_020_000  # a whole minute of 2026
RESULT = "code success errors repeated"


DAY = 86400


def later(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def literal(value):
    """A GraphQL literal; strings that begin with : are enum values."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(literal(v) for v in value) + "]"
    if value.startswith(":"):
        return value[1:]
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class World:
    """A service that several tests share; each makes guilds of its own (Writes)."""

    def __init__(self, graphqld, pg):
        self.graphqld, self.pg = graphqld, pg
        self.admin = graphqld.new_token("boss", "admin")
        self.reader = graphqld.new_token("people", "read")
        self.eraser = graphqld.new_token("eraser", "erase")
        graphqld.send(signal.SIGHUP)
        graphqld.log.wait_for("tokens")
        self.guilds = 0


class Writes:
    """Mutations with an admin's token in a guild of its own, in which one human member is known."""

    def __init__(self, world):
        self.world, self.graphqld, self.pg, self.admin = (world, world.graphqld, world.pg,
                                                          world.admin)
        world.guilds += 1
        base = 500000000000000000 + world.guilds * 10000
        self.guild, self.user, self.channel, self.role, self.actor = (
            str(base + n) for n in (0, 1, 2, 3, 4))
        self.next_request = base + 5000
        self.ok("upsertGuilds", guilds=[{"guildId": self.guild, "at": T0, "name": "g"}])
        self.ok("upsertMembers", members=[self.member(self.user)])

    def member(self, user, **fields):
        return {"guildId": self.guild, "userId": user, "at": T0, "bot": False, "onRoster": True,
                "username": "u" + user[-4:], **fields}

    def request_id(self):
        self.next_request += 1
        return str(self.next_request)

    def rows(self, sql, *args):
        return self.pg.execute(sql, args or None)

    def count(self, table, where="true"):
        return self.rows(f"SELECT count(*) FROM {table} WHERE guild_id = %s AND {where}",
                         self.guild)[0][0]

    def read(self, query):
        answer = self.graphqld.query(query, token=self.world.reader)
        assert "errors" not in answer, answer
        return answer["data"]

    @staticmethod
    def text(field, selection="", **args):
        given = ", ".join(f"{k}: {literal(v)}" for k, v in args.items())
        return f"{field}({given}) {{ {RESULT} {selection} }}"

    def send(self, *fields, token=None):
        return self.graphqld.query("mutation { " + " ".join(fields) + " }",
                                   token=token or self.admin)

    def call(self, field, selection="", **args):
        answer = self.send(self.text(field, selection, **args))
        assert "errors" not in answer, answer["errors"]
        return answer["data"][field]

    def ok(self, field, selection="", **args):
        result = self.call(field, selection, **args)
        assert result["code"] == "OK" and result["success"] and result["errors"] == [], result
        return result

    def refused(self, code, field, selection="", **args):
        """The result of a call that is not OK; returns its first error."""
        result = self.call(field, selection, **args)
        assert result["code"] == code and not result["success"], result
        assert result["errors"]
        return result["errors"][0]

    def fails(self, code, field, selection="", token=None, **args):
        """An error of GraphQL rather than a result."""
        answer = self.send(self.text(field, selection, **args), token=token)
        assert answer["errors"][0]["extensions"]["code"] == code, answer
        return answer["errors"][0]["message"]


def calls(w):
    """A call that changes something, for each mutation; in this order."""
    g, evidence = {"guildId": w.guild}, {"lastActs": [], "protections": []}
    yield "recordSightings", {"batches": [{"lane": 5, "epoch": "1", "from": "0", "to": "1",
                                           "sessions": []}]}
    yield "claimLanes", {"lanes": [6], "epoch": "2"}
    yield "upsertGuilds", {"guilds": [{**g, "at": T0, "name": "n"}]}
    yield "upsertMembers", {"members": [w.member(w.user), w.member("5"), w.member("6")]}
    yield "upsertChannels", {"channels": [{**g, "channelId": w.channel, "at": T0}]}
    yield "upsertRoles", {"roles": [{**g, "roleId": w.role, "at": T0}]}
    yield "updateGuild", {**g, "patch": {"name": "x"}}
    yield "updateMember", {**g, "userId": w.user, "patch": {"nick": "x"}}
    yield "updateSettings", {**g, "version": 0, "changes": [
        {"key": "mode", "value": '"on"'}, {"key": "min_days", "value": "2"},
        {"key": "away_approval", "value": "true"}]}
    yield "addExemption", {**g, "target": ":USER", "targetId": w.user}
    yield "removeExemption", {**g, "target": ":USER", "targetId": w.user}
    yield "setAbsence", {**g, "userId": w.user, "until": later(DAY), "actorId": w.user}
    absence = str(w.rows("SELECT max(absence_id) FROM absence WHERE guild_id = %s", w.guild)[0][0])
    yield "approveAbsence", {**g, "absenceId": absence, "actorId": w.actor}
    yield "endAbsence", {**g, "absenceId": absence}
    yield "recordDecisions", {**g, "decisions": [{"kind": ":FLAG", "userId": w.user,
                                                  "evidence": evidence}] * 3}
    yield "enqueueJobs", {**g, "jobs": [{"kind": ":KICK", "userId": w.user},
                                        {"kind": ":FLAG", "userId": "5"}]}
    lane, = w.rows("SELECT lane FROM guild WHERE guild_id = %s", w.guild)[0]
    first, second = (str(r[0]) for r in w.rows("SELECT job_id FROM job WHERE guild_id = %s"
                                               " ORDER BY 1", w.guild))
    yield "claimJobs", {"lanes": [lane], "owner": "a", "first": 1}
    yield "claimJob", {**g, "jobId": first, "owner": "a"}
    yield "heartbeatJobs", {"owner": "a", "jobs": [{**g, "jobId": first}]}
    yield "advanceJob", {**g, "jobId": first, "owner": "a", "state": ":RECHECKING"}
    yield "finishJob", {**g, "jobId": first, "owner": "a", "state": ":KICKED"}
    yield "cancelJobs", {**g, "jobIds": [second]}
    yield "softReset", g
    yield "takeBackReset", g
    yield "forgetMember", {**g, "userId": "5"}
    yield "hardReset", {"type": ":MEMBER", "id": w.user, **g}
    yield "deleteMember", {**g, "userId": "5"}
    yield "eraseUser", {"userId": "6"}
    yield "deleteGuild", g
