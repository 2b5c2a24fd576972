-- What the lists of the API need beside the tables.

-- --- states ------------------------------------------------------------------------------------

CREATE FUNCTION seen_state(m member) RETURNS member_state
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN m.bot IS DISTINCT FROM false THEN NULL
                WHEN m.left_at IS NULL THEN m.state ELSE 'LEFT' END
$$;

-- last_seen.state follows member. Acts do not come here: they change none of the three.
CREATE FUNCTION member_state_follows() RETURNS trigger
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    UPDATE last_seen t SET state = seen_state(NEW)
     WHERE t.guild_id = NEW.guild_id AND t.user_id = NEW.user_id;
    RETURN NULL;
END $$;
CREATE TRIGGER member_state_follows AFTER UPDATE OF state, left_at, bot ON member
    FOR EACH ROW WHEN (seen_state(OLD) IS DISTINCT FROM seen_state(NEW))
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
CREATE FUNCTION cursor_text(list integer, owner bigint, keys text[]) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT rtrim(translate(encode(substr(sha256(s.key || x.body), 1, 8) || x.body, 'base64'),
                           E'+/\n', '-_'), '=')
      FROM presence.secret s,
           (SELECT convert_to(concat_ws(E'\x1e', list, owner, array_to_string(keys, E'\x1e')),
                              'UTF8') AS body) x
     WHERE s.name = 'cursor'
$$;

-- The keys of a cursor made by cursor_text(list, owner, keys). Anything else raises PR002.
CREATE FUNCTION cursor_keys(cursor text, list integer, owner bigint, n integer) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    parts text[];
BEGIN
    IF cursor IS NULL THEN
        RETURN NULL;
    END IF;
    BEGIN
        parts := string_to_array(convert_from(substr(decode(
            translate(cursor, '-_', '+/') || repeat('=', -length(cursor) & 3), 'base64'), 9),
            'UTF8'), E'\x1e');
        IF array_length(parts, 1) = n + 2
           AND presence.cursor_text(list, owner, parts[3:]) = cursor THEN
            RETURN parts[3:];
        END IF;
    EXCEPTION WHEN data_exception THEN
        NULL;
    END;
    RAISE EXCEPTION 'the cursor is not valid' USING ERRCODE = 'PR002';
END $$;

CREATE FUNCTION micros(t timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (extract(epoch FROM t) * 1000000)::bigint
$$;

CREATE FUNCTION from_micros(us text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT timestamptz '1970-01-01 00:00:00+00'
           + make_interval(days => (us::bigint / 86400000000)::integer)
           + (us::bigint % 86400000000) * interval '1 microsecond'
$$;

-- --- observed time -----------------------------------------------------------------------------

-- The slot of last_seen.idle_slot in which a time lies.
CREATE FUNCTION idle_slot(t timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT date_bin('1 hour', t, timestamptz '1970-01-01 00:00:00+00')
$$;

-- How many ms of [since, until) Presence was watching the guild; overlapping sessions count once.
CREATE FUNCTION observed_ms(guild bigint, since timestamptz, until timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN since IS NOT NULL THEN coalesce(
        (SELECT sum(presence.unix_ms(upper(r)) - presence.unix_ms(lower(r)))::bigint
           FROM (SELECT unnest(range_agg(tstzrange(c.from_at, c.to_at))
                               * tstzmultirange(tstzrange(since, greatest(since, until)))) AS r
                   FROM presence.coverage_interval c
                  WHERE c.guild_id = guild AND c.to_at > since) x), 0) END
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
