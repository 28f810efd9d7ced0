#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "library/library_internal.h"

#include <string.h>

/* What texts from below name is called as in the structures, and by libpq's names. */
static void texts_speak_of_members_and_settings(void **state)
{
    struct pgcask_error error;
    struct error err;

    (void)state;
    error_set(&err, ERROR_TLS, "set " ERROR_SETTING("sslmode") ", " ERROR_SETTING("sslkey-data"));
    error_detail(&err, ERROR_OPTION("lock-timeout") " " ERROR_OPTION("compress"));
    error_hint(&err, ERROR_OPTION("max-retained-wal") " " ERROR_OPTION("allow-newer-server"));

    library_fail(&error, &err);

    assert_string_equal(error.message, "set sslmode, sslkey");
    assert_string_equal(error.detail, "lock_timeout_ms compression");
    assert_string_equal(error.hint, "max_retained_wal allow_newer_server");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_speak_of_members_and_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
