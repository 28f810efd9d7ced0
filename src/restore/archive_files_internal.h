/*
 * The bytes of an archive that can be read at any position, by any number of threads: of one file,
 * or of the files of a folder, in a directory or in a tar.
 */
#ifndef PGCASK_RESTORE_ARCHIVE_FILES_INTERNAL_H
#define PGCASK_RESTORE_ARCHIVE_FILES_INTERNAL_H

#include "record/place.h"
#include "record/tar_index.h"

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

/* Where files are. */
struct archive_files;

/* The place is a directory, or a file: a tar that is not compressed, or anything else, which is a
 * file by itself then. folder: NULL, or the path of a record below which the files are. */
struct archive_files *archive_files_open(const struct record_place *place, const char *folder,
                                         const struct cancel *cancel, struct error *err);
void archive_files_free(struct archive_files *files);

/* Whether that is a file, and a tar that is not compressed. */
bool archive_files_is_tar(const char *path);

/* The place itself, where it is no folder and no tar. */
bool archive_files_alone(const struct archive_files *files, struct archive_file *file);

/* The file of that name. *there false: there is none. A link, or what is no file, is an error. */
bool archive_files_find(const struct archive_files *files, const char *name,
                        struct archive_file *file, bool *there, struct error *err);

#endif
