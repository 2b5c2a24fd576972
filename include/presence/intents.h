/* Gateway intents. Source: Discord gateway.md §12; what Presence asks for: product sheet,
 * section 3. */
#ifndef PRESENCE_INTENTS_H
#define PRESENCE_INTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"

#define INTENT_GUILDS                        (UINT32_C(1) << 0)
#define INTENT_GUILD_MEMBERS                 (UINT32_C(1) << 1)
#define INTENT_GUILD_MODERATION              (UINT32_C(1) << 2)
#define INTENT_GUILD_EXPRESSIONS             (UINT32_C(1) << 3)
#define INTENT_GUILD_INTEGRATIONS            (UINT32_C(1) << 4)
#define INTENT_GUILD_WEBHOOKS                (UINT32_C(1) << 5)
#define INTENT_GUILD_INVITES                 (UINT32_C(1) << 6)
#define INTENT_GUILD_VOICE_STATES            (UINT32_C(1) << 7)
#define INTENT_GUILD_PRESENCES               (UINT32_C(1) << 8)
#define INTENT_GUILD_MESSAGES                (UINT32_C(1) << 9)
#define INTENT_GUILD_MESSAGE_REACTIONS       (UINT32_C(1) << 10)
#define INTENT_GUILD_MESSAGE_TYPING          (UINT32_C(1) << 11)
#define INTENT_DIRECT_MESSAGES               (UINT32_C(1) << 12)
#define INTENT_DIRECT_MESSAGE_REACTIONS      (UINT32_C(1) << 13)
#define INTENT_DIRECT_MESSAGE_TYPING         (UINT32_C(1) << 14)
#define INTENT_MESSAGE_CONTENT               (UINT32_C(1) << 15)
#define INTENT_GUILD_SCHEDULED_EVENTS        (UINT32_C(1) << 16)
#define INTENT_AUTO_MODERATION_CONFIGURATION (UINT32_C(1) << 20)
#define INTENT_AUTO_MODERATION_EXECUTION     (UINT32_C(1) << 21)
#define INTENT_GUILD_MESSAGE_POLLS           (UINT32_C(1) << 24)
#define INTENT_DIRECT_MESSAGE_POLLS          (UINT32_C(1) << 25)

#define INTENTS_ALL        UINT32_C(53608447)
#define INTENTS_PRIVILEGED (INTENT_GUILD_MEMBERS | INTENT_GUILD_PRESENCES | INTENT_MESSAGE_CONTENT)
#define INTENTS_DEFAULT    UINT32_C(18943687)
#define INTENTS_FALLBACK   UINT32_C(18943685) /* after 4014: no GUILD_MEMBERS */

/* "GUILD_MEMBERS" of one bit; NULL if it is no documented bit. */
const char *intent_name(uint32_t bit);
/* By name, any case; 0 = there is none of that name. */
uint32_t intent_by_name(const char *name, size_t len);
/* The bits' names, separated by ", ". */
void intents_print(uint32_t intents, struct buf *out);

/* The privileged intents that the application may ask for, by its flags (GET /applications/@me). */
uint32_t intents_allowed(uint64_t application_flags);

enum message_content { MESSAGE_CONTENT_AUTO, MESSAGE_CONTENT_YES, MESSAGE_CONTENT_NO };

/* base with MESSAGE_CONTENT set or cleared; auto: asked for if the flags allow it (not known: no).
 */
uint32_t intents_with_content(uint32_t base, enum message_content want, bool application_known,
                              uint64_t application_flags);

/* After 4014: the part of `asked` that was refused. Where the flags do not tell, every privileged
 * one. */
uint32_t intents_refused(uint32_t asked, bool application_known, uint64_t application_flags);
/* The developer portal's toggles of these intents, for the operator. */
const char *intents_toggles(uint32_t refused);

#endif
