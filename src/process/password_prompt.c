/*
 * The question at the terminal, which is the last resort: on /dev/tty, so that pipes on standard
 * input and output do not matter, without echo, and with the terminal set back whatever ends it.
 */
#include "process/password_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

/* The terminal that controls us, if we are what runs in its foreground: a background job that asked
 * would be stopped. -1 if not. */
static int open_terminal(struct termios *state)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return -1;
    if (tcgetattr(fd, state) == 0 && tcgetpgrp(fd) == getpgrp())
        return fd;
    close(fd);
    return -1;
}

static void write_text(int fd, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t written = write(fd, text, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        text += written;
        len -= (size_t)written;
    }
}

/* Names come from the user's settings, but may have come from a file: nothing of them may move the
 * cursor. */
static void write_question(int fd, const struct wire_password_request *request)
{
    char text[400];

    snprintf(text, sizeof(text), "Password of role %.100s at %.150s, port %s: ", request->user,
             request->host == NULL ? "" : request->host, request->port);
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    }
    write_text(fd, text);
}

/* One line. The terminal gives it when it is complete. */
static bool read_line(int fd, const struct cancel *cancel, struct buffer *line, struct error *err)
{
    struct pollfd fds[2] = {
        {.fd = fd, .events = POLLIN},
        {.fd = cancel == NULL ? -1 : cancel->event_fd, .events = POLLIN},
    };

    for (;;) {
        char data[512];
        const char *newline;
        ssize_t count;
        bool done;

        if (!cancel_check(cancel, err))
            return false;
        if (poll(fds, 2, -1) <= 0 || fds[0].revents == 0)
            continue;
        count = read(fd, data, sizeof(data));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) /* Ctrl-D, or the terminal is gone */
            return true;
        newline = memchr(data, '\n', (size_t)count);
        done = buffer_append(line, data, newline == NULL ? (size_t)count : (size_t)(newline - data),
                             err);
        explicit_bzero(data, sizeof(data));
        if (!done || newline != NULL)
            return done;
    }
}

bool password_prompt(const struct wire_password_request *request,
                     const struct password_options *options, struct buffer *password,
                     bool *answered, struct error *err)
{
    size_t begin = password->len;
    struct termios before, silent;
    int fd = open_terminal(&before);
    bool done;

    *answered = false;
    if (fd < 0)
        return true;
    if (options->hold != NULL)
        options->hold(options->terminal);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    silent.c_lflag |= ICANON | ISIG;
    done = tcsetattr(fd, TCSAFLUSH, &silent) == 0
               ? true
               : error_set_errno(err, errno, "cannot turn the terminal's echo off");
    if (done) {
        write_question(fd, request);
        done = buffer_reserve(password, 8192, err) && read_line(fd, request->cancel, password, err);
        tcsetattr(fd, TCSAFLUSH, &before);
        write_text(fd, "\n");
    }
    if (options->release != NULL)
        options->release(options->terminal);
    close(fd);
    *answered = done && password->len > begin;
    return done;
}
