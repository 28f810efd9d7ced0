/*
 * A logical backup's records in the order in which a restore needs them (manifest.json, globals,
 * archives by their paths, summary.json), whatever order they come in: Plakar gives them back in
 * byte order of their paths. Those of a backup that comes as it was written go by; else all that
 * comes is kept in an unlinked file first.
 */
#ifndef PGCASK_RESTORE_SPOOLED_SOURCE_H
#define PGCASK_RESTORE_SPOOLED_SOURCE_H

#include "base/cancel.h"
#include "record/record.h"

/* Takes over the source, also if it fails. directory: for the file; NULL: TMPDIR, else /tmp. What
 * begins as a physical backup is not kept, but given as it comes. */
struct record_source *spooled_source_new(struct record_source *source, const char *directory,
                                         const struct cancel *cancel, struct error *err);

#endif
