"""Jobs: who may claim, prolong, move, finish and cancel them, and what the tables themselves keep."""

import threading

import psycopg2
import pytest

from test_graphql_writes import HOSTILE
from writes import DAY, Writes, later

JOB = "job { jobId kind state userId owner leaseUntil attempts dueAt finishedAt failure }"
JOBS = JOB.replace("job {", "created jobs {")


@pytest.fixture
def lane(w):
    """The lane of the test's guild; others may share it."""
    return w.rows("SELECT lane FROM guild WHERE guild_id = %s", w.guild)[0][0]


def enqueue(w, kind=":KICK", **fields):
    got = w.ok("enqueueJobs", JOBS, guildId=w.guild, jobs=[{"kind": kind, "userId": w.user, **fields}])
    assert got["created"] == 1
    return {"guildId": w.guild, "jobId": got["jobs"][0]["jobId"]}


def claim(w, job, owner="a", **args):
    return w.ok("claimJob", JOB, owner=owner, **job, **args)["job"]


def states(w, job):
    return [r[0] for r in w.rows("SELECT to_state FROM job_event WHERE guild_id = %s AND job_id = %s"
                                 " ORDER BY event_id", w.guild, job["jobId"])]


# --- of a guild -----------------------------------------------------------------------------------

def test_a_guild_has_one_baseline_and_what_its_owner_noted_stays(w):
    asked = [{"kind": ":BASELINE", "data": HOSTILE}]
    made = w.ok("enqueueJobs", "created jobs { jobId data }", guildId=w.guild, jobs=asked)
    assert made["created"] == 1 and made["jobs"][0]["data"] == HOSTILE
    again = w.ok("enqueueJobs", "created jobs { jobId }", guildId=w.guild,
                 jobs=[{"kind": ":BASELINE", "data": "other"}])
    assert again["created"] == 0 and again["jobs"][0]["jobId"] == made["jobs"][0]["jobId"]
    job = {"guildId": w.guild, "jobId": made["jobs"][0]["jobId"]}
    assert w.ok("claimJob", "job { data }", owner="a", **job)["job"]["data"] == HOSTILE
    for data, kept in (("half", "half"), (None, "half")):
        key = {**job, "data": data} if data else job
        got = w.ok("heartbeatJobs", "jobs { data }", owner="a", jobs=[key])
        assert got["jobs"][0]["data"] == kept
    w.refused("CONFLICT", "heartbeatJobs", owner="b", jobs=[{**job, "data": "mine"}])
    assert w.refused("INVALID", "heartbeatJobs", owner="a", jobs=[{**job, "data": "x" * 4001}]) \
        .startswith("jobs[0].data: ")
    w.ok("cancelJobs", guildId=w.guild, jobIds=[job["jobId"]])
    assert w.ok("enqueueJobs", "created", guildId=w.guild, jobs=asked)["created"] == 1
    for wrong in ({"userId": w.user}, {"channelId": w.channel}):
        w.refused("INVALID", "enqueueJobs", guildId=w.guild, jobs=[{"kind": ":BASELINE", **wrong}])
    assert w.rows("SELECT array_agg(data) FROM job WHERE guild_id = %s", w.guild)[0][0] == [
        "half", HOSTILE]


# --- making them ----------------------------------------------------------------------------------

def test_jobs_are_made_once(w):
    got = w.ok("enqueueJobs", JOBS, guildId=w.guild, jobs=[
        {"kind": ":KICK", "userId": w.user, "reason": HOSTILE, "runId": w.request_id()},
        {"kind": ":FLAG", "userId": w.user}, {"kind": ":ARCHIVE_CHANNEL", "channelId": w.channel},
        {"kind": ":KICK", "userId": w.user}])
    assert got["created"] == 3 and [j["kind"] for j in got["jobs"]] == ["KICK", "FLAG",
                                                                       "ARCHIVE_CHANNEL"]
    assert {j["state"] for j in got["jobs"]} == {"QUEUED"}
    again = w.ok("enqueueJobs", JOBS, guildId=w.guild, jobs=[{"kind": ":KICK", "userId": w.user}])
    assert again["created"] == 0 and again["jobs"][0] == got["jobs"][0]
    assert w.count("job") == 3


def test_jobs_out_of_range(w):
    got = w.call("enqueueJobs", guildId=w.guild, jobs=[
        {"kind": ":KICK"}, {"kind": ":KICK", "userId": w.user, "channelId": w.channel},
        {"kind": ":ARCHIVE_CHANNEL", "userId": w.user},
        {"kind": ":FLAG", "userId": w.user, "dueAt": later(DAY), "expiresAt": later(5)},
        {"kind": ":FLAG", "userId": w.user, "reason": "x" * 513}])
    assert got["code"] == "INVALID" and [e.split(":")[0] for e in got["errors"]] == [
        "jobs[0].userId", "jobs[1].channelId", "jobs[2].channelId", "jobs[2].userId",
        "jobs[3].expiresAt", "jobs[4].reason"]
    assert w.count("job") == 0
    assert "not 0" in w.refused("INVALID", "enqueueJobs", guildId=w.guild, jobs=[])
    w.refused("NOT_FOUND", "enqueueJobs", guildId="77", jobs=[{"kind": ":FLAG", "userId": "1"}])


# --- leases ---------------------------------------------------------------------------------------

def test_claims(w, lane):
    job = enqueue(w)
    early = enqueue(w, ":FLAG", dueAt=later(DAY))
    got = w.ok("claimJobs", JOBS, lanes=[lane], owner="one", leaseSeconds=30, first=500)["jobs"]
    mine = [j for j in got if j["userId"] == w.user]
    assert [(j["jobId"], j["owner"], j["attempts"], j["state"]) for j in mine] == [
        (job["jobId"], "one", 1, "QUEUED")]
    assert w.ok("claimJobs", JOBS, lanes=[lane], owner="two", first=500)["jobs"] == []
    assert w.refused("CONFLICT", "claimJob", owner="two", **job) == \
        "owner: the job is claimed by one"
    assert claim(w, early, "two")["owner"] == "two"  # due or not
    w.pg.execute("UPDATE job SET lease_until = now() - interval '1 s' WHERE guild_id = %s",
                 (w.guild,))
    got = w.ok("claimJobs", JOBS, lanes=[lane], owner="two", kinds=[":KICK"])["jobs"]
    assert [(j["jobId"], j["attempts"]) for j in got] == [(job["jobId"], 2)]
    assert w.ok("claimJobs", JOBS, lanes=[(lane + 1) % 64], owner="x")["code"] == "OK"


def test_leases_out_of_range(w):
    job = enqueue(w)
    for args, words in (({"owner": ""}, "owner: "), ({"owner": "x" * 101}, "owner: "),
                        ({"owner": "a", "leaseSeconds": 0}, "leaseSeconds: "),
                        ({"owner": "a", "leaseSeconds": 3601}, "leaseSeconds: ")):
        assert w.refused("INVALID", "claimJob", **job, **args).startswith(words)
        assert w.refused("INVALID", "claimJobs", lanes=[1], **args).startswith(words)
        assert w.refused("INVALID", "heartbeatJobs", jobs=[job], **args).startswith(words)
    assert w.refused("INVALID", "claimJobs", lanes=[64], owner="a") == "lanes: expected 0 to 63"
    for first in (0, 1001, -1):
        assert w.refused("INVALID", "claimJobs", lanes=[1], owner="a", first=first).startswith(
            "first: ")
    w.refused("NOT_FOUND", "claimJob", guildId=w.guild, jobId="999999", owner="a")


def test_many_who_claim_at_once_share_the_jobs(w, lane):
    users = [str(int(w.user) + 100 + n) for n in range(120)]
    w.ok("enqueueJobs", guildId=w.guild, jobs=[{"kind": ":FLAG", "userId": u} for u in users])
    got = []

    def run(name):
        while True:
            jobs = w.ok("claimJobs", JOBS, lanes=[lane], owner=name, first=7)["jobs"]
            if not jobs:
                return
            got.extend(j["userId"] for j in jobs)

    threads = [threading.Thread(target=run, args=(f"w{n}",)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(got) == sorted(users)


def test_heartbeats(w):
    job, other = enqueue(w), enqueue(w, ":FLAG")
    before = claim(w, job, "a", leaseSeconds=5)["leaseUntil"]
    claim(w, other, "b")
    got = w.ok("heartbeatJobs", JOBS, owner="a", jobs=[job], leaseSeconds=600)["jobs"]
    assert got[0]["leaseUntil"] > before
    got = w.call("heartbeatJobs", JOBS, owner="a", jobs=[job, other])
    assert got["code"] == "CONFLICT" and got["errors"] == ["jobs[1]: is not held by a"]
    assert [j["jobId"] for j in got["jobs"]] == [job["jobId"]]
    assert w.count("audit", "operation = 'heartbeatJobs'") == 0


# --- states ---------------------------------------------------------------------------------------

def test_a_kick_from_begin_to_end(w):
    job = enqueue(w)
    claim(w, job)
    w.ok("advanceJob", owner="a", state=":WARNED", dueAt=later(60), release=True, **job)
    assert w.refused("CONFLICT", "finishJob", owner="a", state=":KICKED", **job) == \
        "owner: nobody has claimed the job"
    claim(w, job)
    assert "from WARNED to KICKED" in w.refused("INVALID", "finishJob", owner="a", state=":KICKED",
                                                **job)
    w.ok("advanceJob", owner="a", state=":RECHECKING", **job)
    done = w.ok("finishJob", JOB, owner="a", state=":KICKED", **job)
    assert (done["job"]["state"], done["job"]["owner"], done["repeated"]) == ("KICKED", None, False)
    assert done["job"]["finishedAt"]
    again = w.ok("finishJob", JOB, owner="a", state=":KICKED", **job)
    assert again["repeated"] and again["job"] == done["job"]
    assert w.refused("CONFLICT", "finishJob", owner="b", state=":KICKED", **job) == \
        "jobId: the job is KICKED"
    assert states(w, job) == ["QUEUED", "WARNED", "RECHECKING", "KICKED"]
    history = w.ok("enqueueJobs", "jobs { history { from to owner } state }", guildId=w.guild,
                   jobs=[{"kind": ":KICK", "userId": w.user}])["jobs"]
    assert history == [{"history": [{"from": None, "to": "QUEUED", "owner": None}],
                        "state": "QUEUED"}]  # a new one


def test_a_kick_that_was_not_rechecked_is_none(w):
    job = enqueue(w)
    claim(w, job)
    assert "from QUEUED to KICKED" in w.refused("INVALID", "finishJob", owner="a", state=":KICKED",
                                                **job)
    assert "from QUEUED to DONE" in w.refused("INVALID", "finishJob", owner="a", state=":DONE", **job)
    assert w.refused("INVALID", "advanceJob", owner="a", state=":RECHECKING", release=True,
                     **job).startswith("release: ")
    assert w.refused("INVALID", "advanceJob", owner="a", state=":VETOED", **job).startswith("state: ")
    assert states(w, job) == ["QUEUED"]


def test_failures(w):
    job = enqueue(w, ":FLAG")
    claim(w, job)
    for args in ({"state": ":FAILED"}, {"state": ":FAILED", "failure": ""},
                 {"state": ":DONE", "failure": "x"}, {"state": ":FAILED", "failure": "x" * 513}):
        assert w.refused("INVALID", "finishJob", owner="a", **job, **args).startswith("failure: ")
    got = w.ok("finishJob", JOB, owner="a", state=":FAILED", failure=HOSTILE, **job)["job"]
    assert got["failure"] == HOSTILE and got["state"] == "FAILED"


def test_who_lost_the_lease_can_do_nothing(w):
    """The former owner wakes up after somebody else has taken over."""
    job = enqueue(w)
    claim(w, job, "old", leaseSeconds=1)
    w.pg.execute("UPDATE job SET lease_until = now() - interval '1 s' WHERE guild_id = %s",
                 (w.guild,))
    claim(w, job, "new")
    for field, args in (("advanceJob", {"state": ":RECHECKING"}),
                        ("finishJob", {"state": ":FAILED", "failure": "x"})):
        assert w.refused("CONFLICT", field, owner="old", **args, **job) == \
            "owner: the job is claimed by new"
    got = w.call("heartbeatJobs", owner="old", jobs=[job])
    assert got["code"] == "CONFLICT"


def test_one_whose_lease_ran_out_may_not_begin_to_act(w):
    """Nobody took over, but somebody might at any moment."""
    job = enqueue(w)
    claim(w, job)
    w.ok("advanceJob", owner="a", state=":RECHECKING", **job)
    w.pg.execute("UPDATE job SET lease_until = now() - interval '1 s' WHERE guild_id = %s",
                 (w.guild,))
    assert w.refused("CONFLICT", "advanceJob", owner="a", state=":RECHECKING", **job) == \
        "owner: the lease ran out"
    # What was done is done, though.
    w.ok("finishJob", owner="a", state=":KICKED", **job)


def test_expired_jobs_are_not_begun(w, lane):
    job = enqueue(w, dueAt=later(-100), expiresAt=later(50))
    w.pg.execute("UPDATE job SET expires_at = now() - interval '1 s' WHERE guild_id = %s", (w.guild,))
    assert w.refused("CONFLICT", "claimJob", owner="a", **job) == "jobId: the job has expired"
    assert job["jobId"] not in [j["jobId"] for j in w.ok(
        "claimJobs", JOBS, lanes=[lane], owner="a", first=500)["jobs"]]
    assert states(w, job) == ["QUEUED", "EXPIRED"]


def test_cancelling(w):
    run = w.request_id()
    held, free = enqueue(w, runId=run), enqueue(w, ":FLAG", runId=run)
    other = enqueue(w, ":WARN")
    claim(w, held)
    w.ok("advanceJob", owner="a", state=":RECHECKING", **held)
    got = w.ok("cancelJobs", JOBS, guildId=w.guild, runId=run, actorId=w.actor)["jobs"]
    assert {j["jobId"]: j["state"] for j in got} == {held["jobId"]: "CANCELLED",
                                                     free["jobId"]: "CANCELLED"}
    assert w.refused("CONFLICT", "finishJob", owner="a", state=":KICKED", **held) == \
        "jobId: the job is CANCELLED"
    w.refused("NOT_FOUND", "cancelJobs", guildId=w.guild, runId=run)
    w.refused("INVALID", "cancelJobs", guildId=w.guild)
    got = w.ok("cancelJobs", JOBS, guildId=w.guild, jobIds=[other["jobId"]], veto=True)["jobs"]
    assert got[0]["state"] == "VETOED"


def test_the_table_keeps_the_order_of_states(w):
    """Whatever writes to it."""
    job = enqueue(w)
    bad = (("state = 'KICKED', finished_at = now()", "job_transition"),
           ("state = 'RECHECKING'", "job_recheck_is_leased"),
           ("state = 'FAILED', finished_at = now()", "job_failure"),
           ("state = 'VETOED'", "job_finished"), ("owner = 'x'", "job_lease"),
           ("user_id = 5", "job_subject_fixed"), ("kind = 'FLAG'", "job_subject_fixed"))
    for change_, name in bad:
        with pytest.raises(psycopg2.errors.CheckViolation) as e:
            w.pg.execute(f"UPDATE job SET {change_} WHERE guild_id = %s", (w.guild,))
        assert e.value.diag.constraint_name == name, change_
    w.ok("cancelJobs", guildId=w.guild, jobIds=[job["jobId"]])
    with pytest.raises(psycopg2.errors.CheckViolation):
        w.pg.execute("UPDATE job SET state = 'QUEUED', finished_at = NULL WHERE guild_id = %s",
                     (w.guild,))
    with pytest.raises(psycopg2.errors.CheckViolation) as e:
        w.pg.execute("INSERT INTO job (guild_id, lane, kind, user_id, state, finished_at)"
                     " VALUES (%s, 1, 'KICK', 5, 'KICKED', now())", (w.guild,))
    assert e.value.diag.constraint_name == "job_begins_queued"
    with pytest.raises(psycopg2.errors.UniqueViolation):
        w.pg.execute("INSERT INTO job (guild_id, lane, kind, user_id) VALUES (%s, 1, 'KICK', 5),"
                     " (%s, 1, 'KICK', 5)", (w.guild, w.guild))


def test_jobs_sleep_under_a_soft_reset(world):
    w = Writes(world)
    job = enqueue(w)
    lane = w.rows("SELECT lane FROM guild WHERE guild_id = %s", w.guild)[0][0]
    w.ok("softReset", guildId=w.guild)
    assert "reset" in w.refused("CONFLICT", "claimJob", owner="a", **job)
    assert w.ok("claimJobs", JOBS, lanes=[lane], owner="a", first=500)["jobs"] == []
    w.ok("takeBackReset", guildId=w.guild)
    assert claim(w, job)["state"] == "QUEUED"
    w.ok("softReset", guildId=w.guild)
    fresh = enqueue(w)  # in place of the one below the floor
    assert states(w, job) == ["QUEUED", "CANCELLED"] and claim(w, fresh)["attempts"] == 1
