/* What each close code of the gateway means (gateway.md §8). Called by gw.c; tests and the manual
 * read the whole table.
 * Diagnostics: none. */
#include "presence/gw.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct gw_close_code codes[] = {
    {0, GW_TRY_RESUME, false, 0, "connection lost", NULL},
    {1000, GW_TRY_RESUME, false, 0, "normal end", NULL},
    {1001, GW_TRY_RESUME, false, 0, "server going away", NULL},
    {1005, GW_TRY_RESUME, false, 0, "closed without a code", NULL},
    {1006, GW_TRY_RESUME, false, 0, "connection lost without a close frame", NULL},
    {4000, GW_TRY_RESUME, false, 0, "unknown error", NULL},
    {4001, GW_IDENTIFY_ANEW, true, 0, "unknown opcode, or a payload that does not fit it", NULL},
    {4002, GW_TRY_RESUME, true, 0, "undecodable or too long payload", NULL},
    {4003, GW_IDENTIFY_ANEW, false, 0, "not authenticated, or session invalidated", NULL},
    {4004, GW_STOP_FATAL, false, 0, "token refused",
     "put the bot's current token into the token file and start again"},
    {4005, GW_IDENTIFY_ANEW, true, 0, "identified twice", NULL},
    {4007, GW_IDENTIFY_ANEW, false, 0, "invalid sequence number in RESUME", NULL},
    {4008, GW_TRY_RESUME, true, GW_SEND_WINDOW_MS, "payloads sent too fast", NULL},
    {4009, GW_IDENTIFY_ANEW, false, 0, "session timed out", NULL},
    {4010, GW_STOP_FATAL, false, 0, "invalid shard",
     "the number of shards must be computed anew from /gateway/bot"},
    {4011, GW_STOP_FATAL, false, 0, "sharding required",
     "the bot is in too many guilds for this number of shards: raise or remove [discord] shards"},
    {4012, GW_STOP_FATAL, true, 0, "invalid API version",
     "the server does not speak API v10: update Presence"},
    {4013, GW_STOP_FATAL, false, 0, "invalid intents",
     "[discord] intents holds a bit that the server does not know"},
    {4014, GW_DROP_INTENTS, false, 0, "privileged intent not enabled or not approved",
     "enable the privileged intents in the developer portal (Bot, Privileged Gateway Intents)"},
    {-1, GW_TRY_RESUME, false, 0, "unexpected close code", NULL},
};

const struct gw_close_code *gw_close_code(int code)
{
    size_t i = 0;

    while (i < COUNT(codes) - 1 && codes[i].code != code)
        i++;
    return &codes[i];
}

const struct gw_close_code *gw_close_codes(size_t *count_r)
{
    *count_r = COUNT(codes);
    return codes;
}
