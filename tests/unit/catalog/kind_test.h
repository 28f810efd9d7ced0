/*
 * A kind of object without a server: rows in, entries out.
 *
 * The test of a kind includes the kind's .c, and so writes rows by the names that the kind itself
 * reads them by:
 *
 *     #include "catalog/kinds/index.c"
 *
 *     static const char *const plain[COLUMNS] = {[OID] = "20", [TABLE] = "10", [NAME] = "i", …};
 *
 *     struct kind_test *test = kind_test_new(18);
 *
 *     kind_test_relation(test, 10, 'r', "s", "t");
 *     kind_test_row(test, &indexes, plain);
 *     kind_test_step(test, &catalog_step_index);
 *     kind_test_expect(test, "== INDEX s i o post-data\n"
 *                            "CREATE INDEX …;\n"
 *                            "-- DROP INDEX s.i;\n");
 *
 * Of each entry that the step made, in the archive's order: its kind, schema, tag, owner and
 * section, what else it says of itself, its SQL, behind "-- " what drops it, and the tags of what
 * it needs.
 */
#ifndef PGCASK_TESTS_UNIT_CATALOG_KIND_TEST_H
#define PGCASK_TESTS_UNIT_CATALOG_KIND_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/relation.h"

struct kind_test;

struct kind_test *kind_test_new(int major);
struct catalog *kind_test_catalog(struct kind_test *test);

/* One more row of the answer to that query. values: by the query's columns; borrowed. */
void kind_test_row(struct kind_test *test, const struct catalog_query *query,
                   const char *const *values);

/* The same for a statement that is made as it is needed. */
void kind_test_text_row(struct kind_test *test, const char *sql, const char *const *values);

/* From the first to the last of these majors the query has the text, and before and after not: rows
 * that are given do not show what a server is asked for. */
void kind_test_asks(const struct catalog_query *query, int first, int last, const char *text);

/* Objects that others belong to; owner: "o". They are no entries of the test unless it shows them.
 */
struct relation *kind_test_relation(struct kind_test *test, uint32_t oid, char relkind,
                                    const char *schema, const char *name);
struct catalog_object *kind_test_object(struct kind_test *test, const struct catalog_kind *kind,
                                        uint32_t class_oid, uint32_t oid, const char *schema,
                                        const char *name);
/* That row is an extension's. */
void kind_test_member(struct kind_test *test, uint32_t class_oid, uint32_t oid);
void kind_test_show(struct kind_test *test, const struct catalog_object *object);

/* Reads, without linking: that is done once all was read. Every row must have been asked for. */
void kind_test_step(struct kind_test *test, const struct catalog_step *step);

/* Reads, and expects this failure. Frees the test. */
void kind_test_fails(struct kind_test *test, const struct catalog_step *step, const char *message);

/* Links what was read, puts it in order, and compares. Frees the test. */
void kind_test_expect(struct kind_test *test, const char *entries);

/* Where nothing of the above did. */
void kind_test_free(struct kind_test *test);

/* Tests of one row each. */
struct kind_case {
    const char *is; /* what is tested, for the message of a failure */
    const char *const *row;
    const char *entries;
};

void kind_test_cases(int major, const struct catalog_step *step, const struct catalog_query *query,
                     void (*prepare)(struct kind_test *test), const struct kind_case *cases,
                     size_t count);

#endif
