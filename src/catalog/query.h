/*
 * Queries over the catalogs. A query names each of its columns once, in any order, and its rows are
 * read by the same names:
 *
 *     enum { OID, DEFINITION, COLUMNS };
 *
 *     static const char *const columns[] = {
 *         [OID] = "i.indexrelid",
 *         [DEFINITION] = "pg_catalog.pg_get_indexdef(i.indexrelid)",
 *     };
 *     static const char from[] = "FROM pg_catalog.pg_index i\n"
 *                                "ORDER BY i.indrelid\n";
 *     static const struct catalog_query query = {
 *         .columns = columns, .count = COLUMNS, .from = from, .take = take_index};
 *
 * Lines end where SQL's do: this is what pg_stat_activity shows. {name} stands for what depends
 * on the server's version (versions.h).
 */
#ifndef PGCASK_CATALOG_QUERY_H
#define PGCASK_CATALOG_QUERY_H

#include "catalog/sql.h"
#include "catalog/versions.h"

struct catalog;

/* A row: values as NUL-terminated texts, NULL for SQL nulls; borrowed during the call. */
struct catalog_row {
    size_t count;
    const char *const *values;
    size_t *missing; /* set to the number (from 1) of a column whose value is not there */
};

/* Never NULL. Where the server has no value, as of an object that was dropped meanwhile, it is "",
 * and the query fails once the row's function has returned: what that made of it is not used. */
const char *row_text(const struct catalog_row *row, size_t column);

/* For columns that may be null. */
static inline const char *row_text_or_null(const struct catalog_row *row, size_t column)
{
    return row->values[column];
}
uint32_t row_oid(const struct catalog_row *row, size_t column); /* 0 for a null */
int64_t row_number(const struct catalog_row *row, size_t column);
bool row_flag(const struct catalog_row *row, size_t column); /* 't' */
char row_char(const struct catalog_row *row, size_t column); /* 0 for a null or "" */

struct catalog_query {
    const char *const *columns;
    size_t count;
    const char *from; /* FROM and all that follows */
    bool (*take)(struct catalog *catalog, void *context, const struct catalog_row *row,
                 struct error *err);
    const char *with;                             /* WITH …, before SELECT; may be NULL */
    const struct version_difference *differences; /* what {name} stands for; may be NULL */
};

/* Runs a query and hands its rows to query->take. */
bool catalog_ask(struct catalog *catalog, const struct catalog_query *query, void *context,
                 struct error *err);

/* The statement that catalog_ask sends to a server of that version. */
bool catalog_query_text(const struct catalog_query *query, int major, struct sql *out);

/* A statement that is made as it is needed. Names of objects in it may have braces: it is sent as
 * it is. */
bool catalog_ask_text(struct catalog *catalog, const char *sql, size_t columns,
                      bool (*take)(struct catalog *catalog, void *context,
                                   const struct catalog_row *row, struct error *err),
                      void *context, struct error *err);

/* Statements without rows, or with some that nobody wants. */
bool catalog_run(struct catalog *catalog, const char *sql, struct error *err);

#endif
