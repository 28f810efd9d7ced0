/*
 * SQL, or another text, that is put together piece by piece.
 *
 * The first failure sticks: what is added after it does nothing, and whoever uses the text is told.
 * So a statement is written in the order that it is read in, with one check at the end:
 *
 *     struct sql sql = {.err = err};
 *
 *     sql_printf(&sql, "ALTER TABLE %s CLUSTER ON ", table->identity);
 *     sql_name(&sql, index->name);
 *     sql_add(&sql, ";\n");
 *     return sql_put(&sql, catalog, &object->definition);
 *
 * Every one ends in sql_put, sql_copy or sql_end, each of which frees it.
 */
#ifndef PGCASK_CATALOG_SQL_H
#define PGCASK_CATALOG_SQL_H

#include "base/arena.h"
#include "base/buffer.h"

struct sql {
    struct buffer text;
    struct error *err; /* what failed first is there */
    bool failed;
};

void sql_add(struct sql *sql, const char *text);
void sql_add_bytes(struct sql *sql, const char *text, size_t len);

/* For short texts: a definition may be longer than printf can count. */
void sql_printf(struct sql *sql, const char *format, ...) ERROR_PRINTF(2, 3);

/* before, text, after; nothing at all if text is NULL. */
void sql_clause(struct sql *sql, const char *before, const char *text, const char *after);

/* Names and literals, quoted as names.h says. */
void sql_name(struct sql *sql, const char *name);
void sql_qualified(struct sql *sql, const char *schema, const char *name);
void sql_literal(struct sql *sql, const char *text);

/* A name within a comment that goes to the end of its line: line ends become blanks, so that
 * whoever chose the name cannot end the comment. */
void sql_remark(struct sql *sql, const char *name);
void sql_dollar_quoted(struct sql *sql, const char *text);
void sql_setting(struct sql *sql, const char *setting);

/* What was added so far; "" if nothing. Borrowed until the next addition. */
const char *sql_text(const struct sql *sql);

/* Notes that something else failed, which has set the error. */
void sql_fail(struct sql *sql);

/* Begins anew, whatever it holds or has failed with; keeps the memory, but for what goes beyond
 * `keep` bytes. */
void sql_begin_again(struct sql *sql, size_t keep, struct error *err);

/* A copy in the arena, NULL after a failure; frees the text. */
const char *sql_copy(struct sql *sql, struct arena *arena);

/* Frees the text; whether nothing failed. */
bool sql_end(struct sql *sql);

#endif
