-- What readers see.

-- One row per human on the roster. Members whose bot flag is true or not known are left out.
--   KNOWN       the last act that counts is known: idle_since
--   NOT_BEFORE  nothing was seen; joining was itself an act, so the last one is not before T
--   UNKNOWN     nothing at all is known; never "idle since 1970"
CREATE VIEW member_activity AS
SELECT m.guild_id, m.user_id, m.username, m.global_name, m.nick, m.roles, m.joined_at,
       m.premium_since, m.timeout_until, m.pending, m.flags, m.roster_at, m.left_at,
       CASE WHEN m.left_at IS NULL THEN m.state ELSE 'LEFT' END AS state,
       coalesce(m.left_at, m.state_since) AS state_since,
       m.state AS decided, m.name_key,
       l.last_seen, l.last_seen_kind, l.last_channel, l.last_counted, l.last_counted_kind,
       l.present_until, l.gap_count, l.gap_sum_ms, l.gap_max_ms, l.gap_hist,
       l.idle_slot, l.state AS idle_state,
       CASE WHEN l.last_counted IS NOT NULL OR l.present_until IS NOT NULL THEN 'KNOWN'
            WHEN m.joined_at IS NOT NULL THEN 'NOT_BEFORE'
            ELSE 'UNKNOWN' END AS knowledge,
       greatest(l.last_counted, l.present_until) AS idle_since,
       coalesce(greatest(l.last_counted, l.present_until), m.joined_at) AS not_before
  FROM member m
  LEFT JOIN last_seen l ON l.guild_id = m.guild_id AND l.user_id = m.user_id
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
