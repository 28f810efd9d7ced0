/* The guardian process itself. It has no settings, no TLS and no log: notes in, cancel requests
 * out. */
#include "guardian/guardian_internal.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define SESSIONS_MAX 256      /* far more than a program of ours opens */
#define ONE_REQUEST_MS 700    /* for a server that does not answer */
#define CANCEL_CODE 80877102u /* the request code of a CancelRequest */

struct sessions {
    struct guardian_note items[SESSIONS_MAX];
    size_t count;
};

static bool same_session(const struct guardian_note *a, const struct guardian_note *b)
{
    return a->backend_pid == b->backend_pid && a->key_len == b->key_len &&
           memcmp(a->key, b->key, a->key_len) == 0;
}

static void take_note(struct sessions *sessions, const struct guardian_note *note)
{
    if (note->kind == GUARDIAN_OPENED && sessions->count < SESSIONS_MAX) {
        sessions->items[sessions->count++] = *note;
        return;
    }
    for (size_t i = 0; i < sessions->count; i++) {
        if (note->kind == GUARDIAN_CLOSED && same_session(&sessions->items[i], note)) {
            sessions->items[i] = sessions->items[--sessions->count];
            return;
        }
    }
}

/* A note is one write, but a read may end inside it all the same. False at the end of the pipe. */
static bool read_note(int pipe_fd, struct guardian_note *note)
{
    size_t have = 0;

    while (have < sizeof(*note)) {
        ssize_t got = read(pipe_fd, (char *)note + have, sizeof(*note) - have);

        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0)
            have += (size_t)got;
    }
    return note->address_len <= sizeof(note->address) && note->key_len <= sizeof(note->key);
}

static bool wait_for(int fd, short events, int64_t deadline)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    int ready;

    do
        ready = poll(&poll_fd, 1, deadline_poll_ms(deadline));
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* Connects without waiting; -1 if that cannot be. */
static int begin_request(const struct guardian_note *session)
{
    int fd = socket(session->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&session->address, session->address_len) != 0 &&
        errno != EINPROGRESS && errno != EAGAIN) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The server acts on the request, then closes. */
static void finish_request(int fd, const struct guardian_note *session, int64_t deadline)
{
    uint8_t request[12 + GUARDIAN_KEY_MAX];
    size_t len = 12 + session->key_len;
    char ignored;

    bytes_put_u32(request, (uint32_t)len);
    bytes_put_u32(request + 4, CANCEL_CODE);
    bytes_put_u32(request + 8, session->backend_pid);
    memcpy(request + 12, session->key, session->key_len);
    if (wait_for(fd, POLLOUT, deadline) && send(fd, request, len, MSG_NOSIGNAL) == (ssize_t)len &&
        wait_for(fd, POLLIN, deadline)) {
        ssize_t got = read(fd, &ignored, 1);

        (void)got;
    }
}

/* Connections are all begun before the first is waited for: a dead server costs its time once. */
static void cancel_all(const struct sessions *sessions)
{
    int64_t deadline = deadline_after_ms(ONE_REQUEST_MS);
    int fds[SESSIONS_MAX];

    for (size_t i = 0; i < sessions->count; i++)
        fds[i] = begin_request(&sessions->items[i]);
    for (size_t i = 0; i < sessions->count; i++) {
        if (fds[i] < 0)
            continue;
        finish_request(fds[i], &sessions->items[i], deadline);
        close(fds[i]);
    }
}

void guardian_main(int pipe_fd)
{
    struct sessions sessions = {.count = 0};
    struct guardian_note note;

    while (read_note(pipe_fd, &note))
        take_note(&sessions, &note);
    if (sessions.count == 0)
        return;
    /* A request may hit a session between two commands. The second try, a moment later, finds what
     * the first came too early for: the process number and key are those of the same session. */
    cancel_all(&sessions);
    poll(NULL, 0, 300);
    cancel_all(&sessions);
}
