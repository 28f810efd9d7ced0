#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/console.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What `say` writes to standard error. */
static void assert_written(void (*say)(struct console *console), const char *expected)
{
    struct console console;
    struct error err;
    char text[4096];
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    size_t len;

    assert_non_null(file);
    assert_true(kept >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    assert_true(console_init(&console, true, &err));
    say(&console);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    rewind(file);
    len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
    console_free(&console);
}

static void say_message(struct console *console)
{
    console_message(console, "copying: %d%%", 7);
}

static void say_warning(struct console *console)
{
    console_warning(console, "the first line\nthe %s", "second");
    assert_int_equal(json_array_size(console->warnings), 1);
}

static void say_warning_twice(struct console *console)
{
    console_warning(console, "the same");
    console_warning(console, "another");
    console->log.write(console->log.context, LOG_WARNING, "the same");
    assert_int_equal(json_array_size(console->warnings), 2);
}

static void say_failure_twice(struct console *console)
{
    struct error failure;

    error_set(&failure, ERROR_SERVER, "TABLE a: no");
    error_detail(&failure, "Line 3");
    console_failure(console, &failure);
    error_detail(&failure, "Line 4");
    console_failure(console, &failure);
    assert_int_equal(json_array_size(console->warnings), 2);
}

static void say_log(struct console *console)
{
    console->log.write(console->log.context, LOG_WARNING, "a warning");
    console->log.write(console->log.context, LOG_INFO, "a note");
}

static void say_error(struct console *console)
{
    struct error err;

    error_set(&err, ERROR_IO, "cannot read \x1b[31m");
    error_detail(&err, "Two\nlines.");
    error_hint(&err, "Type this:\n  that");
    console_error(console, &err);
}

static void say_findings(struct console *console)
{
    console_finding(console, true, "no room", "Free some.");
    console_finding(console, false, "little room", "");
    assert_int_equal(json_array_size(console->warnings), 1);
}

static void say_problem(struct console *console)
{
    console_problem(console, "/data/a\nb", "is missing");
}

static void each_message_says_what_it_is(void **state)
{
    (void)state;
    assert_written(say_message, "pgcask: copying: 7%\n");
    assert_written(say_warning, "pgcask: warning: the first line\n    the second\n");
    assert_written(say_log, "pgcask: warning: a warning\npgcask: a note\n");
    assert_written(say_error, "pgcask: error: cannot read \\x1b[31m\ndetail: Two\n    lines.\n"
                              "hint: Type this:\n      that\n");
    assert_written(say_findings,
                   "pgcask: error: no room\nhint: Free some.\npgcask: warning: little room\n");
    assert_written(say_problem, "pgcask: error: /data/a\n    b: is missing\n");
}

static void a_warning_is_said_once(void **state)
{
    (void)state;
    assert_written(say_warning_twice, "pgcask: warning: the same\npgcask: warning: another\n");
}

static void what_failed_is_said_as_often_as_it_did(void **state)
{
    (void)state;
    assert_written(say_failure_twice, "pgcask: warning: TABLE a: no\ndetail: Line 3\n"
                                      "pgcask: warning: TABLE a: no\ndetail: Line 4\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_says_what_it_is),
        cmocka_unit_test(a_warning_is_said_once),
        cmocka_unit_test(what_failed_is_said_as_often_as_it_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
