/*
 * Runs a command and reports its pid, then what it used.
 *
 *   measure FD COMMAND ARGUMENT...
 *
 * Writes to FD: "PID\n" at once, and when the command has ended
 * "STATUS MAXRSS_KIB USER_USEC SYSTEM_USEC WALL_USEC\n", STATUS as wait(2) gives it.
 *
 * Python cannot do this itself: Linux counts the parent's memory at fork time towards the child's
 * ru_maxrss, and a Python process is bigger than what the tests want to see.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long usec(struct timeval t)
{
    return t.tv_sec * 1000000LL + t.tv_usec;
}

static long long now_usec(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int fd = atoi(argv[1]);
    fcntl(fd, F_SETFD, FD_CLOEXEC);

    long long start = now_usec();
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (pid < 0)
        return 2;
    dprintf(fd, "%d\n", (int)pid);

    /* Hold no end of the command's pipes, and outlive whatever is meant for the command. */
    close(0);
    close(1);
    close(2);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);

    int status;
    struct rusage used;
    if (wait4(pid, &status, 0, &used) != pid)
        return 2;
    dprintf(fd, "%d %ld %lld %lld %lld\n", status, used.ru_maxrss, usec(used.ru_utime),
            usec(used.ru_stime), now_usec() - start);
    return 0;
}
