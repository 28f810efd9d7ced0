/*
 * Two passes through the script: the first holds no statement and keeps the databases that it
 * names, the second hands everything on. Statements are held there only if some are to be left out,
 * which their words say (script_rules.h).
 */
#include "restore/script_text.h"

#include "archive/sql_script.h"
#include "base/error_names.h"
#include "restore/script_rules.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct script_text {
    const struct restore_request *request;
    const struct archive_text_out *out;
    struct script_text_report report;
    struct sql_script *look, *script;
    bool passes; /* the rows at hand */
};

/* ---- What it cannot do ---- */

bool script_text_check(const struct restore_request *request, struct error *err)
{
    const struct {
        bool asked;
        const char *option, *hint;
    } none[] = {
        {request->databases.count > 0, OPTION_DATABASES, "A restore into a server can choose."},
        {request->exclude_databases.count > 0, OPTION_EXCLUDE_DATABASES,
         "A restore into a server can choose."},
        {request->create_db, OPTION_CREATE_DB, "A script says itself which databases it makes."},
        {request->existing == RESTORE_CLEAN, OPTION_CLEAN, "A script says itself what it drops."},
        {request->single_transaction, OPTION_SINGLE_TRANSACTION,
         "It is psql that makes one of it:  psql -1"},
        {request->role != NULL, ERROR_OPTION("role"), "A script is run as whoever logs in."},
    };

    if (!script_rules_check(request, err))
        return false;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        if (!none[i].asked)
            continue;
        error_set(err, ERROR_USAGE,
                  ERROR_OURS("%s") " has no meaning for an SQL script that is written as SQL",
                  none[i].option);
        return error_hint(err, ERROR_OURS("%s") " Leave the option out.", none[i].hint);
    }
    return true;
}

static bool leaves_out(const struct restore_request *request)
{
    return request->no_globals || request->no_owner || request->no_privileges ||
           request->no_comments || request->no_security_labels || request->no_publications ||
           request->no_subscriptions || request->no_policies || request->no_tablespaces ||
           request->no_table_access_method || request->no_statistics || request->row_security;
}

/* ---- Looking ---- */

static bool note_database(void *context, const char *database, uint64_t line, struct error *err)
{
    struct script_text *text = context;

    (void)line;
    (void)err;
    text->report.databases += strcmp(text->report.database, database) != 0;
    snprintf(text->report.database, sizeof(text->report.database), "%s", database);
    return true;
}

bool script_text_look(struct script_text *text, struct slice bytes, struct error *err)
{
    return sql_script_feed(text->look, bytes, err);
}

bool script_text_look_finish(struct script_text *text, struct error *err)
{
    return sql_script_finish(text->look, err);
}

/* ---- Writing ---- */

static bool put(void *context, struct slice bytes, struct error *err)
{
    struct script_text *text = context;

    text->report.bytes += bytes.len;
    return text->out->write(text->out->context, bytes, err);
}

static bool put_statement(void *context, const struct sql_statement *statement, struct error *err)
{
    struct script_text *text = context;

    text->passes = (text->request->no_globals && script_rules_is_global(statement)) ||
                   script_rules_leave_out(text->request, INT_MAX, statement);
    return text->passes || put(text, statement->text, err);
}

static bool put_rows(void *context, struct slice bytes, struct error *err)
{
    const struct script_text *text = context;

    return text->passes || put(context, bytes, err);
}

bool script_text_write(struct script_text *text, struct slice bytes, struct error *err)
{
    return sql_script_feed(text->script, bytes, err) &&
           (leaves_out(text->request) || put(text, bytes, err));
}

bool script_text_finish(struct script_text *text, struct error *err)
{
    return sql_script_finish(text->script, err);
}

const struct script_text_report *script_text_reported(const struct script_text *text)
{
    return &text->report;
}

/* ---- Both ---- */

struct script_text *script_text_new(const struct restore_request *request,
                                    const struct archive_text_out *out, struct error *err)
{
    struct script_text *text = calloc(1, sizeof(*text));
    const struct sql_script_handler looks = {.context = text, .connect = note_database};
    const struct sql_script_handler whole = {.context = text};
    const struct sql_script_handler parts = {
        .context = text, .statement = put_statement, .rows = put_rows, .passed = put};

    if (text == NULL) {
        error_set_memory(err);
        return NULL;
    }
    text->request = request;
    text->out = out;
    text->look = sql_script_new(&looks, err);
    if (text->look != NULL)
        text->script = sql_script_new(leaves_out(request) ? &parts : &whole, err);
    if (text->script != NULL)
        return text;
    script_text_free(text);
    return NULL;
}

void script_text_free(struct script_text *text)
{
    if (text == NULL)
        return;
    sql_script_free(text->look);
    sql_script_free(text->script);
    free(text);
}
