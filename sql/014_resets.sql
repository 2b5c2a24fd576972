-- Soft resets move a floor and touch nothing below it; hard resets and erasures delete. Deletion is
-- the owner's right alone: the functions that delete run with it (SECURITY DEFINER) and do only what
-- their names say.

-- --- soft -------------------------------------------------------------------------------------

CREATE FUNCTION move_floor(g bigint) RETURNS void
LANGUAGE sql SET search_path = presence, pg_temp AS $$
    UPDATE guild t SET settings_version = t.settings_version + 1, reset_at = (
        SELECT max(r.reset_at) FROM guild_reset r
         WHERE r.guild_id = g AND r.taken_back_at IS NULL)
     WHERE t.guild_id = g
$$;

CREATE FUNCTION soft_reset(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g bigint := (a->>'guildId')::bigint;
BEGIN
    IF NOT write_begin('softReset', g, a) THEN
        RETURN;
    ELSIF NOT EXISTS (SELECT FROM guild t WHERE t.guild_id = g) THEN
        PERFORM write_refuse('softReset', g, a, 'NOT_FOUND', no_guild(g));
        RETURN;
    END IF;
    -- In whole milliseconds, as all times that leave the service; the later one is above all that was
    -- recorded so far.
    INSERT INTO guild_reset (guild_id, reset_at, reset_by)
    VALUES (g, date_trunc('milliseconds', clock_timestamp()) + interval '1 millisecond',
            (a->>'actorId')::bigint);
    PERFORM move_floor(g);
    PERFORM tell('RESET', g, g);
    PERFORM write_end('softReset', g, a, caller, jsonb_build_object('guildId', g));
END $$;

CREATE FUNCTION take_back_reset(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g bigint := (a->>'guildId')::bigint;
BEGIN
    IF NOT write_begin('takeBackReset', g, a) THEN
        RETURN;
    END IF;
    UPDATE guild_reset r SET taken_back_at = greatest(clock_timestamp(), r.reset_at),
           taken_back_by = (a->>'actorId')::bigint
      FROM guild t
     WHERE t.guild_id = g AND r.guild_id = g AND r.reset_at = t.reset_at;
    IF NOT FOUND THEN
        PERFORM write_refuse('takeBackReset', g, a, 'NOT_FOUND',
                             ARRAY['guildId: the guild has no reset to take back']);
        RETURN;
    END IF;
    PERFORM move_floor(g);
    PERFORM tell('RESET', g, g);
    PERFORM write_end('takeBackReset', g, a, caller, jsonb_build_object('guildId', g));
END $$;

-- --- what hangs on what -----------------------------------------------------------------------

-- In $1 the guild, in $2 the member, user or channel. Rows of `again` are put back as they were
-- catalogued, with nothing that was recorded since.
CREATE TABLE erasure (
    type       text NOT NULL CHECK (type IN ('GUILD', 'MEMBER', 'CHANNEL')),
    step       integer NOT NULL,
    relation   text NOT NULL,
    condition  text NOT NULL,
    again      text[],                   -- the columns that are put back
    always     boolean NOT NULL DEFAULT true, -- false: kept where the rows are put back
    PRIMARY KEY (type, step)
);

INSERT INTO erasure (type, step, relation, condition)
SELECT 'GUILD', row_number() OVER (), t, 'guild_id = $1'
  FROM unnest(ARRAY['last_seen', 'activity', 'voice_session', 'coverage', 'setting',
                    'setting_history', 'exemption', 'absence', 'decision', 'job_event', 'job',
                    'guild_reset', 'request']) t;
INSERT INTO erasure VALUES ('GUILD', 20, 'audit', 'guild_id = $1', NULL, false);
INSERT INTO erasure (type, step, relation, condition, again) VALUES
    ('GUILD', 21, 'member', 'guild_id = $1',
     '{guild_id,user_id,at,roster_at,left_at,joined_at,premium_since,timeout_until,avatar_hash,flags,bot,pending,username,global_name,nick,roles}'),
    ('GUILD', 22, 'channel', 'guild_id = $1',
     '{guild_id,channel_id,at,gone_at,type,name,parent_id,owner_id,last_message_id,position,flags,archived,locked,overwrites}'),
    ('GUILD', 23, 'role', 'guild_id = $1',
     '{guild_id,role_id,at,gone_at,name,position,permissions,managed}'),
    ('GUILD', 24, 'guild', 'guild_id = $1',
     '{guild_id,lane,at,available,left_at,name,owner_id,afk_channel_id,system_channel_id,locale,member_count,bot_joined_at,roster_at}'),
    ('MEMBER', 1, 'last_seen', 'guild_id = $1 AND user_id = $2', NULL),
    ('MEMBER', 2, 'activity', 'guild_id = $1 AND user_id = $2', NULL),
    ('MEMBER', 3, 'voice_session', 'guild_id = $1 AND user_id = $2', NULL),
    ('MEMBER', 4, 'exemption', 'guild_id = $1 AND target = ''USER'' AND target_id = $2', NULL),
    ('MEMBER', 5, 'absence', 'guild_id = $1 AND user_id = $2', NULL),
    ('MEMBER', 6, 'decision', 'guild_id = $1 AND user_id = $2', NULL),
    ('MEMBER', 7, 'job_event', 'guild_id = $1 AND job_id IN (SELECT j.job_id FROM presence.job j'
                               ' WHERE j.guild_id = $1 AND j.user_id = $2)', NULL),
    ('MEMBER', 8, 'job', 'guild_id = $1 AND user_id = $2', NULL),
    ('MEMBER', 9, 'member', 'guild_id = $1 AND user_id = $2',
     '{guild_id,user_id,at,roster_at,left_at,joined_at,premium_since,timeout_until,avatar_hash,flags,bot,pending,username,global_name,nick,roles}'),
    ('CHANNEL', 1, 'activity', 'guild_id = $1 AND channel_id = $2', NULL),
    ('CHANNEL', 2, 'voice_session', 'guild_id = $1 AND channel_id = $2', NULL),
    ('CHANNEL', 3, 'decision', 'guild_id = $1 AND channel_id = $2', NULL),
    ('CHANNEL', 4, 'job_event', 'guild_id = $1 AND job_id IN (SELECT j.job_id FROM presence.job j'
                                ' WHERE j.guild_id = $1 AND j.channel_id = $2)', NULL),
    ('CHANNEL', 5, 'job', 'guild_id = $1 AND channel_id = $2', NULL),
    ('CHANNEL', 6, 'channel', 'guild_id = $1 AND channel_id = $2',
     '{guild_id,channel_id,at,gone_at,type,name,parent_id,owner_id,last_message_id,position,flags,archived,locked,overwrites}');

-- Returns [{"relation", "rows", "again"}, ...] of what was (or, on trial, would be) deleted.
CREATE FUNCTION erase(in_type text, g bigint, id bigint, readd boolean, trial boolean) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = presence, pg_temp AS $$
DECLARE
    e    erasure;
    n    bigint;
    done jsonb := '[]';
BEGIN
    PERFORM set_config('presence.erasing', 'on', true);
    FOR e IN SELECT * FROM erasure x WHERE x.type = in_type ORDER BY x.step LOOP
        CONTINUE WHEN readd AND NOT e.always;
        IF trial THEN
            EXECUTE format('SELECT count(*) FROM presence.%I WHERE %s', e.relation, e.condition)
               INTO n USING g, id;
        ELSIF readd AND e.again IS NOT NULL THEN
            EXECUTE format('WITH d AS (DELETE FROM presence.%1$I WHERE %2$s RETURNING *)'
                           ' INSERT INTO presence.%1$I (%3$s) SELECT %3$s FROM d',
                           e.relation, e.condition, array_to_string(e.again, ', ')) USING g, id;
            GET DIAGNOSTICS n = ROW_COUNT;
        ELSE
            EXECUTE format('DELETE FROM presence.%I WHERE %s', e.relation, e.condition) USING g, id;
            GET DIAGNOSTICS n = ROW_COUNT;
        END IF;
        done := done || jsonb_build_object('relation', e.relation, 'rows', n,
                                           'again', readd AND e.again IS NOT NULL);
    END LOOP;
    IF in_type = 'CHANNEL' AND NOT trial THEN
        UPDATE last_seen l SET last_channel = NULL WHERE l.guild_id = g AND l.last_channel = id;
    END IF;
    RETURN done;
END $$;

-- No index begins with the user, for it would have to be kept at every write. The large tables are
-- asked guild by guild, each by its key: as many look-ups as there are guilds, whatever their size.
CREATE FUNCTION guilds_of_user(u bigint) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = presence, pg_temp AS $$
    WITH RECURSIVE m AS (
        SELECT min(guild_id) AS g FROM member
         UNION ALL
        SELECT (SELECT min(t.guild_id) FROM member t WHERE t.guild_id > m.g)
          FROM m WHERE m.g IS NOT NULL
    ), l AS (
        SELECT min(guild_id) AS g FROM last_seen
         UNION ALL
        SELECT (SELECT min(t.guild_id) FROM last_seen t WHERE t.guild_id > l.g)
          FROM l WHERE l.g IS NOT NULL
    ), d AS (
        SELECT min(guild_id) AS g FROM decision
         UNION ALL
        SELECT (SELECT min(t.guild_id) FROM decision t WHERE t.guild_id > d.g)
          FROM d WHERE d.g IS NOT NULL
    )
    SELECT array_agg(x.g ORDER BY x.g) FROM (
        SELECT m.g FROM m, LATERAL (SELECT FROM member t
                                     WHERE t.guild_id = m.g AND t.user_id = u LIMIT 1) t
         UNION
        SELECT l.g FROM l, LATERAL (SELECT FROM last_seen t
                                     WHERE t.guild_id = l.g AND t.user_id = u LIMIT 1) t
         UNION
        SELECT d.g FROM d, LATERAL (SELECT FROM decision t
                                     WHERE t.guild_id = d.g AND t.user_id = u LIMIT 1) t
         UNION SELECT guild_id FROM exemption WHERE target = 'USER' AND target_id = u
         UNION SELECT guild_id FROM absence WHERE user_id = u
         UNION SELECT guild_id FROM job WHERE user_id = u) x
$$;

-- Where the user acted rather than was acted upon, or is named in a text: the deed stays, the id
-- becomes null, in a text 0. Returns how many such places there are (at least one, on trial). A user
-- may be named anywhere in a text, so this reads these tables as a whole.
CREATE FUNCTION forget_actor(u bigint, trial boolean) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = presence, pg_temp AS $$
DECLARE
    mention text := '\m' || snowflake(u) || '\M';
    place   record;
    n       bigint;
    done    bigint := 0;
BEGIN
    PERFORM set_config('presence.erasing', 'on', true);
    FOR place IN
        SELECT c.relname, a.attname, a.atttypid::regtype::text AS type,
               a.atttypid = 'bigint'::regtype AS id
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'presence'::regnamespace AND c.relkind IN ('r', 'p')
           AND NOT c.relispartition AND NOT a.attisdropped
           AND a.attname IN ('changed_by', 'added_by', 'set_by', 'approved_by', 'actor_id',
                             'created_by', 'reset_by', 'taken_back_by', 'owner_id',
                             'reason', 'failure', 'evidence', 'overwrites', 'detail')
    LOOP
        EXECUTE format(CASE
            WHEN trial AND place.id THEN 'SELECT FROM %1$I WHERE %2$I = $1 LIMIT 1'
            WHEN trial THEN 'SELECT FROM %1$I WHERE %2$I::text ~ $2 LIMIT 1'
            WHEN place.id THEN 'UPDATE %1$I SET %2$I = NULL WHERE %2$I = $1'
            ELSE 'UPDATE %1$I SET %2$I = regexp_replace(%2$I::text, $2, ''0'', ''g'')::%3$s'
                 ' WHERE %2$I::text ~ $2' END, place.relname, place.attname, place.type)
          USING u, mention;
        GET DIAGNOSTICS n = ROW_COUNT;
        done := done + n;
        EXIT WHEN trial AND n > 0;
    END LOOP;
    IF NOT trial THEN
        DELETE FROM request WHERE result::text ~ mention;
    END IF;
    RETURN done;
END $$;

-- A user in every guild. What was erased is listed per relation over all of them.
CREATE FUNCTION erase_everywhere(u bigint, readd boolean, trial boolean) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = presence, pg_temp AS $$
DECLARE
    g    bigint;
    done jsonb := '[]';
BEGIN
    FOREACH g IN ARRAY coalesce(guilds_of_user(u), '{}') LOOP
        PERFORM lock_guild(g);
        done := done || erase('MEMBER', g, u, readd, trial);
    END LOOP;
    IF NOT readd AND NOT trial THEN
        PERFORM forget_actor(u, false);
    END IF;
    RETURN coalesce((SELECT jsonb_agg(jsonb_build_object('relation', x.relation, 'rows', x.rows,
                                                         'again', x.again) ORDER BY x.relation)
                       FROM (SELECT e->>'relation' AS relation, sum((e->>'rows')::bigint) AS rows,
                                    bool_or((e->>'again')::boolean) AS again
                               FROM jsonb_array_elements(done) e GROUP BY 1) x), '[]');
END $$;

REVOKE EXECUTE ON FUNCTION erase, guilds_of_user, forget_actor, erase_everywhere FROM PUBLIC;

-- --- mutations --------------------------------------------------------------------------------

-- What is to be erased must be there, and name its guild where it needs one.
CREATE FUNCTION hard_reset_fault(a jsonb, g bigint, id bigint) RETURNS text[]
LANGUAGE sql SET search_path = presence, pg_temp AS $$
    SELECT CASE
        WHEN a->>'type' IN ('MEMBER', 'CHANNEL') AND a->>'guildId' IS NULL
        THEN ARRAY['INVALID', 'guildId: expected for MEMBER and CHANNEL']
        WHEN a->>'type' IN ('GUILD', 'USER') AND a->>'guildId' IS NOT NULL
        THEN ARRAY['INVALID', 'guildId: expected for MEMBER and CHANNEL alone']
        WHEN NOT CASE a->>'type'
                 WHEN 'GUILD' THEN EXISTS (SELECT FROM guild t WHERE t.guild_id = id)
                 WHEN 'CHANNEL' THEN EXISTS (SELECT FROM channel t
                                              WHERE t.guild_id = g AND t.channel_id = id)
                 WHEN 'MEMBER' THEN EXISTS (SELECT FROM member t
                                             WHERE t.guild_id = g AND t.user_id = id)
                 ELSE guilds_of_user(id) IS NOT NULL OR forget_actor(id, true) > 0 END
        THEN ARRAY['NOT_FOUND', 'id: nothing is known of it'] END
$$;

CREATE FUNCTION hard_reset(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    kind  text := a->>'type';
    id    bigint := (a->>'id')::bigint;
    g     bigint := CASE kind WHEN 'GUILD' THEN (a->>'id')::bigint WHEN 'USER' THEN 0
                         ELSE coalesce((a->>'guildId')::bigint, 0) END;
    readd boolean := (a->>'readd')::boolean;
    trial boolean := (a->>'dryRun')::boolean;
    fault text[];
    done  jsonb;
BEGIN
    IF NOT write_begin('hardReset', g, a) THEN
        RETURN;
    END IF;
    fault := hard_reset_fault(a, g, id);
    IF fault IS NOT NULL THEN
        PERFORM write_refuse('hardReset', g, a, fault[1], fault[2:2], '{"cascade": []}');
        RETURN;
    END IF;
    done := CASE kind WHEN 'USER' THEN erase_everywhere(id, readd, trial)
                      ELSE erase(kind, g, id, readd, trial) END;
    IF trial THEN
        PERFORM write_result('OK', '{}', jsonb_build_object('cascade', done));
        RETURN;
    END IF;
    PERFORM tell(CASE WHEN kind = 'USER' THEN 'USER_ERASED' WHEN kind = 'MEMBER' THEN 'MEMBER_DELETED'
                      WHEN kind = 'GUILD' AND NOT readd THEN 'GUILD_DELETED' ELSE 'RESET' END, g, id);
    PERFORM write_end('hardReset', g, a, caller, jsonb_build_object('cascade', done),
                      CASE WHEN kind = 'USER' AND NOT readd THEN '{"type": "USER"}'::jsonb END,
                      CASE WHEN kind = 'USER' AND NOT readd THEN id END);
END $$;

-- eraseUser, deleteGuild and deleteMember: nothing comes back.
CREATE FUNCTION erase_for_good(operation text, kind text, g bigint, id bigint, a jsonb,
                               caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    fault text[];
    done  jsonb;
BEGIN
    IF NOT write_begin(operation, g, a) THEN
        RETURN;
    END IF;
    fault := hard_reset_fault(
        jsonb_build_object('type', kind)
        || CASE kind WHEN 'MEMBER' THEN jsonb_build_object('guildId', g) ELSE '{}' END, g, id);
    IF fault IS NOT NULL THEN
        PERFORM write_refuse(operation, g, a, fault[1], ARRAY[format(
            '%s: nothing is known of it', CASE kind WHEN 'GUILD' THEN 'guildId' ELSE 'userId' END)],
            '{"cascade": []}');
        RETURN;
    END IF;
    done := CASE kind WHEN 'USER' THEN erase_everywhere(id, false, false)
                      ELSE erase(kind, g, id, false, false) END;
    PERFORM tell(CASE kind WHEN 'USER' THEN 'USER_ERASED' WHEN 'MEMBER' THEN 'MEMBER_DELETED'
                           ELSE 'GUILD_DELETED' END, g, id);
    PERFORM write_end(operation, g, a, caller, jsonb_build_object('cascade', done),
                      CASE kind WHEN 'USER' THEN '{}'::jsonb END, CASE kind WHEN 'USER' THEN id END);
END $$;

CREATE FUNCTION erase_user(a jsonb, caller text) RETURNS void
LANGUAGE sql AS $$
    SELECT presence.erase_for_good('eraseUser', 'USER', 0, (a->>'userId')::bigint, a, caller)
$$;

CREATE FUNCTION delete_guild(a jsonb, caller text) RETURNS void
LANGUAGE sql AS $$
    SELECT presence.erase_for_good('deleteGuild', 'GUILD', (a->>'guildId')::bigint,
                                   (a->>'guildId')::bigint, a, caller)
$$;

CREATE FUNCTION delete_member(a jsonb, caller text) RETURNS void
LANGUAGE sql AS $$
    SELECT presence.erase_for_good('deleteMember', 'MEMBER', (a->>'guildId')::bigint,
                                   (a->>'userId')::bigint, a, caller)
$$;
