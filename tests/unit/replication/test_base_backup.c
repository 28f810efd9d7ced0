/* Both forms of a BASE_BACKUP's answer, whole and a byte at a time, and what must not pass. */
#include "replication/base_backup.h"

#include "support/session.h"

#include <stdio.h>
#include <stdlib.h>

/* What a base backup said, as one text: "A16384 d.. E …". */
struct transcript {
    struct buffer text;
    uint64_t bytes;
};

static const struct base_backup_options plain = {
    .label = "test",
    .manifest_checksums = DIGEST_CRC32C,
};

/* ---- The server's side ---- */

static void append_head(struct buffer *out)
{
    static const char *const position[] = {"recptr", "tli"};
    static const char *const start[] = {"0/2000028", "1"};
    static const char *const columns[] = {"spcoid", "spclocation", "size"};
    static const char *const tablespace[] = {"16384", "/srv/one", "7"};
    static const char *const base[] = {NULL, NULL, "20"};

    scripted_row_description(out, 2, position);
    scripted_data_row(out, 2, start);
    scripted_text_message(out, 'C', "SELECT");
    scripted_row_description(out, 3, columns);
    scripted_data_row(out, 3, tablespace);
    scripted_data_row(out, 3, base);
    scripted_text_message(out, 'C', "SELECT");
}

static void append_stop(struct buffer *out)
{
    static const char *const position[] = {"recptr", "tli"};
    static const char *const stop[] = {"0/2000100", "1"};

    scripted_row_description(out, 2, position);
    scripted_data_row(out, 2, stop);
    scripted_text_message(out, 'C', "SELECT");
}

static void append_end(struct buffer *out)
{
    append_stop(out);
    scripted_text_message(out, 'C', "BASE_BACKUP");
    scripted_ready(out, 'I');
}

/* 13 and 14: a COPY an archive, then one with the manifest. */
static void append_old_archives(struct buffer *out)
{
    static const char *const contents[] = {"one", "base", "manifest"};

    for (size_t i = 0; i < 3; i++) {
        scripted_copy_response(out, 'H');
        scripted_message(out, 'd', contents[i], 2);
        scripted_report(out, 'N', "NOTICE", "00000", "in the middle");
        scripted_message(out, 'd', contents[i] + 2, strlen(contents[i]) - 2);
        scripted_message(out, 'c', "", 0);
    }
}

/* 15 and later: one COPY of typed messages. */
static void append_new_archives(struct buffer *out)
{
    scripted_copy_response(out, 'H');
    scripted_message(out, 'd', "n16384.tar\0/srv/one", 20);
    scripted_message(out, 'd', "done", 4);
    scripted_message(out, 'd', "p\0\0\0\0\0\0\0\1", 9);
    scripted_message(out, 'd', "nbase.tar\0", 11);
    scripted_message(out, 'd', "dba", 3);
    scripted_report(out, 'N', "NOTICE", "00000", "in the middle");
    scripted_message(out, 'd', "dse", 3);
    scripted_message(out, 'd', "m", 1);
    scripted_message(out, 'd', "dmanifest", 9);
    scripted_message(out, 'c', "", 0);
}

/* A session with a server of that version, whose script goes on with what is in session->reply. */
static void begin(struct session *session, const char *version)
{
    struct buffer hello = {0};

    session_prepare(session);
    scripted_accept(session->server);
    scripted_expect_startup(session->server, "", 0);
    scripted_authentication_ok(&hello);
    scripted_parameter(&hello, "server_version", version);
    scripted_backend_key(&hello, 1, "\0\0\0\1", 4);
    scripted_ready(&hello, 'I');
    scripted_reply_buffer(session->server, &hello);
    buffer_free(&hello);
    scripted_expect(session->server, 'Q');
}

/* ---- Our side ---- */

static void note(struct transcript *transcript, const struct base_backup_event *event)
{
    struct error err;

    switch (event->type) {
    case BASE_BACKUP_ARCHIVE:
        buffer_printf(&transcript->text, &err, "[%u:", event->tablespace->oid);
        break;
    case BASE_BACKUP_ARCHIVE_DATA:
    case BASE_BACKUP_MANIFEST_DATA:
        assert_true(event->data.len > 0);
        transcript->bytes += event->data.len;
        buffer_append(&transcript->text, event->data.data, event->data.len, &err);
        break;
    case BASE_BACKUP_ARCHIVE_END:
        buffer_append_string(&transcript->text, "]", &err);
        break;
    case BASE_BACKUP_MANIFEST:
        buffer_append_string(&transcript->text, "<", &err);
        break;
    case BASE_BACKUP_END:
        buffer_append_string(&transcript->text, ">", &err);
        break;
    }
}

/* Reads everything; false on an error, which is in session->err. */
static bool read_all(struct session *session, struct transcript *transcript,
                     struct base_backup **backup)
{
    struct base_backup_event event = {.type = BASE_BACKUP_ARCHIVE};

    *transcript = (struct transcript){.bytes = 0};
    session_connect(session);
    if (!base_backup_start(backup, session->conn, &plain, &session->err))
        return false;
    while (event.type != BASE_BACKUP_END) {
        if (!base_backup_next(*backup, &event, &session->err))
            return false;
        note(transcript, &event);
    }
    return true;
}

static void end(struct session *session, struct transcript *transcript, struct base_backup *backup)
{
    base_backup_free(backup);
    buffer_free(&transcript->text);
    session_finish(session);
}

static void check_good(struct session *session)
{
    struct transcript transcript;
    struct base_backup *backup = NULL;
    const char *message;

    if (!read_all(session, &transcript, &backup))
        fail_msg("%s", session->err.message);
    assert_string_equal(buffer_text(&transcript.text), "[16384:one][0:base]<manifest>");
    assert_true(base_backup_start_lsn(backup) == 0x2000028);
    assert_true(base_backup_stop_lsn(backup) == 0x2000100);
    assert_int_equal(base_backup_start_timeline(backup), 1);
    assert_int_equal(base_backup_tablespace_count(backup), 2);
    assert_string_equal(base_backup_tablespace(backup, 0)->location, "/srv/one");
    assert_int_equal(base_backup_tablespace(backup, 1)->bytes, 20 * 1024);
    assert_false(base_backup_checksum_failure(backup, &message));
    end(session, &transcript, backup);
}

static void append_all(struct buffer *out, bool typed)
{
    append_head(out);
    if (typed)
        append_new_archives(out);
    else
        append_old_archives(out);
    append_end(out);
}

static void both_forms_are_understood(void **state)
{
    static const char *const versions[] = {"13.23", "14.23", "15.18", "18.4"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct session session;

        begin(&session, versions[i]);
        append_all(&session.reply, i >= 2);
        session_script_reply(&session);
        check_good(&session);
    }
}

static void both_forms_are_understood_a_byte_at_a_time(void **state)
{
    (void)state;
    for (int typed = 0; typed < 2; typed++) {
        struct session session;

        begin(&session, typed ? "18.4" : "14.23");
        append_all(&session.reply, typed);
        session_script_reply_slowly(&session);
        check_good(&session);
    }
}

static void every_truncation_is_an_error(void **state)
{
    (void)state;
    for (int typed = 0; typed < 2; typed++) {
        struct buffer whole = {0};

        append_all(&whole, typed);
        for (size_t len = 0; len < whole.len; len += 7) {
            struct session session;
            struct transcript transcript;
            struct base_backup *backup = NULL;

            begin(&session, typed ? "15.18" : "13.23");
            scripted_reply(session.server, whole.data, len);
            scripted_close(session.server);
            assert_false(read_all(&session, &transcript, &backup));
            assert_int_equal(session.err.code, ERROR_CONNECTION_LOST);
            end(&session, &transcript, backup);
        }
        buffer_free(&whole);
    }
}

static void a_page_checksum_failure_comes_at_the_end(void **state)
{
    struct transcript transcript;
    struct base_backup *backup = NULL;
    struct session session;
    const char *message;

    (void)state;
    begin(&session, "16.14");
    append_head(&session.reply);
    append_new_archives(&session.reply);
    append_stop(&session.reply);
    scripted_report(&session.reply, 'E', "ERROR", "XX001", "checksum verification failure");
    session_script_ready(&session, 'I');
    assert_true(read_all(&session, &transcript, &backup));
    assert_true(base_backup_checksum_failure(backup, &message));
    assert_string_equal(message, "checksum verification failure");
    end(&session, &transcript, backup);
}

static void any_other_error_is_a_failure_wherever_it_comes(void **state)
{
    (void)state;
    for (int place = 0; place < 3; place++) {
        struct transcript transcript;
        struct base_backup *backup = NULL;
        struct session session;

        begin(&session, "17.10");
        if (place > 0)
            append_head(&session.reply);
        if (place > 1) {
            append_new_archives(&session.reply);
            append_stop(&session.reply);
        }
        scripted_report(&session.reply, 'E', "ERROR", "58030", "could not read");
        session_script_ready(&session, 'I');
        assert_false(read_all(&session, &transcript, &backup));
        assert_string_equal(session.err.sqlstate, "58030");
        end(&session, &transcript, backup);
    }
}

/* Typed messages that break the order; each replaces the good ones. */
static void a_stream_out_of_order_is_an_error(void **state)
{
    static const struct {
        const char *messages[4];
        size_t lens[4];
    } bad[] = {
        {{"dxx"}, {3}},                                              /* data of no archive */
        {{"nbase.tar\0"}, {11}},                                     /* the base is not first */
        {{"m"}, {1}},                                                /* manifest too early */
        {{"?"}, {1}},                                                /* an unknown type */
        {{""}, {0}},                                                 /* no type at all */
        {{"n16384.tar"}, {10}},                                      /* a name without its end */
        {{"n16384.tar\0", "nbase.tar\0", "n3.tar\0"}, {12, 11, 8}},  /* one archive too many */
        {{"n16384.tar\0", "nbase.tar\0", "m", "m"}, {12, 11, 1, 1}}, /* two manifests */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct transcript transcript;
        struct base_backup *backup = NULL;
        struct session session;

        begin(&session, "18.4");
        append_head(&session.reply);
        scripted_copy_response(&session.reply, 'H');
        for (size_t j = 0; j < 4 && bad[i].messages[j] != NULL; j++)
            scripted_message(&session.reply, 'd', bad[i].messages[j], bad[i].lens[j]);
        scripted_message(&session.reply, 'c', "", 0);
        append_end(&session.reply);
        session_script_reply(&session);
        assert_false(read_all(&session, &transcript, &backup));
        assert_int_equal(session.err.code, ERROR_PROTOCOL);
        end(&session, &transcript, backup);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_are_understood),
        cmocka_unit_test(both_forms_are_understood_a_byte_at_a_time),
        cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(a_page_checksum_failure_comes_at_the_end),
        cmocka_unit_test(any_other_error_is_a_failure_wherever_it_comes),
        cmocka_unit_test(a_stream_out_of_order_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
