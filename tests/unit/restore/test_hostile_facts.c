/* Facts of a backup that was made to hurt: too many of them. */
#include "restore/manifest_facts.h"
#include "restore/tablespace_links.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void feed(struct manifest_facts *facts, const char *text)
{
    struct error err;

    assert_true(manifest_facts_feed(facts, slice_string(text), &err));
}

static void a_list_of_too_many_values_gives_no_facts(void **state)
{
    struct manifest_facts facts;
    struct error err;

    (void)state;
    manifest_facts_init(&facts);
    feed(&facts, "{\"cluster_system_identifier\": \"7\", \"tablespaces\": [");
    for (int i = 0; i < 60000; i++)
        feed(&facts, "{},");
    feed(&facts, "{}]}");
    assert_true(manifest_facts_finish(&facts, &err));
    assert_true(facts.has_identifier);
    assert_false(facts.has_tablespaces);
    manifest_facts_reset(&facts);
}

static void more_than_a_thousand_tablespaces_are_refused(void **state)
{
    struct tablespace_set set;
    struct error err;

    (void)state;
    memset(&set, 0, sizeof(set));
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(tablespace_set_in_place(&set, 16384 + i, &err));
    assert_true(tablespace_set_in_place(&set, 16384, &err));
    assert_false(tablespace_set_in_place(&set, 1, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
    tablespace_set_reset(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_too_many_values_gives_no_facts),
        cmocka_unit_test(more_than_a_thousand_tablespaces_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
