/*
 * Our side of the guardian: forking it before there are threads or connections, and telling it
 * through a pipe of each session that begins and ends. The other side is guardian_main.c.
 */
#include "process/guardian.h"

#include "process/guardian_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(sizeof(struct guardian_note) <= PIPE_BUF, "a note is one write");

struct guardian {
    struct wire_watcher watcher;
    pid_t pid;
    int pipe_fd;
    pthread_mutex_t lock;
};

/* One write of less than PIPE_BUF bytes: notes of several threads do not mix. */
static void send_note(struct guardian *guardian, enum guardian_note_kind kind,
                      const struct wire_session *session)
{
    struct guardian_note note = {
        .kind = kind,
        .backend_pid = session->backend_pid,
        .encryption = session->encryption,
    };
    ssize_t written;

    if (session->address_len > sizeof(note.address) || session->key.len > sizeof(note.key))
        return;
    note.address_len = (uint32_t)session->address_len;
    note.key_len = (uint32_t)session->key.len;
    memcpy(&note.address, session->address, session->address_len);
    memcpy(note.key, session->key.data, session->key.len);
    snprintf(note.announced, sizeof(note.announced), "%s",
             session->announced == NULL ? "" : session->announced);
    pthread_mutex_lock(&guardian->lock);
    do
        written = write(guardian->pipe_fd, &note, sizeof(note));
    while (written < 0 && errno == EINTR);
    pthread_mutex_unlock(&guardian->lock);
}

static void note_opened(void *context, const struct wire_session *session)
{
    send_note(context, GUARDIAN_OPENED, session);
}

static void note_closed(void *context, const struct wire_session *session)
{
    send_note(context, GUARDIAN_CLOSED, session);
}

/* Keeps the pipe and nothing else: a descriptor of ours that stayed open here would keep a host
 * from seeing that we are gone. */
static void become_guardian(int pipe_fd)
{
    static const int ignored[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGPIPE,
                                  SIGTSTP, SIGUSR1, SIGUSR2, SIGALRM};

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
    setsid();
    if (chdir("/") != 0)
        _exit(1);
    if (pipe_fd != 0 && dup2(pipe_fd, 0) != 0)
        _exit(1);
    if (close_range(1, ~0U, 0) != 0) {
        for (int fd = (int)sysconf(_SC_OPEN_MAX) - 1; fd > 0; fd--)
            close(fd);
    }
    guardian_main(0);
    _exit(0);
}

bool guardian_start(struct guardian **result, void (*forget)(void *context), void *context,
                    struct error *err)
{
    struct guardian *guardian = calloc(1, sizeof(*guardian));
    int ends[2];

    *result = NULL;
    if (guardian == NULL)
        return error_set_memory(err);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        error_set_errno(err, errno, "cannot make a pipe");
        free(guardian);
        return false;
    }
    guardian->pid = fork();
    if (guardian->pid == 0) {
        if (forget != NULL)
            forget(context);
        become_guardian(ends[0]);
    }
    close(ends[0]);
    if (guardian->pid < 0) {
        error_set_errno(err, errno, "cannot start the guardian process");
        close(ends[1]);
        free(guardian);
        return false;
    }
    guardian->pipe_fd = ends[1];
    guardian->watcher = (struct wire_watcher){guardian, note_opened, note_closed};
    pthread_mutex_init(&guardian->lock, NULL);
    *result = guardian;
    return true;
}

const struct wire_watcher *guardian_watcher(const struct guardian *guardian)
{
    return &guardian->watcher;
}

void guardian_stop(struct guardian *guardian)
{
    if (guardian == NULL)
        return;
    close(guardian->pipe_fd);
    while (waitpid(guardian->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    pthread_mutex_destroy(&guardian->lock);
    free(guardian);
}
