/*
 * A data directory with the server's backup_manifest, as pg_basebackup writes one and as /data of a
 * backup is one: held against that list, to the verdict that stock pg_verifybackup --no-parse-wal
 * has.
 *
 * The list is read twice. First by itself, to its own checksum: what it says counts only then. Then
 * each file that it names is read. At last the folder is walked for files that it does not name.
 */
#include "restore/restore.h"

#include "base/lsn.h"
#include "base/text.h"
#include "manifest/backup_manifest.h"
#include "manifest/file_ledger.h"
#include "record/store.h"
#include "restore/cluster_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE (256 * 1024)
#define NAME_SIZE (2 * RECORD_PATH_MAX)
#define ALGORITHMS (DIGEST_XXH3_128 + 1)

struct check {
    const char *directory;
    const struct verify_options *options;
    struct verify_report *report;
    struct file_ledger *listed;
    struct digest *digests[ALGORITHMS]; /* made when needed */
    uint8_t *buffer, *list;             /* of the file being read, and of the list meanwhile */
    bool without_map;                   /* tablespace_map may be missing */
    bool control_as_listed;             /* pg_control is, as far as backup_manifest says */
    uint64_t start, end;                /* of the WAL that it needs */
};

typedef bool file_fn(void *context, const struct backup_manifest_file *file, struct error *err);
typedef bool bytes_fn(void *context, struct slice data, struct error *err);

ERROR_PRINTF(4, 5)
static void problem(struct check *check, enum verify_problem kind, const char *path,
                    const char *format, ...)
{
    char name[RECORD_PATH_MAX + 1], text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(name, sizeof(name), "/%s", path);
    check->report->problems++;
    check->options->problem(check->options->context, kind, name, text);
}

/* What a server or whoever starts one may change or leave out without harm, and WAL. */
static bool is_ignored(const char *path)
{
    static const char *const names[] = {"backup_manifest", "pg_wal", "postgresql.auto.conf",
                                        "recovery.signal", "standby.signal"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t len = strlen(names[i]);

        if (strncmp(path, names[i], len) == 0 && (path[len] == '\0' || path[len] == '/'))
            return true;
    }
    return false;
}

static bool full_name(const struct check *check, const char *path, char out[NAME_SIZE])
{
    int len = snprintf(out, NAME_SIZE, "%s/%s", check->directory, path);

    if (len > 0 && len < NAME_SIZE)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

/* A pipe that lies there must not make us wait. */
static int open_file(const struct check *check, const char *path, struct stat *info)
{
    char name[NAME_SIZE];
    int fd;

    if (!full_name(check, path, name))
        return -1;
    fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, info) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Gives everything that is in the file. *errno_value is not 0 if that could not be read. */
static bool read_file(struct check *check, int fd, uint8_t *buffer, bytes_fn *take, void *context,
                      int *errno_value, struct error *err)
{
    *errno_value = 0;
    for (;;) {
        ssize_t n = read(fd, buffer, READ_SIZE);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            *errno_value = errno;
        if (n <= 0)
            return true;
        if (!take(context, slice_make(buffer, (size_t)n), err) ||
            !cancel_check(check->options->cancel, err))
            return false;
    }
}

/* ---- The list ---- */

static bool feed_backup_manifest(void *context, struct slice data, struct error *err)
{
    return backup_manifest_decoder_feed(context, data, err);
}

static bool take_wal_range(void *context, uint32_t timeline, uint64_t start, uint64_t end,
                           struct error *err)
{
    struct check *check = context;

    (void)err;
    if (check->start == 0 || start < check->start)
        check->start = start;
    if (end >= check->end) {
        check->end = end;
        check->report->stop_timeline = timeline;
    }
    return true;
}

static bool read_backup_manifest(struct check *check, file_fn *take_file, struct error *err)
{
    const struct backup_manifest_handler handler = {check, take_file, take_wal_range};
    struct backup_manifest_decoder *decoder = backup_manifest_decoder_new(&handler, err);
    int errno_value = 0;
    struct stat info;
    bool done;
    int fd;

    if (decoder == NULL)
        return false;
    fd = open_file(check, "backup_manifest", &info);
    if (fd < 0) {
        backup_manifest_decoder_free(decoder);
        return error_set_errno(err, errno, "cannot open \"%s/backup_manifest\"", check->directory);
    }
    done = read_file(check, fd, check->list, feed_backup_manifest, decoder, &errno_value, err);
    if (done && errno_value != 0)
        done = error_set_errno(err, errno_value, "cannot read \"%s/backup_manifest\"",
                               check->directory);
    done = done && backup_manifest_decoder_finish(decoder, err);
    lsn_format(check->start, check->report->start_lsn);
    lsn_format(check->end, check->report->stop_lsn);
    snprintf(check->report->system_identifier, sizeof(check->report->system_identifier), "%s",
             backup_manifest_system_identifier(decoder));
    close(fd);
    backup_manifest_decoder_free(decoder);
    return done;
}

static bool note_file(void *context, const struct backup_manifest_file *file, struct error *err)
{
    struct check *check = context;
    char path[RECORD_PATH_MAX + 1];

    snprintf(path, sizeof(path), "/%s", file->path);
    return record_path_check(path, err) &&
           file_ledger_add(check->listed, file->path, file->size, NULL, 0, err);
}

/* ---- Files ---- */

static bool feed_digest(void *context, struct slice data, struct error *err)
{
    (void)err;
    digest_update(context, data);
    return true;
}

static bool check_content(struct check *check, const struct backup_manifest_file *file, int fd,
                          struct error *err)
{
    struct digest **digest = &check->digests[file->algorithm];
    uint8_t computed[DIGEST_MAX];
    int errno_value;

    if (*digest == NULL)
        *digest = digest_new(file->algorithm, err);
    if (*digest == NULL)
        return false;
    digest_begin(*digest);
    if (!read_file(check, fd, check->buffer, feed_digest, *digest, &errno_value, err))
        return false;
    digest_end(*digest, computed);
    if (errno_value != 0)
        problem(check, VERIFY_DAMAGED, file->path, "cannot be read: %s", strerror(errno_value));
    else if (memcmp(computed, file->digest, digest_size(file->algorithm)) != 0)
        problem(check, VERIFY_CHANGED, file->path,
                "was changed: its checksum differs from backup_manifest's");
    return true;
}

static bool check_opened(struct check *check, const struct backup_manifest_file *file, int fd,
                         const struct stat *info, struct error *err)
{
    const struct record_observer *observer = check->options->observer;
    uint64_t size = (uint64_t)info->st_size;

    if (!S_ISREG(info->st_mode)) {
        problem(check, VERIFY_CHANGED, file->path, "is no file");
        return true;
    }
    if (size != file->size) {
        problem(check, VERIFY_CHANGED, file->path, "has %" PRIu64 " byte%s instead of %" PRIu64,
                size, TEXT_S(size), file->size);
        return true;
    }
    check->report->files++;
    check->report->bytes += size;
    if (file->algorithm != DIGEST_NONE && !check_content(check, file, fd, err))
        return false;
    if (observer != NULL && observer->bytes_moved != NULL)
        observer->bytes_moved(observer->context, size);
    return true;
}

static bool check_listed_file(struct check *check, const struct backup_manifest_file *file,
                              struct error *err)
{
    struct stat info;
    bool done;
    int fd = open_file(check, file->path, &info);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        if (check->without_map && strcmp(file->path, "tablespace_map") == 0)
            return true;
        problem(check, VERIFY_MISSING, file->path, "is missing");
        return true;
    }
    if (fd < 0) {
        problem(check, VERIFY_DAMAGED, file->path, "cannot be read: %s", strerror(errno));
        return true;
    }
    done = check_opened(check, file, fd, &info, err);
    close(fd);
    return done;
}

static bool check_file(void *context, const struct backup_manifest_file *file, struct error *err)
{
    struct check *check = context;
    size_t problems = check->report->problems;

    if (is_ignored(file->path))
        return true;
    if (!check_listed_file(check, file, err))
        return false;
    if (strcmp(file->path, CONTROL_FILE) == 0)
        check->control_as_listed = check->report->problems == problems;
    return true;
}

/* backup_manifest may have no checksums, and the server may have sent pg_control while it wrote it:
 * this one file can be held against itself. Those of 17 and later say whose they are; a cluster's
 * number is what pg_control begins with. */
static void check_control(struct check *check)
{
    char *stated = check->report->system_identifier;
    char found[sizeof(check->report->system_identifier)];
    struct control_facts facts;
    struct error ignored;
    struct slice head;
    struct stat info;
    int fd = open_file(check, CONTROL_FILE, &info);
    ssize_t n = fd < 0 ? -1 : read(fd, check->buffer, READ_SIZE);

    if (fd >= 0)
        close(fd);
    head = slice_make(check->buffer, n < 0 ? 0 : (size_t)n);
    if (!control_facts_parse(head, &facts, &ignored))
        return;
    if (check->control_as_listed && !control_checksum_is_right(head)) {
        problem(check, VERIFY_CHANGED, CONTROL_FILE,
                "does not match its own checksum: no server starts on it");
        return; /* what it says may be what was changed */
    }
    snprintf(found, sizeof(found), "%" PRIu64, facts.system_identifier);
    if (*stated != '\0' && strcmp(stated, found) != 0)
        problem(check, VERIFY_CHANGED, CONTROL_FILE,
                "is of the cluster %s, and backup_manifest of the cluster %s", found, stated);
    snprintf(stated, sizeof(found), "%s", found);
}

/* ---- What is not listed ---- */

static void check_listed(struct check *check, const char *path)
{
    if (file_ledger_check(check->listed, path, 0, NULL, 0, NULL) == LEDGER_MISSING)
        problem(check, VERIFY_UNEXPECTED, path, "is not listed in backup_manifest");
}

static bool walk(struct check *check, const char *below, struct error *err);

/* Tablespaces are links to folders. One in a folder that a link led to is not followed: so links
 * that lead to each other have an end. */
static bool check_link(struct check *check, const char *path, bool in_link, struct error *err)
{
    char name[NAME_SIZE];
    struct stat info;

    if (!full_name(check, path, name) || stat(name, &info) != 0)
        problem(check, VERIFY_UNEXPECTED, path, "is a link that leads nowhere");
    else if (S_ISREG(info.st_mode))
        check_listed(check, path);
    else if (!S_ISDIR(info.st_mode))
        problem(check, VERIFY_UNEXPECTED, path, "is neither a file nor a folder");
    else if (in_link)
        problem(check, VERIFY_UNEXPECTED, path,
                "is a link in a folder that a link led to, and is not followed");
    else
        return walk(check, path, err);
    return true;
}

/* The folder itself with "", else one that a link in it leads to. */
static bool walk(struct check *check, const char *below, struct error *err)
{
    char name[NAME_SIZE], path[NAME_SIZE];
    enum source_status status = SOURCE_FAILED;
    struct record_source *source;
    struct record record;
    bool done = true;

    if (!full_name(check, below, name))
        return error_set_errno(err, errno, "cannot open \"%s/%s\"", check->directory, below);
    source = directory_source_new(name, NULL, NULL, err);
    while (source != NULL && done &&
           (status = source_next(source, &record, err)) == SOURCE_RECORD) {
        reader_close(record.reader);
        snprintf(path, RECORD_PATH_MAX, "%s%s", below, record.path + (*below == '\0' ? 1 : 0));
        if (is_ignored(path) || record.type == RECORD_DIRECTORY)
            continue;
        if (record.type == RECORD_FILE)
            check_listed(check, path);
        else
            done = check_link(check, path, *below != '\0', err);
        done = done && cancel_check(check->options->cancel, err);
    }
    source_close(source);
    return done && status == SOURCE_END;
}

/* ---- All of it ---- */

static bool run(struct check *check, struct error *err)
{
    size_t duplicates = 0;

    if (!read_backup_manifest(check, note_file, err))
        return error_prefix(err, "%s", check->directory);
    file_ledger_seal(check->listed, &duplicates);
    if (duplicates > 0)
        problem(check, VERIFY_DAMAGED, "backup_manifest", "lists %zu file%s more than once",
                duplicates, TEXT_S(duplicates));
    if (!read_backup_manifest(check, check_file, err))
        return false;
    check_control(check);
    return walk(check, "", err);
}

bool data_directory_verify(const char *directory, bool without_map,
                           const struct verify_options *options, struct verify_report *report,
                           struct error *err)
{
    struct check check = {
        .directory = directory, .options = options, .report = report, .without_map = without_map};
    bool done;

    *report = (struct verify_report){.kind = "data_directory"};
    check.buffer = malloc(2 * READ_SIZE);
    if (check.buffer == NULL)
        return error_set_memory(err);
    check.list = check.buffer + READ_SIZE;
    check.listed = file_ledger_new(err);
    done = check.listed != NULL && run(&check, err);
    file_ledger_free(check.listed);
    for (size_t i = 0; i < ALGORITHMS; i++)
        digest_free(check.digests[i]);
    free(check.buffer);
    if (done && report->problems > 0)
        done = error_set(err, ERROR_CORRUPT,
                         "the data directory does not match its backup_manifest: %zu problem%s",
                         report->problems, TEXT_S(report->problems));
    return done;
}
