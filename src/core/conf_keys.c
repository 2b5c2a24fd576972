/* The one table of configuration keys. The parser, the printer, the comparison at a reload, the man
 * page's and the sample file's test all read it; a new key is one line here, one field in
 * conf.h, one item in presence.conf.5 and one line in etc/presence.conf.
 * Diagnostics: none. */
#include "core/conf_priv.h"
#include "presence/route.h"
#include "presence/seen_shm.h"

/* section, key, type, flags, default, min, max, names */
#define KEY(section, key, type, flags, text, min, max, names)                                      \
    {                                                                                              \
#section, #key, type, flags, offsetof(struct conf, section.key), text, min, max, names     \
    }

static const char *const state_dir[] = {"state_dir", NULL};
static const char *const run_dir[] = {"run_dir", NULL};
static const char *const http_schemes[] = {"https://", "http://", NULL};
static const char *const ws_schemes[] = {"wss://", "ws://", NULL};
static const char *const redis_schemes[] = {"redis://", "unix://", NULL};
static const char *const graphql_schemes[] = {"http://", "unix:", NULL};
static const char *const message_contents[] = {"auto", "yes", "no", NULL};
static const char *const compressions[] = {"zstd-stream", "zlib-stream", "none", NULL};
static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const formats[] = {"text", "json", NULL};

#define TEXT_MAX       1024
#define PATH_MAX_BYTES 1024
#define ETC            PRESENCE_SYSCONFDIR "/presence/"

/* clang-format off */
const struct conf_key conf_keys[] = {
    KEY(presence, state_dir, CONF_PATH, 0, PRESENCE_LOCALSTATEDIR "/lib/presence", 0, PATH_MAX_BYTES, NULL),
    KEY(presence, run_dir, CONF_PATH, 0, PRESENCE_RUNSTATEDIR "/presence", 0, PATH_MAX_BYTES, NULL),
    KEY(presence, user, CONF_STRING, CONF_EMPTY | CONF_WORD, "", 0, 64, NULL),
    KEY(presence, group, CONF_STRING, CONF_EMPTY | CONF_WORD, "", 0, 64, NULL),

    KEY(discord, token_file, CONF_PATH, CONF_RELOAD, ETC "discord.token", 0, PATH_MAX_BYTES, NULL),
    KEY(discord, secret_file, CONF_PATH, CONF_BELOW, "secret", 0, PATH_MAX_BYTES, state_dir),
    KEY(discord, api_base, CONF_URL, 0, "https://discord.com/api/v10", 0, TEXT_MAX, http_schemes),
    KEY(discord, gateway_url, CONF_URL, CONF_EMPTY, "", 0, TEXT_MAX, ws_schemes),
    KEY(discord, intents, CONF_INT, CONF_AUTO, "auto", 1, INT32_MAX, NULL),
    KEY(discord, message_content, CONF_ENUM, 0, "auto", 0, 0, message_contents),
    KEY(discord, prefix, CONF_STRING, CONF_WORD | CONF_RELOAD, "?", 0, 16, NULL),
    KEY(discord, developers, CONF_IDS, CONF_EMPTY | CONF_RELOAD, "", 0, 100, NULL),
    KEY(discord, shards, CONF_INT, CONF_AUTO, "auto", 1, SHM_SHARDS_MAX, NULL),
    KEY(discord, compress, CONF_ENUM, 0, "zstd-stream", 0, 0, compressions),

    KEY(workers, count, CONF_INT, CONF_AUTO | CONF_RELOAD, "auto", 1, LANES, NULL),
    KEY(workers, flush_ms, CONF_INT, CONF_RELOAD, "250", 10, 10000, NULL),
    KEY(workers, cogs_dir, CONF_PATH, 0, PRESENCE_COGSDIR, 0, PATH_MAX_BYTES, NULL),

    KEY(cache, members, CONF_COUNT, 0, "250000", 1024, 200000000, NULL),
    KEY(cache, ring, CONF_COUNT, CONF_POW2, "4096", 512, 1 << 22, NULL),
    KEY(cache, instance, CONF_STRING, CONF_NAME, "main", 0, 32, NULL),
    KEY(cache, spool_dir, CONF_PATH, CONF_BELOW, "spool", 0, PATH_MAX_BYTES, state_dir),
    KEY(cache, spool_max, CONF_SIZE, CONF_RELOAD, "1G", 1 << 20, INT64_C(1) << 50, NULL),

    KEY(redis, url, CONF_URL, 0, "redis://127.0.0.1:6379/0", 0, TEXT_MAX, redis_schemes),

    KEY(graphql, url, CONF_URL, CONF_BELOW, "unix:graphqld.sock", 0, TEXT_MAX, graphql_schemes),
    KEY(graphql, token_file, CONF_PATH, CONF_RELOAD, ETC "graphql.token", 0, PATH_MAX_BYTES, NULL),

    KEY(graphqld, listen, CONF_LISTEN, CONF_BELOW | CONF_GRAPHQLD, "unix:graphqld.sock", 0, TEXT_MAX, run_dir),
    KEY(graphqld, conninfo, CONF_STRING, CONF_EMPTY | CONF_GRAPHQLD, "dbname=presence user=presence", 0, 2048, NULL),
    KEY(graphqld, token_file, CONF_PATH, CONF_GRAPHQLD, ETC "graphqld.tokens", 0, PATH_MAX_BYTES, NULL),
    KEY(graphqld, max_depth, CONF_INT, CONF_GRAPHQLD, "15", 1, 100, NULL),
    KEY(graphqld, max_cost, CONF_INT, CONF_GRAPHQLD, "10000", 1, INT32_MAX, NULL),
    KEY(graphqld, max_rate, CONF_INT, CONF_GRAPHQLD, "0", 0, 1000000, NULL),
    KEY(graphqld, introspection, CONF_BOOL, CONF_GRAPHQLD, "yes", 0, 0, NULL),
    KEY(graphqld, get, CONF_BOOL, CONF_GRAPHQLD, "yes", 0, 0, NULL),
    KEY(graphqld, graphiql, CONF_BOOL, CONF_GRAPHQLD, "no", 0, 0, NULL),
    KEY(graphqld, persisted_only, CONF_BOOL, CONF_GRAPHQLD, "no", 0, 0, NULL),

    KEY(control, socket, CONF_PATH, CONF_BELOW, "control.sock", 0, CONF_SUN_PATH_MAX, run_dir),
    KEY(control, mode, CONF_MODE, 0, "0600", 0, 0777, NULL),

    KEY(log, level, CONF_ENUM, CONF_RELOAD, "info", 0, 0, levels),
    KEY(log, format, CONF_ENUM, CONF_RELOAD, "text", 0, 0, formats),
    KEY(log, target, CONF_STRING, CONF_RELOAD, "stderr", 0, PATH_MAX_BYTES, NULL),

    KEY(metrics, listen, CONF_LISTEN, CONF_EMPTY | CONF_BELOW, "", 0, TEXT_MAX, run_dir),
};
/* clang-format on */
const size_t conf_keys_count = sizeof conf_keys / sizeof conf_keys[0];
_Static_assert(sizeof conf_keys / sizeof conf_keys[0] <= CONF_KEYS_MAX, "raise CONF_KEYS_MAX");
