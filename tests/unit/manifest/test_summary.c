#include "manifest/summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct seen {
    size_t entries, heads;
    enum record_type types[4];
    char paths[4][64];
    uint64_t bytes;
    uint8_t digest[16];
    char target[64];
    char kind[16];
};

static bool take_head(void *context, const json_t *head, struct error *err)
{
    struct seen *seen = context;

    (void)err;
    seen->heads++;
    snprintf(seen->kind, sizeof(seen->kind), "%s",
             json_string_value(json_object_get(head, "kind")));
    return true;
}

static bool take_entry(void *context, const struct summary_entry *entry, struct error *err)
{
    struct seen *seen = context;

    (void)err;
    if (seen->entries == 4)
        return true;
    seen->types[seen->entries] = entry->type;
    snprintf(seen->paths[seen->entries], sizeof(seen->paths[0]), "%s", entry->path);
    if (entry->type == RECORD_FILE) {
        seen->bytes = entry->bytes;
        memcpy(seen->digest, entry->digest, sizeof(seen->digest));
    }
    if (entry->type == RECORD_LINK)
        snprintf(seen->target, sizeof(seen->target), "%s", entry->link_target);
    seen->entries++;
    return true;
}

static void write_summary(enum digest_algorithm algorithm, char *out, size_t out_size)
{
    const struct record file = {.type = RECORD_FILE, .path = "/manifest.json"};
    const struct record folder = {.type = RECORD_DIRECTORY, .path = "/data"};
    const struct record link = {.type = RECORD_LINK,
                                .path = "/data/pg_tblspc/16384",
                                .link_target = "../../tablespaces/16384"};
    struct error err;
    struct summary_writer *writer = summary_writer_new(algorithm, &err);
    uint8_t digest[DIGEST_MAX] = {1, 2, 3, 255};
    struct slice content;

    assert_non_null(writer);
    assert_true(summary_writer_add(writer, &file, 4711, digest, &err));
    assert_true(summary_writer_add(writer, &folder, 0, NULL, &err));
    assert_true(summary_writer_add(writer, &link, 0, NULL, &err));
    assert_true(summary_writer_finish(
        writer, json_pack("{s:s, s:[s]}", "kind", "physical", "warnings", "a\n\"b\""), &content,
        &err));
    assert_true(content.len < out_size);
    memcpy(out, content.data, content.len);
    out[content.len] = '\0';
    summary_writer_free(writer);
}

static bool read_summary(const char *text, size_t len, size_t piece, struct seen *seen,
                         struct error *err)
{
    const struct summary_handler handler = {seen, take_head, take_entry};
    struct summary_decoder *decoder = summary_decoder_new(&handler, err);
    struct slice rest = slice_make(text, len);
    bool ok = true;

    while (ok && rest.len > 0)
        ok = summary_decoder_feed(decoder, slice_take(&rest, rest.len < piece ? rest.len : piece),
                                  err);
    ok = ok && summary_decoder_finish(decoder, err);
    summary_decoder_free(decoder);
    return ok;
}

/* A record's path comes back byte by byte, and the file stays what JSON readers take. */
static void any_path_is_written_and_read(void **state)
{
    static const char *const paths[] = {
        "/data/plain",    "/data/\xc3\xbc",     "/data/\xff\xfe",         "/data/\xc3",
        "/data/\xc0\xaf", "/data/\xed\xa0\x80", "/data/\xf4\x90\x80\x80", "/data/a\nb\\\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const struct record folder = {.type = RECORD_DIRECTORY, .path = paths[i]};
        struct error err;
        struct summary_writer *writer = summary_writer_new(DIGEST_XXH3_128, &err);
        struct slice content;
        struct seen seen = {0};

        assert_true(summary_writer_add(writer, &folder, 0, NULL, &err));
        assert_true(
            summary_writer_finish(writer, json_pack("{s:s}", "kind", "physical"), &content, &err));
        assert_true(read_summary((const char *)content.data, content.len, 7, &seen, &err));
        assert_int_equal(seen.entries, 1);
        assert_string_equal(seen.paths[0], paths[i]);
        summary_writer_free(writer);
    }
}

static void what_was_written_is_read(void **state)
{
    static const enum digest_algorithm algorithms[] = {DIGEST_XXH3_128, DIGEST_SHA256};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t piece = 1; piece < 3000; piece = piece * 3 + 1) {
            struct seen seen = {0};
            struct error err = {0};
            char text[4096];

            write_summary(algorithms[i], text, sizeof(text));
            assert_true(read_summary(text, strlen(text), piece, &seen, &err));
            assert_int_equal(seen.heads, 1);
            assert_string_equal(seen.kind, "physical");
            assert_int_equal(seen.entries, 3);
            assert_int_equal(seen.bytes, 4711);
            assert_memory_equal(seen.digest, "\1\2\3\xff", 4);
            assert_int_equal(seen.types[1], RECORD_DIRECTORY);
            assert_string_equal(seen.paths[2], "/data/pg_tblspc/16384");
            assert_string_equal(seen.target, "../../tablespaces/16384");
        }
    }
}

static void it_is_json_and_says_complete(void **state)
{
    char text[4096];
    json_t *root;

    (void)state;
    write_summary(DIGEST_XXH3_128, text, sizeof(text));
    root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_object(root));
    assert_true(json_is_true(json_object_get(root, "complete")));
    assert_int_equal(json_array_size(json_object_get(root, "records")), 3);
    json_decref(root);
}

static void every_flipped_byte_is_an_error(void **state)
{
    char text[4096];
    size_t len;

    (void)state;
    write_summary(DIGEST_XXH3_128, text, sizeof(text));
    len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        for (int bit = 1; bit < 256; bit *= 2) {
            struct seen seen = {0};
            struct error err = {0};

            text[i] = (char)(text[i] ^ bit);
            assert_false(read_summary(text, len, 4096, &seen, &err));
            text[i] = (char)(text[i] ^ bit);
        }
    }
}

static void every_truncation_and_addition_is_an_error(void **state)
{
    char text[4096];
    size_t len;

    (void)state;
    write_summary(DIGEST_XXH3_128, text, sizeof(text));
    len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        struct seen seen = {0};
        struct error err = {0};

        assert_false(read_summary(text, i, 4096, &seen, &err));
    }
    for (int byte = 0; byte < 256; byte++) {
        struct seen seen = {0};
        struct error err = {0};

        text[len] = (char)byte;
        assert_false(read_summary(text, len + 1, 4096, &seen, &err));
    }
}

static void folders_and_links_differ_in_the_ledger(void **state)
{
    uint8_t folder[DIGEST_MAX], link[DIGEST_MAX], other[DIGEST_MAX];

    (void)state;
    assert_int_equal(summary_ledger_digest(RECORD_DIRECTORY, NULL, 0, NULL, folder), 16);
    assert_int_equal(summary_ledger_digest(RECORD_LINK, NULL, 0, "", link), 16);
    assert_int_equal(summary_ledger_digest(RECORD_LINK, NULL, 0, "x", other), 16);
    assert_memory_not_equal(folder, link, 16);
    assert_memory_not_equal(link, other, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(any_path_is_written_and_read),
        cmocka_unit_test(it_is_json_and_says_complete),
        cmocka_unit_test(every_flipped_byte_is_an_error),
        cmocka_unit_test(every_truncation_and_addition_is_an_error),
        cmocka_unit_test(folders_and_links_differ_in_the_ledger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
