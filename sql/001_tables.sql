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
    settings_version  integer NOT NULL DEFAULT 0
);

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
    PRIMARY KEY (guild_id, user_id)
) WITH (fillfactor = 80);

-- seen_day instead of an index on last_seen: a timestamp in an index would end HOT updates and
-- double the write path; the day changes once a day.
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
    seen_day          date GENERATED ALWAYS AS ((last_seen AT TIME ZONE 'UTC')::date) STORED,
    last_seen_kind    smallint,
    last_counted_kind smallint,
    gap_hist          integer[],         -- gaps by length: see presence.gap_bucket
    PRIMARY KEY (guild_id, user_id)
) WITH (fillfactor = 70);
CREATE INDEX last_seen_day ON last_seen (guild_id, seen_day);

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
