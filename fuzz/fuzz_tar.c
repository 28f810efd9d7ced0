/* The tar decoder: any bytes, cut into pieces of a size that the first byte chooses. */
#include "record/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tar_decoder decoder;
    struct slice rest = {data, size}, piece = {0}, content;
    struct error err;
    uint64_t total = 0;
    size_t step;

    if (size == 0)
        return 0;
    step = (size_t)slice_take(&rest, 1).data[0] + 1;
    tar_decoder_init(&decoder);
    for (;;) {
        enum tar_event event = tar_decoder_next(&decoder, &piece, &content, &err);

        if (event == TAR_DATA)
            total += content.len;
        if (event == TAR_FAILED || event == TAR_ARCHIVE_END)
            break;
        if (event != TAR_NEED_INPUT)
            continue;
        if (rest.len == 0)
            break;
        piece = slice_take(&rest, rest.len < step ? rest.len : step);
    }
    tar_decoder_finish(&decoder, true, &err);
    tar_decoder_reset(&decoder);
    if (total > size)
        __builtin_trap(); /* content that never was in the input */
    return 0;
}
