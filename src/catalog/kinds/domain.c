/* Domains and their constraints, which are pieces of them: one that was never validated comes after
 * the data, and so does one that leads back to the domain. */
#include "catalog/kind.h"

#include "catalog/columns.h"

#include <stdlib.h>

static void write_domain(struct catalog *catalog, const struct catalog_object *object,
                         struct archive_entry *entry, struct sql *sql);
static void write_constraint(struct catalog *catalog, const struct catalog_object *object,
                             struct archive_entry *entry, struct sql *sql);

static const struct catalog_kind kind_domain = {
    .desc = "DOMAIN",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_TYPE,
    .write = write_domain,
};

static const struct catalog_kind kind_domain_constraint = {
    .desc = "CHECK CONSTRAINT",
    .word = "CONSTRAINT",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_CONSTRAINT,
    .piece_rank = 4,
    .write = write_constraint,
};

/* The detail of a constraint. */
struct domain_constraint {
    const struct catalog_object *domain;
    const char *definition;
};

/* ---- Writing ---- */

static void write_constraint(struct catalog *catalog, const struct catalog_object *object,
                             struct archive_entry *entry, struct sql *sql)
{
    const struct domain_constraint *constraint = object->detail;

    (void)catalog;
    (void)entry;
    sql_printf(sql, "ALTER DOMAIN %s ADD CONSTRAINT ", constraint->domain->identity);
    sql_name(sql, object->name);
    sql_clause(sql, " ", constraint->definition, ";\n");
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const struct catalog_object *const *)a)->name,
                  (*(const struct catalog_object *const *)b)->name);
}

static void add_constraints(const struct catalog_object *object, struct sql *sql)
{
    const struct catalog_object **constraints;
    size_t count = 0, at = 0;

    for (const struct catalog_object *piece = object->pieces; piece != NULL;
         piece = piece->next_piece)
        count++;
    constraints = calloc(count + 1, sizeof(*constraints));
    if (constraints == NULL) {
        error_set_memory(sql->err);
        sql_fail(sql);
        return;
    }
    for (const struct catalog_object *piece = object->pieces; piece != NULL;
         piece = piece->next_piece)
        constraints[at++] = piece;
    qsort(constraints, count, sizeof(*constraints), compare_names);
    for (at = 0; at < count; at++) {
        const struct domain_constraint *constraint = constraints[at]->detail;

        sql_add(sql, "\n    CONSTRAINT ");
        sql_name(sql, constraints[at]->name);
        sql_clause(sql, " ", constraint->definition, "");
    }
    free(constraints);
}

/* The definition so far is all but the constraints. */
static void write_domain(struct catalog *catalog, const struct catalog_object *object,
                         struct archive_entry *entry, struct sql *sql)
{
    (void)entry;
    sql_stored(sql, catalog, object->definition);
    if (!sql->failed)
        add_constraints(object, sql);
    sql_add(sql, ";\n");
}

/* ---- Domains ---- */

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

static const struct version_difference differences[] = {
    /* domains keep their NOT NULL as a constraint since 17 */
    {"domain_not_null", 0, "t.typnotnull"},
    {"domain_not_null", 17, "false"},
    {0},
};

static const char *const columns[] = {
    [OID] = "t.oid",
    [SCHEMA] = "n.nspname",
    [NAME] = "t.typname",
    [OWNER] = COLUMN_ROLE("t.typowner"),
    [ARRAY] = "t.typarray",
    [ACL] = "t.typacl",
    [ACL_USUAL] = COLUMN_ACL_USUAL("T", "t.typowner"),
    [BASE] = "pg_catalog.format_type(t.typbasetype, t.typtypmod)",
    [COLLATION] = COLUMN_COLLATION("t.typcollation", "b.typcollation"),
    [NOT_NULL] = "{domain_not_null}",
    [DEFAULT] = "coalesce(pg_catalog.pg_get_expr(t.typdefaultbin,\n"
                "                  'pg_catalog.pg_type'::pg_catalog.regclass),\n"
                "                pg_catalog.quote_literal(t.typdefault))",
};

static const char from[] = "FROM pg_catalog.pg_type t\n"
                           "JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace\n"
                           "LEFT JOIN pg_catalog.pg_collation co ON co.oid = t.typcollation\n"
                           "LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace\n"
                           "WHERE t.typtype = 'd' AND " IN_USERS_SCHEMA "\n"
                           "ORDER BY n.nspname, t.typname";

static bool put_begun(struct catalog *catalog, struct catalog_object *object,
                      const struct catalog_row *row, struct error *err)
{
    struct sql sql = {.err = err};

    sql_printf(&sql, "CREATE DOMAIN %s AS %s", object->identity, row_text(row, BASE));
    sql_clause(&sql, " COLLATE ", row_text_or_null(row, COLLATION), "");
    if (row_flag(row, NOT_NULL))
        sql_add(&sql, " NOT NULL");
    sql_clause(&sql, " DEFAULT ", row_text_or_null(row, DEFAULT), "");
    return sql_put(&sql, catalog, &object->definition);
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
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_domain, CLASS_TYPE, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), row_text(row, OWNER), err);
    return object != NULL && catalog_alias(catalog, CLASS_TYPE, row_oid(row, ARRAY), object, err) &&
           privileges_add(catalog, object, &privileges, err) &&
           put_begun(catalog, object, row, err);
}

static const struct catalog_query domains = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_domain,
    .differences = differences,
};

/* ---- Constraints ---- */

enum { CONSTRAINT, DOMAIN, CONSTRAINT_NAME, DEFINITION, VALIDATED, CONSTRAINT_COLUMNS };

static const char *const constraint_columns[] = {
    [CONSTRAINT] = "co.oid",          [DOMAIN] = "co.contypid",
    [CONSTRAINT_NAME] = "co.conname", [DEFINITION] = "pg_catalog.pg_get_constraintdef(co.oid)",
    [VALIDATED] = "co.convalidated",
};

static const char constraint_from[] = "FROM pg_catalog.pg_constraint co\n"
                                      "JOIN pg_catalog.pg_type t ON t.oid = co.contypid\n"
                                      "JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace\n"
                                      "WHERE " IN_USERS_SCHEMA "\n"
                                      "ORDER BY co.contypid, co.conname";

static const char *identity_on(struct catalog *catalog, const char *name, const char *domain,
                               struct error *err)
{
    struct sql text = {.err = err};

    sql_name(&text, name);
    sql_clause(&text, " ON DOMAIN ", domain, "");
    return sql_copy(&text, catalog_arena(catalog));
}

/* "c ON DOMAIN s.d" is how a comment names it. */
static bool name_constraint(struct catalog *catalog, struct catalog_object *object,
                            const struct catalog_object *domain, struct error *err)
{
    object->identity = identity_on(catalog, object->name, domain->identity, err);
    object->plain_identity = identity_on(catalog, object->name, domain->plain_identity, err);
    return object->identity != NULL && object->plain_identity != NULL &&
           catalog_set_tag_of_part(catalog, object, domain, err);
}

static bool put_drop(struct catalog *catalog, struct catalog_object *object,
                     const struct catalog_object *domain, struct error *err)
{
    struct sql sql = {.err = err};

    sql_printf(&sql, "ALTER DOMAIN %s DROP CONSTRAINT ", domain->identity);
    sql_name(&sql, object->name);
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->drop);
}

static bool take_constraint(struct catalog *catalog, void *context, const struct catalog_row *row,
                            struct error *err)
{
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

static const struct catalog_query constraints = {
    .columns = constraint_columns,
    .count = CONSTRAINT_COLUMNS,
    .from = constraint_from,
    .take = take_constraint,
};

static bool read_constraints(struct catalog *catalog, struct error *err)
{
    return catalog_ask(catalog, &constraints, NULL, err);
}

const struct catalog_step catalog_step_domain = {
    .what = "domains",
    .order = READ_TYPES + 1,
    .query = &domains,
    .read = read_constraints,
};
