/* The envelope of a received interaction. Pure: what it holds points into the frame. Source:
 * Discord interactions.md, "Envelope of a received interaction". */
#ifndef PRESENCE_INTERACTION_H
#define PRESENCE_INTERACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "presence/scan.h"
#include "presence/snowflake.h"

#define INTERACTION_TOKEN_MAX  512u
#define INTERACTION_LOCALE_MAX 16u

/* Older ones, by their snowflake, are not acted on: Discord takes no answer after 3 s. */
#define INTERACTION_FRESH_MS 2500
/* So long may the answer be edited and followed up. */
#define INTERACTION_TOKEN_MS 900000

enum interaction_type {
    INTERACTION_PING = 1,
    INTERACTION_COMMAND = 2,
    INTERACTION_COMPONENT = 3,
    INTERACTION_COMPLETE = 4,
    INTERACTION_MODAL = 5
};

struct interaction {
    snowflake_t id, application, guild, channel, user;
    enum interaction_type type;
    char token[INTERACTION_TOKEN_MAX + 1];
    char locale[INTERACTION_LOCALE_MAX + 1];       /* the caller's; "" = not told */
    char guild_locale[INTERACTION_LOCALE_MAX + 1]; /* "" = not told */
    uint64_t permissions;                          /* the caller's in this channel */
    uint64_t app_permissions;                      /* the bot's */
    uint64_t attachment_max;                       /* bytes of a file in the answer; 0 = not told */
    bool installed;                                /* the bot is a member of the guild */
    struct slice data, member, message;
};

/* d: of INTERACTION_CREATE. Returns NULL, or what is wrong (static text). */
const char *interaction_read(struct slice d, struct interaction *interaction_r);

#endif
