/*
 * What is in a database already: objects that no extension owns, of any kind, large objects; and
 * what entries need of it. One query.
 */
#include "restore/restore_plan_internal.h"

#include "base/error_names.h"
#include "base/quote.h"
#include "restore/target_databases.h"

#include <stdio.h>
#include <stdlib.h>

/* Everything that is the system's own has an oid below. */
#define OF_USERS " >= 16384"

/* A catalog, its objects' names, a word for them, and what of it does not count. */
#define IN_SCHEMA(name, schema)                                                                    \
    "(SELECT s.nspname FROM pg_catalog.pg_namespace s WHERE s.oid = " schema ") || '.' || " name

static const struct {
    const char *what, *many, *catalog, *name, *condition;
} catalogs[] = {
    {"table", "tables", "pg_class", IN_SCHEMA("o.relname", "o.relnamespace"),
     "o.relkind IN ('r', 'p')"},
    {"view", "views", "pg_class", IN_SCHEMA("o.relname", "o.relnamespace"),
     "o.relkind IN ('v', 'm')"},
    {"foreign table", "foreign tables", "pg_class", IN_SCHEMA("o.relname", "o.relnamespace"),
     "o.relkind = 'f'"},
    {"sequence", "sequences", "pg_class", IN_SCHEMA("o.relname", "o.relnamespace"),
     "o.relkind = 'S'"},
    {"function", "functions", "pg_proc", IN_SCHEMA("o.proname", "o.pronamespace"), "true"},
    {"type", "types", "pg_type", IN_SCHEMA("o.typname", "o.typnamespace"),
     "o.typelem = 0 AND (o.typrelid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = "
     "o.typrelid AND c.relkind = 'c')) AND o.typtype <> 'm'"},
    {"schema", "schemas", "pg_namespace", "o.nspname",
     "o.nspname !~ '^pg_(toast_)?temp_' AND o.nspname <> 'public'"},
    {"operator", "operators", "pg_operator", IN_SCHEMA("o.oprname", "o.oprnamespace"), "true"},
    {"operator family", "operator families", "pg_opfamily",
     IN_SCHEMA("o.opfname", "o.opfnamespace"), "true"},
    {"operator class", "operator classes", "pg_opclass", IN_SCHEMA("o.opcname", "o.opcnamespace"),
     "true"},
    {"collation", "collations", "pg_collation", IN_SCHEMA("o.collname", "o.collnamespace"), "true"},
    {"conversion", "conversions", "pg_conversion", IN_SCHEMA("o.conname", "o.connamespace"),
     "true"},
    {"text search configuration", "text search configurations", "pg_ts_config",
     IN_SCHEMA("o.cfgname", "o.cfgnamespace"), "true"},
    {"text search dictionary", "text search dictionaries", "pg_ts_dict",
     IN_SCHEMA("o.dictname", "o.dictnamespace"), "true"},
    {"text search parser", "text search parsers", "pg_ts_parser",
     IN_SCHEMA("o.prsname", "o.prsnamespace"), "true"},
    {"text search template", "text search templates", "pg_ts_template",
     IN_SCHEMA("o.tmplname", "o.tmplnamespace"), "true"},
    {"transform", "transforms", "pg_transform", "pg_catalog.format_type(o.trftype, NULL)", "true"},
    {"cast", "casts", "pg_cast",
     "pg_catalog.format_type(o.castsource, NULL) || ' to ' || "
     "pg_catalog.format_type(o.casttarget, NULL)",
     "true"},
    {"language", "languages", "pg_language", "o.lanname", "true"},
    {"access method", "access methods", "pg_am", "o.amname", "true"},
    {"foreign-data wrapper", "foreign-data wrappers", "pg_foreign_data_wrapper", "o.fdwname",
     "true"},
    {"foreign server", "foreign servers", "pg_foreign_server", "o.srvname", "true"},
    {"event trigger", "event triggers", "pg_event_trigger", "o.evtname", "true"},
    {"publication", "publications", "pg_publication", "o.pubname", "true"},
    {"subscription", "subscriptions", "pg_subscription", "o.subname",
     "o.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
     "pg_catalog.current_database())"},
    {"large object", "large objects", "pg_largeobject_metadata", "o.oid::pg_catalog.text", "true"},
};

/* Subscriptions and large objects are always users'; of the former a role may read some columns
 * only, up to 13 not even the oid, and the latter have whatever oid they were given. */
static bool append_condition(struct buffer *sql, size_t number, struct error *err)
{
    if (strcmp(catalogs[number].catalog, "pg_subscription") == 0 ||
        strcmp(catalogs[number].catalog, "pg_largeobject_metadata") == 0)
        return buffer_append_string(sql, catalogs[number].condition, err);
    return buffer_append_string(sql, "o.oid" OF_USERS " AND ", err) &&
           buffer_append_string(sql, catalogs[number].condition, err) &&
           buffer_append_string(sql,
                                "\n           AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d\n"
                                "                WHERE d.classid = 'pg_catalog.",
                                err) &&
           buffer_append_string(sql, catalogs[number].catalog, err) &&
           buffer_append_string(
               sql, "'::pg_catalog.regclass AND d.objid = o.oid AND d.deptype = 'e')", err);
}

static bool append_catalog(struct buffer *sql, size_t number, struct error *err)
{
    return buffer_append_string(sql, number == 0 ? "" : "UNION ALL\n", err) &&
           buffer_printf(sql, err,
                         "SELECT %zu AS kind, pg_catalog.count(*) AS number,\n"
                         "       (pg_catalog.array_agg(x.name ORDER BY x.name COLLATE \"C\"))"
                         "[1:3] AS first\n"
                         "  FROM (SELECT (",
                         number) &&
           buffer_append_string(sql, catalogs[number].name, err) &&
           buffer_append_string(sql, ")::pg_catalog.text AS name\n          FROM pg_catalog.",
                                err) &&
           buffer_append_string(sql, catalogs[number].catalog, err) &&
           buffer_append_string(sql, " o\n         WHERE ", err) &&
           append_condition(sql, number, err) && buffer_append_string(sql, ") x\n", err);
}

static bool append_objects(struct buffer *sql, struct error *err)
{
    if (!buffer_append_string(sql, "WITH found AS (\n", err))
        return false;
    for (size_t i = 0; i < sizeof(catalogs) / sizeof(catalogs[0]); i++) {
        if (!append_catalog(sql, i, err))
            return false;
    }
    return buffer_append_string(
        sql,
        ")\nSELECT 'objects', kind::pg_catalog.text, number::pg_catalog.text,\n"
        "       pg_catalog.array_to_string(first, ', ')\n"
        "  FROM found WHERE number > 0\n"
        "UNION ALL\n"
        "SELECT 'may create', NULL, pg_catalog.has_database_privilege("
        "pg_catalog.current_database(), 'CREATE')::pg_catalog.text, NULL\n"
        "UNION ALL\n"
        "SELECT 'closed schema', s.nspname, NULL, NULL FROM pg_catalog.pg_namespace s\n"
        " WHERE s.nspname !~ '^pg_' AND s.nspname <> 'information_schema'\n"
        "   AND NOT pg_catalog.has_schema_privilege(s.oid, 'CREATE')\n"
        "UNION ALL\n"
        "SELECT 'schema', s.nspname, NULL, NULL FROM pg_catalog.pg_namespace s\n"
        "UNION ALL\n"
        "SELECT 'language', l.lanname, NULL, NULL FROM pg_catalog.pg_language l\n"
        "UNION ALL\n"
        "SELECT 'method', a.amname, NULL, NULL FROM pg_catalog.pg_am a WHERE a.amtype = 't'",
        err);
}

/* ---- What follows of it ---- */

enum { ABOUT, NAME, ONE, TWO };

static const char *text_of(const struct wire_result *rows, size_t row, size_t column)
{
    const char *value = wire_result_value(rows, row, column);

    return value == NULL ? "" : value;
}

static bool is_about(const struct wire_result *rows, size_t row, const char *about)
{
    return strcmp(text_of(rows, row, ABOUT), about) == 0;
}

/* "12 tables (public.a, public.b, …), 1 view (public.v)". */
static bool append_found(struct buffer *out, const struct wire_result *rows, size_t row,
                         struct error *err)
{
    size_t kind = strtoul(text_of(rows, row, NAME), NULL, 10);
    unsigned long number = strtoul(text_of(rows, row, ONE), NULL, 10);
    const char *what;

    if (kind >= sizeof(catalogs) / sizeof(catalogs[0]))
        return true;
    what = number == 1 ? catalogs[kind].what : catalogs[kind].many;
    return buffer_printf(out, err, "%s%lu %s (%s%s)", out->len == 0 ? "" : ", ", number, what,
                         text_of(rows, row, TWO), number > 3 ? ", …" : "");
}

static const char *objects_remedy(const struct restore_plan *plan,
                                  const struct planned_database *database)
{
    if (database->spared)
        return "The script's own DROP DATABASE is of another name, and is not done to this one.  "
               "Have it made anew: " OPTION_RECREATE ".  Beside them: " OPTION_INTO_EXISTING ".";
    if (plan->request->existing == RESTORE_RECREATE)
        return "It is not made anew: the script does not say how, or every server has it.  Beside "
               "them: " OPTION_INTO_EXISTING ".";
    return "Beside them: " OPTION_INTO_EXISTING ".  In place of those that the archive has, "
           "too: " OPTION_CLEAN ".  Drop the whole database first: " OPTION_RECREATE ".";
}

/* A database of a script's that is not made anew is as good as one that was not to be. */
static bool refuses_objects(const struct restore_plan *plan)
{
    return plan->request->existing == RESTORE_REFUSE_OBJECTS ||
           plan->request->existing == RESTORE_RECREATE;
}

static void judge_objects(struct restore_plan *plan, const struct planned_database *database,
                          const struct wire_result *rows)
{
    struct buffer found = {0};
    struct error ignored;
    bool done = true;

    for (size_t row = 0; done && row < wire_result_rows(rows); row++) {
        if (is_about(rows, row, "objects"))
            done = append_found(&found, rows, row, &ignored);
    }
    if (found.len > 0 && !database->kept && (refuses_objects(plan) || database->spared))
        preflight_add(plan->report, true, objects_remedy(plan, database),
                      "the database \"%s\" already holds objects: %s", database->name,
                      buffer_text(&found));
    buffer_free(&found);
}

static bool take_names(struct name_set *set, const char *about, const struct wire_result *rows,
                       struct error *err)
{
    for (size_t row = 0; row < wire_result_rows(rows); row++) {
        if (is_about(rows, row, about) && !name_set_add(set, text_of(rows, row, NAME), NULL, err))
            return false;
    }
    return set->beyond == 0;
}

static void judge_create(struct restore_plan *plan, const struct planned_database *database,
                         const struct wire_result *rows)
{
    char name[QUOTE_NAME_SIZE], role[QUOTE_NAME_SIZE], remedy[1024];

    for (size_t row = 0; row < wire_result_rows(rows); row++) {
        if (!is_about(rows, row, "may create") || text_of(rows, row, ONE)[0] == 't' ||
            (database->needs.made_schemas.count == 0 && database->needs.extensions.count == 0))
            continue;
        quote_identifier(database->name, name, sizeof(name));
        quote_identifier(plan->server.role == NULL ? "" : plan->server.role, role, sizeof(role));
        snprintf(remedy, sizeof(remedy), "GRANT CREATE ON DATABASE %s TO %s;", name, role);
        preflight_add(plan->report, restore_request_ends_on_failure(plan->request), remedy,
                      "the role %s may not create schemas and extensions in the database %s", role,
                      name);
    }
}

static bool is_always_there(const char *schema)
{
    return strcmp(schema, "public") == 0 || strcmp(schema, "pg_catalog") == 0 ||
           strcmp(schema, "information_schema") == 0;
}

/* In a database that is made there is no moment to make one. */
static void tell_schema(struct restore_plan *plan, const struct planned_database *database,
                        const struct name_set_item *schema)
{
    char name[QUOTE_NAME_SIZE], into[QUOTE_NAME_SIZE], remedy[1024];
    bool is_made = database->action != RESTORE_USE;

    quote_identifier(schema->name, name, sizeof(name));
    quote_identifier(database->name, into, sizeof(into));
    snprintf(remedy, sizeof(remedy), "%s%s%sCREATE SCHEMA %s;%s",
             is_made ? "Make the database yourself, the schema in it, and restore into that one: "
                       "CREATE DATABASE "
                     : "",
             is_made ? into : "", is_made ? ";  in it: " : "", name,
             is_made ? "  then without " OPTION_CREATE_DB " and " OPTION_RECREATE : "");
    preflight_add(plan->report, restore_request_ends_on_failure(plan->request), remedy,
                  "the schema %s is not there, and is not restored; %zu entries lie in it, the "
                  "first is %s",
                  name, schema->times, schema->first);
}

/* Schemas of what is wanted that neither the archive nor the database has: of a selection, which
 * leaves CREATE SCHEMA out. there NULL: the database is made. */
static void judge_schemas(struct restore_plan *plan, const struct planned_database *database,
                          const struct name_set *there)
{
    const struct name_set *schemas = &database->needs.schemas;

    for (size_t i = 0; i < schemas->count; i++) {
        const char *schema = schemas->items[i].name;

        if (!is_always_there(schema) && !name_set_has(&database->needs.made_schemas, schema) &&
            database->needs.extensions.count == 0 &&
            (there == NULL || !name_set_has(there, schema)))
            tell_schema(plan, database, &schemas->items[i]);
    }
}

void restore_plan_judge_new(struct restore_plan *plan, const struct planned_database *database)
{
    if (!database->of_script && plan->request->trial == NULL)
        judge_schemas(plan, database, NULL);
}

/* Up to 14 everybody may create in public, from 15 on its owner alone. */
static void judge_closed(struct restore_plan *plan, const struct planned_database *database,
                         const struct name_set *closed)
{
    const struct name_set *schemas = &database->needs.schemas;
    char name[QUOTE_NAME_SIZE], role[QUOTE_NAME_SIZE], remedy[1024];

    for (size_t i = 0; i < schemas->count; i++) {
        const char *schema = schemas->items[i].name;

        if (!name_set_has(closed, schema) || name_set_has(&database->needs.made_schemas, schema))
            continue;
        quote_identifier(schema, name, sizeof(name));
        quote_identifier(plan->server.role == NULL ? "" : plan->server.role, role, sizeof(role));
        snprintf(remedy, sizeof(remedy), "GRANT CREATE ON SCHEMA %s TO %s;", name, role);
        preflight_add(plan->report, restore_request_ends_on_failure(plan->request), remedy,
                      "the role %s may not create anything in the schema %s", role, name);
    }
}

static void judge_methods(struct restore_plan *plan, const struct planned_database *database,
                          const struct name_set *there)
{
    const struct name_set *methods = &database->needs.access_methods;

    for (size_t i = 0; i < methods->count; i++) {
        const char *method = methods->items[i].name;

        if (name_set_has(&database->needs.made_access_methods, method) ||
            database->needs.extensions.count > 0 || name_set_has(there, method))
            continue;
        preflight_add(
            plan->report, restore_request_ends_on_failure(plan->request),
            "Install what makes it, or use the usual one: " ERROR_OPTION("no-table-access-method"),
            "the table access method \"%s\" is not there; %zu tables use it, the first "
            "is %s",
            method, methods->items[i].times, methods->items[i].first);
    }
}

static void judge_languages(struct restore_plan *plan, const struct planned_database *database,
                            const struct name_set *there)
{
    const struct name_set *languages = &database->needs.languages;

    for (size_t i = 0; i < languages->count; i++) {
        const char *language = languages->items[i].name;

        if (name_set_has(&database->needs.made_languages, language) ||
            database->needs.extensions.count > 0 || name_set_has(there, language))
            continue;
        preflight_add(plan->report, restore_request_ends_on_failure(plan->request),
                      "Make it there first, which usually is: CREATE EXTENSION …;",
                      "the language \"%s\" is not there; %zu functions are written in it, the "
                      "first is %s",
                      language, languages->items[i].times, languages->items[i].first);
    }
}

/* Where there are too many to keep, nothing is missing as far as is known. */
static void judge_names(struct restore_plan *plan, const struct planned_database *database,
                        const struct wire_result *rows)
{
    static const struct {
        const char *about;
        void (*judge)(struct restore_plan *plan, const struct planned_database *database,
                      const struct name_set *there);
    } judges[] = {
        {"schema", judge_schemas},
        {"closed schema", judge_closed},
        {"method", judge_methods},
        {"language", judge_languages},
    };

    for (size_t i = 0; i < sizeof(judges) / sizeof(judges[0]); i++) {
        struct name_set there = {0};
        struct error ignored;

        if (take_names(&there, judges[i].about, rows, &ignored))
            judges[i].judge(plan, database, &there);
        name_set_reset(&there);
    }
}

bool restore_plan_ask_database(struct restore_plan *plan, struct planned_database *database,
                               struct error *err)
{
    struct wire_conn *conn = NULL;
    struct wire_result *rows = NULL;
    struct buffer sql = {0};
    bool done = target_connect(&conn, plan->request, database->name, database->encoding, err) &&
                append_objects(&sql, err) && wire_query(conn, buffer_text(&sql), &rows, err);

    if (done) {
        judge_objects(plan, database, rows);
        judge_create(plan, database, rows);
        judge_names(plan, database, rows);
        done = restore_plan_ask_dependents(plan, database, conn, err);
    }
    wire_result_free(rows);
    buffer_free(&sql);
    wire_close(conn);
    return done;
}
