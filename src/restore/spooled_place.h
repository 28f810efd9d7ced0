/*
 * A place that can be read by position, and more than once: what cannot is put into an unlinked
 * file first (request->spool_directory).
 */
#ifndef PGCASK_RESTORE_SPOOLED_PLACE_H
#define PGCASK_RESTORE_SPOOLED_PLACE_H

#include "record/place.h"
#include "restore/restore_request.h"

/* {.fd = -1} is none. */
struct spooled_place {
    int fd;
    char path[64];
};

/* Where it had to be put away, *place is that file from then on, until this is closed. name: for
 * messages. */
bool spooled_place_make(struct spooled_place *spooled, struct record_place *place, const char *name,
                        const struct restore_request *request, struct error *err);
void spooled_place_close(struct spooled_place *spooled);

#endif
