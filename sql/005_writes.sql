-- The tables behind the mutations, with the rules that must never be broken: constraints, and
-- triggers where a rule looks at more than one row. A broken rule raises check_violation (or
-- unique_violation) with the rule's name as CONSTRAINT.
--
-- Mutations of one guild are serialised by presence.lock_guild, which ingestion does not take.

CREATE FUNCTION lock_guild(guild bigint) RETURNS void
LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(guild # 5065797276734835045)
$$;

-- Rights take UPDATE and DELETE from the service; this keeps the owner from slips as well. Erasure
-- (014_resets.sql) sets presence.erasing for its own transaction.
CREATE FUNCTION append_only() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('presence.erasing', true) = 'on' THEN
        RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW ELSE OLD END;
    END IF;
    RAISE EXCEPTION '% is append only', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END $$;

-- --- requests and the audit log ---------------------------------------------------------------

-- The id of the interaction or message that caused a mutation makes it happen once: the second call
-- is answered with the first one's result. Forgotten after a week.
CREATE TABLE request (
    guild_id    bigint NOT NULL,         -- 0: concerns several guilds
    request_id  bigint NOT NULL,
    operation   text NOT NULL,           -- the mutation's field
    fingerprint bigint NOT NULL,         -- of its arguments
    result      jsonb,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (guild_id, request_id, operation)
);
CREATE INDEX request_at ON request (at);

-- Every mutation that changed something, but ingestion, and claims and heartbeats of jobs.
CREATE TABLE audit (
    guild_id   bigint NOT NULL,          -- 0: concerns several guilds
    audit_id   bigint GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    operation  text NOT NULL,
    caller     text NOT NULL,            -- name of the token
    actor_id   bigint,                   -- the person who asked for it
    request_id bigint,
    detail     jsonb NOT NULL,           -- the arguments
    PRIMARY KEY (guild_id, audit_id)
);
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_not_truncated BEFORE TRUNCATE ON audit EXECUTE FUNCTION append_only();

-- --- history of settings (tables in 001) -------------------------------------------------------

CREATE TRIGGER setting_history_append_only BEFORE UPDATE OR DELETE ON setting_history
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER setting_history_not_truncated BEFORE TRUNCATE ON setting_history
    EXECUTE FUNCTION append_only();

-- --- soft resets ------------------------------------------------------------------------------

-- guild.reset_at is the latest of these that was not taken back.
CREATE TABLE guild_reset (
    guild_id      bigint NOT NULL,
    reset_at      timestamptz NOT NULL,
    reset_by      bigint,
    taken_back_at timestamptz,
    taken_back_by bigint,
    PRIMARY KEY (guild_id, reset_at),
    CONSTRAINT reset_taken_back_later CHECK (taken_back_at >= reset_at)
);

-- --- exemptions -------------------------------------------------------------------------------

CREATE TABLE exemption (
    guild_id  bigint NOT NULL,
    target    text NOT NULL CHECK (target IN ('USER', 'ROLE')),
    target_id bigint NOT NULL,
    until     timestamptz,               -- NULL: until it is removed
    reason    text CHECK (length(reason) <= 512),
    added_at  timestamptz NOT NULL DEFAULT now(),
    added_by  bigint,
    PRIMARY KEY (guild_id, target, target_id)
);

CREATE FUNCTION exemption_limit(in_target text) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE in_target WHEN 'USER' THEN 250 ELSE 50 END
$$;

-- Those in force; expired ones do not count.
CREATE FUNCTION exemption_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    PERFORM lock_guild(NEW.guild_id);
    IF (SELECT count(*) FROM exemption_in_force e
         WHERE e.guild_id = NEW.guild_id AND e.target = NEW.target) > exemption_limit(NEW.target)
    THEN
        RAISE EXCEPTION 'no more than % exemptions of this kind', exemption_limit(NEW.target)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'exemption_limit';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER exemption_limit AFTER INSERT OR UPDATE ON exemption
    FOR EACH ROW EXECUTE FUNCTION exemption_check();

-- --- absences ---------------------------------------------------------------------------------

CREATE TABLE absence (
    guild_id    bigint NOT NULL,
    absence_id  bigint GENERATED ALWAYS AS IDENTITY,
    user_id     bigint NOT NULL,
    from_at     timestamptz NOT NULL,
    until_at    timestamptz NOT NULL,
    ended_at    timestamptz,             -- ended early
    reason      text CHECK (length(reason) <= 512),
    set_at      timestamptz NOT NULL DEFAULT now(),
    set_by      bigint,
    approved_at timestamptz,             -- NULL: waits for approval and protects nobody yet
    approved_by bigint,
    PRIMARY KEY (guild_id, absence_id),
    CONSTRAINT absence_order CHECK (until_at > from_at),
    CONSTRAINT absence_year CHECK (until_at - from_at <= interval '365 days')
);
CREATE INDEX absence_member ON absence (guild_id, user_id, from_at);

CREATE FUNCTION absence_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    PERFORM lock_guild(NEW.guild_id);
    IF NEW.ended_at IS NULL AND EXISTS (
        SELECT FROM absence_in_force a
         WHERE a.guild_id = NEW.guild_id AND a.user_id = NEW.user_id
           AND a.absence_id <> NEW.absence_id
           AND a.from_at < NEW.until_at AND NEW.from_at < a.until_at) THEN
        RAISE EXCEPTION 'absences of one member do not overlap'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'absence_overlap';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER absence_overlap AFTER INSERT OR UPDATE ON absence
    FOR EACH ROW EXECUTE FUNCTION absence_check();

-- --- decisions --------------------------------------------------------------------------------

-- What the evidence of a decision may hold; the inner values are those of EvidenceInput.
CREATE FUNCTION evidence_good(e jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_typeof(e) = 'object'
       AND e - '{lastActs,protections,idle,coverage,note}'::text[] = '{}'
       AND coalesce(jsonb_typeof(e->'lastActs') = 'array'
                    AND jsonb_array_length(e->'lastActs') <= 32, false)
       AND coalesce(jsonb_typeof(e->'protections') = 'array'
                    AND jsonb_array_length(e->'protections') <= 32, false)
       AND coalesce(jsonb_typeof(e->'idle'), 'null') IN ('object', 'null')
       AND coalesce(jsonb_typeof(e->'coverage'), 'null') IN ('object', 'null')
       AND coalesce(jsonb_typeof(e->'note'), 'null') IN ('string', 'null')
       AND length(e::text) <= 16384
$$;

CREATE TABLE decision (
    guild_id         bigint NOT NULL,
    decision_id      bigint GENERATED ALWAYS AS IDENTITY,
    at               timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind             text NOT NULL CHECK (kind IN (
        'FLAG', 'UNFLAG', 'WARN', 'KICK', 'SKIP', 'VETO', 'UNDO', 'EXEMPT', 'AWAY', 'ARCHIVE',
        'RESTORE')),
    user_id          bigint,             -- whom it concerns
    channel_id       bigint,
    job_id           bigint,
    run_id           bigint,             -- the request that began a run
    actor_id         bigint,             -- who decided; NULL: Presence by its rules
    rule             text CHECK (length(rule) <= 100),
    settings_version integer,            -- in force at that time
    reason           text CHECK (length(reason) <= 512),
    evidence         jsonb NOT NULL,
    PRIMARY KEY (guild_id, decision_id),
    CONSTRAINT decision_subject CHECK (user_id IS NOT NULL OR channel_id IS NOT NULL),
    CONSTRAINT decision_evidence CHECK (evidence_good(evidence))
);
CREATE INDEX decision_at ON decision (guild_id, at, decision_id);
CREATE INDEX decision_member ON decision (guild_id, user_id, decision_id);
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON decision
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER decision_not_truncated BEFORE TRUNCATE ON decision EXECUTE FUNCTION append_only();

-- --- jobs -------------------------------------------------------------------------------------

CREATE TABLE job_state (
    state text PRIMARY KEY,
    final boolean NOT NULL               -- nothing follows
);
INSERT INTO job_state VALUES
    ('QUEUED', false), ('WARNED', false), ('RECHECKING', false), ('KICKED', true), ('DONE', true),
    ('FAILED', true), ('VETOED', true), ('EXPIRED', true), ('CANCELLED', true);

-- kick: whether jobs of kind KICK may do this; others: whether all others may. A kick is only ever
-- carried out from RECHECKING, the last check in the moment of sending.
CREATE TABLE job_transition (
    from_state text NOT NULL REFERENCES job_state,
    to_state   text NOT NULL REFERENCES job_state,
    kick       boolean NOT NULL,
    others     boolean NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO job_transition VALUES
    ('QUEUED', 'WARNED', true, false), ('QUEUED', 'RECHECKING', true, true),
    ('QUEUED', 'DONE', false, true), ('QUEUED', 'FAILED', true, true),
    ('QUEUED', 'VETOED', true, true), ('QUEUED', 'EXPIRED', true, true),
    ('QUEUED', 'CANCELLED', true, true),
    ('WARNED', 'RECHECKING', true, false), ('WARNED', 'FAILED', true, false),
    ('WARNED', 'VETOED', true, false), ('WARNED', 'EXPIRED', true, false),
    ('WARNED', 'CANCELLED', true, false),
    ('RECHECKING', 'KICKED', true, false), ('RECHECKING', 'DONE', false, true),
    ('RECHECKING', 'QUEUED', true, true), ('RECHECKING', 'WARNED', true, false),
    ('RECHECKING', 'FAILED', true, true), ('RECHECKING', 'VETOED', true, true),
    ('RECHECKING', 'EXPIRED', true, true), ('RECHECKING', 'CANCELLED', true, true);

CREATE TABLE job (
    guild_id    bigint NOT NULL,
    job_id      bigint GENERATED ALWAYS AS IDENTITY,
    lane        smallint NOT NULL,       -- of the guild: whose worker claims it
    kind        text NOT NULL CHECK (kind IN ('FLAG', 'UNFLAG', 'WARN', 'KICK', 'RESTORE_ROLES',
                                               'ARCHIVE_CHANNEL', 'RESTORE_CHANNEL', 'BASELINE')),
    state       text NOT NULL DEFAULT 'QUEUED' REFERENCES job_state,
    user_id     bigint,
    channel_id  bigint,
    run_id      bigint,                  -- the request that began a run; NULL: by the rules
    due_at      timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,             -- not begun after that
    reason      text CHECK (length(reason) <= 512),
    data        text CHECK (length(data) <= 4000), -- for who carries it out: what, and how far
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  bigint,
    owner       text CHECK (length(owner) BETWEEN 1 AND 100),
    lease_until timestamptz,
    attempts    integer NOT NULL DEFAULT 0, -- how often it was claimed
    changed_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    failure     text CHECK (length(failure) BETWEEN 1 AND 512),
    PRIMARY KEY (guild_id, job_id),
    CONSTRAINT job_subject CHECK (
        CASE WHEN kind IN ('ARCHIVE_CHANNEL', 'RESTORE_CHANNEL')
             THEN channel_id IS NOT NULL AND user_id IS NULL
             WHEN kind = 'BASELINE' THEN channel_id IS NULL AND user_id IS NULL
             ELSE user_id IS NOT NULL AND channel_id IS NULL END),
    CONSTRAINT job_lease CHECK ((owner IS NULL) = (lease_until IS NULL)),
    CONSTRAINT job_recheck_is_leased CHECK (state <> 'RECHECKING' OR owner IS NOT NULL),
    CONSTRAINT job_finished CHECK (
        (finished_at IS NOT NULL) = (state NOT IN ('QUEUED', 'WARNED', 'RECHECKING'))),
    CONSTRAINT job_finished_is_free CHECK (finished_at IS NULL OR owner IS NULL),
    CONSTRAINT job_failure CHECK ((state = 'FAILED') = (failure IS NOT NULL))
) WITH (fillfactor = 70);
-- One open job per member (or channel, or guild) and kind.
CREATE UNIQUE INDEX job_open_member ON job (guild_id, user_id, kind)
    WHERE user_id IS NOT NULL AND finished_at IS NULL;
CREATE UNIQUE INDEX job_open_channel ON job (guild_id, channel_id, kind)
    WHERE channel_id IS NOT NULL AND finished_at IS NULL;
CREATE UNIQUE INDEX job_open_guild ON job (guild_id, kind)
    WHERE user_id IS NULL AND channel_id IS NULL AND finished_at IS NULL;
CREATE INDEX job_claimable ON job (lane, due_at) WHERE finished_at IS NULL;
CREATE INDEX job_run ON job (guild_id, run_id);

-- Every change of a job's state.
CREATE TABLE job_event (
    guild_id   bigint NOT NULL,
    job_id     bigint NOT NULL,
    event_id   bigint GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_state text,                     -- NULL: it was made
    to_state   text NOT NULL,
    owner      text,                     -- who held the lease
    failure    text,
    PRIMARY KEY (guild_id, job_id, event_id)
);
CREATE TRIGGER job_event_append_only BEFORE UPDATE OR DELETE ON job_event
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER job_event_not_truncated BEFORE TRUNCATE ON job_event
    EXECUTE FUNCTION append_only();

CREATE FUNCTION job_made() RETURNS trigger
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    IF NEW.state <> 'QUEUED' THEN
        RAISE EXCEPTION 'a job begins as QUEUED, not as %', NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'job_begins_queued';
    END IF;
    INSERT INTO job_event (guild_id, job_id, to_state) VALUES (NEW.guild_id, NEW.job_id, 'QUEUED');
    RETURN NULL;
END $$;
CREATE TRIGGER job_made AFTER INSERT ON job FOR EACH ROW EXECUTE FUNCTION job_made();

CREATE FUNCTION job_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    IF current_setting('presence.erasing', true) = 'on' THEN
        RETURN NEW;
    END IF;
    IF (NEW.guild_id, NEW.job_id, NEW.kind, NEW.user_id, NEW.channel_id, NEW.run_id)
       IS DISTINCT FROM
       (OLD.guild_id, OLD.job_id, OLD.kind, OLD.user_id, OLD.channel_id, OLD.run_id) THEN
        RAISE EXCEPTION 'what a job is about does not change'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'job_subject_fixed';
    END IF;
    IF OLD.finished_at IS NOT NULL OR NEW.state <> OLD.state AND NOT EXISTS (
        SELECT FROM job_transition t
         WHERE t.from_state = OLD.state AND t.to_state = NEW.state
           AND CASE NEW.kind WHEN 'KICK' THEN t.kick ELSE t.others END) THEN
        RAISE EXCEPTION 'a job of kind % does not go from % to %', NEW.kind, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'job_transition';
    END IF;
    NEW.changed_at := clock_timestamp();
    IF NEW.state <> OLD.state THEN
        INSERT INTO job_event (guild_id, job_id, from_state, to_state, owner, failure)
        VALUES (NEW.guild_id, NEW.job_id, OLD.state, NEW.state, OLD.owner, NEW.failure);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER job_transition BEFORE UPDATE ON job FOR EACH ROW EXECUTE FUNCTION job_changed();

-- --- what is in force ---------------------------------------------------------------------------

-- Since the guild's reset, and not over; absences may lie ahead and may wait for approval.
CREATE VIEW exemption_in_force AS
SELECT e.* FROM exemption e LEFT JOIN guild g ON g.guild_id = e.guild_id
 WHERE (e.until IS NULL OR e.until > now()) AND coalesce(e.added_at >= g.reset_at, true);

CREATE VIEW absence_in_force AS
SELECT a.* FROM absence a LEFT JOIN guild g ON g.guild_id = a.guild_id
 WHERE a.ended_at IS NULL AND a.until_at > now() AND coalesce(a.set_at >= g.reset_at, true);

CREATE VIEW setting_in_force AS
SELECT s.* FROM setting s LEFT JOIN guild g ON g.guild_id = s.guild_id
 WHERE coalesce(s.changed_at >= g.reset_at, true);
