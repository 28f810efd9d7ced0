/* Procedural languages. What a language runs by are functions, which may lie anywhere: in a schema
 * of the user's, in an extension, or among the system's own. pg_dump names only those that it dumps
 * itself; a language that borrows another one's is made whole here. Where a function is left out
 * because it lies in a schema of the system, the bare statement asks for the extension of the
 * language's name, as pg_dump's does. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_language = {
    .desc = "PROCEDURAL LANGUAGE",
    .word = "LANGUAGE",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_LANGUAGE,
    .may_postpone = true,
};

enum {
    OID,
    NAME,
    OWNER,
    TRUSTED,
    HANDLER_OID,
    INLINE_OID,
    VALIDATOR_OID,
    HANDLER,
    INLINE,
    VALIDATOR,
    ACL,
    ACL_USUAL,
    COLUMNS
};

#define FUNCTION_NAME(oid)                                                                         \
    "(SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname)\n"      \
    "          FROM pg_catalog.pg_proc p\n"                                                        \
    "          JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = " oid ")"

static const char *const columns[] = {
    [OID] = "l.oid",
    [NAME] = "l.lanname",
    [OWNER] = COLUMN_ROLE("l.lanowner"),
    [TRUSTED] = "l.lanpltrusted",
    [HANDLER_OID] = "l.lanplcallfoid",
    [INLINE_OID] = "l.laninline",
    [VALIDATOR_OID] = "l.lanvalidator",
    [HANDLER] = FUNCTION_NAME("l.lanplcallfoid"),
    [INLINE] = FUNCTION_NAME("l.laninline"),
    [VALIDATOR] = FUNCTION_NAME("l.lanvalidator"),
    [ACL] = "l.lanacl",
    [ACL_USUAL] = COLUMN_ACL_USUAL("l", "l.lanowner"),
};

static const char from[] = "FROM pg_catalog.pg_language l\n"
                           "WHERE l.lanispl AND l.oid >= " FIRST_OF_USERS "\n"
                           "ORDER BY l.lanname";

/* Whether it is there where the archive is restored. */
static bool comes_back(const struct catalog *catalog, uint32_t function)
{
    return function < FIRST_OF_USERS_OID ||
           catalog_find(catalog, CLASS_PROCEDURE, function) != NULL;
}

static bool put_definition(struct catalog *catalog, struct catalog_object *object,
                           const struct catalog_row *row, struct error *err)
{
    struct sql sql = {.err = err};

    if (comes_back(catalog, row_oid(row, HANDLER_OID)) &&
        comes_back(catalog, row_oid(row, INLINE_OID)) &&
        comes_back(catalog, row_oid(row, VALIDATOR_OID))) {
        sql_printf(&sql, "CREATE %sPROCEDURAL LANGUAGE %s HANDLER ",
                   row_flag(row, TRUSTED) ? "TRUSTED " : "", object->identity);
        sql_add(&sql, row_text(row, HANDLER));
        sql_clause(&sql, " INLINE ", row_text_or_null(row, INLINE), "");
        sql_clause(&sql, " VALIDATOR ", row_text_or_null(row, VALIDATOR), "");
    } else {
        sql_printf(&sql, "CREATE OR REPLACE PROCEDURAL LANGUAGE %s", object->identity);
    }
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->definition);
}

static bool put_drop(struct catalog *catalog, struct catalog_object *object, struct error *err)
{
    struct sql sql = {.err = err};

    sql_printf(&sql, "DROP PROCEDURAL LANGUAGE %s;\n", object->identity);
    return sql_put(&sql, catalog, &object->drop);
}

/* GRANT takes trusted languages only. */
static bool take_language(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    struct catalog_object *object;
    struct privileges privileges = {
        .acl = row_flag(row, TRUSTED) ? row_text_or_null(row, ACL) : NULL,
        .usual = row_text(row, ACL_USUAL),
        .on = "LANGUAGE",
        .type = 'l',
    };

    (void)context;
    if (catalog_find(catalog, CLASS_LANGUAGE, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_language, CLASS_LANGUAGE, row_oid(row, OID), NULL,
                         row_text(row, NAME), row_text(row, OWNER), err);
    return object != NULL && put_definition(catalog, object, row, err) &&
           put_drop(catalog, object, err) && privileges_add(catalog, object, &privileges, err);
}

static const struct catalog_query languages = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_language,
};

static const struct catalog_reference references[] = {
    {"lanplcallfoid", "pg_proc", "handler"},
    {"laninline", "pg_proc", "inline handler"},
    {"lanvalidator", "pg_proc", "validator"},
    {0},
};

static const struct catalog_home home = {
    .catalog = "pg_language",
    .word = "LANGUAGE",
    .name = "lanname",
    .owner = "lanowner",
    .references = references,
};

const struct catalog_step catalog_step_language = {
    .what = "languages",
    .whole_only = true,
    .order = READ_FUNCTIONS + 1, /* whether its functions are dumped must be known */
    .query = &languages,
    .home = &home,
};
