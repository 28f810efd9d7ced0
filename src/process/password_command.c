/*
 * password_command: a short-lived token is fetched for each new connection. The command gets a
 * process group of its own, so that what it started in turn ends with it.
 */
#include "process/password_internal.h"

#include "base/clock.h"
#include "base/error_names.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK_MS 20 /* how often to look whether the process has ended */

extern char **environ;

/* ---- Its environment ---- */

#define ADDED_MAX 4

struct command_environment {
    char *added[ADDED_MAX];
    char **all; /* ends with NULL; what is not in `added` is borrowed */
};

static bool is_added(const char *variable)
{
    static const char *const names[] = {"PGHOST=", "PGPORT=", "PGUSER=", "PGDATABASE="};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static void environment_free(struct command_environment *environment)
{
    for (size_t i = 0; i < ADDED_MAX; i++)
        free(environment->added[i]);
    free(environment->all);
}

static bool environment_make(struct command_environment *environment,
                             const struct wire_password_request *request, struct error *err)
{
    const char *const pairs[ADDED_MAX][2] = {
        {"PGHOST", request->host},
        {"PGPORT", request->port},
        {"PGUSER", request->user},
        {"PGDATABASE", request->database},
    };
    size_t count = 0;

    *environment = (struct command_environment){.all = NULL};
    while (environ[count] != NULL)
        count++;
    environment->all = calloc(count + ADDED_MAX + 1, sizeof(*environment->all));
    if (environment->all == NULL)
        return error_set_memory(err);
    count = 0;
    for (size_t i = 0; environ[i] != NULL; i++) {
        if (!is_added(environ[i]))
            environment->all[count++] = environ[i];
    }
    for (size_t i = 0; i < ADDED_MAX; i++) {
        const char *value = pairs[i][1] == NULL ? "" : pairs[i][1];

        if (asprintf(&environment->added[i], "%s=%s", pairs[i][0], value) < 0) {
            environment->added[i] = NULL;
            environment_free(environment);
            return error_set_memory(err);
        }
        environment->all[count++] = environment->added[i];
    }
    return true;
}

/* ---- Starting it ---- */

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, defaults;
    int failure;

    sigemptyset(&none);
    sigfillset(&defaults); /* what this program ignores or handles is nothing to the command */
    sigdelset(&defaults, SIGKILL);
    sigdelset(&defaults, SIGSTOP);
    failure = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                       POSIX_SPAWN_SETSIGDEF);
    if (failure == 0)
        failure = posix_spawnattr_setpgroup(attributes, 0);
    if (failure == 0)
        failure = posix_spawnattr_setsigmask(attributes, &none);
    return failure == 0 ? posix_spawnattr_setsigdefault(attributes, &defaults) : failure;
}

static int spawn(pid_t *pid, char **words, char **environment, int output)
{
    /* An empty root has no /dev/null: whoever reads its folder gets an error, not a stranger's
     * bytes. */
    const char *nothing = access("/dev/null", R_OK) == 0 ? "/dev/null" : "/";
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failure = posix_spawn_file_actions_init(&actions);

    if (failure != 0)
        return failure;
    failure = posix_spawnattr_init(&attributes);
    if (failure != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return failure;
    }
    failure = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, nothing, O_RDONLY, 0);
    if (failure == 0)
        failure = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (failure == 0)
        failure = set_attributes(&attributes);
    if (failure == 0)
        failure = posix_spawnp(pid, words[0], &actions, &attributes, words, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

static bool cannot_start(const char *program, int failure, struct error *err)
{
    error_set(err, ERROR_AUTHENTICATION, "cannot run the password_command \"%.100s\": %s", program,
              strerror(failure));
    if (failure == ENOENT)
        return error_hint(err, "There is no such program on PATH. The command is not given to a "
                               "shell; where it needs one: password_command=\"sh -c '…'\".");
    return error_hint(err, "It must be a program that the user of pgcask may execute.");
}

/* ---- Reading what it prints ---- */

struct running {
    const struct wire_password_request *request;
    const char *program; /* for messages: the rest of the command may hold a secret */
    pid_t pid;
    int fd; /* -1: it will print nothing more */
    struct buffer *password;
    size_t begin;    /* of the line in *password */
    bool line_ended; /* what comes behind the first line does not matter */
    bool ended;      /* reaped, with this status */
    int status;
};

static bool take_output(struct running *running, const char *data, size_t len, struct error *err)
{
    const char *newline = memchr(data, '\n', len);

    if (running->line_ended)
        return true;
    running->line_ended = newline != NULL;
    if (newline != NULL)
        len = (size_t)(newline - data);
    if (memchr(data, '\0', len) != NULL)
        return error_set(err, ERROR_AUTHENTICATION,
                         "the password_command \"%.100s\" printed a zero byte", running->program);
    if (running->password->len - running->begin + len > PASSWORD_MAX)
        return error_set(err, ERROR_AUTHENTICATION,
                         "the password_command \"%.100s\" printed a line of more than 1 MiB",
                         running->program);
    return buffer_append(running->password, data, len, err);
}

static bool read_output(struct running *running, struct error *err)
{
    char data[4096];
    ssize_t count = read(running->fd, data, sizeof(data));
    bool done = true;

    if (count > 0) {
        done = take_output(running, data, (size_t)count, err);
    } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
        close(running->fd);
        running->fd = -1;
    }
    explicit_bzero(data, sizeof(data));
    return done;
}

static void reap(struct running *running, int flags)
{
    pid_t pid;

    do {
        pid = waitpid(running->pid, &running->status, flags);
    } while (pid < 0 && errno == EINTR);
    if (pid == 0)
        return;
    running->ended = true;
    if (pid < 0) /* whoever ignores SIGCHLD never hears how it ended */
        running->status = 0;
}

static bool out_of_time(const struct running *running, struct error *err)
{
    error_set(err, ERROR_AUTHENTICATION,
              "the password_command \"%.100s\" gave no password within " SETTING_CONNECT_TIMEOUT,
              running->program);
    return error_hint(err, "It cannot ask anybody anything: its standard input is empty. A "
                           "longer " SETTING_CONNECT_TIMEOUT " waits longer.");
}

/* Until it has ended and everything was read. What it left behind may hold the pipe open: that is
 * not waited for. */
static bool watch(struct running *running, struct error *err)
{
    const struct cancel *cancel = running->request->cancel;

    while (!running->ended || running->fd >= 0) {
        struct pollfd fds[2] = {
            {.fd = running->fd, .events = POLLIN},
            {.fd = cancel == NULL ? -1 : cancel->event_fd, .events = POLLIN},
        };
        int left = deadline_poll_ms(running->request->deadline);
        bool readable;

        if (!cancel_check(cancel, err))
            return false;
        if (left == 0)
            return out_of_time(running, err);
        if (left < 0 || left > CHECK_MS)
            left = CHECK_MS;
        readable = poll(fds, 2, running->ended ? 0 : left) > 0 && fds[0].revents != 0;
        if (readable && !read_output(running, err))
            return false;
        if (!readable && running->ended)
            return true;
        if (!running->ended)
            reap(running, WNOHANG);
    }
    return true;
}

static bool judge(const struct running *running, struct error *err)
{
    if (WIFSIGNALED(running->status))
        error_set(err, ERROR_AUTHENTICATION,
                  "the password_command \"%.100s\" was ended by signal %d", running->program,
                  WTERMSIG(running->status));
    else if (WEXITSTATUS(running->status) != 0)
        error_set(err, ERROR_AUTHENTICATION,
                  "the password_command \"%.100s\" failed with exit status %d", running->program,
                  WEXITSTATUS(running->status));
    else if (running->password->len == running->begin)
        error_set(err, ERROR_AUTHENTICATION, "the password_command \"%.100s\" printed no password",
                  running->program);
    else
        return true;
    return error_hint(err, "What it had to say is on standard error. Try the command by itself: it "
                           "has to print the password on its first line.");
}

static bool run_to_end(struct running *running, struct error *err)
{
    bool done = watch(running, err);

    /* The group has its leader's number as long as the leader was not reaped. */
    if (!running->ended) {
        kill(-running->pid, SIGKILL);
        kill(running->pid, SIGKILL);
        reap(running, 0);
    }
    if (running->fd >= 0)
        close(running->fd);
    return done && judge(running, err);
}

bool password_command_run(const struct wire_password_request *request, struct buffer *password,
                          struct error *err)
{
    struct running running = {.request = request, .password = password, .begin = password->len};
    struct command_environment environment;
    struct command_words words;
    int ends[2] = {-1, -1}, failure;
    bool done = false;

    if (!command_words_split(&words, request->command, err))
        return false;
    running.program = words.words[0];
    if (!environment_make(&environment, request, err)) {
        command_words_free(&words);
        return false;
    }
    /* In one piece, because growing would leave copies of the password behind. */
    if (!buffer_reserve(password, PASSWORD_MAX + 1, err))
        goto cleanup;
    if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        error_set_errno(err, errno, "cannot make a pipe for the password_command");
        goto cleanup;
    }
    failure = spawn(&running.pid, words.words, environment.all, ends[1]);
    close(ends[1]);
    ends[1] = -1;
    running.fd = ends[0];
    if (failure == 0) {
        ends[0] = -1;
        done = run_to_end(&running, err);
    } else {
        cannot_start(running.program, failure, err);
    }
cleanup:
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
    }
    environment_free(&environment);
    command_words_free(&words);
    return done;
}
