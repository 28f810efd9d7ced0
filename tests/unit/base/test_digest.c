#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/digest.h"

#include <stdlib.h>

/* Published check values of the algorithms. */
static const struct {
    enum digest_algorithm algorithm;
    const char *text;
    const char *formatted;
} vectors[] = {
    {DIGEST_SHA224, "abc", "sha224:23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
    {DIGEST_SHA256, "abc",
     "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {DIGEST_SHA256, "", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {DIGEST_SHA384, "abc",
     "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358ba"
     "eca134c825a7"},
    {DIGEST_SHA512, "abc",
     "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba"
     "3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {DIGEST_XXH3_128, "", "xxh3-128:99aa06d3014798d86001c324468d497f"},
    /* 0xe3069283, little-endian as a backup_manifest prints it */
    {DIGEST_CRC32C, "123456789", "crc32c:839206e3"},
    {DIGEST_CRC32C, "", "crc32c:00000000"},
};

static void known_texts_have_their_known_digests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct error err;
        struct digest *digest = digest_new(vectors[i].algorithm, &err);
        uint8_t bytes[DIGEST_MAX];
        char text[DIGEST_TEXT_SIZE];

        assert_non_null(digest);
        digest_update(digest, slice_string(vectors[i].text));
        digest_end(digest, bytes);
        digest_format(vectors[i].algorithm, bytes, text);
        assert_string_equal(text, vectors[i].formatted);
        digest_free(digest);
    }
}

static void crc32c_has_its_check_value_and_continues(void **state)
{
    uint32_t crc;

    (void)state;
    assert_int_equal(digest_crc32c(0, slice_string("123456789")), 0xe3069283);
    crc = digest_crc32c(0, slice_string("1234"));
    assert_int_equal(digest_crc32c(crc, slice_string("56789")), 0xe3069283);
}

static void pieces_give_what_the_whole_gives(void **state)
{
    enum { SIZE = 5000 };
    uint8_t *data = malloc(SIZE);
    struct error err;

    (void)state;
    assert_non_null(data);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 31 + i / 256);
    for (int algorithm = DIGEST_CRC32C; algorithm <= DIGEST_XXH3_128; algorithm++) {
        struct digest *digest = digest_new((enum digest_algorithm)algorithm, &err);
        uint8_t whole[DIGEST_MAX] = {0}, pieces[DIGEST_MAX] = {0};

        assert_non_null(digest);
        digest_update(digest, slice_make(data, SIZE));
        digest_end(digest, whole);
        digest_begin(digest);
        for (size_t at = 0, len = 1; at < SIZE; at += len, len = len * 2 + 1) {
            size_t left = SIZE - at;

            digest_update(digest, slice_make(data + at, len < left ? len : left));
        }
        digest_end(digest, pieces);
        assert_memory_equal(whole, pieces, DIGEST_MAX);
        digest_free(digest);
    }
    free(data);
}

static void names_are_found_in_any_case(void **state)
{
    enum digest_algorithm algorithm;

    (void)state;
    for (int i = DIGEST_NONE; i <= DIGEST_XXH3_128; i++) {
        assert_true(digest_from_name(digest_name((enum digest_algorithm)i), &algorithm));
        assert_int_equal(algorithm, i);
    }
    assert_true(digest_from_name("SHA256", &algorithm));
    assert_int_equal(algorithm, DIGEST_SHA256);
    assert_int_equal(digest_size(DIGEST_SHA512), 64);
    assert_false(digest_from_name("md5", &algorithm));
    assert_false(digest_from_name("", &algorithm));
}

static void crc32c_is_the_same_with_and_without_the_instruction(void **state)
{
    static uint8_t data[20000];
    uint32_t random = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++) {
        random = random * 1664525 + 1013904223;
        data[i] = (uint8_t)(random >> 24);
    }
    for (size_t len = 0; len < sizeof(data); len += len < 100 ? 1 : 777) {
        struct slice part = slice_make(data + len % 8, len > 8 ? len - 8 : len);

        assert_int_equal(digest_crc32c((uint32_t)len, part),
                         digest_crc32c_portable((uint32_t)len, part));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts_have_their_known_digests),
        cmocka_unit_test(crc32c_has_its_check_value_and_continues),
        cmocka_unit_test(crc32c_is_the_same_with_and_without_the_instruction),
        cmocka_unit_test(pieces_give_what_the_whole_gives),
        cmocka_unit_test(names_are_found_in_any_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
