#include "process/password_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct error err;

/* No child may be left, running or dead. */
static void assert_no_child(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static bool run(const char *command, int64_t limit_ms, const struct cancel *cancel,
                struct buffer *password)
{
    const struct wire_password_request request = {
        .host = "db.example",
        .port = "5433",
        .database = "shop",
        .user = "maria",
        .command = command,
        .cancel = cancel,
        .deadline = deadline_after_ms(limit_ms),
    };
    bool done;

    buffer_clear(password);
    done = password_command_run(&request, password, &err);
    assert_no_child();
    return done;
}

static void assert_password(const char *command, const char *expected)
{
    struct buffer password = {0};

    if (!run(command, 20000, NULL, &password))
        fail_msg("%s: %s", command, err.message);
    assert_string_equal(buffer_text(&password), expected);
    buffer_free_secret(&password);
}

static void assert_fails(const char *command, const char *message)
{
    struct buffer password = {0};

    assert_false(run(command, 20000, NULL, &password));
    if (strstr(err.message, message) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.message, message);
    assert_true(err.hint[0] != '\0' || strstr(err.message, "byte") || strstr(err.message, "MiB"));
    assert_null(strstr(err.message, "hunter2"));
    assert_null(strstr(err.hint, "hunter2"));
    buffer_free_secret(&password);
}

static void the_first_line_is_the_password(void **state)
{
    (void)state;
    assert_password("printf 'a b\\nsecond\\nthird'", "a b");
    assert_password("printf 'no newline'", "no newline");
    assert_password("echo $PGHOST", "$PGHOST"); /* no shell */
    assert_password("sh -c 'printf ab; sleep 0.1; printf \"cd\\nef\"; sleep 0.1; echo more'",
                    "abcd");
}

static void the_command_knows_what_the_password_is_for(void **state)
{
    (void)state;
    setenv("PGUSER", "somebody", 1);
    assert_password("sh -c 'echo $PGHOST $PGPORT $PGUSER $PGDATABASE'",
                    "db.example 5433 maria shop");
    assert_password("sh -c 'env | grep -c ^PGUSER='", "1");
    unsetenv("PGUSER");
}

static void the_command_inherits_nothing_else(void **state)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigset_t block, mask;

    (void)state;
    for (int inherited = 3; inherited < 1024; inherited++) /* by whoever runs the test */
        fcntl(inherited, F_SETFD, FD_CLOEXEC);
    sigaction(SIGPIPE, &ignore, &before);
    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &block, &mask);
    /* 0, 1, 2 and the one that ls(1) reads the folder with */
    assert_password("sh -c 'echo $(ls /proc/self/fd)'", "0 1 2 3");
    assert_password("readlink /proc/self/fd/0", "/dev/null");
    assert_password("sed -n 's/^SigBlk:[[:space:]]*//p' /proc/self/status", "0000000000000000");
    /* SIGPIPE is 13: bit 12 */
    assert_password("sh -c 's=$(sed -n \"s/^SigIgn:[[:space:]]*//p\" /proc/self/status); "
                    "echo $((0x$s & 0x1000))'",
                    "0");
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    sigaction(SIGPIPE, &before, NULL);
    close(fd);
}

static void a_long_token_is_taken_whole(void **state)
{
    struct buffer password = {0};

    (void)state;
    assert_true(run("sh -c 'head -c 1048576 /dev/zero | tr \"\\\\0\" x'", 20000, NULL, &password));
    assert_int_equal(password.len, 1048576);
    assert_false(run("sh -c 'head -c 1048577 /dev/zero | tr \"\\\\0\" x'", 20000, NULL, &password));
    assert_non_null(strstr(err.message, "more than 1 MiB"));
    buffer_free_secret(&password);
}

/* Its first line is whole, but whether it succeeds is not known before it ends. */
static void an_endless_command_is_ended(void **state)
{
    struct buffer password = {0};

    (void)state;
    assert_false(run("yes hunter2", 300, NULL, &password));
    error_spell(&err, NULL);
    assert_non_null(strstr(err.message, "within connect_timeout"));
    buffer_free_secret(&password);
}

static void failures_are_named(void **state)
{
    (void)state;
    assert_fails("sh -c 'echo hunter2; exit 3'", "\"sh\" failed with exit status 3");
    assert_fails("sh -c 'echo hunter2; kill -9 $$'", "was ended by signal 9");
    assert_fails("true hunter2", "\"true\" printed no password");
    assert_fails("printf '\\nhunter2'", "printed no password");
#ifdef UNDER_EMULATOR /* qemu's vfork() is a fork(): why exec failed does not come back */
    assert_fails("no-such-program-here hunter2", "failed with exit status 127");
    assert_fails("/etc/passwd hunter2", "failed with exit status 127");
#else
    assert_fails("no-such-program-here hunter2", "No such file");
    assert_fails("/etc/passwd hunter2", "Permission denied");
#endif
    assert_fails("printf 'hunter2\\000x'", "zero byte");
}

static void one_that_takes_too_long_is_killed(void **state)
{
    struct buffer password = {0};
    int64_t begun = clock_now_ms();

    (void)state;
    assert_false(run("sh -c 'echo hunter2; trap \"\" TERM; sleep 100 & sleep 100; wait'", 300, NULL,
                     &password));
    assert_true(clock_now_ms() - begun < 5000);
    error_spell(&err, NULL);
    assert_non_null(strstr(err.message, "within connect_timeout"));
    buffer_free_secret(&password);
}

static void *cancel_soon(void *cancel)
{
    usleep(200 * 1000);
    cancel_request(cancel);
    return NULL;
}

static void cancel_kills_it(void **state)
{
    struct buffer password = {0};
    int64_t begun = clock_now_ms();
    struct cancel cancel;
    pthread_t thread;

    (void)state;
    assert_true(cancel_init(&cancel, &err));
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_false(run("sleep 100", 0, &cancel, &password));
    assert_int_equal(err.code, ERROR_CANCELLED);
    assert_true(clock_now_ms() - begun < 5000);
    pthread_join(thread, NULL);
    cancel_reset(&cancel);
    buffer_free_secret(&password);
}

/* An agent that stays behind holds the pipe open, and is not waited for. */
static void what_it_leaves_behind_does_not_matter(void **state)
{
    int64_t begun = clock_now_ms();

    (void)state;
    assert_password("sh -c 'sleep 3 & echo token'", "token");
    assert_true(clock_now_ms() - begun < 2500);
}

/* ---- The source ---- */

static void the_source_runs_the_command_each_time(void **state)
{
    const struct password_options options = {.may_ask = false};
    struct password_source *source = password_source_new(&options, &err);
    const struct wire_password_source *face = password_source_face(source);
    char path[] = "/tmp/pgcask-command-XXXXXX", command[128], expected[16];
    struct wire_password_request request = {.host = "h",
                                            .port = "1",
                                            .database = "d",
                                            .user = "u",
                                            .command = command,
                                            .deadline = DEADLINE_NONE};
    bool found;

    (void)state;
    close(mkstemp(path));
    snprintf(command, sizeof(command), "sh -c 'echo x >> %s; wc -l < %s'", path, path);
    for (int i = 1; i <= 2; i++) {
        struct buffer password = {0};

        assert_true(face->password(face->context, &request, &password, &found, &err));
        assert_true(found);
        snprintf(expected, sizeof(expected), "%d", i);
        assert_string_equal(buffer_text(&password), expected);
        buffer_free_secret(&password);
    }
    request.command = NULL;
    request.last_resort = true;
    assert_true(face->password(face->context, &request, NULL, &found, &err));
    assert_false(found);
    unlink(path);
    password_source_free(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_is_the_password),
        cmocka_unit_test(the_command_knows_what_the_password_is_for),
        cmocka_unit_test(the_command_inherits_nothing_else),
        cmocka_unit_test(a_long_token_is_taken_whole),
        cmocka_unit_test(an_endless_command_is_ended),
        cmocka_unit_test(failures_are_named),
        cmocka_unit_test(one_that_takes_too_long_is_killed),
        cmocka_unit_test(cancel_kills_it),
        cmocka_unit_test(what_it_leaves_behind_does_not_matter),
        cmocka_unit_test(the_source_runs_the_command_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
