/* Comments on anything that is dumped, and privileges of columns. */
#include "catalog/catalog_internal.h"
#include "catalog/relation.h"

/* What a comment is about, as COMMENT ON has it. */
struct subject {
    const char *word;
    const char *identity, *plain_identity;
};

static bool add_comment(struct catalog *catalog, struct catalog_object *object,
                        const struct subject *subject, const char *column, const char *comment,
                        struct error *err)
{
    struct buffer sql = {0}, tag = {0};
    bool done = buffer_printf(&sql, err, "COMMENT ON %s %s", subject->word, subject->identity) &&
                buffer_printf(&tag, err, "%s %s", subject->word, subject->plain_identity);

    if (done && column != NULL)
        done = buffer_append_byte(&sql, '.', err) && name_append(&sql, column, err) &&
               buffer_append_byte(&tag, '.', err) && name_append(&tag, column, err);
    done = done && buffer_append_string(&sql, " IS ", err) && literal_append(&sql, comment, err) &&
           buffer_append_string(&sql, ";\n", err) &&
           catalog_add_extra(catalog, object, "COMMENT", buffer_text(&tag), buffer_text(&sql),
                             err) != NULL;
    buffer_free(&sql);
    buffer_free(&tag);
    return done;
}

/* The index behind a constraint has a comment of its own. */
static bool comment_on_index(struct catalog *catalog, struct catalog_object *constraint,
                             const struct table_index *index, const char *comment,
                             struct error *err)
{
    struct buffer full = {0}, plain = {0};
    struct subject subject = {.word = "INDEX"};
    bool done = name_append_qualified(&full, constraint->schema, index->name, err) &&
                name_append(&plain, index->name, err);

    subject.identity = buffer_text(&full);
    subject.plain_identity = buffer_text(&plain);
    done = done && add_comment(catalog, constraint, &subject, NULL, comment, err);
    buffer_free(&full);
    buffer_free(&plain);
    return done;
}

static bool take_comment(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    enum { CLASS, OID, COLUMN, TEXT };
    uint32_t class_oid = row_oid(row, CLASS), oid = row_oid(row, OID);
    struct catalog_object *object = catalog_find(catalog, class_oid, oid);
    const char *column = row_text_or_null(row, COLUMN);
    struct subject subject;

    (void)context;
    if (object == NULL || check_is_inherited(object) ||
        (object->class_oid == CLASS_EXTENSION && object->hidden))
        return true;
    subject = (struct subject){
        .word = column != NULL ? "COLUMN" : catalog_word(object),
        .identity = object->identity,
        .plain_identity = object->plain_identity,
    };
    if ((object->class_oid == class_oid && object->oid == oid) || column != NULL) {
        if (object->class_oid == CLASS_EXTENSION && class_oid != CLASS_EXTENSION)
            return true; /* a member's, made by the extension */
        return add_comment(catalog, object, &subject, column, row_text(row, TEXT), err);
    }
    if (object->class_oid == CLASS_CONSTRAINT && class_oid == CLASS_RELATION)
        return comment_on_index(catalog, object, object->detail, row_text(row, TEXT), err);
    return true;
}

static bool read_comments(struct catalog *catalog, struct error *err)
{
    /* initdb comments on public; that comment is everywhere. Users' objects may have oids below
     * 16384 (of single-user mode), but none below 12000. */
    static const char query[] =
        "SELECT d.classoid, d.objoid, a.attname, d.description "
        "  FROM pg_catalog.pg_description d "
        "  LEFT JOIN pg_catalog.pg_attribute a "
        "    ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass "
        "   AND a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0 "
        " WHERE (d.objoid >= 12000 OR d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass) "
        "   AND NOT (d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass "
        "            AND d.description = 'standard public schema' "
        "            AND d.objoid IN (SELECT oid FROM pg_catalog.pg_namespace "
        "                             WHERE nspname = 'public')) "
        "UNION ALL "
        "SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid, NULL, '' "
        "  FROM pg_catalog.pg_namespace n "
        " WHERE n.nspname = 'public' "
        "   AND pg_catalog.obj_description(n.oid, 'pg_namespace') IS NULL "
        " ORDER BY 1, 2, 3 NULLS FIRST";

    return catalog_query(catalog, query, 4, take_comment, NULL, err);
}

/* ---- Privileges of columns ---- */

static bool take_column_privileges(struct catalog *catalog, void *context,
                                   const struct catalog_row *row, struct error *err)
{
    enum { RELATION, COLUMN, ACL };
    struct relation *relation = relation_find(catalog, row_oid(row, RELATION));
    struct privileges privileges = {
        .acl = row_text(row, ACL),
        .usual = "{}",
        .on = "TABLE",
        .type = 'c',
        .column = row_text(row, COLUMN),
    };

    (void)context;
    return relation == NULL || privileges_add(catalog, relation->object, &privileges, err);
}

static bool read_column_privileges(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT a.attrelid, a.attname, a.attacl "
        "  FROM pg_catalog.pg_attribute a "
        " WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND a.attrelid >= 12000 "
        " ORDER BY a.attrelid, a.attnum";

    return catalog_query(catalog, query, 3, take_column_privileges, NULL, err);
}

static bool read_both(struct catalog *catalog, struct error *err)
{
    return read_column_privileges(catalog, err) && read_comments(catalog, err);
}

const struct catalog_step catalog_step_comments = {
    .what = "comments and privileges of columns",
    .order = READ_COMMENTS,
    .read = read_both,
};
