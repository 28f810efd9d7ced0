/*
 * Where what a script says belongs. A plain script may make its database itself, and connect to it:
 * what comes before a \connect is done in the database that was named for it, but settings only
 * once there is something to do. Where one was named, and the script is of a single other one, it
 * is restored as the one that was named, as an archive is.
 */
#include "restore/script_restore_internal.h"

#include "base/error_names.h"
#include "base/quote.h"
#include "restore/database_recipe.h"
#include "restore/sql_words.h"
#include "restore/target_databases.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define LOOKED_AT ((size_t)64 * 1024) /* of a statement: what names a database is short */

/* ---- Before the first \connect ---- */

static bool begins_with(const struct sql_statement *statement, const char *text)
{
    size_t len = strlen(text);

    return statement->text.len > len &&
           strncasecmp((const char *)statement->text.data, text, len) == 0;
}

bool script_is_global(enum sql_kind kind)
{
    return kind >= SQL_KIND_CREATE_ROLE && kind <= SQL_KIND_DROP_TABLESPACE;
}

bool script_is_of_database(enum sql_kind kind)
{
    return kind == SQL_KIND_CREATE_DATABASE || kind == SQL_KIND_ALTER_DATABASE ||
           kind == SQL_KIND_DROP_DATABASE;
}

enum script_place script_place_of(const struct script_restore *restore,
                                  const struct sql_script *script,
                                  const struct sql_statement *statement)
{
    bool cluster = sql_script_origin(script) == SQL_SCRIPT_OF_CLUSTER;

    if (statement->kind == SQL_KIND_SET || begins_with(statement, "SELECT pg_catalog.set_config("))
        return SCRIPT_PRELUDE;
    /* What pg_dump -C --clean says before it drops a template. */
    if (!cluster && (script_is_of_database(statement->kind) ||
                     begins_with(statement, "UPDATE pg_catalog.pg_database ")))
        return SCRIPT_APART;
    return cluster || (restore->database == NULL && script_is_global(statement->kind))
               ? SCRIPT_GLOBALS
               : SCRIPT_PLAIN;
}

bool script_needs_database(const struct script_restore *restore, struct error *err)
{
    if (restore->database != NULL)
        return true;
    error_set(err, ERROR_USAGE, "the script does not say which database it is for");
    return error_hint(
        err, "Name it at the end of the target's address, or with " ERROR_OPTION("database") ".");
}

/* ---- Another name ---- */

bool script_rename(struct script_restore *restore, const char *database, struct error *err)
{
    restore->renamed = strdup(database);
    return restore->renamed != NULL ? true : error_set_memory(err);
}

void script_tell_several(struct script_restore *restore)
{
    if (restore->several_told || restore->database == NULL || restore->request->database != NULL ||
        target_database_is_fixed(restore->database))
        return;
    restore->several_told = true;
    preflight_add(&restore->told->preflight, false,
                  "Only some of them: " OPTION_DATABASES ".  To be safe from a mistake leave the "
                  "name out of the address.",
                  "the address names the database \"%s\", and the script is of several, each of "
                  "which goes into the one of its own name",
                  restore->database);
}

bool script_refuse_several(struct script_restore *restore, struct error *err)
{
    return restore->database == NULL || restore->request->database != NULL ||
           target_database_is_fixed(restore->database) ||
           target_database_refuse_several(restore->request, false, "the script is of several", err);
}

void script_tell_no_database(struct script_restore *restore)
{
    if (restore->request->create_db)
        preflight_add(&restore->told->preflight, false,
                      "It is made with what is restored into it, or by CREATE DATABASE.",
                      "the script is about no database, and " OPTION_CREATE_DB " makes none");
}

bool script_keeps_name(const struct script_restore *restore)
{
    return restore->database != NULL && restore->request->database == NULL &&
           target_database_is_fixed(restore->database);
}

void script_tell_own_name(struct script_restore *restore, const char *database)
{
    char remedy[QUOTE_NAME_SIZE + 64], name[QUOTE_NAME_SIZE];

    if (restore->several_told || strcmp(database, restore->database) == 0)
        return;
    restore->several_told = true;
    quote_identifier(database, name, sizeof(name));
    snprintf(remedy, sizeof(remedy), "Into that one: " OPTION_DATABASE " %s.", restore->database);
    preflight_add(&restore->told->preflight, false, remedy,
                  "the address names the database %s, which every server has, and the script goes "
                  "into the one of its own name, %s",
                  restore->database, name);
}

/* What comes first has gone into the one that is named, which now turns out to be another's. */
static bool refuse_second(const struct script_restore *restore, const char *database, uint64_t line,
                          struct error *err)
{
    char name[QUOTE_NAME_SIZE], first[QUOTE_NAME_SIZE], named[QUOTE_NAME_SIZE];

    quote_identifier(restore->database, named, sizeof(named));
    error_set(err, ERROR_USAGE,
              "line %" PRIu64 " of the script is about a second database, %s, while the first, %s, "
              "is being restored as %s",
              line, quote_identifier(database, name, sizeof(name)),
              quote_identifier(restore->renamed, first, sizeof(first)), named);
    return error_hint(err,
                      "Some of the first may be in %s.  Choose one by the name that it has in the "
                      "script: " OPTION_DATABASES ", with no name in the address; or give the "
                      "script as a file, which can be looked over before.",
                      named);
}

static bool refuse_other(const struct script_restore *restore, const char *database, uint64_t line,
                         struct error *err)
{
    char name[QUOTE_NAME_SIZE], named[QUOTE_NAME_SIZE];

    if (restore->renamed != NULL)
        return refuse_second(restore, database, line, err);
    error_set(err, ERROR_USAGE,
              "line %" PRIu64 " of the script is about the database %s, and the address names %s",
              line, quote_identifier(database, name, sizeof(name)),
              quote_identifier(restore->database, named, sizeof(named)));
    return error_hint(err, "Leave the name out of the address, and each database goes by its own "
                           "name; or give the script as a file, which can be looked over before.");
}

/* What is of several as far as is known, or chosen among. */
static bool goes_by_its_name(const struct script_restore *restore)
{
    return restore->looked || restore->database == NULL || restore->placed_plain ||
           script_keeps_name(restore) ||
           sql_script_origin(restore->script) == SQL_SCRIPT_OF_CLUSTER;
}

bool script_meet(struct script_restore *restore, const char *database, uint64_t line,
                 const char **here, struct error *err)
{
    bool of_one = sql_script_origin(restore->script) == SQL_SCRIPT_OF_DATABASE;

    *here = database;
    if (restore->renamed != NULL && strcmp(database, restore->renamed) == 0) {
        *here = restore->database;
        return true;
    }
    if (goes_by_its_name(restore)) {
        if (!restore->looked && of_one && !restore->placed_plain && script_keeps_name(restore))
            script_tell_own_name(restore, database);
        else if (!restore->looked && !restore->placed_plain)
            return script_refuse_several(restore, err);
        else if (!restore->looked)
            script_tell_several(restore);
        return true;
    }
    if (restore->renamed == NULL && strcmp(database, restore->database) == 0) {
        restore->own_met = true;
        return true;
    }
    if (restore->renamed == NULL && !restore->own_met && of_one) {
        *here = restore->database;
        return script_rename(restore, database, err);
    }
    return (restore->renamed == NULL && restore->request->database != NULL) ||
           refuse_other(restore, database, line, err);
}

static bool may_name_database(const struct sql_statement *statement)
{
    static const char *const beginnings[] = {"ALTER ", "COMMENT ", "GRANT ", "REVOKE ",
                                             "SECURITY "};

    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (begins_with(statement, beginnings[i]))
            return statement->text.len < LOOKED_AT;
    }
    return script_is_of_database(statement->kind);
}

/* An archive does nothing of that to a database that was there, either. */
static bool is_of_another(struct script_restore *restore, enum sql_kind kind, bool *passes,
                          struct error *err)
{
    struct script_name *database;

    if (kind == SQL_KIND_CREATE_DATABASE || kind == SQL_KIND_DROP_DATABASE)
        return true;
    database = script_find(restore, 'd', restore->database, err);
    if (database == NULL)
        return false;
    *passes = database->there && !database->made;
    restore->report.left_out += *passes;
    return true;
}

bool script_translate(struct script_restore *restore, const struct sql_statement *statement,
                      struct sql_statement *here, bool *passes, struct error *err)
{
    *passes = false;
    *here = *statement;
    if (restore->renamed == NULL || !may_name_database(statement))
        return true;
    buffer_clear(&restore->here);
    if (!database_text_append(&restore->here, statement->text, restore->renamed, restore->database,
                              err))
        return false;
    here->text = slice_make(buffer_text(&restore->here), restore->here.len);
    return (here->text.len == statement->text.len &&
            memcmp(here->text.data, statement->text.data, here->text.len) == 0) ||
           is_of_another(restore, statement->kind, passes, err);
}
