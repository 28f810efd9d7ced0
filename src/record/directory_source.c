/*
 * A folder read back as records, in the order in which a backup comes: some files first, then the
 * tree, then some files last. A file is opened when its bytes are asked for, never through a link,
 * and must not change meanwhile.
 */
#include "record/record_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum source_phase { PHASE_FIRST, PHASE_TREE, PHASE_LAST };

struct directory_source {
    struct record_source source;
    struct tree_walk *walk;
    const char *const *first; /* borrowed, NULL-terminated; NULL: none */
    const char *const *last;
    const char *const *listed; /* what is left of the list that is being given */
    enum source_phase phase;
    char root[RECORD_PATH_MAX];
    char path[RECORD_PATH_MAX];
    char link_target[RECORD_PATH_MAX];
};

/* ---- Readers ---- */

struct file_reader {
    struct reader reader;
    const struct directory_source *source;
    enum reader_status status; /* READER_DATA while there may be more */
    int fd;                    /* -1 before the first pull and after the end */
    uint8_t *buffer;
    uint64_t size, total;
    char path[];
};

static bool file_reader_changed(const struct file_reader *file, const char *how, struct error *err)
{
    error_set(err, ERROR_CORRUPT, "\"%s%s\" %s while it was read", file->source->root, file->path,
              how);
    return error_hint(err, "Leave the folder alone while it is read.");
}

/* O_NONBLOCK only matters if the file has been replaced by a pipe since it was listed. */
static bool file_reader_open(struct file_reader *file, struct error *err)
{
    const char *root = file->source->root;
    int parent_fd = tree_open_parent(tree_walk_root(file->source->walk), file->path);
    struct stat st;

    if (parent_fd < 0)
        return error_set_errno(err, errno, "cannot open the folder of \"%s%s\"", root, file->path);
    file->fd = openat(parent_fd, tree_last_component(file->path),
                      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file->fd < 0)
        error_set_errno(err, errno, "cannot open \"%s%s\"", root, file->path);
    close(parent_fd);
    if (file->fd < 0)
        return false;
    if (fstat(file->fd, &st) != 0)
        return error_set_errno(err, errno, "cannot look at \"%s%s\"", root, file->path);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != file->size)
        return file_reader_changed(file, "changed", err);
    (void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    file->buffer = malloc(RECORD_READ_SIZE);
    return file->buffer != NULL || error_set_memory(err);
}

static void file_reader_release(struct file_reader *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    free(file->buffer);
    file->buffer = NULL;
}

static enum reader_status file_reader_read(struct file_reader *file, struct slice *data,
                                           struct error *err)
{
    ssize_t n;

    if (file->fd < 0 && !file_reader_open(file, err))
        return READER_FAILED;
    do
        n = read(file->fd, file->buffer, RECORD_READ_SIZE);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        error_set_errno(err, errno, "cannot read \"%s%s\"", file->source->root, file->path);
        return READER_FAILED;
    }
    file->total += (uint64_t)n;
    if (file->total > file->size || (n == 0 && file->total < file->size)) {
        file_reader_changed(file, n == 0 ? "shrank" : "grew", err);
        return READER_FAILED;
    }
    *data = slice_make(file->buffer, (size_t)n);
    return n == 0 ? READER_END : READER_DATA;
}

static enum reader_status file_reader_next(struct reader *reader, struct slice *data,
                                           struct error *err)
{
    struct file_reader *file = (struct file_reader *)reader;

    if (file->status == READER_FAILED)
        error_set(err, ERROR_IO, "\"%s%s\" could not be read", file->source->root, file->path);
    if (file->status == READER_DATA) {
        file->status = file_reader_read(file, data, err);
        if (file->status != READER_DATA)
            file_reader_release(file);
    }
    return file->status;
}

static void file_reader_close(struct reader *reader)
{
    struct file_reader *file = (struct file_reader *)reader;

    file_reader_release(file);
    free(file);
}

static struct reader *file_reader_new(const struct directory_source *source, const char *path,
                                      uint64_t size, struct error *err)
{
    static const struct reader_ops ops = {.next = file_reader_next, .close = file_reader_close};
    struct file_reader *file = calloc(1, sizeof(*file) + strlen(path) + 1);

    if (file == NULL) {
        error_set_memory(err);
        return NULL;
    }
    file->reader.ops = &ops;
    file->source = source;
    file->status = READER_DATA;
    file->fd = -1;
    file->size = size;
    memcpy(file->path, path, strlen(path) + 1);
    return &file->reader;
}

/* ---- Entries ---- */

static bool read_link(struct directory_source *source, const struct tree_entry *entry,
                      struct error *err)
{
    ssize_t n =
        readlinkat(entry->parent_fd, entry->name, source->link_target, sizeof(source->link_target));

    if (n < 0)
        return error_set_errno(err, errno, "cannot read link \"%s%s\"", source->root, entry->path);
    if ((size_t)n >= sizeof(source->link_target))
        return error_set(err, ERROR_UNSUPPORTED, "the target of link \"%s%s\" is too long",
                         source->root, entry->path);
    source->link_target[n] = '\0';
    return true;
}

static bool fill_record(struct directory_source *source, const struct tree_entry *entry,
                        struct record *record, struct error *err)
{
    struct stat st;

    if (fstatat(entry->parent_fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return error_set_errno(err, errno, "cannot look at \"%s%s\"", source->root, entry->path);
    memcpy(source->path, entry->path, strlen(entry->path) + 1);
    *record = (struct record){
        .path = source->path,
        .mode = st.st_mode & 07777,
        .owner = st.st_uid,
        .group = st.st_gid,
        .modified = st.st_mtim,
    };
    if (S_ISDIR(st.st_mode)) {
        record->type = RECORD_DIRECTORY;
        return true;
    }
    if (S_ISLNK(st.st_mode)) {
        record->type = RECORD_LINK;
        record->link_target = source->link_target;
        return read_link(source, entry, err);
    }
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_UNSUPPORTED,
                         "\"%s%s\" is neither file, folder nor symbolic link", source->root,
                         entry->path);
    record->type = RECORD_FILE;
    record->size = st.st_size;
    record->reader = file_reader_new(source, entry->path, (uint64_t)st.st_size, err);
    return record->reader != NULL;
}

static bool list_contains(const char *const *list, const char *path)
{
    for (; list != NULL && *list != NULL; list++) {
        if (strcmp(*list, path) == 0)
            return true;
    }
    return false;
}

/* Gives the next file of the list that exists; SOURCE_END after the last. */
static enum source_status next_listed(struct directory_source *source, struct record *record,
                                      struct error *err)
{
    while (source->listed != NULL && *source->listed != NULL) {
        struct tree_entry entry = {.path = *source->listed++, .directory_fd = -1};
        enum source_status status = SOURCE_END;
        struct stat st;

        entry.name = tree_last_component(entry.path);
        entry.parent_fd = tree_open_parent(tree_walk_root(source->walk), entry.path);
        if (entry.parent_fd < 0)
            continue;
        if (fstatat(entry.parent_fd, entry.name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode))
            status = fill_record(source, &entry, record, err) ? SOURCE_RECORD : SOURCE_FAILED;
        close(entry.parent_fd);
        if (status != SOURCE_END)
            return status;
    }
    return SOURCE_END;
}

static enum source_status next_in_tree(struct directory_source *source, struct record *record,
                                       struct error *err)
{
    for (;;) {
        struct tree_entry entry;
        enum tree_event event = tree_walk_next(source->walk, &entry, err);

        if (event == TREE_END)
            return SOURCE_END;
        if (event == TREE_FAILED)
            return SOURCE_FAILED;
        if (event == TREE_LEAVE)
            continue;
        if (event == TREE_FILE &&
            (list_contains(source->first, entry.path) || list_contains(source->last, entry.path)))
            continue;
        return fill_record(source, &entry, record, err) ? SOURCE_RECORD : SOURCE_FAILED;
    }
}

static enum source_status directory_source_next(struct record_source *base, struct record *record,
                                                struct error *err)
{
    struct directory_source *source = (struct directory_source *)base;
    enum source_status status = SOURCE_END;

    if (source->phase == PHASE_FIRST) {
        status = next_listed(source, record, err);
        if (status != SOURCE_END)
            return status;
        source->phase = PHASE_TREE;
    }
    if (source->phase == PHASE_TREE) {
        status = next_in_tree(source, record, err);
        if (status != SOURCE_END)
            return status;
        source->phase = PHASE_LAST;
        source->listed = source->last;
    }
    return next_listed(source, record, err);
}

static void directory_source_close(struct record_source *base)
{
    struct directory_source *source = (struct directory_source *)base;

    tree_walk_free(source->walk);
    free(source);
}

struct record_source *directory_source_new(const char *directory, const char *const *first,
                                           const char *const *last, struct error *err)
{
    static const struct record_source_ops ops = {directory_source_next, directory_source_close};
    struct directory_source *source = calloc(1, sizeof(*source));

    if (source == NULL) {
        error_set_memory(err);
        return NULL;
    }
    source->source.ops = &ops;
    source->source.sequential = false;
    source->first = first;
    source->last = last;
    source->listed = first;
    if (path_with_suffix(directory, "", source->root, err))
        source->walk = tree_walk_new(directory, err);
    if (source->walk == NULL) {
        free(source);
        return NULL;
    }
    return &source->source;
}
