/*
 * Runs a command and says how it and all that it left behind ended.
 *
 *   runner FD TIMEOUT_MS SIGNAL USEC RESOURCE LIMIT PRELOAD COMMAND ARGUMENT...
 *
 * After TIMEOUT_MS the command is killed. USEC after its start it gets SIGNAL (0 for none).
 * RESOURCE is the number of a limit (-1 for none) set to LIMIT, PRELOAD a library (or "").
 * Writes one line to FD: "STATUS WALL_USEC TIMED_OUT LEFT SETTLED_USEC", STATUS as wait(2) gives
 * it, LEFT the number of descendants that were still there 2.5 s after its end (they are killed),
 * SETTLED_USEC how long after its end the last of the others went.
 *
 * Descendants whose parent has ended become children of this program; no process of the command
 * can hide from it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SETTLE_USEC 2500000LL

static long long now_usec(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void run_command(char **argv)
{
    struct rlimit limit = {(rlim_t)atoll(argv[6]), (rlim_t)atoll(argv[6])};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    if (atoi(argv[5]) >= 0 && setrlimit((__rlimit_resource_t)atoi(argv[5]), &limit) != 0)
        _exit(126);
    if (argv[7][0] != '\0')
        setenv("LD_PRELOAD", argv[7], 1);
    execvp(argv[8], argv + 8);
    _exit(127);
}

/* Waits for a child's end until then; 0 at that time, -1 if there is no child. */
static pid_t wait_until(pid_t pid, long long until, int *status)
{
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    for (;;) {
        pid_t ended = waitpid(pid, status, WNOHANG);
        long long left = until - now_usec();
        struct timespec wait = {left / 1000000, left % 1000000 * 1000};

        if (ended != 0 || left <= 0)
            return ended;
        sigtimedwait(&child, NULL, &wait);
    }
}

static int kill_children(void)
{
    char path[64];
    FILE *file;
    int count = 0, pid;

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    file = fopen(path, "r");
    while (file != NULL && fscanf(file, "%d", &pid) == 1) {
        kill(pid, SIGKILL);
        count++;
    }
    if (file != NULL)
        fclose(file);
    return count;
}

int main(int argc, char **argv)
{
    long long start = now_usec(), end, settled = 0;
    int status = 0, ignored, left = 0;
    bool timed_out = false;
    sigset_t child;
    pid_t pid;

    if (argc < 9)
        return 2;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid = fork();
    if (pid == 0)
        run_command(argv);
    close(0);
    close(1);
    close(2);
    if (atoi(argv[3]) != 0 && wait_until(pid, start + atoll(argv[4]), &status) == 0)
        kill(pid, atoi(argv[3]));
    if (kill(pid, 0) == 0 && wait_until(pid, start + atoll(argv[2]) * 1000, &status) == 0) {
        timed_out = true;
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
    }
    end = now_usec();
    while (wait_until(-1, end + SETTLE_USEC, &ignored) > 0)
        settled = now_usec() - end;
    left = kill_children();
    dprintf(atoi(argv[1]), "%d %lld %d %d %lld\n", status, end - start, timed_out, left, settled);
    return 0;
}
