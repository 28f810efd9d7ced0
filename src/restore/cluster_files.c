/*
 * Whose cluster it is and whether it runs is found out from its files alone: no server of its
 * version need be on this machine.
 */
#include "restore/cluster_files.h"

#include "base/bytes.h"
#include "base/digest.h"
#include "base/quote.h"
#include "restore/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* pg_control begins with: system identifier u64, layout version u32, catalog version u32,
 * state u32. */
#define CONTROL_VERSION_AT 8
#define CONTROL_STATE_AT 16
#define CONTROL_FACTS_SIZE 20
#define CONTROL_SECTOR 512

/* DBState: DB_SHUTDOWNED and DB_SHUTDOWNED_IN_RECOVERY. */
#define STATE_SHUT_DOWN 1
#define STATE_SHUT_DOWN_IN_RECOVERY 2

bool control_facts_parse(struct slice content, struct control_facts *facts, struct error *err)
{
    if (content.len < CONTROL_FACTS_SIZE)
        return error_set(err, ERROR_CORRUPT, "%s has only %zu bytes", CONTROL_FILE, content.len);
    memcpy(&facts->system_identifier, content.data, sizeof(facts->system_identifier));
    memcpy(&facts->version, content.data + CONTROL_VERSION_AT, sizeof(facts->version));
    memcpy(&facts->state, content.data + CONTROL_STATE_AT, sizeof(facts->state));
    return true;
}

/* The CRC-32C lies behind all that it covers, at a place that differs between versions: within the
 * first sector, so that the file can be written at once. */
bool control_checksum_is_right(struct slice content)
{
    uint32_t crc = 0, stored;

    if (content.len > CONTROL_SECTOR)
        content.len = CONTROL_SECTOR;
    for (size_t at = 0; at + sizeof(stored) <= content.len; at += sizeof(stored)) {
        memcpy(&stored, content.data + at, sizeof(stored));
        if (at >= CONTROL_FACTS_SIZE && stored == crc)
            return true;
        crc = digest_crc32c(crc, slice_make(content.data + at, sizeof(stored)));
    }
    return false;
}

bool control_state_is_clean(uint32_t state)
{
    return state == STATE_SHUT_DOWN || state == STATE_SHUT_DOWN_IN_RECOVERY;
}

/* Reads the first size bytes of an ordinary file, fewer if it is shorter; -1 with errno set if that
 * fails. */
static ssize_t read_head(const char *path, uint8_t *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t got = 1, total = 0;
    int failure;

    if (fd < 0)
        return -1;
    while (got != 0 && (size_t)total < size) {
        got = read(fd, out + total, size - (size_t)total);
        if (got > 0)
            total += got;
        else if (got < 0 && errno != EINTR)
            break;
    }
    failure = errno;
    close(fd);
    errno = failure;
    return got < 0 ? -1 : total;
}

bool cluster_read_control(const char *data_directory, struct control_facts *facts,
                          struct error *err)
{
    uint8_t head[CONTROL_FACTS_SIZE];
    char path[PATH_MAX];
    ssize_t got;
    int failure;

    if (!folder_join(path, data_directory, CONTROL_FILE, err))
        return false;
    got = read_head(path, head, sizeof(head));
    failure = errno;
    if ((got < 0 && (failure == ENOENT || failure == ENOTDIR)) ||
        !folder_has(data_directory, "PG_VERSION")) {
        error_set(err, ERROR_REFUSED, "%s holds no PostgreSQL cluster", data_directory);
        error_reason(err, "no_cluster");
        return error_hint(err,
                          "A cluster has PG_VERSION and %s. Name a data directory, or one that is "
                          "empty or does not exist.",
                          CONTROL_FILE);
    }
    if (got < 0)
        return error_set_errno(err, failure, "cannot read %s", path);
    if (!control_facts_parse(slice_make(head, (size_t)got), facts, err))
        return error_prefix(err, "%s", data_directory);
    return true;
}

/* The first line of postmaster.pid: a process id, negative for a single-user backend. */
static bool parse_pid(struct slice text, pid_t *pid)
{
    const uint8_t *newline = memchr(text.data, '\n', text.len);
    uint64_t value;

    if (newline != NULL)
        text.len = (size_t)(newline - text.data);
    if (text.len > 0 && text.data[0] == '-')
        slice_take(&text, 1);
    if (!bytes_parse_u64(text, &value) || value == 0 || value > INT32_MAX)
        return false;
    *pid = (pid_t)value;
    return true;
}

static bool refuse_running(const char *data_directory, pid_t pid, const char *advice,
                           struct error *err)
{
    char quoted[QUOTE_PATH_SIZE];

    error_set(err, ERROR_REFUSED, "a server runs on %s (process %d in its postmaster.pid)",
              data_directory, (int)pid);
    error_reason(err, "server_running");
    quote_shell(data_directory, quoted, sizeof(quoted));
    return error_hint(err,
                      "%s Stop the server first:  pg_ctl stop -D %s\nIf process %d is something "
                      "else, no server runs:  rm %s/postmaster.pid",
                      advice, quoted, (int)pid, quoted);
}

static bool refuse_stale(const char *data_directory, const char *process, struct error *err)
{
    char quoted[QUOTE_PATH_SIZE];

    error_set(err, ERROR_REFUSED, "%s has a postmaster.pid%s%s", data_directory,
              process[0] == '\0' ? "" : " of process ", process);
    error_reason(err, "server_running");
    error_detail(err, "No such process runs here: the file is stale, or the server runs in another "
                      "container or on another host that shares this directory.");
    return error_hint(err, "Make sure that no server uses it, then:  rm %s/postmaster.pid",
                      quote_shell(data_directory, quoted, sizeof(quoted)));
}

bool cluster_check_stopped(const char *data_directory, const char *advice, struct error *err)
{
    uint8_t text[64];
    char path[PATH_MAX], process[16];
    ssize_t got;
    pid_t pid;

    if (!folder_join(path, data_directory, "postmaster.pid", err))
        return false;
    got = read_head(path, text, sizeof(text));
    if (got < 0 && errno == ENOENT)
        return true;
    if (got < 0)
        return error_set_errno(err, errno, "cannot read %s", path);
    if (!parse_pid(slice_make(text, (size_t)got), &pid))
        return refuse_stale(data_directory, "", err);
    /* In a container we may well have the number that the server had: then it is not the
     * server's now. */
    if (pid != getpid() && pid != getppid() && (kill(pid, 0) == 0 || errno == EPERM))
        return refuse_running(data_directory, pid, advice, err);
    snprintf(process, sizeof(process), "%d", (int)pid);
    return refuse_stale(data_directory, process, err);
}

static bool write_all(int fd, struct slice content)
{
    while (content.len > 0) {
        ssize_t written = write(fd, content.data, content.len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        slice_take(&content, (size_t)written);
    }
    return true;
}

static bool write_control_in(int folder, struct slice content, bool no_sync)
{
    static const char partial[] = "pg_control.pgcask.partial";
    int fd = openat(folder, partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok;
    int failure;

    if (fd < 0)
        return false;
    ok = fchmod(fd, 0600) == 0 && write_all(fd, content) && (no_sync || fsync(fd) == 0);
    failure = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        failure = errno;
    }
    if (ok && renameat(folder, partial, folder, "pg_control") == 0) {
        if (no_sync || fsync(folder) == 0)
            return true;
        failure = errno;
        unlinkat(folder, "pg_control", 0);
    } else if (ok) {
        failure = errno;
    }
    unlinkat(folder, partial, 0);
    errno = failure;
    return false;
}

bool cluster_write_control(const char *data_directory, struct slice content, bool no_sync,
                           struct error *err)
{
    char path[PATH_MAX];
    int folder;
    bool ok;

    if (!folder_join(path, data_directory, "global", err))
        return false;
    folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return error_set_errno(err, errno, "cannot open directory %s", path);
    ok = write_control_in(folder, content, no_sync);
    if (!ok)
        error_set_errno(err, errno, "cannot write %s/%s", data_directory, CONTROL_FILE);
    close(folder);
    return ok;
}
