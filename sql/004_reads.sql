-- What the lists of the API need beside the tables.

-- --- states ------------------------------------------------------------------------------------

CREATE FUNCTION seen_state(m member) RETURNS member_state
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN m.bot IS DISTINCT FROM false THEN NULL
                WHEN m.left_at IS NULL THEN m.state ELSE 'LEFT' END
$$;

-- last_seen.state follows member. Acts do not come here: they change none of the three. (seen_state itself
-- would be planned anew by each statement.)
CREATE FUNCTION member_state_follows() RETURNS trigger
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    UPDATE last_seen t SET state = seen_state(NEW)
     WHERE t.guild_id = NEW.guild_id AND t.user_id = NEW.user_id;
    RETURN NULL;
END $$;
CREATE TRIGGER member_state_follows AFTER UPDATE OF state, left_at, bot ON member
    FOR EACH ROW WHEN (OLD.bot IS DISTINCT FROM NEW.bot OR OLD.state <> NEW.state
                       OR (OLD.left_at IS NULL) <> (NEW.left_at IS NULL))
    EXECUTE FUNCTION member_state_follows();

-- To be called where rows of last_seen were made for members who may not be plain: unknown, gone or
-- decided about.
CREATE FUNCTION last_seen_follow(guilds bigint[], users bigint[]) RETURNS void
LANGUAGE plpgsql
SET search_path = presence, pg_temp SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    UPDATE last_seen t SET state = seen_state(m)
      FROM unnest(guilds, users) AS u(g, u)
      JOIN member m ON m.guild_id = u.g AND m.user_id = u.u
     WHERE t.guild_id = u.g AND t.user_id = u.u AND t.state IS DISTINCT FROM seen_state(m);
END $$;

-- --- cursors -----------------------------------------------------------------------------------

-- An opaque, exact, unforgeable place in a list: which list, whose, its keys, and a short MAC.
-- (In plpgsql, which keeps the plan from one call to the next.)
CREATE FUNCTION cursor_text(list integer, owner bigint, keys text[]) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    body bytea := convert_to(concat_ws(E'\x1e', list, owner, array_to_string(keys, E'\x1e')),
                             'UTF8');
    secret bytea := (SELECT s.key FROM presence.secret s WHERE s.name = 'cursor');
BEGIN
    RETURN rtrim(translate(encode(substr(sha256(secret || body), 1, 8) || body, 'base64'),
                           E'+/\n', '-_'), '=');
END $$;

-- A value that says why the field around it is none; src/graphql/complete.h knows it by the U+0001,
-- which stands in no JSON.
CREATE FUNCTION refused(why text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT E'\x01' || why || E'\x01'
$$;

-- The keys of a cursor made by cursor_text(list, owner, keys). NULL: it is no such cursor.
CREATE FUNCTION cursor_keys(cursor text, list integer, owner bigint, n integer) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    parts text[];
BEGIN
    parts := string_to_array(convert_from(substr(decode(
        translate(cursor, '-_', '+/') || repeat('=', -length(cursor) & 3), 'base64'), 9),
        'UTF8'), E'\x1e');
    IF array_length(parts, 1) = n + 2
       AND presence.cursor_text(list, owner, parts[3:]) = cursor THEN
        RETURN parts[3:];
    END IF;
    RETURN NULL;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END $$;

CREATE FUNCTION micros(t timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (extract(epoch FROM t - timestamptz '1970-01-01 00:00:00+00') * 1000000)::bigint
$$;

CREATE FUNCTION from_micros(us text) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN timestamptz '1970-01-01 00:00:00+00'
           + make_interval(days => (us::bigint / 86400000000)::integer)
           + (us::bigint % 86400000000) * interval '1 microsecond';
END $$;

-- --- observed time -----------------------------------------------------------------------------

-- The slot of last_seen.idle_slot in which a time lies.
CREATE FUNCTION idle_slot(t timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT date_bin('1 hour', t, timestamptz '1970-01-01 00:00:00+00')
$$;

-- When Presence was watching a guild, overlapping sessions taken together.
CREATE FUNCTION watched(guild bigint) RETURNS tstzmultirange
LANGUAGE sql STABLE AS $$
    SELECT range_agg(tstzrange(c.from_at, c.to_at)) FROM presence.coverage_interval c
     WHERE c.guild_id = guild
$$;

CREATE FUNCTION overlap_ms(w tstzmultirange, since timestamptz, until timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(sum(presence.unix_ms(upper(r)) - presence.unix_ms(lower(r)))::bigint, 0)
      FROM unnest(w * tstzmultirange(tstzrange(since, greatest(since, until)))) AS r
$$;

-- For how many ms of [since, until) Presence was watching; null where since is not known.
CREATE FUNCTION observed_ms(guild bigint, since timestamptz, until timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN since IS NOT NULL
                THEN presence.overlap_ms(presence.watched(guild), since, until) END
$$;

CREATE FUNCTION observed_share(guild bigint, since timestamptz, until timestamptz)
RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT round(presence.observed_ms(guild, since, until)::numeric
                 / nullif(presence.unix_ms(until) - presence.unix_ms(since), 0), 4)
$$;

-- The latest time since which at least that many ms were watched: whoever was silent since then was
-- silent for so long under observation. NULL: there is none.
CREATE FUNCTION observed_cutoff(guild bigint, ms bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT upper(r) - make_interval(secs => (observed_cutoff.ms - later) / 1000.0)
      FROM (SELECT r, len, sum(len) OVER (ORDER BY r DESC) - len AS later
              FROM (SELECT r, presence.unix_ms(upper(r)) - presence.unix_ms(lower(r)) AS len
                      FROM (SELECT unnest(range_agg(tstzrange(c.from_at, c.to_at))) AS r
                              FROM presence.coverage_interval c WHERE c.guild_id = guild) x) y) z
     WHERE later + len >= observed_cutoff.ms
     ORDER BY r DESC LIMIT 1
$$;

-- --- gaps by month -----------------------------------------------------------------------------

-- Mean lengths (ms) of a member's silences of half an hour or more, per calendar month in which one
-- ended, the latest first; of the last twelve months.
CREATE FUNCTION monthly_gaps(in_guild bigint, in_user bigint) RETURNS bigint[]
LANGUAGE sql STABLE AS $$
    SELECT array(
        SELECT avg(g.ms)::bigint
          FROM (SELECT date_trunc('month', a.first_at) AS month,
                       presence.unix_ms(a.first_at) - presence.unix_ms(max(a.last_at) OVER (
                           ORDER BY a.first_at
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS ms
                  FROM presence.activity a JOIN presence.activity_kind k USING (kind)
                 WHERE a.guild_id = in_guild AND a.user_id = in_user AND k.counts_by_default
                   AND a.minute >= date_trunc('month', now()) - interval '11 months') g
         WHERE g.ms >= 1800000
         GROUP BY g.month ORDER BY g.month DESC)
$$;

-- --- what the planner is told --------------------------------------------------------------------

-- Both are immutable for the planner: where a statement is planned for its values (varies in bind.h)
-- it calls them while planning, and so knows what it cannot know from statistics.

-- The numbers are those of activity.h, for ever.
CREATE FUNCTION kind_number(in_name text) RETURNS smallint
LANGUAGE sql IMMUTABLE AS $$
    SELECT k.kind FROM presence.activity_kind k WHERE k.name = in_name
$$;

-- Who has all of these roles, if no more than a thousand do; else null. A list that is sorted by
-- something else would be read from end to end for a role that few have. Of roles that many have
-- the statistics know.
CREATE FUNCTION role_holders(in_roles bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE SET enable_seqscan = off SET enable_indexscan = off AS $$
    SELECT CASE WHEN NOT in_roles <@ coalesce(
                     (SELECT s.most_common_elems::text::bigint[] FROM pg_catalog.pg_stats s
                       WHERE s.schemaname = 'presence' AND s.tablename = 'member'
                         AND s.attname = 'roles'), '{}')
                THEN (SELECT CASE WHEN count(*) <= 1000 THEN coalesce(array_agg(x.user_id), '{}') END
                        FROM (SELECT m.user_id FROM presence.member m
                               WHERE m.roles @> in_roles LIMIT 1001) x) END
$$;

-- When the thing of that id was made.
CREATE FUNCTION snowflake_time(id bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_timestamp((((id >> 22) & 4398046511103) + 1420070400000) / 1000.0)
$$;

-- --- figures -----------------------------------------------------------------------------------

CREATE FUNCTION days_ago(days integer) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN now() - make_interval(days => days);
END $$;

-- The name, if it is that of a time zone; else NULL.
CREATE FUNCTION time_zone(name text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF name ~ '^(UTC|[A-Za-z_]+(/[A-Za-z0-9_+-]+)+)$' THEN
        PERFORM now() AT TIME ZONE name;
        RETURN name;
    END IF;
    RETURN NULL;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN NULL;
END $$;

-- What was recorded earlier is as if unknown.
CREATE FUNCTION reset_floor(guild bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT g.reset_at FROM presence.guild g WHERE g.guild_id = guild), '-infinity')
$$;

-- The kinds of that name; those that count by default where there are no names.
CREATE FUNCTION kind_numbers(names text[]) RETURNS smallint[]
LANGUAGE sql STABLE AS $$
    SELECT array_agg(k.kind) FROM presence.activity_kind k
     WHERE CASE WHEN names IS NULL THEN k.counts_by_default ELSE k.name = ANY (names) END
$$;

-- Here and below: nothing of members who may turn out to be bots.

-- Acts of the kinds that count by default, by channel.
CREATE FUNCTION channel_figures(guild bigint, days integer)
RETURNS TABLE (channel_id bigint, people bigint, acts bigint, messages bigint,
               last_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT x.channel_id, count(*), sum(x.acts)::bigint, sum(x.messages)::bigint, max(x.last_at)
      FROM (SELECT a.channel_id, a.user_id, sum(a.count) AS acts,
                   coalesce(sum(a.count) FILTER (WHERE a.kind = 1), 0) AS messages,
                   max(a.last_at) AS last_at
              FROM presence.activity a
             WHERE a.guild_id = guild AND a.minute >= (SELECT presence.days_ago(days))
               AND a.last_at >= (SELECT presence.reset_floor(guild))
               AND NOT EXISTS (SELECT FROM presence.member m WHERE m.guild_id = guild
                               AND m.user_id = a.user_id AND m.bot IS NULL)
               AND a.kind = ANY ((SELECT presence.kind_numbers(NULL))::smallint[])
             GROUP BY a.channel_id, a.user_id) x
     GROUP BY x.channel_id
$$;

-- Time in voice, by channel; a session that goes on lasts as long as it is sure.
CREATE FUNCTION channel_voice(guild bigint, days integer)
RETURNS TABLE (channel_id bigint, people bigint, ms bigint)
LANGUAGE sql STABLE AS $$
    SELECT v.channel_id, count(DISTINCT v.user_id),
           sum(presence.unix_ms(v.until) - presence.unix_ms(greatest(v.from_at, v.floor)))::bigint
      FROM (SELECT s.*, coalesce(s.to_at, s.confirmed_until) AS until,
                   greatest((SELECT presence.days_ago(days)),
                            (SELECT presence.reset_floor(guild))) AS floor
              FROM presence.voice_session s
             WHERE s.guild_id = guild
               AND NOT EXISTS (SELECT FROM presence.member m WHERE m.guild_id = guild
                                  AND m.user_id = s.user_id AND m.bot IS NULL)) v
     WHERE v.until > v.floor
     GROUP BY v.channel_id
$$;
