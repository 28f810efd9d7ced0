/*
 * Stands in a Plakar package before a plugin, runs it, and says what it and all it started used.
 *
 *   account PROGRAM ARGUMENT...        PROGRAM lies in the folder of this one
 *
 * Writes "STATUS MAXRSS_KIB USER_USEC SYSTEM_USEC\n" to the file that $PGCASK_BENCH_ACCOUNT names,
 * once no process of the plugin is left; STATUS as wait(2) gives it, MAXRSS that of the biggest.
 *
 * Plakar kills its child when it is done. What counts is therefore a grandchild: it takes in the
 * orphans of the plugin as well, and none of it is counted as Plakar's own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long long usec(struct timeval t)
{
    return t.tv_sec * 1000000LL + t.tv_usec;
}

static pid_t run_plugin(char **argv)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *name;
    pid_t pid;

    if (len < 0)
        return -1;
    path[len] = 0;
    name = strrchr(path, '/') + 1;
    if (strlen(argv[1]) >= sizeof(path) - (size_t)(name - path))
        return -1;
    strcpy(name, argv[1]);
    pid = fork();
    if (pid == 0) {
        execv(path, argv + 1);
        perror(path);
        _exit(127);
    }
    close(0);
    close(1);
    return pid;
}

static void account(char **argv)
{
    const char *report = getenv("PGCASK_BENCH_ACCOUNT");
    long long user = 0, system = 0;
    long peak = 0;
    int status, plugin_status = -1;
    struct rusage used;
    pid_t plugin, pid;
    int fd;

    setsid();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    plugin = run_plugin(argv);
    while ((pid = wait4(-1, &status, 0, &used)) > 0 || errno == EINTR) {
        if (pid < 0)
            continue;
        if (pid == plugin)
            plugin_status = status;
        user += usec(used.ru_utime);
        system += usec(used.ru_stime);
        peak = used.ru_maxrss > peak ? used.ru_maxrss : peak;
    }
    if (report == NULL)
        return;
    fd = open(report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd >= 0)
        dprintf(fd, "%d %ld %lld %lld\n", plugin_status, peak, user, system);
}

int main(int argc, char **argv)
{
    int over[2];
    pid_t pid;
    char byte;

    if (argc < 2 || pipe2(over, O_CLOEXEC) < 0)
        return 2;
    pid = fork();
    if (pid == 0) {
        if (fork() == 0)
            account(argv);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    close(0);
    close(1);
    close(over[1]);
    while (read(over[0], &byte, 1) < 0 && errno == EINTR) {
    }
    return 0;
}
