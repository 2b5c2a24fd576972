/* Log lines, one event each, with a stable event name that operators may grep for.
 *
 * Text:  2026-08-01T12:00:00.123Z presenced[412] info gateway_ready: shard 0 of 2, 14 guilds
 * JSON:
 * {"time":"…","program":"presenced","pid":412,"level":"info","event":"gateway_ready","message":"…"}
 *
 * A line is written by one write(2). Control characters in messages are escaped, so that text from
 * the network cannot forge lines. Never hand a secret to these functions. */
#ifndef PRESENCE_LOG_H
#define PRESENCE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* program is kept by reference. Until log_target is called lines go to stderr as text at level
 * info. */
void log_init(const char *program);
void log_set_level(enum log_level level);
enum log_level log_level(void);
void log_set_format(enum log_format format);

/* target: "stderr", "syslog" or an absolute path (appended to, mode 0640). Returns 0, or -1 with
 * errno and the old target kept. */
int log_set_target(const char *target);

/* Opens a path target again (after rotation). Returns 0, or -1 with the old file kept. */
int log_reopen(void);

/* "debug", "info", "warn", "error". Returns 0 or -1. */
int log_level_parse(const char *name, enum log_level *level_r);
const char *log_level_name(enum log_level level);

void log_write(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_vwrite(enum log_level level, const char *event, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* Writes a finished line of another process (a worker's stderr) under that process's name: one in
 * our text format with its level and event, any other as event stderr at level warn. */
void log_relay(const char *program, int pid, const char *line);

#define log_debug(event, ...)                                                                      \
    do {                                                                                           \
        if (log_level() <= LOG_LEVEL_DEBUG)                                                        \
            log_write(LOG_LEVEL_DEBUG, event, __VA_ARGS__);                                        \
    } while (0)
#define log_info(event, ...)  log_write(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  log_write(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_write(LOG_LEVEL_ERROR, event, __VA_ARGS__)

/* For memory and impossible states only: logs at error level and aborts. */
_Noreturn void fatal(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
