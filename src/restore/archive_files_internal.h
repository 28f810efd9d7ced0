/*
 * The bytes of an archive that can be read at any position, by any number of threads: of one file,
 * or of the files of a folder, in a directory or in a tar.
 */
#ifndef PGCASK_RESTORE_ARCHIVE_FILES_INTERNAL_H
#define PGCASK_RESTORE_ARCHIVE_FILES_INTERNAL_H

#include "record/tar_index.h"
#include "restore/archive_input.h"

#define ARCHIVE_READ_SIZE ((size_t)512 * 1024)

/* One file. */
struct archive_file {
    int fd;
    bool owns_fd;
    struct tar_extent *extents; /* where it lies in fd; NULL: it is all of it */
    size_t extent_count;
    uint64_t size;
};

/* Reads at most `size` bytes from that position on: fewer than there are, none at the end. */
bool archive_file_read(const struct archive_file *file, uint64_t position, uint8_t *buffer,
                       size_t size, size_t *got, struct error *err);
void archive_file_close(struct archive_file *file);

/* The place itself, where it is no folder and no tar. */
bool archive_place_alone(const struct archive_place *place, struct archive_file *file);

/* Where the files of an archive are: in the place, or below the folder that is a record there. The
 * place is borrowed. */
struct archive_files {
    const struct archive_place *place;
    int fd; /* of the folder; -1 in a tar */
    char folder[RECORD_PATH_MAX + 1];
};

bool archive_files_open(struct archive_files *files, const struct archive_place *place,
                        const char *folder, struct error *err);
void archive_files_close(struct archive_files *files);

/* Whether that is a file, and a tar that is not compressed. */
bool archive_place_is_tar(const char *path);

/* For messages. */
const char *archive_place_name(const struct archive_place *place);

/* Whether the record of that path is the folder of a directory archive; NULL: whether a tar is one
 * itself. */
bool archive_place_has_folder(const struct archive_place *place, const char *record);

/* The file of that name. *there false: there is none. A link, or what is no file, is an error. */
bool archive_files_find(const struct archive_files *files, const char *name,
                        struct archive_file *file, bool *there, struct error *err);

#endif
