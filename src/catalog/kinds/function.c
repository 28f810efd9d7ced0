/*
 * Functions and procedures.
 *
 * A body that the server has parsed (BEGIN ATOMIC, RETURN) needs what it names, and that may be the
 * routine itself, or lead back to it. So it is a piece of the routine. Once it is taken off, the
 * routine comes first with a body that gives nulls, in a string, which names nothing; the whole
 * definition replaces that when all is there. Owner, privileges and comments stay.
 */
#include "catalog/kind.h"

#include "catalog/columns.h"

#include <stdlib.h>

static void write_routine(struct catalog *catalog, const struct catalog_object *object,
                          struct archive_entry *entry, struct sql *sql);
static void write_body(struct catalog *catalog, const struct catalog_object *object,
                       struct archive_entry *entry, struct sql *sql);

/* A routine and its body share the word, which is how pg_restore finds both by one name. */
#define ROUTINE(word)                                                                              \
    {                                                                                              \
        .desc = (word), .section = SECTION_PRE_DATA, .priority = PRIORITY_FUNCTION,                \
        .may_postpone = true, .write = write_routine                                               \
    }
#define BODY(word)                                                                                 \
    {                                                                                              \
        .desc = (word), .section = SECTION_PRE_DATA, .priority = PRIORITY_FUNCTION,                \
        .no_owner = true, .may_postpone = true, .piece_rank = 5, .write = write_body               \
    }

static const struct catalog_kind kind_function = ROUTINE("FUNCTION");
static const struct catalog_kind kind_procedure = ROUTINE("PROCEDURE");
static const struct catalog_kind kind_function_body = BODY("FUNCTION");
static const struct catalog_kind kind_procedure_body = BODY("PROCEDURE");

struct routine {
    struct text_ref head; /* from the word to the attributes */
    struct text_ref body;
    struct catalog_object *piece; /* the body's; NULL: it has none, and the rest is unset */
    struct text_ref bare_head;    /* the same, nulls for defaults that call functions */
    struct text_ref stand_in;     /* a body */
    const char *own_needs;        /* oids of what it needs without its body */
    bool needs_itself;
};

enum {
    OID,
    SCHEMA,
    NAME,
    OWNER,
    KIND,
    IDENTITY_ARGUMENTS,
    ARGUMENT_TYPES,
    ARGUMENTS,
    RESULT,
    LANGUAGE,
    TRANSFORMS,
    ATTRIBUTES,
    SETTINGS, /* one a line */
    SOURCE,
    OBJECT_FILE,
    SQL_BODY,
    STAND_IN,
    OWN_NEEDS,
    NEEDS_ITSELF,
    BARE_ARGUMENTS, /* defaults are nulls; NULL: they call no functions, and may stay */
    ACL,
    ACL_USUAL,
    COLUMNS
};

static const struct version_difference differences[] = {
    {"prosqlbody", 0, "NULL"},
    {"prosqlbody", 14, "pg_catalog.pg_get_function_sqlbody(p.oid)"},
    /* A body that a routine has until what its own needs is there: nulls of its result's columns.
     * With a LIMIT, or the server would put in the nulls for a call: "constant expression as
     * partition key". */
    {"stand_in_body", 0, "NULL"},
    {"stand_in_body", 14,
     "CASE WHEN p.prosqlbody IS NOT NULL THEN 'SELECT ' ||\n"
     "CASE WHEN p.prorettype = 'pg_catalog.void'::pg_catalog.regtype THEN ''\n"
     "     WHEN p.prorettype <> 'pg_catalog.record'::pg_catalog.regtype\n"
     "     THEN 'NULL::' || pg_catalog.format_type(p.prorettype, NULL)\n"
     "     ELSE coalesce((SELECT pg_catalog.string_agg("
     "                             'NULL::' || pg_catalog.format_type(x.type, NULL), ', '\n"
     "                             ORDER BY x.number)\n"
     "                      FROM ROWS FROM (pg_catalog.unnest(p.proallargtypes),\n"
     "                                      pg_catalog.unnest(p.proargmodes))\n"
     "                           WITH ORDINALITY x (type, mode, number)\n"
     "                     WHERE x.mode IN ('o', 'b', 't')), 'NULL') END || ' LIMIT 1' END"},
    /* Whether defaults of arguments call functions that are not the system's */
    {"defaults_call", 0,
     "coalesce(p.proargdefaults::pg_catalog.text ~ ':funcid "
     "([0-9]{6,}|[2-9][0-9]{4}|1[2-9][0-9]{3}) '"
     ", false)"},
    {"body_needs_itself", 0, "false"},
    {"body_needs_itself", 14, "p.prosqlbody::pg_catalog.text ~ (':funcid ' || p.oid || ' ')"},
    {0},
};

/* Usual attributes are left out. */
static const char attributes[] =
    "pg_catalog.concat(\n"
    "         CASE WHEN p.prokind = 'w' THEN ' WINDOW' END,\n"
    "         CASE p.provolatile WHEN 'i' THEN ' IMMUTABLE' WHEN 's' THEN ' STABLE' END,\n"
    "         CASE WHEN p.proisstrict THEN ' STRICT' END,\n"
    "         CASE WHEN p.prosecdef THEN ' SECURITY DEFINER' END,\n"
    "         CASE WHEN p.proleakproof THEN ' LEAKPROOF' END,\n"
    "         CASE WHEN p.prokind <> 'p' AND p.procost <>\n"
    "                   CASE WHEN l.lanname IN ('internal', 'c') THEN 1 ELSE 100 END\n"
    "              THEN ' COST ' || p.procost END,\n"
    "         CASE WHEN p.proretset AND p.prorows NOT IN (0, 1000)\n"
    "              THEN ' ROWS ' || p.prorows END,\n"
    "         ' SUPPORT ' || NULLIF(p.prosupport, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         CASE p.proparallel WHEN 's' THEN ' PARALLEL SAFE'\n"
    "              WHEN 'r' THEN ' PARALLEL RESTRICTED' END)";

static const char own_needs[] =
    "pg_catalog.concat_ws(' ', p.prorettype, p.proargtypes,\n"
    "         pg_catalog.array_to_string(p.proallargtypes, ' '),\n"
    "         pg_catalog.array_to_string(p.protrftypes, ' '), p.prosupport::pg_catalog.oid,\n"
    "         (SELECT pg_catalog.string_agg(m[1], ' ')\n"
    "            FROM pg_catalog.regexp_matches(p.proargdefaults::pg_catalog.text,\n"
    "                                           ':[a-z]+ ([0-9]+)', 'g') m\n"
    "           WHERE NOT {defaults_call}))";

static const char bare_arguments[] =
    "CASE WHEN {defaults_call} THEN\n"
    "         (SELECT pg_catalog.string_agg(\n"
    "                   pg_catalog.concat_ws(' ',\n"
    "                     CASE y.mode WHEN 'o' THEN 'OUT' WHEN 'b' THEN 'INOUT'\n"
    "                                 WHEN 'v' THEN 'VARIADIC' END,\n"
    "                     pg_catalog.quote_ident(NULLIF(y.name, '')),\n"
    "                     pg_catalog.format_type(y.type, NULL),\n"
    "                     CASE WHEN y.mode <> 'o'\n"
    "                           AND y.inputs > p.pronargs - p.pronargdefaults\n"
    "                          THEN 'DEFAULT NULL' END), ', ' ORDER BY y.number)\n"
    "            FROM (SELECT x.type, coalesce(x.mode, 'i') AS mode, x.name, x.number,\n"
    "                         pg_catalog.count(*) FILTER (WHERE coalesce(x.mode, 'i') <> 'o')\n"
    "                           OVER (ORDER BY x.number) AS inputs\n"
    "                    FROM ROWS FROM (pg_catalog.unnest(coalesce(p.proallargtypes,\n"
    "                                      p.proargtypes::pg_catalog.oid[])),\n"
    "                                    pg_catalog.unnest(p.proargmodes),\n"
    "                                    pg_catalog.unnest(p.proargnames))\n"
    "                         WITH ORDINALITY x (type, mode, name, number)) y\n"
    "           WHERE y.mode <> 't' AND y.type IS NOT NULL) END";

static const char *const columns[] = {
    [OID] = "p.oid",
    [SCHEMA] = "n.nspname",
    [NAME] = "p.proname",
    [OWNER] = COLUMN_ROLE("p.proowner"),
    [KIND] = "p.prokind",
    [IDENTITY_ARGUMENTS] = "pg_catalog.pg_get_function_identity_arguments(p.oid)",
    [ARGUMENT_TYPES] = COLUMN_ARGUMENT_TYPES,
    [ARGUMENTS] = "pg_catalog.pg_get_function_arguments(p.oid)",
    [RESULT] = "pg_catalog.pg_get_function_result(p.oid)",
    [LANGUAGE] = "pg_catalog.quote_ident(l.lanname)",
    [TRANSFORMS] =
        "(SELECT pg_catalog.string_agg('FOR TYPE ' || pg_catalog.format_type(x.t, NULL),\n"
        "                                     ', ' ORDER BY x.number)\n"
        "          FROM pg_catalog.unnest(p.protrftypes) WITH ORDINALITY x (t, number))",
    [ATTRIBUTES] = attributes,
    [SETTINGS] = "(SELECT pg_catalog.string_agg(s || E'\\x1e', '')\n"
                 "          FROM pg_catalog.unnest(p.proconfig) s)",
    [SOURCE] = "p.prosrc",
    [OBJECT_FILE] = "p.probin",
    [SQL_BODY] = "{prosqlbody}",
    [STAND_IN] = "{stand_in_body}",
    [OWN_NEEDS] = own_needs,
    [NEEDS_ITSELF] = "{body_needs_itself} OR\n"
                     "       p.proargdefaults::pg_catalog.text ~ (':funcid ' || p.oid || ' ')",
    [BARE_ARGUMENTS] = bare_arguments,
    [ACL] = "p.proacl",
    [ACL_USUAL] = COLUMN_ACL_USUAL("f", "p.proowner"),
};

/* The functions that a range type makes for itself hang on it (deptype 'i'). */
static const char from[] =
    "FROM pg_catalog.pg_proc p\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace\n"
    "JOIN pg_catalog.pg_language l ON l.oid = p.prolang\n"
    "WHERE p.prokind IN ('f', 'p', 'w') AND " IN_USERS_SCHEMA "\n"
    "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d\n"
    "                   WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass\n"
    "                     AND d.objid = p.oid AND d.deptype = 'i')\n"
    "ORDER BY n.nspname, p.proname, p.oid";

/* ---- Writing ---- */

/* A record separator ends each: a value may hold line feeds. */
static void add_settings(struct sql *sql, const char *settings)
{
    struct slice left = settings == NULL ? (struct slice){0} : slice_string(settings);

    while (left.len > 0 && !sql->failed) {
        const uint8_t *end = memchr(left.data, '\x1e', left.len);
        struct sql one = {.err = sql->err};

        if (end == NULL) {
            error_set(sql->err, ERROR_PROTOCOL, "a function's settings have no end");
            sql_fail(sql);
            return;
        }
        sql_add_bytes(&one, (const char *)left.data, (size_t)(end - left.data));
        sql_add(sql, "\n    SET ");
        if (!one.failed)
            sql_setting(sql, sql_text(&one));
        if (!sql_end(&one))
            sql_fail(sql);
        slice_take(&left, (size_t)(end - left.data) + 1);
    }
}

static void add_body(struct sql *sql, const struct catalog_row *row)
{
    const char *source = row_text_or_null(row, SOURCE);

    if (row_text_or_null(row, SQL_BODY) != NULL) {
        sql_clause(sql, "\n    ", row_text_or_null(row, SQL_BODY), "");
        return;
    }
    sql_add(sql, "\n    AS ");
    if (row_text_or_null(row, OBJECT_FILE) != NULL) {
        sql_literal(sql, row_text_or_null(row, OBJECT_FILE));
        sql_add(sql, ", ");
        sql_literal(sql, source == NULL ? "" : source);
    } else {
        sql_dollar_quoted(sql, source == NULL ? "" : source);
    }
}

/* From the name to the attributes. */
static bool put_head(struct catalog *catalog, const struct catalog_object *object,
                     const struct catalog_row *row, const char *arguments, struct text_ref *head,
                     struct error *err)
{
    struct sql sql = {.err = err};

    sql_printf(&sql, "%s ", object->kind->desc);
    sql_qualified(&sql, object->schema, object->name);
    sql_clause(&sql, "(", arguments, ")");
    sql_clause(&sql, " RETURNS ", row_text_or_null(row, RESULT), "");
    sql_clause(&sql, "\n    LANGUAGE ", row_text(row, LANGUAGE), "");
    sql_clause(&sql, " TRANSFORM ", row_text_or_null(row, TRANSFORMS), "");
    sql_add(&sql, row_text(row, ATTRIBUTES));
    add_settings(&sql, row_text_or_null(row, SETTINGS));
    return sql_put(&sql, catalog, head);
}

static bool put_body(struct catalog *catalog, struct text_ref *body, const struct catalog_row *row,
                     struct error *err)
{
    struct sql sql = {.err = err};

    add_body(&sql, row);
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, body);
}

/* ---- A routine in two steps ---- */

static void write_routine(struct catalog *catalog, const struct catalog_object *object,
                          struct archive_entry *entry, struct sql *sql)
{
    const struct routine *routine = object->detail;
    bool whole = routine->piece == NULL || routine->piece->host != NULL;

    (void)entry;
    sql_add(sql, "CREATE ");
    sql_stored(sql, catalog, whole ? routine->head : routine->bare_head);
    sql_stored(sql, catalog, whole ? routine->body : routine->stand_in);
}

struct needs_of_body {
    const struct catalog_object *routine;
    bool others;
};

static bool look_at_need(void *context, struct catalog_object *needed, struct error *err)
{
    struct needs_of_body *needs = context;

    (void)err;
    needs->others = needs->others || needed != needs->routine;
    return true;
}

/* For pg_restore --clean: what the body needs can be dropped once the stand-in is back. What is not
 * there is no failure, with --if-exists or without. pg_restore wants to find the words DROP
 * FUNCTION to put IF EXISTS behind them. */
static const char *put_back_stand_in(struct catalog *catalog, const struct catalog_object *object,
                                     const struct routine *routine, struct error *err)
{
    struct sql inner = {.err = err}, sql = {.err = err};

    sql_printf(&inner,
               "\n-- before DROP %s: the body that needs others goes\n"
               "BEGIN\nCREATE OR REPLACE ",
               object->kind->desc);
    sql_stored(&inner, catalog, routine->bare_head);
    sql_stored(&inner, catalog, routine->stand_in);
    sql_add(&inner, "EXCEPTION WHEN OTHERS THEN NULL;\nEND\n");
    sql_add(&sql, "DO ");
    sql_dollar_quoted(&sql, sql_text(&inner));
    sql_add(&sql, ";\n");
    if (!sql_end(&inner))
        sql_fail(&sql);
    return sql_copy(&sql, catalog_arena(catalog));
}

static void write_body(struct catalog *catalog, const struct catalog_object *object,
                       struct archive_entry *entry, struct sql *sql)
{
    const struct catalog_object *host = object->detail;
    const struct routine *routine = host->detail;
    struct needs_of_body needs = {.routine = host};

    entry->drop = "";
    if (!catalog_visit_needs(catalog, object, look_at_need, &needs, sql->err))
        sql_fail(sql);
    if (needs.others && !sql->failed) {
        entry->drop = put_back_stand_in(catalog, object, routine, sql->err);
        if (entry->drop == NULL)
            sql_fail(sql);
    }
    sql_add(sql, "CREATE OR REPLACE ");
    sql_stored(sql, catalog, routine->head);
    sql_stored(sql, catalog, routine->body);
}

/* ---- Reading ---- */

static bool put_stand_in(struct catalog *catalog, struct routine *routine, const char *stand_in,
                         struct error *err)
{
    struct sql sql = {.err = err};

    routine->stand_in = routine->body;
    if (stand_in == NULL)
        return true;
    sql_add(&sql, "\n    AS ");
    sql_dollar_quoted(&sql, stand_in);
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &routine->stand_in);
}

static bool make_body(struct catalog *catalog, struct catalog_object *object,
                      struct routine *routine, const struct catalog_row *row, struct error *err)
{
    bool bare = row_text_or_null(row, BARE_ARGUMENTS) != NULL;
    const char *arguments = row_text(row, bare ? BARE_ARGUMENTS : ARGUMENTS);
    struct catalog_object *piece = catalog_add(
        catalog, object->kind == &kind_procedure ? &kind_procedure_body : &kind_function_body, 0, 0,
        object->schema, object->name, NULL, err);

    if (piece == NULL || !put_head(catalog, object, row, arguments, &routine->bare_head, err))
        return false;
    piece->tag = object->tag;
    piece->identity = object->identity;
    piece->plain_identity = object->plain_identity;
    piece->detail = object;
    catalog_make_piece(piece, object);
    routine->piece = piece;
    routine->needs_itself = row_flag(row, NEEDS_ITSELF);
    routine->own_needs = arena_copy(catalog_arena(catalog), row_text(row, OWN_NEEDS), err);
    return routine->own_needs != NULL &&
           put_stand_in(catalog, routine, row_text_or_null(row, STAND_IN), err) &&
           catalog_depend(catalog, piece, object, err);
}

static bool put_routine(struct catalog *catalog, struct catalog_object *object,
                        const struct catalog_row *row, struct error *err)
{
    struct routine *routine = arena_take(catalog_arena(catalog), sizeof(*routine), err);

    if (routine == NULL)
        return false;
    object->detail = routine;
    return put_head(catalog, object, row, row_text(row, ARGUMENTS), &routine->head, err) &&
           put_body(catalog, &routine->body, row, err) &&
           ((row_text_or_null(row, SQL_BODY) == NULL &&
             row_text_or_null(row, BARE_ARGUMENTS) == NULL) ||
            make_body(catalog, object, routine, row, err));
}

/* Which needs are the routine's without its body: its schema, and those that its arguments, result
 * and so on name. */
static bool is_own_need(const struct catalog *catalog, const char *oids,
                        const struct catalog_object *needed)
{
    static const uint32_t classes[] = {CLASS_TYPE, CLASS_PROCEDURE, CLASS_RELATION};
    const char *at = oids;

    if (needed->class_oid == CLASS_SCHEMA)
        return true;
    while (*at != '\0') {
        char *end;
        uint32_t oid = (uint32_t)strtoul(at, &end, 10);

        for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
            if (catalog_find(catalog, classes[i], oid) == needed)
                return true;
        }
        if (end == at)
            break;
        at = end;
    }
    return false;
}

static bool is_need_of_body(const struct catalog *catalog, const struct catalog_object *object,
                            const struct catalog_object *needed)
{
    const struct routine *routine = object->detail;

    return !is_own_need(catalog, routine->own_needs, needed);
}

/* pg_depend knows the routine only. */
static bool link_bodies(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog);

    for (size_t i = 0; i < count; i++) {
        struct catalog_object *object = catalog_object_at(catalog, i);
        struct routine *routine = object->detail;

        if ((object->kind != &kind_function && object->kind != &kind_procedure) ||
            routine->piece == NULL)
            continue;
        if (!catalog_pass_needs(catalog, object, routine->piece, is_need_of_body, err))
            return false;
        if (routine->needs_itself)
            catalog_take_off(routine->piece);
    }
    return true;
}

static bool take_function(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    bool procedure = row_char(row, KIND) == 'p';
    struct privileges privileges = {
        .acl = row_text_or_null(row, ACL),
        .usual = row_text_or_null(row, ACL_USUAL),
        .on = procedure ? "PROCEDURE" : "FUNCTION",
        .type = 'f',
    };
    struct catalog_object *object;

    (void)context;
    if (catalog_find(catalog, CLASS_PROCEDURE, row_oid(row, OID)) != NULL)
        return true;
    object = catalog_add(catalog, procedure ? &kind_procedure : &kind_function, CLASS_PROCEDURE,
                         row_oid(row, OID), row_text(row, SCHEMA), row_text(row, NAME),
                         row_text(row, OWNER), err);
    return object != NULL &&
           catalog_set_routine_identity(catalog, object, row_text(row, IDENTITY_ARGUMENTS),
                                        row_text(row, ARGUMENT_TYPES), err) &&
           privileges_add(catalog, object, &privileges, err) &&
           put_routine(catalog, object, row, err);
}

static const struct catalog_query functions = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_function,
    .differences = differences,
};

/* ---- Constructors of ranges ---- */

enum { CONSTRUCTOR, RANGE, CONSTRUCTOR_COLUMNS };

static const char *const constructor_columns[] = {
    [CONSTRUCTOR] = "d.objid",
    [RANGE] = "d.refobjid",
};

static const char constructor_from[] =
    "FROM pg_catalog.pg_depend d\n"
    "WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype = 'i'\n"
    "  AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass";

/* What needs a range's constructor needs the range. */
static bool take_constructor(struct catalog *catalog, void *context, const struct catalog_row *row,
                             struct error *err)
{
    struct catalog_object *type = catalog_find(catalog, CLASS_TYPE, row_oid(row, RANGE));
    uint32_t function = row_oid(row, CONSTRUCTOR);

    (void)context;
    return type == NULL || catalog_find(catalog, CLASS_PROCEDURE, function) != NULL ||
           catalog_alias(catalog, CLASS_PROCEDURE, function, type, err);
}

static const struct catalog_query constructors = {
    .columns = constructor_columns,
    .count = CONSTRUCTOR_COLUMNS,
    .from = constructor_from,
    .take = take_constructor,
};

static bool read_constructors(struct catalog *catalog, struct error *err)
{
    return catalog_ask(catalog, &constructors, NULL, err);
}

const struct catalog_step catalog_step_function = {
    .what = "functions",
    .order = READ_FUNCTIONS,
    .query = &functions,
    .read = read_constructors,
    .link = link_bodies,
};
