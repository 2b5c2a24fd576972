/* Events that killed a worker twice: kept as files for the developer, named in status. Called by
 * lane.c.
 * Diagnostics: quarantined (once per event), quarantine_failed. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "master.h"
#include "presence/fd.h"
#include "presence/log.h"

#define SHOWN_MAX 100u

static void remember(struct master *m, const char *file, const char *event, unsigned lane,
                     int64_t at_ms)
{
    struct quarantined *q = xcalloc(1, sizeof(*q));

    m->quarantine_count++;
    if (m->quarantine_count > SHOWN_MAX) {
        free(q);
        return;
    }
    *q = (struct quarantined){.next = m->quarantine,
                              .file = xstrdup(file),
                              .event = xstrdup(event),
                              .lane = lane,
                              .at_ms = at_ms};
    m->quarantine = q;
}

void quarantine_event(struct master *m, unsigned lane, const struct framepool_event *e)
{
    char *dir = xasprintf("%s/quarantine", m->conf.presence.state_dir);
    char *path = xasprintf("%s/%" PRIu64 "-%" PRIu64 ".json", dir, e->head.session, e->head.seq);
    char event[64];

    snprintf(event, sizeof(event), "%.*s", (int)e->head.t_len, framepool_frame(e) + e->head.t_off);
    log_error("quarantined",
              "%s of guild %" PRIu64 " (session %" PRIu64 ", seq %" PRIu64
              ") killed a worker twice; it is kept in %s and left out",
              event, e->head.guild, e->head.session, e->head.seq, path);
    if (fd_mkdirs(dir, 0700) || fd_write_file(path, framepool_frame(e), e->len, 0600, true))
        log_error("quarantine_failed", "%s: %s", path, strerror(errno));
    remember(m, path, event, lane, clock_unix().ms);
    free(dir);
    free(path);
}

/* What earlier runs left. */
void quarantine_load(struct master *m)
{
    char *dir = xasprintf("%s/quarantine", m->conf.presence.state_dir);
    DIR *d = opendir(dir);
    struct dirent *entry;

    while (d && (entry = readdir(d))) {
        char *path = xasprintf("%s/%s", dir, entry->d_name);
        struct stat st;

        if (entry->d_name[0] != '.' && stat(path, &st) == 0 && S_ISREG(st.st_mode))
            remember(m, path, "", LANES, (int64_t)st.st_mtime * 1000);
        free(path);
    }
    if (d)
        closedir(d);
    free(dir);
}

void quarantine_clear(struct master *m)
{
    while (m->quarantine) {
        struct quarantined *next = m->quarantine->next;

        free(m->quarantine->file);
        free(m->quarantine->event);
        free(m->quarantine);
        m->quarantine = next;
    }
}
