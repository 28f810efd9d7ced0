/*
 * What src/record keeps to itself: walking a folder tree without following links, writing all of a
 * slice, and how the stores run over a source.
 */
#ifndef PGCASK_RECORD_INTERNAL_H
#define PGCASK_RECORD_INTERNAL_H

#include "record/store.h"

#include <sys/stat.h>
#include <sys/uio.h>

#define RECORD_READ_SIZE ((size_t)256 * 1024) /* of one read(2) */

/* ---- Paths of the local file system (directory_tree.c) ---- */

/* Writes the folder that holds `path`: "/a" of "/a/b", "." of "b". */
bool path_parent(const char *path, char out[RECORD_PATH_MAX], struct error *err);

/* path + suffix, trailing slashes of path left out. */
bool path_with_suffix(const char *path, const char *suffix, char out[RECORD_PATH_MAX],
                      struct error *err);

/* fsyncs a folder. */
bool path_sync_directory(const char *path, struct error *err);

/* Renames, and fails if `to` exists. */
bool path_rename_new(const char *from, const char *to, struct error *err);

/* The space left for us on the file system of `path`; UINT64_MAX if that cannot be said. */
uint64_t path_free_bytes(const char *path);

/* Fails unless it is a folder that we may write into. */
bool path_check_writable(const char *folder, struct error *err);

/* Opens the folder that holds the record path ("/a/b" -> "/a") below root_fd with O_PATH, one
 * component at a time so that a link is never walked through. -1: errno is set. A duplicate of
 * root_fd for "/b". */
int tree_open_parent(int root_fd, const char *path);

/* The last component of a record path. */
const char *tree_last_component(const char *path);

/* ---- Walking a tree (directory_tree.c) ---- */

enum tree_event {
    TREE_FILE,
    TREE_LINK,
    TREE_DIRECTORY, /* before what it holds */
    TREE_LEAVE,     /* after what it holds; also for the root, with path "" */
    TREE_OTHER,     /* sockets, devices, … */
    TREE_END,
    TREE_FAILED
};

struct tree_entry {
    const char *path; /* below the root: "/a/b"; borrowed until the next call */
    const char *name; /* its last component */
    int parent_fd;    /* the folder that holds it; -1 for the root */
    int directory_fd; /* TREE_LEAVE: the folder itself */
};

struct tree_walk; /* opaque */

/* Entries come in byte order of their names within each folder; each folder's names are read before
 * the first of them is given, so that entries may be removed during the walk. */
struct tree_walk *tree_walk_new(const char *root, struct error *err);
enum tree_event tree_walk_next(struct tree_walk *walk, struct tree_entry *entry, struct error *err);
void tree_walk_free(struct tree_walk *walk);

/* The descriptor of the root; it lives as long as the walk. */
int tree_walk_root(const struct tree_walk *walk);

/* ---- Running a source into a store (record.c) ---- */

typedef bool store_add_fn(void *context, const struct record *record, struct error *err);

/* Gives every record of the source to `add`, closes its reader, checks paths and cancel, tells the
 * observer. Fails if options->last_path never came. */
bool store_run(struct record_source *source, const struct store_options *options, store_add_fn *add,
               void *context, struct error *err);

#define CONTENT_SLICES_MAX 16 /* that are given at once */

/* Reads a record's content to its end and gives what comes, a few slices at a time, to `write`;
 * fails if it yields another number of bytes than announced. */
typedef bool content_write_fn(void *context, const struct slice *slices, size_t count,
                              struct error *err);

bool content_copy(const struct record *record, const struct cancel *cancel, content_write_fn *write,
                  void *context, struct error *err);

/* Once content_copy has written all of it to fd, from position `start` on: the reader may amend it.
 * fd can be read and written; name is its file's, for messages. */
bool content_amend(const struct record *record, int fd, uint64_t start, const char *name,
                   struct error *err);

/* ---- What is left of several slices to write (record.c) ---- */

struct pieces {
    struct iovec parts[CONTENT_SLICES_MAX + 1];
    int first, count; /* for writev: parts + first, count - first */
    size_t len;       /* bytes left */
};

/* At most CONTENT_SLICES_MAX + 1 of them; an empty one is left out. */
void pieces_add(struct pieces *pieces, struct slice data);

/* So many bytes have been written. */
void pieces_advance(struct pieces *pieces, size_t written);

#endif
