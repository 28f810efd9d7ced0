/*
 * What the two descriptions inside a backup say of it, as `list` shows it. Bytes come in as they
 * are read; neither file is held.
 */
#ifndef PGCASK_MANIFEST_DESCRIPTION_H
#define PGCASK_MANIFEST_DESCRIPTION_H

#include "manifest/manifest_decoder.h"
#include "manifest/summary.h"

#include <jansson.h>

struct description {
    json_t *object;         /* what is known so far */
    uint64_t summary_bytes; /* to be set by the caller: the size of summary.json */
    /* private */
    struct manifest_decoder *manifest;
    struct summary_decoder *summary;
};

bool description_init(struct description *description, struct error *err);
void description_reset(struct description *description);

/* manifest.json in pieces. Rows are those of tables; of one that was never analysed the server
 * knows none, and where that is so of all, there is no "row_estimate". Fills "server_version",
 * "host", "databases": [{name, relations, tables, tables_not_analysed, row_estimate}],
 * "tablespaces": [{name, location}], "unavailable": [{field, reason}], …, also
 * with what came before a failure. */
bool description_feed_manifest(struct description *description, struct slice piece,
                               struct error *err);
bool description_finish_manifest(struct description *description, struct error *err);

/* summary.json in pieces. Its head becomes "summary", with counts of files and bytes that include
 * summary.json itself. */
bool description_feed_summary(struct description *description, struct slice piece,
                              struct error *err);
bool description_finish_summary(struct description *description, struct error *err);

#endif
