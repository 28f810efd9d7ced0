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
