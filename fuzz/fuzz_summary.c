/* The reader of summary.json, fed in pieces. */
#include "manifest/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take_head(void *context, const json_t *head, struct error *err)
{
    (void)context;
    (void)err;
    return json_is_object(head);
}

static bool take_entry(void *context, const struct summary_entry *entry, struct error *err)
{
    uint8_t digest[DIGEST_MAX];

    (void)err;
    *(size_t *)context += summary_ledger_digest(
        entry->type, entry->digest, digest_size(entry->algorithm), entry->link_target, digest);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t seen = 0;
    const struct summary_handler handler = {&seen, take_head, take_entry};
    struct slice rest = {data, size};
    struct summary_reader *reader;
    struct error err;
    size_t step;

    if (size == 0)
        return 0;
    step = (size_t)slice_take(&rest, 1).data[0] + 1;
    reader = summary_reader_new(&handler, &err);
    while (rest.len > 0) {
        struct slice piece = slice_take(&rest, rest.len < step ? rest.len : step);

        if (!summary_reader_feed(reader, piece, &err))
            break;
    }
    summary_reader_finish(reader, &err);
    summary_reader_free(reader);
    return 0;
}
