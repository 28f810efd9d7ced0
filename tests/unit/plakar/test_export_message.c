/* What Plakar sends on Export, taken apart: by the wire format, whatever a newer one adds. */
#include "plakar/export_message.h"

#include "base/error.h"
#include "plakar/connectors.pb-c.h"
#include "plakar/exporter.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- Messages ---- */

static struct slice text(const char *bytes, size_t len)
{
    return slice_make((const uint8_t *)bytes, len);
}

#define BYTES(literal) text(literal, sizeof(literal) - 1)

static void a_message_is_a_record_or_a_chunk(void **state)
{
    enum export_packet packet;
    struct slice bytes;
    struct error err;

    (void)state;
    assert_true(export_message_read(BYTES("\x0a\x02\x12\x00"), &packet, &bytes, &err));
    assert_int_equal(packet, EXPORT_RECORD);
    assert_int_equal(bytes.len, 2);
    assert_true(export_message_read(BYTES("\x12\x03"
                                          "abc"),
                                    &packet, &bytes, &err));
    assert_int_equal(packet, EXPORT_CHUNK);
    assert_memory_equal(bytes.data, "abc", 3);
}

static void the_empty_chunk_is_there_although_it_is_empty(void **state)
{
    enum export_packet packet = EXPORT_RECORD;
    struct slice bytes = BYTES("something");
    struct error err;

    (void)state;
    assert_true(export_message_read(BYTES("\x12\x00"), &packet, &bytes, &err));
    assert_int_equal(packet, EXPORT_CHUNK);
    assert_int_equal(bytes.len, 0);
}

static void fields_of_newer_hosts_are_read_past(void **state)
{
    /* A number, eight bytes, four bytes and text; then the chunk; then a number of two bytes. */
    const struct slice message = BYTES("\x18\x96\x01"
                                       "\x21"
                                       "12345678"
                                       "\x2d"
                                       "1234"
                                       "\x32\x02"
                                       "hi"
                                       "\x12\x01"
                                       "c"
                                       "\x80\x01\x7f");
    enum export_packet packet;
    struct slice bytes;
    struct error err;

    (void)state;
    assert_true(export_message_read(message, &packet, &bytes, &err));
    assert_int_equal(packet, EXPORT_CHUNK);
    assert_memory_equal(bytes.data, "c", 1);
}

/* Each length is looked at in memory of its own, so that a byte behind it would be seen. */
static void what_is_cut_off_is_told(void **state)
{
    static const char message[] = "\x1d"
                                  "1234"
                                  "\x0a\x03"
                                  "abc";
    enum export_packet packet;
    struct slice bytes;
    struct error err;

    (void)state;
    for (size_t len = 0; len < sizeof(message) - 1; len++) {
        char *copy = malloc(len + 1);

        assert_non_null(copy);
        memcpy(copy, message, len);
        assert_false(export_message_read(text(copy, len), &packet, &bytes, &err));
        assert_int_equal(err.code, ERROR_PROTOCOL);
        free(copy);
    }
}

static void what_is_no_field_is_told(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } wrong[] = {
        {"\x0b", 1},                                              /* a group, which is no more */
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},     /* longer than memory */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* a number without an end */
        {"\x18\x01", 2},                                          /* neither */
    };
    enum export_packet packet;
    struct slice bytes;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(
            export_message_read(text(wrong[i].bytes, wrong[i].len), &packet, &bytes, &err));
        assert_int_equal(err.code, ERROR_PROTOCOL);
    }
}

/* ---- Records ---- */

static struct buffer pack(const char *path, uint32_t mode, bool has_content)
{
    Connectors__FileInfo info;
    Connectors__Record record;
    Connectors__Timestamp moment;
    struct buffer out = {0};
    struct error err;

    connectors__file_info__init(&info);
    connectors__record__init(&record);
    connectors__timestamp__init(&moment);
    moment.seconds = 1700000000;
    moment.nanos = 5;
    info.mode = mode;
    info.mod_time = &moment;
    record.pathname = (char *)(uintptr_t)path;
    record.has_reader = has_content;
    record.target = (char *)(uintptr_t) "where to";
    record.file_info = &info;
    assert_true(buffer_reserve(&out, connectors__record__get_packed_size(&record), &err));
    out.len = connectors__record__pack(&record, out.data);
    return out;
}

static bool read_record(struct export_record *record, const char *path, uint32_t mode,
                        struct error *err)
{
    struct buffer bytes = pack(path, mode, true);
    bool done = export_record_read(record, buffer_slice(&bytes), err);

    buffer_free(&bytes); /* nothing of it is borrowed */
    return done;
}

static void a_record_has_what_was_sent(void **state)
{
    struct export_record record;
    struct error err;

    (void)state;
    assert_true(read_record(&record, "/db/00001-x.dump", 0640, &err));
    assert_string_equal(record.path, "/db/00001-x.dump");
    assert_string_equal(record.target, "where to");
    assert_ptr_equal(record.record.path, record.path);
    assert_int_equal(record.record.type, RECORD_FILE);
    assert_int_equal(record.record.mode, 0640);
    assert_int_equal(record.record.modified.tv_sec, 1700000000);
    assert_int_equal(record.record.modified.tv_nsec, 5);
    assert_true(record.has_content);
    assert_false(record.is_attribute);
    export_record_reset(&record);
    assert_true(read_record(&record, "/db", UINT32_C(1) << 31 | 0755, &err));
    assert_int_equal(record.record.type, RECORD_DIRECTORY);
    export_record_reset(&record);
}

static void hosts_that_cut_the_slash_off_are_understood(void **state)
{
    struct export_record record;
    struct error err;

    (void)state;
    assert_true(read_record(&record, "00000-globals.sql", 0444, &err));
    assert_string_equal(record.path, "/00000-globals.sql");
    export_record_reset(&record);
    assert_true(read_record(&record, "/", UINT32_C(1) << 31, &err));
    assert_string_equal(record.path, "/");
    export_record_reset(&record);
}

static void a_path_that_is_none_is_told(void **state)
{
    static const char *const wrong[] = {"/../x", "/a/../b", "/a//b", "/.", "//", "/a/", ".."};
    struct export_record record;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(read_record(&record, wrong[i], 0644, &err));
        assert_null(record.path);
        assert_non_null(strstr(err.message, "a file whose name is none"));
    }
}

static void what_is_told_of_a_path_is_utf8(void **state)
{
    struct export_record record;
    struct error err;

    (void)state;
    assert_false(read_record(&record, "/\xff/..", 0644, &err));
    assert_non_null(strstr(err.message, "\"/\\xff/..\""));
}

static void an_attribute_is_no_file(void **state)
{
    struct export_record record;
    struct error err;

    (void)state;
    /* hasReader, the path, isXattr: there is no FileInfo. */
    assert_true(export_record_read(&record, BYTES("\x08\x01\x12\x02/a\x20\x01"), &err));
    assert_true(record.is_attribute && record.has_content);
    export_record_reset(&record);
    assert_false(export_record_read(&record, BYTES("\x08\x01\x12\x05/a"), &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
}

/* ---- Results ---- */

static void a_result_has_the_records_bytes_as_they_came(void **state)
{
    struct buffer record = pack("/a", 0644, true), message = {0};
    Exporter__ExportResponse *response;
    struct error err;

    (void)state;
    /* A field that nobody knows yet, in a form that a packer of ours would not choose. */
    assert_true(buffer_append(&record, "\xba\xa6\x02\x82\x00hi", 7, &err));
    assert_true(export_result_append(&message, buffer_slice(&record), "", &err));
    assert_non_null(memmem(message.data, message.len, record.data, record.len));
    response = exporter__export_response__unpack(NULL, message.len, message.data);
    assert_non_null(response);
    assert_string_equal(response->result->error, "");
    assert_string_equal(response->result->header->pathname, "/a");
    exporter__export_response__free_unpacked(response, NULL);
    buffer_free(&message);
    buffer_free(&record);
}

static void what_is_wrong_with_it_is_said_whatever_its_length(void **state)
{
    static const size_t lengths[] = {1, 127, 128, 16383, 16384};
    struct buffer record = pack("/a", 0644, true);
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct buffer message = {0};
        Exporter__ExportResponse *response;
        char *wrong = malloc(lengths[i] + 1);

        assert_non_null(wrong);
        memset(wrong, 'w', lengths[i]);
        wrong[lengths[i]] = '\0';
        assert_true(export_result_append(&message, buffer_slice(&record), wrong, &err));
        response = exporter__export_response__unpack(NULL, message.len, message.data);
        assert_non_null(response);
        assert_string_equal(response->result->error, wrong);
        exporter__export_response__free_unpacked(response, NULL);
        buffer_free(&message);
        free(wrong);
    }
    buffer_free(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_a_record_or_a_chunk),
        cmocka_unit_test(the_empty_chunk_is_there_although_it_is_empty),
        cmocka_unit_test(fields_of_newer_hosts_are_read_past),
        cmocka_unit_test(what_is_cut_off_is_told),
        cmocka_unit_test(what_is_no_field_is_told),
        cmocka_unit_test(a_record_has_what_was_sent),
        cmocka_unit_test(hosts_that_cut_the_slash_off_are_understood),
        cmocka_unit_test(a_path_that_is_none_is_told),
        cmocka_unit_test(what_is_told_of_a_path_is_utf8),
        cmocka_unit_test(an_attribute_is_no_file),
        cmocka_unit_test(a_result_has_the_records_bytes_as_they_came),
        cmocka_unit_test(what_is_wrong_with_it_is_said_whatever_its_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
