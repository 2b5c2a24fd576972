/* Reading the envelope of an interaction. Called by the worker for what is to be acted on.
 * Diagnostics: none; static texts. */
#include "presence/interaction.h"

#include <string.h>

/* A token goes into paths: nothing but what needs no encoding there. */
static bool read_token(struct slice value, char out[INTERACTION_TOKEN_MAX + 1])
{
    struct slice raw = scan_raw_string(value);

    if (raw.len == 0 || raw.len > INTERACTION_TOKEN_MAX)
        return false;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              strchr("-._~=+:", c)))
            return false;
    }
    memcpy(out, raw.p, raw.len);
    out[raw.len] = '\0';
    return true;
}

/* One that is too long is none. */
static void read_locale(struct slice value, char out[INTERACTION_LOCALE_MAX + 1])
{
    struct slice raw = scan_raw_string(value);

    if (raw.len == 0 || raw.len > INTERACTION_LOCALE_MAX)
        raw = SLICE_LIT("");
    memcpy(out, raw.p, raw.len);
    out[raw.len] = '\0';
}

/* Absent: an older server, which knew only bots that are members. */
static bool read_installed(struct slice owners)
{
    struct slice guild;
    const struct scan_field fields[] = {SCAN_FIELD("0", &guild)};

    return !scan_is_object(owners) || (!scan_fields(owners, fields, 1) && guild.p);
}

static const char *read_caller(struct interaction *i)
{
    struct slice user = SLICE_NONE, permissions = SLICE_NONE, id = SLICE_NONE;
    const struct scan_field fields[] = {SCAN_FIELD("user", &user),
                                        SCAN_FIELD("permissions", &permissions)};
    const struct scan_field user_fields[] = {SCAN_FIELD("id", &id)};
    const char *error = NULL;

    if (scan_is_object(i->member))
        error = scan_fields(i->member, fields, 2);
    if (!error && scan_is_object(user))
        error = scan_fields(user, user_fields, 1);
    if (!error && !scan_snowflake(id, &i->user))
        error = "member.user.id: expected a snowflake";
    scan_digits(permissions, &i->permissions);
    return error;
}

const char *interaction_read(struct slice d, struct interaction *i)
{
    struct slice id, application, type, token, guild, channel, locale, guild_locale, app, owners,
        attachment;
    const struct scan_field fields[] = {
        SCAN_FIELD("id", &id),
        SCAN_FIELD("application_id", &application),
        SCAN_FIELD("type", &type),
        SCAN_FIELD("token", &token),
        SCAN_FIELD("guild_id", &guild),
        SCAN_FIELD("channel_id", &channel),
        SCAN_FIELD("member", &i->member),
        SCAN_FIELD("locale", &locale),
        SCAN_FIELD("guild_locale", &guild_locale),
        SCAN_FIELD("app_permissions", &app),
        SCAN_FIELD("attachment_size_limit", &attachment),
        SCAN_FIELD("authorizing_integration_owners", &owners),
        SCAN_FIELD("data", &i->data),
        SCAN_FIELD("message", &i->message),
    };
    const char *error;
    uint64_t number = 0;

    *i = (struct interaction){0};
    error = scan_fields(d, fields, sizeof(fields) / sizeof(fields[0]));
    if (error)
        return error;
    if (!scan_snowflake(id, &i->id))
        return "id: expected a snowflake";
    if (!scan_snowflake(application, &i->application))
        return "application_id: expected a snowflake";
    if (!scan_u64(type, &number) || number < INTERACTION_PING || number > INTERACTION_MODAL)
        return "type: expected a number from 1 to 5";
    i->type = (enum interaction_type)number;
    if (!read_token(token, i->token))
        return "token: expected letters, digits and -._~=+:, at most 512";
    scan_snowflake(guild, &i->guild);
    scan_snowflake(channel, &i->channel);
    read_locale(locale, i->locale);
    read_locale(guild_locale, i->guild_locale);
    scan_digits(app, &i->app_permissions);
    scan_u64(attachment, &i->attachment_max);
    i->installed = read_installed(owners);
    return read_caller(i);
}
