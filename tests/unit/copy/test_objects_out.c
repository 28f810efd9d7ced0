/* Large objects over one session: rows in, bytes out. */
#include "copy/objects_out.h"

#include "support/session.h"

#include <string.h>

#define SET_UP                                                                                     \
    "SET LOCAL enable_indexscan = on; SET LOCAL enable_bitmapscan = off;"                          \
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off;"                                 \
    "SET LOCAL max_parallel_workers_per_gather = 0"

/* Large objects 5, 7, 4294967295 in one piece, and 6 in another. */
static const uint32_t oids[] = {5, 7, UINT32_MAX, 6};
static const uint32_t pieces[] = {0, 3, 4};

static uint32_t oid(void *context, uint32_t index)
{
    (void)context;
    assert_in_range(index, 0, 3);
    return oids[index];
}

static uint32_t piece(void *context, uint32_t number)
{
    (void)context;
    assert_in_range(number, 0, 2);
    return pieces[number];
}

static bool statement(void *context, uint32_t number, const char **text, struct error *err)
{
    (void)context;
    (void)err;
    *text = number == 0 ? "COPY a" : "COPY b";
    return true;
}

/* ---- What the server says ---- */

static void put_u16(struct buffer *out, uint16_t value)
{
    struct error err;

    assert_true(buffer_append_u16(out, value, &err));
}

static void put_u32(struct buffer *out, uint32_t value)
{
    struct error err;

    assert_true(buffer_append_u32(out, value, &err));
}

static void put_head(struct buffer *out)
{
    struct error err;

    assert_true(buffer_append(out, "PGCOPY\n\377\r\n", 11, &err));
    put_u32(out, 0);
    put_u32(out, 3);
    assert_true(buffer_append(out, "ext", 3, &err));
}

static void put_row(struct buffer *out, uint32_t number, uint64_t place, const char *bytes)
{
    struct error err;

    put_u16(out, 3);
    put_u32(out, 4);
    put_u32(out, number);
    put_u32(out, 8);
    assert_true(buffer_append_u64(out, place, &err));
    put_u32(out, (uint32_t)strlen(bytes));
    assert_true(buffer_append(out, bytes, strlen(bytes), &err));
}

static void script_copy(struct session *session, struct buffer *rows)
{
    scripted_copy_response(&session->reply, 'H');
    scripted_message(&session->reply, 'd', rows->data, rows->len);
    scripted_message(&session->reply, 'c', "", 0);
    scripted_text_message(&session->reply, 'C', "COPY 3");
    scripted_ready(&session->reply, 'T');
    buffer_free(rows);
}

static void script_set(struct session *session)
{
    scripted_text_message(&session->reply, 'C', "SET");
    scripted_ready(&session->reply, 'T');
    session_script_reply(session);
}

/* Up to where both pieces were asked for. */
static void script_questions(struct session *session)
{
    session_prepare_ready(session);
    scripted_expect_body(session->server, 'Q', SET_UP, sizeof(SET_UP));
    script_set(session);
    scripted_expect_body(session->server, 'Q', "COPY a", 7);
    scripted_expect_body(session->server, 'Q', "COPY b", 7);
}

static struct objects_out *start(struct session *session)
{
    const struct objects_out_list list = {
        .count = 4, .pieces = 2, .oid = oid, .piece = piece, .statement = statement};
    struct objects_out *objects;

    session_connect(session);
    objects = objects_out_new(session->conn, &list, "maria", &session->err);
    assert_non_null(objects);
    return objects;
}

/* The whole of the next large object. */
static bool read_object(struct session *session, struct objects_out *objects, struct buffer *all)
{
    struct slice part;

    buffer_clear(all);
    do {
        if (!objects_out_next(objects, &part, &session->err))
            return false;
        assert_true(buffer_append(all, part.data, part.len, &session->err));
    } while (part.len > 0);
    return true;
}

static void expect_object(struct session *session, struct objects_out *objects, const char *bytes,
                          size_t len)
{
    struct buffer all = {0};

    if (!read_object(session, objects, &all))
        fail_msg("%s", session->err.message);
    assert_int_equal(all.len, len);
    if (len > 0)
        assert_memory_equal(all.data, bytes, len);
    buffer_free(&all);
}

/* A hole in the first, a page of nobody's, nothing of the second, two pages of the third. */
static void put_first_piece(struct buffer *rows)
{
    put_head(rows);
    put_row(rows, 5, 3, "five");
    put_row(rows, 6, 0, "nobody's");
    put_row(rows, UINT32_MAX, 0, "the");
    put_row(rows, UINT32_MAX, 3, "");
    put_row(rows, UINT32_MAX, 3, " last");
    put_row(rows, UINT32_MAX, 8, "");
    put_u16(rows, 0xffff);
}

static void bytes_come_with_holes_as_zeros_and_empty_ones_empty(void **state)
{
    (void)state;
    for (int slowly = 0; slowly < 2; slowly++) {
        struct buffer rows = {0};
        struct session session;
        struct objects_out *objects;

        script_questions(&session);
        put_first_piece(&rows);
        script_copy(&session, &rows);
        put_head(&rows);
        put_row(&rows, 6, 0, "six");
        put_row(&rows, 8, 0, "nobody's");
        put_u16(&rows, 0xffff);
        script_copy(&session, &rows);
        if (slowly == 1)
            session_script_reply_slowly(&session);
        else
            session_script_reply(&session);
        scripted_expect(session.server, 'Q'); /* settings are as before again */
        script_set(&session);
        objects = start(&session);
        expect_object(&session, objects, "\0\0\0five", 7);
        expect_object(&session, objects, "", 0);
        expect_object(&session, objects, "the last", 8);
        assert_int_equal(objects_out_count(objects), 3);
        expect_object(&session, objects, "six", 3);
        assert_int_equal(objects_out_bytes(objects), 18);
        assert_int_equal(objects_out_count(objects), 4);
        objects_out_free(objects);
        session_finish(&session);
    }
}

static void long_holes_are_given_in_pieces(void **state)
{
    struct buffer rows = {0}, all = {0};
    struct session session;
    struct objects_out *objects;

    (void)state;
    script_questions(&session);
    put_head(&rows);
    put_row(&rows, 5, 200000, "x");
    put_u16(&rows, 0xffff);
    script_copy(&session, &rows);
    session_script_reply(&session);
    scripted_expect_close(session.server);
    objects = start(&session);
    assert_true(read_object(&session, objects, &all));
    assert_int_equal(all.len, 200001);
    for (size_t i = 0; i < 200000; i++)
        assert_int_equal(all.data[i], 0);
    assert_int_equal(all.data[200000], 'x');
    buffer_free(&all);
    objects_out_free(objects);
    wire_close(session.conn);
    session.conn = NULL;
    session_finish(&session);
}

/* ---- Failures ---- */

static void expect_failure(struct buffer *rows, const char *message)
{
    struct buffer all = {0};
    struct session session;
    struct objects_out *objects;

    script_questions(&session);
    script_copy(&session, rows);
    session_script_reply(&session);
    scripted_expect_close(session.server);
    objects = start(&session);
    for (int i = 0; i < 3; i++) {
        if (!read_object(&session, objects, &all))
            break;
        assert_true(i < 2);
    }
    assert_non_null(strstr(session.err.message, message));
    buffer_free(&all);
    objects_out_free(objects);
    wire_close(session.conn);
    session.conn = NULL;
    session_finish(&session);
}

static void an_answer_that_is_not_in_order_fails(void **state)
{
    static const struct {
        uint32_t oid;
        uint64_t place;
    } after[] = {{5, 0}, {7, 1}, {7, 2}};

    (void)state;
    for (size_t i = 0; i < 3; i++) { /* behind three bytes of 7 */
        struct buffer rows = {0};

        put_head(&rows);
        put_row(&rows, 7, 0, "123");
        put_row(&rows, after[i].oid, after[i].place, "x");
        put_u16(&rows, 0xffff);
        expect_failure(&rows, "the server's answer about large objects is in no order");
    }
}

static void an_answer_that_is_not_whole_fails(void **state)
{
    struct buffer rows = {0};

    (void)state;
    put_head(&rows);
    put_row(&rows, 5, 0, "five");
    expect_failure(&rows, "the server's answer is not complete");
    put_head(&rows);
    put_row(&rows, 5, 0, "five");
    rows.len -= 2;
    expect_failure(&rows, "the server's answer is not complete");
    put_head(&rows);
    put_u16(&rows, 0xffff);
    put_u16(&rows, 0xffff);
    expect_failure(&rows, "goes on behind its end");
}

static void an_answer_of_another_form_fails(void **state)
{
    struct error err;
    struct buffer rows = {0};

    (void)state;
    assert_true(buffer_append_string(&rows, "5\t0\t\\\\x66697665\n5\t4\t\\\\x\n", &err));
    expect_failure(&rows, "is not in the binary format of COPY");
    put_head(&rows);
    put_u16(&rows, 2);
    expect_failure(&rows, "has rows of other columns");
    put_head(&rows);
    put_row(&rows, 5, UINT64_MAX, "x");
    expect_failure(&rows, "has a row that makes no sense");
    put_head(&rows);
    put_row(&rows, 5, 0, "");
    memset(rows.data + rows.len - 4, 0xff, 4); /* a null */
    expect_failure(&rows, "has a row that makes no sense");
}

static void the_large_object_that_fails_is_named(void **state)
{
    struct buffer rows = {0}, all = {0};
    struct session session;
    struct objects_out *objects;

    (void)state;
    script_questions(&session);
    put_head(&rows);
    put_row(&rows, 5, 0, "five");
    put_row(&rows, 7, 0, "sev");
    scripted_copy_response(&session.reply, 'H');
    scripted_message(&session.reply, 'd', rows.data, rows.len);
    scripted_report(&session.reply, 'E', "ERROR", "42501", "permission denied for it");
    session_script_reply(&session);
    scripted_expect_close(session.server);
    objects = start(&session);
    assert_true(read_object(&session, objects, &all));
    assert_false(read_object(&session, objects, &all));
    assert_string_equal(session.err.message, "cannot read large object 7, or one behind it up to "
                                             "4294967295: permission denied for it");
    assert_non_null(strstr(session.err.hint, "GRANT SELECT ON LARGE OBJECT … TO \"maria\";"));
    buffer_free(&rows);
    buffer_free(&all);
    objects_out_free(objects);
    wire_close(session.conn);
    session.conn = NULL;
    session_finish(&session);
}

/* A row of nobody ends the last large object, and then the piece does not end as it should. */
static void what_fails_behind_the_last_large_object_has_its_name(void **state)
{
    struct buffer first = {0}, rows = {0}, all = {0};
    struct session session;
    struct objects_out *objects;

    (void)state;
    script_questions(&session);
    put_first_piece(&first);
    script_copy(&session, &first);
    put_head(&rows);
    put_row(&rows, 6, 0, "six");
    put_row(&rows, 9, 0, "nobody's");
    scripted_copy_response(&session.reply, 'H');
    scripted_message(&session.reply, 'd', rows.data, rows.len);
    scripted_report(&session.reply, 'E', "ERROR", "XX000", "it is damaged");
    session_script_reply(&session);
    scripted_expect_close(session.server);
    objects = start(&session);
    for (int i = 0; i < 3; i++)
        assert_true(read_object(&session, objects, &all));
    assert_false(read_object(&session, objects, &all));
    assert_string_equal(session.err.message, "cannot read large object 6: it is damaged");
    buffer_free(&first);
    buffer_free(&rows);
    buffer_free(&all);
    objects_out_free(objects);
    wire_close(session.conn);
    session.conn = NULL;
    session_finish(&session);
}

static void a_place_that_no_large_object_has_is_refused(void **state)
{
    struct buffer rows = {0};

    (void)state;
    put_head(&rows);
    put_row(&rows, 5, (uint64_t)1 << 44, "far");
    put_u16(&rows, 0xffff);
    expect_failure(&rows, "the server's answer about large objects has a row that makes no sense");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_with_holes_as_zeros_and_empty_ones_empty),
        cmocka_unit_test(long_holes_are_given_in_pieces),
        cmocka_unit_test(an_answer_that_is_not_in_order_fails),
        cmocka_unit_test(an_answer_that_is_not_whole_fails),
        cmocka_unit_test(an_answer_of_another_form_fails),
        cmocka_unit_test(the_large_object_that_fails_is_named),
        cmocka_unit_test(what_fails_behind_the_last_large_object_has_its_name),
        cmocka_unit_test(a_place_that_no_large_object_has_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
