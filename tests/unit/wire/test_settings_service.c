#include "support/scratch.h"
#include "wire/settings_internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct error err;

struct fixture {
    struct wire_settings *settings;
    struct scratch scratch;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    size_t count;
    const struct setting_parameter *table = settings_table(&count);

    for (size_t i = 0; i < count; i++) {
        if (table[i].environment != NULL)
            unsetenv(table[i].environment);
    }
    scratch_init(&fixture->scratch);
    setenv("HOME", fixture->scratch.path, 1);
    setenv("PGSYSCONFDIR", "/nonexistent", 1);
    fixture->settings = wire_settings_new(&err);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    scratch_remove(&fixture->scratch);
    wire_settings_free(fixture->settings);
    free(fixture);
    return 0;
}

static const char *put_file(struct fixture *fixture, const char *name, const char *text)
{
    scratch_write(&fixture->scratch, name, text);
    return scratch_path(&fixture->scratch, name);
}

static void assert_setting(const struct fixture *fixture, const char *name, const char *expected)
{
    const char *value = wire_settings_get(fixture->settings, name);

    if (expected == NULL) {
        assert_null(value);
        return;
    }
    assert_non_null(value);
    assert_string_equal(value, expected);
}

/* Reads the text as the file "f.conf" for the service "prod". */
static bool read_text(struct fixture *fixture, const char *text, bool *found)
{
    return settings_read_service(fixture->settings, slice_string(text), "f.conf", "prod", found,
                                 &err);
}

static void assert_refused(struct fixture *fixture, const char *text, const char *message)
{
    bool found;

    assert_false(read_text(fixture, text, &found));
    assert_int_equal(err.code, ERROR_USAGE);
    if (strstr(err.message, message) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.message, message);
    assert_null(strstr(err.message, "hunter2"));
    assert_null(strstr(err.hint, "hunter2"));
}

/* ---- Text ---- */

static void the_first_section_of_the_name_counts(void **state)
{
    struct fixture *fixture = *state;
    bool found;

    assert_true(read_text(fixture,
                          "# prod\nhost=before\n[pro]\nhost=a\n[production]\nhost=b\n"
                          "  [prod] here\n\n  # comment\n\thost=c  \r\nport=5433\nport=1\n"
                          "dbname= d=e \n[next]\nuser=x\n[prod]\nuser=y\n",
                          &found));
    assert_true(found);
    assert_setting(fixture, "host", "c");
    assert_setting(fixture, "port", "5433");
    assert_setting(fixture, "dbname", " d=e");
    assert_setting(fixture, "user", NULL);
}

static void a_section_that_is_not_there_is_not_found(void **state)
{
    static const char *const texts[] = {"",  "\n", "[other]\nnonsense\n", "prod\n", "[prod\nhost=a",
                                        "[", "[]"};
    bool found;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_true(read_text(*state, texts[i], &found));
        assert_false(found);
    }
}

static void values_that_are_set_stay(void **state)
{
    struct fixture *fixture = *state;
    bool found;

    assert_true(wire_settings_set(fixture->settings, "host", "string", &err));
    assert_true(read_text(fixture, "[prod]\nhost=file\nuser=file", &found));
    assert_setting(fixture, "host", "string");
    assert_setting(fixture, "user", "file");
}

static void a_line_that_makes_no_sense_is_named(void **state)
{
    assert_refused(*state, "[prod]\n\n# x\nhost=a\nhots=hunter2\n",
                   "\"f.conf\", line 5: unknown connection setting");
    assert_refused(*state, "[prod]\nhost = a\n", "line 2: unknown connection setting");
    assert_refused(*state, "[prod]\nhunter2\n", "line 2: there is no \"=\"");
    assert_refused(*state, "[prod]\n=hunter2\n", "line 2: unknown");
    assert_refused(*state, "[prod]\nservice=other\n", "cannot name another service");
    assert_refused(*state, "[prod]\nservicefile=other\n", "cannot name another service");
    assert_refused(*state, "[prod]\nldap://hunter2/dc=x\n", "LDAP");
}

/* ---- Files ---- */

static void the_string_wins_over_the_service_and_that_over_the_environment(void **state)
{
    struct fixture *fixture = *state;

    put_file(fixture, ".pg_service.conf", "[prod]\nhost=file\nport=2\nuser=file\n");
    setenv("PGUSER", "environment", 1);
    setenv("PGDATABASE", "environment", 1);
    assert_true(wire_settings_parse(fixture->settings, "service=prod host=string", &err));
    assert_true(wire_settings_complete(fixture->settings, &err));
    unsetenv("PGUSER");
    unsetenv("PGDATABASE");
    assert_setting(fixture, "host", "string");
    assert_setting(fixture, "port", "2");
    assert_setting(fixture, "user", "file");
    assert_setting(fixture, "dbname", "environment");
}

static void the_environment_may_name_service_and_file(void **state)
{
    struct fixture *fixture = *state;

    put_file(fixture, ".pg_service.conf", "[prod]\nhost=home\n");
    setenv("PGSERVICE", "prod", 1);
    setenv("PGSERVICEFILE", put_file(fixture, "mine.conf", "[prod]\nhost=mine\n"), 1);
    assert_true(wire_settings_complete(fixture->settings, &err));
    unsetenv("PGSERVICE");
    unsetenv("PGSERVICEFILE");
    assert_setting(fixture, "host", "mine");
}

static void expect_database_from(struct fixture *fixture, const char *string,
                                 enum wire_database_from expected)
{
    struct wire_settings *settings = wire_settings_new(&err), *clone;

    (void)fixture;
    assert_true(wire_settings_parse(settings, string, &err));
    assert_true(wire_settings_complete(settings, &err));
    clone = wire_settings_clone(settings, &err);
    if (wire_settings_database_from(settings) != expected ||
        wire_settings_database_from(clone) != expected)
        fail_msg("%s: %d", string, (int)wire_settings_database_from(settings));
    wire_settings_free(clone);
    wire_settings_free(settings);
}

static void who_named_the_database_is_known(void **state)
{
    struct fixture *fixture = *state;

    put_file(fixture, ".pg_service.conf", "[with]\ndbname=d\n[without]\nhost=h\n");
    expect_database_from(fixture, "host=h", WIRE_DATABASE_LIKE_USER);
    expect_database_from(fixture, "dbname=d", WIRE_DATABASE_NAMED);
    expect_database_from(fixture, "dbname=''", WIRE_DATABASE_LIKE_USER);
    expect_database_from(fixture, "service=with", WIRE_DATABASE_NAMED);
    expect_database_from(fixture, "service=without", WIRE_DATABASE_LIKE_USER);
    setenv("PGDATABASE", "d", 1);
    expect_database_from(fixture, "host=h", WIRE_DATABASE_OF_ENVIRONMENT);
    expect_database_from(fixture, "dbname=d", WIRE_DATABASE_NAMED);
    expect_database_from(fixture, "service=without", WIRE_DATABASE_OF_ENVIRONMENT);
    unsetenv("PGDATABASE");
    setenv("PGSERVICE", "with", 1);
    expect_database_from(fixture, "host=h", WIRE_DATABASE_OF_ENVIRONMENT);
    expect_database_from(fixture, "dbname=d", WIRE_DATABASE_NAMED);
    unsetenv("PGSERVICE");
}

static void the_setting_servicefile_wins_over_the_environment(void **state)
{
    struct fixture *fixture = *state;

    setenv("PGSERVICEFILE", "/nonexistent/file", 1);
    assert_true(wire_settings_set(fixture->settings, "servicefile",
                                  put_file(fixture, "mine.conf", "[prod]\nhost=mine\n"), &err));
    assert_true(wire_settings_set(fixture->settings, "service", "prod", &err));
    assert_true(wire_settings_complete(fixture->settings, &err));
    unsetenv("PGSERVICEFILE");
    assert_setting(fixture, "host", "mine");
}

static void the_systems_file_is_the_second_choice(void **state)
{
    struct fixture *fixture = *state;

    put_file(fixture, ".pg_service.conf", "[other]\nhost=home\n");
    put_file(fixture, "pg_service.conf", "[prod]\nhost=system\n");
    setenv("PGSYSCONFDIR", fixture->scratch.path, 1);
    assert_true(wire_settings_set(fixture->settings, "service", "prod", &err));
    assert_true(wire_settings_complete(fixture->settings, &err));
    assert_setting(fixture, "host", "system");
}

static void a_service_that_nobody_knows_is_an_error(void **state)
{
    struct fixture *fixture = *state;

    assert_true(wire_settings_set(fixture->settings, "service", "prod", &err));
    assert_false(wire_settings_complete(fixture->settings, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_string_equal(err.message, "there is no service \"prod\" in a service file");
    assert_true(wire_settings_set(fixture->settings, "service", "", &err));
    assert_false(wire_settings_complete(fixture->settings, &err));
}

static void a_named_file_that_is_missing_is_an_error(void **state)
{
    struct fixture *fixture = *state;

    setenv("PGSERVICEFILE", "/nonexistent/file", 1);
    assert_true(wire_settings_complete(fixture->settings, &err)); /* no service, no file */
    assert_true(wire_settings_set(fixture->settings, "service", "prod", &err));
    assert_false(wire_settings_complete(fixture->settings, &err));
    unsetenv("PGSERVICEFILE");
    assert_non_null(strstr(err.message, "/nonexistent/file"));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_first_section_of_the_name_counts),
        TEST(a_section_that_is_not_there_is_not_found),
        TEST(values_that_are_set_stay),
        TEST(a_line_that_makes_no_sense_is_named),
        TEST(the_string_wins_over_the_service_and_that_over_the_environment),
        TEST(the_environment_may_name_service_and_file),
        TEST(who_named_the_database_is_known),
        TEST(the_setting_servicefile_wins_over_the_environment),
        TEST(the_systems_file_is_the_second_choice),
        TEST(a_service_that_nobody_knows_is_an_error),
        TEST(a_named_file_that_is_missing_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
