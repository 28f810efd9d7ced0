/* pgcask backup: checks everything that can be checked, then lets records flow from the server to
 * the store. */
#include "cli/backup_result.h"
#include "cli/backup_target.h"
#include "cli/command.h"
#include "cli/preflight.h"
#include "cli/progress.h"
#include "cli/request.h"

#include "backup/backup.h"

struct backup {
    struct command *command;
    struct server_uri server;
    struct backup_request request;
    struct backup_target target;
    struct record_source *source; /* NULL until it is open */
    struct progress progress;
};

/* ---- Before the work ---- */

/* A URI that names a database reads as if that alone were copied. */
static void note_database(const struct backup *backup)
{
    if (backup->server.names_database)
        console_message(backup->command->console,
                        "the whole cluster is copied; database \"%s\" is only what to connect to",
                        wire_settings_get(backup->server.settings, "dbname"));
}

static bool read_source(struct backup *backup, struct error *err)
{
    const struct command *command = backup->command;

    if (!server_uri_of_command(&backup->server, command, err))
        return false;
    result_set_text(command->result, "source", options_argument(command->options, 0));
    result_set_text(command->result, "target", backup->target.text);
    if (!request_set_server(&backup->request, &backup->server, command, err))
        return false;
    if (backup->request.physical && !command->quiet)
        note_database(backup);
    return true;
}

/* ---- The work ---- */

static const char *phase_text(const struct backup_request *request, enum backup_phase phase)
{
    static const char *const texts[] = {
        [BACKUP_CONNECTING] = "connecting",
        [BACKUP_CATALOG] = "reading the catalogs",
        [BACKUP_MANIFEST] = "describing the database",
        [BACKUP_CHECKPOINT] = "waiting for the checkpoint",
        [BACKUP_COPYING] = "copying",
        [BACKUP_FINISHING] = "finishing",
        [BACKUP_DONE] = "writing to disk",
    };

    if (request->physical && phase == BACKUP_MANIFEST)
        phase = BACKUP_CATALOG;
    return texts[phase];
}

/* The server tells the sizes before the data: what there is no room for is not begun. What comes
 * behind the data was not estimated. */
static bool on_phase(void *context, const struct backup_report *report, struct error *err)
{
    struct backup *backup = context;
    const struct backup_request *request = &backup->request;
    bool over = report->phase == BACKUP_FINISHING || report->phase == BACKUP_DONE;

    progress_set_total(&backup->progress, over ? 0 : report->total_bytes);
    progress_set_phase(&backup->progress, phase_text(request, report->phase));
    return !request->physical || report->phase != BACKUP_COPYING ||
           preflight_check_space(report->total_bytes, backup->target.text,
                                 backup->target.free_bytes, err);
}

/* The tables' size says nothing of how many compressed bytes there will be, but something of their
 * rows. */
static uint64_t measure(void *context)
{
    return backup_report(context)->logical.row_bytes;
}

static bool copy(struct backup *backup, struct error *err)
{
    if (!backup_open(&backup->request, &backup->source, err))
        return false;
    if (!backup->request.physical && backup_request_compresses(&backup->request))
        progress_measure(&backup->progress, measure, backup->source);
    return backup_target_write(&backup->target, backup->command, backup->source,
                               &backup->progress.observer, err);
}

static bool run(struct backup *backup, struct error *err)
{
    const struct command *command = backup->command;
    const char *phase =
        backup->request.physical ? "connecting" : "connecting, reading the catalogs";
    bool done;

    if (!progress_start(&backup->progress, command->console, command->quiet, phase, err))
        return false;
    backup->request.on_phase = on_phase;
    backup->request.context = backup;
    done = preflight_check(command, &backup->request, &backup->target, err) && copy(backup, err);
    if (!done) { /* which may take a moment */
        source_close(backup->source);
        backup->source = NULL;
    }
    progress_stop(&backup->progress);
    return done;
}

bool command_backup(struct command *command, struct error *err)
{
    struct backup backup = {.command = command};
    bool done;

    if (!request_of_command(&backup.request, command, err) ||
        !backup_target_of_command(&backup.target, command, err)) {
        backup_request_reset(&backup.request);
        return false;
    }
    if (backup.target.place.kind == PLACE_TAR_STREAM && command->out != NULL)
        command->out = stderr;
    done = read_source(&backup, err) && backup_target_check(&backup.target, command, err) &&
           run(&backup, err);
    if (done)
        backup_result_tell(command, &backup.request, backup_report(backup.source), &backup.target,
                           progress_seconds(&backup.progress));
    source_close(backup.source);
    backup_request_reset(&backup.request);
    server_uri_reset(&backup.server);
    return done;
}
