/*
 * Functions and procedures.
 *
 * A body that the server has parsed (BEGIN ATOMIC, RETURN) needs what it names, and that may be the
 * routine itself, or lead back to it. So it is a piece of the routine. Once it is taken off, the
 * routine comes first with a body that gives nulls, in a string, which names nothing; the whole
 * definition replaces that when all is there. Owner, privileges and comments stay.
 */
#include "catalog/kind.h"

#include <stdlib.h>

static bool routine_write(struct catalog *catalog, const struct catalog_object *object,
                          struct archive_entry *entry, struct buffer *text, struct error *err);
static bool body_write(struct catalog *catalog, const struct catalog_object *object,
                       struct archive_entry *entry, struct buffer *text, struct error *err);

/* A routine and its body share the word, which is how pg_restore finds both by one name. */
#define ROUTINE(word)                                                                              \
    {                                                                                              \
        .desc = word, .section = SECTION_PRE_DATA, .priority = PRIORITY_FUNCTION,                  \
        .may_postpone = true, .write = routine_write                                               \
    }
#define BODY(word)                                                                                 \
    {                                                                                              \
        .desc = word, .section = SECTION_PRE_DATA, .priority = PRIORITY_FUNCTION,                  \
        .no_owner = true, .may_postpone = true, .piece_rank = 5, .write = body_write               \
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

static bool append_settings(struct buffer *sql, const char *settings, struct error *err)
{
    struct slice left = settings == NULL ? (struct slice){0} : slice_string(settings);
    bool done = true;

    while (done && left.len > 0) {
        const uint8_t *end = memchr(left.data, '\x1e', left.len);
        struct buffer one = {0};

        /* A record separator ends each: a value may hold line feeds. */
        done = end != NULL;
        if (!done)
            return error_set(err, ERROR_PROTOCOL, "a function's settings have no end");
        done = buffer_append(&one, left.data, (size_t)(end - left.data), err) &&
               buffer_append_string(sql, "\n    SET ", err) &&
               setting_append(sql, buffer_text(&one), err);
        slice_take(&left, (size_t)(end - left.data) + 1);
        buffer_free(&one);
    }
    return done;
}

static bool append_body(struct buffer *sql, const struct catalog_row *row, struct error *err)
{
    const char *source = row_text_or_null(row, SOURCE);

    if (row_text_or_null(row, SQL_BODY) != NULL)
        return buffer_append_string(sql, "\n    ", err) &&
               buffer_append_string(sql, row_text_or_null(row, SQL_BODY), err);
    if (!buffer_append_string(sql, "\n    AS ", err))
        return false;
    if (row_text_or_null(row, OBJECT_FILE) != NULL)
        return literal_append(sql, row_text_or_null(row, OBJECT_FILE), err) &&
               buffer_append_string(sql, ", ", err) && literal_append(sql, source, err);
    return dollar_quote_append(sql, source == NULL ? "" : source, err);
}

/* From the name to the attributes. */
static bool put_head(struct catalog *catalog, const struct catalog_object *object,
                     const struct catalog_row *row, const char *arguments, struct text_ref *head,
                     struct error *err)
{
    struct buffer sql = {0};
    const char *result = row_text_or_null(row, RESULT);
    const char *transforms = row_text_or_null(row, TRANSFORMS);
    bool done = buffer_printf(&sql, err, "%s ", object->kind->desc) &&
                name_append_qualified(&sql, object->schema, object->name, err) &&
                buffer_append_byte(&sql, '(', err) && buffer_append_string(&sql, arguments, err) &&
                buffer_append_byte(&sql, ')', err) &&
                (result == NULL || (buffer_append_string(&sql, " RETURNS ", err) &&
                                    buffer_append_string(&sql, result, err))) &&
                buffer_printf(&sql, err, "\n    LANGUAGE %s", row_text(row, LANGUAGE)) &&
                (transforms == NULL || buffer_printf(&sql, err, " TRANSFORM %s", transforms)) &&
                buffer_append_string(&sql, row_text(row, ATTRIBUTES), err) &&
                append_settings(&sql, row_text_or_null(row, SETTINGS), err) &&
                catalog_put_text(catalog, buffer_text(&sql), head, err);

    buffer_free(&sql);
    return done;
}

static bool put_body(struct catalog *catalog, struct text_ref *body, const struct catalog_row *row,
                     struct error *err)
{
    struct buffer sql = {0};
    bool done = append_body(&sql, row, err) && buffer_append_string(&sql, ";\n", err) &&
                catalog_put_text(catalog, buffer_text(&sql), body, err);

    buffer_free(&sql);
    return done;
}

/* ---- A routine in two steps ---- */

static bool append_text(struct catalog *catalog, struct buffer *text, struct text_ref ref,
                        struct error *err)
{
    const char *stored;

    return catalog_get_text(catalog, ref, &stored, err) && buffer_append_string(text, stored, err);
}

static bool routine_write(struct catalog *catalog, const struct catalog_object *object,
                          struct archive_entry *entry, struct buffer *text, struct error *err)
{
    const struct routine *routine = object->detail;
    bool whole = routine->piece == NULL || routine->piece->host != NULL;

    (void)entry;
    return buffer_append_string(text, "CREATE ", err) &&
           append_text(catalog, text, whole ? routine->head : routine->bare_head, err) &&
           append_text(catalog, text, whole ? routine->body : routine->stand_in, err);
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
static bool put_back_stand_in(struct catalog *catalog, const struct catalog_object *object,
                              const struct routine *routine, const char **drop, struct error *err)
{
    struct buffer inner = {0}, sql = {0};
    bool done = buffer_printf(&inner, err,
                              "\n-- before DROP %s: the body that needs others goes\n"
                              "BEGIN\nCREATE OR REPLACE ",
                              object->kind->desc) &&
                append_text(catalog, &inner, routine->bare_head, err) &&
                append_text(catalog, &inner, routine->stand_in, err) &&
                buffer_append_string(&inner, "EXCEPTION WHEN OTHERS THEN NULL;\nEND\n", err) &&
                buffer_append_string(&sql, "DO ", err) &&
                dollar_quote_append(&sql, buffer_text(&inner), err) &&
                buffer_append_string(&sql, ";\n", err);

    if (done)
        *drop = arena_copy_slice(catalog_arena(catalog), buffer_slice(&sql), err);
    buffer_free(&inner);
    buffer_free(&sql);
    return done && *drop != NULL;
}

static bool body_write(struct catalog *catalog, const struct catalog_object *object,
                       struct archive_entry *entry, struct buffer *text, struct error *err)
{
    const struct catalog_object *host = object->detail;
    const struct routine *routine = host->detail;
    struct needs_of_body needs = {.routine = host};

    entry->drop = "";
    return catalog_visit_needs(catalog, object, look_at_need, &needs, err) &&
           (!needs.others || put_back_stand_in(catalog, object, routine, &entry->drop, err)) &&
           buffer_append_string(text, "CREATE OR REPLACE ", err) &&
           append_text(catalog, text, routine->head, err) &&
           append_text(catalog, text, routine->body, err);
}

static bool add_body(struct catalog *catalog, struct catalog_object *object,
                     struct routine *routine, const struct catalog_row *row, struct error *err)
{
    const char *stand_in = row_text_or_null(row, STAND_IN);
    bool bare = row_text_or_null(row, BARE_ARGUMENTS) != NULL;
    const char *arguments = row_text(row, bare ? BARE_ARGUMENTS : ARGUMENTS);
    struct catalog_object *piece;
    struct buffer sql = {0};
    bool done;

    piece = catalog_add(
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
    routine->stand_in = routine->body;
    done = routine->own_needs != NULL;
    if (done && stand_in != NULL)
        done = buffer_append_string(&sql, "\n    AS ", err) &&
               dollar_quote_append(&sql, stand_in, err) && buffer_append_string(&sql, ";\n", err) &&
               catalog_put_text(catalog, buffer_text(&sql), &routine->stand_in, err);
    buffer_free(&sql);
    return done && catalog_depend(catalog, piece, object, err);
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
            add_body(catalog, object, routine, row, err));
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

/* f(a integer) is how DROP, COMMENT and GRANT name it, f(integer) how an archive does. */
bool function_name(struct catalog *catalog, struct catalog_object *object,
                   const char *identity_arguments, const char *types, struct error *err)
{
    struct buffer text = {0}, tag = {0};
    bool done = name_append(&text, object->name, err) && buffer_append_byte(&text, '(', err) &&
                buffer_append_string(&text, identity_arguments, err) &&
                buffer_append_byte(&text, ')', err) &&
                catalog_set_identity(catalog, object, buffer_text(&text), err) &&
                buffer_append_string(&tag, object->name, err) &&
                buffer_append_byte(&tag, '(', err) && buffer_append_string(&tag, types, err) &&
                buffer_append_byte(&tag, ')', err);

    if (done)
        object->tag = arena_copy_slice(catalog_arena(catalog), buffer_slice(&tag), err);
    buffer_free(&text);
    buffer_free(&tag);
    return done && object->tag != NULL;
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
           function_name(catalog, object, row_text(row, IDENTITY_ARGUMENTS),
                         row_text(row, ARGUMENT_TYPES), err) &&
           privileges_add(catalog, object, &privileges, err) &&
           put_routine(catalog, object, row, err);
}

/* What needs a range's constructor needs the range. */
static bool take_constructor(struct catalog *catalog, void *context, const struct catalog_row *row,
                             struct error *err)
{
    struct catalog_object *type = catalog_find(catalog, CLASS_TYPE, row_oid(row, 1));

    (void)context;
    return type == NULL || catalog_find(catalog, CLASS_PROCEDURE, row_oid(row, 0)) != NULL ||
           catalog_alias(catalog, CLASS_PROCEDURE, row_oid(row, 0), type, err);
}

/* The functions that a range type makes for itself hang on it (deptype 'i'). Usual attributes are
 * left out. */
static const char functions_query[] =
    "SELECT p.oid, n.nspname, p.proname, pg_catalog.pg_get_userbyid(p.proowner), p.prokind, "
    "       pg_catalog.pg_get_function_identity_arguments(p.oid), "
    "       coalesce((SELECT pg_catalog.string_agg(pg_catalog.format_type(a.type, NULL), ', ' "
    "                                              ORDER BY a.number) "
    "                   FROM pg_catalog.unnest(p.proargtypes) "
    "                        WITH ORDINALITY a (type, number)), ''), "
    "       pg_catalog.pg_get_function_arguments(p.oid), "
    "       pg_catalog.pg_get_function_result(p.oid), "
    "       pg_catalog.quote_ident(l.lanname), "
    "       (SELECT pg_catalog.string_agg('FOR TYPE ' || pg_catalog.format_type(x.t, NULL), "
    "                                     ', ' ORDER BY x.number) "
    "          FROM pg_catalog.unnest(p.protrftypes) WITH ORDINALITY x (t, number)), "
    "       pg_catalog.concat("
    "         CASE WHEN p.prokind = 'w' THEN ' WINDOW' END, "
    "         CASE p.provolatile WHEN 'i' THEN ' IMMUTABLE' WHEN 's' THEN ' STABLE' END, "
    "         CASE WHEN p.proisstrict THEN ' STRICT' END, "
    "         CASE WHEN p.prosecdef THEN ' SECURITY DEFINER' END, "
    "         CASE WHEN p.proleakproof THEN ' LEAKPROOF' END, "
    "         CASE WHEN p.prokind <> 'p' AND p.procost <> "
    "                   CASE WHEN l.lanname IN ('internal', 'c') THEN 1 ELSE 100 END "
    "              THEN ' COST ' || p.procost END, "
    "         CASE WHEN p.proretset AND p.prorows NOT IN (0, 1000) "
    "              THEN ' ROWS ' || p.prorows END, "
    "         ' SUPPORT ' || NULLIF(p.prosupport, 0::pg_catalog.oid)::pg_catalog.regproc, "
    "         CASE p.proparallel WHEN 's' THEN ' PARALLEL SAFE' "
    "              WHEN 'r' THEN ' PARALLEL RESTRICTED' END), "
    "       (SELECT pg_catalog.string_agg(s || E'\\x1e', '') "
    "          FROM pg_catalog.unnest(p.proconfig) s), "
    "       p.prosrc, p.probin, {prosqlbody}, {stand_in_body}, "
    "       pg_catalog.concat_ws(' ', p.prorettype, p.proargtypes, "
    "         pg_catalog.array_to_string(p.proallargtypes, ' '), "
    "         pg_catalog.array_to_string(p.protrftypes, ' '), p.prosupport::pg_catalog.oid, "
    "         (SELECT pg_catalog.string_agg(m[1], ' ') "
    "            FROM pg_catalog.regexp_matches(p.proargdefaults::pg_catalog.text, "
    "                                           ':[a-z]+ ([0-9]+)', 'g') m "
    "           WHERE NOT {defaults_call})), "
    "       {body_needs_itself} OR "
    "       p.proargdefaults::pg_catalog.text ~ (':funcid ' || p.oid || ' '), "
    "       CASE WHEN {defaults_call} THEN "
    "         (SELECT pg_catalog.string_agg("
    "                   pg_catalog.concat_ws(' ', "
    "                     CASE y.mode WHEN 'o' THEN 'OUT' WHEN 'b' THEN 'INOUT' "
    "                                 WHEN 'v' THEN 'VARIADIC' END, "
    "                     pg_catalog.quote_ident(NULLIF(y.name, '')), "
    "                     pg_catalog.format_type(y.type, NULL), "
    "                     CASE WHEN y.mode <> 'o' AND y.inputs > p.pronargs - "
    "p.pronargdefaults "
    "                          THEN 'DEFAULT NULL' END), ', ' ORDER BY y.number) "
    "            FROM (SELECT x.type, coalesce(x.mode, 'i') AS mode, x.name, x.number, "
    "                         pg_catalog.count(*) FILTER (WHERE coalesce(x.mode, 'i') <> 'o') "
    "                           OVER (ORDER BY x.number) AS inputs "
    "                    FROM ROWS FROM (pg_catalog.unnest(coalesce(p.proallargtypes, "
    "                                      p.proargtypes::pg_catalog.oid[])), "
    "                                    pg_catalog.unnest(p.proargmodes), "
    "                                    pg_catalog.unnest(p.proargnames)) "
    "                         WITH ORDINALITY x (type, mode, name, number)) y "
    "           WHERE y.mode <> 't' AND y.type IS NOT NULL) END, "
    "       p.proacl, pg_catalog.acldefault('f', p.proowner) "
    "  FROM pg_catalog.pg_proc p "
    "  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
    "  JOIN pg_catalog.pg_language l ON l.oid = p.prolang "
    " WHERE p.prokind IN ('f', 'p', 'w') "
    "   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
    "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d "
    "                    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass "
    "                      AND d.objid = p.oid AND d.deptype = 'i') "
    " ORDER BY n.nspname, p.proname, p.oid";

static const char constructors_query[] =
    "SELECT d.objid, d.refobjid FROM pg_catalog.pg_depend d "
    " WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype = 'i' "
    "   AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass";

static bool read_functions(struct catalog *catalog, struct error *err)
{
    return catalog_query(catalog, functions_query, COLUMNS, take_function, NULL, err) &&
           catalog_query(catalog, constructors_query, 2, take_constructor, NULL, err);
}

const struct catalog_step catalog_step_function = {
    .what = "functions",
    .order = READ_FUNCTIONS,
    .read = read_functions,
    .link = link_bodies,
};
