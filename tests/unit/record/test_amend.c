/* A reader that puts in at the end what it did not know when its first bytes went by. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct error err;

static const struct store_options options = {.last_path = "/summary.json", .no_sync = true};

/* One record whose reader says "????????9" and amends that to the number of amendments, in front.
 */
struct amended {
    struct record_source source;
    struct reader reader;
    unsigned given, amendments;
    bool told;
    bool (*amend)(const struct reader_amender *amender, struct error *err);
};

static enum reader_status next(struct reader *reader, struct slice *data, struct error *unused)
{
    struct amended *amended = (struct amended *)((char *)reader - offsetof(struct amended, reader));

    (void)unused;
    if (amended->told)
        return READER_END;
    amended->told = true;
    *data = slice_string("????????9");
    return READER_DATA;
}

static bool amend(struct reader *reader, const struct reader_amender *amender,
                  struct error *problem)
{
    struct amended *amended = (struct amended *)((char *)reader - offsetof(struct amended, reader));

    amended->amendments++;
    return amended->amend(amender, problem);
}

static void close_reader(struct reader *reader)
{
    (void)reader;
}

static const struct reader_ops reader_ops = {.next = next, .amend = amend, .close = close_reader};

static enum source_status next_record(struct record_source *source, struct record *record,
                                      struct error *unused)
{
    struct amended *amended = (struct amended *)source;

    (void)unused;
    if (amended->given++ > 0)
        return SOURCE_END;
    *record = (struct record){.path = "/summary.json",
                              .mode = 0600,
                              .size = RECORD_SIZE_UNKNOWN,
                              .reader = &amended->reader};
    return SOURCE_RECORD;
}

static void close_source(struct record_source *source)
{
    (void)source;
}

static const struct record_source_ops source_ops = {next_record, close_source};

static struct amended make(bool (*change)(const struct reader_amender *, struct error *))
{
    return (struct amended){
        .source = {.ops = &source_ops, .sequential = true},
        .reader = {.ops = &reader_ops},
        .amend = change,
    };
}

/* Reads the last byte and puts two of it in the middle. */
static bool double_the_last(const struct reader_amender *amender, struct error *problem)
{
    uint8_t last[2];

    if (!amender->read(amender->context, 8, last, 1, problem))
        return false;
    last[1] = last[0];
    return amender->write(amender->context, 3, slice_make(last, 2), problem);
}

static bool read_past_the_end(const struct reader_amender *amender, struct error *problem)
{
    uint8_t bytes[100000];

    return amender->read(amender->context, 0, bytes, sizeof(bytes), problem);
}

static bool give_up(const struct reader_amender *amender, struct error *problem)
{
    (void)amender;
    return error_set(problem, ERROR_CORRUPT, "cannot amend");
}

static void a_folder_lets_its_files_be_amended(void **state)
{
    struct amended amended = make(double_the_last);
    struct buffer text;

    if (!directory_store_write(in_folder(state, "d"), &amended.source, &options, &err))
        fail_msg("%s", err.message);
    assert_int_equal(amended.amendments, 1);
    text = read_file(in_folder(state, "d/summary.json"));
    assert_string_equal(buffer_text(&text), "???99???9");
    buffer_free(&text);
}

static void a_tar_file_lets_its_members_be_amended(void **state)
{
    struct amended amended = make(double_the_last);
    struct buffer text;

    if (!tar_store_write_file(in_folder(state, "t.tar"), &amended.source, &options, &err))
        fail_msg("%s", err.message);
    assert_int_equal(amended.amendments, 1);
    text = read_file(in_folder(state, "t.tar"));
    assert_memory_equal(text.data + TAR_BLOCK, "???99???9", 10); /* with the padding's first zero */
    buffer_free(&text);
}

static void a_pipe_leaves_everything_as_it_went_by(void **state)
{
    struct amended amended = make(give_up);
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    if (!tar_store_write_fd(fds[1], &amended.source, &options, &err))
        fail_msg("%s", err.message);
    assert_int_equal(amended.amendments, 0);
    close(fds[0]);
    close(fds[1]);
}

static void an_amendment_that_fails_fails_the_backup(void **state)
{
    bool (*const bad[])(const struct reader_amender *, struct error *) = {give_up,
                                                                          read_past_the_end};

    for (size_t i = 0; i < 2; i++) {
        struct amended amended = make(bad[i]);

        assert_false(directory_store_write(in_folder(state, "d"), &amended.source, &options, &err));
        assert_int_equal(err.code, i == 0 ? ERROR_CORRUPT : ERROR_IO);
        assert_true(i == 0 || strstr(err.message, "/d.partial/summary.json\"") != NULL);
        assert_false(exists(in_folder(state, "d")));
        assert_false(exists(in_folder(state, "d.partial")));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_folder_lets_its_files_be_amended),
        TEST(a_tar_file_lets_its_members_be_amended),
        TEST(a_pipe_leaves_everything_as_it_went_by),
        TEST(an_amendment_that_fails_fails_the_backup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
