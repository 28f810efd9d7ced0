/*
 * Small steps in folders, each with the error that names the path: what is to be written into is
 * looked at without being changed, and what is there is never followed through a link.
 */
#include "restore/folder.h"

#include "base/quote.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool folder_join(char *out, const char *one, const char *other, struct error *err)
{
    int length = snprintf(out, PATH_MAX, "%s/%s", one, other);

    if (length < 0 || length >= PATH_MAX)
        return error_set(err, ERROR_IO, "path too long: %s/%s", one, other);
    return true;
}

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool folder_is_empty(const char *path, bool *empty, struct error *err)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int failure;

    if (dir == NULL)
        return error_set_errno(err, errno, "cannot read directory %s", path);
    *empty = true;
    errno = 0;
    while (*empty && (entry = readdir(dir)) != NULL)
        *empty = is_dot(entry->d_name);
    failure = *empty ? errno : 0;
    closedir(dir);
    if (failure != 0)
        return error_set_errno(err, failure, "cannot read directory %s", path);
    return true;
}

static bool resolve_existing(const char *given, struct folder *folder, struct error *err)
{
    struct stat info;

    if (strcmp(folder->path, "/") == 0)
        return error_set(err, ERROR_REFUSED, "%s is the root directory", given);
    if (stat(folder->path, &info) != 0)
        return error_set_errno(err, errno, "cannot look at %s", given);
    if (!S_ISDIR(info.st_mode)) {
        error_set(err, ERROR_REFUSED, "%s exists and is not a directory", given);
        error_reason(err, "target_exists");
        return error_hint(err, "Name a directory that is empty or does not exist.");
    }
    if (faccessat(AT_FDCWD, folder->path, R_OK | W_OK | X_OK, AT_EACCESS) != 0)
        return error_set_errno(err, errno, "cannot write into %s", given);
    folder->exists = true;
    folder->mode = info.st_mode & 07777;
    return folder_is_empty(folder->path, &folder->empty, err);
}

/* `given` has no trailing slash. */
static bool resolve_absent(const char *given, struct folder *folder, struct error *err)
{
    char parent[PATH_MAX], real_parent[PATH_MAX];
    const char *slash = strrchr(given, '/');
    const char *name = slash == NULL ? given : slash + 1;
    struct stat info;

    if (lstat(given, &info) == 0) {
        error_set(err, ERROR_REFUSED, "%s is a symbolic link to nothing", given);
        return error_hint(err, "Remove the link, or make the directory that it names.");
    }
    if (is_dot(name))
        return error_set(err, ERROR_USAGE, "%s does not name a directory", given);
    if (slash == NULL)
        snprintf(parent, sizeof(parent), ".");
    else if (slash == given)
        snprintf(parent, sizeof(parent), "/");
    else
        snprintf(parent, sizeof(parent), "%.*s", (int)(slash - given), given);
    if (realpath(parent, real_parent) == NULL) {
        int failure = errno;

        error_set_errno(err, failure, "cannot make %s in %s", given, parent);
        return failure == ENOENT ? error_hint_mkdir(err, parent) : false;
    }
    if (stat(real_parent, &info) != 0 || !S_ISDIR(info.st_mode))
        return error_set(err, ERROR_REFUSED, "cannot make %s: %s is not a directory", given,
                         parent);
    if (faccessat(AT_FDCWD, real_parent, W_OK | X_OK, AT_EACCESS) != 0)
        return error_set_errno(err, errno, "cannot make %s in %s", given, parent);
    folder->exists = false;
    folder->empty = true;
    return folder_join(folder->path, strcmp(real_parent, "/") == 0 ? "" : real_parent, name, err);
}

bool folder_resolve(const char *given, struct folder *folder, struct error *err)
{
    char path[PATH_MAX];
    size_t length = strlen(given);

    memset(folder, 0, sizeof(*folder));
    if (length == 0)
        return error_set(err, ERROR_USAGE, "the path of a directory is empty");
    while (length > 1 && given[length - 1] == '/')
        length--;
    if (length >= sizeof(path))
        return error_set(err, ERROR_USAGE, "path too long: %s", given);
    memcpy(path, given, length);
    path[length] = '\0';
    if (realpath(path, folder->path) != NULL)
        return resolve_existing(path, folder, err);
    if (errno != ENOENT)
        return error_set_errno(err, errno, "cannot look at %s", path);
    return resolve_absent(path, folder, err);
}

bool folder_foresee(const char *given, char out[PATH_MAX])
{
    char path[PATH_MAX], real[PATH_MAX];
    size_t end = strlen(given), length;
    struct error ignored;

    while (end > 1 && given[end - 1] == '/')
        end--;
    if (end == 0 || end >= sizeof(path))
        return false;
    memcpy(path, given, end);
    path[end] = '\0';
    while (realpath(path, real) == NULL) {
        char *slash = strrchr(path, '/');

        if (slash == NULL)
            return realpath(".", real) != NULL && folder_join(out, real, given, &ignored);
        if (slash == path && slash[1] == '\0')
            return false; /* not even the root can be looked at */
        slash[slash == path] = '\0';
    }
    length = strlen(path);
    while (given[length] == '/')
        length++;
    if (length >= end) {
        memcpy(out, real, strlen(real) + 1);
        return true;
    }
    return folder_join(out, strcmp(real, "/") == 0 ? "" : real, given + length, &ignored);
}

bool folder_prepare(const struct folder *folder, struct error *err)
{
    if (!folder->exists) {
        if (mkdir(folder->path, 0700) != 0)
            return error_set_errno(err, errno, "cannot make directory %s", folder->path);
    } else if (folder->mode != 0700 && chmod(folder->path, 0700) != 0) {
        return error_set_errno(err, errno, "cannot give directory %s the mode 0700", folder->path);
    }
    return true;
}

void folder_unmake(const char *path, struct error *err)
{
    struct error later;

    if (rmdir(path) == 0 || errno == ENOTEMPTY || errno == EEXIST || folder_remove(path, &later))
        return;
    error_detail(err, "What was made could not be removed again: " ERROR_OURS("%s") ".",
                 later.message);
}

void folder_give_back(const struct folder *folder, struct error *err)
{
    struct error ignored;
    char **names;

    if (!folder->exists) {
        folder_unmake(folder->path, err);
        return;
    }
    names = folder_names(folder->path, &ignored);
    if (names == NULL)
        return;
    if (names[0] == NULL && folder->mode != 0700)
        (void)chmod(folder->path, folder->mode);
    folder_names_free(names);
}

static bool lies_within(const char *inner, const char *outer)
{
    size_t length = strlen(outer);

    if (strcmp(outer, "/") == 0)
        return true;
    return strncmp(inner, outer, length) == 0 && (inner[length] == '/' || inner[length] == '\0');
}

bool folder_overlaps(const char *one, const char *other)
{
    return lies_within(one, other) || lies_within(other, one);
}

bool folder_has(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct error ignored;
    struct stat info;

    return folder_join(path, folder, name, &ignored) && lstat(path, &info) == 0;
}

bool folder_remove(const char *path, struct error *err)
{
    /* A second try: a shortage that has just passed shall not leave anything behind. */
    if (rmdir(path) == 0 || errno == ENOENT || rmdir(path) == 0)
        return true;
    return error_set_errno(err, errno, "cannot remove directory %s", path);
}

bool folder_sync(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failure = 0;

    if (fd < 0)
        return error_set_errno(err, errno, "cannot open directory %s", path);
    if (fsync(fd) != 0)
        failure = errno;
    close(fd);
    if (failure != 0)
        return error_set_errno(err, failure, "cannot fsync directory %s", path);
    return true;
}

static bool append_name(char ***names, size_t *count, const char *name)
{
    char **grown = realloc(*names, (*count + 2) * sizeof(*grown));

    if (grown == NULL)
        return false;
    *names = grown;
    grown[*count] = strdup(name);
    if (grown[*count] == NULL)
        return false;
    grown[++*count] = NULL;
    return true;
}

char **folder_names(const char *path, struct error *err)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char **names = calloc(1, sizeof(*names));
    size_t count = 0;
    bool ok = true;

    if (names == NULL || dir == NULL) {
        if (names == NULL)
            error_set_memory(err);
        else
            error_set_errno(err, errno, "cannot read directory %s", path);
        if (dir != NULL)
            closedir(dir);
        free(names);
        return NULL;
    }
    errno = 0;
    while (ok && (entry = readdir(dir)) != NULL) {
        if (!is_dot(entry->d_name) && !append_name(&names, &count, entry->d_name))
            ok = error_set_memory(err);
        errno = ok ? 0 : errno;
    }
    if (ok && errno != 0)
        ok = error_set_errno(err, errno, "cannot read directory %s", path);
    closedir(dir);
    if (!ok) {
        folder_names_free(names);
        return NULL;
    }
    return names;
}

void folder_names_free(char **names)
{
    if (names == NULL)
        return;
    for (char **name = names; *name != NULL; name++)
        free(*name);
    free(names);
}

int folder_compare_names(const void *one, const void *other)
{
    const char *const *left = one, *const *right = other;

    return strcmp(*left, *right);
}

bool folder_would_overlap(const char *given, const char *other)
{
    char path[PATH_MAX];

    return folder_foresee(given, path) && folder_overlaps(path, other);
}
