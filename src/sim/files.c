/* Files that users gave to commands. Called by the act that gives one, and by REST. Diagnostics:
 * none.
 */
#include "sim/files.h"

#include <stdlib.h>

#include "sim/rest_call.h"

struct files {
    struct {
        uint64_t id; /* 0 = unused place */
        char *text;
    } list[FILES_MAX];
    size_t next;
};

struct files *files_new(void)
{
    return xcalloc(1, sizeof(struct files));
}

void files_free(struct files **files)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        free((*files)->list[i].text);
    free(*files);
    *files = NULL;
}

void files_add(struct files *files, uint64_t id, const char *text)
{
    size_t i = files->next++ % FILES_MAX;

    free(files->list[i].text);
    files->list[i].id = id;
    files->list[i].text = xstrdup(text);
}

const char *files_find(const struct files *files, uint64_t id)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (id && files->list[i].id == id)
            return files->list[i].text;
    return NULL;
}

/* Whoever sends a token along has shown it to a host that is not the API. */
static void get_file(struct rest_call *c)
{
    const char *text = files_find(c->sim->files, rest_id(c->segments[2]));

    if (httpd_header(c->req, "Authorization"))
        rest_error(c, 400, 0, "A token does not belong here");
    else if (text)
        buf_puts(&c->out, text);
    else
        rest_error(c, 404, 0, "404: Not Found");
}

const struct rest_route rest_file_routes[] = {
    {"GET", "attachments/*/*/*", false, get_file},
    {NULL, NULL, false, NULL},
};
