#include "restore/manifest_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const char manifest[] =
    "{\n  \"version\": 2, \"text\": \"a \\\"tablespaces\\\": [1], \\\\\",\n"
    "  \"cluster_system_identifier\": \"7711014182979184126\",\n"
    "  \"cluster_config\": {\"tablespaces\": [{\"name\": \"wrong\"}], \"x\": \"}\"},\n"
    "  \"tablespaces\": [\n"
    "    {\"name\": \"pg_default\", \"oid\": 1663, \"location\": \"\"},\n"
    "    {\"name\": \"fa\\\"st]\", \"oid\": \"16384\", \"location\": \"/srv/fast\"},\n"
    "    {\"name\": \"none\", \"location\": \"/srv/none\"}\n  ],\n"
    "  \"databases\": [{\"name\": \"app\", \"relations\": [1, 2, 3]}]\n}\n";

static void assert_facts(const struct manifest_facts *facts)
{
    assert_true(facts->has_identifier);
    assert_true(facts->system_identifier == 7711014182979184126u);
    assert_true(facts->has_tablespaces);
    assert_int_equal(facts->tablespace_count, 3);
    assert_string_equal(facts->tablespaces[1].name, "fa\"st]");
    assert_string_equal(facts->tablespaces[1].location, "/srv/fast");
    assert_int_equal(facts->tablespaces[1].oid, 16384);
    assert_int_equal(facts->tablespaces[2].oid, 0);
}

static void facts_are_found_wherever_the_pieces_are_cut(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= sizeof(manifest) - 1; cut++) {
        struct slice rest = slice_make(manifest, sizeof(manifest) - 1);
        struct slice head = slice_take(&rest, cut);
        struct manifest_facts facts;
        struct error err;

        manifest_facts_init(&facts);
        assert_true(manifest_facts_feed(&facts, head, &err));
        assert_true(manifest_facts_feed(&facts, rest, &err));
        assert_true(manifest_facts_finish(&facts, &err));
        assert_facts(&facts);
        manifest_facts_reset(&facts);
    }
}

static void what_is_not_a_manifest_gives_no_facts(void **state)
{
    static const char *const texts[] = {"",         "[]",
                                        "not json", "{\"tablespaces\": [",
                                        "{}",       "{\"tablespaces\": \"no array\"}",
                                        "}}}]]]",   "{\"tablespaces\": [}, \"databases\": []}"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct manifest_facts facts;
        struct error err;

        manifest_facts_init(&facts);
        assert_true(manifest_facts_feed(&facts, slice_string(texts[i]), &err));
        assert_true(manifest_facts_finish(&facts, &err));
        assert_false(facts.has_tablespaces);
        assert_false(facts.has_identifier);
        manifest_facts_reset(&facts);
    }
}

static void entries_of_another_shape_are_empty(void **state)
{
    static const char text[] = "{\"tablespaces\": [1, null, {\"name\": 5, \"oid\": -1}]}";
    struct manifest_facts facts;
    struct error err;

    (void)state;
    manifest_facts_init(&facts);
    assert_true(manifest_facts_feed(&facts, slice_string(text), &err));
    assert_true(manifest_facts_finish(&facts, &err));
    assert_int_equal(facts.tablespace_count, 3);
    assert_string_equal(facts.tablespaces[2].name, "");
    assert_int_equal(facts.tablespaces[2].oid, 0);
    manifest_facts_reset(&facts);
}

static void an_endless_list_of_tablespaces_is_an_error(void **state)
{
    struct manifest_facts facts;
    struct error err;
    uint8_t *blanks = malloc(MANIFEST_FACTS_MAX + 1);

    (void)state;
    assert_non_null(blanks);
    memset(blanks, ' ', MANIFEST_FACTS_MAX + 1);
    manifest_facts_init(&facts);
    assert_true(manifest_facts_feed(&facts, slice_string("{\"tablespaces\": ["), &err));
    assert_false(manifest_facts_feed(&facts, slice_make(blanks, MANIFEST_FACTS_MAX + 1), &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
    manifest_facts_reset(&facts);
    free(blanks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_found_wherever_the_pieces_are_cut),
        cmocka_unit_test(what_is_not_a_manifest_gives_no_facts),
        cmocka_unit_test(entries_of_another_shape_are_empty),
        cmocka_unit_test(an_endless_list_of_tablespaces_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
