/*
 * What of a database is wanted, as it was asked for: lists of patterns (pattern.h), by the names of
 * the options that they come from. What each list takes and drops is what pg_dump's option of the
 * singular takes and drops; only that a pattern of any list that matches nothing is an error.
 */
#ifndef PGCASK_CATALOG_FILTER_H
#define PGCASK_CATALOG_FILTER_H

#include "base/error.h"
#include "base/slice.h"
#include "catalog/pattern.h"

enum filter_list {
    FILTER_SCHEMAS,
    FILTER_EXCLUDE_SCHEMAS,
    FILTER_TABLES,
    FILTER_TABLES_AND_CHILDREN,
    FILTER_EXCLUDE_TABLES,
    FILTER_EXCLUDE_TABLES_AND_CHILDREN,
    FILTER_EXCLUDE_TABLE_DATA,
    FILTER_EXCLUDE_TABLE_DATA_AND_CHILDREN,
    FILTER_EXTENSIONS,
    FILTER_EXCLUDE_EXTENSIONS,
    FILTER_FOREIGN_DATA, /* servers whose tables' rows are wanted, too */
    FILTER_WHERE,        /* TABLE=CONDITION, of which TABLE is the pattern */
    FILTER_LISTS
};

struct catalog_filter;

struct catalog_filter *catalog_filter_new(struct error *err);
void catalog_filter_free(struct catalog_filter *filter); /* NULL is allowed */

/* One more of a list; texts are copied. What is no pattern is an error, which names the option. */
bool catalog_filter_add(struct catalog_filter *filter, enum filter_list list, const char *text,
                        struct error *err);

/* "TABLE=CONDITION", several of them with semicolons between. A condition is one SQL expression:
 * what closes more brackets than it opens, or leaves a quote or comment open, is an error. */
bool catalog_filter_add_where(struct catalog_filter *filter, const char *text, struct error *err);

/* What a filter file of pg_dump 17 and later says (PostgreSQL docs, pg_dump, --filter). name is the
 * file's, for messages, which tell the line. */
bool catalog_filter_add_file(struct catalog_filter *filter, struct slice text, const char *name,
                             struct error *err);

/* How many a list has; the text of each, and of a condition what is to hold of the rows. */
size_t catalog_filter_count(const struct catalog_filter *filter, enum filter_list list);
const char *catalog_filter_text(const struct catalog_filter *filter, enum filter_list list,
                                size_t number);
const char *catalog_filter_condition(const struct catalog_filter *filter, size_t number);

/* Takes the pattern of it apart; the error names the option. */
bool catalog_filter_parse(const struct catalog_filter *filter, enum filter_list list, size_t number,
                          struct pattern *pattern, struct error *err);

/* Whether nothing is left out by it. NULL: it is. */
bool catalog_filter_is_empty(const struct catalog_filter *filter);

/* "exclude-table-data". */
const char *catalog_filter_option(enum filter_list list);

#endif
