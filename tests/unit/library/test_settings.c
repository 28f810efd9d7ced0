#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pgcask/pgcask.h>

#include <stdlib.h>

static int setup(void **state)
{
    setenv("PGHOST", "from.the.environment", 1);
    setenv("PGUSER", "somebody", 1);
    setenv("PGPASSWORD", "secret", 1);
    setenv("PGSSLMODE", "verify-full", 1);
    *state = pgcask_settings_new(NULL);
    return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    pgcask_settings_free(*state);
    return 0;
}

static void the_environment_is_left_alone(void **state)
{
    struct pgcask_settings *settings = *state;

    assert_true(pgcask_settings_parse(settings, "host=db user=backup", NULL));
    assert_true(pgcask_settings_complete(settings, NULL));
    assert_string_equal(pgcask_settings_get(settings, "host"), "db");
    assert_string_equal(pgcask_settings_get(settings, "user"), "backup");
    assert_string_equal(pgcask_settings_get(settings, "port"), "5432");
    assert_string_equal(pgcask_settings_get(settings, "sslmode"), "prefer");
    assert_null(pgcask_settings_get(settings, "password"));
}

static void the_environment_is_asked_where_that_is_wanted(void **state)
{
    struct pgcask_settings *settings = *state;

    pgcask_settings_use_environment(settings);
    assert_true(pgcask_settings_parse(settings, "postgres://backup@/", NULL));
    assert_true(pgcask_settings_complete(settings, NULL));
    assert_string_equal(pgcask_settings_get(settings, "host"), "from.the.environment");
    assert_string_equal(pgcask_settings_get(settings, "user"), "backup");
    assert_string_equal(pgcask_settings_get(settings, "sslmode"), "verify-full");
}

static void incomplete_settings_are_refused_by_every_job(void **state)
{
    struct pgcask_settings *settings = *state;
    struct pgcask_error error = {.struct_size = sizeof(error)};
    struct pgcask_server_facts facts;

    PGCASK_INIT(facts);
    assert_true(pgcask_settings_parse(settings, "host=/nowhere user=backup", NULL));
    assert_null(pgcask_backup_open(settings, NULL, NULL, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    assert_non_null(strstr(error.hint, "pgcask_settings_complete"));
    assert_false(pgcask_ping(settings, NULL, &facts, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    assert_false(pgcask_preflight(settings, NULL, NULL, NULL, NULL, NULL, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);

    assert_true(pgcask_settings_complete(settings, NULL));
    assert_false(pgcask_ping(settings, NULL, &facts, &error));
    assert_int_equal(error.code, PGCASK_ERROR_CONNECT);

    assert_true(pgcask_settings_set(settings, "port", "5433", NULL));
    assert_false(pgcask_ping(settings, NULL, &facts, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
}

static void a_name_that_is_not_known_is_an_error_with_the_nearest_one(void **state)
{
    struct pgcask_error error = {.struct_size = sizeof(error)};

    assert_false(pgcask_settings_set(*state, "prot", "1", &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    assert_non_null(strstr(error.message, "\"prot\""));
    assert_non_null(strstr(error.hint, "\"port\""));
}

static void errors_do_not_repeat_passwords(void **state)
{
    struct pgcask_error error = {.struct_size = sizeof(error)};

    assert_false(pgcask_settings_parse(*state, "password=topsecret port=x y=z", &error) &&
                 pgcask_settings_complete(*state, &error));
    assert_null(strstr(error.message, "topsecret"));
    assert_null(strstr(error.hint, "topsecret"));
}

static void options_out_of_range_are_refused_before_connecting(void **state)
{
    struct pgcask_settings *settings = *state;
    struct pgcask_backup_options options;
    struct pgcask_error error = {.struct_size = sizeof(error)};
    char label[1100];

    assert_true(pgcask_settings_parse(settings, "host=/nowhere user=backup", NULL));
    assert_true(pgcask_settings_complete(settings, NULL));
    PGCASK_INIT(options);
    options.max_rate_kib = 31;
    assert_null(pgcask_backup_open(settings, &options, NULL, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    PGCASK_INIT(options);
    options.label = "two\nlines";
    assert_null(pgcask_backup_open(settings, &options, NULL, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    memset(label, 'l', sizeof(label) - 1);
    label[sizeof(label) - 1] = '\0';
    options.label = label;
    assert_null(pgcask_backup_open(settings, &options, NULL, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    PGCASK_INIT(options);
    options.digest = (enum pgcask_digest)7;
    assert_null(pgcask_backup_open(settings, &options, NULL, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    PGCASK_INIT(options);
    assert_null(pgcask_backup_open(settings, &options, NULL, &error));
    assert_int_equal(error.code, PGCASK_ERROR_CONNECT);
}

static void tokens_of_aws_have_a_region_of_their_own(void **state)
{
    struct pgcask_settings *settings = *state;
    struct pgcask_error error = {.struct_size = sizeof(error)};

    setenv("AWS_REGION", "eu-west-3", 1);
    setenv("HOME", "/nonexistent", 1);
    assert_true(pgcask_settings_parse(settings, "postgres+aws://backup@db/shop", NULL));
    assert_false(pgcask_settings_complete(settings, &error)); /* not from the environment */
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    assert_true(pgcask_settings_set(settings, "region", "eu-west-1", NULL));
    assert_true(pgcask_settings_complete(settings, NULL));
    assert_true(pgcask_settings_complete(settings, NULL));
    assert_string_equal(pgcask_settings_get(settings, "sslmode"), "require");
    unsetenv("AWS_REGION");
}

static void tokens_of_aws_take_what_the_environment_has(void **state)
{
    struct pgcask_settings *settings = *state;

    setenv("AWS_REGION", "eu-west-3", 1);
    pgcask_settings_use_environment(settings);
    assert_true(pgcask_settings_parse(settings, "postgres+aws://backup@db/shop", NULL));
    assert_true(pgcask_settings_complete(settings, NULL));
    assert_string_equal(pgcask_settings_get(settings, "region"), "eu-west-3");
    assert_null(pgcask_settings_get(settings, "password"));
    unsetenv("AWS_REGION");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_environment_is_left_alone),
        TEST(the_environment_is_asked_where_that_is_wanted),
        TEST(incomplete_settings_are_refused_by_every_job),
        TEST(a_name_that_is_not_known_is_an_error_with_the_nearest_one),
        TEST(errors_do_not_repeat_passwords),
        TEST(tokens_of_aws_have_a_region_of_their_own),
        TEST(tokens_of_aws_take_what_the_environment_has),
        TEST(options_out_of_range_are_refused_before_connecting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
