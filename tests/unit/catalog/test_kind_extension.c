#include "kind_test.h"

#include "catalog/kinds/extension.c"

static const char *const plain[] = {[OID] = "20000", [NAME] = "hstore", [SCHEMA] = "public"};
static const char *const quoted[] = {[OID] = "20000", [NAME] = "uuid-ossp", [SCHEMA] = "My s"};
static const char *const everywhere[] = {
    [OID] = "13000", [NAME] = "plpgsql", [SCHEMA] = "pg_catalog"};

static void an_extension_is_made_in_its_schema(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== EXTENSION - hstore - pre-data\n"
         "CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public;\n"
         "-- DROP EXTENSION hstore;\n"},
        {"names in quotes", quoted,
         "== EXTENSION - uuid-ossp - pre-data\n"
         "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA \"My s\";\n"
         "-- DROP EXTENSION \"uuid-ossp\";\n"},
        {"initdb makes plpgsql", everywhere, ""},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_extension, &extensions, NULL, cases, 3);
}

static void a_member_stands_for_it(void **state)
{
    static const char *const member[] = {
        [MEMBER_CLASS] = "1259", [MEMBER_OID] = "20001", [EXTENSION] = "20000"};
    struct kind_test *test = kind_test_new(18);
    const struct catalog_object *found;

    (void)state;
    kind_test_row(test, &extensions, plain);
    kind_test_row(test, &members, member);
    kind_test_step(test, &catalog_step_extension);
    found = catalog_find(kind_test_catalog(test), CLASS_RELATION, 20001);
    assert_non_null(found);
    assert_string_equal(found->name, "hstore");
    kind_test_expect(test, "== EXTENSION - hstore - pre-data\n"
                           "CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public;\n"
                           "-- DROP EXTENSION hstore;\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_extension_is_made_in_its_schema),
        cmocka_unit_test(a_member_stands_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
