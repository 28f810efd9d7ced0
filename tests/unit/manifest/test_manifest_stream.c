/* The reader where no server answers; everything else needs a real one (tests/integration). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "manifest/manifest_stream.h"

#include <jansson.h>
#include <stdlib.h>

static struct wire_settings *settings_of_nobody(void)
{
    struct error err;
    struct wire_settings *settings = wire_settings_new(&err);
    assert_non_null(settings);
    assert_true(wire_settings_parse(
        settings, "host=/nonexistent port=5433 user=u dbname=d password=hush", &err));
    assert_true(wire_settings_complete(settings, &err));
    return settings;
}

static char *read_all(struct reader *reader)
{
    struct buffer all = {0};
    struct slice data;
    struct error err;
    enum reader_status status;
    while ((status = reader_next(reader, &data, &err)) == READER_DATA)
        assert_true(buffer_append(&all, data.data, data.len, &err));
    assert_int_equal(status, READER_END);
    assert_int_equal(reader_next(reader, &data, &err), READER_END);
    return (char *)all.data;
}

static void without_a_server_the_manifest_says_so_and_is_valid(void **state)
{
    (void)state;
    struct wire_settings *settings = settings_of_nobody();
    const struct manifest_option options[] = {{"compress", "zstd", false},
                                              {"data_only", NULL, true}};
    const struct manifest_request request = {
        .connector = "postgresql+bin",
        .dump_format = "basebackup",
        .database = "h\xe9",
        .options = options,
        .option_count = 2,
        .settings = settings,
        .system_identifier = "123",
        .wal_position = "0/3000028",
        .timeline = 7,
    };
    struct error err;
    struct reader *reader = manifest_stream_new(&request, &err);
    assert_non_null(reader);
    char *text = read_all(reader);
    size_t unavailable = manifest_stream_unavailable(reader);
    reader_close(reader);
    wire_settings_free(settings);

    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_null(strstr(text, "hush"));
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_int_equal(json_integer_value(json_object_get(json, "version")), 2);
    assert_string_equal(json_string_value(json_object_get(json, "host")), "/nonexistent");
    assert_string_equal(json_string_value(json_object_get(json, "port")), "5433");
    assert_string_equal(json_string_value(json_object_get(json, "database")), "h\\xe9");
    assert_string_equal(json_string_value(json_object_get(json, "cluster_system_identifier")),
                        "123");
    assert_int_equal(json_integer_value(json_object_get(json, "timeline")), 7);
    json_t *shown = json_object_get(json, "options");
    assert_string_equal(json_string_value(json_object_get(shown, "compress")), "zstd");
    assert_true(json_is_true(json_object_get(shown, "data_only")));
    json_t *list = json_object_get(json, "unavailable");
    assert_int_equal(json_array_size(list), unavailable);
    assert_true(unavailable >= 5);
    json_decref(json);
    free(text);
}

static void a_cancelled_job_fails_the_reader_for_good(void **state)
{
    (void)state;
    struct wire_settings *settings = settings_of_nobody();
    struct cancel cancel;
    struct error err;
    assert_true(cancel_init(&cancel, &err));
    const struct manifest_request request = {.settings = settings, .cancel = &cancel};
    struct reader *reader = manifest_stream_new(&request, &err);
    assert_non_null(reader);
    cancel_request(&cancel);
    struct slice data;
    for (int i = 0; i < 2; i++) {
        error_clear(&err);
        assert_int_equal(reader_next(reader, &data, &err), READER_FAILED);
        assert_int_equal(err.code, ERROR_CANCELLED);
    }
    reader_close(reader);
    cancel_reset(&cancel);
    wire_settings_free(settings);
}

static void a_reader_that_is_never_pulled_can_be_closed(void **state)
{
    (void)state;
    struct wire_settings *settings = settings_of_nobody();
    struct error err;
    const struct manifest_request request = {.settings = settings};
    reader_close(manifest_stream_new(&request, &err));
    wire_settings_free(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_server_the_manifest_says_so_and_is_valid),
        cmocka_unit_test(a_cancelled_job_fails_the_reader_for_good),
        cmocka_unit_test(a_reader_that_is_never_pulled_can_be_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
