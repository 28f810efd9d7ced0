#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "restore/restore_needs.h"
#include "restore/restore_selection.h"

static struct restore_needs needs;
static struct restore_request request;

static int begin(void **state)
{
    (void)state;
    request = (struct restore_request){0};
    needs = (struct restore_needs){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    restore_needs_reset(&needs);
    return 0;
}

static void add(const char *desc, const char *definition)
{
    struct archive_entry entry = {
        .dump_id = 1, .desc = desc, .tag = "it", .definition = definition};
    struct error err;

    assert_true(restore_needs_add(&needs, &request, &entry, SELECTED_DEFINITION, &err));
}

static void check(const struct name_set *set, const char *expected)
{
    char text[512] = "";

    for (size_t i = 0; i < set->count; i++) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof(text) - used, "%s%s", i == 0 ? "" : "|", set->items[i].name);
    }
    assert_string_equal(text, expected);
}

static void roles_are_those_that_statements_name(void **state)
{
    (void)state;
    add("ACL", "REVOKE ALL ON TABLE s.t FROM PUBLIC;\nGRANT SELECT(\"to\") ON TABLE s.t TO a;\n"
               "SET SESSION AUTHORIZATION \"B c\";\nGRANT ALL ON TABLE s.t TO \"d\"\"e\" WITH "
               "GRANT OPTION;\nRESET SESSION AUTHORIZATION;\n");
    add("DEFAULT ACL", "ALTER DEFAULT PRIVILEGES FOR ROLE f IN SCHEMA s GRANT SELECT ON TABLES TO "
                       "G;\n");
    add("POLICY", "CREATE POLICY p ON s.t FOR SELECT TO h, i USING ((x SIMILAR TO y));\n");
    add("POLICY", "CREATE POLICY q ON s.t USING (true);\n");
    add("USER MAPPING", "CREATE USER MAPPING FOR j SERVER s OPTIONS (\n    \"user\" 'for k'\n);\n");
    add("USER MAPPING", "CREATE USER MAPPING FOR PUBLIC SERVER s;\n");
    add("DATABASE PROPERTIES", "ALTER ROLE l IN DATABASE d SET work_mem TO '1MB';\n");
    add("COMMENT", "COMMENT ON TABLE s.t IS 'GRANT x TO y';\n");
    check(&needs.roles, "a|B c|d\"e|f|g|h|i|j|l");
}

/* What is not reserved stands without quotes: it is a keyword by its place alone. */
static void names_that_are_keywords_name_no_roles(void **state)
{
    (void)state;
    add("ACL", "GRANT SELECT ON TABLE by.by TO a;\nGRANT SELECT(role) ON TABLE s.by TO granted, by "
               "GRANTED BY role;\nREVOKE ALL ON SCHEMA granted FROM session;\n");
    add("DEFAULT ACL",
        "ALTER DEFAULT PRIVILEGES FOR ROLE b IN SCHEMA role GRANT SELECT ON TABLES TO "
        "\"public\";\n");
    add("DATABASE PROPERTIES", "ALTER ROLE c IN DATABASE role SET role TO 'reader';\n");
    add("DATABASE PROPERTIES", "ALTER DATABASE role SET role TO 'reader';\n");
    check(&needs.roles, "a|granted|by|role|session|b|public|c");
}

static void bodies_are_not_looked_into(void **state)
{
    (void)state;
    add("FUNCTION",
        "CREATE FUNCTION s.language(leakproof integer) RETURNS integer\n    LANGUAGE "
        "sql\n    BEGIN ATOMIC\n SELECT language FROM s.tr;\n SELECT language, leakproof "
        "FROM s.tr;\nEND;\n");
    add("FUNCTION", "CREATE FUNCTION s.return() RETURNS s.leakproof\n    LANGUAGE sql\n    RETURN "
                    "(SELECT 1) + language leakproof;\n");
    add("PUBLICATION", "CREATE PUBLICATION tables WITH (publish = 'insert');\n");
    add("CAST", "CREATE CAST (s.without AS b) WITH FUNCTION s.without(s.without);\n");
    check(&needs.languages, "sql");
    check(&needs.superuser, "");
}

static void owners_are_those_of_what_can_be_dropped(void **state)
{
    struct archive_entry table = {.dump_id = 1,
                                  .desc = "TABLE",
                                  .tag = "t",
                                  .schema = "s",
                                  .owner = "me",
                                  .drop = "DROP TABLE s.t;\n",
                                  .definition = "CREATE TABLE s.t ();\n",
                                  .tablespace = "fast",
                                  .access_method = "columnar"};
    struct archive_entry data = {.dump_id = 2, .desc = "TABLE DATA", .tag = "t", .owner = "you"};
    struct error err;

    (void)state;
    assert_true(restore_needs_add(&needs, &request, &table, SELECTED_DEFINITION, &err));
    assert_true(restore_needs_add(&needs, &request, &data, SELECTED_DATA, &err));
    check(&needs.owners, "me");
    check(&needs.tablespaces, "fast");
    check(&needs.access_methods, "columnar");
    check(&needs.kinds, "TABLE|TABLE DATA");
    assert_string_equal(needs.owners.items[0].first, "TABLE s.t");
    restore_needs_reset(&needs);
    request.no_owner = request.no_tablespaces = request.no_table_access_method = true;
    assert_true(restore_needs_add(&needs, &request, &table, SELECTED_DEFINITION, &err));
    check(&needs.owners, "");
    check(&needs.tablespaces, "");
    check(&needs.access_methods, "");
}

static void what_only_superusers_make_is_known(void **state)
{
    (void)state;
    add("FUNCTION", "CREATE FUNCTION s.f(integer) RETURNS integer\n    LANGUAGE sql\n    AS $$ "
                    "LANGUAGE c LEAKPROOF $$;\n");
    add("TYPE", "CREATE TYPE s.c AS (\n\tinput integer\n);\n");
    add("CAST", "CREATE CAST (a AS b) WITH FUNCTION s.f(a);\n");
    add("PUBLICATION", "CREATE PUBLICATION p WITH (publish = 'insert');\n");
    check(&needs.superuser, "");
    add("FUNCTION", "CREATE FUNCTION s.f(integer) RETURNS integer\n    LANGUAGE c STRICT\n    AS "
                    "'$libdir/f', 'f';\n");
    add("FUNCTION", "CREATE FUNCTION s.g() RETURNS integer\n    LANGUAGE plpgsql LEAKPROOF\n    AS "
                    "$$ $$;\n");
    add("TYPE", "CREATE TYPE s.b (\n    INTERNALLENGTH = 8,\n    INPUT = s.f\n);\n");
    add("CAST", "CREATE CAST (a AS b) WITHOUT FUNCTION;\n");
    add("PUBLICATION", "CREATE PUBLICATION p FOR ALL TABLES WITH (publish = 'insert');\n");
    add("EVENT TRIGGER", "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION s.f();\n");
    check(&needs.superuser, "functions in C and other untrusted languages|functions that are "
                            "LEAKPROOF|base types|casts without a function|publications of all "
                            "tables|event triggers");
}

static void providers_of_collations_are_known(void **state)
{
    (void)state;
    add("COLLATION", "CREATE COLLATION s.c (provider = libc, locale = 'icu');\n");
    check(&needs.icu, "");
    add("COLLATION", "CREATE COLLATION s.c (provider = icu, locale = 'de');\n");
    add("COLLATION", "CREATE COLLATION s.c (provider = builtin, locale = 'C');\n");
    check(&needs.icu, "it");
    check(&needs.builtin, "it");
}

static void versions_of_extensions_are_those_that_are_said(void **state)
{
    (void)state;
    add("EXTENSION", "CREATE EXTENSION IF NOT EXISTS it WITH SCHEMA version;\n");
    add("EXTENSION", "CREATE EXTENSION IF NOT EXISTS version WITH SCHEMA s;\n");
    check(&needs.versions, "");
    add("EXTENSION", "CREATE EXTENSION it WITH SCHEMA s VERSION '1.8';\n");
    add("EXTENSION", "CREATE EXTENSION it VERSION \"2.0\"\"\" CASCADE;\n");
    check(&needs.versions, "it--1.8|it--2.0\"");
    check(&needs.extensions, "it");
}

static void names_beyond_a_limit_are_counted(void **state)
{
    struct name_set set = {0};
    struct error err;
    char name[32];

    (void)state;
    for (size_t i = 0; i < NAME_SET_MOST + 5; i++) {
        snprintf(name, sizeof(name), "role %zu", i);
        assert_true(name_set_add(&set, name, NULL, &err));
    }
    assert_true(name_set_add(&set, "role 7", NULL, &err));
    assert_int_equal(set.count, NAME_SET_MOST);
    assert_int_equal(set.beyond, 5);
    assert_int_equal(set.items[7].times, 2);
    assert_true(name_set_has(&set, "role 9999"));
    assert_false(name_set_has(&set, "role 10001"));
    name_set_reset(&set);
    assert_false(name_set_has(&set, "role 7"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(roles_are_those_that_statements_name, begin, end),
        cmocka_unit_test_setup_teardown(names_that_are_keywords_name_no_roles, begin, end),
        cmocka_unit_test_setup_teardown(bodies_are_not_looked_into, begin, end),
        cmocka_unit_test_setup_teardown(owners_are_those_of_what_can_be_dropped, begin, end),
        cmocka_unit_test_setup_teardown(what_only_superusers_make_is_known, begin, end),
        cmocka_unit_test_setup_teardown(providers_of_collations_are_known, begin, end),
        cmocka_unit_test_setup_teardown(versions_of_extensions_are_those_that_are_said, begin, end),
        cmocka_unit_test(names_beyond_a_limit_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
