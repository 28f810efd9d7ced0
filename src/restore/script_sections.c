/*
 * The database at hand: each \connect ends what came before, and opens a session for what follows,
 * if that database is wanted, is there, and may be restored into.
 */
#include "restore/script_restore_internal.h"

#include "base/quote.h"

#include <stdio.h>

/* A transaction that the script did not end is undone, as by psql, which does not say so. */
static bool end_unit(struct script_restore *restore, struct error *err)
{
    struct script_session *session = script_session_now(restore);
    bool open = restore->in_unit && session != NULL;

    restore->in_unit = false;
    return !open ||
           (target_unit_give_up(session->target, err) &&
            script_tell(restore, restore->unit_line, "BEGIN", "25000",
                        "the transaction that begins here has no end, and was undone", err));
}

bool script_leave_section(struct script_restore *restore, struct error *err)
{
    if (!end_unit(restore, err))
        return false;
    restore->globals = restore->wanted = restore->making = false;
    /* What was queued must be seen by the session that follows. */
    if (restore->base.target != NULL && !target_settle(restore->base.target, err))
        return false;
    if (restore->section.target == NULL)
        return true;
    if (!target_finish(restore->section.target, err))
        return false;
    script_session_close(restore, &restore->section);
    script_names_reset(&restore->tables);
    script_kept_count(restore, buffer_text(&restore->connected));
    return restore->trial == NULL || script_trial_leave(restore->trial, err);
}

static bool note_section(struct script_restore *restore, const char *database, struct error *err)
{
    bool again = strcmp(buffer_text(&restore->connected), database) == 0;

    buffer_clear(&restore->connected);
    restore->again = again;
    restore->matched = true;
    snprintf(restore->report.database, sizeof(restore->report.database), "%s", database);
    return buffer_append_string(&restore->connected, database, err);
}

bool script_enter_section(struct script_restore *restore, const char *database, uint64_t line,
                          struct error *err)
{
    char object[QUOTE_NAME_SIZE + 16], name[QUOTE_NAME_SIZE];
    struct script_name *found;

    if (!script_leave_section(restore, err) || !script_kept_leave(restore, database, err))
        return false;
    restore->encoding[0] = '\0';
    if (!script_wants(restore, database))
        return true;
    found = script_find(restore, 'd', database, err);
    if (found == NULL || !note_section(restore, database, err))
        return false;
    if (!found->there || found->blocked) {
        snprintf(object, sizeof(object), "DATABASE %s",
                 quote_identifier(database, name, sizeof(name)));
        return script_tell(
            restore, line, object, found->blocked ? "55006" : "3D000",
            found->blocked ? "it could not be replaced, and what the script has for it is left out"
                           : "it does not exist, and what the script has for it is left out",
            err);
    }
    if (!script_check_database(restore, found, NULL, err))
        return false;
    restore->report.databases += !restore->again;
    restore->wanted = true;
    if (restore->trial != NULL && !script_trial_enter(restore->trial, database, err))
        return false;
    return script_session_open(restore, &restore->section, database, true, err);
}
