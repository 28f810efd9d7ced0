#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>

#include "manifest/manifest_decoder.h"

#define ALL_LISTS (MANIFEST_DATABASES | MANIFEST_TABLESPACES | MANIFEST_UNAVAILABLE)

static const char manifest[] =
    "{\n  \"version\": 2,\n  \"connector\": \"postgresql+bin\",\n"
    "  \"text\": \"a \\\"tablespaces\\\": [1], \\\\\",\n"
    "  \"server_version_num\": 150018,\n"
    "  \"cluster_system_identifier\": \"7711014182979184126\",\n"
    "  \"options\": {\n    \"digest\": \"sha256\",\n    \"manifest_checksums\": \"sha256\"\n  },\n"
    "  \"cluster_config\": {\"tablespaces\": [{\"name\": \"wrong\"}], \"x\": \"}\"},\n"
    "  \"tablespaces\": [\n"
    "    {\"name\": \"pg_default\", \"oid\": 1663, \"location\": \"\"},\n"
    "    {\"name\": \"fa\\\"st]\", \"oid\": \"16384\", \"location\": \"/srv/fast\"},\n"
    "    {\"name\": \"none\", \"location\": \"/srv/none\"}\n  ],\n"
    "  \"databases\": [\n"
    "    {\"name\": \"app\", \"relations\": [{\"kind\": \"r\", \"row_estimate\": 7}, {}]},\n"
    "    {\"name\": \"template1\", \"is_template\": true}\n  ],\n"
    "  \"unavailable\": [\n    {\"field\": \"roles\", \"reason\": \"no right\"}\n  ]\n}\n";

static struct manifest_decoder *decoder_of(unsigned lists)
{
    struct error err;
    struct manifest_decoder *decoder = manifest_decoder_new(lists, &err);

    assert_non_null(decoder);
    return decoder;
}

static void feed(struct manifest_decoder *decoder, const char *text)
{
    struct error err;

    assert_true(manifest_decoder_feed(decoder, slice_string(text), &err));
}

static void assert_facts(const struct manifest_facts *facts)
{
    assert_int_equal(facts->kind, MANIFEST_PHYSICAL);
    assert_true(facts->options_known);
    assert_int_equal(facts->summary_digest, DIGEST_SHA256);
    assert_int_equal(facts->backup_manifest_digest, DIGEST_SHA256);
    assert_true(facts->has_identifier);
    assert_true(facts->system_identifier == 7711014182979184126u);
    assert_int_equal(json_integer_value(json_object_get(facts->head, "server_version_num")),
                     150018);
    assert_null(json_object_get(facts->head, "text"));
    assert_true(facts->has_tablespaces);
    assert_int_equal(facts->tablespace_count, 3);
    assert_string_equal(facts->tablespaces[1].name, "fa\"st]");
    assert_string_equal(facts->tablespaces[1].location, "/srv/fast");
    assert_int_equal(facts->tablespaces[1].oid, 16384);
    assert_int_equal(facts->tablespaces[2].oid, 0);
    assert_int_equal(facts->database_count, 2);
    assert_string_equal(facts->databases[0].name, "app");
    assert_true(facts->databases[0].looked_into);
    assert_int_equal(facts->databases[0].relations, 2);
    assert_int_equal(facts->databases[0].tables, 1);
    assert_true(facts->databases[0].rows == 7);
    assert_false(facts->databases[1].looked_into);
    assert_int_equal(facts->unavailable_count, 1);
    assert_string_equal(facts->unavailable[0].reason, "no right");
}

static void facts_are_found_wherever_the_pieces_are_cut(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= sizeof(manifest) - 1; cut++) {
        struct manifest_decoder *decoder = decoder_of(ALL_LISTS);
        struct slice rest = slice_make(manifest, sizeof(manifest) - 1);
        struct slice head = slice_take(&rest, cut);
        struct error err;

        assert_true(manifest_decoder_feed(decoder, head, &err));
        assert_true(manifest_decoder_feed(decoder, rest, &err));
        assert_true(manifest_decoder_finish(decoder, &err));
        assert_facts(manifest_decoder_facts(decoder));
        manifest_decoder_free(decoder);
    }
}

static void a_list_that_nobody_wants_is_not_kept(void **state)
{
    struct manifest_decoder *decoder = decoder_of(MANIFEST_TABLESPACES);
    const struct manifest_facts *facts = manifest_decoder_facts(decoder);

    (void)state;
    feed(decoder, manifest);
    assert_int_equal(facts->tablespace_count, 3);
    assert_int_equal(facts->database_count, 0);
    assert_int_equal(facts->unavailable_count, 0);
    manifest_decoder_free(decoder);
}

static void what_is_not_a_manifest_gives_no_facts(void **state)
{
    static const struct {
        const char *text;
        bool is_json;
    } cases[] = {{"", false},         {"[]", true},
                 {"not json", false}, {"{\"tablespaces\": [", false},
                 {"{}", true},        {"{\"tablespaces\": \"no array\"}", true},
                 {"}}}]]]", false},   {"{\"tablespaces\": [}, \"databases\": []}", false}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct manifest_decoder *decoder = decoder_of(ALL_LISTS);
        const struct manifest_facts *facts = manifest_decoder_facts(decoder);
        struct error err;
        bool whole;

        whole = manifest_decoder_feed(decoder, slice_string(cases[i].text), &err);
        if (!whole)
            assert_int_equal(err.code, ERROR_CORRUPT);
        if (!manifest_decoder_finish(decoder, &err)) {
            assert_int_equal(err.code, ERROR_CORRUPT);
            whole = false;
        }
        if (whole != cases[i].is_json)
            fail_msg("%s", cases[i].text);
        assert_false(facts->has_tablespaces);
        assert_false(facts->has_identifier);
        assert_int_equal(facts->kind, MANIFEST_UNKNOWN);
        assert_int_equal(facts->summary_digest, DIGEST_XXH3_128);
        assert_int_equal(facts->backup_manifest_digest, DIGEST_CRC32C);
        manifest_decoder_free(decoder);
    }
}

static void entries_of_another_shape_are_empty(void **state)
{
    struct manifest_decoder *decoder = decoder_of(ALL_LISTS);
    const struct manifest_facts *facts = manifest_decoder_facts(decoder);
    struct error err;

    (void)state;
    feed(decoder, "{\"tablespaces\": [1, [[]], {\"name\": 5, \"oid\": -1, \"location\": {}}]}");
    assert_true(manifest_decoder_finish(decoder, &err));
    assert_true(facts->has_tablespaces);
    assert_int_equal(facts->tablespace_count, 3);
    assert_null(facts->tablespaces[2].name);
    assert_null(facts->tablespaces[2].location);
    assert_int_equal(facts->tablespaces[2].oid, 0);
    manifest_decoder_free(decoder);
}

static void of_a_list_that_comes_twice_the_last_one_counts(void **state)
{
    struct manifest_decoder *decoder = decoder_of(ALL_LISTS);
    const struct manifest_facts *facts = manifest_decoder_facts(decoder);

    (void)state;
    feed(decoder, "{\"tablespaces\": [{\"name\": \"one\"}, {}], \"tablespaces\": [");
    assert_false(facts->has_tablespaces);
    feed(decoder, "{\"name\": \"two\"}]}");
    assert_true(facts->has_tablespaces);
    assert_int_equal(facts->tablespace_count, 1);
    assert_string_equal(facts->tablespaces[0].name, "two");
    manifest_decoder_free(decoder);
}

static void a_list_without_end_is_cut(void **state)
{
    struct manifest_decoder *decoder = decoder_of(ALL_LISTS);
    const struct manifest_facts *facts = manifest_decoder_facts(decoder);
    struct error err;

    (void)state;
    feed(decoder, "{\"cluster_system_identifier\": \"7\", \"tablespaces\": [");
    for (int i = 0; i < 60000; i++)
        feed(decoder, "{},");
    feed(decoder, "{}]}");
    assert_true(manifest_decoder_finish(decoder, &err));
    assert_true(facts->has_identifier);
    assert_false(facts->has_tablespaces);
    assert_true(facts->tablespace_count < 60000);
    manifest_decoder_free(decoder);
}

static void a_value_without_end_takes_no_memory(void **state)
{
    struct manifest_decoder *decoder = decoder_of(ALL_LISTS);
    const struct manifest_facts *facts = manifest_decoder_facts(decoder);
    size_t len = (size_t)4 << 20;
    uint8_t *filler = malloc(len);
    struct error err;

    (void)state;
    assert_non_null(filler);
    memset(filler, 'x', len);
    feed(decoder, "{\"connector\": \"postgresql\", \"tablespaces\": [{\"name\": \"");
    assert_true(manifest_decoder_feed(decoder, slice_make(filler, len), &err));
    feed(decoder, "\"}, ");
    memset(filler, ' ', len);
    assert_true(manifest_decoder_feed(decoder, slice_make(filler, len), &err));
    feed(decoder, "{}]}");
    assert_true(manifest_decoder_finish(decoder, &err));
    assert_int_equal(facts->kind, MANIFEST_LOGICAL);
    assert_int_equal(facts->tablespace_count, 2);
    assert_true(strlen(facts->tablespaces[0].name) < 5000);
    manifest_decoder_free(decoder);
    free(filler);
}

/* Each byte in turn is another one: what lies on other lines than the damage is still read. */
static void damage_hides_no_more_than_its_own_member(void **state)
{
    static char damaged[sizeof(manifest)];
    const char *options = strstr(manifest, "  \"options\"");
    const char *behind = strstr(manifest, "  \"cluster_config\"");

    (void)state;
    for (size_t i = 0; i < sizeof(manifest) - 1; i++) {
        struct manifest_decoder *decoder = decoder_of(ALL_LISTS);
        const struct manifest_facts *facts = manifest_decoder_facts(decoder);
        struct error err;

        memcpy(damaged, manifest, sizeof(manifest));
        damaged[i] = '\1';
        if (!manifest_decoder_feed(decoder, slice_string(damaged), &err)) {
            assert_int_equal(err.code, ERROR_CORRUPT);
            assert_false(manifest_decoder_finish(decoder, &err));
        }
        if (manifest + i < options - 1 || manifest + i > behind) {
            assert_true(facts->options_known);
            assert_int_equal(facts->summary_digest, DIGEST_SHA256);
            assert_int_equal(facts->backup_manifest_digest, DIGEST_SHA256);
        }
        if (manifest + i < behind)
            assert_int_equal(facts->tablespace_count, 3);
        manifest_decoder_free(decoder);
    }
}

static void the_error_names_the_first_damage(void **state)
{
    struct manifest_decoder *decoder = decoder_of(0);
    struct error err;

    (void)state;
    assert_false(manifest_decoder_feed(decoder, slice_string("{\n  x,\n  \"y\": z\n}"), &err));
    assert_string_equal(err.message, "manifest.json: not valid JSON at byte 4");
    assert_false(manifest_decoder_finish(decoder, &err));
    assert_string_equal(err.message, "manifest.json: not valid JSON at byte 4");
    manifest_decoder_free(decoder);
}

static const char logical[] =
    "{\n  \"connector\": \"postgresql\",\n  \"options\": {\"compress\": true, \"digest\": "
    "\"sha256\"},\n"
    "  \"layout\": \"tables\",\n  \"partial\": true,\n  \"verifiers\": false,\n"
    "  \"without_summary\": true,\n"
    "  \"archive_names\": [\"app\", 7, \"a%2Fb\", {\"x\": \"y\"}],\n"
    "  \"filters\": {\"schemas\": [\"a*\", \"\\\"b\\\"\"], \"x\": {\"y\": [1]}, \"data_only\": "
    "true, \"where\": [{\"table\": \"a\", \"condition\": \"b\"}, {\"table\": \"c\"}]},\n"
    "  \"databases\": [\n"
    "    {\"name\": \"app\", \"backed_up\": true, \"same_snapshot\": false, \"relations\": [{}]},\n"
    "    {\"name\": \"old\", \"backed_up\": false},\n"
    "    {\"name\": \"template1\", \"is_template\": true, \"backed_up\": true,\n"
    "     \"same_snapshot\": true}\n  ]\n}\n";

static void a_logical_backup_says_what_is_in_it(void **state)
{
    struct manifest_decoder *decoder = decoder_of(MANIFEST_DATABASES);
    const struct manifest_facts *facts = manifest_decoder_facts(decoder);
    const json_t *schemas, *where;
    struct error err;

    (void)state;
    assert_int_equal(facts->layout, LOGICAL_CLASSIC);
    for (size_t i = 0; i < sizeof(logical) - 1; i++)
        assert_true(manifest_decoder_feed(decoder, slice_make(logical + i, 1), &err));
    assert_true(manifest_decoder_finish(decoder, &err));
    assert_int_equal(facts->kind, MANIFEST_LOGICAL);
    assert_int_equal(facts->layout, LOGICAL_TABLES);
    assert_true(facts->without_summary);
    assert_true(json_is_true(json_object_get(facts->head, "partial")));
    assert_true(json_is_false(json_object_get(facts->head, "verifiers")));
    where = json_object_get(json_object_get(facts->head, "filters"), "where");
    assert_int_equal(json_array_size(where), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(where, 0), "condition")),
                        "b");
    assert_string_equal(json_string_value(json_object_get(json_array_get(where, 1), "table")), "c");
    assert_true(
        json_is_true(json_object_get(json_object_get(facts->head, "filters"), "data_only")));
    schemas = json_object_get(json_object_get(facts->head, "filters"), "schemas");
    assert_int_equal(json_array_size(schemas), 2);
    assert_string_equal(json_string_value(json_array_get(schemas, 1)), "\"b\"");
    assert_int_equal(json_array_size(facts->archive_names), 2);
    assert_string_equal(json_string_value(json_array_get(facts->archive_names, 0)), "app");
    assert_string_equal(json_string_value(json_array_get(facts->archive_names, 1)), "a%2Fb");
    assert_true(facts->databases[0].share_known && facts->databases[0].backed_up);
    assert_false(facts->databases[0].same_snapshot);
    assert_true(facts->databases[1].share_known && !facts->databases[1].backed_up);
    assert_false(facts->databases[1].looked_into);
    assert_true(facts->databases[2].same_snapshot && facts->databases[2].looked_into);
    manifest_decoder_free(decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_logical_backup_says_what_is_in_it),
        cmocka_unit_test(facts_are_found_wherever_the_pieces_are_cut),
        cmocka_unit_test(a_list_that_nobody_wants_is_not_kept),
        cmocka_unit_test(what_is_not_a_manifest_gives_no_facts),
        cmocka_unit_test(entries_of_another_shape_are_empty),
        cmocka_unit_test(of_a_list_that_comes_twice_the_last_one_counts),
        cmocka_unit_test(a_list_without_end_is_cut),
        cmocka_unit_test(a_value_without_end_takes_no_memory),
        cmocka_unit_test(damage_hides_no_more_than_its_own_member),
        cmocka_unit_test(the_error_names_the_first_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
