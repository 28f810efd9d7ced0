#include "cli/command_backup_logical.h"

#include "backup/logical_backup.h"
#include "base/text.h"
#include "cli/backup_options.h"
#include "cli/format.h"
#include "cli/preflight.h"
#include "cli/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct logical {
    struct command *command;
    struct logical_backup_options options;
    struct logical_backup_report report;
    struct progress progress;
};

static bool read_options(struct logical *logical, const struct server_uri *server,
                         struct error *err)
{
    if (!backup_options_logical(&logical->options, logical->command, err))
        return false;
    logical->options.settings = server->settings;
    return true;
}

/* ---- The work ---- */

/* Stands between the job and the store to tell the progress what is going on. */
struct watched {
    struct record_source base;
    struct record_source *inner;
    struct logical *logical;
};

static const char *phase_text(const char *phase)
{
    static const char *const texts[][2] = {
        {"connecting", "connecting"},        {"manifest", "describing the database"},
        {"catalog", "reading the catalogs"}, {"copying", "copying"},
        {"finishing", "finishing"},          {"done", "writing to disk"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(phase, texts[i][0]) == 0)
            return texts[i][1];
    }
    return "working";
}

/* The tables' size says nothing of how many compressed bytes there will be, but something of their
 * rows. */
static uint64_t measure(void *context)
{
    struct logical_backup_report report;

    logical_backup_report(((const struct watched *)context)->inner, &report);
    return report.row_bytes;
}

static bool is_over(const char *phase)
{
    return strcmp(phase, "finishing") == 0 || strcmp(phase, "done") == 0;
}

static enum source_status watched_next(struct record_source *base, struct record *record,
                                       struct error *err)
{
    struct watched *watched = (struct watched *)base;
    struct logical *logical = watched->logical;
    enum source_status status = source_next(watched->inner, record, err);

    logical_backup_report(watched->inner, &logical->report);
    progress_set_total(&logical->progress,
                       is_over(logical->report.phase) ? 0 : logical->report.total_bytes);
    progress_set_phase(&logical->progress, phase_text(logical->report.phase));
    return status;
}

static void watched_close(struct record_source *base)
{
    (void)base; /* lives on the stack; the inner source has its own owner */
}

static void fill_result(const struct logical *logical)
{
    const struct logical_backup_report *report = &logical->report;
    json_t *result = logical->command->result;

    result_set_text(result, "kind", "logical");
    result_set_text(result, "database", report->database);
    result_set(result, "seconds", json_real(progress_seconds(&logical->progress)));
    result_set_number(result, "bytes", report->bytes);
    result_set_number(result, "files", report->files);
    result_set_number(result, "entries", report->entries);
    result_set_number(result, "tables", report->tables);
    result_set_number(result, "rows", report->rows);
    result_set_number(result, "server_version_num", (uint64_t)report->server_version_num);
    result_set_number(result, "manifest_unavailable", report->manifest_unavailable);
}

/* Where nobody named a database, libpq's rule has chosen it. */
static const char *chosen_by(const struct logical *logical)
{
    switch (wire_settings_database_from(logical->options.settings)) {
    case WIRE_DATABASE_OF_ENVIRONMENT:
        return " (named by the environment)";
    case WIRE_DATABASE_LIKE_USER:
        return " (called like the user, because the URI names none)";
    case WIRE_DATABASE_NAMED:
        break;
    }
    return "";
}

static void say_result(const struct logical *logical, const struct backup_target *target)
{
    const struct logical_backup_report *report = &logical->report;
    char size[FORMAT_SIZE], duration[FORMAT_SIZE];

    format_size(report->bytes, size);
    format_seconds(progress_seconds(&logical->progress), duration);
    command_say(logical->command,
                "backed up database %s%s, %" PRIu64 " row%s of %zu table%s, %s to %s in %s",
                report->database, chosen_by(logical), report->rows, TEXT_S(report->rows),
                report->tables, TEXT_S(report->tables), size, backup_target_shown(target),
                duration);
    command_say_unavailable(logical->command, report->manifest_unavailable);
}

static bool copy(struct logical *logical, const struct backup_target *target, struct error *err)
{
    static const struct record_source_ops ops = {watched_next, watched_close};
    struct watched watched = {.base = {.ops = &ops, .sequential = true}, .logical = logical};
    bool done;

    if (!logical_backup_new(&logical->options, &watched.inner, err))
        return false;
    if (logical->options.compression != COMPRESSION_NONE)
        progress_measure(&logical->progress, measure, &watched);
    done = backup_target_write(target, logical->command, &watched.base, &logical->progress.observer,
                               err);
    logical_backup_report(watched.inner, &logical->report);
    if (done) {
        fill_result(logical);
        say_result(logical, target);
    }
    source_close(watched.inner);
    return done;
}

bool command_backup_logical(struct command *command, struct backup_target *target,
                            const struct server_uri *server, struct error *err)
{
    struct logical logical = {.command = command};
    bool done;

    if (!read_options(&logical, server, err) || !backup_target_check(target, command, err) ||
        !progress_start(&logical.progress, command->console, command->quiet,
                        "connecting, reading the catalogs", err))
        return false;
    done =
        preflight_check_logical(command, &logical.options, target->text, target->free_bytes, err) &&
        copy(&logical, target, err);
    progress_stop(&logical.progress);
    return done;
}
