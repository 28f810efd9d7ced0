/* Where an SQL script goes. Small pieces are gathered; what does not fit is written at once. */
#include "cli/sql_target.h"

#include "base/quote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GATHERED ((size_t)128 * 1024)

static const char *name_of(const struct sql_target *target)
{
    return target->path == NULL ? "standard output" : target->path;
}

bool sql_target_is(const char *name)
{
    size_t len = strlen(name);

    return strcmp(name, "-") == 0 || (len > 4 && strcmp(name + len - 4, ".sql") == 0 &&
                                      name[len - 5] != '/' && strstr(name, "://") == NULL);
}

/* ---- Opening ---- */

static bool check_absent(const char *path, struct error *err)
{
    struct stat status;

    if (lstat(path, &status) == 0) {
        error_set(err, ERROR_REFUSED, "\"%s\" exists", path);
        error_reason(err, "target_exists");
        return error_hint(err, "Choose a name that does not exist yet.");
    }
    return errno == ENOENT || error_set_errno(err, errno, "cannot look at \"%s\"", path);
}

static bool check_no_partial(const char *partial, struct error *err)
{
    char quoted[QUOTE_PATH_SIZE];
    struct stat status;

    if (lstat(partial, &status) != 0)
        return true;
    error_set(err, ERROR_REFUSED, "\"%s\" exists: a restore is writing it, or did not end",
              partial);
    error_reason(err, "partial_exists");
    return error_hint(err, "If no other run is at work, remove it:  rm %s",
                      quote_shell(partial, quoted, sizeof(quoted)));
}

bool sql_target_open(struct sql_target *target, const char *name, const struct cancel *cancel,
                     struct error *err)
{
    *target = (struct sql_target){.cancel = cancel, .fd = STDOUT_FILENO};
    if (strcmp(name, "-") == 0)
        return true;
    if (strlen(name) + sizeof(".partial") > sizeof(target->partial))
        return error_set_errno(err, ENAMETOOLONG, "cannot write \"%s\"", name);
    snprintf(target->partial, sizeof(target->partial), "%s.partial", name);
    if (!check_absent(name, err) || !check_no_partial(target->partial, err))
        return false;
    target->fd = open(target->partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (target->fd < 0)
        return error_set_errno(err, errno, "cannot create \"%s\"", target->partial);
    target->path = name;
    return true;
}

/* ---- Writing ---- */

static bool write_failed(const struct sql_target *target, int failure, struct error *err)
{
    struct pollfd fds[2] = {
        {.fd = target->fd, .events = POLLOUT},
        {.fd = target->cancel == NULL ? -1 : target->cancel->event_fd, .events = POLLIN}};

    if (failure == EINTR)
        return cancel_check(target->cancel, err);
    if (failure == EPIPE)
        return error_set(err, ERROR_IO, "cannot write %s: the program reading from it has ended",
                         name_of(target));
    if (failure != EAGAIN)
        return error_set_errno(err, failure, "cannot write %s", name_of(target));
    if (poll(fds, 2, -1) < 0 && errno != EINTR)
        return error_set_errno(err, errno, "cannot wait for %s", name_of(target));
    return cancel_check(target->cancel, err);
}

static bool write_out(const struct sql_target *target, struct slice bytes, struct error *err)
{
    while (bytes.len > 0) {
        ssize_t len = write(target->fd, bytes.data, bytes.len);

        if (len >= 0)
            slice_take(&bytes, (size_t)len);
        else if (!write_failed(target, errno, err))
            return false;
    }
    return cancel_check(target->cancel, err);
}

static bool flush(struct sql_target *target, struct error *err)
{
    bool done = write_out(target, buffer_slice(&target->waiting), err);

    buffer_clear(&target->waiting);
    return done;
}

bool sql_target_write(void *context, struct slice bytes, struct error *err)
{
    struct sql_target *target = context;

    if (target->waiting.len + bytes.len > GATHERED && !flush(target, err))
        return false;
    return bytes.len > GATHERED ? write_out(target, bytes, err)
                                : buffer_append(&target->waiting, bytes.data, bytes.len, err);
}

/* ---- The end ---- */

/* Nothing that came there meanwhile is replaced, where the file system has links. */
static bool give_name(struct sql_target *target, struct error *err)
{
    if (link(target->partial, target->path) == 0)
        return true;
    if ((errno == EPERM || errno == EOPNOTSUPP) && check_absent(target->path, err) &&
        rename(target->partial, target->path) == 0)
        return true;
    return error_set_errno(err, errno, "cannot write \"%s\"", target->path);
}

bool sql_target_finish(struct sql_target *target, struct error *err)
{
    if (!flush(target, err))
        return false;
    if (target->path == NULL)
        return true;
    if (fsync(target->fd) != 0)
        return error_set_errno(err, errno, "cannot write %s", name_of(target));
    return give_name(target, err);
}

void sql_target_reset(struct sql_target *target)
{
    buffer_free(&target->waiting);
    if (target->path == NULL)
        return;
    close(target->fd);
    unlink(target->partial);
    target->path = NULL;
}
