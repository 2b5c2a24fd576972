/* sd: what is sent to the service manager, which passed sockets are taken, where secrets are. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/fd.h"
#include "presence/sd.h"
#include "tests/cmocka_all.h"

static char dir[] = "/tmp/t-sd-XXXXXX", path[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/x", dir);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"NOTIFY_SOCKET",        "WATCHDOG_USEC", "WATCHDOG_PID",
                                        "LISTEN_PID",           "LISTEN_FDS",    "LISTEN_FDNAMES",
                                        "CREDENTIALS_DIRECTORY"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
    clock_set_for_test(NULL, NULL);
    unlink(path);
    rmdir(dir);
    return 0;
}

/* --- notifications -----------------------------------------------------------------------------
 */

/* The service manager's end. */
static int manager(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", path, 1);
    return fd;
}

static void expect_heard(int fd, const char *text)
{
    char got[64] = "";
    ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

    assert_int_equal(n, (ssize_t)strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

static void expect_silence(int fd)
{
    char byte;

    assert_int_equal(recv(fd, &byte, 1, 0), -1);
}

static void the_manager_hears(void **state)
{
    int fd;

    (void)state;
    sd_notify_send("READY=1"); /* to nobody */
    fd = manager();
    sd_notify_send("READY=1");
    expect_heard(fd, "READY=1");
    close(fd);
}

static void the_watchdog_is_fed_twice_in_its_time(void **state)
{
    struct loop *loop = loop_new();
    struct sd_watchdog *watchdog;
    monoms_t now = {1000};
    int fd = manager();

    (void)state;
    clock_set_for_test(NULL, &now);
    setenv("WATCHDOG_USEC", "3000000", 1);
    watchdog = sd_watchdog_start(loop);
    expect_heard(fd, "WATCHDOG=1");
    now.ms += 1499;
    clock_set_for_test(NULL, &now);
    loop_once(loop, 0);
    expect_silence(fd);
    now.ms += 1;
    clock_set_for_test(NULL, &now);
    loop_once(loop, 0);
    expect_heard(fd, "WATCHDOG=1");
    sd_watchdog_stop(&watchdog);
    assert_null(watchdog);
    loop_free(&loop);
    close(fd);
}

static void a_watchdog_of_another_process_is_none(void **state)
{
    struct loop *loop = loop_new();
    int fd = manager();

    (void)state;
    assert_null(sd_watchdog_start(loop));
    setenv("WATCHDOG_USEC", "many", 1);
    assert_null(sd_watchdog_start(loop));
    setenv("WATCHDOG_USEC", "3000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    assert_null(sd_watchdog_start(loop));
    expect_silence(fd);
    loop_free(&loop);
    close(fd);
}

/* --- passed sockets ----------------------------------------------------------------------------
 */

static void set_number(const char *name, long n)
{
    char text[24];

    snprintf(text, sizeof(text), "%ld", n);
    setenv(name, text, 1);
}

/* Puts fd where a passed socket lies; what was there is kept by the caller's *saved_r. */
static void pass(int fd, int *saved_r)
{
    *saved_r = dup(3);
    assert_int_equal(dup2(fd, 3), 3);
    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", 1);
}

static void unpass(int *saved)
{
    close(3);
    if (*saved >= 0)
        dup2(*saved, 3);
    fd_close(saved);
}

static void a_passed_listener_is_taken_once(void **state)
{
    char *error;
    int saved, fd = fd_unix_listen(path, 0600);

    (void)state;
    fcntl(fd, F_SETFL, 0);
    pass(fd, &saved);
    assert_int_equal(sd_listener(&error), 3);
    assert_null(error);
    assert_true(fcntl(3, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(3, F_GETFD) & FD_CLOEXEC);
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDS"));
    assert_int_equal(sd_listener(&error), -1);
    assert_null(error);
    unpass(&saved);
    close(fd);
}

static void sockets_of_another_process_are_not_touched(void **state)
{
    char *error;

    (void)state;
    setenv("LISTEN_PID", "1", 1);
    setenv("LISTEN_FDS", "1", 1);
    assert_int_equal(sd_listener(&error), -1);
    assert_null(error);
    assert_null(getenv("LISTEN_FDS"));
}

static void anything_but_one_listener_is_refused(void **state)
{
    char *error;
    int saved, fds[2];

    (void)state;
    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", 2);
    assert_int_equal(sd_listener(&error), -1);
    assert_string_equal(error, "2 sockets were passed; expected one");
    free(error);
    assert_int_equal(fd_pair(fds), 0);
    pass(fds[0], &saved);
    assert_int_equal(sd_listener(&error), -1);
    assert_string_equal(error, "descriptor 3 was passed; expected a listening stream socket");
    free(error);
    unpass(&saved);
    close(fds[0]);
    close(fds[1]);
}

/* --- credentials -------------------------------------------------------------------------------
 */

static void a_credential_comes_before_the_file(void **state)
{
    char *found = sd_credential("x", "/etc/y");

    (void)state;
    assert_string_equal(found, "/etc/y");
    free(found);
    setenv("CREDENTIALS_DIRECTORY", dir, 1);
    found = sd_credential("x", "/etc/y");
    assert_string_equal(found, "/etc/y"); /* there is no such credential */
    free(found);
    assert_int_equal(fd_write_file(path, "s", 1, 0400, false), 0);
    found = sd_credential("x", "/etc/y");
    assert_string_equal(found, path);
    free(found);
}

int main(void)
{
#define SD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SD_TEST(the_manager_hears),
        SD_TEST(the_watchdog_is_fed_twice_in_its_time),
        SD_TEST(a_watchdog_of_another_process_is_none),
        SD_TEST(a_passed_listener_is_taken_once),
        SD_TEST(sockets_of_another_process_are_not_touched),
        SD_TEST(anything_but_one_listener_is_refused),
        SD_TEST(a_credential_comes_before_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
