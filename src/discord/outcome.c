/* Outcomes of REST calls. Called by the REST client. Diagnostics: none. */
#include "presence/outcome.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] = {
#define X(constant, name) name,
    OUTCOME_LIST(X)
#undef X
};

static const struct {
    int code;
    enum outcome outcome;
} codes[] = {
    {10003, OUTCOME_UNKNOWN_CHANNEL},     {10004, OUTCOME_UNKNOWN_GUILD},
    {10007, OUTCOME_UNKNOWN_MEMBER},      {10008, OUTCOME_UNKNOWN_MESSAGE},
    {10011, OUTCOME_UNKNOWN_ROLE},        {10013, OUTCOME_UNKNOWN_USER},
    {10015, OUTCOME_TOKEN_EXPIRED},       {10026, OUTCOME_UNKNOWN_BAN},
    {10062, OUTCOME_INTERACTION_LATE},    {10063, OUTCOME_UNKNOWN_COMMAND},
    {10065, OUTCOME_UNKNOWN_VOICE_STATE}, {20028, OUTCOME_RATE_LIMITED},
    {20029, OUTCOME_RATE_LIMITED},        {30005, OUTCOME_LIMIT_REACHED},
    {30013, OUTCOME_LIMIT_REACHED},       {30034, OUTCOME_LIMIT_REACHED},
    {30040, OUTCOME_RATE_LIMITED},        {30046, OUTCOME_RATE_LIMITED},
    {30060, OUTCOME_LIMIT_REACHED},       {40001, OUTCOME_UNAUTHORIZED},
    {40003, OUTCOME_DM_TOO_FAST},         {40005, OUTCOME_TOO_LARGE},
    {40060, OUTCOME_ALREADY_ANSWERED},    {40062, OUTCOME_RATE_LIMITED},
    {40094, OUTCOME_LIMIT_REACHED},       {40333, OUTCOME_AGENT_REFUSED},
    {50001, OUTCOME_NO_ACCESS},           {50007, OUTCOME_CANNOT_DM},
    {50013, OUTCOME_NO_PERMISSION},       {50027, OUTCOME_TOKEN_EXPIRED},
    {50028, OUTCOME_UNKNOWN_ROLE},        {50045, OUTCOME_TOO_LARGE},
    {50055, OUTCOME_UNKNOWN_GUILD},       {50074, OUTCOME_CHANNEL_NEEDED},
    {50083, OUTCOME_THREAD_ARCHIVED},     {50278, OUTCOME_CANNOT_DM},
    {60003, OUTCOME_NEEDS_2FA},           {110000, OUTCOME_NOT_READY},
    {130000, OUTCOME_UNAVAILABLE},        {160002, OUTCOME_NO_HISTORY},
    {160005, OUTCOME_THREAD_LOCKED},      {200000, OUTCOME_CONTENT_BLOCKED},
    {240000, OUTCOME_CONTENT_BLOCKED},
};

const char *outcome_name(enum outcome outcome)
{
    return (size_t)outcome < sizeof(names) / sizeof(names[0]) ? names[outcome] : "unknown";
}

static enum outcome by_status(int status, bool bot_token, bool sent)
{
    switch (status) {
    case 0:
        return sent ? OUTCOME_NO_ANSWER : OUTCOME_NOT_SENT;
    case 401:
        return bot_token ? OUTCOME_UNAUTHORIZED : OUTCOME_TOKEN_EXPIRED;
    case 403:
        return OUTCOME_FORBIDDEN;
    case 404:
        return OUTCOME_NOT_FOUND;
    case 413:
        return OUTCOME_TOO_LARGE;
    case 429:
        return OUTCOME_RATE_LIMITED;
    default:
        break;
    }
    if (status >= 200 && status < 300)
        return OUTCOME_OK;
    if (status >= 400 && status < 500)
        return OUTCOME_BAD_REQUEST;
    return status >= 500 && status < 600 ? OUTCOME_UNAVAILABLE : OUTCOME_UNEXPECTED;
}

enum outcome outcome_of(int status, int code, bool bot_token, bool sent)
{
    /* What a proxy or an overloaded server puts into a 5xx or a 429 changes nothing about it, and
     * what stands in a success is no error. */
    if ((status == 202 && code == 110000) || (status >= 400 && status < 500 && status != 429))
        for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
            if (codes[i].code == code)
                return codes[i].outcome == OUTCOME_UNAUTHORIZED && !bot_token
                           ? OUTCOME_TOKEN_EXPIRED
                           : codes[i].outcome;
    return by_status(status, bot_token, sent);
}

bool outcome_counts_as_invalid(int status, bool shared)
{
    return status == 401 || status == 403 || (status == 429 && !shared);
}

enum outcome_repeat outcome_repeat_of(const char *method)
{
    return strcmp(method, "POST") ? OUTCOME_REPEATABLE : OUTCOME_ONCE;
}

bool outcome_try_again(enum outcome outcome, enum outcome_repeat repeat)
{
    switch (outcome) {
    case OUTCOME_NOT_SENT:
        return true;
    case OUTCOME_NO_ANSWER:
    case OUTCOME_UNAVAILABLE:
        return repeat == OUTCOME_REPEATABLE;
    default:
        return false;
    }
}
