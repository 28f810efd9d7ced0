/*
 * Where records are kept: a directory, a tar file, a tar that comes or goes through a descriptor.
 * Who was told where asks only here which of them it is.
 */
#ifndef PGCASK_RECORD_PLACE_H
#define PGCASK_RECORD_PLACE_H

#include "record/store.h"

enum record_place_kind { PLACE_DIRECTORY, PLACE_TAR_FILE, PLACE_TAR_STREAM };

struct record_place {
    enum record_place_kind kind;
    const char *path; /* of a directory or file; borrowed */
    int fd;           /* of a stream; stays open */
};

/* Reads what is there. first and last are directory_source_new's; a wait for a pipe ends when the
 * job is cancelled. NULL: failed. */
struct record_source *record_place_open(const struct record_place *place, const char *const *first,
                                        const char *const *last, const struct cancel *cancel,
                                        struct error *err);

/* Writes there what the source gives, as the store of that kind does. */
bool record_place_write(const struct record_place *place, struct record_source *source,
                        const struct store_options *options, struct error *err);

/* How many bytes are there, for progress: of a directory every entry is looked at. 0 if that cannot
 * be known. */
uint64_t record_place_bytes(const struct record_place *place, const struct cancel *cancel);

#endif
