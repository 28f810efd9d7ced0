#include "support/scripted_server.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 8
#define PATIENCE_S 20

enum step_kind {
    STEP_ACCEPT,
    STEP_USE,
    STEP_EXPECT_STARTUP,
    STEP_EXPECT,
    STEP_EXPECT_BODY,
    STEP_EXPECT_UNTIL,
    STEP_EXPECT_CLOSE,
    STEP_REPLY,
    STEP_REPLY_SLOWLY,
    STEP_REPLY_REPEATED,
    STEP_DELAY,
    STEP_CLOSE
};

struct step {
    enum step_kind kind;
    char type, last;
    size_t number;
    struct buffer bytes;
};

struct scripted_server {
    int listener;
    char port[8];
    struct step *steps;
    size_t count, capacity;
    int connections[CONNECTIONS_MAX];
    int connected;
    int current;
    int to_accept; /* of these, how many are still to come */
    bool started;
    pthread_t thread;
    char failure[256];
};

static void must(bool condition, const char *what)
{
    if (!condition) {
        perror(what);
        abort();
    }
}

/* ---- The script ---- */

struct scripted_server *scripted_server_new(void)
{
    struct scripted_server *server = calloc(1, sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    must(server != NULL, "calloc");
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(server->listener >= 0, "socket");
    must(bind(server->listener, (struct sockaddr *)&address, len) == 0, "bind");
    must(listen(server->listener, CONNECTIONS_MAX) == 0, "listen");
    must(getsockname(server->listener, (struct sockaddr *)&address, &len) == 0, "getsockname");
    snprintf(server->port, sizeof(server->port), "%d", (int)ntohs(address.sin_port));
    server->current = -1;
    return server;
}

const char *scripted_server_port(const struct scripted_server *server)
{
    return server->port;
}

static struct step *add_step(struct scripted_server *server, enum step_kind kind)
{
    if (server->count == server->capacity) {
        server->capacity = server->capacity == 0 ? 64 : server->capacity * 2;
        server->steps = realloc(server->steps, server->capacity * sizeof(*server->steps));
        must(server->steps != NULL, "realloc");
    }
    server->steps[server->count] = (struct step){.kind = kind};
    return &server->steps[server->count++];
}

static struct step *add_bytes(struct scripted_server *server, enum step_kind kind,
                              const void *bytes, size_t len)
{
    struct step *step = add_step(server, kind);
    struct error err;

    must(buffer_append(&step->bytes, bytes, len, &err), "buffer_append");
    return step;
}

void scripted_accept(struct scripted_server *server)
{
    add_step(server, STEP_ACCEPT);
    server->to_accept++;
}

void scripted_use(struct scripted_server *server, int connection)
{
    add_step(server, STEP_USE)->number = (size_t)connection;
}

void scripted_expect_startup(struct scripted_server *server, const void *bytes, size_t len)
{
    add_bytes(server, STEP_EXPECT_STARTUP, bytes, len);
}

void scripted_expect(struct scripted_server *server, char type)
{
    add_step(server, STEP_EXPECT)->type = type;
}

void scripted_expect_body(struct scripted_server *server, char type, const void *body, size_t len)
{
    add_bytes(server, STEP_EXPECT_BODY, body, len)->type = type;
}

void scripted_expect_until(struct scripted_server *server, char type, char last)
{
    struct step *step = add_step(server, STEP_EXPECT_UNTIL);

    step->type = type;
    step->last = last;
}

void scripted_expect_close(struct scripted_server *server)
{
    add_step(server, STEP_EXPECT_CLOSE);
}

void scripted_reply(struct scripted_server *server, const void *bytes, size_t len)
{
    add_bytes(server, STEP_REPLY, bytes, len);
}

void scripted_reply_buffer(struct scripted_server *server, const struct buffer *buffer)
{
    scripted_reply(server, buffer->data, buffer->len);
}

void scripted_reply_slowly(struct scripted_server *server, const void *bytes, size_t len)
{
    add_bytes(server, STEP_REPLY_SLOWLY, bytes, len);
}

void scripted_reply_repeated(struct scripted_server *server, const void *bytes, size_t len,
                             size_t times)
{
    add_bytes(server, STEP_REPLY_REPEATED, bytes, len)->number = times;
}

void scripted_delay(struct scripted_server *server, int milliseconds)
{
    add_step(server, STEP_DELAY)->number = (size_t)milliseconds;
}

void scripted_close(struct scripted_server *server)
{
    add_step(server, STEP_CLOSE);
}

/* ---- Playing ---- */

static bool fail(struct scripted_server *server, const char *what)
{
    snprintf(server->failure, sizeof(server->failure), "%s%s%s", what, errno != 0 ? ": " : "",
             errno != 0 ? strerror(errno) : "");
    return false;
}

static int current_fd(const struct scripted_server *server)
{
    return server->current < 0 ? -1 : server->connections[server->current];
}

/* Whoever connects from now on is refused at once instead of waiting for an answer. */
static void stop_listening(struct scripted_server *server)
{
    close(server->listener);
    server->listener = -1;
}

static bool play_accept(struct scripted_server *server)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int on = 1, fd;

    setsockopt(server->listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    fd = accept(server->listener, NULL, NULL);
    if (fd < 0)
        return fail(server, "nobody connected");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    server->current = server->connected++;
    server->connections[server->current] = fd;
    if (--server->to_accept == 0)
        stop_listening(server);
    return true;
}

static bool receive(struct scripted_server *server, void *out, size_t len)
{
    uint8_t *at = out;

    while (len > 0) {
        ssize_t count;

        errno = 0;
        count = recv(current_fd(server), at, len, 0);
        if (count == 0)
            return fail(server, "the peer closed before all was received");
        if (count < 0)
            return fail(server, "cannot receive");
        at += count;
        len -= (size_t)count;
    }
    return true;
}

static bool receive_body(struct scripted_server *server, struct buffer *body)
{
    uint8_t length[4];
    struct error err;
    size_t len;

    if (!receive(server, length, sizeof(length)))
        return false;
    len = bytes_get_u32(length);
    errno = 0;
    if (len < 4 || len > (size_t)1 << 30)
        return fail(server, "the peer sent a message of an absurd length");
    buffer_clear(body);
    must(buffer_reserve(body, len - 4, &err), "buffer_reserve");
    if (!receive(server, body->data, len - 4))
        return false;
    body->len = len - 4;
    return true;
}

static bool receive_message(struct scripted_server *server, char *type, struct buffer *body)
{
    return receive(server, type, 1) && receive_body(server, body);
}

static bool wrong_type(struct scripted_server *server, char expected, char got)
{
    snprintf(server->failure, sizeof(server->failure), "expected a message '%c', got '%c'",
             expected, got);
    return false;
}

static bool play_expect_startup(struct scripted_server *server, const struct step *step,
                                struct buffer *body)
{
    if (!receive_body(server, body))
        return false;
    errno = 0;
    if (body->len < step->bytes.len ||
        (step->bytes.len > 0 && memcmp(body->data, step->bytes.data, step->bytes.len) != 0))
        return fail(server, "the startup message is another than expected");
    return true;
}

static bool play_expect(struct scripted_server *server, const struct step *step,
                        struct buffer *body)
{
    char type;

    if (!receive_message(server, &type, body))
        return false;
    if (type != step->type && step->type != SCRIPTED_ANY_TYPE)
        return wrong_type(server, step->type, type);
    errno = 0;
    if (step->kind == STEP_EXPECT_BODY &&
        !slice_equals(buffer_slice(body), buffer_slice(&step->bytes)))
        return fail(server, "a message has another body than expected");
    return true;
}

static bool play_expect_until(struct scripted_server *server, const struct step *step,
                              struct buffer *body)
{
    char type;

    do {
        if (!receive_message(server, &type, body))
            return false;
    } while (type == step->type);
    return type == step->last ? true : wrong_type(server, step->last, type);
}

static bool play_expect_close(struct scripted_server *server)
{
    char ignored[4096];
    ssize_t count;

    do {
        errno = 0;
        count = recv(current_fd(server), ignored, sizeof(ignored), 0);
    } while (count > 0);
    if (count == 0 || errno == ECONNRESET)
        return true;
    return fail(server, "the peer did not close");
}

static bool transmit(struct scripted_server *server, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t count;

        errno = 0;
        count = send(current_fd(server), bytes, len, MSG_NOSIGNAL);
        if (count < 0)
            return fail(server, "cannot send");
        bytes += count;
        len -= (size_t)count;
    }
    return true;
}

static bool play_slowly(struct scripted_server *server, const struct step *step)
{
    struct timespec moment = {.tv_nsec = 20000};

    for (size_t i = 0; i < step->bytes.len; i++) {
        if (!transmit(server, step->bytes.data + i, 1))
            return false;
        nanosleep(&moment, NULL);
    }
    return true;
}

static bool play_repeated(struct scripted_server *server, const struct step *step)
{
    for (size_t i = 0; step->number == 0 || i < step->number; i++) {
        if (transmit(server, step->bytes.data, step->bytes.len))
            continue;
        if (errno != EPIPE && errno != ECONNRESET)
            return false;
        server->failure[0] = '\0';
        return true;
    }
    return true;
}

static bool play_delay(const struct step *step)
{
    struct timespec time = {.tv_sec = (time_t)(step->number / 1000),
                            .tv_nsec = (long)(step->number % 1000) * 1000000};

    nanosleep(&time, NULL);
    return true;
}

static bool play_close(struct scripted_server *server)
{
    close(current_fd(server));
    server->connections[server->current] = -1;
    return true;
}

static bool play(struct scripted_server *server, const struct step *step, struct buffer *body)
{
    switch (step->kind) {
    case STEP_ACCEPT:
        return play_accept(server);
    case STEP_USE:
        server->current = (int)step->number;
        return true;
    case STEP_EXPECT_STARTUP:
        return play_expect_startup(server, step, body);
    case STEP_EXPECT:
    case STEP_EXPECT_BODY:
        return play_expect(server, step, body);
    case STEP_EXPECT_UNTIL:
        return play_expect_until(server, step, body);
    case STEP_EXPECT_CLOSE:
        return play_expect_close(server);
    case STEP_REPLY:
        return transmit(server, step->bytes.data, step->bytes.len);
    case STEP_REPLY_SLOWLY:
        return play_slowly(server, step);
    case STEP_REPLY_REPEATED:
        return play_repeated(server, step);
    case STEP_DELAY:
        return play_delay(step);
    case STEP_CLOSE:
    default:
        return play_close(server);
    }
}

static void *run(void *argument)
{
    struct scripted_server *server = argument;
    struct buffer body = {0};
    bool ok = true;

    for (size_t i = 0; ok && i < server->count; i++) {
        ok = play(server, &server->steps[i], &body);
        if (!ok) {
            size_t used = strlen(server->failure);

            snprintf(server->failure + used, sizeof(server->failure) - used, " (step %zu)", i);
        }
    }
    /* Whoever still waits for more learns that there is none. */
    for (int i = 0; i < server->connected; i++) {
        if (server->connections[i] >= 0)
            close(server->connections[i]);
    }
    buffer_free(&body);
    return NULL;
}

void scripted_server_start(struct scripted_server *server)
{
    must(pthread_create(&server->thread, NULL, run, server) == 0, "pthread_create");
    server->started = true;
}

char *scripted_server_finish(struct scripted_server *server)
{
    char *failure = NULL;

    if (server->started)
        pthread_join(server->thread, NULL);
    if (server->failure[0] != '\0')
        failure = strdup(server->failure);
    for (size_t i = 0; i < server->count; i++)
        buffer_free(&server->steps[i].bytes);
    free(server->steps);
    if (server->listener >= 0)
        close(server->listener);
    free(server);
    return failure;
}
