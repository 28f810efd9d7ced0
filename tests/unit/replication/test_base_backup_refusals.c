/* Answers to BASE_BACKUP that no server would give, and streams that the server has compressed. */
#include "replication/base_backup.h"

#include "support/session.h"

#include <string.h>
#include <zlib.h>

#define ROW_MAX 4

struct answer {
    const char *start[ROW_MAX];
    const char *tablespaces[3][ROW_MAX];
    const char *says; /* what the error must hold */
};

static size_t width(const char *const *row)
{
    size_t count = 0;

    while (count < ROW_MAX && row[count] != NULL)
        count++;
    return count;
}

/* Of a row, "-" is an SQL null. */
static void append_row(struct buffer *out, const char *const *row)
{
    const char *values[ROW_MAX];
    size_t count = width(row);

    for (size_t i = 0; i < count; i++)
        values[i] = strcmp(row[i], "-") == 0 ? NULL : row[i];
    scripted_data_row(out, count, values);
}

static void append_description(struct buffer *out, size_t count)
{
    static const char *const names[ROW_MAX] = {"a", "b", "c", "d"};

    scripted_row_description(out, count, names);
}

static void append_answer(struct buffer *out, const struct answer *answer)
{
    append_description(out, width(answer->start));
    append_row(out, answer->start);
    scripted_text_message(out, 'C', "SELECT");
    append_description(out, width(answer->tablespaces[0]));
    for (size_t i = 0; i < 3 && answer->tablespaces[i][0] != NULL; i++)
        append_row(out, answer->tablespaces[i]);
    scripted_text_message(out, 'C', "SELECT");
}

static const struct answer good = {
    {"0/2000028", "1"}, {{"16384", "/srv/one", "7"}, {"-", "-", "20"}}, NULL};

static void begin(struct session *session, const char *version)
{
    session_prepare(session);
    scripted_accept(session->server);
    scripted_expect_startup(session->server, "", 0);
    scripted_authentication_ok(&session->reply);
    scripted_parameter(&session->reply, "server_version", version);
    scripted_backend_key(&session->reply, 1, "\0\0\0\1", 4);
    session_script_ready(session, 'I');
    scripted_expect(session->server, 'Q');
}

/* The command still runs for all we know: it is cancelled. */
static void script_cancel(struct session *session)
{
    session_script_cancel(session);
    scripted_expect(session->server, 'X');
    scripted_close(session->server);
}

static bool start(struct session *session, enum compression compression,
                  struct base_backup **backup)
{
    const struct base_backup_options options = {.label = "test",
                                                .manifest_checksums = DIGEST_SHA256,
                                                .compression = compression,
                                                .compression_level = "3"};

    session_connect(session);
    return base_backup_start(backup, session->conn, &options, &session->err);
}

/* Steps to the end or the first failure, gathering the data. */
static bool read_on(struct session *session, struct base_backup *backup, struct buffer *data)
{
    struct base_backup_event event = {.type = BASE_BACKUP_ARCHIVE};
    struct error ignored;

    while (event.type != BASE_BACKUP_END) {
        bool ahead = base_backup_has_data_ahead(backup);

        if (!base_backup_next(backup, &event, &session->err))
            return false;
        assert_true(!ahead || event.type == BASE_BACKUP_ARCHIVE_DATA);
        assert_true(buffer_append(data, event.data.data, event.data.len, &ignored));
    }
    return true;
}

static void a_head_that_cannot_be_is_refused(void **state)
{
    static const struct answer bad[] = {
        {{"0/2000028"}, {{"-", "-", "20"}}, "a WAL position"},
        {{"2000028", "1"}, {{"-", "-", "20"}}, "a WAL position"},
        {{"0/2000028", "-1"}, {{"-", "-", "20"}}, "a WAL position"},
        {{"0/2000028", "4294967296"}, {{"-", "-", "20"}}, "a WAL position"},
        {{"0/200000000000000000000028", "1"}, {{"-", "-", "20"}}, "a WAL position"},
        {{"0/2000028", "1"}, {{"-", "-"}}, "without location and size"},
        {{"0/2000028", "1"}, {{"0", "/srv", "1"}, {"-", "-", "20"}}, "a strange OID"},
        {{"0/2000028", "1"}, {{"4294967296", "/srv", "1"}, {"-", "-", "20"}}, "a strange OID"},
        {{"0/2000028", "1"}, {{"-", "-", "20 kB"}}, "a strange size"},
        {{"0/2000028", "1"}, {{"-", "-", "18014398509481985"}}, "a strange size"},
        {{"0/2000028", "1"}, {{"7", "-", "1"}, {"-", "-", "20"}}, "without location"},
        {{"0/2000028", "1"}, {{"7", "/srv", "1"}}, "not the last of the tablespaces"},
        {{"0/2000028", "1"}, {{"-", "-", "1"}, {"-", "-", "1"}}, "two base directories"},
        {{"0/2000028", "1"}, {{"7", "/a", "1"}, {"7", "/b", "1"}, {"-", "-", "1"}}, "listed twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct base_backup *backup;
        struct session session;

        begin(&session, "18.4");
        append_answer(&session.reply, &bad[i]);
        session_script_reply(&session);
        script_cancel(&session);
        assert_false(start(&session, COMPRESSION_NONE, &backup));
        assert_null(backup);
        assert_int_equal(session.err.code, ERROR_PROTOCOL);
        if (strstr(session.err.message, bad[i].says) == NULL)
            fail_msg("case %zu: %s", i, session.err.message);
        session_finish(&session);
    }
}

static void something_else_than_rows_is_refused(void **state)
{
    struct base_backup *backup;
    struct session session;

    (void)state;
    begin(&session, "18.4");
    append_description(&session.reply, 2);
    scripted_copy_response(&session.reply, 'H');
    session_script_reply(&session);
    script_cancel(&session);
    assert_false(start(&session, COMPRESSION_NONE, &backup));
    assert_non_null(strstr(session.err.message, "no rows where rows should be"));
    session_finish(&session);
}

/* ---- Behind the head ---- */

enum ending { COPY_ENDS, COPY_GOES_ON };

/* Typed messages behind a good head. */
static void append_copy(struct buffer *out, const char *const *messages, const size_t *lens,
                        enum ending ending)
{
    append_answer(out, &good);
    scripted_copy_response(out, 'H');
    for (size_t i = 0; messages[i] != NULL; i++)
        scripted_message(out, 'd', messages[i], lens[i]);
    if (ending == COPY_ENDS)
        scripted_message(out, 'c', "", 0);
}

static void check_stream_fails(struct session *session, const char *says)
{
    struct base_backup *backup;
    struct buffer data = {0};

    session_script_reply(session);
    script_cancel(session);
    if (!start(session, COMPRESSION_NONE, &backup))
        fail_msg("%s", session->err.message);
    assert_false(read_on(session, backup, &data));
    assert_int_equal(session->err.code, ERROR_PROTOCOL);
    if (strstr(session->err.message, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", session->err.message, says);
    base_backup_free(backup);
    buffer_free(&data);
    session_finish(session);
}

static const char *const whole[] = {
    "n16384.tar\0/srv/one", "done", "nbase.tar\0", "dbase", "m", "dmanifest", NULL};
static const size_t whole_lens[] = {20, 4, 11, 5, 1, 9};

static void a_stream_without_a_manifest_is_refused(void **state)
{
    static const char *const messages[] = {"n16384.tar\0/srv/one", "nbase.tar\0", NULL};
    static const size_t lens[] = {20, 11};
    struct session session;

    (void)state;
    begin(&session, "18.4");
    append_copy(&session.reply, messages, lens, COPY_ENDS);
    check_stream_fails(&session, "it ends without a manifest");
}

static void an_endless_archive_name_is_refused(void **state)
{
    char name[4096];
    const char *const messages[] = {name, NULL};
    const size_t lens[] = {sizeof(name)};
    struct session session;

    (void)state;
    memset(name, 'n', sizeof(name));
    begin(&session, "18.4");
    append_copy(&session.reply, messages, lens, COPY_GOES_ON);
    check_stream_fails(&session, "name is too long");
}

static void rows_in_the_middle_of_an_archive_are_refused(void **state)
{
    struct session session;

    (void)state;
    begin(&session, "18.4");
    append_copy(&session.reply, whole, whole_lens, COPY_GOES_ON);
    append_description(&session.reply, 2);
    check_stream_fails(&session, "in the middle of an archive");
}

static void a_stream_that_is_no_copy_is_refused(void **state)
{
    struct session session;

    (void)state;
    begin(&session, "18.4");
    append_answer(&session.reply, &good);
    append_description(&session.reply, 2);
    check_stream_fails(&session, "no archive where one should begin");
}

static void an_end_without_a_stop_position_is_refused(void **state)
{
    struct base_backup *backup;
    struct buffer data = {0};
    struct session session;

    (void)state;
    begin(&session, "18.4");
    append_copy(&session.reply, whole, whole_lens, COPY_ENDS);
    scripted_text_message(&session.reply, 'C', "SELECT");
    session_script_ready(&session, 'I');
    assert_true(start(&session, COMPRESSION_NONE, &backup));
    assert_false(read_on(&session, backup, &data));
    assert_non_null(strstr(session.err.message, "without a stop position"));
    base_backup_free(backup);
    buffer_free(&data);
    session_finish(&session);
}

static void an_unreadable_stop_position_is_refused(void **state)
{
    static const char *const stop[] = {"0/x", "1"};
    struct session session;

    (void)state;
    begin(&session, "18.4");
    append_copy(&session.reply, whole, whole_lens, COPY_ENDS);
    append_description(&session.reply, 2);
    scripted_data_row(&session.reply, 2, stop);
    check_stream_fails(&session, "a WAL position that cannot be read");
}

static void copy_data_behind_the_last_archive_is_refused(void **state)
{
    struct session session;

    (void)state;
    begin(&session, "18.4");
    append_copy(&session.reply, whole, whole_lens, COPY_ENDS);
    scripted_copy_response(&session.reply, 'H');
    check_stream_fails(&session, "something else behind the last archive");
}

/* ---- Compressed by the server ---- */

static size_t deflate_text(const char *text, uint8_t *out, size_t room)
{
    z_stream zlib = {0};

    /* 16: with gzip's header */
    assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    zlib.next_in = (Bytef *)(uintptr_t)text;
    zlib.avail_in = (uInt)strlen(text);
    zlib.next_out = out;
    zlib.avail_out = (uInt)room;
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    deflateEnd(&zlib);
    return zlib.total_out;
}

/* One message of packed data for each byte, behind its type. */
static void append_packed(struct buffer *out, const char *text, size_t leave_out)
{
    uint8_t packed[256];
    size_t len = deflate_text(text, packed, sizeof(packed)) - leave_out;

    for (size_t i = 0; i < len; i++) {
        char message[2] = {'d', (char)packed[i]};

        scripted_message(out, 'd', message, 2);
    }
}

static void append_packed_backup(struct buffer *out, size_t leave_out)
{
    static const char *const stop[] = {"0/2000100", "1"};

    append_answer(out, &good);
    scripted_copy_response(out, 'H');
    scripted_message(out, 'd', whole[0], whole_lens[0]);
    append_packed(out, "first the one,", leave_out);
    scripted_message(out, 'd', whole[2], whole_lens[2]);
    append_packed(out, " then the other", 0);
    scripted_message(out, 'd', "m", 1);
    scripted_message(out, 'd', "d.", 2);
    scripted_message(out, 'c', "", 0);
    append_description(out, 2);
    scripted_data_row(out, 2, stop);
    scripted_text_message(out, 'C', "SELECT");
    scripted_ready(out, 'I');
}

static void archives_are_unpacked_and_the_manifest_is_as_it_is(void **state)
{
    struct base_backup *backup;
    struct buffer data = {0};
    struct session session;

    (void)state;
    begin(&session, "18.4");
    append_packed_backup(&session.reply, 0);
    session_script_reply(&session);
    assert_true(start(&session, COMPRESSION_GZIP, &backup));
    if (!read_on(&session, backup, &data))
        fail_msg("%s", session.err.message);
    assert_string_equal(buffer_text(&data), "first the one, then the other.");
    assert_int_equal(base_backup_stop_timeline(backup), 1);
    base_backup_free(backup);
    buffer_free(&data);
    session_finish(&session);
}

static void a_packed_archive_that_is_cut_short_is_refused(void **state)
{
    struct base_backup *backup;
    struct buffer data = {0};
    struct session session;

    (void)state;
    begin(&session, "18.4");
    append_packed_backup(&session.reply, 3);
    session_script_reply(&session);
    script_cancel(&session);
    assert_true(start(&session, COMPRESSION_GZIP, &backup));
    assert_false(read_on(&session, backup, &data));
    assert_int_equal(session.err.code, ERROR_CORRUPT);
    base_backup_free(backup);
    buffer_free(&data);
    session_finish(&session);
}

static void what_was_received_already_is_known_to_lie_ahead(void **state)
{
    struct base_backup_event event;
    struct base_backup *backup;
    struct session session;

    (void)state;
    begin(&session, "14.23");
    append_answer(&session.reply, &good);
    scripted_copy_response(&session.reply, 'H');
    scripted_message(&session.reply, 'd', "one", 3);
    scripted_message(&session.reply, 'd', "two", 3);
    session_script_reply(&session);
    script_cancel(&session);
    assert_true(start(&session, COMPRESSION_NONE, &backup));
    assert_false(base_backup_has_data_ahead(backup)); /* the archive has not begun */
    assert_true(base_backup_next(backup, &event, &session.err));
    assert_int_equal(event.type, BASE_BACKUP_ARCHIVE);
    assert_true(base_backup_has_data_ahead(backup));
    assert_true(base_backup_next(backup, &event, &session.err));
    assert_true(base_backup_has_data_ahead(backup));
    assert_true(base_backup_next(backup, &event, &session.err));
    assert_memory_equal(event.data.data, "two", 3);
    assert_false(base_backup_has_data_ahead(backup));
    base_backup_free(backup);
    session_finish(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_that_cannot_be_is_refused),
        cmocka_unit_test(something_else_than_rows_is_refused),
        cmocka_unit_test(a_stream_without_a_manifest_is_refused),
        cmocka_unit_test(an_endless_archive_name_is_refused),
        cmocka_unit_test(rows_in_the_middle_of_an_archive_are_refused),
        cmocka_unit_test(a_stream_that_is_no_copy_is_refused),
        cmocka_unit_test(an_end_without_a_stop_position_is_refused),
        cmocka_unit_test(an_unreadable_stop_position_is_refused),
        cmocka_unit_test(copy_data_behind_the_last_archive_is_refused),
        cmocka_unit_test(archives_are_unpacked_and_the_manifest_is_as_it_is),
        cmocka_unit_test(a_packed_archive_that_is_cut_short_is_refused),
        cmocka_unit_test(what_was_received_already_is_known_to_lie_ahead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
