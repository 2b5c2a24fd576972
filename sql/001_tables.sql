-- The tables of Presence. Every primary key begins with guild_id, except what belongs to lanes and
-- gateway sessions; nothing joins across guilds. A time that is not known is NULL.
-- Ids are Discord snowflakes: unsigned 64 bits kept in a bigint (see presence.snowflake).

-- --- where each lane stands: written in the transaction that carries its data -----------------

CREATE TABLE lane (
    lane     smallint PRIMARY KEY CHECK (lane BETWEEN 0 AND 63),
    epoch    bigint NOT NULL,                -- of the data below position; 0: there is none
    position bigint NOT NULL CHECK (position >= 0),
    claimed  bigint NOT NULL                 -- the latest epoch that wants to write; earlier ones may not
);

CREATE TABLE lane_session (
    lane     smallint NOT NULL,
    session  bigint NOT NULL,
    appended bigint NOT NULL,            -- every event of the session up to this seq is stored
    last_at  timestamptz,                -- time of the latest record stored for it
    PRIMARY KEY (lane, session)
);
CREATE INDEX lane_session_session ON lane_session (session);

CREATE TABLE gateway_session (
    session       bigint PRIMARY KEY,
    shard         integer NOT NULL,
    shards        integer NOT NULL,
    started_at    timestamptz,
    resumed_at    timestamptz,           -- the last RESUMED
    resumes       integer NOT NULL DEFAULT 0,
    watched_until timestamptz NOT NULL,
    ended_at      timestamptz,
    close_code    integer
);

-- --- guilds and what is in them ---------------------------------------------------------------

CREATE TABLE guild (
    guild_id          bigint PRIMARY KEY,
    lane              smallint NOT NULL,     -- through which its events come
    at                timestamptz NOT NULL,  -- when the last of this was known
    available         boolean NOT NULL DEFAULT true,
    left_at           timestamptz,           -- the bot is not in the guild any more
    name              text,
    owner_id          bigint,
    afk_channel_id    bigint,
    system_channel_id bigint,
    locale            text,
    member_count      integer,
    bot_joined_at     timestamptz,
    roster_at         timestamptz,           -- begin of the last complete catalogue
    settings_version  integer NOT NULL DEFAULT 0,
    reset_at          timestamptz            -- soft reset: a floor for every read (guild_reset)
);

-- What was decided about a member. UNDECIDED: nothing yet. LEFT is never stored in member: left_at
-- says it.
CREATE TYPE member_state AS ENUM
    ('UNDECIDED', 'NEW', 'ACTIVE', 'INACTIVE', 'WARNED', 'AWAY', 'EXEMPT', 'LEFT');

CREATE TABLE member (
    guild_id      bigint NOT NULL,
    user_id       bigint NOT NULL,
    at            timestamptz,           -- when the last of this was known
    roster_at     timestamptz,           -- when the member was last known to be on the roster
    left_at       timestamptz,           -- NULL: on the roster, or nothing else is known
    joined_at     timestamptz,
    premium_since timestamptz,
    timeout_until timestamptz,
    avatar_hash   bigint,
    flags         integer,
    bot           boolean,               -- NULL: not known yet; left out of reads and counts
    pending       boolean,
    username      text,
    global_name   text,
    nick          text,
    roles         bigint[],
    state         member_state NOT NULL DEFAULT 'UNDECIDED' CHECK (state <> 'LEFT'),
    state_since   timestamptz,           -- NULL: UNDECIDED
    -- The name that is shown, in lower case, then the other two: sorted and searched by.
    name_key      text COLLATE "C" GENERATED ALWAYS AS (
        lower((coalesce(nick, global_name, username, '') || E'\x1f' || coalesce(global_name, '')
               || E'\x1f' || coalesce(username, '')) COLLATE "und-x-icu")) STORED,
    PRIMARY KEY (guild_id, user_id),
    CONSTRAINT member_state_since CHECK ((state = 'UNDECIDED') = (state_since IS NULL))
) WITH (fillfactor = 80);
ALTER TABLE member ALTER COLUMN roles SET STATISTICS 500;
-- Lists of who is there, by each order and by state (004_reads.sql). None of these columns changes
-- when somebody acts.
CREATE INDEX member_joined ON member (guild_id, joined_at, user_id)
    WHERE bot = false AND left_at IS NULL;
CREATE INDEX member_name ON member (guild_id, name_key, user_id)
    WHERE bot = false AND left_at IS NULL;
CREATE INDEX member_roles ON member USING gin (roles);
CREATE INDEX member_stated ON member (guild_id, state, user_id)
    WHERE bot = false AND left_at IS NULL AND state <> 'UNDECIDED';
CREATE INDEX member_unknown ON member (guild_id, user_id) WHERE bot IS NULL;
CREATE INDEX member_left ON member (guild_id, user_id) WHERE left_at IS NOT NULL;

-- idle_slot instead of an index on a time: a time that moves with every act would end HOT updates and
-- double the write path; the slot changes once per hour in which somebody acts. Lists sort by (idle_slot, time, user).
CREATE TABLE last_seen (
    guild_id          bigint NOT NULL,
    user_id           bigint NOT NULL,
    last_seen         timestamptz,       -- any sign of life
    last_counted      timestamptz,       -- what resets idle
    present_until     timestamptz,       -- connected to voice until then
    last_edit         timestamptz,       -- latest edited_timestamp of a message of the member
    last_channel      bigint,            -- of last_seen
    gap_sum_ms        bigint NOT NULL DEFAULT 0,
    gap_max_ms        bigint NOT NULL DEFAULT 0,
    gap_count         integer NOT NULL DEFAULT 0,
    idle_slot         timestamptz GENERATED ALWAYS AS (
        date_bin('1 hour', greatest(last_counted, present_until),
                 timestamptz '1970-01-01 00:00:00+00')) STORED,
    last_seen_kind    smallint,
    last_counted_kind smallint,
    gap_hist          integer[],         -- gaps by length: see presence.gap_bucket
    -- Follows the member's state (004_reads.sql), so that lists by idle time are read from here
    -- alone: LEFT once it has left, NULL while it is not known to be human.
    state             member_state DEFAULT 'UNDECIDED',
    PRIMARY KEY (guild_id, user_id)
) WITH (fillfactor = 70);
CREATE INDEX last_seen_idle ON last_seen (guild_id, idle_slot) WHERE state <> 'LEFT';
CREATE INDEX last_seen_stated ON last_seen (guild_id, state, idle_slot) WHERE state <> 'UNDECIDED';

CREATE TABLE channel (
    guild_id        bigint NOT NULL,
    channel_id      bigint NOT NULL,
    at              timestamptz NOT NULL,
    gone_at         timestamptz,
    type            integer,
    name            text,
    parent_id       bigint,
    owner_id        bigint,
    last_message_id bigint,
    position        integer,
    flags           integer,
    archived        boolean,
    locked          boolean,
    overwrites      text,                -- Discord's JSON, as it came
    PRIMARY KEY (guild_id, channel_id)
);

CREATE TABLE role (
    guild_id    bigint NOT NULL,
    role_id     bigint NOT NULL,
    at          timestamptz NOT NULL,
    gone_at     timestamptz,
    name        text,
    position    integer,
    permissions bigint,
    managed     boolean,
    PRIMARY KEY (guild_id, role_id)
);

-- --- activity ---------------------------------------------------------------------------------

-- The numbers are those of include/presence/activity.h; a test compares them.
CREATE TABLE activity_kind (
    kind              smallint PRIMARY KEY,
    name              text NOT NULL UNIQUE,
    counts_by_default boolean NOT NULL
);
INSERT INTO activity_kind (kind, name, counts_by_default) VALUES
    (1, 'MESSAGE', true), (2, 'MESSAGE_SYSTEM', true), (3, 'COMMAND', true), (4, 'EDIT', true),
    (5, 'REACTION_ADD', true), (6, 'REACTION_REMOVE', true), (7, 'POLL_VOTE_ADD', true),
    (8, 'POLL_VOTE_REMOVE', true), (9, 'TYPING', false), (10, 'VOICE_JOIN', true),
    (11, 'VOICE_MOVE', true), (12, 'VOICE_LEAVE', true), (13, 'VOICE_SELF', true),
    (14, 'INTERACTION', true), (15, 'THREAD_CREATE', true), (16, 'THREAD_JOIN', true),
    (17, 'THREAD_LEAVE', true), (18, 'MEMBER_JOIN', true), (19, 'MEMBER_UPDATE', true),
    (20, 'AUDIT', true), (21, 'EVENT_CREATE', true), (22, 'EVENT_RSVP_ADD', true),
    (23, 'EVENT_RSVP_REMOVE', true), (24, 'INVITE_CREATE', true), (25, 'AUTOMOD', true),
    (26, 'VOICE_EFFECT', true);

-- One row per member, channel, kind and minute. Monthly partitions: presence.ensure_month.
CREATE TABLE activity (
    guild_id   bigint NOT NULL,
    user_id    bigint NOT NULL,
    minute     timestamptz NOT NULL,
    channel_id bigint NOT NULL,          -- 0: the event names no channel
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    count      integer NOT NULL CHECK (count > 0),
    kind       smallint NOT NULL,
    PRIMARY KEY (guild_id, user_id, minute, channel_id, kind)
) PARTITION BY RANGE (minute);
-- Of a whole time, whoever acted. Rows come in the order of time, so that block ranges tell it.
CREATE INDEX activity_minute ON activity USING brin (minute)
    WITH (autosummarize = on, pages_per_range = 32);

CREATE TABLE voice_session (
    guild_id        bigint NOT NULL,
    user_id         bigint NOT NULL,
    from_at         timestamptz NOT NULL,
    channel_id      bigint NOT NULL,
    to_at           timestamptz,         -- NULL: still there
    confirmed_until timestamptz NOT NULL,
    state           integer NOT NULL,    -- VOICE_* bits of include/presence/record.h, the last known
    from_estimated  boolean NOT NULL,    -- the begin was not observed
    estimated       boolean NOT NULL DEFAULT false, -- the end was not observed
    PRIMARY KEY (guild_id, user_id, from_at, channel_id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX voice_session_open ON voice_session (guild_id, user_id) WHERE to_at IS NULL;

-- --- when Presence was watching ----------------------------------------------------------------

CREATE TABLE coverage (
    guild_id     bigint NOT NULL,
    session      bigint NOT NULL,        -- the gateway session through which it watched
    from_at      timestamptz NOT NULL,
    to_at        timestamptz,            -- NULL: as long as the session (coverage_interval)
    open_reason  text NOT NULL,
    close_reason text,
    PRIMARY KEY (guild_id, session, from_at)
);
CREATE UNIQUE INDEX coverage_open ON coverage (guild_id, session) WHERE to_at IS NULL;

-- --- settings ---------------------------------------------------------------------------------

CREATE TABLE setting (
    guild_id   bigint NOT NULL,
    key        text NOT NULL,
    value      jsonb NOT NULL,
    version    integer NOT NULL,         -- guild.settings_version that brought the value
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by bigint,
    PRIMARY KEY (guild_id, key)
);

CREATE TABLE setting_history (
    guild_id   bigint NOT NULL,
    version    integer NOT NULL,
    key        text NOT NULL,
    old_value  jsonb,
    new_value  jsonb,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by bigint,
    PRIMARY KEY (guild_id, version, key)
);

-- Keys made here and used by every presence-graphqld of this database (cursors).
CREATE TABLE secret (
    name text PRIMARY KEY,
    key  bytea NOT NULL
);
INSERT INTO secret (name, key)
VALUES ('cursor', sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));
