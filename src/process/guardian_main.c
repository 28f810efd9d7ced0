/* The guardian process itself. It has no settings and no log: notes in, cancel requests out. */
#include "process/guardian_internal.h"

#include "base/clock.h"
#include "wire/wire.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#define SESSIONS_MAX 256 /* far more than a program of ours opens */
#define ROUND_MS 700     /* for servers that do not answer */
#define PAUSE_MS 300

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
    return note->address_len <= sizeof(note->address) && note->key_len <= sizeof(note->key) &&
           memchr(note->announced, '\0', sizeof(note->announced)) != NULL;
}

struct request {
    const struct guardian_note *session;
    int64_t deadline;
    pthread_t thread;
    bool begun;
};

static void *send_request(void *context)
{
    const struct request *request = context;
    const struct guardian_note *note = request->session;
    const struct wire_session session = {
        .address = &note->address,
        .address_len = note->address_len,
        .backend_pid = note->backend_pid,
        .key = slice_make(note->key, note->key_len),
        .encryption = (enum wire_encryption)note->encryption,
        .announced = note->announced[0] == '\0' ? NULL : note->announced,
    };
    struct error ignored; /* there is nobody to tell */

    wire_cancel_session(&session, request->deadline, &ignored);
    return NULL;
}

/* All at once, so that a dead server costs its time once. */
static void cancel_all(const struct sessions *sessions)
{
    struct request requests[SESSIONS_MAX];
    int64_t deadline = deadline_after_ms(ROUND_MS);

    for (size_t i = 0; i < sessions->count; i++) {
        struct request *request = &requests[i];

        *request = (struct request){.session = &sessions->items[i], .deadline = deadline};
        request->begun = pthread_create(&request->thread, NULL, send_request, request) == 0;
        if (!request->begun)
            send_request(request);
    }
    for (size_t i = 0; i < sessions->count; i++) {
        if (requests[i].begun)
            pthread_join(requests[i].thread, NULL);
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
    poll(NULL, 0, PAUSE_MS);
    cancel_all(&sessions);
}
