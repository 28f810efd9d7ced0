/*
 * What test_library.py runs the installed library through: one job a word. Nothing but the public
 * headers is used. Standard output has "key value" lines; a failure ends in a line
 * "error CODE: MESSAGE" and status 1. Standard error is the library's to leave empty.
 */
#include <pgcask/pgcask.h>

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const struct pgcask_error *error)
{
    printf("error %s: %s\n", pgcask_error_code_name(error->code), error->message);
    printf("reason %s\nerrno %d\n", error->reason, error->errno_value);
    if (error->hint[0] != '\0')
        printf("hint %s\n", error->hint);
    return 1;
}

static struct pgcask_settings *make_settings(const char *conninfo)
{
    struct pgcask_settings *settings = pgcask_settings_new(NULL);
    struct pgcask_error error = {.struct_size = sizeof(error)};

    if (settings == NULL)
        abort();
    if (pgcask_settings_parse(settings, conninfo, &error) &&
        pgcask_settings_complete(settings, &error))
        return settings;
    exit(fail(&error));
}

static void print_problem(void *context, const struct pgcask_problem *problem)
{
    (void)context;
    printf("problem %s: %s (%s)\n", problem->path, problem->text,
           pgcask_problem_kind_name(problem->kind));
}

static void print_finding(void *context, bool fatal, const char *message, const char *remedy)
{
    (void)context;
    printf("finding %s: %s / %s\n", fatal ? "fatal" : "warning", message, remedy);
}

static struct pgcask_source *open_path(const char *path, const struct pgcask_control *control,
                                       struct pgcask_error *error)
{
    struct stat st;

    if (strcmp(path, "-") == 0)
        return pgcask_source_open_tar_fd(STDIN_FILENO, control, error);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return pgcask_source_open_directory(path, control, error);
    return pgcask_source_open_tar(path, control, error);
}

/* ---- A store of functions: a plain folder ---- */

struct folder {
    const char *path;
    FILE *file;
    unsigned calls, fail_at; /* the call that fails, from 1; 0: none */
    bool fail_to_finish;
    bool amends; /* it can write where it has written */
    bool finished, aborted;
    unsigned amended;
};

static bool may_go_on(struct folder *folder, struct pgcask_error *error)
{
    if (++folder->calls != folder->fail_at)
        return true;
    return pgcask_error_set(error, PGCASK_ERROR_REFUSED, "call %u is one too many", folder->calls);
}

static bool folder_begin(void *context, const struct pgcask_record *record,
                         struct pgcask_error *error)
{
    struct folder *folder = context;
    char path[8192];

    snprintf(path, sizeof(path), "%s%s", folder->path, record->path);
    for (char *slash = path + strlen(folder->path) + 1; (slash = strchr(slash, '/')) != NULL;
         slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    switch (record->type) {
    case PGCASK_DIRECTORY:
        mkdir(path, 0700);
        break;
    case PGCASK_LINK:
        if (symlink(record->link_target, path) != 0)
            return pgcask_error_set(error, PGCASK_ERROR_IO, "cannot link %s", path);
        break;
    case PGCASK_FILE:
        folder->file = fopen(path, "w+bx");
        if (folder->file == NULL)
            return pgcask_error_set(error, PGCASK_ERROR_IO, "cannot make %s", path);
        break;
    }
    return may_go_on(folder, error);
}

static bool folder_bytes(void *context, const void *data, size_t len, struct pgcask_error *error)
{
    struct folder *folder = context;

    if (fwrite(data, 1, len, folder->file) != len)
        return pgcask_error_set(error, PGCASK_ERROR_IO, "cannot write");
    return may_go_on(folder, error);
}

static bool folder_end(void *context, struct pgcask_error *error)
{
    struct folder *folder = context;
    FILE *file = folder->file;

    folder->file = NULL;
    if (file != NULL && fclose(file) != 0)
        return pgcask_error_set(error, PGCASK_ERROR_IO, "cannot write");
    return may_go_on(folder, error);
}

static bool folder_write_at(void *context, uint64_t position, const void *data, size_t len,
                            struct pgcask_error *error)
{
    struct folder *folder = context;

    folder->amended++;
    if (fflush(folder->file) != 0 ||
        pwrite(fileno(folder->file), data, len, (off_t)position) != (ssize_t)len)
        return pgcask_error_set(error, PGCASK_ERROR_IO, "cannot write there");
    return may_go_on(folder, error);
}

static bool folder_read_at(void *context, uint64_t position, void *data, size_t len,
                           struct pgcask_error *error)
{
    struct folder *folder = context;

    if (fflush(folder->file) != 0 ||
        pread(fileno(folder->file), data, len, (off_t)position) != (ssize_t)len)
        return pgcask_error_set(error, PGCASK_ERROR_IO, "cannot read there");
    return may_go_on(folder, error);
}

static bool folder_finish(void *context, struct pgcask_error *error)
{
    struct folder *folder = context;

    if (folder->fail_to_finish)
        return false; /* without a word */
    folder->finished = true;
    return may_go_on(folder, error);
}

static void folder_abort(void *context)
{
    struct folder *folder = context;

    folder->aborted = true;
    if (folder->file != NULL)
        fclose(folder->file);
}

static bool write_folder(struct pgcask_source *source, struct folder *folder,
                         struct pgcask_error *error)
{
    struct pgcask_store_callbacks callbacks;

    PGCASK_INIT(callbacks);
    callbacks.context = folder;
    callbacks.begin = folder_begin;
    callbacks.bytes = folder_bytes;
    callbacks.end = folder_end;
    callbacks.finish = folder_finish;
    callbacks.abort = folder_abort;
    callbacks.write_at = folder->amends ? folder_write_at : NULL;
    callbacks.read_at = folder->amends ? folder_read_at : NULL;
    return pgcask_write_callbacks(source, &callbacks, error);
}

static void print_report(const struct pgcask_source *source)
{
    struct pgcask_backup_report report;

    PGCASK_INIT(report);
    if (!pgcask_backup_get_report(source, &report, NULL))
        return;
    printf("bytes %" PRIu64 "\nfiles %" PRIu64 "\nstart %s\nstop %s\nsystem %s\nversion %d\n",
           report.bytes, report.files, report.start_lsn, report.stop_lsn, report.system_identifier,
           report.server_version_num);
}

/* store CONNINFO FOLDER [N | finish]: a backup through functions, of which the N-th call fails. */
static int run_store(char **arguments, int count)
{
    const char *fail_at = count > 2 ? arguments[2] : "";
    struct folder folder = {.path = arguments[1],
                            .fail_at = (unsigned)atoi(fail_at),
                            .fail_to_finish = strcmp(fail_at, "finish") == 0};
    struct pgcask_settings *settings = make_settings(arguments[0]);
    struct pgcask_error error = {.struct_size = sizeof(error)};
    struct pgcask_source *source = pgcask_backup_open(settings, NULL, NULL, &error);
    bool done = source != NULL && write_folder(source, &folder, &error);

    printf("calls %u\nfinished %d\naborted %d\n", folder.calls, folder.finished, folder.aborted);
    if (done)
        print_report(source);
    pgcask_source_close(source);
    pgcask_settings_free(settings);
    return done ? 0 : fail(&error);
}

/* NAME=VALUE each. */
static bool set_all(struct pgcask_logical_options *options, char **words, int count,
                    struct pgcask_error *error)
{
    for (int i = 0; i < count; i++) {
        char *value = strchr(words[i], '=');

        if (value == NULL)
            return false;
        *value = '\0';
        if (!pgcask_logical_options_set(options, words[i], value + 1, error))
            return false;
    }
    return true;
}

/* logical CONNINFO FOLDER [COMPRESSION [NAME=VALUE …]]: one database through functions. */
static int run_logical(char **arguments, int count)
{
    struct folder folder = {.path = arguments[1], .amends = true};
    struct pgcask_settings *settings = make_settings(arguments[0]);
    struct pgcask_logical_options options;
    struct pgcask_logical_report report;
    struct pgcask_error error = {.struct_size = sizeof(error)};
    struct pgcask_source *source;
    bool done;

    PGCASK_INIT(options);
    PGCASK_INIT(report);
    if (count > 2 && !pgcask_logical_options_set(&options, "compress", arguments[2], &error))
        return fail(&error);
    if (count > 3 && !set_all(&options, arguments + 3, count - 3, &error))
        return fail(&error);
    source = pgcask_logical_backup_open(settings, &options, NULL, &error);
    done = source != NULL && write_folder(source, &folder, &error) &&
           pgcask_logical_backup_get_report(source, &report, &error);
    if (done)
        printf("amended %u\nlsn %s\nversion %d\nbytes %" PRIu64 "\nrows %" PRIu64
               "\nentries %zu\ntables %zu\n",
               folder.amended, report.wal_lsn, report.server_version_num, report.bytes, report.rows,
               report.entries, report.tables);
    pgcask_source_close(source);
    pgcask_settings_free(settings);
    return done ? 0 : fail(&error);
}

/* ---- Stores of the library ---- */

static bool write_to(struct pgcask_source *source, const char *target, struct pgcask_error *error)
{
    size_t len = strlen(target);

    if (strcmp(target, "-") == 0)
        return pgcask_write_tar_fd(source, STDOUT_FILENO, error);
    if (len > 4 && strcmp(target + len - 4, ".tar") == 0)
        return pgcask_write_tar(source, target, error);
    return pgcask_write_directory(source, target, error);
}

static bool back_up(const struct pgcask_settings *settings, const char *target,
                    const struct pgcask_backup_options *options,
                    const struct pgcask_control *control, struct pgcask_error *error)
{
    struct pgcask_source *source = pgcask_backup_open(settings, options, control, error);
    bool done = source != NULL && write_to(source, target, error);

    pgcask_source_close(source);
    return done;
}

/* backup CONNINFO TARGET */
static int run_backup(char **arguments, int count)
{
    struct pgcask_settings *settings = make_settings(arguments[0]);
    struct pgcask_backup_options options;
    struct pgcask_error error = {.struct_size = sizeof(error)};
    bool done;

    (void)count;
    PGCASK_INIT(options);
    options.label = "from a program";
    options.digest = PGCASK_DIGEST_SHA256;
    done = back_up(settings, arguments[1], &options, NULL, &error);
    pgcask_settings_free(settings);
    return done ? 0 : fail(&error);
}

/* ---- Stopping ---- */

struct stopper {
    struct pgcask_cancel *cancel;
    const char *phase;
    uint64_t bytes;
    pthread_mutex_t lock;
    pthread_cond_t reached;
    bool is_reached;
};

static void look_for_phase(void *context, const struct pgcask_progress *progress)
{
    struct stopper *stopper = context;

    if (strcmp(progress->phase, stopper->phase) != 0 || progress->bytes < stopper->bytes)
        return;
    pthread_mutex_lock(&stopper->lock);
    stopper->is_reached = true;
    pthread_cond_signal(&stopper->reached);
    pthread_mutex_unlock(&stopper->lock);
}

static void *stop_when_reached(void *context)
{
    struct stopper *stopper = context;

    pthread_mutex_lock(&stopper->lock);
    while (!stopper->is_reached)
        pthread_cond_wait(&stopper->reached, &stopper->lock);
    pthread_mutex_unlock(&stopper->lock);
    usleep(100000); /* into the wait that the phase is */
    pgcask_cancel_request(stopper->cancel);
    return NULL;
}

/* cancel CONNINFO TARGET PHASE BYTES: another thread stops the backup in that phase. */
static int run_cancel(char **arguments, int count)
{
    struct pgcask_settings *settings = make_settings(arguments[0]);
    struct stopper stopper = {.cancel = pgcask_cancel_new(NULL),
                              .phase = arguments[2],
                              .bytes = strtoull(arguments[3], NULL, 10),
                              .lock = PTHREAD_MUTEX_INITIALIZER,
                              .reached = PTHREAD_COND_INITIALIZER};
    struct pgcask_backup_options options;
    struct pgcask_control control;
    struct pgcask_error error = {.struct_size = sizeof(error)};
    pthread_t thread;
    bool done;

    (void)count;
    PGCASK_INIT(options);
    options.spread_checkpoint = strcmp(stopper.phase, "checkpoint") == 0;
    options.max_rate_kib = 2048;
    PGCASK_INIT(control);
    control.cancel = stopper.cancel;
    control.context = &stopper;
    control.progress = look_for_phase;
    pthread_create(&thread, NULL, stop_when_reached, &stopper);
    done = back_up(settings, arguments[1], &options, &control, &error);
    pthread_mutex_lock(&stopper.lock);
    stopper.is_reached = true; /* a backup that ended before */
    pthread_cond_signal(&stopper.reached);
    pthread_mutex_unlock(&stopper.lock);
    pthread_join(thread, NULL);
    pgcask_cancel_free(stopper.cancel);
    pgcask_settings_free(settings);
    return done ? 0 : fail(&error);
}

/* ---- Several at once ---- */

struct worker {
    const struct pgcask_settings *settings;
    struct pgcask_control control;
    struct folder folder;
    struct pgcask_error error;
    bool done;
};

static void *work(void *context)
{
    struct worker *worker = context;
    struct pgcask_source *source =
        pgcask_backup_open(worker->settings, NULL, &worker->control, &worker->error);

    worker->done = source != NULL && write_folder(source, &worker->folder, &worker->error);
    pgcask_source_close(source);
    return NULL;
}

/* several CONNINFO FOLDER N FOLDER N …: one thread a folder, of which the N-th call fails (0:
 * none). Settings and cancel are shared. */
static int run_several(char **arguments, int count)
{
    struct pgcask_settings *settings = make_settings(arguments[0]);
    struct pgcask_cancel *cancel = pgcask_cancel_new(NULL);
    struct worker workers[4] = {0};
    pthread_t threads[4];
    int workers_count = (count - 1) / 2;

    for (int i = 0; i < workers_count; i++) {
        workers[i].settings = settings;
        PGCASK_INIT(workers[i].control);
        workers[i].control.cancel = cancel;
        workers[i].folder.path = arguments[1 + 2 * i];
        workers[i].folder.fail_at = (unsigned)atoi(arguments[2 + 2 * i]);
        pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    for (int i = 0; i < workers_count; i++) {
        pthread_join(threads[i], NULL);
        printf("done %d %s\n", workers[i].done, workers[i].done ? "" : workers[i].error.message);
    }
    printf("cancelled %d\n", pgcask_cancel_requested(cancel));
    pgcask_cancel_free(cancel);
    pgcask_settings_free(settings);
    return 0;
}

/* ---- Passwords and sessions ---- */

struct credentials {
    const char *password; /* "": gives none; "-": fails */
    unsigned asked, last_resorts;
};

static bool give_password(void *context, const struct pgcask_password_request *request,
                          struct pgcask_password *password, struct pgcask_error *error)
{
    struct credentials *credentials = context;

    credentials->asked++;
    credentials->last_resorts += request->last_resort;
    if (strcmp(credentials->password, "-") == 0)
        return pgcask_error_set(error, PGCASK_ERROR_AUTHENTICATION, "the vault is closed for %s",
                                request->user);
    if (credentials->password[0] == '\0')
        return true;
    return pgcask_password_give(password, credentials->password, strlen(credentials->password),
                                error);
}

static void print_opened(void *context, const struct pgcask_session *session)
{
    (void)context;
    printf("opened %" PRIu32 " %zu %zu %d\n", session->pid, session->key_len, session->address_len,
           (int)session->encryption);
}

static void print_closed(void *context, const struct pgcask_session *session)
{
    (void)context;
    printf("closed %" PRIu32 "\n", session->pid);
}

/* ping CONNINFO [PASSWORD] */
static int run_ping(char **arguments, int count)
{
    struct credentials credentials = {.password = count > 1 ? arguments[1] : ""};
    struct pgcask_settings *settings = make_settings(arguments[0]);
    struct pgcask_server_facts facts;
    struct pgcask_error error = {.struct_size = sizeof(error)};
    struct pgcask_error no_replication = error, no_sql = error;
    bool done;

    PGCASK_INIT(facts);
    facts.replication_error = &no_replication;
    facts.sql_error = &no_sql;
    if (count > 1)
        pgcask_settings_set_password_callback(settings, give_password, &credentials);
    pgcask_settings_watch_sessions(settings, print_opened, print_closed, NULL);
    done = pgcask_ping(settings, NULL, &facts, &error);
    printf("asked %u\nlast %u\n", credentials.asked, credentials.last_resorts);
    if (done)
        printf("server %d\nuser %s\ntls %d\nsystem %s\nreplication %d %s\nsql %d %s\n",
               facts.server_version_num, facts.user, facts.tls, facts.system_identifier,
               facts.replication, no_replication.message, facts.sql, no_sql.message);
    pgcask_settings_free(settings);
    return done ? 0 : fail(&error);
}

/* preflight CONNINFO [logical] */
static int run_preflight(char **arguments, int count)
{
    struct pgcask_settings *settings = make_settings(arguments[0]);
    struct pgcask_error error = {.struct_size = sizeof(error)};
    uint64_t bytes = 0;
    bool done =
        count > 1
            ? pgcask_logical_preflight(settings, NULL, NULL, print_finding, NULL, &bytes, &error)
            : pgcask_preflight(settings, NULL, NULL, print_finding, NULL, &bytes, &error);

    printf("estimated %" PRIu64 "\n", bytes);
    pgcask_settings_free(settings);
    return done ? 0 : fail(&error);
}

/* ---- What is done with a backup ---- */

static void keep_progress(void *context, const struct pgcask_progress *progress)
{
    *(struct pgcask_progress *)context = *progress;
}

/* verify SOURCE */
static int run_verify(char **arguments, int count)
{
    struct pgcask_verify_report report;
    struct pgcask_error error = {.struct_size = sizeof(error)};
    struct pgcask_progress last = {0};
    struct pgcask_control control;
    struct pgcask_source *source;
    bool done;

    PGCASK_INIT(control);
    control.context = &last;
    control.progress = keep_progress;
    source = open_path(arguments[0], &control, &error);
    (void)count;
    PGCASK_INIT(report);
    done = source != NULL && pgcask_verify(source, print_problem, NULL, &report, &error);
    pgcask_source_close(source);
    printf("total %" PRIu64 "\nread %" PRIu64 "\n", last.total_bytes, last.bytes);
    printf("problems %zu\nfiles %" PRIu64 "\nsystem %s\nstop %s\n", report.problems, report.files,
           report.system_identifier, report.stop_lsn);
    return done ? 0 : fail(&error);
}

/* restore SOURCE DATA-DIRECTORY [replace | OLD NEW] */
static int run_restore(char **arguments, int count)
{
    struct pgcask_tablespace_mapping mapping = {0};
    struct pgcask_restore_options options;
    struct pgcask_restore_report report;
    struct pgcask_error error = {.struct_size = sizeof(error)};
    struct pgcask_source *source = open_path(arguments[0], NULL, &error);
    bool done;

    PGCASK_INIT(options);
    PGCASK_INIT(report);
    options.replace = count == 3;
    if (count == 4) {
        mapping.old_location = arguments[2];
        mapping.new_location = arguments[3];
        options.mappings = &mapping;
        options.mapping_count = 1;
    }
    done = source != NULL && pgcask_restore(source, arguments[1], &options, &report, &error);
    pgcask_source_close(source);
    printf("files %" PRIu64 "\ntablespaces %zu\nsystem %s\n", report.files, report.tablespaces,
           report.system_identifier);
    return done ? 0 : fail(&error);
}

/* copy CONNINFO CONNINFO: one database of a server into one of another, through no file */
static int run_copy(char **arguments, int count)
{
    struct pgcask_settings *from = make_settings(arguments[0]);
    struct pgcask_settings *to = make_settings(arguments[1]);
    struct pgcask_logical_restore_report report;
    struct pgcask_source *source = NULL;
    struct pgcask_error error;
    bool done;

    (void)count;
    PGCASK_INIT(error);
    PGCASK_INIT(report);
    source = pgcask_logical_backup_open(from, NULL, NULL, &error);
    done = source != NULL && pgcask_logical_restore(source, to, NULL, &report, &error);
    if (done)
        printf("rows %" PRIu64 "\nfailures %" PRIu64 "\nlayout %s\ndatabase %s\n", report.rows,
               report.failures, report.layout, report.database);
    pgcask_source_close(source);
    pgcask_settings_free(from);
    pgcask_settings_free(to);
    return done ? 0 : fail(&error);
}

static void print_difference(void *context, enum pgcask_difference kind, const char *database,
                             const char *object, const char *message)
{
    (void)context;
    printf("difference %d %s %s: %s\n", (int)kind, database, object, message);
}

static void print_not_compared(void *context, const char *database, const char *what)
{
    (void)context;
    printf("note %s: %s\n", database, what);
}

/* trial SOURCE CONNINFO: a backup, an archive or a script, and how far it was last of all */
static int run_trial(char **arguments, int count)
{
    struct pgcask_settings *settings = make_settings(arguments[1]);
    struct pgcask_error error = {.struct_size = sizeof(error)};
    struct pgcask_progress last = {0};
    struct pgcask_trial_options options;
    struct pgcask_trial_report report;
    struct pgcask_control control;
    struct pgcask_source *source;
    bool done;

    (void)count;
    PGCASK_INIT(control);
    PGCASK_INIT(options);
    PGCASK_INIT(report);
    control.context = &last;
    control.progress = keep_progress;
    options.difference = print_difference;
    options.not_compared = print_not_compared;
    source = open_path(arguments[0], &control, &error);
    done = source != NULL && pgcask_verify_by_restore(source, settings, &options, &report, &error);
    pgcask_source_close(source);
    pgcask_settings_free(settings);
    printf("databases %" PRIu64 "\nrows %" PRIu64 "\ndifferences %" PRIu64 "\nformat %s\n",
           report.databases, report.rows, report.differences, report.format);
    printf("bytes %" PRIu64 "\ntotal %" PRIu64 "\nphase %s\nleft %s\n", last.bytes,
           last.total_bytes, last.phase == NULL ? "" : last.phase, report.left);
    return done ? 0 : fail(&error);
}

/* relocate DATA-DIRECTORY */
static int run_relocate(char **arguments, int count)
{
    struct pgcask_error error = {.struct_size = sizeof(error)};
    size_t changed;

    (void)count;
    if (!pgcask_relocate(arguments[0], &changed, &error))
        return fail(&error);
    printf("changed %zu\n", changed);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int arguments; /* at least */
        int (*run)(char **arguments, int count);
    } jobs[] = {
        {"store", 2, run_store},       {"backup", 2, run_backup},   {"cancel", 4, run_cancel},
        {"several", 3, run_several},   {"ping", 1, run_ping},       {"preflight", 1, run_preflight},
        {"verify", 1, run_verify},     {"restore", 2, run_restore}, {"copy", 2, run_copy},
        {"relocate", 1, run_relocate}, {"logical", 2, run_logical}, {"trial", 2, run_trial},
    };

    for (size_t i = 0; argc > 1 && i < sizeof(jobs) / sizeof(jobs[0]); i++) {
        if (strcmp(argv[1], jobs[i].name) == 0 && argc - 2 >= jobs[i].arguments)
            return jobs[i].run(argv + 2, argc - 2);
    }
    return 2;
}
