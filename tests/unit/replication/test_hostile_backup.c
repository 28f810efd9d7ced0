/* A base backup's answer that repeats itself or never ends. */
#include "replication/base_backup.h"
#include "replication/replication.h"
#include "support/session.h"

#include <stdio.h>
#include <stdlib.h>

static const struct base_backup_options plain = {
    .label = "test",
    .manifest_checksums = DIGEST_CRC32C,
};

static void append_position(struct buffer *out, int rows)
{
    static const char *const names[] = {"recptr", "tli"};
    static const char *const values[] = {"0/2000028", "1"};

    scripted_row_description(out, 2, names);
    for (int i = 0; i < rows; i++)
        scripted_data_row(out, 2, values);
    scripted_text_message(out, 'C', "SELECT");
}

static void append_tablespaces(struct buffer *out, const char *location)
{
    static const char *const names[] = {"spcoid", "spclocation", "size"};
    const char *const tablespace[] = {"16384", location, "1"};
    static const char *const base[] = {NULL, NULL, "1"};

    scripted_row_description(out, 3, names);
    if (location != NULL)
        scripted_data_row(out, 3, tablespace);
    scripted_data_row(out, 3, base);
    scripted_text_message(out, 'C', "SELECT");
}

/* One archive without content, and the manifest. */
static void append_stream(struct buffer *out)
{
    append_position(out, 1);
    append_tablespaces(out, NULL);
    scripted_copy_response(out, 'H');
    scripted_message(out, 'd', "nbase.tar\0", 11);
    scripted_message(out, 'd', "m", 1);
    scripted_message(out, 'c', "", 0);
}

static void script_reply_and_wait(struct session *session)
{
    session_script_reply(session);
    scripted_accept(session->server); /* the cancel request */
    scripted_use(session->server, 0);
    scripted_expect_close(session->server);
}

/* The command's answer is what is in session->reply; the backup must fail and say that. */
static void check_fails(struct session *session, const char *says)
{
    struct base_backup_event event = {.type = BASE_BACKUP_ARCHIVE};
    struct base_backup *backup;
    bool ok;

    session_connect(session);
    ok = base_backup_start(&backup, session->conn, &plain, &session->err);
    while (ok && event.type != BASE_BACKUP_END)
        ok = base_backup_next(backup, &event, &session->err);
    assert_false(ok);
    if (strstr(session->err.message, says) == NULL)
        fail_msg("%s", session->err.message);
    base_backup_free(backup);
    session_finish(session);
}

static void begin(struct session *session)
{
    session_prepare_ready(session);
    scripted_expect(session->server, 'Q');
}

static void there_is_one_start_position(void **state)
{
    static const struct {
        int rows;
        const char *says;
    } cases[] = {{0, "without a start position"}, {2, "two start positions"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct session session;

        begin(&session);
        append_position(&session.reply, cases[i].rows);
        append_tablespaces(&session.reply, NULL);
        script_reply_and_wait(&session);
        check_fails(&session, cases[i].says);
    }
}

static void there_is_one_stop_position(void **state)
{
    struct session session;

    (void)state;
    begin(&session);
    append_stream(&session.reply);
    append_position(&session.reply, 2);
    scripted_ready(&session.reply, 'I');
    script_reply_and_wait(&session);
    check_fails(&session, "two stop positions");
}

static void a_location_is_no_longer_than_a_path(void **state)
{
    static char location[2000];
    struct session session;

    (void)state;
    memset(location, '/', sizeof(location) - 1);
    begin(&session);
    append_position(&session.reply, 1);
    append_tablespaces(&session.reply, location);
    script_reply_and_wait(&session);
    check_fails(&session, "too long a location");
}

/* The head of a backup, then the same again and again. */
static void begin_flood(struct session *session, const struct buffer *flood)
{
    session_script_reply(session);
    scripted_reply_repeated(session->server, flood->data, flood->len, 0);
}

static void progress_alone_is_not_read_for_ever(void **state)
{
    static const char *const messages[] = {"p\0\0\0\0\0\0\0\1", "d"};
    static const size_t lens[] = {9, 1};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct session session;
        struct buffer flood = {0};

        begin(&session);
        append_position(&session.reply, 1);
        append_tablespaces(&session.reply, NULL);
        scripted_copy_response(&session.reply, 'H');
        scripted_message(&session.reply, 'd', "nbase.tar\0", 11);
        for (int k = 0; k < 1000; k++)
            scripted_message(&flood, 'd', messages[i], lens[i]);
        begin_flood(&session, &flood);
        check_fails(&session, "no end of them");
        buffer_free(&flood);
    }
}

static void ends_of_the_command_are_not_read_for_ever(void **state)
{
    struct session session;
    struct buffer flood = {0};

    (void)state;
    begin(&session);
    append_stream(&session.reply);
    scripted_text_message(&flood, 'C', "BASE_BACKUP");
    begin_flood(&session, &flood);
    check_fails(&session, "behind the last archive");
    buffer_free(&flood);
}

static void wal_after_the_end_of_a_stream_is_not_read_for_ever(void **state)
{
    struct session session;
    struct buffer flood = {0};

    (void)state;
    begin(&session);
    scripted_copy_response(&session.reply, 'W');
    for (int i = 0; i < 1000; i++)
        scripted_message(&flood, 'd', "w", 1);
    begin_flood(&session, &flood);
    session_connect(&session);
    assert_false(replication_touch_slot(session.conn, "slot", 0x2000000, &session.err));
    assert_string_equal(session.err.message, "the server does not end its stream of WAL");
    session_finish(&session);
    buffer_free(&flood);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_one_start_position),
        cmocka_unit_test(there_is_one_stop_position),
        cmocka_unit_test(a_location_is_no_longer_than_a_path),
        cmocka_unit_test(progress_alone_is_not_read_for_ever),
        cmocka_unit_test(ends_of_the_command_are_not_read_for_ever),
        cmocka_unit_test(wal_after_the_end_of_a_stream_is_not_read_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
