#include "plakar/configuration.h"

#include "base/error_names.h"
#include "plakar/identity.h"
#include "plakar/spelling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A table that is like the real one where it matters. */
#define TEXT(key)                                                                                  \
    {                                                                                              \
        .name = key, .argument = "X", .kind = OPTION_TEXT, .commands = 1, .help = "."              \
    }
#define LOGICAL_FLAG(key)                                                                          \
    {                                                                                              \
        .name = key, .kind = OPTION_FLAG, .commands = 1, .scope = OPTION_OF_LOGICAL, .help = "."   \
    }

static const struct option_spec specs[] = {
    TEXT("location"),
    TEXT("host"),
    TEXT("port"),
    TEXT("username"),
    TEXT("password"),
    TEXT("password-command"),
    TEXT("region"),
    TEXT("database"),
    TEXT("ssl-mode"),
    TEXT("ssl-cert"),
    TEXT("ssl-cert-data"),
    TEXT("ssl-key"),
    TEXT("ssl-key-data"),
    TEXT("ssl-root-cert"),
    TEXT("pg-bin-dir"),
    TEXT("pg-dump"),
    TEXT("pg-dumpall"),
    TEXT("pg-restore"),
    TEXT("psql"),
    {.name = "exclude-databases",
     .argument = "LIST",
     .kind = OPTION_TEXT,
     .commands = 1,
     .scope = OPTION_OF_LOGICAL,
     .help = "."},
    {.name = "compress",
     .argument = "HOW",
     .kind = OPTION_CHOICE_LEVEL,
     .choices = {"none", "gzip", "zstd"},
     .commands = 1,
     .scope = OPTION_OF_LOGICAL,
     .help = "."},
    LOGICAL_FLAG("schema-only"),
    LOGICAL_FLAG("data-only"),
    TEXT("ssl-root-cert-data"),
    {.name = "max-rate",
     .argument = "RATE",
     .kind = OPTION_RATE,
     .commands = 1,
     .scope = OPTION_OF_PHYSICAL,
     .help = "."},
    {.name = "to", .argument = "DIR", .kind = OPTION_TEXT, .commands = 2, .help = "."},
};
static const struct option_command commands[] = {
    {.name = "plakar", .summary = ".", .description = "."},
    {.name = "backup", .summary = ".", .description = "."},
};
static const struct option_program program = {
    .name = "test",
    .commands = commands,
    .command_count = 2,
    .options = specs,
    .option_count = sizeof(specs) / sizeof(specs[0]),
};

static void keep_note(void *context, enum log_level level, const char *message)
{
    struct buffer *notes = context;
    struct error err;

    (void)level;
    buffer_printf(notes, &err, "%s\n", message);
}

struct reading {
    struct configuration configuration;
    struct buffer notes;
    struct error err;
};

static bool read_it(struct reading *reading, const char *scheme, size_t count,
                    const struct connector_setting *settings)
{
    const struct connector_request request = {
        .scheme = scheme, .hostname = "here", .settings = settings, .setting_count = count};
    const struct log log = {.write = keep_note, .context = &reading->notes};

    *reading = (struct reading){0};
    error_clear(&reading->err);
    return configuration_read(&reading->configuration,
                              &(struct configuration_table){&program, 0, 0}, &request, &log,
                              &reading->err);
}

#define READ(reading, scheme, ...)                                                                 \
    read_it(reading, scheme,                                                                       \
            sizeof((struct connector_setting[]){__VA_ARGS__}) / sizeof(struct connector_setting),  \
            (const struct connector_setting[]){__VA_ARGS__})

static void done(struct reading *reading)
{
    configuration_free(&reading->configuration);
    buffer_free(&reading->notes);
}

static const char *setting(const struct reading *reading, const char *name)
{
    return wire_settings_get(reading->configuration.settings, name);
}

static int clean_environment(void **state)
{
    static const char *const names[] = {"PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGSSLMODE"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
    return 0;
}

static void a_location_says_where(void **state)
{
    struct reading reading;

    (void)state;
    assert_true(READ(&reading, "postgres+bin",
                     {"location", "postgres+bin://u:p%40ss@db.example:5433/app?sslmode=require"}));
    assert_true(reading.configuration.physical);
    assert_string_equal(setting(&reading, "host"), "db.example");
    assert_string_equal(setting(&reading, "port"), "5433");
    assert_string_equal(setting(&reading, "user"), "u");
    assert_string_equal(setting(&reading, "password"), "p@ss");
    assert_string_equal(setting(&reading, "dbname"), "app");
    assert_string_equal(setting(&reading, "sslmode"), "require");
    done(&reading);
}

static void keys_win_over_the_location(void **state)
{
    struct reading reading;

    (void)state;
    assert_true(READ(&reading, "postgresql", {"host", "h2"}, {"port", "1"}, {"username", "v"},
                     {"password", "q"}, {"database", "d2"}, {"ssl_mode", "verify-ca"},
                     {"location", "postgresql://u:p@h:5/d?sslmode=disable"}));
    assert_false(reading.configuration.physical);
    assert_string_equal(setting(&reading, "host"), "h2");
    assert_string_equal(setting(&reading, "port"), "1");
    assert_string_equal(setting(&reading, "user"), "v");
    assert_string_equal(setting(&reading, "password"), "q");
    assert_string_equal(setting(&reading, "dbname"), "d2");
    assert_string_equal(setting(&reading, "sslmode"), "verify-ca");
    done(&reading);
    assert_true(READ(&reading, "postgresql", {"password_command", "token"},
                     {"location", "postgresql://u:p@h:5/d"}));
    assert_string_equal(setting(&reading, "password_command"), "token");
    assert_null(setting(&reading, "password"));
    done(&reading);
}

static void an_empty_value_is_none(void **state)
{
    struct reading reading;

    (void)state;
    assert_true(READ(&reading, "postgres+bin", {"location", "postgres+bin://u@h"}, {"host", ""},
                     {"schema_only", ""}, {"max_rate", ""}));
    assert_string_equal(setting(&reading, "host"), "h");
    done(&reading);
}

static void a_file_and_its_text_are_not_both_taken(void **state)
{
    static const char *const pairs[][2] = {{"ssl_cert", "ssl_cert_data"},
                                           {"ssl_key", "ssl_key_data"},
                                           {"ssl_root_cert", "ssl_root_cert_data"},
                                           {"password", "password_command"}};

    struct reading reading;

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_false(READ(&reading, "postgres+bin", {pairs[i][0], "x"},
                          {pairs[i][1], "-----BEGIN CERTIFICATE-----\n"}));
        error_spell(&reading.err, &plakar_speller);
        assert_non_null(strstr(reading.err.message, pairs[i][0]));
        assert_non_null(strstr(reading.err.message, pairs[i][1]));
        done(&reading);
    }
    assert_true(READ(&reading, "postgres+bin", {"location", "postgres+bin://u@h"},
                     {"ssl_cert_data", "-----BEGIN CERTIFICATE-----\n"}, {"ssl_key", "/k"}));
    assert_string_equal(setting(&reading, "sslcert"), "-----BEGIN CERTIFICATE-----\n");
    assert_string_equal(setting(&reading, "sslkey"), "/k");
    done(&reading);
    assert_false(READ(&reading, "postgres+bin", {"ssl_key_data", "secret"}));
    assert_non_null(strstr(reading.err.message, "ssl_key_data"));
    assert_null(strstr(reading.err.message, "secret"));
    done(&reading);
}

static void an_unknown_key_names_the_nearest(void **state)
{
    struct reading reading;

    (void)state;
    assert_false(READ(&reading, "postgres+bin", {"user_name", "x"}));
    assert_string_equal(reading.err.message, "unknown option \"user_name\"");
    assert_string_equal(reading.err.hint, "Did you mean username?");
    done(&reading);
    assert_false(READ(&reading, "postgres+bin", {"to", "/somewhere"})); /* of another command */
    done(&reading);
    assert_false(READ(&reading, "postgres+bin", {"max-rate", "1M"})); /* keys have '_' */
    done(&reading);
}

/* What texts from below call by libpq's names, and by the option's, is said by the keys. */
static void texts_speak_of_keys(void **state)
{
    struct error err;

    (void)state;
    error_set(&err, ERROR_TLS,
              "set " SETTING_SSLMODE "=require, " SETTING_SSLKEY
              ", " ERROR_SETTING("sslkey-data") ", " SETTING_PASSWORD ", " SETTING_CHANNEL_BINDING
                                                ", " OPTION_LOCK_TIMEOUT);
    error_spell(&err, &plakar_speller);
    assert_string_equal(err.message, "set ssl_mode=require, ssl_key, ssl_key_data, password, "
                                     "channel_binding, lock_timeout");
}

/* As Go writes truth, whose users' values come through Plakar, and as people do. */
static void truth_has_many_spellings(void **state)
{
    static const char *const on[] = {"1", "t", "T", "TRUE", "true", "True", "yes", "On"};
    static const char *const off[] = {"0", "f", "F", "FALSE", "false", "False", "no", "Off"};
    struct reading reading;

    (void)state;
    for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
        assert_true(READ(&reading, "postgres", {"schema_only", on[i]}, {"compress", on[i]}));
        assert_true(options_flag(&reading.configuration.options, "schema-only"));
        assert_string_equal(options_text(&reading.configuration.options, "compress"), "gzip");
        done(&reading);
        assert_true(READ(&reading, "postgres", {"schema_only", off[i]}, {"compress", off[i]}));
        assert_false(options_flag(&reading.configuration.options, "schema-only"));
        assert_string_equal(options_text(&reading.configuration.options, "compress"), "none");
        done(&reading);
    }
}

static void how_is_as_good_an_answer_as_whether(void **state)
{
    static const char *const hows[] = {"none", "gzip", "gzip:9", "zstd", "zstd:3"};
    struct reading reading;

    (void)state;
    for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
        assert_true(READ(&reading, "postgres", {"compress", hows[i]}));
        assert_string_equal(options_text(&reading.configuration.options, "compress"), hows[i]);
        done(&reading);
    }
    assert_true(READ(&reading, "postgres+bin", {"compress", "none"}));
    done(&reading);
    assert_false(READ(&reading, "postgres+bin", {"compress", "zstd"}));
    done(&reading);
    assert_false(READ(&reading, "postgres", {"compress", "true:3"}));
    done(&reading);
}

static void a_bad_value_is_named_by_its_key(void **state)
{
    struct reading reading;

    (void)state;
    assert_false(READ(&reading, "postgres+bin", {"max_rate", "fast"}));
    error_spell(&reading.err, &plakar_speller);
    assert_memory_equal(reading.err.message, "max_rate:", 9);
    done(&reading);
    assert_false(READ(&reading, "postgres+bin", {"compress", "perhaps"}));
    error_spell(&reading.err, &plakar_speller);
    assert_memory_equal(reading.err.message, "compress:", 9);
    done(&reading);
}

static void what_a_physical_backup_cannot_do_is_refused(void **state)
{
    struct reading reading;

    (void)state;
    assert_false(READ(&reading, "postgres+bin", {"schema_only", "true"}));
    done(&reading);
    assert_false(READ(&reading, "postgres+bin", {"data_only", "1"}));
    done(&reading);
    assert_false(READ(&reading, "postgres+bin", {"exclude_databases", "a"}));
    done(&reading);
    assert_false(READ(&reading, "postgres+bin", {"compress", "true"}));
    error_spell(&reading.err, &plakar_speller);
    assert_string_equal(reading.err.message, "compress is for logical backups: .");
    assert_int_equal(reading.err.code, ERROR_USAGE);
    done(&reading);
    assert_true(READ(&reading, "postgres+bin", {"schema_only", "false"}, {"compress", "false"},
                     {"pg_bin_dir", "/usr/bin"}));
    assert_non_null(strstr(buffer_text(&reading.notes), "pg_bin_dir is ignored"));
    done(&reading);
}

static void a_logical_backup_may_leave_out_all_but_databases(void **state)
{
    struct reading reading;

    (void)state;
    assert_true(READ(&reading, "postgres", {"schema_only", "false"}, {"compress", "true"}));
    done(&reading);
    assert_true(READ(&reading, "postgres", {"schema_only", "true"}));
    done(&reading);
    assert_true(READ(&reading, "postgresql", {"data_only", "true"}));
    done(&reading);
}

/* Of a source on machine "m". */
static void expect_identity(const char *location, const char *type, const char *origin)
{
    struct reading reading;
    struct connector_identity identity;
    char scheme[32];

    snprintf(scheme, sizeof(scheme), "%.*s", (int)strcspn(location, ":"), location);
    if (!READ(&reading, scheme, {"location", location}))
        fail_msg("%s: %s", location, reading.err.message);
    assert_true(identity_make(reading.configuration.settings,
                              reading.configuration.physical        ? IDENTITY_CLUSTER
                              : reading.configuration.all_databases ? IDENTITY_ALL_DATABASES
                                                                    : IDENTITY_DATABASE,
                              "m", &identity, &reading.err));
    assert_string_equal(identity.origin, origin);
    assert_string_equal(identity.type, type);
    done(&reading);
}

static void expect_origin(const char *location, const char *origin)
{
    expect_identity(location, "postgres+bin", origin);
}

static void expect_logical_origin(const char *location, const char *origin)
{
    expect_identity(location, "postgresql", origin);
}

static void origins_keep_clusters_apart(void **state)
{
    (void)state;
    expect_origin("postgres+bin://u:p@DB.example/d", "db.example:5432");
    expect_origin("postgresql+bin://db.example:5433", "db.example:5433");
    expect_origin("postgres+bin://localhost", "m:5432");
    expect_origin("postgres+bin://127.0.0.1:1", "m:1");
    expect_origin("postgres+bin://127.example:1", "127.example:1");
    expect_origin("postgres+bin://[::1]:1", "m:1");
    expect_origin("postgres+bin://[fe80::1]:1", "[fe80::1]:1");
    expect_origin("postgres+bin://%2Frun%2Fpg:7", "m:/run/pg:7");
    expect_origin("postgres+bin://%40abstract", "m:@abstract:5432");
    expect_origin("postgres+bin://a?hostaddr=10.0.0.1", "a:5432");
    expect_origin("postgres+bin://?hostaddr=10.0.0.1", "10.0.0.1:5432");
    expect_origin("postgres+bin://a,?hostaddr=10.0.0.1,10.0.0.2", "10.0.0.2:5432,a:5432");
    expect_origin("postgres+bin://h\xff", "h\\xff:5432");
}

static void one_place_written_in_several_ways_has_one_origin(void **state)
{
    (void)state;
    expect_origin("postgres+bin://DB.Example.:05433", "db.example:5433");
    expect_origin("postgres+bin://[FE80:0:0::1]", "[fe80::1]:5432");
    expect_origin("postgres+bin://%2Fvar%2Frun%2Fpostgresql%2F", "m:/run/postgresql:5432");
    expect_origin("postgres+bin://%2Frun%2Fpostgresql", "m:/run/postgresql:5432");
    /* A failover pair, whichever of the two answers, and however often one is named. */
    expect_origin("postgres+bin://a,b:2,c", "a:5432,b:2,c:5432");
    expect_origin("postgres+bin://c,b:2,a", "a:5432,b:2,c:5432");
    expect_origin("postgres+bin://b,a?port=7&target_session_attrs=standby", "a:7,b:7");
    expect_origin("postgres+bin://b,a,b", "a:5432,b:5432");
    expect_origin("postgres+bin://a,", "a:5432,m:5432");
}

static void origins_keep_databases_apart(void **state)
{
    (void)state;
    expect_logical_origin("postgres://u:p@h/shop", "h:5432/shop");
    expect_logical_origin("postgresql://h:1/Shop", "h:1/Shop");
    expect_logical_origin("postgres://b,a/shop", "a:5432,b:5432/shop");
    expect_logical_origin("postgres://%2Frun%2Fpg:7/shop", "m:/run/pg:7/shop");
    expect_logical_origin("postgres://h?dbname=shop", "h:5432/shop");
    expect_logical_origin("postgres://h", "h:5432/");
    expect_logical_origin("postgres://b,a/", "a:5432,b:5432/");
    /* What stands behind the last slash is the database, whatever it is called. */
    expect_logical_origin("postgres://h/a%2Fb", "h:5432/a%2Fb");
    expect_logical_origin("postgres://h/a%252Fb", "h:5432/a%252Fb");
    expect_logical_origin("postgres://h/caf%E9", "h:5432/caf%E9");
    expect_logical_origin("postgres://h/a%0Ab", "h:5432/a%0Ab");
}

static void expect_unnamed(bool unnamed, const char *location, const char *database)
{
    struct reading reading;

    if (!READ(&reading, "postgres", {"location", location}, {"database", database}))
        fail_msg("%s: %s", location, reading.err.message);
    if (reading.configuration.all_databases != unnamed)
        fail_msg("%s, database=%s", location, database);
    done(&reading);
}

static void a_source_names_its_database_itself(void **state)
{
    (void)state;
    for (int environment = 0; environment < 2; environment++) {
        expect_unnamed(true, "postgres:", "");
        expect_unnamed(true, "postgres://", "");
        expect_unnamed(true, "postgres://h", "");
        expect_unnamed(true, "postgres://u@h:1/", "");
        expect_unnamed(true, "postgres://u@h/?dbname=", "");
        expect_unnamed(true, "postgres://u@h?sslmode=disable", "");
        expect_unnamed(false, "postgres://h/d", "");
        expect_unnamed(false, "postgres://h/?dbname=d", "");
        expect_unnamed(false, "postgres://h", "d");
        expect_unnamed(false, "postgres://h/d", "e");
        setenv("PGDATABASE", "other", 1); /* of whoever runs plakar */
    }
    unsetenv("PGDATABASE");
}

static void a_physical_source_needs_no_database(void **state)
{
    struct reading reading;

    (void)state;
    assert_true(READ(&reading, "postgres+bin", {"location", "postgres+bin://h"}));
    assert_false(reading.configuration.all_databases);
    done(&reading);
}

static void tokens_of_aws_are_of_their_scheme(void **state)
{
    struct connector_identity identity;
    struct reading reading;

    (void)state;
    assert_true(READ(&reading, "postgres+aws", {"location", "postgres+aws://u@h/d"},
                     {"region", "eu-central-1"}));
    assert_non_null(reading.configuration.login);
    assert_string_equal(setting(&reading, "region"), "eu-central-1");
    assert_string_equal(setting(&reading, "sslmode"), "require");
    assert_true(identity_make(reading.configuration.settings, IDENTITY_DATABASE, "", &identity,
                              &reading.err));
    assert_string_equal(identity.type, "postgresql+aws");
    assert_string_equal(identity.origin, "h:5432/d");
    done(&reading);
    assert_false(READ(&reading, "postgres+aws", {"location", "postgres+aws://u@h/d"},
                      {"region", "eu-central-1"}, {"password", "hunter2"}));
    assert_null(strstr(reading.err.message, "hunter2"));
    done(&reading);
    assert_false(READ(&reading, "postgres+aws", {"location", "postgres+aws://u@h/d"},
                      {"region", "eu-central-1"}, {"ssl_mode", "prefer"}));
    error_spell(&reading.err, &plakar_speller);
    assert_non_null(strstr(reading.err.message, "ssl_mode \"prefer\" is too weak"));
    done(&reading);
    assert_false(READ(&reading, "postgres", {"location", "postgres://u@h/d"}, {"region", "x"}));
    done(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_location_says_where),
        cmocka_unit_test(keys_win_over_the_location),
        cmocka_unit_test(an_empty_value_is_none),
        cmocka_unit_test(a_file_and_its_text_are_not_both_taken),
        cmocka_unit_test(an_unknown_key_names_the_nearest),
        cmocka_unit_test(texts_speak_of_keys),
        cmocka_unit_test(truth_has_many_spellings),
        cmocka_unit_test(how_is_as_good_an_answer_as_whether),
        cmocka_unit_test(a_bad_value_is_named_by_its_key),
        cmocka_unit_test(what_a_physical_backup_cannot_do_is_refused),
        cmocka_unit_test(a_logical_backup_may_leave_out_all_but_databases),
        cmocka_unit_test(origins_keep_clusters_apart),
        cmocka_unit_test(one_place_written_in_several_ways_has_one_origin),
        cmocka_unit_test(origins_keep_databases_apart),
        cmocka_unit_test(a_source_names_its_database_itself),
        cmocka_unit_test(a_physical_source_needs_no_database),
        cmocka_unit_test(tokens_of_aws_are_of_their_scheme),
    };

    return cmocka_run_group_tests(tests, clean_environment, NULL);
}
