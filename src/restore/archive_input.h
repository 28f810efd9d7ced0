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
#include "restore/archive_scan.h"

#include <stdatomic.h>

struct archive_input;

/* ---- Opening ---- */

/* The archive at that place, its table of contents read. record: NULL if the place itself is an
 * archive: a custom file, a directory of pg_dump's, its tar; compressed as a whole, or streaming
 * by. Else the path of a record of the backup there, "/app.dump", or of a folder, "/00001-app":
 * that takes a place where records can be looked up. */
struct archive_input *archive_input_open(const struct record_place *place, const char *record,
                                         const struct cancel *cancel, struct error *err);

/* Whether they can: a directory, or a tar in a file that is not compressed. */
bool archive_input_place_can_seek(const struct record_place *place);

/* Sets *kind of a tar that can be looked through, if it was ARCHIVE_NONE and the tar has the files
 * of a directory archive all the same: in another order than pg_dump's. source is the open tar. */
bool archive_input_find_packed(const struct record_place *place, struct record_source *source,
                               enum archive_kind *kind, const struct cancel *cancel,
                               struct error *err);

/* The same for several archives of one such place, which is opened, and a tar looked through, once.
 * It is borrowed until its inputs are freed. */
struct archive_place;

struct archive_place *archive_place_open(const char *path, const struct cancel *cancel,
                                         struct error *err);
void archive_place_free(struct archive_place *place);
struct archive_input *archive_input_open_in(const struct archive_place *place, const char *record,
                                            const struct cancel *cancel, struct error *err);

/* Whether it has a file, or a folder of files, of that record path. */
bool archive_place_has(const struct archive_place *place, const char *record);

/* What streams by, to be read once. name: for messages. Readers and sources are borrowed, and have
 * been read up to some bytes behind the table of contents when this comes back. */

/* A custom archive. */
struct archive_input *archive_input_of_reader(const char *name, struct reader *reader,
                                              const struct cancel *cancel, struct error *err);

/* Files of a directory archive: the table of contents first, the others in any order. */
struct archive_file_source {
    void *context;
    /* The next file, by its name in the archive ("toc.dat"). *name is NULL behind the last. Both
     * are borrowed until the next call. */
    bool (*next)(void *context, const char **name, struct reader **reader, struct error *err);
};
struct archive_input *archive_input_of_files(const char *name,
                                             const struct archive_file_source *files,
                                             const struct cancel *cancel, struct error *err);

/* What a tar source turned out to be (archive_kind_of_tar), before a record was asked for. */
struct archive_input *archive_input_of_source(const char *name, struct record_source *source,
                                              enum archive_kind kind, const struct cancel *cancel,
                                              struct error *err);

void archive_input_free(struct archive_input *input);

/* From now on what is read of data is added there, by whoever reads. Borrowed. */
void archive_input_count(struct archive_input *input, _Atomic uint64_t *bytes);

/* ---- What is in it ---- */

struct archive_contents *archive_input_contents(const struct archive_input *input);

/* Whether archive_input_read_entry can be asked, and any number of times. */
bool archive_input_can_seek(const struct archive_input *input);

/* Finds out where the data of all entries are, if that is not known: from then on
 * archive_contents_node has data_bytes. An archive that pg_dump wrote into a pipe is gone over
 * once, without unpacking. Fails with ERROR_USAGE for what streams by. Done by the first
 * archive_input_read_entry, but may be asked before. */
bool archive_input_locate(struct archive_input *input, const struct cancel *cancel,
                          struct error *err);

/* ---- Data ---- */

/* The data of all entries, in the order in which they lie. What the handler does not want is proved
 * and passed over. Succeeds only if all of the archive was read and is whole. Large objects in
 * files that stream by may come out of order: their entry then begins and ends several times, each
 * time with some of them. */
bool archive_input_read_all(struct archive_input *input, const struct archive_data_handler *handler,
                            const struct cancel *cancel, struct error *err);

/* Those of one entry that has some. Any number of threads at once, each with a handler of its own.
 */
bool archive_input_read_entry(struct archive_input *input, uint32_t number,
                              const struct archive_data_handler *handler,
                              const struct cancel *cancel, struct error *err);

#endif
