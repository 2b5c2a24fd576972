-- Views for people with SQL; sql/README.md tells about them. They hold to what the API holds to: nothing
-- from before a guild's reset, nothing of members who are not known to be human.

CREATE VIEW activity_log AS
SELECT a.guild_id, a.minute, a.user_id, coalesce(m.nick, m.global_name, m.username) AS member,
       nullif(a.channel_id, 0) AS channel_id, c.name AS channel, k.name AS kind,
       k.counts_by_default AS counts, a.count, a.first_at, a.last_at
  FROM activity a
  JOIN activity_kind k ON k.kind = a.kind
  JOIN member m ON m.guild_id = a.guild_id AND m.user_id = a.user_id AND m.bot = false
  LEFT JOIN channel c ON c.guild_id = a.guild_id AND c.channel_id = a.channel_id
  LEFT JOIN guild g ON g.guild_id = a.guild_id
 WHERE (a.last_at >= g.reset_at) IS NOT FALSE;

-- Days are those of UTC; days without an act have no row.
CREATE VIEW activity_daily AS
SELECT l.guild_id, (l.minute AT TIME ZONE 'UTC')::date AS day, l.channel_id, l.kind, l.counts,
       sum(l.count) AS acts, count(DISTINCT l.user_id) AS people
  FROM activity_log l
 GROUP BY 1, 2, 3, 4, 5;

-- Acts that count by default, of the last 7, 30 and 90 days.
CREATE VIEW channel_activity AS
SELECT c.guild_id, c.channel_id, c.name, c.type, c.parent_id, c.gone_at,
       coalesce(a.people_7, 0) AS people_7, coalesce(a.people_30, 0) AS people_30,
       coalesce(a.people_90, 0) AS people_90, coalesce(a.acts_90, 0) AS acts_90,
       coalesce(a.messages_90, 0) AS messages_90, a.last_act_at
  FROM channel c
  LEFT JOIN (SELECT l.guild_id, l.channel_id,
                    count(DISTINCT l.user_id) FILTER (WHERE l.minute >= now() - interval '7 days')
                        AS people_7,
                    count(DISTINCT l.user_id) FILTER (WHERE l.minute >= now() - interval '30 days')
                        AS people_30,
                    count(DISTINCT l.user_id) AS people_90, sum(l.count) AS acts_90,
                    coalesce(sum(l.count) FILTER (WHERE l.kind = 'MESSAGE'), 0) AS messages_90,
                    max(l.last_at) AS last_act_at
               FROM activity_log l
              WHERE l.counts AND l.minute >= now() - interval '90 days'
              GROUP BY l.guild_id, l.channel_id) a
    ON a.guild_id = c.guild_id AND a.channel_id = c.channel_id;
