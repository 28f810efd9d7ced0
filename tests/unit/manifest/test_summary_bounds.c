/* What summary.json may hold, so that neither writing nor reading it takes memory without end. */
#include "manifest/summary.h"

#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static bool take_head(void *context, const json_t *head, struct error *err)
{
    (void)context;
    (void)head;
    (void)err;
    return true;
}

static bool take_entry(void *context, const struct summary_entry *entry, struct error *err)
{
    (void)context;
    (void)entry;
    (void)err;
    return true;
}

static void a_head_of_too_many_values_is_refused(void **state)
{
    const struct summary_handler handler = {NULL, take_head, take_entry};
    struct buffer line = {0};
    struct error err;
    struct summary_decoder *decoder = summary_decoder_new(&handler, &err);
    bool ok = true;

    (void)state;
    assert_true(buffer_append_string(&line, "{\n", &err));
    for (int i = 0; i < 10; i++) {
        assert_true(buffer_printf(&line, &err, "\"x%d\": [", i));
        for (int k = 0; k < 6000; k++)
            assert_true(buffer_append_string(&line, "[],", &err));
        assert_true(buffer_append_string(&line, "[]],\n", &err));
    }
    assert_true(buffer_append_string(&line, "\"records\": [\n", &err));
    ok = summary_decoder_feed(decoder, buffer_slice(&line), &err);
    assert_false(ok);
    assert_non_null(strstr(err.message, "too many values"));
    summary_decoder_free(decoder);
    buffer_free(&line);
}

static void folders_without_end_are_refused(void **state)
{
    struct error err;
    struct summary_writer *writer = summary_writer_new(DIGEST_XXH3_128, &err);
    char path[1024];
    struct record folder = {.type = RECORD_DIRECTORY, .path = path};
    unsigned count = 0;

    (void)state;
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    while (summary_writer_add(writer, &folder, 0, NULL, &err))
        count++;
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "summary.json"));
    assert_in_range(count, 20000, 40000);
    summary_writer_free(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_of_too_many_values_is_refused),
        cmocka_unit_test(folders_without_end_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
