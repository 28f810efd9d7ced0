/* Folders that are gone after a test, whatever was put into them. */
#include "support/scratch.h"

#include "record/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch_name {
    struct scratch_name *next;
    char path[];
};

static void must(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

void scratch_init(struct scratch *scratch)
{
    const char *base = getenv("TMPDIR");
    char template[PATH_MAX / 4], real[PATH_MAX];

    memset(scratch, 0, sizeof(*scratch));
    snprintf(template, sizeof(template), "%s/pgcask-unit-XXXXXX", base == NULL ? "/tmp" : base);
    must(mkdtemp(template) != NULL, template);
    must(realpath(template, real) != NULL && strlen(real) < sizeof(scratch->path), template);
    memcpy(scratch->path, real, strlen(real) + 1);
}

void scratch_remove(struct scratch *scratch)
{
    struct error err;

    must(directory_remove_tree(scratch->path, true, &err), scratch->path);
    while (scratch->names != NULL) {
        struct scratch_name *name = scratch->names;

        scratch->names = name->next;
        free(name);
    }
}

const char *scratch_path(struct scratch *scratch, const char *name)
{
    size_t size = strlen(scratch->path) + strlen(name) + 2;
    struct scratch_name *joined = malloc(sizeof(*joined) + size);

    must(joined != NULL, "malloc");
    joined->next = scratch->names;
    scratch->names = joined;
    snprintf(joined->path, size, "%s/%s", scratch->path, name);
    return joined->path;
}

void scratch_mkdir(struct scratch *scratch, const char *name)
{
    must(mkdir(scratch_path(scratch, name), 0755) == 0, name);
}

void scratch_write(struct scratch *scratch, const char *name, const char *text)
{
    scratch_write_bytes(scratch, name, slice_string(text));
}

void scratch_write_bytes(struct scratch *scratch, const char *name, struct slice bytes)
{
    int fd = open(scratch_path(scratch, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    must(fd >= 0, name);
    must(write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len, name);
    close(fd);
}

void scratch_link(struct scratch *scratch, const char *target, const char *name)
{
    must(symlink(target, scratch_path(scratch, name)) == 0, name);
}

bool scratch_exists(struct scratch *scratch, const char *name)
{
    struct stat info;

    return lstat(scratch_path(scratch, name), &info) == 0;
}

bool scratch_is_empty(struct scratch *scratch, const char *name)
{
    DIR *dir = opendir(scratch_path(scratch, name));
    size_t entries = 0;

    must(dir != NULL, name);
    while (readdir(dir) != NULL)
        entries++;
    closedir(dir);
    return entries == 2;
}

bool scratch_holds(struct scratch *scratch, const char *name, const char *text)
{
    char content[4096];
    int fd = open(scratch_path(scratch, name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t got;

    if (fd < 0)
        return false;
    got = read(fd, content, sizeof(content));
    close(fd);
    return got == (ssize_t)strlen(text) && memcmp(content, text, (size_t)got) == 0;
}

bool scratch_links(struct scratch *scratch, const char *name, const char *target)
{
    char found[PATH_MAX];
    ssize_t length = readlink(scratch_path(scratch, name), found, sizeof(found));

    return length == (ssize_t)strlen(target) && memcmp(found, target, (size_t)length) == 0;
}

unsigned scratch_mode(struct scratch *scratch, const char *name)
{
    struct stat info;

    must(lstat(scratch_path(scratch, name), &info) == 0, name);
    return info.st_mode & 07777;
}

int scratch_setup(void **state)
{
    struct scratch scratch;

    scratch_init(&scratch);
    *state = strdup(scratch.path);
    return *state == NULL ? -1 : 0;
}

int scratch_teardown(void **state)
{
    struct error err;
    bool removed = directory_remove_tree(*state, true, &err);

    free(*state);
    return removed ? 0 : -1;
}
