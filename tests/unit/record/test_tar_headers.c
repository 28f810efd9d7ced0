/* Extended headers without end: each of them describes a member that never comes. */
#include "support.h"

#include "record/tar.h"

#include <stdio.h>
#include <stdlib.h>

/* An extended header of that type; its text is given as whole blocks. */
static void append_extended(struct buffer *out, char type, const char *text)
{
    uint8_t block[TAR_BLOCK] = {0};
    struct error err;
    unsigned sum = 0;

    memcpy(block, "pax", 3);
    snprintf((char *)block + 100, 8, "%07o", 0600);
    snprintf((char *)block + 124, 12, "%011o", (unsigned)strlen(text) & 0777u);
    memset(block + 148, ' ', 8);
    block[156] = (uint8_t)type;
    memcpy(block + 257,
           "ustar\0"
           "00",
           8);
    for (size_t i = 0; i < sizeof(block); i++)
        sum += block[i];
    snprintf((char *)block + 148, 8, "%06o", sum);
    assert_true(buffer_append(out, block, sizeof(block), &err));
    memset(block, 0, sizeof(block));
    memcpy(block, text, strlen(text));
    assert_true(buffer_append(out, block, sizeof(block), &err));
}

static enum tar_event decode(const struct buffer *bytes, struct error *err)
{
    struct tar_decoder *decoder = malloc(sizeof(*decoder));
    struct slice input = buffer_slice(bytes), data;
    enum tar_event event;

    assert_non_null(decoder);
    tar_decoder_init(decoder);
    event = tar_decoder_next(decoder, &input, &data, err);
    tar_decoder_reset(decoder);
    free(decoder);
    return event;
}

static void extended_headers_in_a_row_are_limited(void **state)
{
    static const struct {
        char type;
        const char *text;
    } kinds[] = {{'x', "15 path=base/1\n"}, {'g', "12 comment=\n"}, {'L', "base/1"}};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct buffer bytes = {0};
        struct error err;

        for (int k = 0; k < 32; k++)
            append_extended(&bytes, kinds[i].type, kinds[i].text);
        assert_int_equal(decode(&bytes, &err), TAR_NEED_INPUT);
        append_extended(&bytes, kinds[i].type, kinds[i].text);
        assert_int_equal(decode(&bytes, &err), TAR_FAILED);
        assert_non_null(strstr(err.message, "more than 32 in a row"));
        buffer_free(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extended_headers_in_a_row_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
