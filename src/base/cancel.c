#include "base/cancel.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool cancel_init(struct cancel *cancel, struct error *err)
{
    atomic_init(&cancel->requested, false);
    cancel->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cancel->event_fd < 0)
        return error_set_errno(err, errno, "cannot make an event descriptor");
    return true;
}

void cancel_reset(struct cancel *cancel)
{
    if (cancel->event_fd >= 0)
        close(cancel->event_fd);
    cancel->event_fd = -1;
}

void cancel_request(struct cancel *cancel)
{
    uint64_t one = 1;
    int saved_errno = errno;
    ssize_t written;

    atomic_store(&cancel->requested, true);
    written = write(cancel->event_fd, &one, sizeof(one));
    (void)written; /* full means that it is readable already */
    errno = saved_errno;
}

bool cancel_requested(const struct cancel *cancel)
{
    return cancel != NULL && atomic_load(&cancel->requested);
}

bool cancel_check(const struct cancel *cancel, struct error *err)
{
    if (cancel_requested(cancel))
        return error_set(err, ERROR_CANCELLED, "cancelled");
    return true;
}
