/* What mends a failure of a logical backup that may come anywhere, whatever was being done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backup/logical_internal.h"

#include <stdio.h>
#include <string.h>

static void explained(const char *sqlstate, const char *message, const char *hint)
{
    struct error err;

    error_set(&err, ERROR_SERVER, "%s", message);
    error_hint(&err, "as the server has it");
    snprintf(err.sqlstate, sizeof(err.sqlstate), "%s", sqlstate);
    assert_false(logical_explain(&err, "the role"));
    error_spell(&err, NULL);
    if (strstr(err.hint, hint) == NULL)
        fail_msg("%s: %s", message, err.hint);
    assert_string_equal(err.message, message);
}

static void a_standby_that_replays_is_told_to_wait(void **state)
{
    static const char wait[] = "ALTER SYSTEM SET max_standby_streaming_delay = '-1';";

    (void)state;
    explained("40001", "canceling statement due to conflict with recovery", wait);
    explained("40001", "annulation de la requête à cause d'un conflit avec la restauration", wait);
    explained("57P04", "terminating connection due to conflict with recovery", wait);
    explained("57P01", "terminating connection due to conflict with recovery", wait);
}

static void a_pool_without_transactions_is_named(void **state)
{
    (void)state;
    explained("08P01", "transaction blocks not allowed in statement pooling mode", "pool_mode");
}

static void an_encoding_is_the_databases_own(void **state)
{
    (void)state;
    explained("22P05", "character with byte sequence 0xc3 0x9f has no equivalent",
              "client_encoding");
    explained("22021", "invalid byte sequence for encoding \"UTF8\"", "client_encoding");
}

static void a_catalog_that_is_closed_is_granted(void **state)
{
    (void)state;
    explained("42501", "cannot read the catalogs (types): permission denied for table pg_enum",
              "GRANT SELECT ON pg_catalog.pg_enum TO \"the role\";");
    explained("42501", "permission denied for view pg_roles",
              "GRANT SELECT ON pg_catalog.pg_roles TO \"the role\";");
    explained("42501", "permission denied for function pg_export_snapshot",
              "GRANT EXECUTE ON FUNCTION pg_catalog.pg_export_snapshot TO \"the role\";");
    explained("42501", "permission denied for table orders", "as the server has it");
    explained("42501", "permission denied for table pg_x; DROP TABLE y", "as the server has it");
}

static void other_failures_keep_the_servers_hint(void **state)
{
    (void)state;
    explained("53200", "out of shared memory", "as the server has it");
    explained("57P01", "terminating connection due to administrator command",
              "as the server has it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_standby_that_replays_is_told_to_wait),
        cmocka_unit_test(a_pool_without_transactions_is_named),
        cmocka_unit_test(an_encoding_is_the_databases_own),
        cmocka_unit_test(a_catalog_that_is_closed_is_granted),
        cmocka_unit_test(other_failures_keep_the_servers_hint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
