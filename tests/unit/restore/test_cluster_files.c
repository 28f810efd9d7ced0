#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/digest.h"
#include "restore/cluster_files.h"

#define SIZE 8192

/* A pg_control whose checksum lies at that place: random bytes, the checksum, zeros. */
static void fill(uint8_t control[SIZE], size_t place)
{
    uint32_t crc;

    memset(control, 0, SIZE);
    for (size_t i = 0; i < place; i++)
        control[i] = (uint8_t)(i * 151 + 7);
    crc = digest_crc32c(0, slice_make(control, place));
    memcpy(control + place, &crc, sizeof(crc));
}

static void a_control_file_matches_its_own_checksum_wherever_that_lies(void **state)
{
    static const size_t places[] = {288, 292, 296, 508};
    uint8_t control[SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        fill(control, places[i]);
        assert_true(control_checksum_is_right(slice_make(control, SIZE)));
        for (size_t at = 0; at < places[i] + sizeof(uint32_t); at++) {
            control[at] ^= 0x20;
            assert_false(control_checksum_is_right(slice_make(control, SIZE)));
            control[at] ^= 0x20;
        }
        control[512] ^= 0x20; /* nothing that is covered */
        assert_true(control_checksum_is_right(slice_make(control, SIZE)));
    }
}

static void what_is_too_short_for_a_checksum_has_none(void **state)
{
    uint8_t control[SIZE];

    (void)state;
    fill(control, 288);
    for (size_t len = 0; len < 292; len++)
        assert_false(control_checksum_is_right(slice_make(control, len)));
    memset(control, 0, SIZE);
    assert_false(control_checksum_is_right(slice_make(control, SIZE)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_control_file_matches_its_own_checksum_wherever_that_lies),
        cmocka_unit_test(what_is_too_short_for_a_checksum_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
