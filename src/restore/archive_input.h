/*
 * An archive opened for a restore, of whatever format and wherever it lies: its table of contents,
 * held, and the data of its entries, pushed to a handler. What is damaged is found at the entry
 * that is damaged or before, and the error names it.
 */
#ifndef PGCASK_RESTORE_ARCHIVE_INPUT_H
#define PGCASK_RESTORE_ARCHIVE_INPUT_H

#include "archive/archive_data.h"
#include "base/cancel.h"
#include "record/place.h"

struct archive_input;

/* The archive at that place. record: NULL if the place itself is one: a custom file, a directory of
 * pg_dump's, or its tar. Otherwise the path of a record of the backup there: "/app.dump", or of a
 * folder, "/00001-app". The place is one that can be opened again (no stream), and the archive can
 * be read an entry at a time, unless it lies in what is compressed as a whole. `contents` are read.
 */
struct archive_input *archive_input_open(const struct record_place *place, const char *record,
                                         const struct cancel *cancel, struct error *err);

/* A custom archive that streams by, to be read once. The reader is borrowed, and read up to some
 * bytes behind the table of contents. name: for messages. */
struct archive_input *archive_input_of_reader(const char *name, struct reader *reader,
                                              const struct cancel *cancel, struct error *err);

void archive_input_free(struct archive_input *input);

struct archive_contents *archive_input_contents(const struct archive_input *input);

/* Whether archive_input_read_entry can be asked, and any number of times. */
bool archive_input_can_seek(const struct archive_input *input);

/* The data of all entries, in the order in which they lie. What the handler does not want is proved
 * and passed over. Succeeds only if all of the archive was read and is whole. A stream: once. */
bool archive_input_read_all(struct archive_input *input, const struct archive_data_handler *handler,
                            const struct cancel *cancel, struct error *err);

/* Those of one entry that has some. Any number of threads at once. */
bool archive_input_read_entry(struct archive_input *input, uint32_t number,
                              const struct archive_data_handler *handler,
                              const struct cancel *cancel, struct error *err);

#endif
