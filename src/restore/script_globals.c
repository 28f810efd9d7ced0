/*
 * Roles, tablespaces and databases. They are of a whole server, which may have them already: then
 * they are not made, and what the script says of them is done to those that are there.
 */
#include "restore/script_restore_internal.h"

#include "restore/script_rules.h"

/* ---- Roles ---- */

static bool queue(struct script_restore *restore, const char *text, uint64_t line,
                  struct error *err)
{
    struct script_session *now = script_session_now(restore);

    return now == NULL || script_execute(restore, now, text, line, false, err);
}

static void forget_changed(struct script_restore *restore)
{
    if (restore->changed.len > 0)
        memset(restore->changed.data, 0, restore->changed.len);
    buffer_clear(&restore->changed);
}

static bool run_changed(struct script_restore *restore, uint64_t line, struct error *err)
{
    bool done =
        restore->changed.len == 0 || queue(restore, buffer_text(&restore->changed), line, err);

    forget_changed(restore);
    return done;
}

/* Our own role is altered last: with another password the sessions that follow would not be let in,
 * and without its rights this one would fail. */
static bool is_own(const struct script_restore *restore, const struct script_name *role)
{
    return restore->user != NULL && strcmp(role->name, restore->user) == 0;
}

static bool postpone_changed(struct script_restore *restore, struct error *err)
{
    bool done =
        restore->changed.len == 0 ||
        (buffer_append(&restore->postponed, restore->changed.data, restore->changed.len, err) &&
         buffer_append_byte(&restore->postponed, 0, err));

    forget_changed(restore);
    return done;
}

static bool append_alter_role(struct script_restore *restore, const struct sql_statement *statement,
                              const struct script_name *role, struct error *err)
{
    struct sql_statement without = *statement;
    struct buffer text = {0};
    bool done;

    if (!role->keeps_password)
        return script_rules_append_alter(&restore->changed, statement, err);
    done = script_rules_append_without_password(&text, statement->text, err);
    without.text = buffer_slice(&text);
    done = done && script_rules_append_alter(&restore->changed, &without, err);
    buffer_free_secret(&text);
    return done;
}

static bool create_role(struct script_restore *restore, const struct sql_statement *statement,
                        struct script_name *role, struct error *err)
{
    if (!role->there) {
        role->there = role->made = true;
        return queue(restore, (const char *)statement->text.data, statement->line, err);
    }
    restore->report.there++;
    role->keeps_password = !role->made && !restore->request->role_passwords;
    if (!append_alter_role(restore, statement, role, err))
        return false;
    return is_own(restore, role) ? postpone_changed(restore, err)
                                 : run_changed(restore, statement->line, err);
}

static bool alter_role(struct script_restore *restore, const struct sql_statement *statement,
                       struct script_name *role, struct error *err)
{
    if (!script_rules_alters_attributes(statement->text) ||
        (!is_own(restore, role) && !role->keeps_password))
        return queue(restore, (const char *)statement->text.data, statement->line, err);
    if (!role->keeps_password)
        return buffer_append(&restore->postponed, statement->text.data, statement->text.len + 1,
                             err);
    if (!script_rules_append_without_password(&restore->changed, statement->text, err))
        return false;
    return is_own(restore, role) ? postpone_changed(restore, err)
                                 : run_changed(restore, statement->line, err);
}

/* ---- Tablespaces ---- */

static bool create_tablespace(struct script_restore *restore, const struct sql_statement *statement,
                              struct script_name *tablespace, struct error *err)
{
    bool done = false;

    if (!tablespace->there) {
        if (!script_run_alone(restore, (const char *)statement->text.data, statement->line, &done,
                              err))
            return false;
        tablespace->there = tablespace->made = done;
        return true;
    }
    restore->report.there++;
    if (restore->request->no_owner)
        return true;
    return script_rules_append_alter(&restore->changed, statement, err) &&
           run_changed(restore, statement->line, err);
}

/* ---- Whichever it is ---- */

static bool run_it(struct script_restore *restore, const struct sql_statement *statement,
                   struct script_name *item, struct error *err)
{
    (void)item;
    return queue(restore, (const char *)statement->text.data, statement->line, err);
}

static const struct {
    enum sql_kind kind;
    char of;
    bool (*run)(struct script_restore *restore, const struct sql_statement *statement,
                struct script_name *item, struct error *err);
} runs[] = {
    {SQL_KIND_CREATE_ROLE, 'r', create_role},
    {SQL_KIND_ALTER_ROLE, 'r', alter_role},
    {SQL_KIND_DROP_ROLE, 'r', script_drop},
    {SQL_KIND_CREATE_DATABASE, 'd', script_create_database},
    {SQL_KIND_ALTER_DATABASE, 'd', script_alter_database},
    {SQL_KIND_DROP_DATABASE, 'd', script_drop_database},
    {SQL_KIND_CREATE_TABLESPACE, 't', create_tablespace},
    {SQL_KIND_ALTER_TABLESPACE, 't', run_it},
    {SQL_KIND_DROP_TABLESPACE, 't', script_drop},
};

static bool is_wanted(const struct script_restore *restore, char kind, const char *name)
{
    if (kind == 'd')
        return script_wants(restore, name);
    return (restore->globals || restore->wanted) && !restore->request->no_globals &&
           (kind == 'r' || !restore->request->no_tablespaces);
}

static bool run_named(struct script_restore *restore, const struct sql_statement *statement,
                      size_t number, const char *name, struct error *err)
{
    struct script_name *item;

    if (!is_wanted(restore, runs[number].of, name)) {
        restore->report.left_out++;
        return true;
    }
    item = script_find(restore, runs[number].of, name, err);
    return item != NULL && runs[number].run(restore, statement, item, err);
}

bool script_run_global(struct script_restore *restore, const struct sql_statement *statement,
                       struct error *err)
{
    struct buffer name = {0};
    size_t number = 0;
    bool done;

    while (runs[number].kind != statement->kind)
        number++;
    done = sql_statement_name(statement->text, &name, err) &&
           run_named(restore, statement, number, buffer_text(&name), err);
    buffer_free(&name);
    return done;
}
