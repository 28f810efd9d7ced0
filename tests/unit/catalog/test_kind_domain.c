#include "kind_test.h"

#include "catalog/kinds/domain.c"

#define DOMAIN_ [OID] = "7", [SCHEMA] = "s", [NAME] = "d", [OWNER] = "alice", [ARRAY] = "8"

static const char *const plain[COLUMNS] = {DOMAIN_, [BASE] = "integer"};
static const char *const with_all[COLUMNS] = {
    DOMAIN_,
    [BASE] = "character varying(5)",
    [COLLATION] = "pg_catalog.\"C\"",
    [NOT_NULL] = "t",
    [DEFAULT] = "'x'::character varying",
    [ACL] = "{alice=U/alice}",
    [ACL_USUAL] = "{=U/alice,alice=U/alice}",
};
static const char *const quoted[COLUMNS] = {
    [OID] = "7", [SCHEMA] = "A b", [NAME] = "D", [OWNER] = "alice", [BASE] = "text"};

static void a_domain_says_what_its_type_does_not(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== DOMAIN s d alice pre-data\n"
         "CREATE DOMAIN s.d AS integer;\n"
         "-- DROP DOMAIN s.d;\n"},
        {"collation, NOT NULL, default, privileges", with_all,
         "== DOMAIN s d alice pre-data\n"
         "CREATE DOMAIN s.d AS character varying(5) COLLATE pg_catalog.\"C\" NOT NULL DEFAULT "
         "'x'::character varying;\n"
         "-- DROP DOMAIN s.d;\n"
         "== ACL s TYPE d alice none\n"
         "REVOKE ALL ON TYPE s.d FROM PUBLIC;\n"
         "-- needs d\n"},
        {"names in quotes", quoted,
         "== DOMAIN A b D alice pre-data\n"
         "CREATE DOMAIN \"A b\".\"D\" AS text;\n"
         "-- DROP DOMAIN \"A b\".\"D\";\n"},
    };

    (void)state;
    kind_test_cases(16, &catalog_step_domain, &domains, NULL, cases, 3);
}

static void constraints_are_in_it_by_name_and_late_ones_behind_the_data(void **state)
{
    static const char *const positive[] = {[CONSTRAINT] = "20",
                                           [DOMAIN] = "7",
                                           [CONSTRAINT_NAME] = "positive",
                                           [DEFINITION] = "CHECK ((VALUE > 0))",
                                           [VALIDATED] = "t"};
    static const char *const even[] = {[CONSTRAINT] = "21",
                                       [DOMAIN] = "7",
                                       [CONSTRAINT_NAME] = "Even",
                                       [DEFINITION] = "CHECK (((VALUE % 2) = 0))",
                                       [VALIDATED] = "t"};
    static const char *const late[] = {[CONSTRAINT] = "22",
                                       [DOMAIN] = "7",
                                       [CONSTRAINT_NAME] = "late",
                                       [DEFINITION] = "CHECK ((VALUE < 9)) NOT VALID",
                                       [VALIDATED] = "f"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &domains, plain);
    kind_test_row(test, &constraints, positive);
    kind_test_row(test, &constraints, even);
    kind_test_row(test, &constraints, late);
    kind_test_step(test, &catalog_step_domain);
    kind_test_expect(test, "== DOMAIN s d alice pre-data\n"
                           "CREATE DOMAIN s.d AS integer\n"
                           "    CONSTRAINT \"Even\" CHECK (((VALUE % 2) = 0))\n"
                           "    CONSTRAINT positive CHECK ((VALUE > 0));\n"
                           "-- DROP DOMAIN s.d;\n"
                           "== CHECK CONSTRAINT s d late alice post-data\n"
                           "ALTER DOMAIN s.d ADD CONSTRAINT late CHECK ((VALUE < 9)) NOT VALID;\n"
                           "-- ALTER DOMAIN s.d DROP CONSTRAINT late;\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_says_what_its_type_does_not),
        cmocka_unit_test(constraints_are_in_it_by_name_and_late_ones_behind_the_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
