/* presencectl invite: the link that adds the bot to a server. Called by main.c.
 * Diagnostics: what to do where presenced does not know the application. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

/* Send Messages in Threads, Create Invite, Kick Members, View Audit Log, View Channels, Send
 * Messages, Embed Links, Attach Files, Read Message History, Manage Roles, Use Application
 * Commands. */
#define INVITE_PERMISSIONS UINT64_C(277293943939)

/* The application's id from presenced: 0 after a complaint. */
static uint64_t running_application(const struct ctl_options *o, int *exit_r)
{
    struct client c = {.fd = -1};
    struct json *reply = NULL;
    uint64_t id = 0;

    *exit_r = ctl_open(o, &c, CTL_TIMEOUT_MS);
    if (*exit_r == CTL_DONE)
        *exit_r = ctl_ask(&c, "status", "{}", &reply);
    if (*exit_r == CTL_DONE) {
        id = json_id(json_get(json_get(reply, "result"), "application_id"));
        if (id == 0) {
            ctl_complain("presenced does not know the application yet");
            *exit_r = CTL_REFUSED;
        }
        json_free(&reply);
    } else {
        ctl_complain("without presenced the id goes behind invite: presencectl invite APPLICATION");
    }
    client_close(&c);
    return id;
}

int run_invite(const struct ctl_options *o, int argc, char **argv)
{
    snowflake_t id = SNOWFLAKE_NONE;
    int result = CTL_DONE;

    if (argc > 1 || (argc == 1 && (snowflake_parse(argv[0], strlen(argv[0]), &id) || id.id == 0))) {
        ctl_complain("invite: expected one application id (a decimal number), or none");
        return CTL_USAGE;
    }
    if (argc == 0)
        id.id = running_application(o, &result);
    if (result)
        return result;
    fputs(o->json ? "{\"url\":\"" : "", stdout);
    printf("https://discord.com/oauth2/authorize?client_id=%" PRIu64
           "&scope=bot+applications.commands&permissions=%" PRIu64,
           id.id, INVITE_PERMISSIONS);
    puts(o->json ? "\"}" : "");
    return CTL_DONE;
}
