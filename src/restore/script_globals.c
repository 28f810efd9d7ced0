/*
 * Roles, tablespaces and databases. They are of a whole server, which may have them already: then
 * they are not made, and what the script says of them is done to those that are there.
 */
#include "restore/script_restore_internal.h"

#include "restore/script_rules.h"

#include <inttypes.h>

/* ---- Roles ---- */

static bool queue(struct script_restore *restore, const char *text, struct long_statement *more,
                  uint64_t line, struct error *err)
{
    struct script_session *now = script_session_now(restore);

    return now == NULL || script_execute(restore, now, text, more, line, 0, err);
}

static void forget_changed(struct script_restore *restore)
{
    if (restore->changed.len > 0)
        memset(restore->changed.data, 0, restore->changed.len);
    buffer_clear(&restore->changed);
}

static bool run_changed(struct script_restore *restore, struct long_statement *more, uint64_t line,
                        struct error *err)
{
    bool done = restore->changed.len == 0 ||
                queue(restore, buffer_text(&restore->changed), more, line, err);

    forget_changed(restore);
    return done;
}

/* The one that restores needs its password and its rights for the sessions that follow, and whoever
 * restores does not think of losing them. */
static bool is_own(const struct script_restore *restore, const struct script_name *role)
{
    static const char *const words[] = {"current_user", "session_user", "current_role"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(role->name, words[i]) == 0)
            return true;
    }
    return (restore->user != NULL && strcmp(role->name, restore->user) == 0) ||
           (restore->acting != NULL && strcmp(role->name, restore->acting) == 0);
}

static bool leave_own(struct script_restore *restore, struct script_name *role)
{
    if (!role->told)
        log_message(restore->request->log, LOG_INFO,
                    "the role \"%s\", as which this restore acts, is left as it is", role->name);
    role->told = true;
    return true;
}

/* Those who log in by a role that is there know its password by now. */
static bool alter_there(struct script_restore *restore, struct slice text,
                        struct long_statement *more, uint64_t line, struct script_name *role,
                        struct error *err)
{
    bool kept = false;
    bool done = restore->request->role_passwords
                    ? buffer_append(&restore->changed, text.data, text.len, err)
                    : script_rules_append_role(&restore->changed, text, &kept, err);

    if (kept && more != NULL)
        return error_set(err, ERROR_UNSUPPORTED,
                         "the statement of line %" PRIu64 " has a password or a date, and is "
                         "longer than 1 MiB",
                         line);
    if (done && kept && !role->told) {
        restore->passwords_kept++;
        role->told = true;
    }
    return done && run_changed(restore, more, line, err);
}

static bool create_role(struct script_restore *restore, const struct sql_statement *statement,
                        struct script_name *role, struct error *err)
{
    struct buffer alter = {0};
    bool done;

    if (!role->there) {
        role->there = role->made = true;
        return queue(restore, (const char *)statement->text.data,
                     script_more_of(restore, statement), statement->line, err);
    }
    restore->report.there++;
    if (is_own(restore, role))
        return leave_own(restore, role);
    done = script_rules_append_alter(&alter, statement, err) &&
           alter_there(restore, buffer_slice(&alter), NULL, statement->line, role, err);
    buffer_free_secret(&alter);
    return done;
}

static bool alter_role(struct script_restore *restore, const struct sql_statement *statement,
                       struct script_name *role, struct error *err)
{
    if (is_own(restore, role) && !script_rules_is_in_database(statement->text))
        return leave_own(restore, role);
    if (!role->there || role->made)
        return queue(restore, (const char *)statement->text.data,
                     script_more_of(restore, statement), statement->line, err);
    return alter_there(restore, statement->text, script_more_of(restore, statement),
                       statement->line, role, err);
}

void script_tell_roles(const struct script_restore *restore)
{
    if (restore->passwords_kept > 0)
        log_message(restore->request->log, LOG_INFO,
                    "roles that were there and keep their passwords and how long these are valid: "
                    "%zu",
                    restore->passwords_kept);
    script_members_tell(restore);
}

/* ---- Tablespaces ---- */

static bool create_tablespace(struct script_restore *restore, const struct sql_statement *statement,
                              struct script_name *tablespace, struct error *err)
{
    bool done = false;

    if (!tablespace->there) {
        if (!script_run_alone(restore, (const char *)statement->text.data, NULL, statement->line,
                              &done, err))
            return false;
        tablespace->there = tablespace->made = done;
        return true;
    }
    restore->report.there++;
    if (restore->request->no_owner)
        return true;
    return script_rules_append_alter(&restore->changed, statement, err) &&
           run_changed(restore, NULL, statement->line, err);
}

/* ---- Whichever it is ---- */

static bool run_it(struct script_restore *restore, const struct sql_statement *statement,
                   struct script_name *item, struct error *err)
{
    (void)item;
    return queue(restore, (const char *)statement->text.data, script_more_of(restore, statement),
                 statement->line, err);
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
    if (runs[number].of == 'd' && !script_kept_before(restore, err))
        return false;
    item = script_find(restore, runs[number].of, name, err);
    if (item == NULL || !runs[number].run(restore, statement, item, err))
        return false;
    if (runs[number].of == 'd')
        script_kept_count(restore, name);
    return true;
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
