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

static const struct configuration_table keys = {&pgcask_program, COMMAND_PLAKAR,
                                                COMMAND_PLAKAR_DESTINATION};

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
    bool done;

    command->console->speller = &plakar_speller;
    done = password != NULL && plugin_run(&keys, &options, err);

    password_source_free(password);
    return done;
}

bool command_plakar_schema(struct command *command, struct error *err)
{
    struct buffer text = {0};
    bool done = schema_write(&keys, options_argument(command->options, 0), &text, err);

    if (done && (fputs(buffer_text(&text), stdout) == EOF || fflush(stdout) != 0))
        done = error_set_errno(err, errno, "cannot write to standard output");
    buffer_free(&text);
    return done;
}
