#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/catalog_internal.h"

#include <stdlib.h>

static const struct catalog_kind table = {
    .desc = "TABLE", .section = SECTION_PRE_DATA, .priority = PRIORITY_RELATION};

/* What GRANT and REVOKE make of the owner's usual ones. NULL: no entry. */
static void expect(const char *acl, const char *usual, const char *expected)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));
    struct privileges privileges = {.acl = acl, .usual = usual, .on = "TABLE", .type = 'r'};
    struct catalog_object *object;
    struct error err;
    const char *text;

    assert_non_null(catalog);
    catalog->major = 15;
    catalog->texts = text_store_new(&err);
    object = catalog_add(catalog, &table, 1, 1, "s", "t", "o", &err);
    assert_true(privileges_add(catalog, object, &privileges, &err));
    if (expected == NULL) {
        assert_null(object->extras);
    } else {
        assert_non_null(object->extras);
        assert_true(catalog_get_text(catalog, object->extras->text, &text, &err));
        assert_string_equal(text, expected);
    }
    catalog_free(catalog);
}

static void equal_lists_need_no_entry(void **state)
{
    (void)state;
    expect(NULL, "{o=arwdDxt/o}", NULL);
    expect("{o=arwdDxt/o}", "{o=arwdDxt/o}", NULL);
}

static void grants_follow_revokes_and_the_owner_comes_first(void **state)
{
    (void)state;
    expect("{b=r/o,o=r/o}", "{o=arwdDxt/o}",
           "REVOKE ALL ON TABLE s.t FROM o;\n"
           "GRANT SELECT ON TABLE s.t TO o;\n"
           "GRANT SELECT ON TABLE s.t TO b;\n");
    expect("{}", "{o=arwdDxt/o}", "REVOKE ALL ON TABLE s.t FROM o;\n");
    expect("{o=arwdDxt/o,=r/o}", "{o=arwdDxt/o}", "GRANT SELECT ON TABLE s.t TO PUBLIC;\n");
    expect("{o=arwdDxt/o,b=a*r*w*d*D*x*t*/o}", "{o=arwdDxt/o}",
           "GRANT ALL ON TABLE s.t TO b WITH GRANT OPTION;\n");
}

static void names_of_roles_may_hold_anything(void **state)
{
    (void)state;
    expect("{o=arwdDxt/o,\"\\\"a\\\"\\\"b=/,c\\\"=r/o\"}", "{o=arwdDxt/o}",
           "GRANT SELECT ON TABLE s.t TO \"a\"\"b=/,c\";\n");
}

static void another_grantor_grants_in_its_own_name(void **state)
{
    (void)state;
    expect("{o=arwdDxt/o,b=r*/o,c=r/b}", "{o=arwdDxt/o}",
           "GRANT SELECT ON TABLE s.t TO b WITH GRANT OPTION;\n"
           "SET SESSION AUTHORIZATION b;\n"
           "GRANT SELECT ON TABLE s.t TO c;\n"
           "RESET SESSION AUTHORIZATION;\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_lists_need_no_entry),
        cmocka_unit_test(grants_follow_revokes_and_the_owner_comes_first),
        cmocka_unit_test(names_of_roles_may_hold_anything),
        cmocka_unit_test(another_grantor_grants_in_its_own_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
