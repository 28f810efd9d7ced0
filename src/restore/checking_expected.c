/*
 * summary.json comes last, and its digests with it. Who has to know before whether an archive is
 * what it was, because a database is dropped for what comes of it, reads it beforehand.
 */
#include "restore/checking_internal.h"

#include <stdio.h>

static bool note_head(void *context, const json_t *head, struct error *err)
{
    (void)context;
    (void)head;
    (void)err;
    return true;
}

static bool note_entry(void *context, const struct summary_entry *entry, struct error *err)
{
    struct checking_source *check = context;

    return entry->type != RECORD_FILE ||
           file_ledger_add(check->expected, entry->path, entry->bytes, entry->digest,
                           digest_size(entry->algorithm), err);
}

static bool read_all(struct summary_decoder *decoder, struct reader *summary, struct error *err)
{
    enum reader_status status;
    struct slice bytes;

    while ((status = reader_next(summary, &bytes, err)) == READER_DATA) {
        if (!summary_decoder_feed(decoder, bytes, err))
            return false;
    }
    return status == READER_END && summary_decoder_finish(decoder, err);
}

bool checking_source_expect(struct record_source *source, struct reader *summary, struct error *err)
{
    struct checking_source *check = (struct checking_source *)source;
    const struct summary_handler handler = {check, note_head, note_entry};
    struct summary_decoder *decoder;
    size_t ignored;
    bool done;

    file_ledger_free(check->expected);
    check->expected = file_ledger_new(err);
    if (check->expected == NULL)
        return false;
    decoder = summary_decoder_new(&handler, err);
    done = decoder != NULL && read_all(decoder, summary, err);
    summary_decoder_free(decoder);
    file_ledger_seal(check->expected, &ignored);
    return done ? true : error_prefix(err, "%s", SUMMARY_PATH);
}

void checking_compare(struct checking_source *check, const uint8_t *digest, size_t size)
{
    if (check->expected != NULL && check->differing[0] == '\0' &&
        file_ledger_check(check->expected, check->path, record_proof_bytes(check->proof), digest,
                          size, NULL) != LEDGER_MATCH)
        snprintf(check->differing, sizeof(check->differing), "%s", check->path);
}

bool checking_source_agrees(const struct record_source *source, char *differing)
{
    const struct checking_source *check = (const struct checking_source *)source;

    snprintf(differing, RECORD_PATH_MAX, "%s", check->differing);
    return check->differing[0] == '\0' && check->report.problems == 0;
}
