/* A record as Plakar's importer service announces it. */
#ifndef PGCASK_PLAKAR_RECORD_MESSAGE_H
#define PGCASK_PLAKAR_RECORD_MESSAGE_H

#include "base/buffer.h"
#include "record/record.h"

/*
 * Plakar takes a file from an older snapshot without opening it if its metadata is equal there.
 * Equal size and second of modification prove nothing about a file of a database, so every backup
 * has numbers of its own in it.
 */
struct record_stamp {
    uint64_t backup;   /* FileInfo.dev: unlike in any other backup */
    uint64_t position; /* FileInfo.ino: where the backup starts in the log */
};

/* Appends an ImportResponse. A path that is not UTF-8 fails: Plakar could not hold it. */
bool record_message_append(struct buffer *out, const struct record *record,
                           const struct record_stamp *stamp, struct error *err);

/* The mode of a record as Go's fs.FileMode has it. */
uint32_t record_message_mode(const struct record *record);

/* What kind of record such a mode is of. Devices and the like count as files. */
enum record_type record_message_type(uint32_t mode);

#endif
