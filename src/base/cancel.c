/*
 * An atomic flag for those who compute and an eventfd for those who wait. A child's descriptor is
 * an epoll over its own and its parent's, so that one poll(2) sees both without a thread that
 * passes requests on.
 */
#include "base/cancel.h"

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool cancel_init(struct cancel *cancel, struct error *err)
{
    atomic_init(&cancel->requested, false);
    cancel->parent = NULL;
    cancel->own_fd = -1;
    cancel->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cancel->event_fd < 0)
        return error_set_errno(err, errno, "cannot make an event descriptor");
    return true;
}

/* An epoll descriptor is readable while one of those it watches is. */
bool cancel_init_child(struct cancel *cancel, const struct cancel *parent, struct error *err)
{
    struct epoll_event readable = {.events = EPOLLIN};

    if (!cancel_init(cancel, err))
        return false;
    if (parent == NULL)
        return true;
    cancel->parent = parent;
    cancel->own_fd = cancel->event_fd;
    cancel->event_fd = epoll_create1(EPOLL_CLOEXEC);
    if (cancel->event_fd >= 0 &&
        epoll_ctl(cancel->event_fd, EPOLL_CTL_ADD, cancel->own_fd, &readable) == 0 &&
        epoll_ctl(cancel->event_fd, EPOLL_CTL_ADD, parent->event_fd, &readable) == 0)
        return true;
    error_set_errno(err, errno, "cannot make an event descriptor");
    cancel_reset(cancel);
    return false;
}

void cancel_reset(struct cancel *cancel)
{
    if (cancel->event_fd >= 0)
        close(cancel->event_fd);
    if (cancel->parent != NULL && cancel->own_fd >= 0)
        close(cancel->own_fd);
    cancel->event_fd = -1;
    cancel->parent = NULL;
}

void cancel_request(struct cancel *cancel)
{
    uint64_t one = 1;
    int saved_errno = errno;
    ssize_t written;

    atomic_store(&cancel->requested, true);
    written = write(cancel->parent == NULL ? cancel->event_fd : cancel->own_fd, &one, sizeof(one));
    (void)written; /* full means that it is readable already */
    errno = saved_errno;
}

bool cancel_requested(const struct cancel *cancel)
{
    return cancel != NULL && (atomic_load(&cancel->requested) || cancel_requested(cancel->parent));
}

bool cancel_check(const struct cancel *cancel, struct error *err)
{
    if (cancel_requested(cancel))
        return error_set(err, ERROR_CANCELLED, "cancelled");
    return true;
}
