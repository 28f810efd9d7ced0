/* What the queries of kinds ask of which server: a column that a version lacks is not asked for,
 * one that it has is. The kinds' own tests give rows and do not see that. */
#include "kind_test.h"

#include "catalog/catalog_internal.h"

#include <string.h>

extern const struct catalog_step catalog_step_collation, catalog_step_constraint,
    catalog_step_domain, catalog_step_function, catalog_step_relation, catalog_step_schema;

/* From the first to the last of these majors the query has the text, and before and after not. */
static const struct {
    const struct catalog_step *step;
    int first, last;
    const char *text;
} asked[] = {
    {&catalog_step_collation, 13, 14, "WHEN c.collprovider = 'i' THEN c.collcollate"},
    {&catalog_step_collation, 15, 16, "c.colliculocale"},
    {&catalog_step_collation, 17, 18, "c.colllocale"},
    {&catalog_step_collation, 16, 18, "c.collicurules"},
    {&catalog_step_constraint, 18, 18, "co.contype = 'n' AND co.conrelid <> 0"},
    {&catalog_step_domain, 13, 16, "t.typnotnull"},
    {&catalog_step_function, 14, 18, "pg_catalog.pg_get_function_sqlbody(p.oid)"},
    {&catalog_step_relation, 17, 18, "c.relkind = 'p'"},
    {&catalog_step_schema, 13, 14, "ARRAY['CREATE']"},
};

static void a_server_is_asked_for_what_it_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
        kind_test_asks(asked[i].step->query, asked[i].first, asked[i].last, asked[i].text);
}

/* A name in braces that no list has would be an error only at that server. */
static void every_query_has_a_text_for_every_server(void **state)
{
    (void)state;
    for (size_t i = 0; i < catalog_kind_step_count; i++) {
        for (int major = 13; major <= 18 && catalog_kind_steps[i]->query != NULL; major++) {
            struct error err;
            struct sql sql = {.err = &err};

            assert_true(catalog_query_text(catalog_kind_steps[i]->query, major, &sql));
            assert_null(strstr(sql_text(&sql), "(null)"));
            assert_true(sql_end(&sql));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_asked_for_what_it_has),
        cmocka_unit_test(every_query_has_a_text_for_every_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
