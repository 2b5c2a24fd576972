-- The settings of a guild: names, types, ranges and defaults in one table; what is stored is checked
-- against it by triggers, so that no path around updateSettings can break it. The workers' table
-- (src/core/settings_rows.c) and rules (src/core/settings.c) are the same; a test compares them.

-- type       value in JSON                       least, most         choices
-- BOOLEAN    true, false
-- INTEGER    a whole number                      of the number
-- NUMBER     a number, at most three decimals    of the number
-- SECONDS    a length of time in seconds, too    of the number
-- CHOICE     a string                                                one of them
-- ID         a Discord id as a string
-- IDS        a list of ids                       most: how many
-- DELAYS     a list of at most five SECONDS      of each
-- ZONE       an IANA time zone as a string
-- LANGUAGE   a locale as Discord writes it
CREATE TABLE setting_definition (
    key           text PRIMARY KEY CHECK (key ~ '^[a-z_]+(\.[A-Za-z_]+)?$'),
    type          text NOT NULL CHECK (type IN ('BOOLEAN', 'INTEGER', 'NUMBER', 'SECONDS', 'CHOICE',
                                                'ID', 'IDS', 'DELAYS', 'ZONE', 'LANGUAGE')),
    least         numeric,
    most          numeric,
    choices       text[],
    default_value jsonb,                 -- NULL: none
    means         text NOT NULL
);

INSERT INTO setting_definition (key, type, least, most, choices, default_value, means) VALUES
    ('mode', 'CHOICE', NULL, NULL, '{observe,on,off}', '"observe"',
     'observe computes and reports and never acts; unless set, on follows after 14 days'),
    ('time_until_inactive', 'SECONDS', 86400, 157680000, NULL, '2592000',
     'idle that long: inactive; at least 7 days with auto_kick'),
    ('auto_kick', 'BOOLEAN', NULL, NULL, NULL, 'false',
     'members who stay away are kicked; enabling waits 24 hours and wants a confirmation'),
    ('auto_prune_timer', 'SECONDS', 604800, 31536000, NULL, '1209600', 'from flag to kick'),
    ('new_member_grace', 'SECONDS', 0, 15552000, NULL, '1209600', 'after joining'),
    ('rejoin_grace', 'SECONDS', 0, 15552000, NULL, '2592000', 'after joining again'),
    ('never_seen_policy', 'CHOICE', NULL, NULL, '{ignore,report,treat_as_joined}', '"ignore"',
     'what a member counts as of whom nothing was ever seen'),
    ('min_observed_share', 'NUMBER', 50, 100, NULL, '90',
     'percent of the silence that must have been observed before a kick'),
    ('inactive_role', 'ID', NULL, NULL, NULL, NULL, 'given when flagged; none: made on demand'),
    ('active_role', 'ID', NULL, NULL, NULL, NULL, 'taken when flagged'),
    ('role_mode', 'CHOICE', NULL, NULL, '{add,swap,strip_and_restore}', '"add"',
     'what flagging does to roles'),
    ('min_events', 'INTEGER', 1, 100, NULL, '1', 'acts within time_until_inactive'),
    ('min_days', 'INTEGER', 1, 30, NULL, '1', 'days with acts within time_until_inactive'),
    ('voice_counts', 'CHOICE', NULL, NULL, '{off,joins,connected,unmuted}', '"connected"',
     'what of voice resets idle'),
    ('voice_afk_counts', 'BOOLEAN', NULL, NULL, NULL, 'false', 'being in the AFK channel counts'),
    ('voice_alone_counts', 'BOOLEAN', NULL, NULL, NULL, 'true', 'being alone in voice counts'),
    ('voice_self_deaf_counts', 'BOOLEAN', NULL, NULL, NULL, 'false', 'being self-deafened counts'),
    ('voice_tick', 'SECONDS', 10, 600, NULL, '60', 'how often time in voice is stored'),
    ('warn_at.before_flag', 'DELAYS', 3600, 7776000, NULL, '[604800, 86400]', 'warnings'),
    ('warn_at.before_kick', 'DELAYS', 3600, 7776000, NULL, '[604800, 86400]', 'warnings'),
    ('warn_via', 'CHOICE', NULL, NULL, '{off,channel,dm,channel_then_dm}', '"channel"', 'where'),
    ('dm_budget.guild_per_day', 'INTEGER', 0, 200, NULL, '20', 'direct messages'),
    ('dm_budget.bot_per_day', 'INTEGER', 0, 500, NULL, '40', 'direct messages in all guilds'),
    ('dm_budget.spacing', 'SECONDS', 10, 3600, NULL, '60', 'between two direct messages'),
    ('kick_dm', 'BOOLEAN', NULL, NULL, NULL, 'true', 'the reason is sent before a kick'),
    ('reinvite', 'BOOLEAN', NULL, NULL, NULL, 'false', 'an invite goes with it'),
    ('reinvite_age', 'SECONDS', 86400, 2592000, NULL, '604800', 'how long that invite is good'),
    ('kick_caps.per_run', 'INTEGER', 1, 500, NULL, '10', 'kicks'),
    ('kick_caps.per_hour', 'INTEGER', 1, 1000, NULL, '20', 'kicks'),
    ('kick_caps.per_day', 'INTEGER', 1, 5000, NULL, '50', 'kicks'),
    ('kick_caps.share', 'NUMBER', 0.1, 20, NULL, '2',
     'percent of the members a day, but five are always allowed'),
    ('kick_spacing', 'SECONDS', 0.5, 60, NULL, '2', 'between two kicks'),
    ('approval.approvers', 'INTEGER', 0, 3, NULL, '1', 'people'),
    ('approval.second_above', 'INTEGER', 1, 1000, NULL, '25', 'kicks in one run'),
    ('approval.second_members', 'INTEGER', 1, 1000, NULL, '100', 'members of the guild'),
    ('recheck_window', 'SECONDS', 0, 86400, NULL, '0', 'quiet time after the last event'),
    ('protect_boosters', 'BOOLEAN', NULL, NULL, NULL, 'true', 'never flagged nor kicked'),
    ('protect_subscribers', 'BOOLEAN', NULL, NULL, NULL, 'true', 'never flagged nor kicked'),
    ('protect_staff', 'BOOLEAN', NULL, NULL, NULL, 'true', 'never flagged nor kicked'),
    ('protect_in_voice', 'BOOLEAN', NULL, NULL, NULL, 'true', 'never flagged nor kicked'),
    ('protect_rsvp', 'BOOLEAN', NULL, NULL, NULL, 'true', 'until the event ends'),
    ('pause_on_timeout', 'BOOLEAN', NULL, NULL, NULL, 'true', 'idle time stops'),
    ('pause_while_pending', 'BOOLEAN', NULL, NULL, NULL, 'true', 'idle time stops'),
    ('away_max', 'SECONDS', 86400, 31536000, NULL, '5184000', 'length of an absence'),
    ('away_per_year', 'INTEGER', 1, 52, NULL, '4', 'absences of a member in 365 days'),
    ('away_approval', 'BOOLEAN', NULL, NULL, NULL, 'false', 'somebody else must approve it'),
    ('away_ends_on_activity', 'BOOLEAN', NULL, NULL, NULL, 'false', 'an act ends an absence'),
    ('tracked_channels.mode', 'CHOICE', NULL, NULL, '{all,allow,ignore}', '"all"',
     'which channels count'),
    ('tracked_channels.ids', 'IDS', NULL, 500, NULL, '[]', 'channels or categories'),
    ('count_bots', 'BOOLEAN', NULL, NULL, NULL, 'false', 'in the figures of channels'),
    ('count_webhooks', 'BOOLEAN', NULL, NULL, NULL, 'false', 'in the figures of channels'),
    ('channel_idle', 'SECONDS', 604800, 63072000, NULL, '5184000', 'a channel counts as idle'),
    ('channel_min_people', 'INTEGER', 1, 20, NULL, '2', 'fewer humans in that time: idle'),
    ('ignored_channels', 'IDS', NULL, 500, NULL, '[]',
     'channels or categories that are never proposed as quiet'),
    ('channel_archive_auto', 'CHOICE', NULL, NULL, '{off,warn,archive}', '"off"',
     'archive needs channel_archive_category'),
    ('channel_archive_category', 'ID', NULL, NULL, NULL, NULL, 'where archived channels go'),
    ('log_channel', 'ID', NULL, NULL, NULL, NULL, 'a text channel'),
    ('review_channel', 'ID', NULL, NULL, NULL, NULL, 'a text channel'),
    ('nudge_channel', 'ID', NULL, NULL, NULL, NULL, 'a text channel'),
    ('report_channel', 'ID', NULL, NULL, NULL, NULL, 'a text channel'),
    ('report_schedule.every', 'CHOICE', NULL, NULL, '{day,week,month}', '"week"', 'reports'),
    ('report_schedule.day', 'INTEGER', 1, 28, NULL, '1', 'of the week (Monday is 1) or month'),
    ('report_schedule.hour', 'INTEGER', 0, 23, NULL, '9', 'in the timezone'),
    ('timezone', 'ZONE', NULL, NULL, NULL, '"UTC"', 'IANA'),
    ('language', 'LANGUAGE', NULL, NULL, NULL, NULL, 'none: the locale of the guild'),
    ('leaderboard_visibility', 'CHOICE', NULL, NULL, '{everyone,staff,off}', '"everyone"', 'who'),
    ('event_retention', 'SECONDS', 2592000, 315360000, NULL, '34560000', 'of the activity log'),
    ('left_member_retention', 'SECONDS', 0, 63072000, NULL, '7776000', 'then anonymised'),
    ('guild_left_retention', 'SECONDS', 0, 7776000, NULL, '2592000', 'then erased'),
    ('opt_out_policy', 'CHOICE', NULL, NULL, '{not_actionable,review}', '"not_actionable"',
     'members who opted out'),
    ('ping_everyone', 'BOOLEAN', NULL, NULL, NULL, 'false', '/ping may mention everyone'),
    ('personal_rhythm', 'NUMBER', 1, 5, NULL, NULL,
     'times the p99 gap of the member; it only ever lengthens; none: off'),
    ('preset', 'CHOICE', NULL, NULL,
     '{standard,gaming,large_public,education,strict,archive_only}', '"standard"',
     'where the values came from');

INSERT INTO setting_definition (key, type, default_value, means)
SELECT 'signals.' || name, 'BOOLEAN', to_jsonb(counts_by_default), 'acts of this kind reset idle'
  FROM activity_kind;

-- --- one value ----------------------------------------------------------------------------------

CREATE FUNCTION id_good(v jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(v) = 'string' AND v #>> '{}' ~ '^[1-9][0-9]{0,19}$'
                THEN (v #>> '{}')::numeric <= 18446744073709551615 ELSE false END
$$;

CREATE FUNCTION zone_good(name text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF name !~ '^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]+){1,2})$' THEN
        RETURN false;
    END IF;
    PERFORM now() AT TIME ZONE name;
    RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END $$;

CREATE FUNCTION number_good(v jsonb, low numeric, high numeric, decimals integer) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(v) = 'number'
                THEN v::numeric BETWEEN low AND high AND v::numeric = trunc(v::numeric, decimals)
                ELSE false END
$$;

-- NULL: good; otherwise what is expected.
CREATE FUNCTION setting_fault(in_key text, v jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = presence, pg_temp AS $$
DECLARE
    d setting_definition;
    span text;
BEGIN
    SELECT * INTO d FROM setting_definition s WHERE s.key = in_key;
    IF NOT FOUND THEN
        RETURN 'there is no such setting';
    END IF;
    span := format('from %s to %s', d.least, d.most);
    CASE d.type
    WHEN 'BOOLEAN' THEN
        RETURN CASE WHEN jsonb_typeof(v) <> 'boolean' THEN 'expected true or false' END;
    WHEN 'INTEGER' THEN
        RETURN CASE WHEN NOT number_good(v, d.least, d.most, 0)
                    THEN 'expected a whole number ' || span END;
    WHEN 'NUMBER' THEN
        RETURN CASE WHEN NOT number_good(v, d.least, d.most, 3)
                    THEN 'expected a number ' || span END;
    WHEN 'SECONDS' THEN
        RETURN CASE WHEN NOT number_good(v, d.least, d.most, 3)
                    THEN 'expected seconds ' || span END;
    WHEN 'CHOICE' THEN
        RETURN CASE WHEN jsonb_typeof(v) <> 'string' OR NOT (v #>> '{}') = ANY (d.choices)
                    THEN 'expected one of ' || array_to_string(d.choices, ', ') END;
    WHEN 'ID' THEN
        RETURN CASE WHEN NOT id_good(v) THEN 'expected a Discord id as a string' END;
    WHEN 'IDS' THEN
        IF jsonb_typeof(v) <> 'array' OR jsonb_array_length(v) > d.most
           OR EXISTS (SELECT FROM jsonb_array_elements(v) e WHERE NOT id_good(e)) THEN
            RETURN format('expected a list of at most %s Discord ids as strings', d.most);
        END IF;
    WHEN 'DELAYS' THEN
        IF jsonb_typeof(v) <> 'array' OR jsonb_array_length(v) > 5
           OR EXISTS (SELECT FROM jsonb_array_elements(v) e
                       WHERE NOT number_good(e, d.least, d.most, 3)) THEN
            RETURN 'expected a list of at most 5, each of them seconds ' || span;
        END IF;
    WHEN 'ZONE' THEN
        RETURN CASE WHEN jsonb_typeof(v) <> 'string' OR NOT zone_good(v #>> '{}')
                    THEN 'expected an IANA time zone such as "Europe/Berlin"' END;
    WHEN 'LANGUAGE' THEN
        RETURN CASE WHEN jsonb_typeof(v) <> 'string' OR v #>> '{}' !~ '^[a-z]{2}(-[A-Z0-9]{2,3})?$'
                    THEN 'expected a locale such as "de" or "en-US"' END;
    END CASE;
    RETURN NULL;
END $$;

CREATE FUNCTION setting_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    fault text := setting_fault(NEW.key, NEW.value);
BEGIN
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%: %', NEW.key, fault
            USING ERRCODE = 'check_violation', CONSTRAINT = 'setting_value';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER setting_value BEFORE INSERT OR UPDATE ON setting
    FOR EACH ROW EXECUTE FUNCTION setting_check();

-- --- all of them together -----------------------------------------------------------------------

-- What is in force: defaults, and what was set since the last reset.
CREATE FUNCTION settings_of(guild bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = presence, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_object_agg(d.key, coalesce(s.value, d.default_value)), '{}')
      FROM setting_definition d
      LEFT JOIN setting s ON s.guild_id = guild AND s.key = d.key
           AND s.changed_at >= coalesce((SELECT g.reset_at FROM guild g WHERE g.guild_id = guild),
                                        '-infinity'));
END $$;

-- What is wrong with settings that are each good.
CREATE FUNCTION settings_faults(v jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN array_remove(ARRAY[
        CASE WHEN (v->'auto_kick')::boolean AND (v->'time_until_inactive')::numeric < 604800
             THEN 'time_until_inactive: expected at least 604800 (7 days) while auto_kick is on' END,
        -- More days with acts than the time has: nobody could ever be active.
        CASE WHEN (v->'min_days')::numeric * 86400 > (v->'time_until_inactive')::numeric
             THEN 'min_days: expected no more days than time_until_inactive has' END,
        -- The warnings would all lie before the flag: the kick would come without any.
        CASE WHEN (v->'auto_kick')::boolean
                  AND (SELECT min(e::numeric) FROM jsonb_array_elements(v->'warn_at.before_kick') e)
                      > (v->'auto_prune_timer')::numeric
             THEN 'warn_at.before_kick: expected one that is no longer than auto_prune_timer'
                  ' while auto_kick is on' END,
        -- Nothing that anybody does would count: everybody would be inactive.
        CASE WHEN NOT EXISTS (SELECT FROM jsonb_each(v) e
                               WHERE e.key LIKE 'signals.%' AND e.value::boolean)
             THEN 'signals: expected at least one that is on' END,
        CASE WHEN v->>'tracked_channels.mode' = 'allow'
                  AND jsonb_array_length(v->'tracked_channels.ids') = 0
             THEN 'tracked_channels.ids: expected at least one channel while'
                  ' tracked_channels.mode is allow' END,
        CASE WHEN (v->>'inactive_role')::numeric = (v->>'active_role')::numeric
             THEN 'active_role: expected another role than inactive_role' END,
        CASE WHEN v->>'channel_archive_auto' = 'archive'
                  AND coalesce(v->'channel_archive_category', 'null') = 'null'
             THEN 'channel_archive_auto: archive needs channel_archive_category' END,
        CASE WHEN v->>'report_schedule.every' = 'week'
                  AND (v->'report_schedule.day')::numeric > 7
             THEN 'report_schedule.day: expected 1 to 7 while reports are weekly' END], NULL);
END $$;

CREATE FUNCTION settings_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    guild bigint := CASE TG_OP WHEN 'DELETE' THEN OLD.guild_id ELSE NEW.guild_id END;
    faults text[] := settings_faults(settings_of(guild));
BEGIN
    IF array_length(faults, 1) > 0 THEN
        RAISE EXCEPTION '%', faults[1]
            USING ERRCODE = 'check_violation', CONSTRAINT = 'settings_together';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER settings_together AFTER INSERT OR UPDATE OR DELETE ON setting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION settings_check();

-- --- updateSettings -------------------------------------------------------------------------------

-- NULL: it is no JSON.
CREATE FUNCTION json_or_null(text text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN text::jsonb;
EXCEPTION WHEN data_exception OR statement_too_complex THEN
    RETURN NULL;
END $$;

-- The changes with their values read, and what is wrong with each.
CREATE FUNCTION setting_changes(a jsonb)
RETURNS TABLE (n bigint, key text, value jsonb, fault text)
LANGUAGE plpgsql STABLE SET search_path = presence, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT c.n, c.e->>'key', x.v,
           CASE WHEN count(*) OVER (PARTITION BY c.e->>'key') > 1 THEN 'the key stands twice'
                WHEN length(c.e->>'value') > 16000 THEN 'expected at most 16000 characters'
                WHEN c.e->>'value' IS NULL
                THEN CASE WHEN NOT EXISTS (SELECT FROM setting_definition d
                                            WHERE d.key = c.e->>'key')
                          THEN 'there is no such setting' END
                WHEN x.v IS NULL THEN 'expected JSON'
                ELSE setting_fault(c.e->>'key', x.v) END
      FROM jsonb_array_elements(a->'changes') WITH ORDINALITY AS c(e, n),
           LATERAL (SELECT json_or_null(left(c.e->>'value', 16001)) AS v) x;
END $$;

CREATE FUNCTION update_settings(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g        bigint := (a->>'guildId')::bigint;
    actor    bigint := (a->>'actorId')::bigint;
    fresh    jsonb := '{}';
    was      guild;
    old      jsonb;
    errors   text[];
    c        record;
    changed  integer := 0;
BEGIN
    IF NOT write_begin('updateSettings', g, a) THEN
        RETURN;
    END IF;
    SELECT * INTO was FROM guild t WHERE t.guild_id = g;
    IF NOT FOUND THEN
        PERFORM write_refuse('updateSettings', g, a, 'NOT_FOUND', no_guild(g),
                             jsonb_build_object('guildId', g));
        RETURN;
    ELSIF was.settings_version <> (a->>'version')::integer THEN
        PERFORM write_refuse('updateSettings', g, a, 'CONFLICT', ARRAY[format(
            'version: the settings are at %s, not at %s', was.settings_version, a->>'version')],
            jsonb_build_object('guildId', g));
        RETURN;
    END IF;
    errors := ARRAY[list_fault(a, 'changes', 200)];
    IF errors[1] IS NULL THEN
        SELECT array_agg(format('changes[%s]: %s: %s', x.n - 1, left(x.key, 100), x.fault)
                         ORDER BY x.n) FILTER (WHERE x.fault IS NOT NULL),
               jsonb_object_agg(x.key, coalesce(x.value, d.default_value))
          INTO errors, fresh
          FROM setting_changes(a) x LEFT JOIN setting_definition d ON d.key = x.key;
    END IF;
    IF coalesce(array_length(errors, 1), 0) = 0 THEN
        errors := settings_faults(settings_of(g) || fresh);
    END IF;
    IF array_length(errors, 1) > 0 THEN
        PERFORM write_refuse('updateSettings', g, a, 'INVALID', errors,
                             jsonb_build_object('guildId', g));
        RETURN;
    END IF;
    FOR c IN SELECT x.key, x.value FROM setting_changes(a) x ORDER BY x.key LOOP
        SELECT s.value INTO old FROM setting s
         WHERE s.guild_id = g AND s.key = c.key
           AND (was.reset_at IS NULL OR s.changed_at >= was.reset_at);
        CONTINUE WHEN old IS NOT DISTINCT FROM c.value;
        changed := changed + 1;
        IF c.value IS NULL THEN
            DELETE FROM setting s WHERE s.guild_id = g AND s.key = c.key;
        ELSE
            INSERT INTO setting AS s (guild_id, key, value, version, changed_at, changed_by)
            VALUES (g, c.key, c.value, was.settings_version + 1, clock_timestamp(), actor)
                ON CONFLICT (guild_id, key) DO UPDATE
               SET value = excluded.value, version = excluded.version,
                   changed_at = excluded.changed_at, changed_by = excluded.changed_by;
        END IF;
        INSERT INTO setting_history (guild_id, version, key, old_value, new_value, changed_by)
        VALUES (g, was.settings_version + 1, c.key, old, c.value, actor);
    END LOOP;
    IF changed > 0 THEN
        UPDATE guild t SET settings_version = t.settings_version + 1 WHERE t.guild_id = g;
        PERFORM tell('SETTINGS', g, g);
    END IF;
    PERFORM write_end('updateSettings', g, a, caller, jsonb_build_object('guildId', g));
END $$;
