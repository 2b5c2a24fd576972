-- Rankings, what is typical of a member, and channels nobody wants to hear of.

-- --- gaps ----------------------------------------------------------------------------------------

-- The length below which that share of a member's gaps lies, by a histogram as gap_hist_add keeps it:
-- exact to the class (they double from half an hour on), even within it. NULL: there is no gap.
CREATE FUNCTION gap_quantile(hist integer[], share numeric) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT (lower * (1 + (share * total - before) / n))::bigint
      FROM (SELECT 1800000 * 2 ^ (i - 1)::numeric AS lower, n, sum(n) OVER (ORDER BY i) - n AS before,
                   sum(n) OVER () AS total
              FROM unnest(hist) WITH ORDINALITY AS h(n, i)) x
     WHERE n > 0 AND before + n >= share * total
     ORDER BY before LIMIT 1
$$;

-- --- rankings --------------------------------------------------------------------------------------

-- Acts of the kinds of these names (null: those that count by default), of the last so many days.
-- It becomes part of the query around it, which groups only by what it needs. Nothing of members who may turn out to be bots.
CREATE FUNCTION acts_of_guild(guild bigint, days integer, kinds text[])
RETURNS TABLE (user_id bigint, channel_id bigint, acts bigint, last_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT a.user_id, a.channel_id, a.count::bigint, a.last_at
      FROM presence.activity a
     WHERE a.guild_id = guild AND a.minute >= (SELECT presence.days_ago(days))
       AND a.last_at >= (SELECT presence.reset_floor(guild))
       AND NOT EXISTS (SELECT FROM presence.member m WHERE m.guild_id = guild
                          AND m.user_id = a.user_id AND m.bot IS NULL)
       AND a.kind = ANY ((SELECT presence.kind_numbers(kinds))::smallint[])
$$;

-- The first n by acts. Of those with the fewest (fewest) also whoever has none at all. Members who are
-- there, channels and roles that were not deleted; a role is credited with the acts of its holders.
CREATE FUNCTION ranking(guild bigint, rank_by text, days integer, kinds text[], n integer,
                        fewest boolean)
RETURNS TABLE (place bigint, id bigint, acts bigint, people bigint, last_at timestamptz)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    IF n NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION 'first: expected 1 to 100' USING ERRCODE = 'PR002';
    ELSIF rank_by = 'MEMBER' THEN
        RETURN QUERY
        SELECT row_number() OVER (), r.* FROM (
            SELECT m.user_id, coalesce(x.acts, 0), (x.acts IS NOT NULL)::integer::bigint, x.last_at
              FROM presence.member m
              LEFT JOIN (SELECT f.user_id, sum(f.acts)::bigint AS acts, max(f.last_at) AS last_at
                           FROM presence.acts_of_guild(guild, days, kinds) f
                          GROUP BY f.user_id) x ON x.user_id = m.user_id
             WHERE m.guild_id = guild AND m.bot = false AND m.left_at IS NULL
               AND (fewest OR x.acts IS NOT NULL)
             ORDER BY CASE WHEN fewest THEN coalesce(x.acts, 0) ELSE -x.acts END, m.user_id
             LIMIT n) r;
    ELSIF rank_by = 'CHANNEL' THEN
        RETURN QUERY
        SELECT row_number() OVER (), r.* FROM (
            SELECT c.channel_id, coalesce(x.acts, 0), coalesce(x.people, 0), x.last_at
              FROM presence.channel c
              LEFT JOIN (SELECT u.channel_id, sum(u.acts)::bigint AS acts, count(*) AS people,
                                max(u.last_at) AS last_at
                           FROM (SELECT f.channel_id, sum(f.acts) AS acts, max(f.last_at) AS last_at
                                   FROM presence.acts_of_guild(guild, days, kinds) f
                                  GROUP BY f.channel_id, f.user_id) u
                          GROUP BY u.channel_id) x ON x.channel_id = c.channel_id
             WHERE c.guild_id = guild AND c.gone_at IS NULL AND c.type IS DISTINCT FROM 4
               AND (fewest OR x.acts IS NOT NULL)
             ORDER BY CASE WHEN fewest THEN coalesce(x.acts, 0) ELSE -x.acts END, c.channel_id
             LIMIT n) r;
    ELSE
        RETURN QUERY
        SELECT row_number() OVER (), r.* FROM (
            SELECT o.role_id, coalesce(x.acts, 0), coalesce(x.people, 0), x.last_at
              FROM presence.role o
              LEFT JOIN (SELECT h.role_id, sum(u.acts)::bigint AS acts, count(*) AS people,
                                max(u.last_at) AS last_at
                           FROM (SELECT f.user_id, sum(f.acts) AS acts, max(f.last_at) AS last_at
                                   FROM presence.acts_of_guild(guild, days, kinds) f
                                  GROUP BY f.user_id) u
                           JOIN presence.member m ON m.guild_id = guild AND m.user_id = u.user_id
                                AND m.bot = false AND m.left_at IS NULL
                          CROSS JOIN unnest(m.roles) AS h(role_id)
                          GROUP BY h.role_id) x ON x.role_id = o.role_id
             WHERE o.guild_id = guild AND o.gone_at IS NULL AND o.role_id <> guild
               AND (fewest OR x.acts IS NOT NULL)
             ORDER BY CASE WHEN fewest THEN coalesce(x.acts, 0) ELSE -x.acts END, o.role_id
             LIMIT n) r;
    END IF;
END $$;

-- --- channels --------------------------------------------------------------------------------------

-- Which channels and categories are never proposed as quiet.
CREATE FUNCTION ignored_channels(guild bigint) RETURNS bigint[]
LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(e::bigint), '{}')
      FROM presence.setting_in_force s, jsonb_array_elements_text(s.value) e
     WHERE s.guild_id = guild AND s.key = 'ignored_channels'
$$;
