/*
 * The archives of a logical backup while they are checked: each is unpacked as it goes by, so that
 * what is wrong inside it is told of although its digest may be right.
 */
#include "restore/checking_internal.h"

bool checking_begin_archive(struct checking_source *check, struct error *err)
{
    const struct archive_handler handler = {.context = NULL};

    check->archive_failed = false;
    if (!check->logical || logical_layout_part(check->path) != LOGICAL_PART_ARCHIVE)
        return true;
    check->archive = archive_decoder_new(&handler, err);
    record_proof_begin_archive(check->proof);
    return check->archive != NULL;
}

void checking_feed_archive(struct checking_source *check, struct slice data)
{
    struct error err;

    if (!check->archive_failed && !archive_decoder_feed(check->archive, data, &err)) {
        check->archive_failed = true;
        checking_failure(check, check->path, &err);
    }
    record_proof_contents_end(check->proof, archive_decoder_contents_size(check->archive));
}

void checking_end_archive(struct checking_source *check)
{
    struct error err;

    if (!check->archive_failed && !archive_decoder_finish(check->archive, &err))
        checking_failure(check, check->path, &err);
    check->report.rows += archive_decoder_rows(check->archive);
    archive_decoder_free(check->archive);
    check->archive = NULL;
}
