/* Names and arithmetic of gateway intents. Called by the config, gw.c, the master and the
 * simulator. Diagnostics: none. */
#include "presence/intents.h"

#include <string.h>
#include <strings.h>

static const struct {
    uint32_t bit;
    const char *name;
} intents[] = {
#define ROW(n)                                                                                     \
    {                                                                                              \
        INTENT_##n, #n                                                                             \
    }
    ROW(GUILDS),
    ROW(GUILD_MEMBERS),
    ROW(GUILD_MODERATION),
    ROW(GUILD_EXPRESSIONS),
    ROW(GUILD_INTEGRATIONS),
    ROW(GUILD_WEBHOOKS),
    ROW(GUILD_INVITES),
    ROW(GUILD_VOICE_STATES),
    ROW(GUILD_PRESENCES),
    ROW(GUILD_MESSAGES),
    ROW(GUILD_MESSAGE_REACTIONS),
    ROW(GUILD_MESSAGE_TYPING),
    ROW(DIRECT_MESSAGES),
    ROW(DIRECT_MESSAGE_REACTIONS),
    ROW(DIRECT_MESSAGE_TYPING),
    ROW(MESSAGE_CONTENT),
    ROW(GUILD_SCHEDULED_EVENTS),
    ROW(AUTO_MODERATION_CONFIGURATION),
    ROW(AUTO_MODERATION_EXECUTION),
    ROW(GUILD_MESSAGE_POLLS),
    ROW(DIRECT_MESSAGE_POLLS),
#undef ROW
};

#define COUNT (sizeof(intents) / sizeof(intents[0]))

const char *intent_name(uint32_t bit)
{
    for (size_t i = 0; i < COUNT; i++)
        if (intents[i].bit == bit)
            return intents[i].name;
    return NULL;
}

uint32_t intent_by_name(const char *name, size_t len)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strlen(intents[i].name) == len && strncasecmp(intents[i].name, name, len) == 0)
            return intents[i].bit;
    return 0;
}

void intents_print(uint32_t set, struct buf *out)
{
    const char *between = "";

    for (size_t i = 0; i < COUNT; i++) {
        if (set & intents[i].bit) {
            buf_printf(out, "%s%s", between, intents[i].name);
            between = ", ";
        }
    }
}

/* Application flags: of each pair either bit is enough (gateway.md §12). */
#define APP_PRESENCES (UINT64_C(3) << 12)
#define APP_MEMBERS   (UINT64_C(3) << 14)
#define APP_CONTENT   (UINT64_C(3) << 18)

uint32_t intents_allowed(uint64_t application_flags)
{
    return (application_flags & APP_PRESENCES ? INTENT_GUILD_PRESENCES : 0) |
           (application_flags & APP_MEMBERS ? INTENT_GUILD_MEMBERS : 0) |
           (application_flags & APP_CONTENT ? INTENT_MESSAGE_CONTENT : 0);
}

uint32_t intents_with_content(uint32_t base, enum message_content want, bool application_known,
                              uint64_t application_flags)
{
    bool ask = want == MESSAGE_CONTENT_YES ||
               (want == MESSAGE_CONTENT_AUTO && application_known &&
                (intents_allowed(application_flags) & INTENT_MESSAGE_CONTENT));

    return ask ? base | INTENT_MESSAGE_CONTENT : base & ~INTENT_MESSAGE_CONTENT;
}

uint32_t intents_refused(uint32_t asked, bool application_known, uint64_t application_flags)
{
    uint32_t privileged = asked & INTENTS_PRIVILEGED;
    uint32_t missing = privileged & ~intents_allowed(application_flags);

    return application_known && missing ? missing : privileged;
}

const char *intents_toggles(uint32_t refused)
{
    static const char *const texts[] = {
        "no privileged intent",
        "Server Members Intent",
        "Message Content Intent",
        "Server Members Intent, Message Content Intent",
        "Presence Intent",
        "Presence Intent, Server Members Intent",
        "Presence Intent, Message Content Intent",
        "Presence Intent, Server Members Intent, Message Content Intent",
    };

    return texts[(refused & INTENT_GUILD_MEMBERS ? 1 : 0) |
                 (refused & INTENT_MESSAGE_CONTENT ? 2 : 0) |
                 (refused & INTENT_GUILD_PRESENCES ? 4 : 0)];
}
