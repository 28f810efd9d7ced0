/* Roles and tablespaces are of a whole server: what a restore makes and alters of them is said
 * before it does, for which their names alone are read. */
#include "restore/restore_globals.h"

bool restore_globals_note(struct restore_globals *globals, const struct sql_statement *statement,
                          struct error *err)
{
    bool role = statement->kind == SQL_KIND_CREATE_ROLE;
    struct buffer name = {0};
    struct error ignored;
    bool done = true;

    if (!role && statement->kind != SQL_KIND_CREATE_TABLESPACE)
        return true;
    if (sql_statement_name(statement->text, &name, &ignored))
        done = name_set_add(role ? &globals->roles : &globals->tablespaces, buffer_text(&name),
                            NULL, err);
    buffer_free(&name);
    return done;
}

static bool note(void *context, const struct sql_statement *statement, struct error *err)
{
    return restore_globals_note(context, statement, err);
}

bool restore_globals_read(struct restore_globals *globals, struct slice script, struct error *err)
{
    const struct sql_script_handler handler = {
        .context = globals, .statement = note, .rest = sql_script_drop_rest};
    struct sql_script *reading = sql_script_new(&handler, err);
    bool done = reading != NULL;

    if (done && !sql_script_feed(reading, script, err)) {
        done = err->code != ERROR_MEMORY;
        *err = (struct error){0};
    }
    sql_script_free(reading);
    return done;
}

void restore_globals_reset(struct restore_globals *globals)
{
    name_set_reset(&globals->roles);
    name_set_reset(&globals->tablespaces);
    *globals = (struct restore_globals){0};
}
