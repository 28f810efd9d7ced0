#include "restore/tablespace_links.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* A data directory /data, and a set over it that tests change as they like. */
struct fixture {
    struct scratch scratch;
    struct folder data;
    struct tablespace_mapping mappings[4];
    struct physical_restore_options options;
    struct directory_writer_options writing;
    struct tablespace_set set;
    struct error err;
};

static int set_up(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));

    scratch_init(&fixture->scratch);
    scratch_mkdir(&fixture->scratch, "data");
    assert_true(
        folder_resolve(scratch_path(&fixture->scratch, "data"), &fixture->data, &fixture->err));
    fixture->options.mappings = fixture->mappings;
    fixture->writing.no_sync = true;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    tablespace_set_reset(&fixture->set);
    scratch_remove(&fixture->scratch);
    test_free(fixture);
    return 0;
}

static void map(struct fixture *fixture, const char *old, const char *new)
{
    fixture->mappings[fixture->options.mapping_count++] =
        (struct tablespace_mapping){.old_location = old, .new_location = new};
}

static bool begin(struct fixture *fixture, bool replace)
{
    return tablespace_set_init(&fixture->set, &fixture->data, replace, &fixture->options,
                               &fixture->writing, &fixture->err);
}

static bool resolve(struct fixture *fixture, const char *manifest)
{
    struct manifest_decoder *decoder = manifest_decoder_new(MANIFEST_TABLESPACES, &fixture->err);
    bool ok;

    assert_non_null(decoder);
    ok = manifest_decoder_feed(decoder, slice_string(manifest), &fixture->err) &&
         manifest_decoder_finish(decoder, &fixture->err) &&
         tablespace_set_resolve(&fixture->set, manifest_decoder_facts(decoder), &fixture->err);
    manifest_decoder_free(decoder);
    return ok;
}

static const char manifest[] =
    "{\"tablespaces\":[{\"name\":\"pg_default\",\"oid\":1663,\"location\":\"\"},"
    "{\"name\":\"fast\",\"oid\":16384,\"location\":\"/srv/fast\"},"
    "{\"name\":\"slow\",\"oid\":16385,\"location\":\"/srv/slow\"}]}";

static void an_oid_is_a_number_without_leading_zeros(void **state)
{
    uint32_t oid = 0;

    (void)state;
    assert_true(tablespace_oid_parse("4294967295", 10, &oid));
    assert_int_equal(oid, UINT32_MAX);
    assert_false(tablespace_oid_parse("4294967296", 10, &oid));
    assert_false(tablespace_oid_parse("0", 1, &oid));
    assert_false(tablespace_oid_parse("016384", 6, &oid));
    assert_false(tablespace_oid_parse("", 0, &oid));
    assert_false(tablespace_oid_parse("-1", 2, &oid));
    assert_false(tablespace_oid_parse("16384x", 6, &oid));
}

static void a_tablespace_goes_beside_the_data_directory_by_default(void **state)
{
    struct fixture *fixture = *state;
    struct tablespace *tablespace = NULL;

    assert_true(begin(fixture, false));
    assert_true(tablespace_set_use(&fixture->set, 16384, &tablespace, &fixture->err));

    assert_string_equal(tablespace->place.path,
                        scratch_path(&fixture->scratch, "data.tablespaces/16384"));
    assert_int_equal(scratch_mode(&fixture->scratch, "data.tablespaces"), 0700);
    assert_int_equal(scratch_mode(&fixture->scratch, "data.tablespaces/16384"), 0700);
}

static void a_mapping_takes_an_oid_a_name_or_a_location(void **state)
{
    static const char *const olds[] = {"16384", "fast", "/srv/fast", "/srv/fast/"};
    struct fixture *fixture = *state;

    map(fixture, NULL, scratch_path(&fixture->scratch, "new"));
    for (size_t i = 0; i < sizeof(olds) / sizeof(olds[0]); i++) {
        struct tablespace *tablespace = NULL;

        fixture->mappings[0].old_location = olds[i];
        assert_true(begin(fixture, false));
        assert_true(resolve(fixture, manifest));
        assert_true(tablespace_set_use(&fixture->set, 16384, &tablespace, &fixture->err));
        assert_string_equal(tablespace->place.path, scratch_path(&fixture->scratch, "new"));
        assert_true(tablespace_set_check_used(&fixture->set, &fixture->err));
        assert_true(tablespace_set_undo(&fixture->set, &fixture->err));
        assert_false(scratch_exists(&fixture->scratch, "new"));
        tablespace_set_reset(&fixture->set);
    }
}

static void an_unknown_tablespace_is_an_error_that_lists_the_known_ones(void **state)
{
    struct fixture *fixture = *state;

    map(fixture, "/srv/fats", scratch_path(&fixture->scratch, "new"));
    assert_true(begin(fixture, false));

    assert_false(resolve(fixture, manifest));
    assert_int_equal(fixture->err.code, ERROR_USAGE);
    assert_non_null(strstr(fixture->err.message, "/srv/fats"));
    assert_non_null(strstr(fixture->err.hint, "fast (/srv/fast), slow (/srv/slow)"));
}

static void a_tablespace_inside_the_data_directory_cannot_be_mapped(void **state)
{
    struct fixture *fixture = *state;

    map(fixture, "pg_default", scratch_path(&fixture->scratch, "new"));
    assert_true(begin(fixture, false));

    assert_false(resolve(fixture, manifest));
    assert_int_equal(fixture->err.code, ERROR_USAGE);
}

static void without_oids_in_the_manifest_only_an_oid_can_be_mapped(void **state)
{
    static const char no_oids[] =
        "{\"tablespaces\":[{\"name\":\"fast\",\"location\":\"/srv/fast\"}]}";
    struct fixture *fixture = *state;

    map(fixture, "fast", scratch_path(&fixture->scratch, "new"));
    assert_true(begin(fixture, false));
    assert_false(resolve(fixture, no_oids));
    assert_non_null(strstr(fixture->err.hint, "OID"));

    fixture->set.plans[0].old_location = "16384";
    assert_true(resolve(fixture, no_oids));
    assert_true(resolve(fixture, "{}"));
}

static void a_mapping_that_nothing_used_is_an_error(void **state)
{
    struct fixture *fixture = *state;

    map(fixture, "99999", scratch_path(&fixture->scratch, "new"));
    assert_true(begin(fixture, false));
    assert_true(resolve(fixture, "{}"));

    assert_false(tablespace_set_check_used(&fixture->set, &fixture->err));
    assert_non_null(strstr(fixture->err.message, "99999"));
}

static void a_mapping_cannot_be_used_before_the_manifest_came(void **state)
{
    struct fixture *fixture = *state;
    struct tablespace *tablespace;

    map(fixture, "fast", scratch_path(&fixture->scratch, "new"));
    assert_true(begin(fixture, false));

    assert_false(tablespace_set_use(&fixture->set, 16384, &tablespace, &fixture->err));
    assert_int_equal(fixture->err.code, ERROR_CORRUPT);
}

static void refuse_place(struct fixture *fixture, const char *new, enum error_code code)
{
    fixture->options.mapping_count = 0;
    map(fixture, "16384", new);
    assert_false(begin(fixture, false));
    assert_int_equal(fixture->err.code, code);
    tablespace_set_reset(&fixture->set);
}

static void unsuitable_places_are_refused_before_anything_is_read(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    scratch_mkdir(scratch, "full");
    scratch_write(scratch, "full/file", "x");
    scratch_link(scratch, "nowhere", "dangling");
    scratch_link(scratch, "data", "alias");

    refuse_place(fixture, "relative/path", ERROR_USAGE);
    refuse_place(fixture, "", ERROR_USAGE);
    refuse_place(fixture, "/", ERROR_REFUSED);
    refuse_place(fixture, scratch_path(scratch, "data"), ERROR_REFUSED);
    refuse_place(fixture, scratch_path(scratch, "data/inside"), ERROR_REFUSED);
    refuse_place(fixture, scratch_path(scratch, "alias/inside"), ERROR_REFUSED);
    refuse_place(fixture, scratch_path(scratch, "."), ERROR_REFUSED);
    refuse_place(fixture, scratch_path(scratch, "full"), ERROR_REFUSED);
    refuse_place(fixture, scratch_path(scratch, "full/file"), ERROR_REFUSED);
    refuse_place(fixture, scratch_path(scratch, "dangling"), ERROR_REFUSED);
    refuse_place(fixture, scratch_path(scratch, "no/parent"), ERROR_IO);
}

static void two_mappings_may_not_share_a_place_or_a_tablespace(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    map(fixture, "fast", scratch_path(scratch, "new"));
    map(fixture, "slow", scratch_path(scratch, "new"));
    assert_false(begin(fixture, false));
    tablespace_set_reset(&fixture->set);

    scratch_mkdir(scratch, "new");
    fixture->mappings[1].new_location = scratch_path(scratch, "new/inner");
    assert_false(begin(fixture, false));
    tablespace_set_reset(&fixture->set);

    fixture->mappings[1] = (struct tablespace_mapping){"16384", scratch_path(scratch, "other")};
    assert_true(begin(fixture, false));
    assert_false(resolve(fixture, manifest));
    assert_non_null(strstr(fixture->err.message, "same tablespace"));
}

static void a_default_place_inside_a_mapped_one_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct tablespace *tablespace;

    map(fixture, "fast", scratch_path(&fixture->scratch, "data.tablespaces"));
    assert_true(begin(fixture, false));
    assert_true(resolve(fixture, manifest));

    assert_false(tablespace_set_use(&fixture->set, 16385, &tablespace, &fixture->err));
    assert_int_equal(fixture->err.code, ERROR_REFUSED);
    assert_true(tablespace_set_undo(&fixture->set, &fixture->err));
    assert_false(scratch_exists(&fixture->scratch, "data.tablespaces"));
}

static void an_occupied_default_place_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct tablespace *tablespace;

    scratch_mkdir(&fixture->scratch, "data.tablespaces");
    scratch_mkdir(&fixture->scratch, "data.tablespaces/16384");
    scratch_write(&fixture->scratch, "data.tablespaces/16384/file", "x");
    assert_true(begin(fixture, false));

    assert_false(tablespace_set_use(&fixture->set, 16384, &tablespace, &fixture->err));
    assert_true(tablespace_set_undo(&fixture->set, &fixture->err));
    assert_true(scratch_holds(&fixture->scratch, "data.tablespaces/16384/file", "x"));
}

static void what_a_killed_restore_left_is_named_with_what_removes_it(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;
    char command[PATH_MAX + 16];

    scratch_mkdir(scratch, "place");
    scratch_mkdir(scratch, "place/" FOLDER_STAGING);
    map(fixture, "16384", scratch_path(scratch, "place"));
    snprintf(command, sizeof(command), "rm -r %s/%s", scratch_path(scratch, "place"),
             FOLDER_STAGING);

    assert_false(begin(fixture, true));
    assert_int_equal(fixture->err.code, ERROR_REFUSED);
    assert_non_null(strstr(fixture->err.hint, command));
    tablespace_set_reset(&fixture->set);

    /* What was replaced may be the only copy: nothing that removes it is printed. */
    scratch_mkdir(scratch, "place/" FOLDER_REPLACED);
    assert_false(begin(fixture, true));
    assert_null(strstr(fixture->err.hint, "rm "));
    assert_non_null(strstr(fixture->err.hint, FOLDER_REPLACED));
}

static void with_replace_only_the_old_clusters_own_place_may_be_occupied(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;
    struct tablespace *tablespace;

    scratch_mkdir(scratch, "data/pg_tblspc");
    scratch_mkdir(scratch, "own");
    scratch_mkdir(scratch, "own/PG_15_1");
    scratch_link(scratch, scratch_path(scratch, "own"), "data/pg_tblspc/16384");
    map(fixture, "16384", scratch_path(scratch, "own"));
    assert_true(begin(fixture, true));
    assert_true(resolve(fixture, "{}"));
    assert_true(tablespace_set_use(&fixture->set, 16384, &tablespace, &fixture->err));
    assert_true(scratch_exists(scratch, "own/" FOLDER_STAGING));
    assert_true(tablespace_set_undo(&fixture->set, &fixture->err));
    assert_false(scratch_exists(scratch, "own/" FOLDER_STAGING));
    assert_true(scratch_exists(scratch, "own/PG_15_1"));
    tablespace_set_reset(&fixture->set);

    /* The same place for another tablespace would destroy the first. */
    fixture->mappings[0].old_location = "16385";
    assert_true(begin(fixture, true));
    assert_true(resolve(fixture, "{}"));
    assert_false(tablespace_set_use(&fixture->set, 16385, &tablespace, &fixture->err));
    assert_int_equal(fixture->err.code, ERROR_REFUSED);
}

static void a_tablespace_is_a_folder_or_a_link_but_not_both(void **state)
{
    struct fixture *fixture = *state;
    struct tablespace *tablespace;

    assert_true(begin(fixture, false));
    assert_true(tablespace_set_in_place(&fixture->set, 1, &fixture->err));
    assert_true(tablespace_set_in_place(&fixture->set, 1, &fixture->err));
    assert_true(tablespace_set_use(&fixture->set, 2, &tablespace, &fixture->err));

    assert_false(tablespace_set_use(&fixture->set, 1, &tablespace, &fixture->err));
    assert_false(tablespace_set_in_place(&fixture->set, 2, &fixture->err));
}

static void links_are_absolute(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;
    struct tablespace *tablespace;

    assert_true(begin(fixture, false));
    assert_true(tablespace_set_in_place(&fixture->set, 16390, &fixture->err));
    assert_true(tablespace_set_use(&fixture->set, 16384, &tablespace, &fixture->err));

    assert_true(tablespace_set_link(&fixture->set, fixture->data.path, true, &fixture->err));

    assert_true(scratch_links(scratch, "data/pg_tblspc/16384",
                              scratch_path(scratch, "data.tablespaces/16384")));
    assert_false(scratch_exists(scratch, "data/pg_tblspc/16390"));
}

static void undo_leaves_an_existing_empty_place_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;
    struct tablespace *tablespace;

    scratch_mkdir(scratch, "place");
    map(fixture, "16384", scratch_path(scratch, "place"));
    assert_true(begin(fixture, false));
    assert_true(resolve(fixture, "{}"));
    assert_true(tablespace_set_use(&fixture->set, 16384, &tablespace, &fixture->err));
    assert_int_equal(scratch_mode(scratch, "place"), 0700);
    scratch_write(scratch, "place/file", "x");

    assert_true(tablespace_set_undo(&fixture->set, &fixture->err));
    assert_true(scratch_is_empty(scratch, "place"));
    assert_int_equal(scratch_mode(scratch, "place"), 0755);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_oid_is_a_number_without_leading_zeros),
#define WITH_SET(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        WITH_SET(a_tablespace_goes_beside_the_data_directory_by_default),
        WITH_SET(a_mapping_takes_an_oid_a_name_or_a_location),
        WITH_SET(an_unknown_tablespace_is_an_error_that_lists_the_known_ones),
        WITH_SET(a_tablespace_inside_the_data_directory_cannot_be_mapped),
        WITH_SET(without_oids_in_the_manifest_only_an_oid_can_be_mapped),
        WITH_SET(a_mapping_that_nothing_used_is_an_error),
        WITH_SET(a_mapping_cannot_be_used_before_the_manifest_came),
        WITH_SET(unsuitable_places_are_refused_before_anything_is_read),
        WITH_SET(two_mappings_may_not_share_a_place_or_a_tablespace),
        WITH_SET(a_default_place_inside_a_mapped_one_is_refused),
        WITH_SET(an_occupied_default_place_is_refused),
        WITH_SET(what_a_killed_restore_left_is_named_with_what_removes_it),
        WITH_SET(with_replace_only_the_old_clusters_own_place_may_be_occupied),
        WITH_SET(a_tablespace_is_a_folder_or_a_link_but_not_both),
        WITH_SET(links_are_absolute),
        WITH_SET(undo_leaves_an_existing_empty_place_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
