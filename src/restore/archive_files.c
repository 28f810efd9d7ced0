/*
 * A file in a directory, a member of a tar and the parts of one are read alike: by position. No
 * path is walked through a link.
 */
#include "restore/archive_files_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct archive_place {
    char *name;
    int fd;                /* of the folder, the tar, or the file */
    struct tar_index *tar; /* NULL: no tar */
    bool is_folder;
    uint64_t size; /* of a file */
};

/* ---- One file ---- */

static bool read_at(int fd, uint64_t position, uint8_t *buffer, size_t size, size_t *got,
                    struct error *err)
{
    ssize_t n;

    do
        n = pread(fd, buffer, size, (off_t)position);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set_errno(err, errno, "cannot read the archive");
    *got = (size_t)n;
    return true;
}

bool archive_file_read(const struct archive_file *file, uint64_t position, uint8_t *buffer,
                       size_t size, size_t *got, struct error *err)
{
    *got = 0;
    if (position > INT64_MAX)
        return true;
    if (file->extents == NULL)
        return read_at(file->fd, position, buffer, size, got, err);
    for (size_t i = 0; i < file->extent_count; i++) {
        const struct tar_extent *extent = &file->extents[i];

        if (position < extent->size) {
            uint64_t left = extent->size - position;

            return read_at(file->fd, extent->position + position, buffer,
                           left < size ? (size_t)left : size, got, err);
        }
        position -= extent->size;
    }
    return true;
}

void archive_file_close(struct archive_file *file)
{
    if (file->owns_fd)
        close(file->fd);
    free(file->extents);
    *file = (struct archive_file){.fd = -1};
}

/* ---- Places ---- */

/* A header of a tar has this in it; older ones, which nobody writes any more, may not. */
static bool is_tar(int fd)
{
    char magic[5];

    return pread(fd, magic, sizeof(magic), 257) == (ssize_t)sizeof(magic) &&
           memcmp(magic, "ustar", sizeof(magic)) == 0;
}

bool archive_place_is_tar(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    bool is = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_tar(fd);

    if (fd >= 0)
        close(fd);
    return is;
}

static bool open_place(struct archive_place *place, const struct cancel *cancel, struct error *err)
{
    struct stat st;

    place->fd = open(place->name, O_RDONLY | O_CLOEXEC);
    if (place->fd < 0 || fstat(place->fd, &st) != 0)
        return error_set_errno(err, errno, "cannot open \"%s\"", place->name);
    place->is_folder = S_ISDIR(st.st_mode);
    if (place->is_folder)
        return true;
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_REFUSED, "\"%s\" is neither file nor directory", place->name);
    place->size = (uint64_t)st.st_size;
    if (!is_tar(place->fd))
        return true;
    place->tar = tar_index_new(place->fd, place->name, cancel, err);
    return place->tar != NULL;
}

struct archive_place *archive_place_open(const char *path, const struct cancel *cancel,
                                         struct error *err)
{
    struct archive_place *place = calloc(1, sizeof(*place));

    if (place == NULL) {
        error_set_memory(err);
        return NULL;
    }
    place->fd = -1;
    place->name = strdup(path);
    if (place->name == NULL)
        error_set_memory(err);
    else if (open_place(place, cancel, err))
        return place;
    archive_place_free(place);
    return NULL;
}

void archive_place_free(struct archive_place *place)
{
    if (place == NULL)
        return;
    tar_index_free(place->tar);
    if (place->fd >= 0)
        close(place->fd);
    free(place->name);
    free(place);
}

const char *archive_place_name(const struct archive_place *place)
{
    return place->name;
}

bool archive_place_alone(const struct archive_place *place, struct archive_file *file)
{
    *file = (struct archive_file){.fd = place->fd, .size = place->size};
    return !place->is_folder && place->tar == NULL;
}

/* ---- Files in them ---- */

/* Goes down the path, a component at a time. */
static bool open_folder(struct archive_files *files, const char *path, struct error *err)
{
    const char *at = path;

    while (*at == '/') {
        char component[RECORD_PATH_MAX];
        size_t len = strcspn(++at, "/");
        int fd;

        snprintf(component, sizeof(component), "%.*s", (int)len, at);
        fd = openat(files->fd, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return error_set_errno(err, errno, "cannot open \"%s%s\"", files->place->name, path);
        close(files->fd);
        files->fd = fd;
        at += len;
    }
    return true;
}

bool archive_files_open(struct archive_files *files, const struct archive_place *place,
                        const char *folder, struct error *err)
{
    *files = (struct archive_files){.place = place, .fd = -1};
    snprintf(files->folder, sizeof(files->folder), "%s/", folder == NULL ? "" : folder);
    if (!place->is_folder)
        return true;
    files->fd = openat(place->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->fd < 0)
        return error_set_errno(err, errno, "cannot open \"%s\"", place->name);
    if (folder == NULL || open_folder(files, folder, err))
        return true;
    archive_files_close(files);
    return false;
}

void archive_files_close(struct archive_files *files)
{
    if (files->fd >= 0)
        close(files->fd);
    files->fd = -1;
}

static bool find_member(const struct archive_files *files, const char *name,
                        struct archive_file *file, bool *there, struct error *err)
{
    char path[2 * RECORD_PATH_MAX];

    snprintf(path, sizeof(path), "%s%s", files->folder, name);
    if (!tar_index_find(files->place->tar, path, &file->extents, &file->extent_count, err))
        return false;
    file->fd = files->place->fd;
    *there = file->extent_count > 0;
    for (size_t i = 0; i < file->extent_count; i++)
        file->size += file->extents[i].size;
    return true;
}

/* O_NONBLOCK: it may be a pipe. */
static bool find_file(const struct archive_files *files, const char *name,
                      struct archive_file *file, bool *there, struct error *err)
{
    struct stat st;

    file->fd = openat(files->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file->fd < 0 && errno == ENOENT)
        return true;
    if (file->fd < 0)
        return error_set_errno(err, errno, "cannot open \"%s%s%s\"", files->place->name,
                               files->folder, name);
    file->owns_fd = true;
    if (fstat(file->fd, &st) != 0)
        return error_set_errno(err, errno, "cannot look at \"%s%s%s\"", files->place->name,
                               files->folder, name);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_CORRUPT, "\"%s%s%s\" is not a file", files->place->name,
                         files->folder, name);
    file->size = (uint64_t)st.st_size;
    *there = true;
    return true;
}

bool archive_files_find(const struct archive_files *files, const char *name,
                        struct archive_file *file, bool *there, struct error *err)
{
    *file = (struct archive_file){.fd = -1};
    *there = false;
    if (files->place->tar != NULL)
        return find_member(files, name, file, there, err);
    if (find_file(files, name, file, there, err))
        return true;
    archive_file_close(file);
    return false;
}

/* A tar need not have its folders, but their files it has. */
bool archive_place_has_folder(const struct archive_place *place, const char *record)
{
    struct archive_files files;
    struct archive_file file;
    struct error ignored;
    bool there;

    if (!archive_files_open(&files, place, record, &ignored))
        return false;
    there = place->is_folder;
    if (!there && archive_files_find(&files, "toc.dat", &file, &there, &ignored))
        archive_file_close(&file);
    archive_files_close(&files);
    return there;
}

bool archive_place_has(const struct archive_place *place, const char *record)
{
    const char *slash = strrchr(record, '/');
    char folder[RECORD_PATH_MAX];
    struct archive_files files;
    struct archive_file file;
    struct error ignored;
    bool there = false;

    if (archive_place_has_folder(place, record))
        return true;
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - record), record);
    if (!archive_files_open(&files, place, folder, &ignored))
        return false;
    if (archive_files_find(&files, slash + 1, &file, &there, &ignored))
        archive_file_close(&file);
    archive_files_close(&files);
    return there;
}
