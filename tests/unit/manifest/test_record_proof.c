#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "manifest/record_proof.h"

static const char content[] = "contents of the archive, then its data";

#define CONTENTS_END 23

static struct slice all_of(const char *text)
{
    return slice_make(text, strlen(text));
}

static void digest_of(enum digest_algorithm algorithm, struct slice data, uint8_t out[DIGEST_MAX])
{
    struct error err;
    struct digest *digest = digest_new(algorithm, &err);

    assert_non_null(digest);
    digest_begin(digest);
    digest_update(digest, data);
    digest_end(digest, out);
    digest_free(digest);
}

static struct record_proof *proof_of(enum digest_algorithm summary)
{
    struct error err;
    struct record_proof *proof = record_proof_new(&err);

    assert_non_null(proof);
    assert_true(record_proof_choose(proof, record_proof_listed_beside(summary), summary, &err));
    return proof;
}

static void assert_ends(struct record_proof *proof, enum digest_algorithm algorithm,
                        const uint8_t *expected)
{
    uint8_t digest[DIGEST_MAX];

    assert_int_equal(record_proof_end(proof, digest), digest_size(algorithm));
    assert_memory_equal(digest, expected, digest_size(algorithm));
}

static void each_list_has_its_digest(void **state)
{
    static const enum digest_algorithm summaries[] = {DIGEST_XXH3_128, DIGEST_SHA256};
    static const enum digest_algorithm lists[] = {DIGEST_CRC32C, DIGEST_SHA256};
    uint8_t expected[DIGEST_MAX];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct record_proof *proof = proof_of(summaries[i]);

        record_proof_begin(proof, LAYOUT_LISTED);
        record_proof_feed(proof, all_of("a file of "));
        record_proof_feed(proof, all_of("the cluster"));
        assert_int_equal(record_proof_bytes(proof), 21);
        digest_of(lists[i], all_of("a file of the cluster"), expected);
        assert_ends(proof, lists[i], expected);

        record_proof_begin(proof, LAYOUT_SUMMARY);
        record_proof_feed(proof, all_of("another"));
        assert_int_equal(record_proof_bytes(proof), 7);
        digest_of(summaries[i], all_of("another"), expected);
        assert_ends(proof, summaries[i], expected);
        record_proof_free(proof);
    }
}

static void what_no_list_has_is_only_counted(void **state)
{
    struct record_proof *proof = proof_of(DIGEST_XXH3_128);
    uint8_t digest[DIGEST_MAX];

    (void)state;
    record_proof_begin(proof, LAYOUT_THE_SUMMARY);
    record_proof_feed(proof, all_of("{}"));
    assert_int_equal(record_proof_bytes(proof), 2);
    assert_int_equal(record_proof_end(proof, digest), 0);
    record_proof_free(proof);
}

static void the_choice_may_come_at_any_byte_of_the_first_record(void **state)
{
    static const enum digest_algorithm summaries[] = {DIGEST_XXH3_128, DIGEST_SHA256};
    uint8_t expected[DIGEST_MAX];
    struct error err;

    (void)state;
    for (size_t at = 0; at <= strlen(content); at++) {
        for (size_t i = 0; i < 2; i++) {
            struct record_proof *proof = record_proof_new(&err);
            struct slice rest = all_of(content), head = slice_take(&rest, at);

            assert_non_null(proof);
            record_proof_begin(proof, LAYOUT_SUMMARY);
            record_proof_feed(proof, head);
            assert_true(record_proof_choose(proof, DIGEST_CRC32C, summaries[i], &err));
            record_proof_feed(proof, rest);
            digest_of(summaries[i], all_of(content), expected);
            assert_ends(proof, summaries[i], expected);
            record_proof_free(proof);
        }
    }
}

/* The digest of the two digests behind each other. */
static void expect_archive(struct slice contents, struct slice rest, uint8_t out[DIGEST_MAX])
{
    uint8_t parts[2 * DIGEST_MAX];
    size_t size = digest_size(DIGEST_XXH3_128);

    digest_of(DIGEST_XXH3_128, contents, parts);
    digest_of(DIGEST_XXH3_128, rest, parts + size);
    digest_of(DIGEST_XXH3_128, slice_make(parts, 2 * size), out);
}

static void an_archive_is_proved_in_two_parts_wherever_it_is_cut(void **state)
{
    struct slice rest = all_of(content), contents = slice_take(&rest, CONTENTS_END);
    uint8_t expected[DIGEST_MAX];

    (void)state;
    expect_archive(contents, rest, expected);
    for (size_t at = 0; at <= strlen(content); at++) {
        struct record_proof *proof = proof_of(DIGEST_XXH3_128);
        struct slice tail = all_of(content), head = slice_take(&tail, at);

        record_proof_begin_archive(proof);
        if (at > CONTENTS_END) /* it is known once the bytes behind it are there */
            record_proof_contents_end(proof, CONTENTS_END);
        record_proof_feed(proof, head);
        record_proof_contents_end(proof, CONTENTS_END);
        record_proof_feed(proof, tail);
        assert_int_equal(record_proof_bytes(proof), strlen(content));
        assert_ends(proof, DIGEST_XXH3_128, expected);
        record_proof_free(proof);
    }
}

static bool read_amended(void *context, uint64_t position, uint8_t *bytes, size_t len,
                         struct error *err)
{
    (void)err;
    memcpy(bytes, (const char *)context + position, len);
    return true;
}

static bool read_nothing(void *context, uint64_t position, uint8_t *bytes, size_t len,
                         struct error *err)
{
    (void)context, (void)position, (void)bytes, (void)len;
    return error_set(err, ERROR_IO, "the disk is gone");
}

static void an_amended_table_of_contents_is_read_back(void **state)
{
    char amended[] = "CONTENTS of the archive, then its data";
    const struct reader_amender amender = {.context = amended, .read = read_amended};
    const struct reader_amender broken = {.read = read_nothing};
    struct record_proof *proof = proof_of(DIGEST_XXH3_128);
    struct slice rest = all_of(amended), contents = slice_take(&rest, CONTENTS_END);
    uint8_t expected[DIGEST_MAX];
    struct error err;

    (void)state;
    record_proof_begin_archive(proof);
    record_proof_feed(proof, slice_make(content, CONTENTS_END));
    record_proof_contents_end(proof, CONTENTS_END);
    record_proof_feed(proof, all_of(content + CONTENTS_END));
    assert_false(record_proof_amended(proof, &broken, &err));
    assert_true(record_proof_amended(proof, &amender, &err));
    expect_archive(contents, rest, expected);
    assert_ends(proof, DIGEST_XXH3_128, expected);

    record_proof_begin(proof, LAYOUT_SUMMARY); /* the next one is no archive again */
    record_proof_feed(proof, all_of("x"));
    digest_of(DIGEST_XXH3_128, all_of("x"), expected);
    assert_ends(proof, DIGEST_XXH3_128, expected);
    record_proof_free(proof);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_list_has_its_digest),
        cmocka_unit_test(what_no_list_has_is_only_counted),
        cmocka_unit_test(the_choice_may_come_at_any_byte_of_the_first_record),
        cmocka_unit_test(an_archive_is_proved_in_two_parts_wherever_it_is_cut),
        cmocka_unit_test(an_amended_table_of_contents_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
