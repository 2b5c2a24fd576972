/* What a press brings along: the choice of a select, the lines of a form. Called by cogs through
 * call_host.c. Diagnostics: none. */
#include <string.h>

#include "presence/json.h"
#include "worker/call_priv.h"

/* Lines lie in labels, one each. */
static const struct json *line_named(const struct json *labels, const char *name)
{
    for (const struct json *l = json_first(labels); l; l = json_next(l)) {
        const struct json *line = json_get(l, "component");

        if (!strcmp(json_string(json_get(line, "custom_id"), ""), name))
            return json_get(line, "value");
    }
    return NULL;
}

bool task_input(const struct task *t, const char *name, char *out, size_t out_size)
{
    struct json *data = json_parse_exact(t->interaction.data.p, t->interaction.data.len, NULL);
    const struct json *value = *name ? line_named(json_get(data, "components"), name)
                                     : json_first(json_get(data, "values"));
    const char *text = json_string(value, "");
    bool fits = *text && strlen(text) < out_size;

    out[0] = '\0';
    if (fits)
        memcpy(out, text, strlen(text) + 1);
    json_free(&data);
    return fits;
}
