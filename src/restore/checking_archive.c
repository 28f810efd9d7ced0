#include "restore/checking_internal.h"

bool checking_begin_archive(struct checking_source *check, struct error *err)
{
    const struct archive_handler handler = {.context = NULL};
    size_t len = strlen(check->path);

    check->archive_failed = false;
    if (!check->logical || len < 6 || strcmp(check->path + len - 5, ".dump") != 0)
        return true;
    check->archive = archive_decoder_new(&handler, err);
    digest_begin(check->contents_digest);
    return check->archive != NULL;
}

void checking_feed_archive(struct checking_source *check, struct slice data)
{
    uint64_t start = check->record_bytes - data.len, contents;
    struct slice head = data;
    struct error err;

    if (!check->archive_failed && !archive_decoder_feed(check->archive, data, &err)) {
        check->archive_failed = true;
        checking_failure(check, check->path, &err);
    }
    contents = archive_decoder_contents_size(check->archive);
    if (contents > 0)
        head = slice_take(&data, contents <= start             ? 0
                                 : contents - start < data.len ? (size_t)(contents - start)
                                                               : data.len);
    else
        data.len = 0;
    digest_update(check->contents_digest, head);
    digest_update(check->summary_digest, data);
}

/* A store that could amended the table of contents: its digest and that of the rest are digested
 * together. */
void checking_end_archive(struct checking_source *check, uint8_t bytes[DIGEST_MAX])
{
    uint8_t parts[2 * DIGEST_MAX];
    size_t size = digest_size(check->summary_algorithm);
    struct error err;

    if (!check->archive_failed && !archive_decoder_finish(check->archive, &err))
        checking_failure(check, check->path, &err);
    check->report.rows += archive_decoder_rows(check->archive);
    archive_decoder_free(check->archive);
    check->archive = NULL;
    digest_end(check->contents_digest, parts);
    memcpy(parts + size, bytes, size);
    digest_begin(check->summary_digest);
    digest_update(check->summary_digest, slice_make(parts, 2 * size));
    digest_end(check->summary_digest, bytes);
}
