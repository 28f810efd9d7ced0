/*
 * Making the databases of a plan. What an archive says of its database itself is said while that
 * has another name, and goes with it when it gets its own. Where no session is let in under that
 * name, because pg_hba.conf or a pooler goes by names, a new database is filled under its own, and
 * one that is there is not replaced.
 */
#include "restore/restore_plan_internal.h"

#include "base/error_names.h"
#include "base/quote.h"
#include "restore/target_databases.h"
#include "restore/target_interim.h"

#include <stdio.h>
#include <string.h>

static bool is_made(const struct planned_database *database)
{
    return database->action != RESTORE_USE && !database->of_script;
}

static const char *name_now(const struct planned_database *database)
{
    return database->interim[0] != '\0' ? database->interim : database->name;
}

const char *restore_plan_name_now(const struct restore_plan *plan, size_t number)
{
    return name_now(plan->databases[number]);
}

/* ---- Questions ---- */

static bool ask(struct wire_conn *conn, const char *before, const char *value, const char *after,
                bool *yes, struct error *err)
{
    struct wire_result *rows = NULL;
    struct buffer sql = {0};
    bool done = buffer_append_string(&sql, before, err) && wire_quote_literal(&sql, value, err) &&
                buffer_append_string(&sql, after, err) &&
                wire_query(conn, buffer_text(&sql), &rows, err);

    *yes = done && wire_result_rows(rows) > 0;
    wire_result_free(rows);
    buffer_free(&sql);
    return done;
}

/* Somebody may have made it since the server was asked: better heard now than when all is in. */
static bool refuse_taken(const struct planned_database *database, struct wire_conn *conn,
                         struct error *err)
{
    bool taken;

    if (!ask(conn, "SELECT FROM pg_catalog.pg_database WHERE datname = ", database->name,
             "::pg_catalog.name", &taken, err))
        return false;
    if (!taken || database->action == RESTORE_REPLACE)
        return true;
    error_set(err, ERROR_REFUSED,
              "cannot create the database \"%s\": somebody else has just done it", database->name);
    return error_hint(err, "Run it again: into that one, or with " OPTION_RECREATE ".");
}

/* Who may make another role its owner does not always have the rights of that role, and so could
 * not rename it any more. */
static bool note_owner(struct planned_database *database, struct wire_conn *conn, struct error *err)
{
    database->owner_later = false;
    return database->owner == NULL ||
           ask(conn, "SELECT FROM pg_catalog.pg_roles WHERE rolname = ", database->owner,
               " AND NOT pg_catalog.pg_has_role(oid, 'USAGE')", &database->owner_later, err) ||
           !wire_is_broken(conn); /* a name that means nothing there is nobody's */
}

/* ---- Making it ---- */

/* It has nothing in it so far. */
static bool take_own_name(const struct restore_plan *plan, struct planned_database *database,
                          struct wire_conn *conn, const struct error *why, struct error *err)
{
    const char *interim = database->interim;

    if (database->action == RESTORE_REPLACE) {
        char name[QUOTE_NAME_SIZE];

        *err = *why;
        error_prefix(err,
                     "the database \"%s\" is replaced once another is complete, which is filled "
                     "under the name %s and cannot be entered",
                     database->name, interim);
        return error_hint(err,
                          "Let the role into databases of such names (pg_hba.conf, a pooler's "
                          "list), or drop the old one yourself, and have it made: DROP DATABASE "
                          "%s;  " OPTION_CREATE_DB,
                          quote_identifier(database->name, name, sizeof(name)));
    }
    if (!target_interim_put_in_place(conn, interim, database->name, false, plan->request->cancel,
                                     err))
        return false;
    log_message(plan->request->log, LOG_WARNING,
                "the database \"%s\" has its name before it is complete: the role is not let in by "
                "another one (%s)",
                database->name, why->message);
    database->interim[0] = '\0';
    return true;
}

static bool enter(const struct restore_plan *plan, struct planned_database *database,
                  struct wire_conn *conn, struct error *err)
{
    struct wire_conn *entered = NULL;
    struct error why;

    if (target_connect(&entered, plan->request, database->interim, TARGET_BYTES, &why)) {
        wire_close(entered);
        return true;
    }
    if (target_interim_is_refused(&why))
        return take_own_name(plan, database, conn, &why, err);
    *err = why;
    return false;
}

static bool append_recipe(struct buffer *sql, const struct restore_plan *plan,
                          const struct planned_database *database, const struct wire_conn *conn,
                          struct error *err)
{
    return database_recipe_append(sql, &database->recipe, name_now(database),
                                  wire_server_version(conn), plan->request->no_tablespaces, err);
}

/* One that is for a trial has a name of its own to begin with. */
static bool create(const struct restore_plan *plan, struct planned_database *database,
                   struct wire_conn *conn, struct error *err)
{
    struct buffer sql = {0};
    bool made = false, done;

    if (plan->request->trial != NULL)
        done = append_recipe(&sql, plan, database, conn, err) &&
               target_database_create(conn, buffer_text(&sql), database->name, err);
    else
        done = target_database_interim(database->interim, err) &&
               append_recipe(&sql, plan, database, conn, err) &&
               target_interim_create(conn, buffer_text(&sql), database->interim, database->name,
                                     &made, err) &&
               enter(plan, database, conn, err);
    if (!made)
        database->interim[0] = '\0';
    buffer_free(&sql);
    return done;
}

/* ---- What is said of it ---- */

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

/* What is said of a database names it, by bytes that mean something in no encoding, while the rest
 * is in that of the archive, which usually is the database's own: then nothing is converted. */
static const char *own_encoding(const struct planned_database *database)
{
    const char *encoding = database->encoding == NULL ? "UTF8" : database->encoding;
    const char *made = database->recipe.encoding;

    return is_ascii(name_now(database)) || made == NULL || strcmp(made, encoding) != 0
               ? encoding
               : "SQL_ASCII";
}

enum share { OWN_FIRST, OWN_OWNER, OWN_LAST };

static enum share share_of(const struct planned_database *database, const struct own_statement *own)
{
    return own->last ? OWN_LAST : own->owner && database->owner_later ? OWN_OWNER : OWN_FIRST;
}

static bool execute(const struct planned_database *database, const struct own_statement *own,
                    struct target_session *session, struct error *err)
{
    struct target_statement statement = {.object = own->object, .subject = own->number};
    struct buffer text = {0};
    bool done = database_text_append(&text, slice_string(own->text), database->name,
                                     name_now(database), err);

    statement.text = buffer_text(&text);
    done = done && target_execute(session, &statement, err);
    buffer_free(&text);
    return done;
}

static bool execute_own(const struct planned_database *database, struct target_session *session,
                        enum share share, struct error *err)
{
    for (size_t i = 0; i < database->own_count; i++) {
        if (share_of(database, &database->own[i]) == share &&
            !execute(database, &database->own[i], session, err))
            return false;
    }
    return target_finish(session, err);
}

static bool has_share(const struct planned_database *database, enum share share)
{
    for (size_t i = 0; i < database->own_count; i++) {
        if (share_of(database, &database->own[i]) == share)
            return true;
    }
    return false;
}

static bool say_own(const struct restore_plan *plan, const struct planned_database *database,
                    enum share share, const struct target_listener *told, struct error *err)
{
    const struct restore_request *request = plan->request;
    const struct target_options options = {
        .database = name_now(database),
        .encoding = own_encoding(database),
        .role = request->role,
        .exit_on_error = restore_request_ends_on_failure(plan->request),
        .cancel = request->cancel,
        .log = request->log,
        .told = *told,
    };
    struct target_session *session = NULL;
    bool done = !has_share(database, share) ||
                (target_session_open(&session, request->settings, &options, err) &&
                 execute_own(database, session, share, err));

    target_session_close(session);
    return done;
}

bool restore_plan_make(struct restore_plan *plan, size_t number, const struct target_listener *told,
                       struct error *err)
{
    struct planned_database *database = plan->databases[number];
    struct wire_conn *conn = NULL;
    bool done;

    if (!is_made(database))
        return true;
    done = target_connect_any(&conn, plan->request, TARGET_BYTES, err) &&
           refuse_taken(database, conn, err) && note_owner(database, conn, err) &&
           create(plan, database, conn, err);
    wire_close(conn);
    return done && say_own(plan, database, OWN_FIRST, told, err);
}

/* ---- Its name ---- */

static bool fail_complete(const struct planned_database *database, struct error *err)
{
    char name[QUOTE_NAME_SIZE];

    error_prefix(err, "the restored database \"%s\" is complete, but cannot be called \"%s\"",
                 database->interim, database->name);
    quote_identifier(database->name, name, sizeof(name));
    return error_hint(err, "Give it its name: %s%s%sALTER DATABASE %s RENAME TO %s;",
                      database->action == RESTORE_REPLACE ? "DROP DATABASE " : "",
                      database->action == RESTORE_REPLACE ? name : "",
                      database->action == RESTORE_REPLACE ? "; " : "", database->interim, name);
}

static bool put_in_place(const struct restore_plan *plan, struct planned_database *database,
                         struct error *err)
{
    struct wire_conn *conn = NULL;
    bool done;

    if (database->interim[0] == '\0')
        return true;
    if (target_connect_any(&conn, plan->request, TARGET_BYTES, err))
        done = target_interim_put_in_place(conn, database->interim, database->name,
                                           database->action == RESTORE_REPLACE,
                                           plan->request->cancel, err);
    else if (err->code == ERROR_CANCELLED)
        return false;
    else
        done = fail_complete(database, err);
    wire_close(conn);
    database->interim[0] = '\0'; /* if not by its name, it stays by the other */
    return done;
}

static bool say_owner_later(const struct restore_plan *plan,
                            const struct planned_database *database,
                            const struct target_listener *told, struct error *err)
{
    return !database->owner_later || (say_own(plan, database, OWN_OWNER, told, err) &&
                                      say_own(plan, database, OWN_LAST, told, err));
}

bool restore_plan_say_last(struct restore_plan *plan, size_t number,
                           const struct target_listener *told, struct error *err)
{
    const struct planned_database *database = plan->databases[number];

    return !is_made(database) || database->owner_later ||
           say_own(plan, database, OWN_LAST, told, err);
}

bool restore_plan_finish(struct restore_plan *plan, size_t number,
                         const struct target_listener *told, struct error *err)
{
    struct planned_database *database = plan->databases[number];

    return !is_made(database) ||
           (put_in_place(plan, database, err) && say_owner_later(plan, database, told, err));
}

bool restore_plan_set_aside(struct restore_plan *plan, size_t number,
                            const struct target_listener *told, char *interim,
                            struct preflight_report *report, struct error *err)
{
    struct planned_database *database = plan->databases[number];
    struct wire_conn *conn = NULL;
    struct error ignored;

    if (!say_owner_later(plan, database, told, err))
        return false;
    target_connect_any(&conn, plan->request, TARGET_BYTES, &ignored);
    target_interim_tell_aside(conn, database->interim, database->name, report);
    wire_close(conn);
    memcpy(interim, database->interim, sizeof(database->interim));
    database->interim[0] = '\0'; /* it stays */
    return true;
}

/* ---- Or none ---- */

static void add_detail(struct error *err, const char *text)
{
    char before[sizeof(err->detail)];

    snprintf(before, sizeof(before), "%s", err->detail);
    error_detail(err, ERROR_OURS("%s") "%s%s", before, before[0] == '\0' ? "" : "  ", text);
}

static void add_drop(const struct planned_database *database, const struct error *why,
                     struct error *err)
{
    char before[sizeof(err->hint)];

    snprintf(before, sizeof(before), "%s", err->hint);
    error_hint(err,
               ERROR_OURS("%s") "%sWhat was restored so far, %s, could not be dropped (%s).  %s",
               before, before[0] == '\0' ? "" : "  ", database->interim, why->message, why->hint);
}

bool restore_plan_give_up(struct restore_plan *plan, size_t number, struct error *err)
{
    struct planned_database *database = plan->databases[number];
    struct error why;
    bool done;

    if (database->interim[0] == '\0')
        return false;
    done = target_database_discard(plan->request, database->interim, &why);
    if (!done)
        add_drop(database, &why, err);
    else if (database->action == RESTORE_REPLACE)
        add_detail(err, "What was restored is dropped; the database that was there is as it was.");
    else
        add_detail(err, "What was restored is dropped.");
    if (done)
        database->interim[0] = '\0';
    return done;
}
