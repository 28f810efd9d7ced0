#include "wire/auth_password_internal.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct error err;

/* What the source answers, and what it was asked. */
struct source {
    const char *first, *last; /* NULL: nothing */
    bool fails;
    char log[512];
};

static bool answer(void *context, const struct wire_password_request *request,
                   struct buffer *password, bool *found, struct error *error)
{
    struct source *source = context;
    const char *text = request->last_resort ? source->last : source->first;
    size_t used = strlen(source->log);

    snprintf(source->log + used, sizeof(source->log) - used, "%s%s %s %s %s %s %s;",
             request->last_resort ? "last " : "", request->host, request->port, request->database,
             request->user, request->command == NULL ? "-" : request->command,
             request->deadline == DEADLINE_NONE ? "-" : "limited");
    if (source->fails)
        return error_set(error, ERROR_AUTHENTICATION, "no");
    *found = text != NULL;
    return text == NULL || buffer_append_string(password, text, error);
}

/* Settings, a source and a passfile with the password "file" for the user "filed". */
static bool find(struct source *source, const char *conninfo, const char *user,
                 struct buffer *password, bool *found)
{
    struct wire_password_source face = {.context = source, .password = answer};
    struct wire_settings *settings = wire_settings_new(&err);
    char path[] = "/tmp/pgcask-password-XXXXXX";
    int fd = mkstemp(path);
    struct wire_password_request request = {
        .host = "h", .port = "1", .database = "d", .user = user, .deadline = 5};
    bool done;

    assert_int_equal(write(fd, "*:*:*:filed:file\n", 17), 17);
    close(fd);
    assert_true(wire_settings_parse(settings, conninfo, &err));
    assert_true(wire_settings_set(settings, "passfile", path, &err));
    request.command = wire_settings_get(settings, "password_command");
    if (source != NULL)
        wire_settings_set_password_source(settings, &face);
    done = auth_find_password(settings, &request, password, found, NULL, &err);
    wire_settings_free(settings);
    unlink(path);
    return done;
}

/* expected NULL: none. asked NULL: no source. */
static void assert_found(struct source source, const char *conninfo, const char *user,
                         const char *expected, const char *asked)
{
    struct buffer password = {0};
    bool found;

    assert_true(find(asked == NULL ? NULL : &source, conninfo, user, &password, &found));
    assert_int_equal(found, expected != NULL);
    assert_string_equal(buffer_text(&password), expected == NULL ? "" : expected);
    if (asked != NULL)
        assert_string_equal(source.log, asked);
    buffer_free_secret(&password);
}

static void a_password_in_the_settings_is_the_first(void **state)
{
    (void)state;
    assert_found((struct source){.first = "x"}, "password=set password_command=c", "filed", "set",
                 "");
    assert_found((struct source){.first = NULL}, "password=set", "filed", "set", NULL);
}

static void the_command_wins_over_the_passfile(void **state)
{
    (void)state;
    assert_found((struct source){.first = "token"}, "password_command=c", "filed", "token",
                 "h 1 d filed c limited;");
}

static void the_passfile_wins_over_a_question(void **state)
{
    (void)state;
    assert_found((struct source){.last = "typed"}, "", "filed", "file", "h 1 d filed - limited;");
    assert_found((struct source){.first = NULL}, "", "filed", "file", NULL);
}

static void a_person_is_the_last_resort(void **state)
{
    (void)state;
    assert_found((struct source){.last = "typed"}, "", "me", "typed",
                 "h 1 d me - limited;last h 1 d me - -;");
    assert_found((struct source){.first = NULL}, "", "me", NULL,
                 "h 1 d me - limited;last h 1 d me - -;");
}

static void a_command_that_nothing_runs_is_an_error(void **state)
{
    struct source idle = {.first = NULL};
    struct buffer password = {0};
    bool found;

    (void)state;
    assert_false(find(NULL, "password_command=c", "filed", &password, &found));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
    assert_false(find(&idle, "password_command=c", "filed", &password, &found));
    assert_int_equal(password.len, 0);
}

static void a_failure_of_the_source_is_one(void **state)
{
    struct source source = {.fails = true};
    struct buffer password = {0};
    bool found;

    (void)state;
    assert_false(find(&source, "", "filed", &password, &found));
    assert_string_equal(err.message, "no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_in_the_settings_is_the_first),
        cmocka_unit_test(the_command_wins_over_the_passfile),
        cmocka_unit_test(the_passfile_wins_over_a_question),
        cmocka_unit_test(a_person_is_the_last_resort),
        cmocka_unit_test(a_command_that_nothing_runs_is_an_error),
        cmocka_unit_test(a_failure_of_the_source_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
