/* What the two descriptions inside a backup say of it, as `list` shows it. Bytes come in as they
 * are read; neither file is held. */
#ifndef PGCASK_MANIFEST_DESCRIPTION_H
#define PGCASK_MANIFEST_DESCRIPTION_H

#include "base/json_walk.h"
#include "manifest/summary.h"

#include <jansson.h>

struct description {
    json_t *object;         /* what is known so far */
    uint64_t summary_bytes; /* to be set by the caller: the size of summary.json */
    /* private */
    struct json_walk walk;
    struct summary_decoder *summary;
    json_t *entry;        /* the database, tablespace or unavailable field being read */
    bool relations_known; /* the manifest has the list */
    bool passed_over;     /* a template, or closed to all: nobody looked into the database */
    uint64_t relations, tables, not_analysed;
    double rows;
    /* of the relation being read */
    char relation_kind;
    double row_estimate;  /* negative: never analysed */
    bool zero_is_unknown; /* an old server says 0 for both */
    size_t kept;          /* bytes of all entries, roughly */
};

bool description_init(struct description *description, struct error *err);
void description_reset(struct description *description);

/* manifest.json in pieces. Rows are those of tables; of one that was never analysed the server
 * knows none, and where that is so of all, there is no "row_estimate". Fills "server_version",
 * "host", "databases": [{name, relations, tables, tables_not_analysed, row_estimate}],
 * "tablespaces": [{name, location}], "unavailable": [{field, reason}], … */
bool description_feed_manifest(struct description *description, struct slice piece,
                               struct error *err);
bool description_finish_manifest(struct description *description, struct error *err);

/* summary.json in pieces. Its head becomes "summary", with counts of files and bytes that include
 * summary.json itself. */
bool description_feed_summary(struct description *description, struct slice piece,
                              struct error *err);
bool description_finish_summary(struct description *description, struct error *err);

#endif
