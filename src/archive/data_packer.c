/*
 * Rows go to the compressor as they lie where they were received, without a copy; behind the last
 * of them comes the end mark, which the server does not send. Not compressed they pass straight
 * through.
 */
#include "archive/data_packer_internal.h"

bool data_packer_init(struct data_packer *packer, const struct archive_content *content,
                      enum compression compression, bool zlib_framing, int level, struct error *err)
{
    *packer = (struct data_packer){.content = content};
    if (!compression_level_check(compression, level, err))
        return false;
    packer->compressor = compressor_new(compression, zlib_framing, level, err);
    return packer->compressor != NULL;
}

void data_packer_reset(struct data_packer *packer)
{
    compressor_free(packer->compressor);
    *packer = (struct data_packer){0};
}

bool data_packer_begin(struct data_packer *packer, uint32_t number, bool rows, struct error *err)
{
    packer->number = number;
    packer->rows = rows;
    packer->marked = packer->ended = false;
    packer->input = (struct slice){0};
    return compressor_begin(packer->compressor, err);
}

/* More bytes, or the end mark behind all rows. */
static bool fetch(struct data_packer *packer, struct error *err)
{
    if (!packer->content->data(packer->content->context, packer->number, &packer->input, err))
        return false;
    if (packer->input.len == 0) {
        packer->input = packer->rows ? slice_string(ARCHIVE_COPY_END) : (struct slice){0};
        packer->marked = true;
    }
    return true;
}

bool data_packer_next(struct data_packer *packer, struct slice *packed, struct error *err)
{
    *packed = (struct slice){0};
    if (packer->ended)
        return true;
    if (!packer->marked && packer->input.len == 0 && !fetch(packer, err))
        return false;
    return compressor_next(packer->compressor, &packer->input, packer->marked, packed,
                           &packer->ended, err);
}
