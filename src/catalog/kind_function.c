/* Functions and procedures. */
#include "catalog/kind.h"

static const struct catalog_kind kind_function = {
    .desc = "FUNCTION",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_FUNCTION,
    .may_postpone = true,
};

static const struct catalog_kind kind_procedure = {
    .desc = "PROCEDURE",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_FUNCTION,
    .may_postpone = true,
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

static bool put_definition(struct catalog *catalog, struct catalog_object *object,
                           const struct catalog_row *row, struct error *err)
{
    struct buffer sql = {0};
    const char *result = row_text_or_null(row, RESULT);
    const char *transforms = row_text_or_null(row, TRANSFORMS);
    bool done = buffer_printf(&sql, err, "CREATE %s ", object->kind->desc) &&
                name_append_qualified(&sql, object->schema, object->name, err) &&
                buffer_append_byte(&sql, '(', err) &&
                buffer_append_string(&sql, row_text(row, ARGUMENTS), err) &&
                buffer_append_byte(&sql, ')', err) &&
                (result == NULL || (buffer_append_string(&sql, " RETURNS ", err) &&
                                    buffer_append_string(&sql, result, err))) &&
                buffer_printf(&sql, err, "\n    LANGUAGE %s", row_text(row, LANGUAGE)) &&
                (transforms == NULL || buffer_printf(&sql, err, " TRANSFORM %s", transforms)) &&
                buffer_append_string(&sql, row_text(row, ATTRIBUTES), err) &&
                append_settings(&sql, row_text_or_null(row, SETTINGS), err) &&
                append_body(&sql, row, err) && buffer_append_string(&sql, ";\n", err) &&
                catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);

    buffer_free(&sql);
    return done;
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
           put_definition(catalog, object, row, err);
}

/* The functions that a range type makes for itself hang on it (deptype 'i'). Usual attributes are
 * left out. */
static bool read_functions(struct catalog *catalog, struct error *err)
{
    static const char query[] =
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
        "       p.prosrc, p.probin, {prosqlbody}, "
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

    return catalog_query(catalog, query, COLUMNS, take_function, NULL, err);
}

const struct catalog_reader catalog_reader_function = {
    .what = "functions",
    .order = READ_FUNCTIONS,
    .read = read_functions,
};
