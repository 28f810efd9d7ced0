/* A file that has a name for a moment at most. */
#include "base/nameless_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Not every file system has files without a name. */
static int open_and_unlink(const char *directory)
{
    char name[PATH_MAX];
    int fd;

    if (snprintf(name, sizeof(name), "%s/pgcask-XXXXXX", directory) >= (int)sizeof(name)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0 && unlink(name) != 0) {
        int reason = errno;

        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

const char *nameless_file_directory(const char *directory)
{
    if (directory == NULL)
        directory = getenv("TMPDIR");
    return directory != NULL && *directory != '\0' ? directory : "/tmp";
}

int nameless_file_open(const char *directory, struct error *err)
{
    int fd;

    directory = nameless_file_directory(directory);
    fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        fd = open_and_unlink(directory);
    if (fd < 0)
        error_set_errno(err, errno, "cannot make a temporary file in \"%s\"", directory);
    return fd;
}

bool nameless_file_write(int fd, struct slice bytes, uint64_t offset, const char *what,
                         const char *directory, struct error *err)
{
    while (bytes.len > 0) {
        ssize_t len = pwrite(fd, bytes.data, bytes.len, (off_t)offset);

        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return error_set_errno(err, errno, "cannot keep %s in \"%s\"", what,
                                   nameless_file_directory(directory));
        slice_take(&bytes, (size_t)len);
        offset += (uint64_t)len;
    }
    return true;
}

bool nameless_file_read(int fd, void *bytes, size_t len, uint64_t offset, const char *what,
                        const char *directory, struct error *err)
{
    uint8_t *at = bytes;

    while (len > 0) {
        ssize_t got = pread(fd, at, len, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set_errno(err, got < 0 ? errno : EIO,
                                   "cannot read what was kept of %s in \"%s\"", what,
                                   nameless_file_directory(directory));
        at += got;
        len -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}
