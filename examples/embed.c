/*
 * A program that embeds pgcask: it keeps a backup in one file of its own making.
 *
 *     embed ping CONNINFO
 *     embed backup CONNINFO FILE
 *     embed restore FILE DATA-DIRECTORY
 *
 * "backup" takes record after record and writes them; "restore" gives them back through two
 * functions. The file is a sequence of records: a line of text, the path and a link's target, then
 * the content in pieces, each after its length, and a piece of length 0.
 */
#include <pgcask/pgcask.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static struct pgcask_cancel *cancel;

static void stop(int number)
{
    (void)number;
    pgcask_cancel_request(cancel);
}

static int fail(const struct pgcask_error *error)
{
    fprintf(stderr, "embed: %s: %s\n", pgcask_error_code_name(error->code), error->message);
    if (error->detail[0] != '\0')
        fprintf(stderr, "detail: %s\n", error->detail);
    if (error->hint[0] != '\0')
        fprintf(stderr, "hint: %s\n", error->hint);
    return 1;
}

static void print_log(void *context, enum pgcask_log_level level, const char *message)
{
    (void)context;
    fprintf(stderr, "%s%s\n", level == PGCASK_LOG_WARNING ? "warning: " : "", message);
}

static void print_progress(void *context, const struct pgcask_progress *progress)
{
    (void)context;
    fprintf(stderr, "%s: %" PRIu64 " bytes\n", progress->phase, progress->bytes);
}

static struct pgcask_control make_control(void)
{
    struct pgcask_control control;

    PGCASK_INIT(control);
    control.cancel = cancel;
    control.log = print_log;
    control.log_level = PGCASK_LOG_INFO;
    control.progress = print_progress;
    return control;
}

/* ---- Backup ---- */

static bool write_record(FILE *out, struct pgcask_source *source,
                         const struct pgcask_record *record, struct pgcask_error *error)
{
    const char *target = record->link_target == NULL ? "" : record->link_target;
    uint32_t len;
    const void *data;
    size_t size;
    enum pgcask_step step;

    printf("%s\n", record->path);
    fprintf(out, "%d %o %" PRId64 " %" PRId64 " %zu %zu\n", (int)record->type,
            (unsigned)record->mode, record->size, record->modified_seconds, strlen(record->path),
            strlen(target));
    fprintf(out, "%s%s", record->path, target);
    while ((step = pgcask_source_read(source, &data, &size, error)) == PGCASK_MORE) {
        len = (uint32_t)size; /* a piece is some hundred kilobytes at most */
        fwrite(&len, sizeof(len), 1, out);
        fwrite(data, size, 1, out);
    }
    len = 0;
    fwrite(&len, sizeof(len), 1, out);
    if (step == PGCASK_END && ferror(out))
        return pgcask_error_set(error, PGCASK_ERROR_IO, "cannot write");
    return step == PGCASK_END;
}

static bool write_backup(FILE *out, struct pgcask_source *source, struct pgcask_error *error)
{
    struct pgcask_record record;
    enum pgcask_step step;

    while ((step = pgcask_source_next(source, &record, error)) == PGCASK_MORE) {
        if (!write_record(out, source, &record, error))
            return false;
    }
    return step == PGCASK_END;
}

static bool backup(const struct pgcask_settings *settings, const char *file,
                   struct pgcask_error *error)
{
    const struct pgcask_control control = make_control();
    struct pgcask_source *source = pgcask_backup_open(settings, NULL, &control, error);
    FILE *out;
    bool done;

    if (source == NULL)
        return false;
    out = fopen(file, "wb");
    done = out != NULL ? write_backup(out, source, error)
                       : pgcask_error_set(error, PGCASK_ERROR_IO, "cannot make %s", file);
    pgcask_source_close(source);
    if (out != NULL && fclose(out) != 0 && done)
        done = pgcask_error_set(error, PGCASK_ERROR_IO, "cannot write %s", file);
    if (out != NULL && !done)
        remove(file); /* only a backup that came to its end is one */
    return done;
}

/* ---- Restore ---- */

struct reading {
    FILE *in;
    bool in_content; /* the current record has more pieces */
    char path[4096], target[4096];
    char piece[1 << 20];
};

static enum pgcask_step damaged(struct pgcask_error *error)
{
    pgcask_error_set(error, PGCASK_ERROR_CORRUPT, "the file is damaged");
    return PGCASK_FAILED;
}

static enum pgcask_step read_piece(void *context, const void **data, size_t *len,
                                   struct pgcask_error *error)
{
    struct reading *reading = context;
    uint32_t size;

    if (!reading->in_content)
        return PGCASK_END;
    if (fread(&size, sizeof(size), 1, reading->in) != 1 || size > sizeof(reading->piece) ||
        (size > 0 && fread(reading->piece, size, 1, reading->in) != 1))
        return damaged(error);
    reading->in_content = size > 0;
    *data = reading->piece;
    *len = size;
    return size > 0 ? PGCASK_MORE : PGCASK_END;
}

static enum pgcask_step read_record(void *context, struct pgcask_record *record,
                                    struct pgcask_error *error)
{
    struct reading *reading = context;
    const void *ignored;
    size_t len, path_len, target_len;
    unsigned mode;
    int type, got;

    while (reading->in_content) { /* what nobody wanted of the last one */
        if (read_piece(reading, &ignored, &len, error) == PGCASK_FAILED)
            return PGCASK_FAILED;
    }
    got = fscanf(reading->in, "%d %o %" SCNd64 " %" SCNd64 " %zu %zu", &type, &mode, &record->size,
                 &record->modified_seconds, &path_len, &target_len);
    if (got == EOF)
        return PGCASK_END;
    if (got != 6 || fgetc(reading->in) != '\n' || path_len >= sizeof(reading->path) ||
        target_len >= sizeof(reading->target) ||
        fread(reading->path, 1, path_len, reading->in) != path_len ||
        fread(reading->target, 1, target_len, reading->in) != target_len)
        return damaged(error);
    reading->path[path_len] = reading->target[target_len] = '\0';
    reading->in_content = true; /* folders and links have an empty piece too */
    record->type = (enum pgcask_record_type)type;
    record->path = reading->path;
    record->mode = mode;
    record->link_target = target_len > 0 ? reading->target : NULL;
    return PGCASK_MORE;
}

static bool restore(const char *file, const char *data_directory, struct pgcask_error *error)
{
    static struct reading reading; /* large for a stack */
    const struct pgcask_control control = make_control();
    struct pgcask_source_callbacks callbacks;
    struct pgcask_source *source;
    bool done;

    PGCASK_INIT(callbacks);
    callbacks.context = &reading;
    callbacks.next = read_record;
    callbacks.read = read_piece;
    reading.in = fopen(file, "rb");
    if (reading.in == NULL)
        return pgcask_error_set(error, PGCASK_ERROR_IO, "cannot read %s", file);
    source = pgcask_source_open_callbacks(&callbacks, &control, error);
    done = source != NULL && pgcask_restore(source, data_directory, NULL, NULL, error);
    pgcask_source_close(source);
    fclose(reading.in);
    return done;
}

/* ---- Ping ---- */

static bool ping(const struct pgcask_settings *settings, struct pgcask_error *error)
{
    struct pgcask_server_facts facts;

    PGCASK_INIT(facts);
    if (!pgcask_ping(settings, NULL, &facts, error))
        return false;
    printf("PostgreSQL %s at %s, for %s\n", facts.server_version, facts.peer, facts.user);
    return true;
}

/* ---- The program ---- */

static bool run(int argc, char **argv, struct pgcask_settings *settings, struct pgcask_error *error)
{
    if (argc == 4 && strcmp(argv[1], "restore") == 0)
        return restore(argv[2], argv[3], error);
    if (argc < 3)
        return pgcask_error_set(error, PGCASK_ERROR_USAGE, "ping, backup or restore?");
    pgcask_settings_use_environment(settings);
    if (!pgcask_settings_parse(settings, argv[2], error) ||
        !pgcask_settings_complete(settings, error))
        return false;
    if (argc == 3 && strcmp(argv[1], "ping") == 0)
        return ping(settings, error);
    if (argc == 4 && strcmp(argv[1], "backup") == 0)
        return backup(settings, argv[3], error);
    return pgcask_error_set(error, PGCASK_ERROR_USAGE, "ping, backup or restore?");
}

int main(int argc, char **argv)
{
    struct pgcask_settings *settings;
    struct pgcask_error error;
    int status = 0;

    PGCASK_INIT(error);
    cancel = pgcask_cancel_new(&error);
    if (cancel == NULL)
        return fail(&error);
    signal(SIGINT, stop); /* signals are the program's business, not the library's */
    signal(SIGTERM, stop);
    settings = pgcask_settings_new(&error);
    if (settings == NULL || !run(argc, argv, settings, &error))
        status = fail(&error);
    pgcask_settings_free(settings);
    pgcask_cancel_free(cancel);
    return status;
}
