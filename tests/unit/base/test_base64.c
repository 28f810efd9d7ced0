#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4648, section 10 */
static const struct {
    const char *plain, *encoded;
} vectors[] = {{"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};

static void the_vectors_of_rfc_4648_go_there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct buffer text = {0};
        struct error err;
        uint8_t out[6];
        size_t len;

        assert_true(base64_append(&text, slice_string(vectors[i].plain), &err));
        assert_string_equal(buffer_text(&text), vectors[i].encoded);
        assert_true(base64_decode(buffer_slice(&text), out, sizeof(out), &len));
        assert_true(slice_equals(slice_make(out, len), slice_string(vectors[i].plain)));
        buffer_free(&text);
    }
}

static void what_is_not_wholly_base64_is_refused(void **state)
{
    static const char *const bad[] = {"",     "Z",     "Zg",     "Zg=",     "Zm9v ",
                                      " Zm9", "Zm\nv", "Zm9v\n", "Zm9v!A=="};
    uint8_t out[64];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(base64_decode(slice_string(bad[i]), out, sizeof(out), &len));
}

static void what_has_no_room_is_refused(void **state)
{
    uint8_t out[8];
    size_t len;

    (void)state;
    assert_true(base64_decode(slice_string("Zm9vYmFy"), out, 6, &len));
    assert_false(base64_decode(slice_string("Zm9vYmFy"), out, 5, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648_go_there_and_back),
        cmocka_unit_test(what_is_not_wholly_base64_is_refused),
        cmocka_unit_test(what_has_no_room_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
