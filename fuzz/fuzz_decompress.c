/* Compressed streams of all kinds; the first byte chooses which, the second the pieces. */
#include "base/decompress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_ENOUGH (64 * 1024 * 1024) /* a bomb is stopped by its reader */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {data, size};
    struct decompressor *decompressor;
    struct error err;
    size_t total = 0, step;

    if (size < 2)
        return 0;
    decompressor = decompressor_new((enum compression)(slice_take(&rest, 1).data[0] % 4), &err);
    step = (size_t)slice_take(&rest, 1).data[0] + 1;
    while (rest.len > 0 && total < OUTPUT_ENOUGH) {
        struct slice in = slice_take(&rest, rest.len < step ? rest.len : step);
        struct slice out = {0};
        bool ok;

        do {
            ok = decompressor_next(decompressor, &in, &out, &err);
            total += out.len;
        } while (ok && (in.len > 0 || out.len > 0) && total < OUTPUT_ENOUGH);
        if (!ok)
            break;
    }
    decompressor_finish(decompressor, &err);
    decompressor_free(decompressor);
    return 0;
}
