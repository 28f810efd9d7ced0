/* What is asked for by options reaches the request, and nothing else has to know how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backup/backup_options.h"
#include "backup/job_internal.h"

#include <stdlib.h>
#include <string.h>

static const struct option_command commands[] = {{.name = "backup"}};

#define ROW(option)                                                                                \
    {                                                                                              \
        option, .commands = OPTION_COMMAND(0)                                                      \
    }

static const struct option_spec specs[] = {
    ROW(BACKUP_OPTION_LABEL),
    ROW(BACKUP_OPTION_CHECKPOINT),
    ROW(BACKUP_OPTION_MAX_RATE),
    ROW(BACKUP_OPTION_MAX_RETAINED_WAL),
    ROW(BACKUP_OPTION_TRANSFER_COMPRESSION),
    ROW(BACKUP_OPTION_NO_VERIFY_CHECKSUMS),
    ROW(BACKUP_OPTION_DIGEST),
    ROW(BACKUP_OPTION_STALL_TIMEOUT),
    ROW(BACKUP_OPTION_COMPRESS),
    ROW(BACKUP_OPTION_LOCK_TIMEOUT),
    ROW(BACKUP_OPTION_LOCK_TIMEOUT_TOTAL),
    ROW(BACKUP_OPTION_ALLOW_NEWER_SERVER),
    ROW(BACKUP_OPTION_LAYOUT),
    ROW(BACKUP_OPTION_DATABASES),
    ROW(BACKUP_OPTION_EXCLUDE_DATABASES),
    ROW(BACKUP_OPTION_SCHEMAS),
    ROW(BACKUP_OPTION_EXCLUDE_SCHEMAS),
    ROW(BACKUP_OPTION_TABLES),
    ROW(BACKUP_OPTION_TABLES_AND_CHILDREN),
    ROW(BACKUP_OPTION_EXCLUDE_TABLES),
    ROW(BACKUP_OPTION_EXCLUDE_TABLES_AND_CHILDREN),
    ROW(BACKUP_OPTION_EXCLUDE_TABLE_DATA),
    ROW(BACKUP_OPTION_EXCLUDE_TABLE_DATA_AND_CHILDREN),
    ROW(BACKUP_OPTION_EXTENSIONS),
    ROW(BACKUP_OPTION_EXCLUDE_EXTENSIONS),
    ROW(BACKUP_OPTION_INCLUDE_FOREIGN_DATA),
    ROW(BACKUP_OPTION_WHERE),
    ROW(BACKUP_OPTION_FILTER),
    ROW(BACKUP_OPTION_SCHEMA_ONLY),
    ROW(BACKUP_OPTION_DATA_ONLY),
    ROW(BACKUP_OPTION_NO_UNLOGGED_TABLE_DATA),
    ROW(BACKUP_OPTION_LARGE_OBJECTS),
    ROW(BACKUP_OPTION_NO_LARGE_OBJECTS),
};

static const struct option_program program = {
    .name = "test",
    .commands = commands,
    .command_count = 1,
    .options = specs,
    .option_count = sizeof(specs) / sizeof(specs[0]),
};

/* Reads NAME, VALUE, …; texts are borrowed. */
static bool read(struct backup_request *request, const char *const (*given)[2], size_t count,
                 struct error *err)
{
    struct options options;
    bool done;

    assert_true(options_init(&options, &program, 0, err));
    for (size_t i = 0; i < count; i++)
        assert_true(options_set(&options, given[i][0], given[i][1], err));
    done = backup_request_read(request, &options, err);
    options_free(&options);
    return done;
}

static void what_is_not_given_is_as_the_rows_say(void **state)
{
    struct backup_request request = {.physical = true};
    struct error err;

    (void)state;
    assert_true(read(&request, NULL, 0, &err));

    assert_string_equal(request.label, "pgcask");
    assert_int_equal(request.checkpoint, CHECKPOINT_FAST);
    assert_int_equal(request.max_rate_kib, 0);
    assert_int_equal(request.max_retained_wal, 16ULL << 30);
    assert_null(request.transfer_compression);
    assert_false(request.no_verify_checksums || request.allow_newer_server);
    assert_int_equal(request.digest, DIGEST_XXH3_128);
    assert_int_equal(request.stall_timeout_ms, 600000);
    assert_string_equal(request.compression, "none");
    assert_int_equal(request.lock_timeout_ms, 60000);
    assert_int_equal(request.lock_timeout_total_ms, 0);
    assert_true(request.physical); /* the rest stays */
}

static void what_is_given_reaches_its_member(void **state)
{
    static const char *const given[][2] = {
        {"label", "nightly"},
        {"checkpoint", "spread"},
        {"max-rate", "32M"},
        {"max-retained-wal", "0"},
        {"transfer-compression", "zstd:3"},
        {"no-verify-checksums", "true"},
        {"digest", "sha256"},
        {"stall-timeout", "5s"},
        {"compress", "lz4"},
        {"lock-timeout", "2s"},
        {"lock-timeout-total", "3s"},
        {"allow-newer-server", "yes"},
        {"layout", "tables"},
        {"databases", "a,b"},
        {"exclude-databases", "c"},
        {"schemas", "s"},
        {"exclude-schemas", "s"},
        {"tables", "t,u"},
        {"tables-and-children", "t"},
        {"exclude-tables", "t"},
        {"exclude-tables-and-children", "t"},
        {"exclude-table-data", "t"},
        {"exclude-table-data-and-children", "t"},
        {"extensions", "e"},
        {"exclude-extensions", "e"},
        {"include-foreign-data", "f"},
        {"where", "t=a"},
        {"filter", "file"},
        {"schema-only", "no"},
        {"data-only", "yes"},
        {"no-unlogged-table-data", "yes"},
        {"large-objects", "yes"},
        {"no-large-objects", "no"},
    };
    struct backup_request request = {0};
    struct error err;

    (void)state;
    assert_int_equal(sizeof(given) / sizeof(given[0]), program.option_count);
    assert_true(read(&request, given, sizeof(given) / sizeof(given[0]), &err));

    assert_string_equal(request.label, "nightly");
    assert_int_equal(request.checkpoint, CHECKPOINT_SPREAD);
    assert_int_equal(request.max_rate_kib, 32 * 1024);
    assert_int_equal(request.max_retained_wal, 0);
    assert_string_equal(request.transfer_compression, "zstd:3");
    assert_true(request.no_verify_checksums && request.allow_newer_server);
    assert_int_equal(request.digest, DIGEST_SHA256);
    assert_int_equal(request.stall_timeout_ms, 5000);
    assert_string_equal(request.compression, "lz4");
    assert_int_equal(request.lock_timeout_ms, 2000);
    assert_int_equal(request.lock_timeout_total_ms, 3000);
    assert_int_equal(request.layout, LOGICAL_TABLES);
    assert_int_equal(request.databases.count, 1);
    assert_int_equal(request.exclude_databases.count, 1);
    for (int list = 0; list < FILTER_LISTS; list++)
        assert_int_equal(request.lists[list].count, 1);
    assert_string_equal(request.filter_file, "file");
    assert_true(request.data_only && request.no_unlogged_table_data && !request.schema_only);
    assert_true(request.large_objects && !request.no_large_objects);
}

static struct wire_settings *settings_of(const char *conninfo)
{
    struct wire_settings *settings;
    struct error err;

    settings = wire_settings_new(&err);
    assert_non_null(settings);
    assert_true(wire_settings_parse(settings, conninfo, &err) &&
                wire_settings_complete(settings, &err));
    return settings;
}

static void who_names_no_database_means_all(void **state)
{
    static const char *const pattern[] = {"a*"};
    const struct option_list list = {pattern, 1};
    struct backup_request request = {0};
    struct wire_settings *settings;
    struct error err;

    (void)state;
    request.settings = settings = settings_of("host=h user=u");
    assert_true(backup_request_settle_databases(&request, true, &err) && request.all_databases);
    request.databases = list;
    assert_true(backup_request_settle_databases(&request, true, &err) && request.all_databases);
    wire_settings_free(settings);

    request.settings = settings = settings_of("host=h user=u dbname=d");
    assert_false(backup_request_settle_databases(&request, true, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_non_null(strstr(err.message, OPTION_DATABASES));
    request.databases.count = 0;
    assert_true(backup_request_settle_databases(&request, true, &err) && !request.all_databases);
    request.exclude_databases = list;
    assert_false(backup_request_settle_databases(&request, true, &err));
    assert_non_null(strstr(err.message, OPTION_EXCLUDE_DATABASES));
    wire_settings_free(settings);
}

/* To choose among all counts more than what the environment says. */
static void what_the_environment_names_is_one_database_unless_some_are_chosen(void **state)
{
    static const char *const pattern[] = {"a*"};
    struct backup_request request = {0};
    struct wire_settings *settings;
    struct error err;

    (void)state;
    assert_int_equal(setenv("PGDATABASE", "d", 1), 0);
    request.settings = settings = settings_of("host=h user=u");
    assert_true(backup_request_settle_databases(&request, true, &err) && !request.all_databases);
    assert_true(backup_request_settle_databases(&request, false, &err) && request.all_databases);
    request.exclude_databases = (struct option_list){pattern, 1};
    assert_true(backup_request_settle_databases(&request, true, &err) && request.all_databases);
    wire_settings_free(settings);
    assert_int_equal(unsetenv("PGDATABASE"), 0);
}

static void what_does_not_go_together_names_both(void **state)
{
    static const char *const text[] = {"t=a"};
    struct error err;

    (void)state;
    assert_false(backup_request_check(
        &(struct backup_request){.schema_only = true, .data_only = true}, &err));
    assert_non_null(strstr(err.message, OPTION_SCHEMA_ONLY));
    assert_non_null(strstr(err.message, OPTION_DATA_ONLY));
    assert_false(backup_request_check(
        &(struct backup_request){.statistics = true, .data_only = true}, &err));
    assert_non_null(strstr(err.message, OPTION_STATISTICS));
    assert_non_null(strstr(err.message, OPTION_DATA_ONLY));
    assert_true(backup_request_check(
        &(struct backup_request){.statistics = true, .schema_only = true}, &err));
    assert_false(backup_request_check(
        &(struct backup_request){.schema_only = true, .lists[FILTER_WHERE] = {text, 1}}, &err));
    assert_non_null(strstr(err.message, OPTION_WHERE));
    assert_false(backup_request_check(
        &(struct backup_request){.schema_only = true, .lists[FILTER_FOREIGN_DATA] = {text, 1}},
        &err));
    assert_non_null(strstr(err.message, OPTION_INCLUDE_FOREIGN_DATA));
    assert_true(backup_request_check(
        &(struct backup_request){.data_only = true, .lists[FILTER_WHERE] = {text, 1}}, &err));
}

static void a_label_is_one_short_line(void **state)
{
    static char too_long[1026];
    const char *const wrong[][2] = {{"label", "a\nb"}, {"label", too_long}};
    struct backup_request request = {0};
    struct error err;

    (void)state;
    memset(too_long, 'x', sizeof(too_long) - 1);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(read(&request, &wrong[i], 1, &err));
        assert_int_equal(err.code, ERROR_USAGE);
    }
    too_long[1024] = '\0';
    assert_true(read(&request, &wrong[1], 1, &err));
}

/* ---- Phases ---- */

static bool refuse_to_copy(void *context, const struct backup_report *report, struct error *err)
{
    enum backup_phase *heard = context;

    *heard = report->phase;
    return report->phase != BACKUP_COPYING || error_set(err, ERROR_REFUSED, "no room");
}

static void who_asked_hears_of_a_phase_and_may_end_the_backup(void **state)
{
    enum backup_phase heard = BACKUP_DONE;
    struct backup_request request = {.on_phase = refuse_to_copy, .context = &heard};
    const struct backup_request silent = {0};
    struct backup_report report = {0};
    struct error err;

    (void)state;
    assert_true(backup_enter_phase(&request, &report, BACKUP_CHECKPOINT, &err));
    assert_int_equal(heard, BACKUP_CHECKPOINT);
    assert_string_equal(backup_phase_name(report.phase), "checkpoint");
    assert_false(backup_enter_phase(&request, &report, BACKUP_COPYING, &err));
    assert_string_equal(err.message, "no room");
    assert_true(backup_enter_phase(&silent, &report, BACKUP_COPYING, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_is_as_the_rows_say),
        cmocka_unit_test(what_is_given_reaches_its_member),
        cmocka_unit_test(who_names_no_database_means_all),
        cmocka_unit_test(what_the_environment_names_is_one_database_unless_some_are_chosen),
        cmocka_unit_test(what_does_not_go_together_names_both),
        cmocka_unit_test(a_label_is_one_short_line),
        cmocka_unit_test(who_asked_hears_of_a_phase_and_may_end_the_backup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
