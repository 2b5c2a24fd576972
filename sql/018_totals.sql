-- Acts by quarter of an hour, of each channel and of all together, so that a heatmap or a year of days is
-- not counted from the log. A quarter of an hour, because every time zone of our days is off by a multiple
-- of it.
--
-- Rows of the log with minute < until are in the totals, the others are not: whoever reads takes the
-- totals below and the log above. `until` is moved by make_totals, which presence-graphqld calls once a
-- minute; batches pay nothing for it. Between until and closing it is at work:
--
--   1. closing is set and committed. Who asks for it later (every batch does, after it has written to
--      the log) and has rows below it is late and takes the lock `totals`, shared, until he commits.
--   2. When all transactions have ended that may not know it, and nobody holds the lock, the rows between
--      are summed up, and until = closing. (The transaction id `horizon` was given out behind 1.)
--   3. Who is late and has rows below until, as it is when he has the lock, adds them to the totals
--      himself; what he wrote above it was not summed up yet and will be.
--
-- Rows that are deleted (erasure, bots) are subtracted by a trigger in the same way, so totals are at any
-- time what a count of the log would be. A partition that is dropped leaves its totals: they name nobody.

CREATE TABLE activity_total (
    guild_id   bigint NOT NULL,
    channel_id bigint NOT NULL,          -- 0: the events name no channel; -1: all channels together
    slot       timestamptz NOT NULL,     -- the begin of a quarter of an hour
    kind       smallint NOT NULL,
    acts       bigint NOT NULL CHECK (acts >= 0),
    PRIMARY KEY (guild_id, channel_id, slot, kind) INCLUDE (acts)
);

CREATE FUNCTION quarter(t timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT date_bin('15 minutes', t, timestamptz '1970-01-01 00:00:00+00')
$$;

-- The id whose bits stand for all channels is nobody's; who sends it all the same names no channel.
CREATE FUNCTION total_channel(channel bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CASE channel WHEN -1 THEN 0 ELSE channel END $$;

-- One row.
CREATE TABLE total_state (
    until   timestamptz NOT NULL CHECK (until = quarter(until)),
    closing timestamptz NOT NULL CHECK (closing = quarter(closing) AND closing >= until),
    horizon xid8                         -- who has an older one may not know closing
);
CREATE UNIQUE INDEX total_state_one ON total_state ((true));
INSERT INTO total_state (until, closing)
SELECT quarter(t), quarter(t) FROM (SELECT coalesce(min(minute), now()) AS t FROM activity) x;

-- The service reads both; what changes them runs with the owner's rights.
INSERT INTO erasure (type, step, relation, condition) VALUES
    ('GUILD', 0, 'activity_total', 'guild_id = $1'),
    ('CHANNEL', 0, 'activity_total', 'guild_id = $1 AND channel_id = $2');

CREATE FUNCTION totals_lock() RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 5065797276734835046 $$;

-- --- making them ------------------------------------------------------------------------------

-- Planned for its times, for the index of the log by time. Called by make_totals, with its rights.
CREATE FUNCTION sum_up(since timestamptz, before timestamptz) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    INSERT INTO activity_total (guild_id, channel_id, slot, kind, acts)
    SELECT a.guild_id, coalesce(total_channel(a.channel_id), -1), since, a.kind, sum(a.count)
      FROM activity a WHERE a.minute >= since AND a.minute < before
     GROUP BY a.guild_id, a.kind, ROLLUP (total_channel(a.channel_id))
     ORDER BY 1, 2, 4;
END $$;

-- The next step; tells whether there is another one to be done soon.
CREATE FUNCTION make_totals() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = presence, pg_temp AS $$
DECLARE
    s    total_state;
    goal timestamptz;
    made boolean := false;
BEGIN
    IF NOT pg_try_advisory_xact_lock(totals_lock()) THEN
        RETURN false;                    -- another process is at it, or somebody is late
    END IF;
    SELECT * INTO s FROM total_state;
    IF s.closing > s.until THEN
        s.horizon := coalesce(s.horizon, pg_current_xact_id());
        IF pg_snapshot_xmin(pg_current_snapshot()) < s.horizon THEN
            UPDATE total_state SET horizon = s.horizon;
            RETURN true;
        END IF;
        PERFORM sum_up(s.until, s.closing);
        s.until := s.closing;
        made := true;
    END IF;
    -- One quarter at a time, when it is over for long enough that few are late.
    goal := s.until + interval '15 minutes';
    IF goal > now() - interval '5 minutes' THEN
        goal := s.until;
    END IF;
    IF made OR goal > s.until THEN
        UPDATE total_state SET until = s.until, closing = goal, horizon = NULL;
    END IF;
    RETURN goal > s.until;
END $$;

-- --- late rows and deleted ones ----------------------------------------------------------------

-- Called by batch_sightings for what it added to the log; those of bots (in_bots: some are) were not.
CREATE FUNCTION add_to_totals(
    guilds bigint[], users bigint[], minutes timestamptz[], channels bigint[], kinds smallint[],
    counts integer[], in_bots boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = presence, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(totals_lock());
    INSERT INTO activity_total AS t (guild_id, channel_id, slot, kind, acts)
    SELECT u.g, coalesce(total_channel(u.channel), -1), u.slot, u.kind, sum(u.n)
      FROM (SELECT unnest(guilds) AS g, unnest(users) AS u, quarter(unnest(minutes)) AS slot,
                   unnest(channels) AS channel, unnest(kinds) AS kind, unnest(counts) AS n) u
     WHERE u.slot < (SELECT s.until FROM total_state s)
       AND NOT (in_bots AND EXISTS (SELECT FROM member m
                                     WHERE m.guild_id = u.g AND m.user_id = u.u AND m.bot))
     GROUP BY u.g, u.slot, u.kind, ROLLUP (total_channel(u.channel)) ORDER BY 1, 2, 3, 4
        ON CONFLICT (guild_id, channel_id, slot, kind) DO UPDATE SET acts = t.acts + excluded.acts;
END $$;

CREATE FUNCTION take_from_totals() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = presence, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM gone) THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(totals_lock());
    WITH less AS (
        SELECT g.guild_id, coalesce(total_channel(g.channel_id), -1) AS channel_id, quarter(g.minute) AS slot, g.kind,
               sum(g.count) AS acts
          FROM gone g WHERE g.minute < (SELECT s.until FROM total_state s)
         GROUP BY g.guild_id, quarter(g.minute), g.kind, ROLLUP (total_channel(g.channel_id))
    ), held AS MATERIALIZED (             -- in the order of all who change totals
        SELECT t.* FROM activity_total t JOIN less USING (guild_id, channel_id, slot, kind)
         ORDER BY guild_id, channel_id, slot, kind FOR UPDATE OF t
    )
    UPDATE activity_total t SET acts = t.acts - l.acts
      FROM less l JOIN held h USING (guild_id, channel_id, slot, kind)
     WHERE t.guild_id = l.guild_id AND t.channel_id = l.channel_id AND t.slot = l.slot
       AND t.kind = l.kind;
    DELETE FROM activity_total t
     USING (SELECT DISTINCT g.guild_id, g.channel_id, quarter(g.minute) AS slot, g.kind FROM gone g) g
     WHERE t.guild_id = g.guild_id AND t.channel_id IN (g.channel_id, -1) AND t.slot = g.slot
       AND t.kind = g.kind AND t.acts = 0;
    RETURN NULL;
END $$;
CREATE TRIGGER activity_less_totals AFTER DELETE ON activity REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION take_from_totals();

REVOKE EXECUTE ON FUNCTION make_totals, add_to_totals, take_from_totals FROM PUBLIC;

-- --- reading them -------------------------------------------------------------------------------

-- What was done in a guild since a time and since its reset, by quarters of an hour, in any order and
-- perhaps in parts. Of one member the log is read alone, by its key; of all, the totals, and the log where
-- a quarter is cut in two and where there are no totals yet. Who may turn out to be a bot is in the totals,
-- and taken out here. A part may be negative.
CREATE FUNCTION acts_by_quarter(
    guild bigint, since timestamptz, member bigint, channel bigint, kinds smallint[])
RETURNS TABLE (slot timestamptz, acts bigint, messages bigint)
LANGUAGE plpgsql STABLE
SET search_path = presence, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    above timestamptz := reset_floor(guild);
    -- [low, made): from the totals
    low   timestamptz := quarter(greatest(since, above) + interval '15 minutes' - interval '1 us');
    made  timestamptz := (SELECT s.until FROM total_state s);
    every boolean := channel IS NULL;
BEGIN
    since := greatest(since, above - interval '1 minute');
    IF member IS NOT NULL THEN
        RETURN QUERY
        SELECT quarter(a.minute), a.count::bigint, CASE WHEN a.kind = 1 THEN a.count ELSE 0 END::bigint
          FROM activity a
         WHERE a.guild_id = guild AND a.user_id = member AND a.minute >= since AND a.last_at >= above
           AND (every OR a.channel_id = channel) AND a.kind = ANY (kinds)
           AND NOT EXISTS (SELECT FROM presence.member m WHERE m.guild_id = guild
                              AND m.user_id = a.user_id AND m.bot IS NULL);
        RETURN;
    END IF;
    RETURN QUERY
    SELECT t.slot, sum(t.acts)::bigint, coalesce(sum(t.acts) FILTER (WHERE t.kind = 1), 0)::bigint
      FROM activity_total t
     WHERE t.guild_id = guild AND t.channel_id = coalesce(channel, -1) AND t.slot >= low AND t.slot < made
       AND t.kind = ANY (kinds) AND channel IS DISTINCT FROM -1
     GROUP BY t.slot;
    RETURN QUERY
    SELECT quarter(a.minute), -a.count::bigint, CASE WHEN a.kind = 1 THEN -a.count ELSE 0 END::bigint
      FROM presence.member m JOIN activity a ON a.guild_id = m.guild_id AND a.user_id = m.user_id
     WHERE m.guild_id = guild AND m.bot IS NULL AND a.minute >= low AND a.minute < made
       AND (every OR a.channel_id = channel) AND a.kind = ANY (kinds);
    RETURN QUERY
    SELECT quarter(a.minute), sum(a.count)::bigint,
           coalesce(sum(a.count) FILTER (WHERE a.kind = 1), 0)::bigint
      FROM (SELECT * FROM activity l WHERE l.minute >= since AND l.minute < low
             UNION ALL
            SELECT * FROM activity l WHERE l.minute >= greatest(low, made)) a
     WHERE a.guild_id = guild AND a.last_at >= above
       AND (every OR a.channel_id = channel) AND a.kind = ANY (kinds)
       AND NOT EXISTS (SELECT FROM presence.member m WHERE m.guild_id = guild
                          AND m.user_id = a.user_id AND m.bot IS NULL)
     GROUP BY 1;
END $$;

-- 0 for the first hour of a Monday to 167 (1970 began on a Thursday). For each row of a log it is much
-- cheaper than to extract the day and the hour.
CREATE FUNCTION hour_of_week(t timestamp) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ((floor(date_part('epoch', t) / 3600)::bigint + 72) % 168)::integer
$$;

-- The 168 hours of the week since so many days ago. Different people are counted from the log, if that
-- is asked for.
CREATE FUNCTION hours_of_week(guild bigint, days integer, zone text, member bigint,
                              channel bigint, kinds text[])
RETURNS TABLE (weekday integer, hour integer, acts bigint, people bigint, observed_ms bigint)
LANGUAGE sql STABLE AS $$
    SELECT w.d, w.h, coalesce(a.acts, 0), coalesce(p.people, 0), o.ms
      FROM (SELECT d, h FROM generate_series(1, 7) d, generate_series(0, 23) h
             WHERE presence.days_ago(days) IS NOT NULL
               AND presence.time_zone(zone) IS NOT NULL) w
      LEFT JOIN (SELECT extract(isodow FROM x.t)::integer AS d, extract(hour FROM x.t)::integer AS h,
                        sum(x.acts)::bigint AS acts
                   FROM (SELECT q.slot AT TIME ZONE (SELECT presence.time_zone(zone)) AS t, q.acts
                           FROM presence.acts_by_quarter(guild, (SELECT presence.days_ago(days)), member,
                                    channel, (SELECT presence.kind_numbers(kinds))) q) x
                  GROUP BY 1, 2) a ON a.d = w.d AND a.h = w.h
      LEFT JOIN (SELECT x.n / 24 + 1 AS d, x.n % 24 AS h, count(*) AS people
                   FROM (SELECT DISTINCT a.user_id, presence.hour_of_week(
                                    a.minute AT TIME ZONE (SELECT presence.time_zone(zone))) AS n
                           FROM presence.activity a
                          WHERE a.guild_id = guild AND a.minute >= (SELECT presence.days_ago(days))
                            AND a.last_at >= (SELECT presence.reset_floor(guild))
                            AND NOT EXISTS (SELECT FROM presence.member m WHERE m.guild_id = guild
                                               AND m.user_id = a.user_id AND m.bot IS NULL)
                            AND (member IS NULL OR a.user_id = member)
                            AND (channel IS NULL OR a.channel_id = channel)
                            AND a.kind = ANY ((SELECT presence.kind_numbers(kinds))::smallint[])) x
                  GROUP BY 1, 2) p ON p.d = w.d AND p.h = w.h
      LEFT JOIN (SELECT extract(isodow FROM x.t)::integer AS d, extract(hour FROM x.t)::integer AS h,
                        sum(presence.overlap_ms((SELECT presence.watched(guild)),
                            greatest(x.s, (SELECT presence.days_ago(days))),
                            x.s + interval '1 hour'))::bigint AS ms
                   FROM (SELECT s, s AT TIME ZONE (SELECT presence.time_zone(zone)) AS t
                           FROM generate_series(date_trunc('hour', (SELECT presence.days_ago(days))),
                                                now(), '1 hour') s) x
                  GROUP BY 1, 2) o ON o.d = w.d AND o.h = w.h
$$;

-- The latest so many calendar days, today included; people as above.
CREATE FUNCTION calendar_days(guild bigint, days integer, zone text, member bigint,
                              channel bigint, kinds text[])
RETURNS TABLE (day date, from_at timestamptz, acts bigint, messages bigint, people bigint,
               observed_ms bigint)
LANGUAGE sql STABLE AS $$
    SELECT w.d, w.d::timestamp AT TIME ZONE (SELECT presence.time_zone(zone)),
           coalesce(a.acts, 0), coalesce(a.messages, 0), coalesce(p.people, 0),
           presence.overlap_ms((SELECT presence.watched(guild)),
               w.d::timestamp AT TIME ZONE (SELECT presence.time_zone(zone)),
               (w.d + 1)::timestamp AT TIME ZONE (SELECT presence.time_zone(zone)))
      FROM (SELECT (now() AT TIME ZONE (SELECT presence.time_zone(zone)))::date - n AS d
              FROM generate_series(0, least(days, 400) - 1) n
             WHERE presence.days_ago(days) IS NOT NULL) w
      LEFT JOIN (SELECT (q.slot AT TIME ZONE (SELECT presence.time_zone(zone)))::date AS d,
                        sum(q.acts)::bigint AS acts, sum(q.messages)::bigint AS messages
                   FROM presence.acts_by_quarter(guild,
                            (SELECT presence.days_ago(days)) - interval '1 day', member, channel,
                            (SELECT presence.kind_numbers(kinds))) q
                  GROUP BY 1) a ON a.d = w.d
      LEFT JOIN (SELECT x.d, count(*) AS people
                   FROM (SELECT DISTINCT a.user_id,
                                (a.minute AT TIME ZONE (SELECT presence.time_zone(zone)))::date AS d
                           FROM presence.activity a
                          WHERE a.guild_id = guild
                            AND a.minute >= (SELECT presence.days_ago(days)) - interval '1 day'
                            AND a.last_at >= (SELECT presence.reset_floor(guild))
                            AND NOT EXISTS (SELECT FROM presence.member m WHERE m.guild_id = guild
                                               AND m.user_id = a.user_id AND m.bot IS NULL)
                            AND (member IS NULL OR a.user_id = member)
                            AND (channel IS NULL OR a.channel_id = channel)
                            AND a.kind = ANY ((SELECT presence.kind_numbers(kinds))::smallint[])) x
                  GROUP BY 1) p ON p.d = w.d
$$;
