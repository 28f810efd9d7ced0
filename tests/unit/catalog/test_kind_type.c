#include "kind_test.h"

#include "catalog/kinds/type.c"

#define TYPE [OID] = "7", [SCHEMA] = "s", [NAME] = "t", [OWNER] = "alice", [ARRAY] = "8"
#define QUOTED [OID] = "7", [SCHEMA] = "S", [NAME] = "T t", [OWNER] = "alice", [ARRAY] = "8"

static void an_enum_lists_its_labels(void **state)
{
    static const char *const plain[ENUM_COLUMNS] = {
        TYPE,
        [LABELS] = "\n    'a',\n    'b''c'",
        [ACL] = "{alice=U/alice}",
        [ACL_USUAL] = "{=U/alice,alice=U/alice}",
    };
    static const char *const empty[ENUM_COLUMNS] = {QUOTED};
    static const struct kind_case cases[] = {
        {"two labels, and privileges", plain,
         "== TYPE s t alice pre-data\n"
         "CREATE TYPE s.t AS ENUM (\n"
         "    'a',\n"
         "    'b''c'\n"
         ");\n"
         "-- DROP TYPE s.t;\n"
         "== ACL s TYPE t alice none\n"
         "REVOKE ALL ON TYPE s.t FROM PUBLIC;\n"
         "-- needs t\n"},
        {"none, and names in quotes", empty,
         "== TYPE S T t alice pre-data\n"
         "CREATE TYPE \"S\".\"T t\" AS ENUM (\n"
         ");\n"
         "-- DROP TYPE \"S\".\"T t\";\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_type, &enums, NULL, cases, 2);
}

static void a_composite_type_lists_its_columns(void **state)
{
    static const char *const plain[COMPOSITE_COLUMNS] = {
        TYPE, [ATTRIBUTES] = "\n    a integer,\n    \"B\" text COLLATE pg_catalog.\"C\"",
        [RELATION] = "9"};
    static const char *const empty[COMPOSITE_COLUMNS] = {QUOTED, [RELATION] = "9"};
    static const struct kind_case cases[] = {
        {"two columns", plain,
         "== TYPE s t alice pre-data\n"
         "CREATE TYPE s.t AS (\n"
         "    a integer,\n"
         "    \"B\" text COLLATE pg_catalog.\"C\"\n"
         ");\n"
         "-- DROP TYPE s.t;\n"},
        {"none", empty,
         "== TYPE S T t alice pre-data\n"
         "CREATE TYPE \"S\".\"T t\" AS (\n"
         ");\n"
         "-- DROP TYPE \"S\".\"T t\";\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_type, &composites, NULL, cases, 2);
}

static void a_range_says_what_is_not_usual(void **state)
{
    static const char *const plain[RANGE_COLUMNS] = {TYPE, [SUBTYPE] = "integer"};
    static const char *const with_all[RANGE_COLUMNS] = {
        TYPE,
        [SUBTYPE] = "text",
        [MULTIRANGE] = "11",
        [MULTIRANGE_NAME] = "s.many",
        [MULTIRANGE_ARRAY] = "12",
        [OPCLASS] = "pg_catalog.text_pattern_ops",
        [COLLATION] = "pg_catalog.\"C\"",
        [CANONICAL] = "s.canonical",
        [DIFFERENCE] = "s.difference",
    };
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== TYPE s t alice pre-data\n"
         "CREATE TYPE s.t AS RANGE (\n"
         "    subtype = integer\n"
         ");\n"
         "-- DROP TYPE s.t;\n"},
        {"all of it: a canonical function takes the shell", with_all,
         "== SHELL TYPE s t alice pre-data\n"
         "CREATE TYPE s.t;\n"
         "== TYPE s t alice pre-data\n"
         "CREATE TYPE s.t AS RANGE (\n"
         "    subtype = text,\n"
         "    multirange_type_name = s.many,\n"
         "    subtype_opclass = pg_catalog.text_pattern_ops,\n"
         "    collation = pg_catalog.\"C\",\n"
         "    canonical = s.canonical,\n"
         "    subtype_diff = s.difference\n"
         ");\n"
         "-- DROP TYPE s.t;\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_type, &ranges, NULL, cases, 2);
}

static void a_base_type_comes_behind_its_shell(void **state)
{
    static const char *const defined[BASE_COLUMNS] = {
        TYPE, [DEFINED] = "t", [ITEMS] = "INPUT = s.t_in,\n    OUTPUT = s.t_out"};
    static const char *const shell[BASE_COLUMNS] = {QUOTED, [DEFINED] = "f"};
    static const struct kind_case cases[] = {
        {"a whole one", defined,
         "== SHELL TYPE s t alice pre-data\n"
         "CREATE TYPE s.t;\n"
         "== TYPE s t alice pre-data\n"
         "CREATE TYPE s.t (\n"
         "    INPUT = s.t_in,\n"
         "    OUTPUT = s.t_out\n"
         ");\n"
         "-- DROP TYPE s.t CASCADE;\n"},
        {"one that was never more than a shell", shell,
         "== TYPE S T t alice pre-data\n"
         "CREATE TYPE \"S\".\"T t\";\n"
         "-- DROP TYPE \"S\".\"T t\";\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_type, &bases, NULL, cases, 2);
}

static void a_server_is_asked_for_what_it_has(void **state)
{
    (void)state;
    kind_test_asks(&ranges, 14, 18, "r.rngmultitypid");
    kind_test_asks(&bases, 14, 18, "t.typsubscript");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_asked_for_what_it_has),
        cmocka_unit_test(an_enum_lists_its_labels),
        cmocka_unit_test(a_composite_type_lists_its_columns),
        cmocka_unit_test(a_range_says_what_is_not_usual),
        cmocka_unit_test(a_base_type_comes_behind_its_shell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
