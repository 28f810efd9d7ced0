/*
 * A logical backup's records in an order in which they can be restored, whatever order they come
 * in: globals before archives, the files of a folder together, summary.json last. manifest.json is
 * given before the others if it comes before the first archive.
 *
 * What comes in such an order goes by. So does a backup in byte order of its paths, as Plakar gives
 * it back, if its globals sort before its archives; else all that comes is kept in an unlinked file
 * first.
 */
#ifndef PGCASK_RESTORE_SPOOLED_SOURCE_H
#define PGCASK_RESTORE_SPOOLED_SOURCE_H

#include "base/cancel.h"
#include "record/record.h"

struct spooled_options {
    const char *directory; /* for the file; NULL: TMPDIR, else /tmp */
    /* The database that is restored into; NULL: each archive goes into its own. Before
     * manifest.json has come, an archive that is called otherwise does not go by: there may be more
     * of them. */
    const char *database;
    const struct cancel *cancel;
};

/* Takes over the source, also if it fails. The options' texts are borrowed. What begins as a
 * physical backup is not kept, but given as it comes. */
struct record_source *spooled_source_new(struct record_source *source,
                                         const struct spooled_options *options, struct error *err);

#endif
