/* Comments on anything that is dumped, and privileges of columns: what goes over all objects once
 * they are known. */
#include "catalog/catalog_internal.h"
#include "catalog/relation.h"

/* The index behind a constraint has a comment of its own. */
static bool comment_on_index(struct catalog *catalog, struct catalog_object *constraint,
                             const struct table_index *index, const char *comment,
                             struct error *err)
{
    struct sql full = {.err = err}, plain = {.err = err};
    struct comment_subject subject = {.word = "INDEX"};
    bool done;

    sql_qualified(&full, constraint->schema, index->name);
    sql_name(&plain, index->name);
    subject.identity = sql_text(&full);
    subject.plain_identity = sql_text(&plain);
    done = !full.failed && !plain.failed &&
           catalog_add_comment(catalog, constraint, &subject, comment, err);
    sql_end(&full);
    sql_end(&plain);
    return done;
}

enum { CLASS, OID, COLUMN, TEXT, COLUMNS };

static const char *const columns[] = {
    [CLASS] = "d.classoid",
    [OID] = "d.objoid",
    [COLUMN] = "d.attname",
    [TEXT] = "d.description",
};

/* initdb comments on public; that comment is everywhere, unless public is made like any other.
 * Users' objects may have oids below 16384 (of single-user mode), but none below 12000. */
static const char from[] =
    "FROM (SELECT d.classoid, d.objoid, a.attname, d.description\n"
    "        FROM pg_catalog.pg_description d\n"
    "        LEFT JOIN pg_catalog.pg_attribute a\n"
    "          ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass\n"
    "         AND a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0\n"
    "       WHERE d.classoid <> 'pg_catalog.pg_largeobject'::pg_catalog.regclass\n"
    "         AND (d.objoid >= 12000\n"
    "              OR d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass)\n"
    "         AND NOT (d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass\n"
    "                  AND NOT {schemas are named}\n"
    "                  AND d.description = 'standard public schema'\n"
    "                  AND d.objoid IN (SELECT oid FROM pg_catalog.pg_namespace\n"
    "                                    WHERE nspname = 'public'))\n"
    "      UNION ALL\n"
    "      SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid, NULL, ''\n"
    "        FROM pg_catalog.pg_namespace n\n"
    "       WHERE n.nspname = 'public' AND NOT {schemas are named}\n"
    "         AND pg_catalog.obj_description(n.oid, 'pg_namespace') IS NULL) d\n"
    "ORDER BY d.classoid, d.objoid, d.attname NULLS FIRST";

static bool take_comment(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    uint32_t class_oid = row_oid(row, CLASS), oid = row_oid(row, OID);
    struct catalog_object *object = catalog_find(catalog, class_oid, oid);
    const char *column = row_text_or_null(row, COLUMN);
    struct comment_subject subject;

    (void)context;
    if (object == NULL || check_is_inherited(object) ||
        (object->class_oid == CLASS_EXTENSION && object->hidden))
        return true;
    subject = (struct comment_subject){
        .word = column != NULL ? "COLUMN" : catalog_word(object),
        .identity = object->identity,
        .plain_identity = object->plain_identity,
        .column = column,
    };
    if ((object->class_oid == class_oid && object->oid == oid) || column != NULL) {
        if (object->class_oid == CLASS_EXTENSION && class_oid != CLASS_EXTENSION)
            return true; /* a member's, made by the extension */
        return catalog_add_comment(catalog, object, &subject, row_text(row, TEXT), err);
    }
    if (object->class_oid == CLASS_CONSTRAINT && class_oid == CLASS_RELATION)
        return comment_on_index(catalog, object, object->detail, row_text(row, TEXT), err);
    return true;
}

static const struct catalog_query comments = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_comment};

/* ---- Privileges of columns ---- */

enum { RELATION, ATTRIBUTE, ACL, ACL_COLUMNS };

static const char *const acl_columns[] = {
    [RELATION] = "a.attrelid",
    [ATTRIBUTE] = "a.attname",
    [ACL] = "a.attacl",
};

static const char acl_from[] =
    "FROM pg_catalog.pg_attribute a\n"
    "WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND a.attrelid >= 12000\n"
    "ORDER BY a.attrelid, a.attnum";

static bool take_column_privileges(struct catalog *catalog, void *context,
                                   const struct catalog_row *row, struct error *err)
{
    struct relation *relation = relation_find(catalog, row_oid(row, RELATION));
    struct privileges privileges = {
        .acl = row_text(row, ACL),
        .usual = "{}",
        .on = "TABLE",
        .type = 'c',
        .column = row_text(row, ATTRIBUTE),
    };

    (void)context;
    return relation == NULL || privileges_add(catalog, relation->object, &privileges, err);
}

static const struct catalog_query column_privileges = {
    .columns = acl_columns,
    .count = ACL_COLUMNS,
    .from = acl_from,
    .take = take_column_privileges,
};

static bool read_comments(struct catalog *catalog, struct error *err)
{
    return catalog_ask(catalog, &comments, NULL, err);
}

const struct catalog_step catalog_step_comments = {
    .what = "comments and privileges of columns",
    .order = READ_COMMENTS,
    .query = &column_privileges,
    .read = read_comments,
};
