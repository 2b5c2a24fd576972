/* fd: files, secrets, locks, Unix sockets. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/fd.h"
#include "tests/cmocka_all.h"

static char dir[48];
static char path[96];

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/presence-t_fd-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/file", dir);
    return 0;
}

static int tear_down(void **state)
{
    char *command = xasprintf("rm -rf '%s'", dir);

    (void)state;
    assert_int_equal(system(command), 0);
    free(command);
    return 0;
}

static void files_are_written_and_read(void **state)
{
    struct stat st;
    size_t len;
    char *bytes;

    (void)state;
    assert_int_equal(fd_write_file(path, "one\0two", 7, 0640, true), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    bytes = fd_read_file(path, 100, &len);
    assert_int_equal(len, 7);
    assert_memory_equal(bytes, "one\0two", 8);
    free(bytes);
    assert_int_equal(fd_write_file(path, "new", 3, 0640, false), 0);
    bytes = fd_read_file(path, 3, NULL);
    assert_string_equal(bytes, "new");
    free(bytes);
    assert_null(fd_read_file(path, 2, &len));
    assert_int_equal(errno, EFBIG);
    assert_null(fd_read_file("/nonexistent/x", 2, &len));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(fd_write_file("/nonexistent/x", "a", 1, 0600, true), -1);
    assert_int_equal(errno, ENOENT);
}

static void a_file_that_cannot_be_written_stays_as_it_was(void **state)
{
    char *bytes, *blocked = xasprintf("%s.new", path);

    (void)state;
    assert_int_equal(fd_write_file(path, "old", 3, 0600, false), 0);
    assert_int_equal(mkdir(blocked, 0700), 0);
    assert_int_equal(fd_write_file(path, "new", 3, 0600, false), -1);
    bytes = fd_read_file(path, 10, NULL);
    assert_string_equal(bytes, "old");
    free(bytes);
    free(blocked);
}

static void put_secret(const char *text, size_t len, mode_t mode)
{
    assert_int_equal(fd_write_file(path, text, len, 0600, false), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void expect_refused(const char *why)
{
    char *error = NULL;

    assert_null(fd_read_secret(path, &error));
    assert_non_null(error);
    assert_non_null(strstr(error, path));
    assert_non_null(strstr(error, why));
    assert_null(strstr(error, "hidden"));
    free(error);
}

static void secrets(void **state)
{
    char *error, *secret;

    (void)state;
    put_secret("hidden\n", 7, 0600);
    secret = fd_read_secret(path, &error);
    assert_string_equal(secret, "hidden");
    assert_null(error);
    fd_secret_free(&secret);
    assert_null(secret);
    fd_secret_free(&secret);
    put_secret("hidden", 6, 0400);
    assert_non_null(secret = fd_read_secret(path, &error));
    fd_secret_free(&secret);
    put_secret("\xef\xbb\xbfhidden\r\n", 11, 0600); /* as some editors write it */
    assert_non_null(secret = fd_read_secret(path, &error));
    assert_string_equal(secret, "hidden");
    fd_secret_free(&secret);
    put_secret("hidden\n", 7, 0640);
    expect_refused("mode is 0640, expected 0600");
    put_secret("hidden\n", 7, 0604);
    expect_refused("mode is 0604");
    put_secret(" \n", 2, 0600);
    expect_refused("expected one line");
    put_secret("", 0, 0600);
    expect_refused("expected one line");
    put_secret("hid\0den", 7, 0600);
    expect_refused("expected one line");
    put_secret("hidden\nhidden2\n", 15, 0600);
    expect_refused("expected one line");
    put_secret("hidden\xc2\xa0", 8, 0600);
    expect_refused("expected one line of ASCII");
    unlink(path);
    expect_refused("No such file");
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes into it */
    expect_refused("expected a file");
    unlink(path);
}

static void one_lock_at_a_time(void **state)
{
    int fd = fd_lock_file(path, false), status;
    pid_t child;

    (void)state;
    assert_true(fd >= 0);
    child = fork();
    if (child == 0)
        _exit(fd_lock_file(path, false) == -1 && errno == EWOULDBLOCK ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(fd);
    fd = fd_lock_file(path, true);
    assert_true(fd >= 0);
    close(fd);
}

static void directories(void **state)
{
    char *deep = xasprintf("%s/a/b/c", dir);
    struct stat st;

    (void)state;
    assert_int_equal(fd_mkdirs(deep, 0700), 0);
    assert_int_equal(stat(deep, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(fd_mkdirs(deep, 0700), 0);
    free(deep);
    deep = xasprintf("%s/a/b/", dir);
    assert_int_equal(fd_mkdirs(deep, 0700), 0);
    free(deep);
    assert_int_equal(fd_write_file(path, "x", 1, 0600, false), 0);
    deep = xasprintf("%s/d", path);
    assert_int_equal(fd_mkdirs(deep, 0700), -1);
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(fd_mkdirs(path, 0700), -1);
    assert_int_equal(errno, ENOTDIR);
    free(deep);
}

static void unix_sockets(void **state)
{
    int listener = fd_unix_listen(path, 0660), client, server, second;
    struct stat st;
    char byte;

    (void)state;
    assert_true(listener >= 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(fcntl(listener, F_GETFD), FD_CLOEXEC);
    client = fd_unix_connect(path);
    server = accept(listener, NULL, NULL);
    assert_true(client >= 0 && server >= 0);
    assert_int_equal(fd_write_all(client, "y", 1), 0);
    assert_int_equal(read(server, &byte, 1), 1);
    close(client);
    close(server);
    assert_int_equal(fd_unix_listen(path, 0660), -1);
    assert_int_equal(errno, EADDRINUSE);
    close(listener);
    assert_int_equal(fd_unix_connect(path), -1);
    second = fd_unix_listen(path, 0600); /* an unused old socket is replaced */
    assert_true(second >= 0);
    close(second);
}

static void a_file_is_not_replaced_by_a_socket(void **state)
{
    char *bytes, *longer = xasprintf("%s/%0120d", dir, 7);

    (void)state;
    assert_int_equal(fd_write_file(path, "mine", 4, 0600, false), 0);
    assert_int_equal(fd_unix_listen(path, 0600), -1);
    bytes = fd_read_file(path, 10, NULL);
    assert_non_null(bytes);
    assert_string_equal(bytes, "mine");
    free(bytes);
    assert_int_equal(fd_unix_listen(longer, 0600), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    free(longer);
}

static void flags_of_descriptors(void **state)
{
    int fds[2], copy;

    (void)state;
    assert_int_equal(fd_pair(fds), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
        assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
    }
    assert_int_equal(fd_cloexec(fds[0], false), 0);
    assert_int_equal(fcntl(fds[0], F_GETFD), 0);
    copy = fds[0];
    fd_close(&fds[0]);
    assert_int_equal(fds[0], -1);
    fd_close(&fds[0]);
    assert_int_equal(fd_nonblock(copy), -1);
    assert_int_equal(errno, EBADF);
    close(fds[1]);
}

int main(void)
{
#define FD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FD_TEST(files_are_written_and_read),
        FD_TEST(a_file_that_cannot_be_written_stays_as_it_was),
        FD_TEST(secrets),
        FD_TEST(one_lock_at_a_time),
        FD_TEST(directories),
        FD_TEST(unix_sockets),
        FD_TEST(a_file_is_not_replaced_by_a_socket),
        FD_TEST(flags_of_descriptors),
    };

    umask(022);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
