#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/server_uri.h"

#include <string.h>

static void the_scheme_tells_the_kind_of_backup(void **state)
{
    static const struct {
        const char *uri;
        bool physical;
    } cases[] = {
        {"postgres+bin://u@h:5433/d", true},
        {"postgresql+bin://u@h:5433/d", true},
        {"postgres://u@h:5433/d", false},
        {"postgresql://u@h:5433/d", false},
        {"user=u host=h port=5433 dbname=d", false},
        {"host=h user=u port=5433 dbname=d options=-c\\ x.y=a://b", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct server_uri server;
        struct error err;

        if (!server_uri_parse(&server, cases[i].uri, cases[i].uri, NULL, &err))
            fail_msg("%s: %s", cases[i].uri, err.message);
        assert_int_equal(server.physical, cases[i].physical);
        assert_string_equal(wire_settings_get(server.settings, "host"), "h");
        assert_string_equal(wire_settings_get(server.settings, "port"), "5433");
        assert_string_equal(wire_settings_get(server.settings, "user"), "u");
        server_uri_reset(&server);
    }
}

static void what_names_no_server_is_wrong_usage(void **state)
{
    static const struct {
        const char *uri;
        const char *hint;
    } cases[] = {
        {"postgers://h", "postgres://"},
        {"postgres+bn://h", "postgres+bin://"},
        {"mysql://h", "postgres+bin:// or postgres://"},
        {"://h", "postgres+bin:// or postgres://"},
        {"/var/lib/backup", "URI"},
        {"", "URI"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct server_uri server;
        struct error err;

        assert_false(server_uri_parse(&server, cases[i].uri, cases[i].uri, NULL, &err));
        assert_int_equal(err.code, ERROR_USAGE);
        if (strstr(err.hint, cases[i].hint) == NULL)
            fail_msg("%s: the hint is \"%s\"", cases[i].uri, err.hint);
        assert_null(server.settings);
    }
}

static void no_error_repeats_the_password(void **state)
{
    static const char *const wrong[] = {
        "postgers://u:geheim@h",
        "postgres+bin://u:geheim@h:port",
        "postgres+bin://u:geheim@h/?sslmode=geheim2",
        "host=h password=geheim nonsense",
        "geheim",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct server_uri server;
        struct error err;

        assert_false(server_uri_parse(&server, wrong[i], "shown", NULL, &err));
        assert_null(strstr(err.message, "geheim@"));
        assert_null(strstr(err.message, "password=geheim"));
        assert_true(i < 4 || strstr(err.message, "geheim") == NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scheme_tells_the_kind_of_backup),
        cmocka_unit_test(what_names_no_server_is_wrong_usage),
        cmocka_unit_test(no_error_repeats_the_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
