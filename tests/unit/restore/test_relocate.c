#include "restore/restore.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct fixture {
    struct scratch scratch;
    struct error err;
    size_t changed;
};

/* What a tool leaves that restored a backup byte for byte. */
static int set_up(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    struct scratch *scratch = &fixture->scratch;

    scratch_init(scratch);
    scratch_mkdir(scratch, "data");
    scratch_write(scratch, "data/PG_VERSION", "15\n");
    scratch_mkdir(scratch, "data/global");
    scratch_write(scratch, "data/global/pg_control", "12345678abcdefghijklmnop");
    scratch_mkdir(scratch, "data/pg_tblspc");
    scratch_mkdir(scratch, "tablespaces");
    scratch_mkdir(scratch, "tablespaces/16384");
    scratch_mkdir(scratch, "tablespaces/16385");
    scratch_link(scratch, "../../tablespaces/16384", "data/pg_tblspc/16384");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    scratch_remove(&fixture->scratch);
    test_free(fixture);
    return 0;
}

static bool relocate(struct fixture *fixture)
{
    return data_directory_relocate(scratch_path(&fixture->scratch, "data"), false,
                                   &fixture->changed, &fixture->err);
}

static void relative_links_become_absolute(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    scratch_link(scratch, "../../tablespaces/16385/", "data/pg_tblspc/16385");

    assert_true(relocate(fixture));
    assert_int_equal(fixture->changed, 2);
    assert_true(
        scratch_links(scratch, "data/pg_tblspc/16384", scratch_path(scratch, "tablespaces/16384")));
    assert_true(
        scratch_links(scratch, "data/pg_tblspc/16385", scratch_path(scratch, "tablespaces/16385")));
}

static void a_second_time_changes_nothing(void **state)
{
    struct fixture *fixture = *state;

    assert_true(relocate(fixture));
    assert_true(relocate(fixture));
    assert_int_equal(fixture->changed, 0);
}

static void a_data_directory_reached_by_a_link_gets_its_real_place(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    scratch_mkdir(scratch, "elsewhere");
    scratch_link(scratch, "../data", "elsewhere/alias");

    assert_true(data_directory_relocate(scratch_path(scratch, "elsewhere/alias"), false,
                                        &fixture->changed, &fixture->err));
    assert_true(
        scratch_links(scratch, "data/pg_tblspc/16384", scratch_path(scratch, "tablespaces/16384")));
}

static void absolute_links_and_in_place_tablespaces_stay(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    scratch_link(scratch, "/srv/somewhere", "data/pg_tblspc/16390");
    scratch_mkdir(scratch, "data/pg_tblspc/16391");

    assert_true(relocate(fixture));
    assert_int_equal(fixture->changed, 1);
    assert_true(scratch_links(scratch, "data/pg_tblspc/16390", "/srv/somewhere"));
    assert_true(scratch_exists(scratch, "data/pg_tblspc/16391"));
}

static void a_missing_target_is_an_error_and_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    scratch_link(scratch, "../../tablespaces/16399", "data/pg_tblspc/16399");

    assert_false(relocate(fixture));
    assert_int_equal(fixture->err.code, ERROR_REFUSED);
    assert_non_null(strstr(fixture->err.message, "pg_tblspc/16399"));
    assert_non_null(strstr(fixture->err.hint, "/tablespaces"));
    assert_int_equal(fixture->changed, 0);
    assert_true(scratch_links(scratch, "data/pg_tblspc/16384", "../../tablespaces/16384"));
}

static void a_link_to_elsewhere_is_refused(void **state)
{
    static const char *const targets[] = {"../../../etc", "../../tablespaces/16384/..",
                                          "../../tablespaces/16384", "../../tablespaces", "x"};
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        scratch_link(scratch, targets[i], "data/pg_tblspc/16385");
        assert_false(relocate(fixture));
        assert_int_equal(fixture->err.code, ERROR_REFUSED);
        assert_true(scratch_links(scratch, "data/pg_tblspc/16385", targets[i]));
        assert_int_equal(unlink(scratch_path(scratch, "data/pg_tblspc/16385")), 0);
    }
}

static void a_link_in_place_of_the_tablespace_is_not_followed(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    assert_int_equal(rmdir(scratch_path(scratch, "tablespaces/16384")), 0);
    scratch_link(scratch, "/etc", "tablespaces/16384");

    assert_false(relocate(fixture));
    assert_int_equal(fixture->err.code, ERROR_REFUSED);
    assert_true(scratch_links(scratch, "data/pg_tblspc/16384", "../../tablespaces/16384"));
}

static void a_linked_folder_of_tablespaces_is_not_followed(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    assert_int_equal(rename(scratch_path(scratch, "tablespaces"), scratch_path(scratch, "moved")),
                     0);
    scratch_link(scratch, "moved", "tablespaces");

    assert_false(relocate(fixture));
    assert_int_equal(fixture->err.code, ERROR_REFUSED);
}

static void a_running_cluster_is_refused(void **state)
{
    struct fixture *fixture = *state;

    /* Process 1 is alive, and neither we nor our parent as long as this is no container's only
     * program; whichever: it is refused. */
    scratch_write(&fixture->scratch, "data/postmaster.pid", "1\n/data\n");

    assert_false(relocate(fixture));
    assert_int_equal(fixture->err.code, ERROR_REFUSED);
    assert_non_null(strstr(fixture->err.message, "postmaster.pid"));
}

static void what_is_no_cluster_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(unlink(scratch_path(&fixture->scratch, "data/PG_VERSION")), 0);
    assert_false(relocate(fixture));
    assert_int_equal(fixture->err.code, ERROR_REFUSED);
    assert_false(data_directory_relocate(scratch_path(&fixture->scratch, "nothing"), false,
                                         &fixture->changed, &fixture->err));
}

/* Its links are in its list. */
static void a_whole_backup_is_changed_on_demand_only(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    scratch_write(scratch, "manifest.json", "{}");
    scratch_write(scratch, "summary.json", "{\n\"version\": 1,\n\"producer\": \"pgcask 1\"");
    assert_false(relocate(fixture));
    assert_int_equal(fixture->changed, 0);
    assert_non_null(strstr(fixture->err.message, "part of the backup"));
    assert_non_null(strstr(fixture->err.hint, "pgcask restore"));
    assert_true(data_directory_relocate(scratch_path(scratch, "data"), true, &fixture->changed,
                                        &fixture->err));
    assert_int_equal(fixture->changed, 1);
}

static void a_tree_without_pg_tblspc_has_nothing_to_relocate(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(unlink(scratch_path(&fixture->scratch, "data/pg_tblspc/16384")), 0);
    assert_int_equal(rmdir(scratch_path(&fixture->scratch, "data/pg_tblspc")), 0);
    assert_true(relocate(fixture));
    assert_int_equal(fixture->changed, 0);
}

int main(void)
{
#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_TREE(relative_links_become_absolute),
        WITH_TREE(a_second_time_changes_nothing),
        WITH_TREE(a_data_directory_reached_by_a_link_gets_its_real_place),
        WITH_TREE(absolute_links_and_in_place_tablespaces_stay),
        WITH_TREE(a_missing_target_is_an_error_and_changes_nothing),
        WITH_TREE(a_link_to_elsewhere_is_refused),
        WITH_TREE(a_link_in_place_of_the_tablespace_is_not_followed),
        WITH_TREE(a_linked_folder_of_tablespaces_is_not_followed),
        WITH_TREE(a_running_cluster_is_refused),
        WITH_TREE(what_is_no_cluster_is_refused),
        WITH_TREE(a_whole_backup_is_changed_on_demand_only),
        WITH_TREE(a_tree_without_pg_tblspc_has_nothing_to_relocate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
