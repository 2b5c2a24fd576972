-- What readers see. guild.reset_at is a floor: what was recorded before it is as if unknown.

CREATE FUNCTION above(t timestamptz, reset_at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN (t < reset_at) IS NOT TRUE THEN t END
$$;

-- One row per human on the roster. Members whose bot flag is true or not known are left out.
--   KNOWN       the last act that counts is known: idle_since
--   NOT_BEFORE  nothing was seen; joining was itself an act, so the last one is not before T;
--               nor is it before the guild's reset
--   UNKNOWN     nothing at all is known; never "idle since 1970"
CREATE VIEW member_activity AS
SELECT m.guild_id, m.user_id, m.username, m.global_name, m.nick, m.roles, m.joined_at,
       m.premium_since, m.timeout_until, m.pending, m.flags, m.roster_at, m.left_at,
       CASE WHEN m.left_at IS NULL THEN m.state ELSE 'LEFT' END AS state,
       coalesce(m.left_at, m.state_since) AS state_since,
       m.state AS decided, m.name_key,
       above(l.last_seen, g.reset_at) AS last_seen,
       CASE WHEN above(l.last_seen, g.reset_at) IS NOT NULL THEN l.last_seen_kind END
           AS last_seen_kind,
       CASE WHEN above(l.last_seen, g.reset_at) IS NOT NULL THEN l.last_channel END
           AS last_channel,
       above(l.last_counted, g.reset_at) AS last_counted,
       CASE WHEN above(l.last_counted, g.reset_at) IS NOT NULL THEN l.last_counted_kind END
           AS last_counted_kind,
       above(l.present_until, g.reset_at) AS present_until,
       CASE WHEN above(l.last_counted, g.reset_at) IS NOT NULL THEN l.gap_count END AS gap_count,
       CASE WHEN above(l.last_counted, g.reset_at) IS NOT NULL THEN l.gap_sum_ms END AS gap_sum_ms,
       CASE WHEN above(l.last_counted, g.reset_at) IS NOT NULL THEN l.gap_max_ms END AS gap_max_ms,
       CASE WHEN above(l.last_counted, g.reset_at) IS NOT NULL THEN l.gap_hist END AS gap_hist,
       l.idle_slot, l.state AS idle_state, g.reset_at,
       CASE WHEN greatest(l.last_counted, l.present_until) >= g.reset_at
                 OR g.reset_at IS NULL AND greatest(l.last_counted, l.present_until) IS NOT NULL
            THEN 'KNOWN'
            WHEN m.joined_at IS NOT NULL OR g.reset_at IS NOT NULL THEN 'NOT_BEFORE'
            ELSE 'UNKNOWN' END AS knowledge,
       above(greatest(l.last_counted, l.present_until), g.reset_at) AS idle_since,
       coalesce(above(greatest(l.last_counted, l.present_until), g.reset_at),
                greatest(m.joined_at, g.reset_at)) AS not_before
  FROM member m
  LEFT JOIN last_seen l ON l.guild_id = m.guild_id AND l.user_id = m.user_id
  LEFT JOIN guild g ON g.guild_id = m.guild_id
 WHERE m.bot = false;

-- Coverage with its effective end: an interval nobody closed lasts as long as its session; one of
-- a session that died lasts until the later of its lease and its last durable event.
CREATE VIEW coverage_interval AS
SELECT c.guild_id, c.session, c.from_at,
       greatest(c.from_at, coalesce(c.to_at, g.ended_at,
           greatest(g.watched_until, (SELECT max(s.last_at) FROM lane_session s
                                       WHERE s.session = c.session)))) AS to_at,
       c.to_at IS NULL AND g.ended_at IS NULL AS open,
       c.open_reason, c.close_reason
  FROM coverage c
  LEFT JOIN gateway_session g ON g.session = c.session;
