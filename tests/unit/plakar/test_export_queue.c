/* The queue between what Plakar sends and the restore: files come out as they were put in, whatever
 * the restore reads of them, and nobody waits for ever. */
#include "plakar/export_queue.h"

#include "base/error.h"
#include "record/record.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

struct stage {
    int wake_fd;
    struct cancel cancel;
    struct export_queue *queue;
    struct record_source *source;
};

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    struct error err;

    assert_non_null(stage);
    stage->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(stage->wake_fd >= 0 && cancel_init(&stage->cancel, &err));
    stage->queue = export_queue_new(stage->wake_fd, &err);
    assert_non_null(stage->queue);
    stage->source = export_queue_source(stage->queue, &stage->cancel, &err);
    assert_non_null(stage->source);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;

    stage->source->ops->close(stage->source);
    export_queue_free(stage->queue);
    cancel_reset(&stage->cancel);
    close(stage->wake_fd);
    free(stage);
    return 0;
}

static bool was_woken(const struct stage *stage)
{
    uint64_t count;

    return read(stage->wake_fd, &count, sizeof(count)) == sizeof(count);
}

/* ---- Putting in ---- */

static void put_record(const struct stage *stage, const char *path, enum record_type type,
                       bool attribute)
{
    struct export_record record = {.path = strdup(path),
                                   .target = strdup(""),
                                   .has_content = type == RECORD_FILE,
                                   .is_attribute = attribute};
    struct error err;

    assert_true(record.path != NULL && record.target != NULL);
    record.record =
        (struct record){.type = type, .path = record.path, .link_target = record.target};
    assert_true(export_queue_put_record(stage->queue, &record, &err));
    assert_null(record.path); /* taken over */
}

static void put_content(const struct stage *stage, const char *content)
{
    struct error err;

    assert_true(export_queue_put_content(stage->queue, slice_string(content), &err));
}

static void put_file(const struct stage *stage, const char *path, const char *content)
{
    struct error err;

    put_record(stage, path, RECORD_FILE, false);
    for (size_t i = 0; content[i] != '\0'; i++) /* a byte at a time */
        put_content(stage, (const char[]){content[i], '\0'});
    assert_true(export_queue_put_content_end(stage->queue, &err));
}

static void put_end(const struct stage *stage, const struct error *why)
{
    struct error err;

    assert_true(export_queue_end(stage->queue, why, &err));
}

/* ---- Taking out ---- */

static enum source_status next(const struct stage *stage, struct record *record, struct error *err)
{
    return stage->source->ops->next(stage->source, record, err);
}

static void expect_file(const struct stage *stage, const char *path, const char *content)
{
    char found[100] = "";
    struct record record;
    struct slice data;
    struct error err;

    assert_int_equal(next(stage, &record, &err), SOURCE_RECORD);
    assert_string_equal(record.path, path);
    assert_int_equal(record.type, RECORD_FILE);
    while (record.reader->ops->next(record.reader, &data, &err) == READER_DATA)
        strncat(found, (const char *)data.data, data.len);
    assert_string_equal(found, content);
    assert_int_equal(record.reader->ops->next(record.reader, &data, &err), READER_END);
    record.reader->ops->close(record.reader);
}

static void expect_end(const struct stage *stage)
{
    struct record record;
    struct error err;

    for (int i = 0; i < 2; i++)
        assert_int_equal(next(stage, &record, &err), SOURCE_END);
    assert_true(export_queue_was_taken(stage->queue));
}

/* ---- Tests ---- */

static void files_come_as_they_were_put_in(void **state)
{
    struct stage *stage = *state;
    struct record record;
    struct error err;

    put_record(stage, "/", RECORD_DIRECTORY, false); /* says nothing */
    put_file(stage, "/a", "content");
    put_record(stage, "/d", RECORD_DIRECTORY, false);
    put_file(stage, "/d/empty", "");
    put_end(stage, NULL);
    assert_false(export_queue_was_taken(stage->queue));
    expect_file(stage, "/a", "content");
    assert_int_equal(next(stage, &record, &err), SOURCE_RECORD);
    assert_int_equal(record.type, RECORD_DIRECTORY);
    assert_null(record.reader);
    expect_file(stage, "/d/empty", "");
    expect_end(stage);
}

static void what_is_not_read_of_a_file_is_read_past(void **state)
{
    struct stage *stage = *state;
    struct record record;
    struct slice data;
    struct error err;

    put_file(stage, "/not", "any of it");
    put_file(stage, "/half", "of it");
    put_file(stage, "/whole", "all");
    put_end(stage, NULL);
    assert_int_equal(next(stage, &record, &err), SOURCE_RECORD);
    record.reader->ops->close(record.reader);
    assert_int_equal(next(stage, &record, &err), SOURCE_RECORD);
    assert_string_equal(record.path, "/half");
    assert_int_equal(record.reader->ops->next(record.reader, &data, &err), READER_DATA);
    assert_memory_equal(data.data, "o", 1);
    record.reader->ops->close(record.reader);
    expect_file(stage, "/whole", "all");
    expect_end(stage);
}

static void an_attribute_is_no_file_and_its_content_nobodys(void **state)
{
    struct stage *stage = *state;
    struct error err;

    put_record(stage, "/a", RECORD_FILE, true);
    put_content(stage, "of the attribute");
    assert_true(export_queue_put_content_end(stage->queue, &err));
    put_file(stage, "/a", "of the file");
    put_end(stage, NULL);
    expect_file(stage, "/a", "of the file");
    expect_end(stage);
}

/* What was cut off fails where it was cut off, and goes on failing. */
static void an_end_with_a_reason_fails_the_source_there(void **state)
{
    struct stage *stage = *state;
    struct record record;
    struct slice data;
    struct error why, err;

    error_set(&why, ERROR_CORRUPT, "in the middle of /b");
    put_file(stage, "/a", "whole");
    put_record(stage, "/b", RECORD_FILE, false);
    put_content(stage, "x");
    put_end(stage, &why);
    expect_file(stage, "/a", "whole");
    assert_int_equal(next(stage, &record, &err), SOURCE_RECORD);
    assert_int_equal(record.reader->ops->next(record.reader, &data, &err), READER_DATA);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(record.reader->ops->next(record.reader, &data, &err), READER_FAILED);
        assert_string_equal(err.message, "in the middle of /b");
    }
    record.reader->ops->close(record.reader);
    assert_int_equal(next(stage, &record, &err), SOURCE_FAILED);
    assert_string_equal(err.message, "in the middle of /b");
    assert_true(export_queue_was_taken(stage->queue));
}

static void it_is_full_at_a_size_and_says_when_it_is_not_any_more(void **state)
{
    struct stage *stage = *state;
    static char many[64 * 1024 + 1];
    struct record record;
    struct slice data;
    struct error err;
    size_t put = 0, taken = 0;

    memset(many, 'x', sizeof(many) - 1);
    put_record(stage, "/a", RECORD_FILE, false);
    for (; !export_queue_full(stage->queue); put++) {
        assert_true(put * (sizeof(many) - 1) < (size_t)2 << 20);
        put_content(stage, many);
    }
    assert_false(was_woken(stage));
    assert_int_equal(next(stage, &record, &err), SOURCE_RECORD);
    for (; export_queue_full(stage->queue); taken++)
        assert_int_equal(record.reader->ops->next(record.reader, &data, &err), READER_DATA);
    assert_true(taken > 0 && taken < put);
    assert_true(was_woken(stage));
    record.reader->ops->close(record.reader);
}

static void one_that_waits_ends_when_it_is_cancelled(void **state)
{
    struct stage *stage = *state;
    struct record record;
    struct error err;

    cancel_request(&stage->cancel);
    assert_int_equal(next(stage, &record, &err), SOURCE_FAILED);
    assert_int_equal(err.code, ERROR_CANCELLED);
    assert_false(export_queue_was_taken(stage->queue));
}

static void *put_slowly(void *argument)
{
    const struct stage *stage = argument;

    for (int i = 0; i < 200; i++)
        put_file(stage, "/a", "one after the other");
    put_end(stage, NULL);
    return NULL;
}

static void one_that_waits_gets_what_another_thread_puts_in(void **state)
{
    struct stage *stage = *state;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, put_slowly, stage), 0);
    for (int i = 0; i < 200; i++)
        expect_file(stage, "/a", "one after the other");
    expect_end(stage);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void what_nobody_takes_any_more_is_not_kept(void **state)
{
    struct stage *stage = *state;
    static char many[64 * 1024 + 1];

    memset(many, 'x', sizeof(many) - 1);
    put_file(stage, "/a", "lost");
    export_queue_drop(stage->queue);
    assert_true(was_woken(stage));
    put_record(stage, "/b", RECORD_FILE, false);
    for (int i = 0; i < 100; i++)
        put_content(stage, many);
    assert_false(export_queue_full(stage->queue)); /* so Plakar may send all of it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_come_as_they_were_put_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_read_of_a_file_is_read_past, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_attribute_is_no_file_and_its_content_nobodys, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_end_with_a_reason_fails_the_source_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(it_is_full_at_a_size_and_says_when_it_is_not_any_more,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_waits_ends_when_it_is_cancelled, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_that_waits_gets_what_another_thread_puts_in, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_nobody_takes_any_more_is_not_kept, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
