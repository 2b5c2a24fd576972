"""A million members in PostgreSQL, made by SQL: what the lists of the API are measured with.

One guild of 500,000 members, a hundred of 5,000. A tenth acted today, a fifth was never seen, one in
twenty has left; states, roles, names and kinds are spread unevenly, each with a rare value.
"""

BIG, BIG_MEMBERS = 500000000000000001, 500000
SMALL, SMALL_MEMBERS = 100, 5000
RARE_ROLE, COMMON_ROLE = 900000000000000000, 900000000000000029

SQL = """
CREATE TEMP TABLE who AS
SELECT g.guild_id, 600000000000000000 + g.base + n AS user_id, n,
       hashint8(n * 7919 + g.base) & 1048575 AS a, hashint8(n * 104729 + g.base) & 1048575 AS b,
       hashint8(n * 1299709 + g.base) & 1048575 AS c
  FROM (SELECT {big} AS guild_id, {big_members} AS members, 0::bigint AS base
        UNION ALL SELECT {big} + i, {small_members}, 1000000 * i
          FROM generate_series(1, {small}) i) g, generate_series(1::bigint, g.members) n;
INSERT INTO guild (guild_id, lane, at, name, member_count, bot_joined_at, roster_at)
SELECT guild_id, 0, now(), 'guild ' || guild_id, count(*), now() - interval '400 days', now()
  FROM who GROUP BY guild_id;
INSERT INTO member (guild_id, user_id, at, roster_at, bot, joined_at, username, global_name, nick,
                    roles, left_at, state, state_since)
SELECT guild_id, user_id, now(), now(), false, now() - make_interval(secs => a * 100),
       'user' || b || '_' || n, CASE WHEN a % 3 > 0 THEN 'Name ' || md5(b::text) END,
       CASE WHEN c % 5 = 0 THEN 'Nick ' || left(md5(c::text), 9) END,
       CASE WHEN n % 9973 = 0 THEN array[{rare}] ELSE '{{}}' END
       || array(SELECT {common} - r FROM generate_series(0, 11) r WHERE (c >> r) & r = 0),
       CASE WHEN b % 20 = 0 THEN now() - interval '9 days' END,
       s.state, CASE WHEN s.state <> 'UNDECIDED' THEN now() END
  FROM who, LATERAL (SELECT (CASE WHEN n % 5003 = 0 THEN 'WARNED' WHEN c % 100 < 30 THEN 'INACTIVE'
                                  WHEN c % 100 < 35 THEN 'NEW' WHEN c % 100 < 38 THEN 'AWAY'
                                  WHEN c % 100 < 40 THEN 'EXEMPT' WHEN c % 100 < 90 THEN 'ACTIVE'
                                  ELSE 'UNDECIDED' END)::member_state AS state) s
 ORDER BY guild_id, user_id;
INSERT INTO last_seen (guild_id, user_id, last_seen, last_seen_kind, last_counted,
                       last_counted_kind, last_channel, gap_count, gap_sum_ms, gap_max_ms, state)
SELECT w.guild_id, w.user_id, s.t, s.kind, s.t, s.kind, 700000000000000000 + w.a % 50, w.a % 50,
       w.b * 1000::bigint, w.c * 1000::bigint,
       CASE WHEN m.left_at IS NULL THEN m.state ELSE 'LEFT' END
  FROM who w JOIN member m USING (guild_id, user_id),
       LATERAL (SELECT now() - make_interval(secs => CASE WHEN w.a % 8 = 0 THEN w.a * 0.0824
                                                   ELSE 86400 + power(w.a / 1048576.0, 2) * 31449600 END) AS t,
                       (CASE WHEN w.n % 9001 = 0 THEN 25 WHEN w.c % 10 < 7 THEN 1
                             WHEN w.c % 10 < 9 THEN 5 ELSE 10 END)::smallint AS kind) s
 WHERE w.b % 5 > 0
 ORDER BY hashint8(w.user_id);
DROP TABLE who;
"""


def fill(pg):
    """Into an empty, migrated database; about a minute."""
    statement = SQL.format(big=BIG, big_members=BIG_MEMBERS, small=SMALL,
                           small_members=SMALL_MEMBERS, rare=RARE_ROLE, common=COMMON_ROLE)
    with pg.connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement)
    pg.execute("VACUUM ANALYZE")
