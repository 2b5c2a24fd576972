/* The configuration: struct conf mirrors presence.conf, one member per section, one field per key.
 *
 * conf_load reads a file, conf_parse_text a text in memory (the master sends its effective
 * configuration to the workers as text); both collect every error before they give up. conf_print
 * writes the grammar they read. What keys there are, with types, defaults and bounds, is said in
 * one place: conf_keys (src/core/conf_keys.c). */
#ifndef PRESENCE_CONF_H
#define PRESENCE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"
#include "presence/log.h"
#include "presence/snowflake.h"

enum conf_message_content {
    CONF_MESSAGE_CONTENT_AUTO,
    CONF_MESSAGE_CONTENT_YES,
    CONF_MESSAGE_CONTENT_NO
};
enum conf_compress { CONF_COMPRESS_ZSTD_STREAM, CONF_COMPRESS_ZLIB_STREAM, CONF_COMPRESS_NONE };

struct conf_ids {
    snowflake_t *ids;
    size_t count;
};

/* The directory below presence.state_dir with the modules in service: copies of those in
 * workers.cogs_dir that passed their trial. */
#define COGS_SERVICE "cogs"

/* Strings are never NULL; an unset one is "". Paths are absolute once parsed. */
struct conf {
    struct {
        char *state_dir, *run_dir;
        char *user, *group; /* "" = stay who we are */
    } presence;
    struct {
        char *token_file, *secret_file;
        char *api_base;      /* no slash at the end */
        char *gateway_url;   /* "" = ask the API */
        int64_t intents;     /* 0 = auto */
        int message_content; /* enum conf_message_content */
        char *prefix;
        struct conf_ids developers;
        int64_t shards; /* 0 = auto: as many as the API recommends */
        int compress;   /* enum conf_compress */
    } discord;
    struct {
        int64_t count; /* 0 = auto: one per core (conf_worker_count) */
        int64_t flush_ms;
        char *cogs_dir;
    } workers;
    struct {
        int64_t members; /* rows of the last-seen table */
        int64_t ring;    /* slots per lane, a power of two */
        char *instance;
        char *spool_dir;
        int64_t spool_max; /* bytes, all lanes together */
    } cache;
    struct {
        char *url;
    } redis;
    struct {
        char *url; /* http://host:port[/path] or unix:/path */
        char *token_file;
    } graphql;
    struct {
        char *listen; /* host:port or unix:/path */
        char *conninfo;
        char *token_file;
        int64_t max_depth, max_cost;
        int64_t max_rate; /* requests per second and token; 0 = no limit */
        bool introspection, get, graphiql, persisted_only;
    } graphqld;
    struct {
        char *socket;
        int64_t mode;
    } control;
    struct {
        int level;  /* enum log_level */
        int format; /* enum log_format */
        char *target;
    } log;
    struct {
        char *listen; /* host:port; "" = off */
    } metrics;
};

enum conf_type {
    CONF_STRING,
    CONF_PATH,   /* made absolute below presence.state_dir or run_dir where the key says so */
    CONF_LISTEN, /* host:port, or unix:PATH */
    CONF_URL,    /* one of the schemes in names */
    CONF_INT,
    CONF_COUNT, /* integer; suffix k = 1000, M = 1000000 */
    CONF_SIZE,  /* bytes; suffix K, M, G = powers of 1024 */
    CONF_MODE,  /* octal */
    CONF_BOOL,  /* yes, no */
    CONF_ENUM,  /* one of names */
    CONF_IDS    /* Discord ids, separated by spaces or commas */
};

#define CONF_AUTO     0x01u /* a number that may be the word auto, stored as 0 */
#define CONF_EMPTY    0x02u /* a text that may be empty */
#define CONF_BELOW    0x04u /* a relative path lies below presence.<names[0]> */
#define CONF_POW2     0x08u /* must be a power of two */
#define CONF_WORD     0x10u /* no white space inside */
#define CONF_NAME     0x20u /* letters, digits, - and _ only */
#define CONF_RELOAD   0x40u /* a reload changes it; without this a restart is needed */
#define CONF_GRAPHQLD 0x80u /* concerns presence-graphqld only */

struct conf_key {
    const char *section, *key;
    enum conf_type type;
    unsigned flags; /* CONF_* */
    size_t offset;  /* in struct conf */
    const char *default_text;
    int64_t min, max;         /* numbers; for texts the longest length is max */
    const char *const *names; /* CONF_ENUM words in enum order, CONF_URL schemes, CONF_BELOW base */
};

extern const struct conf_key conf_keys[];
extern const size_t conf_keys_count;

struct conf_errors {
    char **lines; /* "presence.conf:12: …" */
    size_t count;
};
void conf_errors_clear(struct conf_errors *errors);

/* In liblink_ini.la. Return 0 with *conf_r filled (free it with conf_clear), or -1 with at least
 * one error and *conf_r untouched. name stands for the text in errors. */
int conf_load(const char *path, struct conf *conf_r, struct conf_errors *errors);
int conf_parse_text(const char *text, size_t len, const char *name, struct conf *conf_r,
                    struct conf_errors *errors);

void conf_defaults(struct conf *conf_r);
void conf_clear(struct conf *conf);

/* Appends the whole configuration in its own grammar. Tokens are files, but passwords may stand in
 * [redis] url and [graphqld] conninfo: this is not for people to see. */
void conf_print(const struct conf *conf, struct buf *out);
/* The same without what concerns presence-graphqld only: workers hold no database password. */
void conf_print_for_workers(const struct conf *conf, struct buf *out);
/* The same as conf_print, with *** for passwords. */
void conf_show(const struct conf *conf, struct buf *out);
/* One key's value as conf_print shows it. */
void conf_print_value(const struct conf *conf, const struct conf_key *key, struct buf *out);

/* The worker processes asked for: [workers] count, or the number of cores. */
unsigned conf_worker_count(const struct conf *conf);

/* What differs between two configurations, in the order of conf_keys. */
struct conf_change {
    const struct conf_key *key;
    char *old_text, *new_text;
};
struct conf_changes {
    struct conf_change *list;
    size_t count;
    size_t restart; /* how many of them a reload cannot apply (CONF_GRAPHQLD ones not counted) */
};
void conf_diff(const struct conf *old_conf, const struct conf *new_conf,
               struct conf_changes *changes_r);
void conf_changes_clear(struct conf_changes *changes);
/* Whether presenced has to be restarted for this key. */
bool conf_key_needs_restart(const struct conf_key *key);

/* --- for readers of the grammar (link/ini.c feeds these) ----------------------------------------
 */

struct conf_build;

/* name and errors must outlive it. */
struct conf_build *conf_build_new(const char *name, struct conf_errors *errors);
void conf_build_section(void *build, unsigned line, const char *section);
void conf_build_entry(void *build, unsigned line, const char *section, const char *key,
                      const char *value);
/* Notes an error; line 0 = the file as a whole. */
void conf_build_error(void *build, unsigned line, const char *message);
/* Defaults for what was not said, cross checks. Frees *build. 0 with *conf_r filled, or -1. */
int conf_build_finish(struct conf_build **build, struct conf *conf_r);

#endif
