#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backup/backup_request.h"
#include "cli/options_table.h"
#include "library/library_internal.h"
#include "library/members_internal.h"
#include "restore/restore_request.h"

#include <pgcask/pgcask.h>

#include <stdlib.h>
#include <string.h>

static const struct option_spec *find(const struct option_program *program, uint32_t commands,
                                      const char *name)
{
    for (size_t i = 0; i < program->option_count; i++) {
        const struct option_spec *spec = &program->options[i];

        if (strcmp(spec->name, name) == 0 && (spec->commands & commands) == commands)
            return spec;
    }
    return NULL;
}

static void options_take_what_the_command_line_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < library_options.option_count; i++) {
        const struct option_spec *ours = &library_options.options[i];
        bool restores = (ours->commands & OPTION_COMMAND(LIBRARY_RESTORE)) != 0;
        const struct option_spec *theirs =
            find(&pgcask_program, OPTION_COMMAND(restores ? COMMAND_RESTORE : COMMAND_BACKUP),
                 ours->name);

        assert_non_null(theirs);
        assert_int_equal(ours->kind, theirs->kind);
        assert_int_equal(ours->minimum, theirs->minimum);
        assert_int_equal(ours->maximum, theirs->maximum);
        for (size_t j = 0; j < OPTION_CHOICES_MAX; j++) {
            assert_int_equal(ours->choices[j] == NULL, theirs->choices[j] == NULL);
            if (ours->choices[j] != NULL)
                assert_string_equal(ours->choices[j], theirs->choices[j]);
        }
    }
}

/* What Plakar takes too is about the backup, not about where it goes or what is said. */
static void no_option_of_a_backup_is_left_out(void **state)
{
    const uint32_t both = OPTION_COMMAND(COMMAND_BACKUP) | OPTION_COMMAND(COMMAND_PLAKAR);

    (void)state;
    for (size_t i = 0; i < pgcask_program.option_count; i++) {
        const struct option_spec *spec = &pgcask_program.options[i];

        if ((spec->commands & both) == both && strcmp(spec->name, "password-command") != 0) {
            assert_non_null(find(&library_options, 0, spec->name));
            assert_non_null(library_member_name(spec->name));
        }
    }
}

static void no_option_of_a_restore_into_a_server_is_left_out(void **state)
{
    size_t found = 0;

    (void)state;
    for (size_t i = 0; i < pgcask_program.option_count; i++) {
        const struct option_spec *spec = &pgcask_program.options[i];

        if ((spec->commands & OPTION_COMMAND(COMMAND_RESTORE)) == 0 ||
            spec->scope != OPTION_OF_LOGICAL)
            continue;
        assert_non_null(find(&library_options, OPTION_COMMAND(LIBRARY_RESTORE), spec->name));
        assert_non_null(library_member_name(spec->name));
        found++;
    }
    assert_true(found > 30);
}

static void names_and_values_set_members(void **state)
{
    struct pgcask_backup_options physical;
    struct pgcask_logical_options logical;

    (void)state;
    PGCASK_INIT(physical);
    PGCASK_INIT(logical);
    assert_true(pgcask_backup_options_set(&physical, "label", "nightly", NULL));
    assert_true(pgcask_backup_options_set(&physical, "checkpoint", "spread", NULL));
    assert_true(pgcask_backup_options_set(&physical, "max_rate", "32M", NULL));
    assert_true(pgcask_backup_options_set(&physical, "max-retained-wal", "1GiB", NULL));
    assert_true(pgcask_backup_options_set(&physical, "transfer-compression", "zstd:3", NULL));
    assert_true(pgcask_backup_options_set(&physical, "digest", "sha256", NULL));
    assert_true(pgcask_backup_options_set(&physical, "no-verify-checksums", "yes", NULL));
    assert_true(pgcask_backup_options_set(&physical, "stall-timeout", "5s", NULL));
    assert_string_equal(physical.label, "nightly");
    assert_true(physical.spread_checkpoint && physical.no_verify_checksums);
    assert_int_equal(physical.max_rate_kib, 32 * 1024);
    assert_int_equal(physical.max_retained_wal, 1 << 30);
    assert_string_equal(physical.transfer_compression, "zstd:3");
    assert_int_equal(physical.digest, PGCASK_DIGEST_SHA256);
    assert_int_equal(physical.stall_timeout_ms, 5000);

    assert_true(pgcask_logical_options_set(&logical, "compress", "gzip", NULL));
    assert_true(pgcask_logical_options_set(&logical, "digest", "sha256", NULL));
    assert_true(pgcask_logical_options_set(&logical, "lock-timeout", "5s", NULL));
    assert_true(pgcask_logical_options_set(&logical, "lock-timeout-total", "1min", NULL));
    assert_true(pgcask_logical_options_set(&logical, "stall-timeout", "90", NULL));
    assert_true(pgcask_logical_options_set(&logical, "allow-newer-server", "true", NULL));
    assert_string_equal(logical.compression, "gzip");
    assert_int_equal(logical.digest, PGCASK_DIGEST_SHA256);
    assert_int_equal(logical.lock_timeout_ms, 5000);
    assert_int_equal(logical.lock_timeout_total_ms, 60000);
    assert_int_equal(logical.stall_timeout_ms, 90000);
    assert_true(logical.allow_newer_server);
    assert_true(pgcask_logical_options_set(&logical, "allow-newer-server", "off", NULL));
    assert_false(logical.allow_newer_server);
    assert_true(pgcask_logical_options_set(&logical, "layout", "tables", NULL));
    assert_true(pgcask_logical_options_set(&logical, "exclude-databases", "a,b*", NULL));
    assert_int_equal(logical.layout, PGCASK_LAYOUT_TABLES);
    assert_string_equal(logical.exclude_databases, "a,b*");
}

static void what_makes_no_sense_is_refused_and_changes_nothing(void **state)
{
    static const char *const wrong[][2] = {
        {"max-rat", "1M"},     {"max-rate", "1"},       {"max-rate", "much"},
        {"checkpoint", "now"}, {"lock-timeout", "5s"},  {"no-verify-checksums", "perhaps"},
        {"digest", ""},        {"stall-timeout", "0s"},
    };
    struct pgcask_backup_options options, none;
    struct pgcask_error error;

    (void)state;
    PGCASK_INIT(options);
    PGCASK_INIT(none);
    PGCASK_INIT(error);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(pgcask_backup_options_set(&options, wrong[i][0], wrong[i][1], &error));
        assert_int_equal(error.code, PGCASK_ERROR_USAGE);
        assert_memory_equal(&options, &none, sizeof(none));
    }
    memset(&options, 0, sizeof(options)); /* struct_size is not set */
    assert_false(pgcask_backup_options_set(&options, "label", "x", &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
}

/* ---- What the structures become ---- */

static struct pgcask_settings *settings_of(const char *uri)
{
    struct pgcask_settings *settings = pgcask_settings_new(NULL);

    assert_non_null(settings);
    assert_true(pgcask_settings_parse(settings, uri, NULL));
    assert_true(pgcask_settings_complete(settings, NULL));
    return settings;
}

static struct pgcask_settings *make_settings(void)
{
    return settings_of("postgres://u@localhost/db");
}

static void zero_is_the_commands_default_but_for_wal_that_has_no_limit(void **state)
{
    struct pgcask_settings *settings = make_settings();
    struct library_job job = {0};
    struct backup_request request;
    struct error err;

    (void)state;
    assert_true(library_request(&request, LIBRARY_PHYSICAL, settings, NULL, &job, &err));
    assert_true(request.physical);
    assert_string_equal(request.label, "pgcask");
    assert_int_equal(request.max_retained_wal, 0);
    assert_int_equal(request.stall_timeout_ms, 600000);
    assert_int_equal(request.digest, DIGEST_XXH3_128);
    assert_true(library_request(&request, LIBRARY_LOGICAL, settings, NULL, &job, &err));
    assert_false(request.physical);
    assert_int_equal(request.lock_timeout_ms, 60000);
    assert_string_equal(request.compression, "none");
    pgcask_settings_free(settings);
}

static void members_reach_the_request(void **state)
{
    struct pgcask_settings *settings = make_settings();
    struct pgcask_backup_options physical;
    struct pgcask_logical_options logical;
    struct library_job job = {0};
    struct backup_request request;
    struct error err;
    char databases[] = "a*";

    (void)state;
    PGCASK_INIT(physical);
    physical.label = "nightly";
    physical.spread_checkpoint = true;
    physical.max_rate_kib = 64;
    physical.digest = PGCASK_DIGEST_SHA256;
    assert_true(library_request(&request, LIBRARY_PHYSICAL, settings, &physical, &job, &err));
    assert_string_equal(request.label, "nightly");
    assert_int_equal(request.checkpoint, CHECKPOINT_SPREAD);
    assert_int_equal(request.max_rate_kib, 64);
    assert_int_equal(request.digest, DIGEST_SHA256);

    PGCASK_INIT(logical);
    logical.compression = "zstd:3";
    logical.lock_timeout_ms = 500; /* the command line takes no less than a second */
    logical.allow_newer_server = true;
    assert_true(library_request(&request, LIBRARY_LOGICAL, settings, &logical, &job, &err));
    assert_string_equal(request.compression, "zstd:3");
    assert_int_equal(request.lock_timeout_ms, 500);
    assert_true(request.allow_newer_server);
    assert_false(request.all_databases);
    pgcask_settings_free(settings);
    settings = settings_of("postgres://u@localhost");
    logical.databases = databases;
    logical.layout = PGCASK_LAYOUT_NUMBERED;
    assert_true(library_request(&request, LIBRARY_LOGICAL, settings, &logical, &job, &err));
    databases[0] = 'x'; /* texts are copied */
    assert_true(request.all_databases);
    assert_int_equal(request.layout, LOGICAL_NUMBERED);
    assert_int_equal(request.databases.count, 1);
    assert_string_equal(request.databases.texts[0], "a*");
    for (size_t i = 0; i < LIBRARY_MEMBERS; i++)
        free(job.lists[i]);
    pgcask_settings_free(settings);
}

/* What is set by a name is there, and then in the request; nothing that the tables know is lost. */
static void members_of_a_restore_reach_the_request(void **state)
{
    static const char *const words[][2] = {
        {"database", "app"},
        {"databases", "a*"},
        {"create-db", "on"},
        {"clean", "on"},
        {"role", "r"},
        {"search-path", "s"},
        {"schemas", "s"},
        {"exclude-schemas", "x"},
        {"tables", "t"},
        {"jobs", "3"},
        {"transaction-size", "7"},
        {"sections", "pre-data,post-data"},
        {"no-owner", "on"},
        {"enable-row-security", "on"},
        {"analyze", "on"},
    };
    struct pgcask_settings *settings = make_settings();
    struct pgcask_logical_restore_options options;
    struct library_job job = {0};
    struct restore_request request;
    struct pgcask_error error;
    struct options given = {0};
    struct error err;

    (void)state;
    PGCASK_INIT(error);
    PGCASK_INIT(options);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_true(pgcask_logical_restore_options_set(&options, words[i][0], words[i][1], &error));
    assert_true(library_restore_request(&request, &given, &options, settings, &job, &err));
    assert_string_equal(request.database, "app");
    assert_string_equal(request.databases.texts[0], "a*");
    assert_true(request.create_db && request.no_owner && request.row_security && request.analyze);
    assert_false(request.no_privileges || request.exit_on_error || request.dry_run);
    assert_int_equal(request.existing, RESTORE_CLEAN);
    assert_string_equal(request.role, "r");
    assert_string_equal(request.search_path, "s");
    assert_string_equal(request.lists[RESTORE_TABLES].texts[0], "t");
    assert_string_equal(request.lists[RESTORE_EXCLUDE_SCHEMAS].texts[0], "x");
    assert_int_equal(request.lists[RESTORE_INDEXES].count, 0);
    assert_int_equal(request.jobs, 3);
    assert_int_equal(request.transaction_size, 7);
    assert_int_equal(request.sections, RESTORE_PRE_DATA | RESTORE_POST_DATA);
    options_free(&given);
    options.recreate = true;
    assert_false(library_restore_request(&request, &given, &options, settings, &job, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    options_free(&given);
    for (size_t i = 0; i < LIBRARY_MEMBERS; i++)
        free(job.lists[i]);
    pgcask_settings_free(settings);
}

static void members_that_no_option_could_have_are_refused(void **state)
{
    struct pgcask_settings *settings = make_settings();
    struct pgcask_backup_options options;
    struct library_job job = {0};
    struct backup_request request;
    struct error err;

    (void)state;
    PGCASK_INIT(options);
    options.max_rate_kib = 31;
    assert_false(library_request(&request, LIBRARY_PHYSICAL, settings, &options, &job, &err));
    assert_string_equal(err.message, "max_rate_kib is 31; it can be 32 to 1048576, or 0");
    PGCASK_INIT(options);
    options.digest = (enum pgcask_digest)7;
    assert_false(library_request(&request, LIBRARY_PHYSICAL, settings, &options, &job, &err));
    assert_string_equal(err.message, "unknown digest 7");
    PGCASK_INIT(options);
    options.label = "a\nb";
    assert_false(library_request(&request, LIBRARY_PHYSICAL, settings, &options, &job, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    pgcask_settings_free(settings);
}

/* A value that is out of range is answered with what the option takes. */
static void a_hint_says_what_a_value_may_be(void **state)
{
    struct pgcask_backup_options options;
    struct pgcask_error error;

    (void)state;
    PGCASK_INIT(options);
    PGCASK_INIT(error);
    assert_false(pgcask_backup_options_set(&options, "max-rate", "1", &error));
    assert_non_null(strstr(error.hint, "from 32k to 1G"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_take_what_the_command_line_takes),
        cmocka_unit_test(no_option_of_a_backup_is_left_out),
        cmocka_unit_test(no_option_of_a_restore_into_a_server_is_left_out),
        cmocka_unit_test(names_and_values_set_members),
        cmocka_unit_test(what_makes_no_sense_is_refused_and_changes_nothing),
        cmocka_unit_test(zero_is_the_commands_default_but_for_wal_that_has_no_limit),
        cmocka_unit_test(members_reach_the_request),
        cmocka_unit_test(members_of_a_restore_reach_the_request),
        cmocka_unit_test(members_that_no_option_could_have_are_refused),
        cmocka_unit_test(a_hint_says_what_a_value_may_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
