-- Guilds, members, channels and roles for scripts; exemptions, absences, decisions.

-- --- one guild, one member --------------------------------------------------------------------

CREATE FUNCTION update_guild(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g bigint := (a->>'guildId')::bigint;
    p jsonb := a->'patch';
BEGIN
    IF NOT write_begin('updateGuild', g, a) THEN
        RETURN;
    END IF;
    UPDATE guild t SET
        at = greatest(t.at, now()),
        name = CASE WHEN p ? 'name' THEN p->>'name' ELSE t.name END,
        owner_id = CASE WHEN p ? 'ownerId' THEN (p->>'ownerId')::bigint ELSE t.owner_id END,
        afk_channel_id = CASE WHEN p ? 'afkChannelId' THEN (p->>'afkChannelId')::bigint
                              ELSE t.afk_channel_id END,
        system_channel_id = CASE WHEN p ? 'systemChannelId' THEN (p->>'systemChannelId')::bigint
                                 ELSE t.system_channel_id END,
        locale = CASE WHEN p ? 'locale' THEN p->>'locale' ELSE t.locale END,
        member_count = CASE WHEN p ? 'memberCount' THEN (p->>'memberCount')::integer
                            ELSE t.member_count END,
        bot_joined_at = CASE WHEN p ? 'botJoinedAt' THEN (p->>'botJoinedAt')::timestamptz
                             ELSE t.bot_joined_at END
     WHERE t.guild_id = g;
    IF NOT FOUND THEN
        PERFORM write_refuse('updateGuild', g, a, 'NOT_FOUND', no_guild(g));
        RETURN;
    END IF;
    PERFORM write_end('updateGuild', g, a, caller, jsonb_build_object('guildId', g));
END $$;

-- Which fields an input object of a member holds: the mask of batch_members.
CREATE FUNCTION member_mask(m jsonb) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT (m ? 'username')::integer + 2 * (m ? 'globalName')::integer
         + 4 * (m ? 'nick')::integer + 8 * (m ? 'roles')::integer
         + 16 * (m ? 'joinedAt')::integer + 32 * (m ? 'premiumSince')::integer
         + 64 * (m ? 'timeoutUntil')::integer + 128 * (m ? 'pending')::integer
         + 256 * (m ? 'flags')::integer + 512 * (m ? 'avatarHash')::integer
$$;

-- members: an array of MemberInput, at most one per member.
CREATE FUNCTION put_members(members jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    PERFORM batch_members(
        array_agg(x.g), array_agg(x.u), array_agg((x.m->>'at')::timestamptz),
        array_agg(member_mask(x.m)), array_agg((x.m->>'bot')::boolean),
        array_agg((x.m->>'onRoster')::boolean), array_agg(x.m->>'username'),
        array_agg(x.m->>'globalName'), array_agg(x.m->>'nick'),
        array_agg(ids_of(x.m->'roles')::text), array_agg((x.m->>'joinedAt')::timestamptz),
        array_agg((x.m->>'premiumSince')::timestamptz),
        array_agg((x.m->>'timeoutUntil')::timestamptz), array_agg((x.m->>'pending')::boolean),
        array_agg((x.m->>'flags')::integer), array_agg((x.m->>'avatarHash')::bigint),
        array_agg((x.m->>'lastEditAt')::timestamptz))
      FROM (SELECT (m->>'guildId')::bigint AS g, (m->>'userId')::bigint AS u, m
              FROM jsonb_array_elements(members) m ORDER BY 1, 2) x;
END $$;

-- What a patch says of the member alone, in place: true if there is such a member. `bot` and `onRoster`
-- reach further than one row; put_members is for them.
CREATE FUNCTION patch_member(g bigint, u bigint, p jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE presence.member m SET
        at = greatest(m.at, now()),
        username = CASE WHEN p ? 'username' THEN p->>'username' ELSE m.username END,
        global_name = CASE WHEN p ? 'globalName' THEN p->>'globalName' ELSE m.global_name END,
        nick = CASE WHEN p ? 'nick' THEN p->>'nick' ELSE m.nick END,
        roles = CASE WHEN p ? 'roles' THEN presence.ids_of(p->'roles') ELSE m.roles END,
        joined_at = CASE WHEN p ? 'joinedAt' THEN (p->>'joinedAt')::timestamptz
                         ELSE m.joined_at END,
        premium_since = CASE WHEN p ? 'premiumSince' THEN (p->>'premiumSince')::timestamptz
                             ELSE m.premium_since END,
        timeout_until = CASE WHEN p ? 'timeoutUntil' THEN (p->>'timeoutUntil')::timestamptz
                             ELSE m.timeout_until END,
        pending = CASE WHEN p ? 'pending' THEN (p->>'pending')::boolean ELSE m.pending END,
        flags = CASE WHEN p ? 'flags' THEN (p->>'flags')::integer ELSE m.flags END
     WHERE m.guild_id = g AND m.user_id = u;
    RETURN FOUND;
END $$;

CREATE FUNCTION update_member(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g bigint := (a->>'guildId')::bigint;
    u bigint := (a->>'userId')::bigint;
    p jsonb := a->'patch';
BEGIN
    IF NOT write_begin('updateMember', g, a) THEN
        RETURN;
    END IF;
    IF NOT patch_member(g, u, p) THEN
        PERFORM write_refuse('updateMember', g, a, 'NOT_FOUND', ARRAY[format(
            'userId: no member %s of guild %s is known', snowflake(u), snowflake(g))]);
        RETURN;
    END IF;
    IF p ?| ARRAY['bot', 'onRoster'] THEN
        PERFORM put_members(jsonb_build_array(
            p || jsonb_build_object('guildId', g, 'userId', u, 'at', now())));
    END IF;
    PERFORM tell('MEMBER', g, u);
    PERFORM write_end('updateMember', g, a, caller, jsonb_build_object('guildId', g, 'userId', u));
END $$;

-- --- many at once -----------------------------------------------------------------------------

-- A key that stands twice, or a list that is too long or empty.
CREATE FUNCTION rows_fault(a jsonb, name text, id text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN coalesce(presence.list_fault(a, name, 5000),
        (SELECT format('%s[%s]: stands twice', name, max(e.n) - 1)
           FROM jsonb_array_elements(a->name) WITH ORDINALITY AS e(v, n)
          GROUP BY e.v->'guildId', e.v->id HAVING count(*) > 1 LIMIT 1));
END $$;

-- true: go on.
CREATE FUNCTION upsert_begin(operation text, a jsonb, name text, id text) RETURNS boolean
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    fault text := rows_fault(a, name, id);
BEGIN
    IF NOT write_begin(operation, 0, a) THEN
        RETURN false;
    ELSIF fault IS NOT NULL THEN
        PERFORM write_refuse(operation, 0, a, 'INVALID', ARRAY[fault], '{"rows": 0}');
        RETURN false;
    END IF;
    RETURN true;
END $$;

CREATE FUNCTION upsert_end(operation text, a jsonb, name text, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    rows jsonb := jsonb_build_object('rows', jsonb_array_length(a->name));
BEGIN
    PERFORM write_end(operation, 0, a, caller, rows, rows);
END $$;

CREATE FUNCTION upsert_members(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    IF upsert_begin('upsertMembers', a, 'members', 'userId') THEN
        PERFORM put_members(a->'members');
        PERFORM upsert_end('upsertMembers', a, 'members', caller);
    END IF;
END $$;

-- Arrays as batch_guilds and its like take them; `left` and `gone` are the last known state there.
CREATE FUNCTION upsert_guilds(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    IF NOT upsert_begin('upsertGuilds', a, 'guilds', 'guildId') THEN
        RETURN;
    END IF;
    PERFORM batch_guilds(
        guild_lane((e->>'guildId')::bigint), ARRAY[(e->>'guildId')::bigint],
        ARRAY[(e->>'at')::timestamptz],
        ARRAY[(e ? 'name')::integer + 2 * (e ? 'ownerId')::integer
              + 4 * (e ? 'afkChannelId')::integer + 8 * (e ? 'systemChannelId')::integer
              + 16 * (e ? 'locale')::integer + 32 * (e ? 'memberCount')::integer
              + 64 * (e ? 'botJoinedAt')::integer],
        ARRAY[(e->>'available')::boolean], ARRAY[(e->>'left')::boolean], ARRAY[e->>'name'],
        ARRAY[(e->>'ownerId')::bigint], ARRAY[(e->>'afkChannelId')::bigint],
        ARRAY[(e->>'systemChannelId')::bigint], ARRAY[e->>'locale'],
        ARRAY[(e->>'memberCount')::integer], ARRAY[(e->>'botJoinedAt')::timestamptz])
       FROM (SELECT e FROM jsonb_array_elements(a->'guilds') e
              ORDER BY (e->>'guildId')::bigint) x;
    PERFORM upsert_end('upsertGuilds', a, 'guilds', caller);
END $$;

CREATE FUNCTION upsert_channels(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    IF NOT upsert_begin('upsertChannels', a, 'channels', 'channelId') THEN
        RETURN;
    END IF;
    PERFORM batch_channels(
        array_agg((e->>'guildId')::bigint), array_agg((e->>'channelId')::bigint),
        array_agg((e->>'at')::timestamptz),
        array_agg((e ? 'type')::integer + 2 * (e ? 'name')::integer
                  + 4 * (e ? 'parentId')::integer + 8 * (e ? 'ownerId')::integer
                  + 16 * (e ? 'lastMessageId')::integer + 32 * (e ? 'position')::integer
                  + 64 * (e ? 'flags')::integer + 128 * (e ? 'archived')::integer
                  + 256 * (e ? 'locked')::integer + 512 * (e ? 'overwrites')::integer),
        array_agg((e->>'gone')::boolean), array_agg((e->>'type')::integer),
        array_agg(e->>'name'), array_agg((e->>'parentId')::bigint),
        array_agg((e->>'ownerId')::bigint), array_agg((e->>'lastMessageId')::bigint),
        array_agg((e->>'position')::integer), array_agg((e->>'flags')::integer),
        array_agg((e->>'archived')::boolean), array_agg((e->>'locked')::boolean),
        array_agg(e->>'overwrites'))
       FROM (SELECT e FROM jsonb_array_elements(a->'channels') e
              ORDER BY (e->>'guildId')::bigint, (e->>'channelId')::bigint) x;
    PERFORM upsert_end('upsertChannels', a, 'channels', caller);
END $$;

CREATE FUNCTION upsert_roles(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    IF NOT upsert_begin('upsertRoles', a, 'roles', 'roleId') THEN
        RETURN;
    END IF;
    PERFORM batch_roles(
        array_agg((e->>'guildId')::bigint), array_agg((e->>'roleId')::bigint),
        array_agg((e->>'at')::timestamptz),
        array_agg((e ? 'name')::integer + 2 * (e ? 'position')::integer
                  + 4 * (e ? 'permissions')::integer + 8 * (e ? 'managed')::integer),
        array_agg((e->>'gone')::boolean), array_agg(e->>'name'),
        array_agg((e->>'position')::integer), array_agg((e->>'permissions')::bigint),
        array_agg((e->>'managed')::boolean))
       FROM (SELECT e FROM jsonb_array_elements(a->'roles') e
              ORDER BY (e->>'guildId')::bigint, (e->>'roleId')::bigint) x;
    PERFORM upsert_end('upsertRoles', a, 'roles', caller);
END $$;

-- --- exemptions -------------------------------------------------------------------------------

CREATE FUNCTION add_exemption(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g      bigint := (a->>'guildId')::bigint;
    keys   jsonb := jsonb_build_object('guildId', g, 'target', a->>'target', 'targetId', a->'targetId');
    faults text[] := array_remove(ARRAY[
        CASE WHEN (a->>'until')::timestamptz <= now() THEN 'until: expected a time to come' END,
        text_fault(a, 'reason', 512)], NULL);
BEGIN
    IF NOT write_begin('addExemption', g, a) THEN
        RETURN;
    ELSIF array_length(faults, 1) > 0 THEN
        PERFORM write_refuse('addExemption', g, a, 'INVALID', faults, keys);
        RETURN;
    ELSIF NOT EXISTS (SELECT FROM guild t WHERE t.guild_id = g) THEN
        PERFORM write_refuse('addExemption', g, a, 'NOT_FOUND', no_guild(g), keys);
        RETURN;
    ELSIF (SELECT count(*) FROM exemption_in_force e
            WHERE e.guild_id = g AND e.target = a->>'target'
              AND e.target_id <> (a->>'targetId')::bigint) >= exemption_limit(a->>'target') THEN
        PERFORM write_refuse('addExemption', g, a, 'LIMIT', ARRAY[format(
            'target: there are %s exemptions of this kind, which is the limit',
            exemption_limit(a->>'target'))], keys);
        RETURN;
    END IF;
    INSERT INTO exemption AS e (guild_id, target, target_id, until, reason, added_by)
    VALUES (g, a->>'target', (a->>'targetId')::bigint, (a->>'until')::timestamptz, a->>'reason',
            (a->>'actorId')::bigint)
        ON CONFLICT (guild_id, target, target_id) DO UPDATE
       SET until = excluded.until, reason = excluded.reason, added_at = now(),
           added_by = excluded.added_by;
    PERFORM tell('EXEMPTION', g, (a->>'targetId')::bigint);
    PERFORM write_end('addExemption', g, a, caller, keys);
END $$;

CREATE FUNCTION remove_exemption(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g    bigint := (a->>'guildId')::bigint;
    keys jsonb := jsonb_build_object('guildId', g, 'target', a->>'target', 'targetId', a->'targetId');
BEGIN
    IF NOT write_begin('removeExemption', g, a) THEN
        RETURN;
    END IF;
    DELETE FROM exemption e WHERE e.guild_id = g AND e.target = a->>'target'
       AND e.target_id = (a->>'targetId')::bigint;
    IF NOT FOUND THEN
        PERFORM write_refuse('removeExemption', g, a, 'NOT_FOUND',
                             ARRAY['targetId: there is no such exemption'], keys);
        RETURN;
    END IF;
    PERFORM tell('EXEMPTION', g, (a->>'targetId')::bigint);
    PERFORM write_end('removeExemption', g, a, caller, keys);
END $$;

-- --- absences ---------------------------------------------------------------------------------

-- code and text of what stands against it; no row: nothing.
CREATE FUNCTION absence_fault(g bigint, u bigint, f timestamptz, t timestamptz, v jsonb)
RETURNS TABLE (code text, fault text)
LANGUAGE plpgsql STABLE SET search_path = presence, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT 'INVALID', 'until: expected a time to come, after from'
     WHERE t <= f OR t <= now()
    UNION ALL
    SELECT 'INVALID', format('until: expected at most %s seconds (away_max) after from',
                             v->>'away_max')
     WHERE extract(epoch FROM t - f) > (v->>'away_max')::numeric
    UNION ALL
    SELECT 'CONFLICT', 'from: the member has an absence in that time already'
     WHERE EXISTS (SELECT FROM absence_in_force x
                    WHERE x.guild_id = g AND x.user_id = u AND x.from_at < t AND f < x.until_at)
    UNION ALL
    SELECT 'LIMIT', format('userId: there are %s absences (away_per_year) in 365 days',
                           v->>'away_per_year')
     WHERE (SELECT count(*) FROM absence x
             WHERE x.guild_id = g AND x.user_id = u AND x.from_at > f - interval '365 days'
               AND x.set_at >= coalesce((SELECT r.reset_at FROM guild r WHERE r.guild_id = g),
                                        '-infinity'))
           >= (v->>'away_per_year')::integer
     LIMIT 1;
END $$;

CREATE FUNCTION set_absence(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g     bigint := (a->>'guildId')::bigint;
    u     bigint := (a->>'userId')::bigint;
    actor bigint := (a->>'actorId')::bigint;
    f     timestamptz := coalesce((a->>'from')::timestamptz, now());
    v     jsonb := settings_of(g);
    wrong record;
    alone boolean;
    id    bigint;
BEGIN
    IF NOT write_begin('setAbsence', g, a) THEN
        RETURN;
    ELSIF NOT EXISTS (SELECT FROM member m WHERE m.guild_id = g AND m.user_id = u) THEN
        PERFORM write_refuse('setAbsence', g, a, 'NOT_FOUND', ARRAY[format(
            'userId: no member %s of guild %s is known', snowflake(u), snowflake(g))]);
        RETURN;
    END IF;
    SELECT * INTO wrong FROM absence_fault(g, u, f, (a->>'until')::timestamptz, v);
    IF NOT FOUND AND text_fault(a, 'reason', 512) IS NOT NULL THEN
        SELECT 'INVALID' AS code, text_fault(a, 'reason', 512) AS fault INTO wrong;
    END IF;
    IF wrong.code IS NOT NULL THEN
        PERFORM write_refuse('setAbsence', g, a, wrong.code, ARRAY[wrong.fault]);
        RETURN;
    END IF;
    alone := (v->>'away_approval')::boolean AND actor IS NOT DISTINCT FROM u;
    INSERT INTO absence (guild_id, user_id, from_at, until_at, reason, set_by, approved_at,
                         approved_by)
    VALUES (g, u, f, (a->>'until')::timestamptz, a->>'reason', actor,
            CASE WHEN NOT alone THEN now() END, CASE WHEN NOT alone THEN actor END)
    RETURNING absence_id INTO id;
    PERFORM tell('ABSENCE', g, u);
    PERFORM write_end('setAbsence', g, a, caller, jsonb_build_object('guildId', g, 'absenceId', id));
END $$;

-- approveAbsence and endAbsence: of one that is in force or to come.
CREATE FUNCTION change_absence(operation text, a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g     bigint := (a->>'guildId')::bigint;
    actor bigint := (a->>'actorId')::bigint;
    x     absence;
    keys  jsonb := jsonb_build_object('guildId', g, 'absenceId', a->'absenceId');
    wrong text;
BEGIN
    IF NOT write_begin(operation, g, a) THEN
        RETURN;
    END IF;
    SELECT * INTO x FROM absence_in_force e
     WHERE e.guild_id = g AND e.absence_id = (a->>'absenceId')::bigint;
    IF NOT FOUND THEN
        PERFORM write_refuse(operation, g, a, 'NOT_FOUND',
                             ARRAY['absenceId: there is no absence in force of this id']);
        RETURN;
    END IF;
    wrong := CASE WHEN operation = 'endAbsence' THEN NULL
                  WHEN x.approved_at IS NOT NULL THEN 'absenceId: it is approved already'
                  WHEN actor = x.user_id THEN 'actorId: nobody approves the own absence' END;
    IF wrong IS NOT NULL THEN
        PERFORM write_refuse(operation, g, a, 'CONFLICT', ARRAY[wrong], keys);
        RETURN;
    END IF;
    UPDATE absence e
       SET approved_at = CASE WHEN operation = 'endAbsence' THEN e.approved_at ELSE now() END,
           approved_by = CASE WHEN operation = 'endAbsence' THEN e.approved_by ELSE actor END,
           ended_at = CASE WHEN operation = 'endAbsence' THEN now() END
     WHERE e.guild_id = g AND e.absence_id = x.absence_id;
    PERFORM tell('ABSENCE', g, x.user_id);
    PERFORM write_end(operation, g, a, caller, keys);
END $$;

CREATE FUNCTION approve_absence(a jsonb, caller text) RETURNS void
LANGUAGE sql AS $$ SELECT presence.change_absence('approveAbsence', a, caller) $$;

CREATE FUNCTION end_absence(a jsonb, caller text) RETURNS void
LANGUAGE sql AS $$ SELECT presence.change_absence('endAbsence', a, caller) $$;

-- --- decisions --------------------------------------------------------------------------------

CREATE FUNCTION decision_faults(a jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = presence, pg_temp AS $$
BEGIN
    RETURN CASE WHEN list_fault(a, 'decisions', 500) IS NOT NULL
                THEN ARRAY[list_fault(a, 'decisions', 500)]
                ELSE (SELECT array_agg(format('decisions[%s].%s', d.n - 1, f.fault) ORDER BY d.n)
                        FROM jsonb_array_elements(a->'decisions') WITH ORDINALITY AS d(e, n),
                             LATERAL (VALUES
                                (CASE WHEN coalesce(d.e->'userId', 'null') = 'null'
                                           AND coalesce(d.e->'channelId', 'null') = 'null'
                                      THEN 'userId: expected whom it concerns, or channelId' END),
                                (text_fault(d.e, 'reason', 512)), (text_fault(d.e, 'rule', 100)),
                                (CASE WHEN NOT evidence_good(d.e->'evidence')
                                      THEN 'evidence: expected at most 32 acts and protections,'
                                           ' 16384 characters in all' END)) AS f(fault)
                       WHERE f.fault IS NOT NULL) END;
END $$;

CREATE FUNCTION record_decisions(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g      bigint := (a->>'guildId')::bigint;
    faults text[] := decision_faults(a);
    ids    bigint[];
BEGIN
    IF NOT write_begin('recordDecisions', g, a) THEN
        RETURN;
    ELSIF array_length(faults, 1) > 0 THEN
        PERFORM write_refuse('recordDecisions', g, a, 'INVALID', faults);
        RETURN;
    ELSIF NOT EXISTS (SELECT FROM guild t WHERE t.guild_id = g) THEN
        PERFORM write_refuse('recordDecisions', g, a, 'NOT_FOUND', no_guild(g));
        RETURN;
    END IF;
    WITH made AS (
        INSERT INTO decision (guild_id, kind, user_id, channel_id, job_id, run_id, actor_id, rule,
                              settings_version, reason, evidence)
        SELECT g, e->>'kind', (e->>'userId')::bigint, (e->>'channelId')::bigint,
               (e->>'jobId')::bigint, (e->>'runId')::bigint, (e->>'actorId')::bigint, e->>'rule',
               (e->>'settingsVersion')::integer, e->>'reason', e->'evidence'
          FROM jsonb_array_elements(a->'decisions') WITH ORDINALITY AS d(e, n) ORDER BY d.n
        RETURNING decision_id)
    SELECT array_agg(decision_id ORDER BY decision_id) INTO ids FROM made;
    PERFORM tell('DECISION', g, id) FROM unnest(ids) AS id;
    PERFORM write_end('recordDecisions', g, a, caller,
                      jsonb_build_object('guildId', g, 'decisions', to_jsonb(ids)),
                      jsonb_build_object('decisions', to_jsonb(ids)));
END $$;
