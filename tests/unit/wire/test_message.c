#include "support/session.h"

#include "wire/message_internal.h"

#include <stdlib.h>

/* A literal with its length; the compiler's own final NUL does not count. */
#define BYTES(literal) (literal), sizeof(literal) - 1
#define SLICE(literal) slice_make((literal), sizeof(literal) - 1)

static void assert_built(struct buffer *out, const char *bytes, size_t len)
{
    assert_int_equal(out->len, len);
    assert_memory_equal(out->data, bytes, len);
    buffer_free(out);
}

/* ---- Building ---- */

static void a_startup_message_has_version_and_parameters(void **state)
{
    const struct message_parameter parameters[] = {{"user", "ada"}, {"database", "db"}};
    struct buffer out = {0};
    struct error err;

    (void)state;
    assert_true(message_append_startup(&out, PROTOCOL_VERSION_3_0, parameters, 2, &err));
    assert_built(&out, BYTES("\0\0\0\036\0\3\0\0user\0ada\0database\0db\0\0"));
}

static void requests_before_the_session_are_as_documented(void **state)
{
    struct buffer out = {0};
    struct error err;

    (void)state;
    assert_true(message_append_tls_request(&out, &err));
    assert_built(&out, BYTES("\0\0\0\010\x04\xd2\x16\x2f"));
    assert_true(message_append_cancel_request(&out, 0x01020304, SLICE("keys"), &err));
    assert_built(&out, BYTES("\0\0\0\020\x04\xd2\x16\x2e\1\2\3\4keys"));
}

static void password_messages_are_as_documented(void **state)
{
    struct buffer out = {0};
    struct error err;

    (void)state;
    assert_true(message_append_password(&out, "secret", &err));
    assert_built(&out, BYTES("p\0\0\0\013secret\0"));
    assert_true(message_append_sasl_initial(&out, "MECH", SLICE("abc"), &err));
    assert_built(&out, BYTES("p\0\0\0\020MECH\0\0\0\0\003abc"));
    assert_true(message_append_sasl_response(&out, SLICE("abc"), &err));
    assert_built(&out, BYTES("p\0\0\0\007abc"));
}

static void a_bind_message_has_nulls_and_values(void **state)
{
    const char *const values[] = {"a", NULL, ""};
    struct buffer out = {0};
    struct error err;

    (void)state;
    assert_true(message_append_bind(&out, "p", "s", 3, values, &err));
    assert_built(&out, BYTES("B\0\0\0\033p\0s\0\0\0\0\003\0\0\0\001a\xff\xff\xff\xff\0\0\0\0\0\0"));
}

static void the_other_messages_are_as_documented(void **state)
{
    struct buffer out = {0};
    struct error err;

    (void)state;
    assert_true(message_append_query(&out, "SELECT", &err));
    assert_built(&out, BYTES("Q\0\0\0\013SELECT\0"));
    assert_true(message_append_parse(&out, "s", "SQL", &err));
    assert_built(&out, BYTES("P\0\0\0\014s\0SQL\0\0\0"));
    assert_true(message_append_describe_portal(&out, "p", &err));
    assert_built(&out, BYTES("D\0\0\0\007Pp\0"));
    assert_true(message_append_execute(&out, "p", 258, &err));
    assert_built(&out, BYTES("E\0\0\0\012p\0\0\0\1\2"));
    assert_true(message_append_close_statement(&out, "s", &err));
    assert_built(&out, BYTES("C\0\0\0\007Ss\0"));
    assert_true(message_append_sync(&out, &err));
    assert_built(&out, BYTES("S\0\0\0\004"));
    assert_true(message_append_copy_data(&out, SLICE("row"), &err));
    assert_built(&out, BYTES("d\0\0\0\007row"));
    assert_true(message_append_copy_done(&out, &err));
    assert_built(&out, BYTES("c\0\0\0\004"));
    assert_true(message_append_copy_fail(&out, "no", &err));
    assert_built(&out, BYTES("f\0\0\0\007no\0"));
    assert_true(message_append_terminate(&out, &err));
    assert_built(&out, BYTES("X\0\0\0\004"));
}

static void a_message_that_cannot_be_built_leaves_the_buffer_as_it_was(void **state)
{
    struct buffer out = {0};
    struct error err;

    (void)state;
    assert_true(message_append_sync(&out, &err));
    assert_false(message_append_bind(&out, "", "", 65536, NULL, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_built(&out, BYTES("S\0\0\0\004"));
}

/* ---- Headers ---- */

static bool header_of(const char bytes[5], struct message_header *header, struct error *err)
{
    return message_parse_header((const uint8_t *)bytes, header, err);
}

static void a_header_gives_type_and_length(void **state)
{
    struct message_header header;
    struct error err;

    (void)state;
    assert_true(header_of("D\0\0\1\0", &header, &err));
    assert_int_equal(header.type, 'D');
    assert_int_equal(header.body_len, 252);
}

static void a_length_that_cannot_be_is_an_error(void **state)
{
    const char *const lengths[] = {"D\0\0\0\0",   "D\0\0\0\003",       "D\xff\xff\xff\xff",
                                   "d\x80\0\0\0", "Z\x7f\xff\xff\xff", "N\4\0\0\5",
                                   "E\x40\0\0\5"};
    struct message_header header;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        assert_false(header_of(lengths[i], &header, &err));
        assert_int_equal(err.code, ERROR_PROTOCOL);
    }
}

static void copy_data_may_be_as_long_as_the_protocol_allows(void **state)
{
    struct message_header header;
    struct error err;

    (void)state;
    assert_true(header_of("d\x7f\xff\xff\xff", &header, &err));
    assert_int_equal(header.body_len, INT32_MAX - 4);
}

static void an_unknown_type_is_an_error(void **state)
{
    struct message_header header;
    struct error err;

    (void)state;
    assert_false(header_of("?\0\0\0\004", &header, &err));
    assert_false(header_of("\0\0\0\0\004", &header, &err));
    assert_false(header_of(" \0\0\0\004", &header, &err));
    assert_false(header_of("\xff\0\0\0\004", &header, &err));
}

/* ---- Bodies ---- */

static void a_report_gives_its_fields_and_ignores_unknown_ones(void **state)
{
    struct message_report report;
    struct error err;

    (void)state;
    assert_true(message_parse_report(
        SLICE("VERROR\0SFEHLER\0C42P01\0Mno table\0Dwhich\0Hmake it\0Wline 1\0zwhat\0\0"), &report,
        &err));
    assert_string_equal(report.severity, "ERROR");
    assert_string_equal(report.sqlstate, "42P01");
    assert_string_equal(report.message, "no table");
    assert_string_equal(report.detail, "which");
    assert_string_equal(report.hint, "make it");
    assert_string_equal(report.where, "line 1");
    assert_false(message_report_is_fatal(&report));
}

static void fatal_and_panic_end_the_session(void **state)
{
    struct message_report report;
    struct error err;

    (void)state;
    assert_true(message_parse_report(SLICE("SFATAL\0\0"), &report, &err));
    assert_true(message_report_is_fatal(&report));
    assert_true(message_parse_report(SLICE("STODLICH\0VPANIC\0\0"), &report, &err));
    assert_true(message_report_is_fatal(&report));
}

static void a_row_description_gives_names_and_types(void **state)
{
    struct message_column *columns = NULL;
    size_t capacity = 0, count;
    struct error err;

    (void)state;
    assert_true(
        message_parse_row_description(SLICE("\0\2id\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff\0\0"
                                            "\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"),
                                      &columns, &capacity, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(columns[0].name, "id");
    assert_int_equal(columns[0].type, 23);
    assert_string_equal(columns[1].name, "");
    assert_int_equal(columns[1].type, 25);
    free(columns);
}

static void a_data_row_tells_null_from_empty(void **state)
{
    struct slice *values = NULL;
    size_t capacity = 0, count;
    struct error err;

    (void)state;
    assert_true(message_parse_data_row(SLICE("\0\3\0\0\0\2xy\xff\xff\xff\xff\0\0\0\0"), &values,
                                       &capacity, &count, &err));
    assert_int_equal(count, 3);
    assert_true(slice_equals(values[0], slice_string("xy")));
    assert_null(values[1].data);
    assert_non_null(values[2].data);
    assert_int_equal(values[2].len, 0);
    free(values);
}

static void a_backend_key_has_4_to_256_bytes(void **state)
{
    static const uint8_t longest[261];
    struct slice key;
    struct error err;
    uint32_t pid;

    (void)state;
    assert_true(message_parse_backend_key(SLICE("\0\0\1\1abcd"), &pid, &key, &err));
    assert_int_equal(pid, 257);
    assert_true(slice_equals(key, slice_string("abcd")));
    assert_true(message_parse_backend_key(SLICE("\0\0\1\1abcdefghijklmnopqrstuvwxyz012345"), &pid,
                                          &key, &err));
    assert_int_equal(key.len, 32);
    assert_false(message_parse_backend_key(SLICE("\0\0\1\1abc"), &pid, &key, &err));
    assert_true(message_parse_backend_key(slice_make(longest, 260), &pid, &key, &err));
    assert_int_equal(key.len, 256);
    assert_false(message_parse_backend_key(slice_make(longest, 261), &pid, &key, &err));
}

static bool parse_any(char type, struct slice body, struct error *err)
{
    struct message_column *columns = NULL;
    struct slice *values = NULL, slice;
    struct message_report report;
    size_t capacity = 0, count;
    const char *a, *b;
    uint32_t number;
    bool ok = false;
    char status;

    switch (type) {
    case 'E':
        return message_parse_report(body, &report, err);
    case 'T':
        ok = message_parse_row_description(body, &columns, &capacity, &count, err);
        free(columns);
        return ok;
    case 'D':
        ok = message_parse_data_row(body, &values, &capacity, &count, err);
        free(values);
        return ok;
    case 'H':
        return message_parse_copy_response(body, err);
    case 't':
        return message_parse_parameter_description(body, err);
    case 'C':
        return message_parse_command_complete(body, &a, err);
    case 'Z':
        return message_parse_ready(body, &status, err);
    case 'S':
        return message_parse_parameter_status(body, &a, &b, err);
    case 'K':
        return message_parse_backend_key(body, &number, &slice, err);
    case 'v':
        return message_parse_negotiate_version(body, &number, &slice, err);
    default:
        return message_parse_authentication(body, &number, &slice, err);
    }
}

/* Every body here is valid as it stands and in no shortened form. */
static void a_truncated_body_is_an_error(void **state)
{
    const struct {
        char type;
        const char *bytes;
        size_t len;
    } bodies[] = {
        {'E', BYTES("SERROR\0C42P01\0Mno\0\0")},
        {'T', BYTES("\0\1id\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff\0\0")},
        {'D', BYTES("\0\2\0\0\0\2xy\xff\xff\xff\xff")},
        {'H', BYTES("\0\0\2\0\0\0\0")},
        {'t', BYTES("\0\2\0\0\0\x17\0\0\0\x19")},
        {'C', BYTES("SELECT 1\0")},
        {'Z', BYTES("I")},
        {'S', BYTES("TimeZone\0UTC\0")},
        {'K', BYTES("\0\0\1\1abcd")},
        {'v', BYTES("\0\3\0\0\0\0\0\2_pq_.a\0_pq_.b\0")},
        {'R', BYTES("\0\0\0\0")},
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_true(parse_any(bodies[i].type, slice_make(bodies[i].bytes, bodies[i].len), &err));
        for (size_t len = 0; len < bodies[i].len; len++) {
            /* Memory of exactly that size, so that a read beyond it is seen. */
            uint8_t *copy = malloc(len + 1);

            memcpy(copy, bodies[i].bytes, len);
            copy = realloc(copy, len == 0 ? 1 : len);
            assert_false(parse_any(bodies[i].type, slice_make(copy, len), &err));
            assert_int_equal(err.code, ERROR_PROTOCOL);
            free(copy);
        }
    }
}

static void a_body_with_bytes_left_over_is_an_error(void **state)
{
    struct error err;

    (void)state;
    assert_false(parse_any('C', SLICE("SELECT 1\0x"), &err));
    assert_false(parse_any('D', SLICE("\0\0x"), &err));
    assert_false(parse_any('T', SLICE("\0\0x"), &err));
    assert_false(parse_any('H', SLICE("\0\0\0x"), &err));
    assert_false(parse_any('Z', SLICE("IT"), &err));
    assert_false(parse_any('S', SLICE("a\0b\0c"), &err));
    assert_false(message_parse_empty('1', SLICE("x"), &err));
}

static void lengths_inside_a_row_are_not_believed(void **state)
{
    struct error err;

    (void)state;
    assert_false(parse_any('D', SLICE("\0\1\x7f\xff\xff\xffxy"), &err));
    assert_false(parse_any('D', SLICE("\0\1\xff\xff\xff\xfexy"), &err));
    assert_false(parse_any('D', SLICE("\xff\xff\0\0\0\1x"), &err));
    assert_false(parse_any('v', SLICE("\0\3\0\0\xff\xff\xff\xff"), &err));
    assert_false(parse_any('Z', SLICE("X"), &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_startup_message_has_version_and_parameters),
        cmocka_unit_test(requests_before_the_session_are_as_documented),
        cmocka_unit_test(password_messages_are_as_documented),
        cmocka_unit_test(a_bind_message_has_nulls_and_values),
        cmocka_unit_test(the_other_messages_are_as_documented),
        cmocka_unit_test(a_message_that_cannot_be_built_leaves_the_buffer_as_it_was),
        cmocka_unit_test(a_header_gives_type_and_length),
        cmocka_unit_test(a_length_that_cannot_be_is_an_error),
        cmocka_unit_test(copy_data_may_be_as_long_as_the_protocol_allows),
        cmocka_unit_test(an_unknown_type_is_an_error),
        cmocka_unit_test(a_report_gives_its_fields_and_ignores_unknown_ones),
        cmocka_unit_test(fatal_and_panic_end_the_session),
        cmocka_unit_test(a_row_description_gives_names_and_types),
        cmocka_unit_test(a_data_row_tells_null_from_empty),
        cmocka_unit_test(a_backend_key_has_4_to_256_bytes),
        cmocka_unit_test(a_truncated_body_is_an_error),
        cmocka_unit_test(a_body_with_bytes_left_over_is_an_error),
        cmocka_unit_test(lengths_inside_a_row_are_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
