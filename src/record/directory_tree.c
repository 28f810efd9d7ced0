/*
 * Walking, opening and removing local folders so that no link is ever followed: every step is an
 * openat of one component. A hostile tree can point anywhere; a path that is resolved as a whole
 * would go there.
 */
#include "record/record_internal.h"

#include "base/quote.h"
#include "base/buffer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* ---- Paths of the local file system ---- */

static size_t length_without_slashes(const char *path)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    return len;
}

static bool path_too_long(const char *path, struct error *err)
{
    return error_set(err, ERROR_USAGE, "path \"%.200s…\" is longer than %d bytes", path,
                     RECORD_PATH_MAX - 1);
}

bool path_parent(const char *path, char out[RECORD_PATH_MAX], struct error *err)
{
    size_t len = length_without_slashes(path);

    while (len > 0 && path[len - 1] != '/')
        len--;
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len >= RECORD_PATH_MAX)
        return path_too_long(path, err);
    if (len == 0) {
        memcpy(out, ".", 2);
        return true;
    }
    memcpy(out, path, len);
    out[len] = '\0';
    return true;
}

bool path_with_suffix(const char *path, const char *suffix, char out[RECORD_PATH_MAX],
                      struct error *err)
{
    size_t len = length_without_slashes(path);

    if (len + strlen(suffix) >= RECORD_PATH_MAX)
        return path_too_long(path, err);
    memcpy(out, path, len);
    memcpy(out + len, suffix, strlen(suffix) + 1);
    return true;
}

bool path_sync_directory(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced;

    if (fd < 0)
        return error_set_errno(err, errno, "cannot open folder \"%s\"", path);
    synced = fsync(fd) == 0 || error_set_errno(err, errno, "cannot fsync folder \"%s\"", path);
    if (close(fd) != 0 && synced)
        return error_set_errno(err, errno, "cannot close folder \"%s\"", path);
    return synced;
}

bool path_rename_new(const char *from, const char *to, struct error *err)
{
    struct stat st;

    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if (errno == EINVAL || errno == ENOSYS) {
        /* A file system or kernel without that flag: look first. */
        if (lstat(to, &st) == 0)
            errno = EEXIST;
        else if (errno == ENOENT && rename(from, to) == 0)
            return true;
    }
    if (errno == EEXIST) {
        error_set(err, ERROR_REFUSED, "\"%s\" came into being during the work", to);
        return error_hint(err, "Choose another target, or remove it.");
    }
    return error_set_errno(err, errno, "cannot rename \"%s\" to \"%s\"", from, to);
}

uint64_t path_free_bytes(const char *path)
{
    struct statvfs fs;

    if (statvfs(path, &fs) != 0)
        return UINT64_MAX;
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

bool path_check_writable(const char *folder, struct error *err)
{
    struct stat st;

    if (stat(folder, &st) != 0) {
        int failure = errno;

        error_set_errno(err, failure, "cannot write into \"%s\"", folder);
        if (failure == ENOENT)
            error_hint_mkdir(err, folder);
        return false;
    }
    if (!S_ISDIR(st.st_mode))
        return error_set(err, ERROR_REFUSED, "\"%s\" is not a folder", folder);
    if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0)
        return error_set_errno(err, errno, "cannot write into folder \"%s\"", folder);
    return true;
}

const char *tree_last_component(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

int tree_open_parent(int root_fd, const char *path)
{
    const char *end = tree_last_component(path);
    int fd = openat(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

    while (fd >= 0) {
        char component[NAME_MAX + 1];
        size_t len;
        int next;

        path += strspn(path, "/");
        if (path >= end)
            break;
        len = strcspn(path, "/");
        if (len > NAME_MAX) {
            close(fd);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(component, path, len);
        component[len] = '\0';
        next = openat(fd, component, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(fd);
        fd = next;
        path += len;
    }
    return fd;
}

/* ---- Walking ---- */

/* One open folder on the way down: the names in it, each preceded by its d_type byte. */
struct tree_level {
    int fd;
    struct buffer text;
    uint32_t *offsets; /* of names in text, sorted */
    size_t count, next;
    size_t path_len; /* of walk->path where this folder ends */
};

struct tree_walk {
    struct tree_level *levels;
    size_t depth, capacity;
    char path[RECORD_PATH_MAX];
    char root[RECORD_PATH_MAX];
    int leaving_fd; /* of the folder that TREE_LEAVE has just lent; -1 if none */
    int root_fd;
};

static void level_free(struct tree_level *level)
{
    if (level->fd >= 0)
        close(level->fd);
    buffer_free(&level->text);
    free(level->offsets);
}

static int compare_names(const void *a, const void *b, void *text)
{
    const char *names = text;

    return strcmp(names + *(const uint32_t *)a, names + *(const uint32_t *)b);
}

static bool level_add_name(struct tree_level *level, size_t *capacity, const struct dirent *entry,
                           struct error *err)
{
    if (level->count == *capacity) {
        size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
        uint32_t *offsets = reallocarray(level->offsets, wanted, sizeof(*offsets));

        if (offsets == NULL)
            return error_set_memory(err);
        level->offsets = offsets;
        *capacity = wanted;
    }
    if (level->text.len > UINT32_MAX - 512)
        return error_set(err, ERROR_UNSUPPORTED, "a folder holds over 4 GiB of names");
    level->offsets[level->count++] = (uint32_t)level->text.len + 1;
    return buffer_append_byte(&level->text, entry->d_type, err) &&
           buffer_append(&level->text, entry->d_name, strlen(entry->d_name) + 1, err);
}

static bool level_read_names(struct tree_level *level, DIR *stream, const char *root,
                             const char *path, struct error *err)
{
    size_t capacity = 0;

    for (;;) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(stream);
        if (entry == NULL)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!level_add_name(level, &capacity, entry, err))
            return false;
    }
    if (errno != 0)
        return error_set_errno(err, errno, "cannot read folder \"%s%s\"", root, path);
    if (level->count > 1)
        qsort_r(level->offsets, level->count, sizeof(*level->offsets), compare_names,
                level->text.data);
    return true;
}

/* Takes over fd. */
static bool walk_push(struct tree_walk *walk, int fd, struct error *err)
{
    struct tree_level *level;
    DIR *stream;
    int copy;
    bool done;

    if (walk->depth == walk->capacity) {
        size_t wanted = walk->capacity == 0 ? 8 : walk->capacity * 2;
        struct tree_level *levels = reallocarray(walk->levels, wanted, sizeof(*levels));

        if (levels == NULL) {
            close(fd);
            return error_set_memory(err);
        }
        walk->levels = levels;
        walk->capacity = wanted;
    }
    level = &walk->levels[walk->depth++];
    *level = (struct tree_level){.fd = fd, .path_len = strlen(walk->path)};
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    stream = copy < 0 ? NULL : fdopendir(copy);
    if (stream == NULL) {
        error_set_errno(err, errno, "cannot read folder \"%s%s\"", walk->root, walk->path);
        if (copy >= 0)
            close(copy);
        return false;
    }
    done = level_read_names(level, stream, walk->root, walk->path, err);
    closedir(stream);
    return done;
}

struct tree_walk *tree_walk_new(const char *root, struct error *err)
{
    struct tree_walk *walk = calloc(1, sizeof(*walk));

    if (walk == NULL) {
        error_set_memory(err);
        return NULL;
    }
    walk->leaving_fd = -1;
    walk->root_fd = -1;
    if (!path_with_suffix(root, "", walk->root, err)) {
        tree_walk_free(walk);
        return NULL;
    }
    walk->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (walk->root_fd < 0) {
        error_set_errno(err, errno, "cannot open folder \"%s\"", root);
        tree_walk_free(walk);
        return NULL;
    }
    if (!walk_push(walk, fcntl(walk->root_fd, F_DUPFD_CLOEXEC, 0), err)) {
        tree_walk_free(walk);
        return NULL;
    }
    return walk;
}

void tree_walk_free(struct tree_walk *walk)
{
    if (walk == NULL)
        return;
    while (walk->depth > 0)
        level_free(&walk->levels[--walk->depth]);
    if (walk->leaving_fd >= 0)
        close(walk->leaving_fd);
    if (walk->root_fd >= 0)
        close(walk->root_fd);
    free(walk->levels);
    free(walk);
}

int tree_walk_root(const struct tree_walk *walk)
{
    return walk->root_fd;
}

static enum tree_event walk_leave(struct tree_walk *walk, struct tree_entry *entry)
{
    struct tree_level *level = &walk->levels[walk->depth - 1];

    walk->path[level->path_len] = '\0';
    walk->leaving_fd = level->fd;
    level->fd = -1;
    level_free(level);
    walk->depth--;
    *entry = (struct tree_entry){
        .path = walk->path,
        .name = tree_last_component(walk->path),
        .parent_fd = walk->depth == 0 ? -1 : walk->levels[walk->depth - 1].fd,
        .directory_fd = walk->leaving_fd,
    };
    return TREE_LEAVE;
}

static enum tree_event type_event(mode_t type)
{
    if (S_ISREG(type))
        return TREE_FILE;
    if (S_ISDIR(type))
        return TREE_DIRECTORY;
    return S_ISLNK(type) ? TREE_LINK : TREE_OTHER;
}

/* Some file systems leave d_type out. */
static enum tree_event entry_type(const struct tree_walk *walk, const struct tree_entry *entry,
                                  uint8_t d_type, struct error *err)
{
    struct stat st;

    if (d_type != DT_UNKNOWN)
        return type_event(DTTOIF(d_type));
    if (fstatat(entry->parent_fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        error_set_errno(err, errno, "cannot look at \"%s%s\"", walk->root, entry->path);
        return TREE_FAILED;
    }
    return type_event(st.st_mode);
}

static bool walk_enter(struct tree_walk *walk, const struct tree_entry *entry, struct error *err)
{
    int fd = openat(entry->parent_fd, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return error_set_errno(err, errno, "cannot open folder \"%s%s\"", walk->root, entry->path);
    return walk_push(walk, fd, err);
}

enum tree_event tree_walk_next(struct tree_walk *walk, struct tree_entry *entry, struct error *err)
{
    struct tree_level *level;
    const char *name;
    enum tree_event event;
    size_t parent;

    if (walk->leaving_fd >= 0) {
        close(walk->leaving_fd);
        walk->leaving_fd = -1;
    }
    if (walk->depth == 0)
        return TREE_END;
    parent = walk->depth - 1;
    level = &walk->levels[parent];
    if (level->next == level->count)
        return walk_leave(walk, entry);
    name = (const char *)level->text.data + level->offsets[level->next++];
    if (level->path_len + strlen(name) + 2 > RECORD_PATH_MAX) {
        error_set(err, ERROR_UNSUPPORTED, "a path in \"%s\" is longer than %d bytes", walk->root,
                  RECORD_PATH_MAX - 1);
        return TREE_FAILED;
    }
    walk->path[level->path_len] = '/';
    memcpy(walk->path + level->path_len + 1, name, strlen(name) + 1);
    *entry = (struct tree_entry){.path = walk->path,
                                 .name = walk->path + level->path_len + 1,
                                 .parent_fd = level->fd,
                                 .directory_fd = -1};
    event = entry_type(walk, entry, (uint8_t)name[-1], err);
    if (event == TREE_DIRECTORY && !walk_enter(walk, entry, err))
        return TREE_FAILED;
    return event;
}

/* ---- Removing ---- */

static bool remove_entry(enum tree_event event, const struct tree_entry *entry, const char *root,
                         struct error *err)
{
    int flags = event == TREE_LEAVE ? AT_REMOVEDIR : 0;

    if (event == TREE_DIRECTORY || entry->parent_fd < 0)
        return true;
    if (unlinkat(entry->parent_fd, entry->name, flags) != 0 && errno != ENOENT)
        return error_set_errno(err, errno, "cannot remove \"%s%s\"", root, entry->path);
    return true;
}

static bool remove_once(const char *root, bool also_root, struct error *err)
{
    struct tree_walk *walk = tree_walk_new(root, err);
    enum tree_event event;
    bool removed = true;

    if (walk == NULL)
        return false;
    do {
        struct tree_entry entry;

        event = tree_walk_next(walk, &entry, err);
        if (event == TREE_FAILED)
            removed = false;
        else if (event != TREE_END)
            removed = remove_entry(event, &entry, walk->root, err);
    } while (removed && event != TREE_END);
    tree_walk_free(walk);
    if (removed && also_root && rmdir(root) != 0 && errno != ENOENT)
        return error_set_errno(err, errno, "cannot remove \"%s\"", root);
    return removed;
}

/* A second try: a shortage that has just passed shall not leave half a tree behind. */
bool directory_remove_tree(const char *root, bool also_root, struct error *err)
{
    return remove_once(root, also_root, err) || remove_once(root, also_root, err);
}
