/* pgcask plakar: started by Plakar as its PostgreSQL integration. */
#include "cli/command.h"
#include "cli/options_table.h"
#include "process/password.h"
#include "process/signals.h"

#include "plakar/plugin.h"
#include "plakar/schema.h"
#include "plakar/spelling.h"

#include <errno.h>
#include <string.h>

bool command_plakar(struct command *command, struct error *err)
{
    /* Nobody sits at a plugin's terminal. */
    const struct password_options nobody = {.may_ask = false};
    struct password_source *password = password_source_new(&nobody, err);
    const struct plugin_options options = {
        .cancel = command->cancel,
        .stopped_by = signals_received,
        .log = &command->console->log,
        .watcher = command->guardian == NULL ? NULL : guardian_watcher(command->guardian),
        .password_source = password == NULL ? NULL : password_source_face(password),
    };
    const struct configuration_table table = {&pgcask_program, COMMAND_PLAKAR,
                                              COMMAND_PLAKAR_DESTINATION};
    bool done;

    command->console->speller = &plakar_speller;
    done = password != NULL && plugin_run(&table, &options, err);

    password_source_free(password);
    return done;
}

bool command_plakar_schema(struct command *command, struct error *err)
{
    const char *which = options_argument(command->options, 0);
    struct buffer text = {0};
    bool done;

    if (strcmp(which, "importer") == 0)
        done = schema_write_importer(&pgcask_program, COMMAND_PLAKAR, &text, err);
    else if (strcmp(which, "exporter") == 0)
        done = schema_write_exporter(&pgcask_program, COMMAND_PLAKAR_DESTINATION, &text, err);
    else
        done = error_set(err, ERROR_USAGE, "there is no schema of \"%s\"", which);
    if (done && (fputs(buffer_text(&text), stdout) == EOF || fflush(stdout) != 0))
        done = error_set_errno(err, errno, "cannot write to standard output");
    buffer_free(&text);
    return done;
}
