/* The table of control commands, shared by presenced (which answers them) and presencectl (which
 * sends them). The protocol is described in presence/control.h.
 * Diagnostics: none. */
#include "presence/control.h"

#include <string.h>

#include "config.h"

const struct control_command control_commands[] = {
    {"status", {{0}}, false, "the connection, the workers and the queues at a glance"},
    {"workers", {{0}}, false, "each worker process with its lanes, lag and memory"},
    {"member",
     {{"guild", CONTROL_ARG_ID, false}, {"user", CONTROL_ARG_ID, false}},
     false,
     "what the last-seen table holds of one member"},
    {"guild", {{"guild", CONTROL_ARG_ID, false}}, false, "one guild: lane, roster, coverage"},
    {"top", {{0}}, false, "rates, redrawn every second"},
    {"reload", {{0}}, false, "read the configuration again and apply it whole or not at all"},
    {"reload-cogs",
     {{"name", CONTROL_ARG_WORD, true}},
     false,
     "try the installed modules and replace the workers by ones with those that are fit"},
    {"log",
     {{"level", CONTROL_ARG_WORD, false}},
     false,
     "change the log level until the next start"},
    {"drain", {{0}}, false, "make everything durable and stop, like SIGTERM"},
#ifdef ENABLE_DEBUG_FAULTS
    {"debug",
     {{"fault", CONTROL_ARG_WORD, false},
      {"worker", CONTROL_ARG_NUMBER, true},
      {"shard", CONTROL_ARG_NUMBER, true},
      {"offset_ms", CONTROL_ARG_NUMBER, true}},
     true,
     "make a fault happen: crash, hang, exit, drop, clock"},
#endif
    {NULL, {{0}}, false, NULL},
};

const struct control_command *control_find(const char *name)
{
    for (const struct control_command *c = control_commands; c->name; c++) {
        if (strcmp(c->name, name) == 0)
            return c;
    }
    return NULL;
}

const char *control_error_name(enum control_error error)
{
    static const char *const names[CONTROL_ERRORS] = {
        [CONTROL_BAD_REQUEST] = "bad_request",
        [CONTROL_BAD_VERSION] = "version",
        [CONTROL_UNKNOWN_COMMAND] = "unknown_command",
        [CONTROL_NOT_FOUND] = "not_found",
        [CONTROL_BUSY] = "busy",
        [CONTROL_BAD_CONFIG] = "bad_config",
        [CONTROL_UNAVAILABLE] = "unavailable",
    };

    return error < CONTROL_ERRORS ? names[error] : "unknown";
}
