/*
 * All that is asked of a socket itself: connecting with the keepalive settings, who is at the other
 * end, waiting within a deadline and a cancel, and bytes that go or come now. What the kernel says
 * of a failed attempt becomes an error that says what to do.
 */
#include "wire/socket_internal.h"

#include "base/clock.h"
#include "wire/settings_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

bool socket_host_is_folder(const char *host)
{
    return host != NULL && (host[0] == '/' || host[0] == '@');
}

bool socket_unix_address(const char *folder, const char *port, struct socket_address *address,
                         struct error *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int len = snprintf(name.sun_path, sizeof(name.sun_path), "%s/.s.PGSQL.%s", folder, port);

    if (len < 0 || (size_t)len >= sizeof(name.sun_path)) {
        error_set(err, ERROR_CONNECT, "the socket path %.200s/.s.PGSQL.%s is too long", folder,
                  port);
        return error_hint(err, "A socket path has at most %zu bytes: use a shorter folder.",
                          sizeof(name.sun_path) - 1);
    }
    *address = (struct socket_address){.len = sizeof(name)};
    if (name.sun_path[0] == '@') { /* abstract: a leading NUL, and the length says where it ends */
        name.sun_path[0] = '\0';
        address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len);
    }
    memcpy(&address->storage, &name, sizeof(name));
    return true;
}

void socket_address_text(const struct socket_address *address, char out[SOCKET_TEXT_SIZE])
{
    out[0] = '\0';
    if (address->storage.ss_family != AF_UNIX)
        getnameinfo((const struct sockaddr *)&address->storage, address->len, out, SOCKET_TEXT_SIZE,
                    NULL, 0, NI_NUMERICHOST);
}

/* ---- Waiting ---- */

static unsigned ready_of(short revents)
{
    unsigned ready = 0;

    /* A failed socket is "ready": the next read or write says what happened to it. */
    if (revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
        ready |= SOCKET_READ;
    if (revents & (POLLOUT | POLLHUP | POLLERR | POLLNVAL))
        ready |= SOCKET_WRITE;
    return ready;
}

bool socket_wait(int fd, unsigned interest, int64_t deadline, const struct cancel *cancel,
                 unsigned *ready, struct error *err)
{
    struct pollfd fds[2] = {
        {.fd = fd,
         .events = (short)((interest & SOCKET_READ ? POLLIN : 0) |
                           (interest & SOCKET_WRITE ? POLLOUT : 0))},
        {.fd = cancel == NULL ? -1 : cancel->event_fd, .events = POLLIN},
    };

    for (;;) {
        int count;

        if (!cancel_check(cancel, err))
            return false;
        count = poll(fds, 2, deadline_poll_ms(deadline));
        if (count < 0 && errno != EINTR)
            return error_set_errno(err, errno, "cannot wait for a socket");
        if (count == 0)
            return error_set(err, ERROR_TIMEOUT, "the wait took too long");
        if (count > 0 && fds[0].revents != 0 && !cancel_requested(cancel)) {
            *ready = ready_of(fds[0].revents) & interest;
            return true;
        }
    }
}

/* ---- Connecting ---- */

static int number_setting(const struct wire_settings *settings, const char *name, int otherwise)
{
    const char *value = wire_settings_get(settings, name);
    int number;

    return value != NULL && settings_parse_integer(value, &number) ? number : otherwise;
}

/* A number that the user gave, 0 for the system's own. */
static bool set_number(int fd, int option, const struct wire_settings *settings, const char *name,
                       struct error *err)
{
    int number = number_setting(settings, name, 0);

    if (number == 0 || setsockopt(fd, IPPROTO_TCP, option, &number, sizeof(number)) == 0)
        return true;
    error_set(err, ERROR_CONNECT, "cannot set %s to %d: %s", name, number, strerror(errno));
    return error_hint(err, "Leave it out, or give a number that the kernel takes.");
}

static bool set_tcp_options(int fd, const struct wire_settings *settings, struct error *err)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (number_setting(settings, "tcp_user_timeout", 0) > 0 &&
        !set_number(fd, TCP_USER_TIMEOUT, settings, "tcp_user_timeout", err))
        return false;
    if (number_setting(settings, "keepalives", 1) == 0)
        return true;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    return set_number(fd, TCP_KEEPIDLE, settings, "keepalives_idle", err) &&
           set_number(fd, TCP_KEEPINTVL, settings, "keepalives_interval", err) &&
           set_number(fd, TCP_KEEPCNT, settings, "keepalives_count", err);
}

/* What the kernel says of a connection attempt, with what to do about it. */
static bool connect_failed(int errno_value, struct error *err)
{
    error_set(err, ERROR_CONNECT, "%s", strerror(errno_value));
    err->errno_value = errno_value;
    switch (errno_value) {
    case ECONNREFUSED:
        return error_hint(err,
                          "Is PostgreSQL running there, and does it listen on this address and "
                          "port? See listen_addresses and port in postgresql.conf.");
    case ENOENT:
        return error_hint(err, "There is no such socket. Is PostgreSQL running there with this "
                               "port? See unix_socket_directories in postgresql.conf, or give a "
                               "host name to connect over TCP.");
    case EACCES:
        return error_hint(err, "Run as a user who may open the socket; see unix_socket_permissions "
                               "in postgresql.conf.");
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ETIMEDOUT:
        return error_hint(err, "Check the address, the route to it and the firewalls between.");
    default:
        return false;
    }
}

static bool finish_connect(int fd, const struct socket_address *address, int64_t deadline,
                           const struct cancel *cancel, struct error *err)
{
    int failure = 0;
    socklen_t len = sizeof(failure);
    unsigned ready;

    while (connect(fd, (const struct sockaddr *)&address->storage, address->len) != 0) {
        if (errno == EISCONN)
            return true;
        /* EAGAIN is a unix socket whose backlog is full: poll would not say when that ends. */
        if (errno == EAGAIN) {
            if (deadline_poll_ms(deadline) == 0)
                return connect_failed(ETIMEDOUT, err);
            if (!cancel_check(cancel, err))
                return false;
            poll(NULL, 0, 20);
            continue;
        }
        if (errno != EINPROGRESS && errno != EINTR && errno != EALREADY)
            return connect_failed(errno, err);
        if (!socket_wait(fd, SOCKET_WRITE, deadline, cancel, &ready, err))
            return err->code == ERROR_TIMEOUT ? connect_failed(ETIMEDOUT, err) : false;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0)
            failure = errno;
        return failure == 0 ? true : connect_failed(failure, err);
    }
    return true;
}

bool socket_connect(const struct socket_address *address, const struct wire_settings *settings,
                    int64_t deadline, const struct cancel *cancel, int *fd, struct error *err)
{
    *fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return connect_failed(errno, err);
    if ((address->storage.ss_family == AF_UNIX || set_tcp_options(*fd, settings, err)) &&
        finish_connect(*fd, address, deadline, cancel, err))
        return true;
    close(*fd);
    *fd = -1;
    return false;
}

bool socket_check_peer(int fd, const char *user, struct error *err)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    char name[256];

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return error_set(err, ERROR_AUTHENTICATION, "cannot tell who runs the server: %s",
                         strerror(errno));
    if (!settings_user_name(peer.uid, name, sizeof(name)))
        snprintf(name, sizeof(name), "uid %ld", (long)peer.uid);
    else if (strcmp(name, user) == 0)
        return true;
    error_set(err, ERROR_AUTHENTICATION, "the server runs as %s, not as %s as requirepeer asks",
              name, user);
    return error_hint(err, "If that is the server you mean, set requirepeer to its user.");
}

/* ---- Bytes ---- */

bool socket_would_block(int errno_value)
{
    return errno_value == EAGAIN || errno_value == EWOULDBLOCK;
}

ssize_t socket_receive(int fd, void *data, size_t len)
{
    ssize_t count;

    do {
        count = recv(fd, data, len, MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    return count;
}

ssize_t socket_send(int fd, const struct iovec *parts, int count)
{
    struct iovec copy[SOCKET_PARTS_MAX];
    struct msghdr message = {.msg_iov = copy};
    ssize_t sent;

    message.msg_iovlen = count > SOCKET_PARTS_MAX ? SOCKET_PARTS_MAX : (size_t)count;
    memcpy(copy, parts, message.msg_iovlen * sizeof(*parts));
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent;
}
