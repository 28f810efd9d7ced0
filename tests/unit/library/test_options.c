#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/options_table.h"
#include "library/options.h"

#include <pgcask/pgcask.h>

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
        const struct option_spec *theirs =
            find(&pgcask_program, OPTION_COMMAND(COMMAND_BACKUP), ours->name);

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

        if ((spec->commands & both) == both && strcmp(spec->name, "password-command") != 0)
            assert_non_null(find(&library_options, 0, spec->name));
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_take_what_the_command_line_takes),
        cmocka_unit_test(no_option_of_a_backup_is_left_out),
        cmocka_unit_test(names_and_values_set_members),
        cmocka_unit_test(what_makes_no_sense_is_refused_and_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
