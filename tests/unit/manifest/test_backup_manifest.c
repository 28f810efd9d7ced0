#include "base/bytes.h"
#include "manifest/backup_manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

struct seen {
    size_t files, ranges;
    char paths[4][64];
    uint64_t sizes[4];
    enum digest_algorithm algorithms[4];
    uint8_t first_digest[4];
    uint64_t start, end;
    bool refuse;
};

static bool take_file(void *context, const struct backup_manifest_file *file, struct error *err)
{
    struct seen *seen = context;

    if (seen->refuse)
        return error_set(err, ERROR_CORRUPT, "refused");
    assert_true(seen->files < 4);
    snprintf(seen->paths[seen->files], sizeof(seen->paths[0]), "%s", file->path);
    seen->sizes[seen->files] = file->size;
    seen->algorithms[seen->files] = file->algorithm;
    if (seen->files == 0)
        memcpy(seen->first_digest, file->digest, 4);
    seen->files++;
    return true;
}

static bool take_range(void *context, uint32_t timeline, uint64_t start, uint64_t end,
                       struct error *err)
{
    struct seen *seen = context;

    (void)err;
    assert_int_equal(timeline, 1);
    seen->start = start;
    seen->end = end;
    seen->ranges++;
    return true;
}

#define HEAD_1 "{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [\n"
#define HEAD_2                                                                                     \
    "{ \"PostgreSQL-Backup-Manifest-Version\": 2,\n\"System-Identifier\": 7711014182979184126,\n"  \
    "\"Files\": [\n"
#define FILES                                                                                      \
    "{ \"Path\": \"base/1/1259\", \"Size\": 8192, \"Last-Modified\": \"2026-11-22 15:16:19 GMT\"," \
    " \"Checksum-Algorithm\": \"CRC32C\", \"Checksum\": \"3f7a668d\" },\n"                         \
    "{ \"Encoded-Path\": \"6261ff\", \"Size\": 0, \"Last-Modified\": \"2026-11-22 15:16:19 GMT\" " \
    "}\n],\n"
#define RANGES                                                                                     \
    "\"WAL-Ranges\": [\n{ \"Timeline\": 1, \"Start-LSN\": \"0/6000028\", \"End-LSN\": "            \
    "\"0/6000120\" }\n],\n"

/* The text with its own checksum behind it, as a server writes it. */
static void seal(const char *text, char *out, size_t out_size)
{
    struct error err;
    struct digest *digest = digest_new(DIGEST_SHA256, &err);
    uint8_t bytes[DIGEST_MAX];
    char hex[DIGEST_TEXT_SIZE];

    digest_update(digest, slice_string(text));
    digest_end(digest, bytes);
    digest_free(digest);
    bytes_to_hex(bytes, 32, hex);
    snprintf(out, out_size, "%s\"Manifest-Checksum\": \"%s\"}\n", text, hex);
}

/* Feeds the text in pieces of that size. */
static bool read_text(const char *text, size_t len, size_t piece, struct seen *seen,
                      struct error *err)
{
    const struct backup_manifest_handler handler = {seen, take_file, take_range};
    struct backup_manifest_decoder *decoder = backup_manifest_decoder_new(&handler, err);
    struct slice rest = slice_make(text, len);
    bool ok = true;

    while (ok && rest.len > 0)
        ok = backup_manifest_decoder_feed(
            decoder, slice_take(&rest, rest.len < piece ? rest.len : piece), err);
    ok = ok && backup_manifest_decoder_finish(decoder, err);
    backup_manifest_decoder_free(decoder);
    return ok;
}

static void both_versions_are_read_whole_and_byte_by_byte(void **state)
{
    static const char *const heads[] = {HEAD_1, HEAD_2};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t piece = 1; piece < 2000; piece = piece * 3 + 1) {
            struct seen seen = {0};
            struct error err = {0};
            char body[1500], text[2000];

            snprintf(body, sizeof(body), "%s%s%s", heads[i], FILES, RANGES);
            seal(body, text, sizeof(text));
            assert_true(read_text(text, strlen(text), piece, &seen, &err));
            assert_int_equal(seen.files, 2);
            assert_string_equal(seen.paths[0], "base/1/1259");
            assert_string_equal(seen.paths[1], "ba\xff");
            assert_int_equal(seen.sizes[0], 8192);
            assert_int_equal(seen.algorithms[0], DIGEST_CRC32C);
            assert_int_equal(seen.algorithms[1], DIGEST_NONE);
            assert_memory_equal(seen.first_digest, "\x3f\x7a\x66\x8d", 4);
            assert_int_equal(seen.ranges, 1);
            assert_true(seen.start == 0x6000028 && seen.end == 0x6000120);
        }
    }
}

static void every_truncation_is_an_error(void **state)
{
    char text[2000];

    (void)state;
    seal(HEAD_2 FILES RANGES, text, sizeof(text));
    for (size_t len = 0; len < strlen(text); len++) {
        struct seen seen = {0};
        struct error err = {0};

        assert_false(read_text(text, len, 100, &seen, &err));
        assert_int_equal(err.code, ERROR_CORRUPT);
    }
}

static void every_flipped_byte_is_an_error(void **state)
{
    char text[2000];
    size_t len;

    (void)state;
    seal(HEAD_2 FILES RANGES, text, sizeof(text));
    len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        struct seen seen = {0};
        struct error err = {0};

        text[i] ^= 1;
        assert_false(read_text(text, len, 4096, &seen, &err));
        text[i] ^= 1;
    }
}

static void the_handler_can_stop_the_reading(void **state)
{
    struct seen seen = {.refuse = true};
    struct error err = {0};
    char text[2000];

    (void)state;
    seal(HEAD_2 FILES RANGES, text, sizeof(text));
    assert_false(read_text(text, strlen(text), 4096, &seen, &err));
    assert_string_equal(err.message, "refused");
}

static void an_endless_line_is_an_error(void **state)
{
    struct seen seen = {0};
    struct error err = {0};
    static char text[200000];

    (void)state;
    memset(text, 'x', sizeof(text));
    assert_false(read_text(text, sizeof(text), 1000, &seen, &err));
    assert_non_null(strstr(err.message, "too long"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_versions_are_read_whole_and_byte_by_byte),
        cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(every_flipped_byte_is_an_error),
        cmocka_unit_test(the_handler_can_stop_the_reading),
        cmocka_unit_test(an_endless_line_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
