-- What one LaneBatch does, one function per section. presence-graphqld sends the calls of a batch
-- in one pipeline: one round trip, one transaction. batch_begin comes first and raises PR001 when
-- the lane does not stand where the batch begins, so that nothing of it is applied.
--
-- Arrays come sorted by key and free of duplicates (src/graphql/ingest*.c), and several unnest() in one
-- list of columns give their rows in that order, without a copy of each column: unnest of many arrays
-- in FROM makes one. The planner settings keep plans made over empty tables from being kept when the
-- tables have grown; what joins large arrays with a table is planned anew each time (force_custom_plan).

CREATE FUNCTION snowflake(id bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN id >= 0 THEN id::text ELSE (id::numeric + 18446744073709551616)::text END
$$;

-- Of the distance from 1970: what is extracted from a time itself depends on the time zone for the planner,
-- which would then call the function for each row instead of putting it in place.
CREATE FUNCTION unix_ms(t timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT floor(extract(epoch FROM t - timestamptz '1970-01-01 00:00:00+00') * 1000)::bigint
$$;

-- --- partitions -------------------------------------------------------------------------------

-- In plpgsql, which keeps the plan: each batch asks.
CREATE FUNCTION month_partition(month date) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN to_char(month, '"activity_y"YYYY"m"MM');
END $$;

-- Makes the partition of a month (any day of it) unless it is there. ATTACH takes a lock that
-- does not conflict with writers; the advisory lock lets one session at a time do it.
-- Runs with the owner's rights: the service makes no tables.
CREATE FUNCTION ensure_month(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = presence, pg_temp AS $$
DECLARE
    month date := date_trunc('month', day::timestamp)::date;
    part  text := presence.month_partition(day);
BEGIN
    IF to_regclass('presence.' || part) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(5065797276734835043);
    -- Not to_regclass: after the wait it may still remember that there was none.
    IF EXISTS (SELECT FROM pg_catalog.pg_class c
                WHERE c.relnamespace = 'presence'::regnamespace AND c.relname = part) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE presence.%I (LIKE presence.activity INCLUDING ALL)'
                   ' WITH (fillfactor = 90)', part);
    EXECUTE format('ALTER TABLE presence.activity ATTACH PARTITION presence.%I'
                   ' FOR VALUES FROM (%L) TO (%L)', part, month::text || ' 00:00:00+00',
                   (month + interval '1 month')::date::text || ' 00:00:00+00');
    RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION ensure_month FROM PUBLIC;

-- This month and the next `ahead`. Called at the start and once a day.
CREATE FUNCTION ensure_months(ahead integer) RETURNS integer
LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE presence.ensure_month(
               ((now() AT TIME ZONE 'UTC') + make_interval(months => n))::date))::integer
      FROM generate_series(0, ahead) n
$$;

SELECT ensure_months(2);

-- --- telling who listens ----------------------------------------------------------------------

-- Subscriptions hear of a change after it is committed, by NOTIFY on the channel "presence" with ids
-- only: "KIND guild id[,id...]", guild 0 and no ids where there are none. Whoever changes something calls
--
--     PERFORM presence.tell('SETTINGS', guild, id);
--
-- with one of SETTINGS, EXEMPTION (id: whose), ABSENCE (id: the user), JOB (id: the job), RESET,
-- GUILD_DELETED, MEMBER_DELETED (id: the user), USER_ERASED (guild 0, id: the user): changes(lanes);
-- MEMBER (id: the user): memberStateChanged; DECISION (id: the decision): decisionMade;
-- ACTIVITY (ids: the users): activity, which batches tell themselves.
--
-- Nothing is sent while nobody listens. A listener holds a shared advisory lock per topic and
-- bucket of guilds as long as it lives (presence.listen); who tells tries for the exclusive one. Where he
-- gets it nobody listens, and whoever begins to waits for the end of his transaction: a listener
-- misses nothing that is committed after its lock was granted. Two who tell at once may take each
-- other for a listener; a notification too many harms nobody.
CREATE FUNCTION topic_of(kind text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 1347571500 + CASE kind WHEN 'ACTIVITY' THEN 1 WHEN 'MEMBER' THEN 2
                                  WHEN 'DECISION' THEN 3 ELSE 0 END
$$;

-- 0 to 63; -1: of any guild.
CREATE FUNCTION topic_bucket(guild bigint) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN guild IS NULL THEN -1 ELSE hashint8(guild) & 63 END
$$;

-- guild NULL: of any guild. Locks are counted: one unlisten takes back one listen. For ACTIVITY, -1 is
-- held beside the bucket: batches look there first.
CREATE FUNCTION listen(kind text, guild bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_lock_shared(presence.topic_of(kind), bucket)
      FROM unnest(ARRAY[presence.topic_bucket(guild)]
                  || CASE WHEN kind = 'ACTIVITY' THEN ARRAY[-1] END) AS bucket;
END $$;

CREATE FUNCTION unlisten(kind text, guild bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_unlock_shared(presence.topic_of(kind), bucket)
      FROM unnest(ARRAY[presence.topic_bucket(guild)]
                  || CASE WHEN kind = 'ACTIVITY' THEN ARRAY[-1] END) AS bucket;
END $$;

CREATE FUNCTION listened(kind text, bucket integer) RETURNS boolean
LANGUAGE sql AS $$
    SELECT NOT pg_try_advisory_xact_lock(presence.topic_of(kind), bucket)
$$;

CREATE FUNCTION tell(kind text, guild bigint, id bigint DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF presence.listened(kind, -1) OR presence.listened(kind, presence.topic_bucket(guild)) THEN
        PERFORM pg_notify('presence', concat_ws(' ', kind, coalesce(guild, 0), id));
    END IF;
END $$;

-- One activity subscription anywhere makes batches look at the buckets of their guilds.
CREATE FUNCTION tell_activity(guilds bigint[], users bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT presence.listened('ACTIVITY', -1) THEN
        RETURN;
    END IF;
    PERFORM pg_notify('presence', format('ACTIVITY %s %s', x.g, string_agg(x.u::text, ',')))
       FROM (SELECT t.g, t.u, row_number() OVER (PARTITION BY t.g) / 300 AS part
               FROM (SELECT b.bucket
                       FROM (SELECT DISTINCT presence.topic_bucket(g) AS bucket
                               FROM unnest(guilds) AS g) b
                      WHERE presence.listened('ACTIVITY', b.bucket)) heard
               JOIN unnest(guilds, users) AS t(g, u)
                 ON presence.topic_bucket(t.g) = heard.bucket) x
      GROUP BY x.g, x.part;
END $$;

-- What one notification says, for the subscription that passes it on (presence.event is set in the
-- transaction that reads).
CREATE VIEW event AS
SELECT split_part(e.text, ' ', 1) AS kind,
       nullif(split_part(e.text, ' ', 2), '0')::bigint AS guild_id,
       nullif(split_part(split_part(e.text, ' ', 3), ',', 1), '')::bigint AS id,
       string_to_array(nullif(split_part(e.text, ' ', 3), ''), ',')::bigint[] AS ids
  FROM (SELECT current_setting('presence.event', true) AS text) e;

-- --- the position -----------------------------------------------------------------------------

-- Whoever takes lanes over in a new segment claims them for its epoch before it reads where they
-- stand. The lock waits for a batch of an earlier epoch that is under way; one that begins later is
-- refused. So what the reader finds is all that the earlier epochs will ever have written on their
-- own.
CREATE FUNCTION claim_lanes(lanes integer[], in_epoch bigint) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(lanes) AS u(lane) WHERE u.lane NOT BETWEEN 0 AND 63) THEN
        RAISE EXCEPTION 'lanes: expected 0 to 63' USING ERRCODE = 'PR002';
    END IF;
    INSERT INTO lane AS l (lane, epoch, position, claimed)
    SELECT DISTINCT u.lane, 0, 0, in_epoch FROM unnest(lanes) AS u(lane) ORDER BY u.lane
        ON CONFLICT (lane) DO UPDATE SET claimed = excluded.claimed
     WHERE l.claimed < excluded.claimed;
END $$;

-- in_claim: the epoch of the segment in which the sender lives; in_epoch that of its data, an
-- earlier one if they come from a spool.
CREATE FUNCTION batch_begin(
    in_lane smallint, in_epoch bigint, in_claim bigint, in_from bigint, in_to bigint,
    sessions bigint[], seqs bigint[], latest timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    l lane;
BEGIN
    SELECT * INTO l FROM lane WHERE lane.lane = in_lane FOR UPDATE;
    IF NOT FOUND THEN
        -- Two first batches of one lane at once: the second waits here and then finds the row.
        INSERT INTO lane VALUES (in_lane, in_epoch, 0, in_claim) ON CONFLICT DO NOTHING;
        SELECT * INTO l FROM lane WHERE lane.lane = in_lane FOR UPDATE;
    END IF;
    IF in_claim < l.claimed THEN
        RAISE EXCEPTION 'lane % is claimed by epoch %', in_lane, l.claimed
            USING ERRCODE = 'PR001', DETAIL = format('CLAIMED %s %s', l.epoch, l.position);
    ELSIF in_epoch < l.epoch THEN
        RAISE EXCEPTION 'lane % has moved on to epoch %', in_lane, l.epoch
            USING ERRCODE = 'PR001', DETAIL = format('EPOCH %s %s', l.epoch, l.position);
    ELSIF in_from <> (CASE WHEN in_epoch = l.epoch THEN l.position ELSE 0 END) THEN
        RAISE EXCEPTION 'lane % stands at % of epoch %', in_lane, l.position, l.epoch
            USING ERRCODE = 'PR001', DETAIL = format('POSITION %s %s', l.epoch, l.position);
    END IF;
    UPDATE lane SET epoch = in_epoch, position = in_to, claimed = in_claim
     WHERE lane.lane = in_lane;
    IF sessions = '{}' THEN
        RETURN;
    END IF;
    INSERT INTO lane_session AS s (lane, session, appended, last_at)
    SELECT in_lane, u.session, u.seq,
           CASE WHEN u.session = max(u.session) OVER () THEN latest END
      FROM unnest(sessions, seqs) AS u(session, seq)
     ORDER BY u.session
        ON CONFLICT (lane, session) DO UPDATE
       SET appended = greatest(s.appended, excluded.appended),
           last_at = greatest(s.last_at, excluded.last_at);
END $$;

-- --- activity ---------------------------------------------------------------------------------

-- A gap is a silence of half an hour or more between two counted acts. Buckets double: 0 is under
-- an hour, 1 under two, ... 15 the rest (over a year and a half).
CREATE FUNCTION gap_bucket(ms bigint) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT width_bucket(ms, ARRAY[3600000, 7200000, 14400000, 28800000, 57600000, 115200000,
                                  230400000, 460800000, 921600000, 1843200000, 3686400000,
                                  7372800000, 14745600000, 29491200000, 58982400000]::bigint[])
$$;

CREATE FUNCTION gap_hist_add(hist integer[], ms bigint) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    h integer[] := coalesce(hist, array_fill(0, ARRAY[16], ARRAY[0]));
    b integer := presence.gap_bucket(ms);
BEGIN
    h[b] := h[b] + 1;
    RETURN h;
END $$;

-- The length of the gap that ends with an act; NULL: none does. Times of acts are whole milliseconds, so
-- rounding is exact.
CREATE FUNCTION gap_ms(last timestamptz, next timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN next - last >= interval '30 minutes'
                THEN (date_part('epoch', next - last) * 1000)::bigint END
$$;

-- For those who have a row; tells how many have one. Over a small table it is planned anew each time: a
-- plan made there goes through all of it, and would be kept. Nothing that an index holds changes, but for
-- the slot once an hour. Called by batch_sightings, with its settings.
CREATE FUNCTION raise_seen(
    guilds bigint[], users bigint[], seen timestamptz[], seen_kind smallint[], channel bigint[],
    first_counted timestamptz[], counted timestamptz[], counted_kind smallint[]) RETURNS bigint
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    n bigint;
BEGIN
    IF pg_relation_size('presence.last_seen') >= 131072 THEN
        PERFORM set_config('plan_cache_mode', 'force_generic_plan', true);
    END IF;
    UPDATE last_seen t
       SET last_seen_kind = CASE WHEN u.seen >= t.last_seen IS NOT FALSE
                                 THEN u.seen_kind ELSE t.last_seen_kind END,
           last_channel = CASE WHEN u.seen >= t.last_seen IS NOT FALSE
                               THEN coalesce(u.channel, t.last_channel) ELSE t.last_channel END,
           last_seen = greatest(t.last_seen, u.seen),
           last_counted_kind = CASE WHEN u.counted >= t.last_counted OR t.last_counted IS NULL
                                    THEN u.counted_kind ELSE t.last_counted_kind END,
           last_counted = greatest(t.last_counted, u.counted),
           gap_count = t.gap_count + (gap_ms(t.last_counted, u.first) IS NOT NULL)::integer,
           gap_sum_ms = t.gap_sum_ms + coalesce(gap_ms(t.last_counted, u.first), 0),
           gap_max_ms = greatest(t.gap_max_ms, gap_ms(t.last_counted, u.first)),
           gap_hist = CASE WHEN gap_ms(t.last_counted, u.first) IS NULL THEN t.gap_hist
                           ELSE gap_hist_add(t.gap_hist, gap_ms(t.last_counted, u.first)) END
      FROM (SELECT unnest(guilds) AS g, unnest(users) AS u, unnest(raise_seen.seen) AS seen,
                   unnest(raise_seen.seen_kind) AS seen_kind, unnest(raise_seen.channel) AS channel,
                   unnest(first_counted) AS first, unnest(raise_seen.counted) AS counted,
                   unnest(raise_seen.counted_kind) AS counted_kind) u
     WHERE t.guild_id = u.g AND t.user_id = u.u;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;

-- For those who have none: rows of last_seen, and of member for whoever is not known at all; tells how
-- many of them are bots, which get none. Each is looked for by itself (OFFSET 0 keeps it so).
CREATE FUNCTION begin_seen(
    guilds bigint[], users bigint[], seen timestamptz[], seen_kind smallint[], channel bigint[],
    counted timestamptz[], counted_kind smallint[]) RETURNS bigint
LANGUAGE plpgsql
SET search_path = presence, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    new integer[];
    strangers bigint;
    bots bigint;
BEGIN
    new := array(SELECT i FROM generate_subscripts(guilds, 1) AS i
                  WHERE NOT EXISTS (SELECT FROM last_seen t WHERE t.guild_id = guilds[i]
                                       AND t.user_id = users[i] OFFSET 0)
                  ORDER BY i);
    SELECT count(*) FILTER (WHERE m.user_id IS NULL), count(*) FILTER (WHERE m.bot)
      INTO strangers, bots
      FROM unnest(new) AS i LEFT JOIN LATERAL
           (SELECT x.user_id, x.bot FROM member x
             WHERE x.guild_id = guilds[i] AND x.user_id = users[i] OFFSET 0) m ON true;
    IF strangers > 0 THEN
        INSERT INTO member (guild_id, user_id)
        SELECT guilds[i], users[i] FROM unnest(new) AS i ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO last_seen (guild_id, user_id, last_seen, last_seen_kind, last_channel,
                           last_counted, last_counted_kind, state)
    SELECT guilds[i], users[i], seen[i], seen_kind[i], channel[i], counted[i], counted_kind[i],
           m.state
      FROM unnest(new) AS i, LATERAL
           (SELECT seen_state(x) AS state, x.bot FROM member x
             WHERE x.guild_id = guilds[i] AND x.user_id = users[i] OFFSET 0) m
     WHERE m.bot IS NOT TRUE;
    RETURN bots;
END $$;

-- m_*: one entry per member; a_*: one per activity row; g_*: gaps inside the batch (rare). A bot has no
-- row in last_seen.
CREATE FUNCTION batch_sightings(
    months date[],
    m_guild bigint[], m_user bigint[], m_seen timestamptz[], m_seen_kind smallint[],
    m_channel bigint[], m_first_counted timestamptz[], m_counted timestamptz[],
    m_counted_kind smallint[],
    a_guild bigint[], a_user bigint[], a_minute timestamptz[], a_channel bigint[],
    a_kind smallint[], a_count integer[], a_first timestamptz[], a_last timestamptz[],
    g_guild bigint[], g_user bigint[], g_ms bigint[]) RETURNS void
LANGUAGE plpgsql
SET search_path = presence, pg_temp SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    month date;
    bots bigint := 0;
BEGIN
    FOREACH month IN ARRAY months LOOP
        IF to_regclass(month_partition(month)) IS NULL THEN
            PERFORM ensure_month(month);
        END IF;
    END LOOP;
    IF raise_seen(m_guild, m_user, m_seen, m_seen_kind, m_channel, m_first_counted, m_counted,
                  m_counted_kind) < array_length(m_guild, 1) THEN
        bots := begin_seen(m_guild, m_user, m_seen, m_seen_kind, m_channel, m_counted,
                           m_counted_kind);
    END IF;

    INSERT INTO activity AS t (guild_id, user_id, minute, channel_id, kind, count, first_at,
                               last_at)
    SELECT u.g, u.u, u.minute, u.channel, u.kind, u.n, u.f, u.l
      FROM (SELECT unnest(a_guild) AS g, unnest(a_user) AS u, unnest(a_minute) AS minute,
                   unnest(a_channel) AS channel, unnest(a_kind) AS kind, unnest(a_count) AS n,
                   unnest(a_first) AS f, unnest(a_last) AS l) u
     WHERE bots = 0 OR NOT EXISTS (SELECT FROM member m
                                    WHERE m.guild_id = u.g AND m.user_id = u.u AND m.bot)
        ON CONFLICT (guild_id, user_id, minute, channel_id, kind) DO UPDATE
       SET count = t.count + excluded.count,
           first_at = least(t.first_at, excluded.first_at),
           last_at = greatest(t.last_at, excluded.last_at);
    -- After that: 018_totals.sql.
    IF (SELECT s.closing FROM total_state s) > ANY (a_minute) THEN
        PERFORM add_to_totals(a_guild, a_user, a_minute, a_channel, a_kind, a_count, bots > 0);
    END IF;

    FOR i IN 1 .. coalesce(array_length(g_guild, 1), 0) LOOP
        UPDATE last_seen t
           SET gap_count = t.gap_count + 1, gap_sum_ms = t.gap_sum_ms + g_ms[i],
               gap_max_ms = greatest(t.gap_max_ms, g_ms[i]),
               gap_hist = gap_hist_add(t.gap_hist, g_ms[i])
         WHERE t.guild_id = g_guild[i] AND t.user_id = g_user[i];
    END LOOP;
    PERFORM tell_activity(m_guild, m_user);
END $$;

-- --- the roster -------------------------------------------------------------------------------

-- mask: which fields were given (an absent one is kept, a given NULL clears); the bits are those
-- of the table in src/graphql/ingest_rows.c. roles come as text because lists differ in length.
CREATE FUNCTION batch_members(
    guilds bigint[], users bigint[], ats timestamptz[], mask integer[], in_bot boolean[],
    roster boolean[], username text[], global_name text[], nick text[], roles text[],
    joined timestamptz[], premium timestamptz[], timeout timestamptz[], pending boolean[],
    flags integer[], avatar bigint[], edits timestamptz[]) RETURNS void
LANGUAGE plpgsql
SET search_path = presence, pg_temp SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    MERGE INTO member AS m
    USING (SELECT * FROM unnest(guilds, users, ats, mask, in_bot, roster, username, global_name,
                                nick, roles, joined, premium, timeout, pending, flags, avatar)
               AS u(g, u, at, mask, bot, roster, username, global_name, nick, roles, joined,
                    premium, timeout, pending, flags, avatar) ORDER BY g, u) AS u
       ON m.guild_id = u.g AND m.user_id = u.u
     WHEN MATCHED THEN UPDATE SET
          at = greatest(m.at, u.at),
          bot = coalesce(u.bot, m.bot),
          roster_at = CASE WHEN u.roster THEN greatest(m.roster_at, u.at) ELSE m.roster_at END,
          left_at = CASE WHEN u.roster THEN NULL
                         WHEN NOT u.roster THEN coalesce(m.left_at, u.at)
                         ELSE m.left_at END,
          username = CASE WHEN u.mask & 1 > 0 THEN u.username ELSE m.username END,
          global_name = CASE WHEN u.mask & 2 > 0 THEN u.global_name ELSE m.global_name END,
          nick = CASE WHEN u.mask & 4 > 0 THEN u.nick ELSE m.nick END,
          roles = CASE WHEN u.mask & 8 > 0 THEN u.roles::bigint[] ELSE m.roles END,
          joined_at = CASE WHEN u.mask & 16 > 0 THEN u.joined ELSE m.joined_at END,
          premium_since = CASE WHEN u.mask & 32 > 0 THEN u.premium ELSE m.premium_since END,
          timeout_until = CASE WHEN u.mask & 64 > 0 THEN u.timeout ELSE m.timeout_until END,
          pending = CASE WHEN u.mask & 128 > 0 THEN u.pending ELSE m.pending END,
          flags = CASE WHEN u.mask & 256 > 0 THEN u.flags ELSE m.flags END,
          avatar_hash = CASE WHEN u.mask & 512 > 0 THEN u.avatar ELSE m.avatar_hash END
     WHEN NOT MATCHED THEN INSERT
          (guild_id, user_id, at, bot, roster_at, left_at, username, global_name, nick, roles,
           joined_at, premium_since, timeout_until, pending, flags, avatar_hash)
          VALUES (u.g, u.u, u.at, u.bot, CASE WHEN u.roster THEN u.at END,
                  CASE WHEN NOT u.roster THEN u.at END, u.username, u.global_name, u.nick,
                  u.roles::bigint[], u.joined, u.premium, u.timeout, u.pending, u.flags, u.avatar);

    INSERT INTO last_seen AS t (guild_id, user_id, last_edit)
    SELECT u.g, u.u, u.edit FROM unnest(guilds, users, in_bot, edits) AS u(g, u, bot, edit)
     WHERE u.edit IS NOT NULL AND u.bot IS NOT TRUE
       AND NOT EXISTS (SELECT FROM member m WHERE m.guild_id = u.g AND m.user_id = u.u AND m.bot)
     ORDER BY u.g, u.u
        ON CONFLICT (guild_id, user_id) DO UPDATE
       SET last_edit = greatest(t.last_edit, excluded.last_edit);
    IF FOUND THEN
        PERFORM last_seen_follow(guilds, users);
    END IF;

    IF true = ANY (in_bot) THEN
        DELETE FROM last_seen t USING unnest(guilds, users, in_bot) AS u(g, u, bot)
         WHERE u.bot AND t.guild_id = u.g AND t.user_id = u.u;
        DELETE FROM activity t USING unnest(guilds, users, in_bot) AS u(g, u, bot)
         WHERE u.bot AND t.guild_id = u.g AND t.user_id = u.u;
        DELETE FROM voice_session t USING unnest(guilds, users, in_bot) AS u(g, u, bot)
         WHERE u.bot AND t.guild_id = u.g AND t.user_id = u.u;
    END IF;
END $$;

-- Whoever was not seen on the roster since the catalogue began has left. A member known from an
-- act alone counts as seen by that act.
CREATE FUNCTION batch_rosters(in_lane smallint, guilds bigint[], begun timestamptz[]) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    UPDATE member m SET left_at = u.begun
      FROM unnest(guilds, begun) AS u(g, begun)
     WHERE m.guild_id = u.g AND m.left_at IS NULL
       AND (m.roster_at < u.begun
            OR m.roster_at IS NULL
               AND NOT EXISTS (SELECT FROM last_seen t
                                WHERE t.guild_id = m.guild_id AND t.user_id = m.user_id
                                  AND t.last_seen >= u.begun));
    INSERT INTO guild AS t (guild_id, lane, at, roster_at)
    SELECT u.g, in_lane, max(u.begun), max(u.begun) FROM unnest(guilds, begun) AS u(g, begun) GROUP BY u.g
        ON CONFLICT (guild_id) DO UPDATE SET roster_at = greatest(t.roster_at, excluded.roster_at);
END $$;

-- --- guilds, channels, roles: entries may repeat; the last one given stands --------------------

CREATE FUNCTION batch_guilds(
    in_lane smallint, guilds bigint[], ats timestamptz[], mask integer[], available boolean[], gone boolean[],
    names text[], owners bigint[], afk bigint[], system bigint[], locales text[], counts integer[],
    bot_joined timestamptz[]) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    FOR i IN 1 .. array_length(guilds, 1) LOOP
        INSERT INTO guild (guild_id, lane, at) VALUES (guilds[i], in_lane, ats[i])
            ON CONFLICT DO NOTHING;
        UPDATE guild t SET
            at = greatest(t.at, ats[i]),
            available = coalesce(batch_guilds.available[i], t.available),
            left_at = CASE WHEN gone[i] THEN coalesce(t.left_at, ats[i])
                           WHEN NOT gone[i] THEN NULL ELSE t.left_at END,
            name = CASE WHEN mask[i] & 1 > 0 THEN names[i] ELSE t.name END,
            owner_id = CASE WHEN mask[i] & 2 > 0 THEN owners[i] ELSE t.owner_id END,
            afk_channel_id = CASE WHEN mask[i] & 4 > 0 THEN afk[i] ELSE t.afk_channel_id END,
            system_channel_id = CASE WHEN mask[i] & 8 > 0 THEN system[i]
                                     ELSE t.system_channel_id END,
            locale = CASE WHEN mask[i] & 16 > 0 THEN locales[i] ELSE t.locale END,
            member_count = CASE WHEN mask[i] & 32 > 0 THEN counts[i] ELSE t.member_count END,
            bot_joined_at = CASE WHEN mask[i] & 64 > 0 THEN bot_joined[i] ELSE t.bot_joined_at END
         WHERE t.guild_id = guilds[i];
    END LOOP;
END $$;

CREATE FUNCTION batch_channels(
    guilds bigint[], channels bigint[], ats timestamptz[], mask integer[], gone boolean[],
    types integer[], names text[], parents bigint[], owners bigint[], last_messages bigint[],
    positions integer[], flags integer[], archived boolean[], locked boolean[],
    overwrites text[]) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    FOR i IN 1 .. array_length(guilds, 1) LOOP
        INSERT INTO channel (guild_id, channel_id, at) VALUES (guilds[i], channels[i], ats[i])
            ON CONFLICT DO NOTHING;
        UPDATE channel t SET
            at = greatest(t.at, ats[i]),
            gone_at = CASE WHEN gone[i] THEN coalesce(t.gone_at, ats[i])
                           WHEN NOT gone[i] THEN NULL ELSE t.gone_at END,
            type = CASE WHEN mask[i] & 1 > 0 THEN types[i] ELSE t.type END,
            name = CASE WHEN mask[i] & 2 > 0 THEN names[i] ELSE t.name END,
            parent_id = CASE WHEN mask[i] & 4 > 0 THEN parents[i] ELSE t.parent_id END,
            owner_id = CASE WHEN mask[i] & 8 > 0 THEN owners[i] ELSE t.owner_id END,
            last_message_id = CASE WHEN mask[i] & 16 > 0 THEN last_messages[i]
                                   ELSE t.last_message_id END,
            position = CASE WHEN mask[i] & 32 > 0 THEN positions[i] ELSE t.position END,
            flags = CASE WHEN mask[i] & 64 > 0 THEN batch_channels.flags[i] ELSE t.flags END,
            archived = CASE WHEN mask[i] & 128 > 0 THEN batch_channels.archived[i]
                            ELSE t.archived END,
            locked = CASE WHEN mask[i] & 256 > 0 THEN batch_channels.locked[i] ELSE t.locked END,
            overwrites = CASE WHEN mask[i] & 512 > 0 THEN batch_channels.overwrites[i]
                              ELSE t.overwrites END
         WHERE t.guild_id = guilds[i] AND t.channel_id = channels[i];
    END LOOP;
END $$;

CREATE FUNCTION batch_roles(
    guilds bigint[], roles bigint[], ats timestamptz[], mask integer[], gone boolean[],
    names text[], positions integer[], permissions bigint[], managed boolean[]) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    FOR i IN 1 .. array_length(guilds, 1) LOOP
        INSERT INTO role (guild_id, role_id, at) VALUES (guilds[i], roles[i], ats[i])
            ON CONFLICT DO NOTHING;
        UPDATE role t SET
            at = greatest(t.at, ats[i]),
            gone_at = CASE WHEN gone[i] THEN coalesce(t.gone_at, ats[i])
                           WHEN NOT gone[i] THEN NULL ELSE t.gone_at END,
            name = CASE WHEN mask[i] & 1 > 0 THEN names[i] ELSE t.name END,
            position = CASE WHEN mask[i] & 2 > 0 THEN positions[i] ELSE t.position END,
            permissions = CASE WHEN mask[i] & 4 > 0 THEN batch_roles.permissions[i]
                               ELSE t.permissions END,
            managed = CASE WHEN mask[i] & 8 > 0 THEN batch_roles.managed[i] ELSE t.managed END
         WHERE t.guild_id = guilds[i] AND t.role_id = roles[i];
    END LOOP;
END $$;

-- Parts of a guild that a complete list did not hold are gone since then, at the latest. A thread
-- that is not among the active ones may as well be archived: only without its channel it is gone.
CREATE FUNCTION batch_parts(guilds bigint[], parts text[], ats timestamptz[]) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    UPDATE role t SET gone_at = u.at, at = u.at
      FROM (SELECT g, max(a) AS at FROM unnest(guilds, parts, ats) AS p(g, part, a)
             WHERE part = 'ROLES' GROUP BY g) u
     WHERE t.guild_id = u.g AND t.gone_at IS NULL AND t.at < u.at;
    UPDATE channel t SET gone_at = u.at, at = u.at
      FROM (SELECT g, max(a) AS at FROM unnest(guilds, parts, ats) AS p(g, part, a)
             WHERE part = 'CHANNELS' GROUP BY g) u
     WHERE t.guild_id = u.g AND t.gone_at IS NULL AND t.at < u.at AND t.type NOT IN (10, 11, 12);
    UPDATE channel t SET gone_at = u.at, at = u.at
      FROM (SELECT g, max(a) AS at FROM unnest(guilds, parts, ats) AS p(g, part, a)
             WHERE part = 'CHANNELS' GROUP BY g) u
     WHERE t.guild_id = u.g AND t.gone_at IS NULL AND t.at < u.at AND t.type IN (10, 11, 12)
       AND EXISTS (SELECT FROM channel c WHERE c.guild_id = t.guild_id
                      AND c.channel_id = t.parent_id AND c.gone_at IS NOT NULL);
    UPDATE channel t SET archived = true, at = u.at
      FROM (SELECT g, max(a) AS at FROM unnest(guilds, parts, ats) AS p(g, part, a)
             WHERE part = 'THREADS' GROUP BY g) u
     WHERE t.guild_id = u.g AND t.gone_at IS NULL AND t.at < u.at AND t.type IN (10, 11, 12)
       AND t.archived IS NOT TRUE;
END $$;

-- --- voice ------------------------------------------------------------------------------------

-- Edges of a member in order. An edge into the channel of the open session keeps the session, with
-- its new state, if it was observed or if Presence was blind for less than five minutes; any other
-- ends it: at the edge's time, or, for an edge that was not observed, at the last moment of which
-- the session is known.
CREATE FUNCTION batch_voice(
    guilds bigint[], users bigint[], channels bigint[], ats timestamptz[], states integer[],
    estimates boolean[]) RETURNS void
LANGUAGE plpgsql
SET search_path = presence, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    o voice_session;
    ended timestamptz;
    bots boolean := EXISTS (
        SELECT FROM unnest(guilds, users) AS u(g, u), LATERAL
               (SELECT m.bot FROM member m WHERE m.guild_id = u.g AND m.user_id = u.u OFFSET 0) m
         WHERE m.bot);
BEGIN
    FOR i IN 1 .. array_length(guilds, 1) LOOP
        CONTINUE WHEN bots AND EXISTS (SELECT FROM member m WHERE m.guild_id = guilds[i]
                                          AND m.user_id = users[i] AND m.bot);
        SELECT * INTO o FROM voice_session v
         WHERE v.guild_id = guilds[i] AND v.user_id = users[i] AND v.to_at IS NULL;
        IF FOUND THEN
            IF o.channel_id = channels[i]
               AND (NOT estimates[i] OR ats[i] - o.confirmed_until < interval '5 minutes') THEN
                UPDATE voice_session v SET state = states[i],
                       confirmed_until = greatest(v.confirmed_until, ats[i])
                 WHERE v.guild_id = o.guild_id AND v.user_id = o.user_id
                   AND v.from_at = o.from_at AND v.channel_id = o.channel_id;
                CONTINUE;
            END IF;
            ended := CASE WHEN estimates[i] THEN o.confirmed_until
                          ELSE greatest(o.from_at, ats[i]) END;
            UPDATE voice_session v SET to_at = ended, estimated = estimates[i],
                   confirmed_until = greatest(v.confirmed_until, ended)
             WHERE v.guild_id = o.guild_id AND v.user_id = o.user_id
               AND v.from_at = o.from_at AND v.channel_id = o.channel_id;
        END IF;
        IF channels[i] IS NOT NULL THEN
            INSERT INTO voice_session AS v (guild_id, user_id, from_at, channel_id,
                                            confirmed_until, state, from_estimated)
            VALUES (guilds[i], users[i], ats[i], channels[i], ats[i], states[i], estimates[i])
                ON CONFLICT (guild_id, user_id, from_at, channel_id) DO UPDATE
               SET to_at = NULL, state = excluded.state, estimated = false;
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION batch_present(guilds bigint[], users bigint[], untils timestamptz[]) RETURNS void
LANGUAGE plpgsql
SET search_path = presence, pg_temp SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    INSERT INTO member (guild_id, user_id)
    SELECT u.g, u.u FROM unnest(guilds, users) AS u(g, u)
     WHERE NOT EXISTS (SELECT FROM member m WHERE m.guild_id = u.g AND m.user_id = u.u)
     ORDER BY u.g, u.u
        ON CONFLICT DO NOTHING;
    INSERT INTO last_seen AS t (guild_id, user_id, present_until)
    SELECT u.g, u.u, u.until FROM unnest(guilds, users, untils) AS u(g, u, until)
     WHERE NOT EXISTS (SELECT FROM member m WHERE m.guild_id = u.g AND m.user_id = u.u AND m.bot)
     ORDER BY u.g, u.u
        ON CONFLICT (guild_id, user_id) DO UPDATE
       SET present_until = greatest(t.present_until, excluded.present_until);
    PERFORM last_seen_follow(guilds, users);
    UPDATE voice_session v SET confirmed_until = u.until
      FROM unnest(guilds, users, untils) AS u(g, u, until)
     WHERE v.guild_id = u.g AND v.user_id = u.u AND v.to_at IS NULL AND v.confirmed_until < u.until;
END $$;

CREATE FUNCTION batch_voice_complete(guilds bigint[], ats timestamptz[]) RETURNS void
LANGUAGE sql SET search_path = presence, pg_temp AS $$
    UPDATE voice_session v SET to_at = v.confirmed_until, estimated = true
      FROM unnest(guilds, ats) AS u(g, at)
     WHERE v.guild_id = u.g AND v.to_at IS NULL AND v.confirmed_until < u.at
$$;

-- --- coverage and gateway sessions -------------------------------------------------------------

-- An interval that is open already stays open; a close without an open one changes nothing.
CREATE FUNCTION batch_coverage(
    guilds bigint[], sessions bigint[], ats timestamptz[], opens boolean[],
    reasons text[]) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    FOR i IN 1 .. array_length(guilds, 1) LOOP
        IF opens[i] THEN
            INSERT INTO coverage (guild_id, session, from_at, open_reason)
            SELECT guilds[i], sessions[i], ats[i], reasons[i]
             WHERE NOT EXISTS (SELECT FROM coverage c WHERE c.guild_id = guilds[i]
                                  AND c.session = sessions[i] AND c.to_at IS NULL)
                ON CONFLICT (guild_id, session, from_at) DO UPDATE
               SET to_at = NULL, close_reason = NULL;
        ELSE
            UPDATE coverage c SET to_at = greatest(c.from_at, ats[i]), close_reason = reasons[i]
             WHERE c.guild_id = guilds[i] AND c.session = sessions[i] AND c.to_at IS NULL;
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION batch_gateway(
    sessions bigint[], in_shards integer[], in_counts integer[], edges text[], ats timestamptz[],
    watched timestamptz[], codes integer[]) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
BEGIN
    FOR i IN 1 .. array_length(sessions, 1) LOOP
        INSERT INTO gateway_session AS t (session, shard, shards, started_at, resumed_at, resumes,
                                          watched_until, ended_at, close_code)
        VALUES (sessions[i], in_shards[i], in_counts[i],
                CASE WHEN edges[i] = 'STARTED' THEN ats[i] END,
                CASE WHEN edges[i] = 'RESUMED' THEN ats[i] END,
                CASE WHEN edges[i] = 'RESUMED' THEN 1 ELSE 0 END, watched[i],
                CASE WHEN edges[i] = 'ENDED' THEN ats[i] END,
                CASE WHEN edges[i] = 'ENDED' THEN codes[i] END)
            ON CONFLICT (session) DO UPDATE SET
               started_at = coalesce(t.started_at, excluded.started_at),
               resumed_at = coalesce(excluded.resumed_at, t.resumed_at),
               resumes = t.resumes + excluded.resumes,
               watched_until = greatest(t.watched_until, excluded.watched_until),
               ended_at = coalesce(t.ended_at, excluded.ended_at),
               close_code = coalesce(t.close_code, excluded.close_code);
    END LOOP;
END $$;
