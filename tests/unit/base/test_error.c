#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"

#include <errno.h>
#include <string.h>

static void an_error_replaces_the_one_before(void **state)
{
    struct error err;

    (void)state;
    error_set(&err, ERROR_USAGE, "first");
    error_detail(&err, "more");
    error_hint(&err, "do this");

    assert_false(error_set(&err, ERROR_IO, "second %d", 2));

    assert_int_equal(err.code, ERROR_IO);
    assert_string_equal(err.message, "second 2");
    assert_string_equal(err.detail, "");
    assert_string_equal(err.hint, "");
    assert_string_equal(err.sqlstate, "");
}

static void a_reason_is_what_is_known_best(void **state)
{
    struct error err;

    (void)state;
    error_clear(&err);
    assert_string_equal(error_reason_word(&err), "none");
    for (int code = ERROR_USAGE; code <= ERROR_REFUSED; code++) {
        error_set(&err, (enum error_code)code, "x");
        assert_string_equal(error_reason_word(&err), error_code_name((enum error_code)code));
    }
    error_set_errno(&err, ENOSPC, "x");
    assert_int_equal(err.errno_value, ENOSPC);
    assert_string_equal(error_reason_word(&err), "disk_full");
    error_set_errno(&err, EILSEQ, "x");
    assert_string_equal(error_reason_word(&err), "io");
    error_set(&err, ERROR_SERVER, "x");
    assert_int_equal(err.errno_value, 0);
    strcpy(err.sqlstate, "28P01");
    assert_string_equal(error_reason_word(&err), "wrong_password");
    strcpy(err.sqlstate, "XX000");
    assert_string_equal(error_reason_word(&err), "server");
    assert_false(error_reason(&err, "lock_timeout"));
    error_prefix(&err, "before");
    assert_string_equal(error_reason_word(&err), "lock_timeout");
    error_set(&err, ERROR_IO, "x");
    assert_string_equal(error_reason_word(&err), "io");
}

static void an_errno_brings_its_text_and_what_to_do(void **state)
{
    struct error err;

    (void)state;
    assert_false(error_set_errno(&err, ENOSPC, "cannot write %s", "/x"));

    assert_int_equal(err.code, ERROR_IO);
    assert_string_equal(err.message, "cannot write /x: No space left on device");
    assert_non_null(strstr(err.hint, "Free space"));
}

static void an_errno_for_memory_is_a_memory_error(void **state)
{
    struct error err;

    (void)state;
    error_set_errno(&err, ENOMEM, "cannot read");
    assert_int_equal(err.code, ERROR_MEMORY);
}

static void a_prefix_keeps_detail_and_hint(void **state)
{
    struct error err;

    (void)state;
    error_set(&err, ERROR_SERVER, "must be superuser");
    error_hint(&err, "GRANT it");

    assert_false(error_prefix(&err, "cannot start %s", "it"));

    assert_int_equal(err.code, ERROR_SERVER);
    assert_string_equal(err.message, "cannot start it: must be superuser");
    assert_string_equal(err.hint, "GRANT it");
}

static void texts_that_do_not_fit_are_cut(void **state)
{
    struct error err;
    char text[5000];

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';

    error_set(&err, ERROR_IO, "%s", text);
    error_detail(&err, "%s", text);
    error_hint(&err, "%s", text);
    error_prefix(&err, "%s", text);

    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_int_equal(strlen(err.detail), sizeof(err.detail) - 1);
    assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
}

static void every_code_has_a_name(void **state)
{
    (void)state;
    for (int code = ERROR_NONE; code <= ERROR_REFUSED; code++)
        assert_non_null(error_code_name((enum error_code)code));
    assert_string_equal(error_code_name(ERROR_CONNECTION_LOST), "connection_lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_replaces_the_one_before),
        cmocka_unit_test(a_reason_is_what_is_known_best),
        cmocka_unit_test(an_errno_brings_its_text_and_what_to_do),
        cmocka_unit_test(an_errno_for_memory_is_a_memory_error),
        cmocka_unit_test(a_prefix_keeps_detail_and_hint),
        cmocka_unit_test(texts_that_do_not_fit_are_cut),
        cmocka_unit_test(every_code_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
