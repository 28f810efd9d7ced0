/*
 * Restores a logical backup, an archive of pg_dump or an SQL script into a server.
 *
 *     into PATH CONNINFO [OPTION=VALUE]...
 *
 * PATH is a directory, a file, or "-" for standard input. Options are those of "pgcask restore"
 * that are about a server, without their dashes: jobs=4, create-db=on, tables=shop.*. Exit status:
 * 0, 3 if something failed on the way, 1 if it ended before, 2 if it was called wrongly.
 */
#include <pgcask/pgcask.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void print_failure(void *context, const struct pgcask_restore_failure *failure)
{
    (void)context;
    printf("%s %s %s: %s\n", failure->harmless == NULL ? "failed" : "harmless", failure->sqlstate,
           failure->object, failure->message);
}

static void print_finding(void *context, bool fatal, const char *message, const char *remedy)
{
    (void)context;
    printf("%s %s (%s)\n", fatal ? "in-the-way" : "found", message, remedy);
}

static bool set_option(struct pgcask_logical_restore_options *options, char *word,
                       struct pgcask_error *error)
{
    char *value = strchr(word, '=');

    if (value == NULL)
        return pgcask_error_set(error, PGCASK_ERROR_USAGE, "\"%s\" is not OPTION=VALUE", word);
    *value++ = '\0';
    return pgcask_logical_restore_options_set(options, word, value, error);
}

static struct pgcask_source *open_path(const char *path, struct pgcask_error *error)
{
    struct stat status;

    if (strcmp(path, "-") == 0)
        return pgcask_source_open_tar_fd(0, NULL, error);
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return pgcask_source_open_directory(path, NULL, error);
    return pgcask_source_open_tar(path, NULL, error);
}

static bool restore(const struct pgcask_settings *settings, const char *path,
                    const struct pgcask_logical_restore_options *options,
                    struct pgcask_logical_restore_report *report, struct pgcask_error *error)
{
    struct pgcask_source *source = open_path(path, error);
    bool done = source != NULL && pgcask_logical_restore(source, settings, options, report, error);

    pgcask_source_close(source);
    return done;
}

int main(int argc, char **argv)
{
    struct pgcask_settings *settings = pgcask_settings_new(NULL);
    struct pgcask_logical_restore_options options;
    struct pgcask_logical_restore_report report;
    struct pgcask_error error;
    bool done;

    if (argc < 3 || settings == NULL)
        return 2;
    PGCASK_INIT(error);
    PGCASK_INIT(options);
    PGCASK_INIT(report);
    options.failure = print_failure;
    options.finding = print_finding;
    done = pgcask_settings_parse(settings, argv[2], &error) &&
           pgcask_settings_complete(settings, &error);
    for (int i = 3; done && i < argc; i++)
        done = set_option(&options, argv[i], &error);
    done = done && restore(settings, argv[1], &options, &report, &error);
    if (done)
        printf("restored %" PRIu64 " objects and %" PRIu64 " rows into %s\n", report.objects,
               report.rows, report.database);
    else
        fprintf(stderr, "%s\n%s\n", error.message, error.hint);
    pgcask_settings_free(settings);
    return !done ? 1 : report.failures > 0 ? 3 : 0;
}
