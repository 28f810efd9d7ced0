/* The loop of the I/O thread: poll, read, feed, fill, write. Little lies ahead in the output
 * buffer, because an answer to a PING waits behind it and Plakar gives up on a slow one. */
#include "plakar/transport.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define INPUT_SIZE (64 * 1024)
#define OUTPUT_SIZE (256 * 1024) /* what may lie ahead of an answer to a PING */
#define PIPE_SIZE (1024 * 1024)
#define LINGER_MS (30 * 1000) /* a host that lives on may never close the pipe */

struct loop {
    const struct transport *transport;
    struct buffer out;
    size_t written; /* of out */
    bool cancel_seen;
    bool gone;       /* the peer */
    int64_t ends_at; /* 0: not yet */
    uint8_t input[INPUT_SIZE];
};

bool transport_take_standard_descriptors(int *in, int *out, struct error *err)
{
    int null;

    *in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    *out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (*in < 0 || *out < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return error_set_errno(err, errno, "cannot take over standard input and output");
    close(null);
    return true;
}

/* A file or a terminal has no size to be set, and a limit may forbid it: then it stays small. */
static bool prepare(int fd, struct error *err)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return error_set_errno(err, errno, "cannot use the connection to Plakar");
    fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
    return true;
}

static bool fill_output(struct loop *loop, struct error *err)
{
    if (loop->written == loop->out.len) {
        buffer_clear(&loop->out);
        loop->written = 0;
    }
    if (loop->out.len > 0)
        return true;
    return grpc_connection_output(loop->transport->connection, &loop->out, OUTPUT_SIZE, err);
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void write_output(struct loop *loop)
{
    ssize_t n =
        write(loop->transport->out, loop->out.data + loop->written, loop->out.len - loop->written);

    if (n >= 0)
        loop->written += (size_t)n;
    else if (!would_block())
        loop->gone = true;
}

static bool read_input(struct loop *loop, struct error *err)
{
    ssize_t n = read(loop->transport->in, loop->input, sizeof(loop->input));

    if (n == 0 || (n < 0 && !would_block()))
        loop->gone = true;
    if (n <= 0)
        return true;
    return grpc_connection_input(loop->transport->connection, slice_make(loop->input, (size_t)n),
                                 err);
}

static void take_wake(const struct transport *transport)
{
    uint64_t count;
    ssize_t n = read(transport->wake_fd, &count, sizeof(count));

    (void)n;
    transport->pump(transport->context);
}

/* Once done, the peer is given time to read all of it and to go: one that waits for our end closes
 * its side of the pipe then, and with it what it has not read. Milliseconds to wait; -1: any. */
static int time_left(struct loop *loop)
{
    int64_t now = clock_now_ms();

    if (loop->ends_at == 0 &&
        (loop->written < loop->out.len || !loop->transport->done(loop->transport->context)))
        return -1;
    if (loop->ends_at == 0)
        loop->ends_at = now + LINGER_MS;
    if (loop->transport->hurried(loop->transport->context) || loop->ends_at <= now)
        return 0;
    return (int)(loop->ends_at - now);
}

/* One turn. False: failed; *ends: nothing more to do. */
static bool turn(struct loop *loop, bool *ends, struct error *err)
{
    const struct transport *transport = loop->transport;
    bool pending;
    int timeout;
    struct pollfd fds[4];

    if (!fill_output(loop, err))
        return false;
    pending = loop->written < loop->out.len;
    timeout = time_left(loop);
    *ends = loop->gone || timeout == 0;
    if (*ends)
        return true;
    fds[0] = (struct pollfd){.fd = transport->in, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = transport->out, .events = pending ? POLLOUT : 0};
    fds[2] = (struct pollfd){.fd = transport->wake_fd, .events = POLLIN};
    fds[3] = (struct pollfd){.fd = loop->cancel_seen ? -1 : transport->cancel->event_fd,
                             .events = POLLIN};
    if (poll(fds, 4, timeout) < 0)
        return errno == EINTR || error_set_errno(err, errno, "poll failed");
    if ((fds[1].revents & (POLLERR | POLLNVAL)) != 0)
        loop->gone = true;
    else if ((fds[1].revents & POLLOUT) != 0)
        write_output(loop);
    if (fds[2].revents != 0)
        take_wake(transport);
    if (fds[3].revents != 0) {
        loop->cancel_seen = true;
        *ends = !transport->cancelled(transport->context);
    }
    return fds[0].revents == 0 || read_input(loop, err);
}

/* What says to the peer what it did wrong; as much as it takes at once. */
static void say_goodbye(struct loop *loop)
{
    struct error ignored;

    while (!loop->gone && fill_output(loop, &ignored) && loop->written < loop->out.len) {
        size_t before = loop->written;

        write_output(loop);
        if (loop->written == before)
            return;
    }
}

bool transport_run(const struct transport *transport, struct error *err)
{
    struct loop loop = {.transport = transport};
    bool done, ends = false;

    done = prepare(transport->in, err) && prepare(transport->out, err);
    while (done && !ends)
        done = turn(&loop, &ends, err);
    if (!done)
        say_goodbye(&loop);
    buffer_free(&loop.out);
    return done;
}
