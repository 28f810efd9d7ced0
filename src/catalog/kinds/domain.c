/* Domains and their constraints, which are pieces of them. */
#include "catalog/kind.h"

#include <stdlib.h>

static bool domain_write(struct catalog *catalog, const struct catalog_object *object,
                         struct archive_entry *entry, struct buffer *text, struct error *err);
static bool constraint_write(struct catalog *catalog, const struct catalog_object *object,
                             struct archive_entry *entry, struct buffer *text, struct error *err);

static const struct catalog_kind kind_domain = {
    .desc = "DOMAIN",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_TYPE,
    .write = domain_write,
};

static const struct catalog_kind kind_domain_constraint = {
    .desc = "CHECK CONSTRAINT",
    .word = "CONSTRAINT",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_CONSTRAINT,
    .piece_rank = 4,
    .write = constraint_write,
};

/* The detail of a constraint. */
struct domain_constraint {
    const struct catalog_object *domain;
    const char *definition;
};

static bool constraint_write(struct catalog *catalog, const struct catalog_object *object,
                             struct archive_entry *entry, struct buffer *text, struct error *err)
{
    const struct domain_constraint *constraint = object->detail;

    (void)catalog;
    (void)entry;
    return buffer_printf(text, err, "ALTER DOMAIN %s ADD CONSTRAINT ",
                         constraint->domain->identity) &&
           name_append(text, object->name, err) &&
           buffer_printf(text, err, " %s;\n", constraint->definition);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const struct catalog_object *const *)a)->name,
                  (*(const struct catalog_object *const *)b)->name);
}

static bool append_constraints(const struct catalog_object *object, struct buffer *text,
                               struct error *err)
{
    const struct catalog_object **constraints;
    size_t count = 0, at = 0;
    bool done = true;

    for (const struct catalog_object *piece = object->pieces; piece != NULL;
         piece = piece->next_piece)
        count++;
    constraints = calloc(count + 1, sizeof(*constraints));
    if (constraints == NULL)
        return error_set_memory(err);
    for (const struct catalog_object *piece = object->pieces; piece != NULL;
         piece = piece->next_piece)
        constraints[at++] = piece;
    qsort(constraints, count, sizeof(*constraints), compare_names);
    for (at = 0; done && at < count; at++) {
        const struct domain_constraint *constraint = constraints[at]->detail;

        done = buffer_append_string(text, "\n    CONSTRAINT ", err) &&
               name_append(text, constraints[at]->name, err) &&
               buffer_printf(text, err, " %s", constraint->definition);
    }
    free(constraints);
    return done;
}

/* The definition so far is all but the constraints. */
static bool domain_write(struct catalog *catalog, const struct catalog_object *object,
                         struct archive_entry *entry, struct buffer *text, struct error *err)
{
    const char *begun;

    (void)entry;
    return catalog_get_text(catalog, object->definition, &begun, err) &&
           buffer_append_string(text, begun, err) && append_constraints(object, text, err) &&
           buffer_append_string(text, ";\n", err);
}

/* ---- Reading ---- */

enum {
    OID,
    SCHEMA,
    NAME,
    OWNER,
    ARRAY,
    ACL,
    ACL_USUAL,
    BASE,
    COLLATION,
    NOT_NULL,
    DEFAULT,
    COLUMNS
};

static bool put_begun(struct catalog *catalog, struct catalog_object *object,
                      const struct catalog_row *row, struct error *err)
{
    struct buffer sql = {0};
    bool done =
        buffer_printf(&sql, err, "CREATE DOMAIN %s AS %s", object->identity, row_text(row, BASE)) &&
        (row_text_or_null(row, COLLATION) == NULL ||
         buffer_printf(&sql, err, " COLLATE %s", row_text_or_null(row, COLLATION))) &&
        (!row_flag(row, NOT_NULL) || buffer_append_string(&sql, " NOT NULL", err)) &&
        (row_text_or_null(row, DEFAULT) == NULL ||
         buffer_printf(&sql, err, " DEFAULT %s", row_text_or_null(row, DEFAULT))) &&
        catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);

    buffer_free(&sql);
    return done;
}

static bool take_domain(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct privileges privileges = {
        .acl = row_text_or_null(row, ACL),
        .usual = row_text_or_null(row, ACL_USUAL),
        .on = "TYPE",
        .type = 'T',
    };
    struct catalog_object *object;

    (void)context;
    if (catalog_find(catalog, CLASS_TYPE, row_oid(row, OID)) != NULL)
        return true;
    object = catalog_add(catalog, &kind_domain, CLASS_TYPE, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), row_text(row, OWNER), err);
    return object != NULL && catalog_alias(catalog, CLASS_TYPE, row_oid(row, ARRAY), object, err) &&
           privileges_add(catalog, object, &privileges, err) &&
           put_begun(catalog, object, row, err);
}

/* "c ON DOMAIN s.d" is how a comment names it. */
static bool name_constraint(struct catalog *catalog, struct catalog_object *object,
                            const struct catalog_object *domain, struct error *err)
{
    struct buffer text = {0}, tag = {0};
    bool done = name_append(&text, object->name, err) &&
                buffer_append_string(&text, " ON DOMAIN ", err) &&
                buffer_append_string(&text, domain->identity, err) &&
                buffer_printf(&tag, err, "%s %s", domain->name, object->name);

    if (done) {
        object->identity = arena_copy_slice(catalog_arena(catalog), buffer_slice(&text), err);
        buffer_clear(&text);
        done = name_append(&text, object->name, err) &&
               buffer_printf(&text, err, " ON DOMAIN %s", domain->plain_identity);
        object->plain_identity = arena_copy_slice(catalog_arena(catalog), buffer_slice(&text), err);
        object->tag = arena_copy_slice(catalog_arena(catalog), buffer_slice(&tag), err);
    }
    buffer_free(&text);
    buffer_free(&tag);
    return done && object->identity != NULL && object->plain_identity != NULL &&
           object->tag != NULL;
}

static bool put_drop(struct catalog *catalog, struct catalog_object *object,
                     const struct catalog_object *domain, struct error *err)
{
    struct buffer sql = {0};
    bool done = buffer_printf(&sql, err, "ALTER DOMAIN %s DROP CONSTRAINT ", domain->identity) &&
                name_append(&sql, object->name, err) && buffer_append_string(&sql, ";\n", err) &&
                catalog_put_text(catalog, buffer_text(&sql), &object->drop, err);

    buffer_free(&sql);
    return done;
}

static bool take_constraint(struct catalog *catalog, void *context, const struct catalog_row *row,
                            struct error *err)
{
    enum { CONSTRAINT, DOMAIN, CONSTRAINT_NAME, DEFINITION, VALIDATED };
    struct catalog_object *domain = catalog_find(catalog, CLASS_TYPE, row_oid(row, DOMAIN));
    struct catalog_object *object;
    struct domain_constraint *constraint;

    (void)context;
    if (domain == NULL || domain->kind != &kind_domain)
        return true;
    object =
        catalog_add(catalog, &kind_domain_constraint, CLASS_CONSTRAINT, row_oid(row, CONSTRAINT),
                    domain->schema, row_text(row, CONSTRAINT_NAME), domain->owner, err);
    constraint = arena_take(catalog_arena(catalog), sizeof(*constraint), err);
    if (object == NULL || constraint == NULL)
        return false;
    constraint->domain = domain;
    constraint->definition = arena_copy(catalog_arena(catalog), row_text(row, DEFINITION), err);
    object->detail = constraint;
    if (row_flag(row, VALIDATED))
        catalog_make_piece(object, domain);
    return constraint->definition != NULL && name_constraint(catalog, object, domain, err) &&
           put_drop(catalog, object, domain, err);
}

static bool read_domains(struct catalog *catalog, struct error *err)
{
    static const char domains[] =
        "SELECT t.oid, n.nspname, t.typname, pg_catalog.pg_get_userbyid(t.typowner), t.typarray, "
        "       t.typacl, pg_catalog.acldefault('T', t.typowner), "
        "       pg_catalog.format_type(t.typbasetype, t.typtypmod), "
        "       CASE WHEN t.typcollation <> b.typcollation "
        "            THEN pg_catalog.quote_ident(cn.nspname) || '.' || "
        "                 pg_catalog.quote_ident(co.collname) END, "
        "       {domain_not_null}, "
        "       coalesce(pg_catalog.pg_get_expr(t.typdefaultbin, "
        "                  'pg_catalog.pg_type'::pg_catalog.regclass), "
        "                pg_catalog.quote_literal(t.typdefault)) "
        "  FROM pg_catalog.pg_type t "
        "  JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype "
        "  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "
        "  LEFT JOIN pg_catalog.pg_collation co ON co.oid = t.typcollation "
        "  LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace "
        " WHERE t.typtype = 'd' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
        " ORDER BY n.nspname, t.typname";
    static const char constraints[] =
        "SELECT co.oid, co.contypid, co.conname, pg_catalog.pg_get_constraintdef(co.oid), "
        "       co.convalidated "
        "  FROM pg_catalog.pg_constraint co "
        "  JOIN pg_catalog.pg_type t ON t.oid = co.contypid "
        "  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "
        " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
        " ORDER BY co.contypid, co.conname";

    return catalog_query(catalog, domains, COLUMNS, take_domain, NULL, err) &&
           catalog_query(catalog, constraints, 5, take_constraint, NULL, err);
}

const struct catalog_step catalog_step_domain = {
    .what = "domains",
    .order = READ_TYPES + 1,
    .read = read_domains,
};
