/* Custom ids of buttons, selects and modals: what a press means, signed, so that nobody can make up
 * or change one; for one guild and user; and only until a moment. Clients see them: they hold no
 * secret.
 *
 * "name.expiry.data.mac": the expiry in hexadecimal seconds, the mac over all of it, the guild and
 * the user. Source: Discord interactions.md, "Confirming destructive actions". */
#ifndef PRESENCE_CUSTOM_ID_H
#define PRESENCE_CUSTOM_ID_H

#include <stddef.h>
#include <stdint.h>

#include "presence/clock.h"
#include "presence/snowflake.h"

#define CUSTOM_ID_SIZE     101u /* Discord's 100 and the terminator */
#define CUSTOM_ID_NAME_MAX 16u  /* [a-z_] */
#define CUSTOM_ID_DATA_MAX 40u  /* [A-Za-z0-9_-] */
#define CUSTOM_ID_KEY_SIZE 32u

struct custom_id_key {
    uint8_t bytes[CUSTOM_ID_KEY_SIZE];
};

struct custom_id {
    char name[CUSTOM_ID_NAME_MAX + 1];
    char data[CUSTOM_ID_DATA_MAX + 1];
};

enum custom_id_verdict {
    CUSTOM_ID_GOOD,
    CUSTOM_ID_EXPIRED,
    CUSTOM_ID_FOREIGN /* of somebody else, of another guild, or never made here */
};

/* The key for this purpose, derived from the instance's secret. */
void custom_id_derive(const char *secret, struct custom_id_key *key_r);

/* name and data within their bounds: anything else is fatal. */
void custom_id_print(const struct custom_id_key *key, snowflake_t guild, snowflake_t user,
                     const char *name, const char *data, unixms_t expires,
                     char out[CUSTOM_ID_SIZE]);

/* text: as Discord sent it back, any bytes. */
enum custom_id_verdict custom_id_read(const struct custom_id_key *key, snowflake_t guild,
                                      snowflake_t user, const char *text, size_t len, unixms_t now,
                                      struct custom_id *id_r);

#endif
