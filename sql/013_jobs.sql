-- Jobs: what has to be done to a member or a channel, once, whoever dies meanwhile. A worker claims
-- them for a time (a lease), prolongs it, moves them from state to state and finishes them; the
-- triggers of 005 keep the order of states. A job made before the guild's soft reset is neither claimed nor
-- changed; it comes back when the reset is taken back.

CREATE FUNCTION job_keys(ids bigint[], guilds bigint[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(jsonb_build_array(k.g, k.j) ORDER BY k.n), '[]')
      FROM unnest(guilds, ids) WITH ORDINALITY AS k(g, j, n));
END $$;

CREATE FUNCTION job_faults(a jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = presence, pg_temp AS $$
BEGIN
    RETURN CASE WHEN list_fault(a, 'jobs', 1000) IS NOT NULL
                THEN ARRAY[list_fault(a, 'jobs', 1000)]
                ELSE (SELECT array_agg(format('jobs[%s].%s', j.n - 1, f.fault) ORDER BY j.n)
                        FROM jsonb_array_elements(a->'jobs') WITH ORDINALITY AS j(e, n),
                             LATERAL (VALUES
            (CASE WHEN (j.e->>'kind' IN ('ARCHIVE_CHANNEL', 'RESTORE_CHANNEL'))
                       <> (coalesce(j.e->'channelId', 'null') <> 'null')
                  THEN 'channelId: expected for ARCHIVE_CHANNEL and RESTORE_CHANNEL alone' END),
            (CASE WHEN (j.e->>'kind' IN ('ARCHIVE_CHANNEL', 'RESTORE_CHANNEL', 'BASELINE'))
                       = (coalesce(j.e->'userId', 'null') <> 'null')
                  THEN 'userId: expected for all kinds but ARCHIVE_CHANNEL, RESTORE_CHANNEL and'
                       || ' BASELINE' END),
            (CASE WHEN (j.e->>'expiresAt')::timestamptz
                       <= coalesce((j.e->>'dueAt')::timestamptz, now())
                  THEN 'expiresAt: expected a time after dueAt' END),
            (text_fault(j.e, 'reason', 512)), (text_fault(j.e, 'data', 4000))) AS f(fault)
                       WHERE f.fault IS NOT NULL) END;
END $$;

-- Where there is an open job of the kind already, that one is given back.
CREATE FUNCTION enqueue_jobs(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g      bigint := (a->>'guildId')::bigint;
    faults text[] := job_faults(a);
    home   guild;
    made   bigint[];
    asked  bigint[];
BEGIN
    IF NOT write_begin('enqueueJobs', g, a) THEN
        RETURN;
    ELSIF array_length(faults, 1) > 0 THEN
        PERFORM write_refuse('enqueueJobs', g, a, 'INVALID', faults, '{"created": 0}');
        RETURN;
    END IF;
    SELECT * INTO home FROM guild t WHERE t.guild_id = g;
    IF NOT FOUND THEN
        PERFORM write_refuse('enqueueJobs', g, a, 'NOT_FOUND', no_guild(g), '{"created": 0}');
        RETURN;
    END IF;
    UPDATE job j SET state = 'CANCELLED', finished_at = now(), owner = NULL, lease_until = NULL
      FROM jsonb_array_elements(a->'jobs') e
     WHERE j.guild_id = g AND j.finished_at IS NULL AND j.created_at < home.reset_at
       AND j.kind = e->>'kind'
       AND (j.user_id, j.channel_id)
           IS NOT DISTINCT FROM ((e->>'userId')::bigint, (e->>'channelId')::bigint);
    WITH ins AS (
        INSERT INTO job (guild_id, lane, kind, user_id, channel_id, run_id, due_at, expires_at,
                         reason, data, created_by)
        SELECT g, home.lane, e->>'kind', (e->>'userId')::bigint, (e->>'channelId')::bigint,
               (e->>'runId')::bigint, coalesce((e->>'dueAt')::timestamptz, now()),
               (e->>'expiresAt')::timestamptz, e->>'reason', e->>'data', (a->>'actorId')::bigint
          FROM jsonb_array_elements(a->'jobs') WITH ORDINALITY AS x(e, n) ORDER BY x.n
            ON CONFLICT DO NOTHING
        RETURNING job_id)
    SELECT array_agg(job_id) INTO made FROM ins;
    SELECT array_agg(j.job_id ORDER BY x.n) INTO asked
      FROM (SELECT e->>'kind' AS kind, (e->>'userId')::bigint AS u, (e->>'channelId')::bigint AS c,
                   min(n) AS n
              FROM jsonb_array_elements(a->'jobs') WITH ORDINALITY AS y(e, n) GROUP BY 1, 2, 3) x
      JOIN job j ON j.guild_id = g AND j.finished_at IS NULL AND j.kind = x.kind
           AND (j.user_id, j.channel_id) IS NOT DISTINCT FROM (x.u, x.c);
    PERFORM tell('JOB', g, id) FROM unnest(made) AS id;
    PERFORM write_end('enqueueJobs', g, a, caller, jsonb_build_object(
        'created', coalesce(array_length(made, 1), 0),
        'jobs', job_keys(asked, array_fill(g, ARRAY[coalesce(array_length(asked, 1), 0)]))),
        jsonb_build_object('jobs', to_jsonb(made)));
END $$;

-- --- leases -----------------------------------------------------------------------------------

CREATE FUNCTION lease_faults(a jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN length(a->>'owner') NOT BETWEEN 1 AND 100
             THEN 'owner: expected 1 to 100 characters' END,
        CASE WHEN (a->>'leaseSeconds')::integer NOT BETWEEN 1 AND 3600
             THEN 'leaseSeconds: expected 1 to 3600' END], NULL)
$$;

CREATE FUNCTION lease_end(a jsonb) RETURNS timestamptz
LANGUAGE sql AS $$ SELECT now() + make_interval(secs => (a->>'leaseSeconds')::integer) $$;

-- Jobs that are due and free, or whose owner let the lease run out, the longest due first. Several
-- claimants never get the same one. One in RECHECKING may have been carried out by a former owner who
-- died before he could say so: it does not expire, whoever claims it has to look.
CREATE FUNCTION claim_jobs(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    faults  text[] := lease_faults(a);
    lanes   bigint[] := ids_of(a->'lanes');
    ids     bigint[];
    guilds  bigint[];
BEGIN
    IF NOT lanes <@ (SELECT array_agg(n::bigint) FROM generate_series(0, 63) n) THEN
        faults := faults || 'lanes: expected 0 to 63'::text;
    END IF;
    IF (a->>'first')::integer NOT BETWEEN 1 AND 1000 THEN
        faults := faults || 'first: expected 1 to 1000'::text;
    END IF;
    IF array_length(faults, 1) > 0 THEN
        PERFORM write_result('INVALID', faults, '{"created": 0}');
        RETURN;
    END IF;
    UPDATE job j SET state = 'EXPIRED', finished_at = now(), owner = NULL, lease_until = NULL
     WHERE (j.guild_id, j.job_id) IN (
        SELECT e.guild_id, e.job_id FROM job e
         WHERE e.lane = ANY (lanes) AND e.finished_at IS NULL AND e.expires_at <= now()
           AND e.state <> 'RECHECKING' AND coalesce(e.lease_until, '-infinity') <= now()
         ORDER BY e.guild_id, e.job_id FOR UPDATE SKIP LOCKED);
    WITH free AS (
        SELECT j.guild_id, j.job_id
          FROM job j JOIN guild t ON t.guild_id = j.guild_id
         WHERE j.lane = ANY (lanes) AND j.finished_at IS NULL AND j.due_at <= now()
           AND coalesce(j.lease_until, '-infinity') <= now()
           AND coalesce(j.created_at >= t.reset_at, true)
           AND (jsonb_typeof(a->'kinds') IS DISTINCT FROM 'array' OR a->'kinds' ? j.kind)
         ORDER BY j.due_at, j.job_id LIMIT (a->>'first')::integer FOR UPDATE OF j SKIP LOCKED),
    taken AS (
        UPDATE job j SET owner = a->>'owner', lease_until = lease_end(a), attempts = j.attempts + 1
          FROM free f WHERE j.guild_id = f.guild_id AND j.job_id = f.job_id
        RETURNING j.guild_id, j.job_id, j.due_at)
    SELECT array_agg(t.guild_id ORDER BY t.due_at, t.job_id),
           array_agg(t.job_id ORDER BY t.due_at, t.job_id)
      INTO guilds, ids FROM taken t;
    PERFORM write_result('OK', '{}', jsonb_build_object('created', 0,
                                                        'jobs', job_keys(ids, guilds)));
END $$;

-- The row of one job, locked; NULL and the result written if it is not there, was made before the
-- reset, or is held by somebody else than `owner` (NULL: does not matter).
CREATE FUNCTION job_held(g bigint, id bigint, in_owner text) RETURNS job
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    j    job;
    keys jsonb := jsonb_build_object('jobs', job_keys(ARRAY[id], ARRAY[g]));
    why  text;
BEGIN
    SELECT * INTO j FROM job x WHERE x.guild_id = g AND x.job_id = id FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM write_result('NOT_FOUND', ARRAY['jobId: there is no such job'], '{}');
        RETURN NULL;
    END IF;
    why := CASE WHEN j.finished_at IS NOT NULL THEN format('jobId: the job is %s', j.state)
                WHEN j.created_at < (SELECT t.reset_at FROM guild t WHERE t.guild_id = g)
                THEN 'jobId: the guild was reset since the job was made'
                WHEN in_owner IS NULL THEN NULL
                WHEN j.owner IS NULL THEN 'owner: nobody has claimed the job'
                WHEN j.owner <> in_owner THEN format('owner: the job is claimed by %s', j.owner) END;
    IF why IS NOT NULL THEN
        PERFORM write_result('CONFLICT', ARRAY[why], keys);
        RETURN NULL;
    END IF;
    RETURN j;
END $$;

CREATE FUNCTION claim_job(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g      bigint := (a->>'guildId')::bigint;
    id     bigint := (a->>'jobId')::bigint;
    keys   jsonb := jsonb_build_object('jobs', job_keys(ARRAY[id], ARRAY[g]));
    faults text[] := lease_faults(a);
    j      job;
BEGIN
    IF array_length(faults, 1) > 0 THEN
        PERFORM write_result('INVALID', faults, keys);
        RETURN;
    END IF;
    j := job_held(g, id, NULL);
    IF j.job_id IS NULL THEN
        RETURN;
    ELSIF j.owner <> a->>'owner' AND j.lease_until > now() THEN
        PERFORM write_result('CONFLICT', ARRAY[format('owner: the job is claimed by %s', j.owner)],
                             keys);
        RETURN;
    END IF;
    IF j.expires_at <= now() AND j.state <> 'RECHECKING' AND j.owner IS DISTINCT FROM a->>'owner'
    THEN
        UPDATE job x SET state = 'EXPIRED', finished_at = now(), owner = NULL, lease_until = NULL
         WHERE x.guild_id = g AND x.job_id = id;
        PERFORM write_result('CONFLICT', ARRAY['jobId: the job has expired'], keys);
        RETURN;
    END IF;
    UPDATE job x SET owner = a->>'owner', lease_until = lease_end(a),
           attempts = x.attempts + (x.owner IS DISTINCT FROM a->>'owner')::integer
     WHERE x.guild_id = g AND x.job_id = id;
    PERFORM write_result('OK', '{}', keys);
END $$;

-- Those that were prolonged are given back; the others belong to somebody else or are over. What the
-- owner notes of a job stands beside its lease: it is there for whoever claims the job next.
CREATE FUNCTION heartbeat_jobs(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    faults text[] := array_remove(lease_faults(a) || list_fault(a, 'jobs', 1000), NULL);
    ids    bigint[];
    guilds bigint[];
BEGIN
    IF faults = '{}' THEN
        SELECT coalesce(array_agg(format('jobs[%s].%s', e.n - 1, text_fault(e.v, 'data', 4000))), '{}')
          INTO faults
          FROM jsonb_array_elements(a->'jobs') WITH ORDINALITY AS e(v, n)
         WHERE text_fault(e.v, 'data', 4000) IS NOT NULL;
    END IF;
    IF array_length(faults, 1) > 0 THEN
        PERFORM write_result('INVALID', faults, '{"created": 0}');
        RETURN;
    END IF;
    WITH mine AS (
        SELECT j.guild_id, j.job_id, e->>'data' AS data
          FROM job j JOIN guild t ON t.guild_id = j.guild_id
          JOIN jsonb_array_elements(a->'jobs') e
            ON j.guild_id = (e->>'guildId')::bigint AND j.job_id = (e->>'jobId')::bigint
         WHERE j.owner = a->>'owner' AND coalesce(j.created_at >= t.reset_at, true)
         ORDER BY j.guild_id, j.job_id FOR UPDATE OF j),
    kept AS (
        UPDATE job j SET lease_until = lease_end(a), data = coalesce(m.data, j.data) FROM mine m
         WHERE j.guild_id = m.guild_id AND j.job_id = m.job_id
        RETURNING j.guild_id, j.job_id)
    SELECT array_agg(k.guild_id ORDER BY k.job_id), array_agg(k.job_id ORDER BY k.job_id)
      INTO guilds, ids FROM kept k;
    SELECT array_agg(format('jobs[%s]: is not held by %s', e.n - 1, a->>'owner') ORDER BY e.n)
      INTO faults
      FROM jsonb_array_elements(a->'jobs') WITH ORDINALITY AS e(v, n)
     WHERE NOT EXISTS (SELECT FROM unnest(guilds, ids) AS k(g, j)
                        WHERE k.g = (e.v->>'guildId')::bigint AND k.j = (e.v->>'jobId')::bigint);
    PERFORM write_result(CASE WHEN faults IS NULL THEN 'OK' ELSE 'CONFLICT' END,
                         coalesce(faults, '{}'),
                         jsonb_build_object('created', 0, 'jobs', job_keys(ids, guilds)));
END $$;

-- --- states -----------------------------------------------------------------------------------

-- NULL: may go there; otherwise the fault.
CREATE FUNCTION transition_fault(j job, to_state text) RETURNS text
LANGUAGE sql STABLE SET search_path = presence, pg_temp AS $$
    SELECT CASE WHEN NOT EXISTS (
        SELECT FROM job_transition t WHERE t.from_state = j.state AND t.to_state = $2
           AND CASE j.kind WHEN 'KICK' THEN t.kick ELSE t.others END)
        THEN format('state: a job of kind %s does not go from %s to %s', j.kind, j.state, $2) END
$$;

-- advanceJob: to another open state, by its owner, who may give it back with that.
CREATE FUNCTION advance_job(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g      bigint := (a->>'guildId')::bigint;
    id     bigint := (a->>'jobId')::bigint;
    keys   jsonb := jsonb_build_object('jobs', job_keys(ARRAY[id], ARRAY[g]));
    free   boolean := (a->>'release')::boolean;
    j      job;
    faults text[];
BEGIN
    IF NOT write_begin('advanceJob', g, a) THEN
        RETURN;
    END IF;
    j := job_held(g, id, a->>'owner');
    IF j.job_id IS NULL THEN
        RETURN;
    ELSIF j.lease_until <= now() AND NOT free THEN -- somebody may take over at any moment
        PERFORM write_refuse('advanceJob', g, a, 'CONFLICT', ARRAY['owner: the lease ran out'], keys);
        RETURN;
    END IF;
    faults := array_remove(ARRAY[
        CASE WHEN (SELECT s.final FROM job_state s WHERE s.state = a->>'state')
             THEN 'state: expected QUEUED, WARNED or RECHECKING; finishJob does the rest' END,
        CASE WHEN j.state <> a->>'state' THEN transition_fault(j, a->>'state') END,
        CASE WHEN free AND a->>'state' = 'RECHECKING'
             THEN 'release: RECHECKING is for who holds the job' END], NULL);
    IF array_length(faults, 1) > 0 THEN
        PERFORM write_refuse('advanceJob', g, a, 'INVALID', faults, keys);
        RETURN;
    END IF;
    UPDATE job x SET state = a->>'state',
           due_at = coalesce((a->>'dueAt')::timestamptz, x.due_at),
           owner = CASE WHEN NOT free THEN x.owner END,
           lease_until = CASE WHEN NOT free THEN x.lease_until END
     WHERE x.guild_id = g AND x.job_id = id;
    PERFORM tell('JOB', g, id);
    PERFORM write_end('advanceJob', g, a, caller, keys);
END $$;

CREATE FUNCTION finish_job(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g      bigint := (a->>'guildId')::bigint;
    id     bigint := (a->>'jobId')::bigint;
    keys   jsonb := jsonb_build_object('jobs', job_keys(ARRAY[id], ARRAY[g]));
    failed boolean := a->>'state' = 'FAILED';
    j      job;
    faults text[];
BEGIN
    IF NOT write_begin('finishJob', g, a) THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM job_event e WHERE e.guild_id = g AND e.job_id = id
                  AND e.to_state = a->>'state' AND e.owner = a->>'owner'
                  AND (SELECT s.final FROM job_state s WHERE s.state = e.to_state)) THEN
        PERFORM write_result('OK', '{}', keys || '{"repeated": true}');
        RETURN;
    END IF;
    j := job_held(g, id, a->>'owner');
    IF j.job_id IS NULL THEN
        RETURN;
    END IF;
    faults := array_remove(ARRAY[
        CASE WHEN NOT (SELECT s.final FROM job_state s WHERE s.state = a->>'state')
             THEN 'state: expected a final one; advanceJob does the rest'
             ELSE transition_fault(j, a->>'state') END,
        CASE WHEN failed <> (coalesce(a->>'failure', '') <> '')
             THEN 'failure: expected with FAILED alone' END,
        text_fault(a, 'failure', 512)], NULL);
    IF array_length(faults, 1) > 0 THEN
        PERFORM write_refuse('finishJob', g, a, 'INVALID', faults, keys);
        RETURN;
    END IF;
    UPDATE job x SET state = a->>'state', failure = CASE WHEN failed THEN a->>'failure' END,
           finished_at = clock_timestamp(), owner = NULL, lease_until = NULL
     WHERE x.guild_id = g AND x.job_id = id;
    PERFORM tell('JOB', g, id);
    PERFORM write_end('finishJob', g, a, caller, keys);
END $$;

-- Takes effect whoever holds the job: what he says afterwards is a CONFLICT.
CREATE FUNCTION cancel_jobs(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g    bigint := (a->>'guildId')::bigint;
    ids  bigint[];
BEGIN
    IF NOT write_begin('cancelJobs', g, a) THEN
        RETURN;
    ELSIF coalesce(a->'jobIds', 'null') = 'null' AND coalesce(a->'runId', 'null') = 'null'
          AND coalesce(a->'userId', 'null') = 'null' THEN
        PERFORM write_refuse('cancelJobs', g, a, 'INVALID',
                             ARRAY['expected jobIds, runId or userId'], '{"created": 0}');
        RETURN;
    END IF;
    WITH meant AS (
        SELECT j.job_id FROM job j
         WHERE j.guild_id = g AND j.finished_at IS NULL
           AND (coalesce(a->'jobIds', 'null') = 'null' OR j.job_id = ANY (ids_of(a->'jobIds')))
           AND (coalesce(a->'runId', 'null') = 'null' OR j.run_id = (a->>'runId')::bigint)
           AND (coalesce(a->'userId', 'null') = 'null' OR j.user_id = (a->>'userId')::bigint)
         ORDER BY j.job_id FOR UPDATE),
    over AS (
        UPDATE job j SET state = CASE WHEN (a->>'veto')::boolean THEN 'VETOED' ELSE 'CANCELLED' END,
               finished_at = clock_timestamp(), owner = NULL, lease_until = NULL
          FROM meant m WHERE j.guild_id = g AND j.job_id = m.job_id
        RETURNING j.job_id)
    SELECT array_agg(job_id ORDER BY job_id) INTO ids FROM over;
    IF ids IS NULL THEN
        PERFORM write_refuse('cancelJobs', g, a, 'NOT_FOUND', ARRAY['no open job is meant'],
                             '{"created": 0}');
        RETURN;
    END IF;
    PERFORM tell('JOB', g, id) FROM unnest(ids) AS id;
    PERFORM write_end('cancelJobs', g, a, caller, jsonb_build_object(
        'created', 0, 'jobs', job_keys(ids, array_fill(g, ARRAY[array_length(ids, 1)]))));
END $$;
