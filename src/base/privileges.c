/* User, group and directories of a daemon that root has started. Called by presenced and
 * presence-graphqld.
 * Diagnostics: error_r to the caller. */
#include "presence/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/fd.h"

static const struct passwd *find_user(const char *name, char **error_r)
{
    const struct passwd *user = getpwnam(name);

    if (!user)
        *error_r = xasprintf("[presence] user: there is no user %s", name);
    return user;
}

int privileges_directory(const char *path, mode_t mode, const char *user, char **error_r)
{
    const struct passwd *owner = NULL;
    struct stat st;

    if (fd_mkdirs(path, mode) || stat(path, &st)) {
        *error_r = xasprintf("directory %s: %s", path, strerror(errno));
        return -1;
    }
    if (geteuid() != 0 || !*user)
        return 0;
    if (!(owner = find_user(user, error_r)))
        return -1;
    if (st.st_uid != owner->pw_uid && chown(path, owner->pw_uid, owner->pw_gid)) {
        *error_r = xasprintf("directory %s cannot be given to %s: %s", path, user, strerror(errno));
        return -1;
    }
    return 0;
}

int privileges_file(const char *path, const char *user, char **error_r)
{
    const struct passwd *owner;
    struct stat st;
    int fd, rc = 0;

    if (geteuid() != 0 || !*user)
        return 0;
    if (!(owner = find_user(user, error_r)))
        return -1;
    /* Whoever owns the directory may have put a link there. */
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st))
        rc = errno == ELOOP ? 0 : -1;
    else if (S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_uid == 0)
        rc = fchown(fd, owner->pw_uid, owner->pw_gid);
    if (rc)
        *error_r = xasprintf("%s cannot be given to %s: %s", path, user, strerror(errno));
    fd_close(&fd);
    return rc;
}

int privileges_drop(const char *user, const char *group, char **error_r)
{
    const struct passwd *to = NULL;
    const struct group *with = NULL;
    gid_t gid;

    if (geteuid() != 0 || (!*user && !*group))
        return 0;
    if (*user && !(to = find_user(user, error_r)))
        return -1;
    if (*group && !(with = getgrnam(group))) {
        *error_r = xasprintf("[presence] group: there is no group %s", group);
        return -1;
    }
    gid = with ? with->gr_gid : to->pw_gid;
    if (setgid(gid) || (to && initgroups(user, gid)) || (to && setuid(to->pw_uid))) {
        *error_r = xasprintf("becoming %s %s: %s", to ? "user" : "group", to ? user : group,
                             strerror(errno));
        return -1;
    }
    return 0;
}
