/* Log lines. Called by every room; see log.h for the format.
 * Diagnostics: a target that cannot be written loses lines silently; there is nowhere to say so. */
#include "presence/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/clock.h"

#define LINE_MAX_BYTES 4096

static const char *program_name = "presence";
static enum log_level least = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_FORMAT_TEXT;
static int target_fd = STDERR_FILENO;
static char *target_path;
static bool to_syslog;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_init(const char *program)
{
    program_name = program;
}

void log_set_level(enum log_level level)
{
    least = level;
}

enum log_level log_level(void)
{
    return least;
}

void log_set_format(enum log_format format)
{
    line_format = format;
}

int log_level_parse(const char *name, enum log_level *level_r)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level_r = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

static int open_log_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

static void replace_target(int fd, char *path, bool use_syslog)
{
    if (target_fd != STDERR_FILENO)
        close(target_fd);
    if (to_syslog && !use_syslog)
        closelog();
    free(target_path);
    target_fd = fd;
    target_path = path;
    to_syslog = use_syslog;
}

int log_set_target(const char *target)
{
    int fd;

    if (strcmp(target, "stderr") == 0) {
        replace_target(STDERR_FILENO, NULL, false);
        return 0;
    }
    if (strcmp(target, "syslog") == 0) {
        openlog(program_name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
        replace_target(STDERR_FILENO, NULL, true);
        return 0;
    }
    if ((fd = open_log_file(target)) < 0)
        return -1;
    replace_target(fd, xstrdup(target), false);
    return 0;
}

int log_reopen(void)
{
    int fd;

    if (!target_path)
        return 0;
    if ((fd = open_log_file(target_path)) < 0)
        return -1;
    close(target_fd);
    target_fd = fd;
    return 0;
}

static int syslog_priority(enum log_level level)
{
    static const int priorities[] = {LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR};

    return priorities[level];
}

/* One line, one byte sequence: nothing from the network may start another. */
static void escape_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

static void write_line(const char *line, size_t n)
{
    ssize_t written;

    do
        written = write(target_fd, line, n);
    while (written < 0 && errno == EINTR);
}

static void emit(const char *program, int pid, enum log_level level, const char *event,
                 char *message)
{
    char stamp[CLOCK_RFC3339_SIZE];
    struct buf line;

    escape_controls(message);
    if (to_syslog) {
        syslog(syslog_priority(level), "%s: %s", event, message);
        return;
    }
    clock_rfc3339(clock_unix(), stamp);
    buf_init(&line, 0);
    if (line_format == LOG_FORMAT_JSON) {
        buf_printf(&line,
                   "{\"time\":\"%s\",\"program\":\"%s\",\"pid\":%d,\"level\":\"%s\",\"event\":"
                   "\"%s\",\"message\":",
                   stamp, program, pid, level_names[level], event);
        buf_put_json(&line, message, strlen(message));
        buf_puts(&line, "}\n");
    } else {
        buf_printf(&line, "%s %s[%d] %s %s: %s\n", stamp, program, pid, level_names[level], event,
                   message);
    }
    write_line((const char *)buf_bytes(&line), buf_len(&line));
    buf_clear(&line);
}

void log_vwrite(enum log_level level, const char *event, const char *fmt, va_list ap)
{
    char message[LINE_MAX_BYTES];
    int saved_errno = errno;

    if (level >= least) {
        vsnprintf(message, sizeof(message), fmt, ap);
        emit(program_name, (int)getpid(), level, event, message);
    }
    errno = saved_errno;
}

void log_write(enum log_level level, const char *event, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_vwrite(level, event, fmt, ap);
    va_end(ap);
}

/* Takes a line of our own text format apart: level and event, and where the message begins. */
static char *parse_own_line(const char *program, int pid, char *line, enum log_level *level_r,
                            char event_r[64])
{
    char prefix[128], level[8];
    int n = snprintf(prefix, sizeof(prefix), " %s[%d] ", program, pid), used = 0;

    if (strlen(line) <= CLOCK_RFC3339_SIZE ||
        strncmp(line + CLOCK_RFC3339_SIZE - 1, prefix, (size_t)n) != 0)
        return NULL;
    line += CLOCK_RFC3339_SIZE - 1 + n;
    if (sscanf(line, "%7[a-z] %63[a-z0-9_]: %n", level, event_r, &used) != 2 || used == 0 ||
        log_level_parse(level, level_r))
        return NULL;
    return line + used;
}

void log_relay(const char *program, int pid, const char *line)
{
    char copy[LINE_MAX_BYTES], event[64] = "stderr", *message;
    enum log_level level = LOG_LEVEL_WARN;

    snprintf(copy, sizeof(copy), "%s", line);
    if ((message = parse_own_line(program, pid, copy, &level, event)))
        emit(program, pid, level, event, message);
    else
        emit(program, pid, level, "stderr", copy);
}

void fatal(const char *event, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_vwrite(LOG_LEVEL_ERROR, event, fmt, ap);
    va_end(ap);
    abort();
}
