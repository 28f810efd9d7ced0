#include "restore/folder.h"
#include "restore_fixture.h"
#include "stand_in_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void assert_old_untouched(struct fixture *fixture)
{
    struct scratch *scratch = &fixture->scratch;

    assert_true(scratch_holds(scratch, "pgdata/global/pg_control", OLD_CONTROL));
    assert_true(scratch_holds(scratch, "pgdata/base/old", "old table"));
    assert_true(scratch_holds(scratch, "pgdata/postgresql.conf", "old settings"));
    assert_false(scratch_exists(scratch, "pgdata/base/1"));
    assert_false(scratch_exists(scratch, "pgdata/global/1262"));
    assert_false(scratch_exists(scratch, "pgdata/" FOLDER_STAGING));
    assert_false(scratch_exists(scratch, "pgdata/global/pg_control.pgcask.replaced"));
}

/* Its tablespace lies at own_place, which also holds the files of another major version. */
static void add_old_tablespace(struct fixture *fixture)
{
    struct scratch *scratch = &fixture->scratch;

    scratch_mkdir(scratch, "own_place");
    scratch_mkdir(scratch, "own_place/PG_15_1");
    scratch_write(scratch, "own_place/PG_15_1/old", "old table");
    scratch_mkdir(scratch, "own_place/PG_14_1");
    scratch_write(scratch, "own_place/PG_14_1/file", "version 14");
    scratch_link(scratch, scratch_path(scratch, "own_place"), "pgdata/pg_tblspc/16384");
}

static void map_to_own_place(struct fixture *fixture)
{
    fixture->mapping =
        (struct tablespace_mapping){"fast", scratch_path(&fixture->scratch, "own_place")};
    fixture->options.mapping_count = 1;
}

static void prepare_replacement(struct fixture *fixture)
{
    fixture_whole_backup(fixture);
    fixture_make_old_cluster(fixture);
    add_old_tablespace(fixture);
    map_to_own_place(fixture);
    fixture->options.replace = true;
}

static void assert_old_tablespace_untouched(struct fixture *fixture)
{
    struct scratch *scratch = &fixture->scratch;

    assert_true(scratch_holds(scratch, "own_place/PG_15_1/old", "old table"));
    assert_true(scratch_holds(scratch, "own_place/PG_14_1/file", "version 14"));
    assert_false(scratch_exists(scratch, "own_place/PG_15_1/5"));
    assert_false(scratch_exists(scratch, "own_place/" FOLDER_STAGING));
    assert_true(
        scratch_links(scratch, "pgdata/pg_tblspc/16384", scratch_path(scratch, "own_place")));
}

static void a_stopped_cluster_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    prepare_replacement(fixture);

    assert_true(fixture_restore(fixture));
    fixture_assert_restored(fixture);
    assert_false(scratch_exists(scratch, "pgdata/base/old"));
    assert_false(scratch_exists(scratch, "pgdata/postgresql.conf"));
    assert_true(scratch_holds(scratch, "own_place/PG_15_1/5/77", "table in a tablespace"));
    assert_false(scratch_exists(scratch, "own_place/PG_15_1/old"));
    assert_true(scratch_holds(scratch, "own_place/PG_14_1/file", "version 14"));
    assert_false(scratch_exists(scratch, "own_place/" FOLDER_STAGING));
    assert_false(scratch_exists(scratch, "own_place/" FOLDER_REPLACED));
    assert_true(
        scratch_links(scratch, "pgdata/pg_tblspc/16384", scratch_path(scratch, "own_place")));
}

static void old_tablespace_locations_that_are_not_reused_stay(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    prepare_replacement(fixture);
    fixture->options.mapping_count = 0;

    assert_true(fixture_restore(fixture));
    assert_true(scratch_holds(scratch, "own_place/PG_15_1/old", "old table"));
    assert_true(
        scratch_holds(scratch, "pgdata.tablespaces/16384/PG_15_1/5/77", "table in a tablespace"));
    assert_non_null(strstr(fixture->said, scratch_path(scratch, "own_place")));
}

static void a_linked_pg_wal_becomes_a_folder_and_is_mentioned(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    fixture_add_cluster(fixture);
    fixture_add_folder(fixture, "/data/pg_wal");
    fixture_add_ending(fixture);
    fixture_make_old_cluster(fixture);
    scratch_mkdir(scratch, "wal_disk");
    scratch_write(scratch, "wal_disk/segment", "old WAL");
    scratch_link(scratch, scratch_path(scratch, "wal_disk"), "pgdata/pg_wal");
    fixture->options.replace = true;

    assert_true(fixture_restore(fixture));
    assert_true(scratch_is_empty(scratch, "pgdata/pg_wal"));
    assert_true(scratch_holds(scratch, "wal_disk/segment", "old WAL"));
    assert_non_null(strstr(fixture->said, scratch_path(scratch, "wal_disk")));
}

static void replacing_an_empty_directory_is_an_ordinary_restore(void **state)
{
    struct fixture *fixture = *state;

    fixture_whole_backup(fixture);
    fixture->options.replace = true;
    scratch_mkdir(&fixture->scratch, "pgdata");

    assert_true(fixture_restore(fixture));
    fixture_assert_restored(fixture);
}

static void another_clusters_backup_is_refused_early(void **state)
{
    struct fixture *fixture = *state;

    prepare_replacement(fixture);
    scratch_write(&fixture->scratch, "pgdata/global/pg_control", OTHER_CONTROL);

    assert_false(fixture_restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_REFUSED);
    assert_int_equal(fixture->made.next, 1);
    assert_true(scratch_holds(&fixture->scratch, "pgdata/global/pg_control", OTHER_CONTROL));
    assert_old_tablespace_untouched(fixture);
}

static void another_clusters_pg_control_is_refused_when_it_comes(void **state)
{
    struct fixture *fixture = *state;

    prepare_replacement(fixture);
    fixture->records[0].content = "{\"tablespaces\": [{\"name\": \"fast\", \"oid\": 16384, "
                                  "\"location\": \"/srv/fast\"}]}";
    fixture->records[fixture->count - 3].content = OTHER_CONTROL;

    assert_false(fixture_restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_REFUSED);
    assert_old_untouched(fixture);
    assert_old_tablespace_untouched(fixture);
}

static void a_failure_before_the_exchange_leaves_the_old_cluster_untouched(void **state)
{
    struct fixture *fixture = *state;

    prepare_replacement(fixture);
    for (size_t at = 1; at <= fixture->count; at++) {
        fixture->made.fail_at = at;
        assert_false(fixture_restore(fixture));
        assert_old_untouched(fixture);
        assert_old_tablespace_untouched(fixture);
    }
    fixture->made.fail_at = 0;
    fixture->records[fixture->count - 1].content = "broken";
    assert_false(fixture_restore(fixture));
    assert_old_untouched(fixture);
    assert_old_tablespace_untouched(fixture);
}

static void start_server(void *context)
{
    struct fixture *fixture = context;

    scratch_write(&fixture->scratch, "pgdata/postmaster.pid", "1\n");
}

static void a_server_started_meanwhile_stops_the_exchange(void **state)
{
    struct fixture *fixture = *state;

    prepare_replacement(fixture);
    fixture->made.at_end = start_server;
    fixture->made.context = fixture;

    assert_false(fixture_restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_REFUSED);
    assert_old_untouched(fixture);
    assert_old_tablespace_untouched(fixture);
}

static void occupy_replaced(void *context)
{
    scratch_mkdir(&((struct fixture *)context)->scratch, "pgdata/" FOLDER_REPLACED);
}

static void occupy_tablespace_replaced(void *context)
{
    scratch_mkdir(&((struct fixture *)context)->scratch, "own_place/" FOLDER_REPLACED);
}

static void an_exchange_that_fails_early_is_undone(void **state)
{
    void (*const obstacles[])(void *) = {occupy_replaced, occupy_tablespace_replaced};
    static const char *const places[] = {"pgdata/" FOLDER_REPLACED, "own_place/" FOLDER_REPLACED};
    struct fixture *fixture = *state;

    prepare_replacement(fixture);
    for (size_t i = 0; i < 2; i++) {
        fixture->made.at_end = obstacles[i];
        fixture->made.context = fixture;
        assert_false(fixture_restore(fixture));
        assert_old_untouched(fixture);
        assert_old_tablespace_untouched(fixture);
        assert_non_null(strstr(fixture->err.message, places[i]));
        assert_int_equal(rmdir(scratch_path(&fixture->scratch, places[i])), 0);
    }
    assert_false(scratch_exists(&fixture->scratch, "pgdata/" FOLDER_REPLACED));
}

static void spoil_new_global(struct fixture *fixture)
{
    struct scratch *scratch = &fixture->scratch;

    assert_int_equal(rename(scratch_path(scratch, "pgdata/" FOLDER_STAGING "/global"),
                            scratch_path(scratch, "pgdata/" FOLDER_STAGING "/elsewhere")),
                     0);
}

static void an_exchange_that_fails_at_its_last_step_is_undone(void **state)
{
    struct fixture *fixture = *state;

    prepare_replacement(fixture);
    fixture->wait_for = "moving the restored cluster";
    fixture->then = spoil_new_global;

    assert_false(fixture_restore(fixture));
    assert_non_null(strstr(fixture->err.message, "pgdata/global"));
    assert_old_untouched(fixture);
    assert_old_tablespace_untouched(fixture);
    assert_false(scratch_exists(&fixture->scratch, "pgdata/" FOLDER_REPLACED));
}

static void take_old_place(struct fixture *fixture)
{
    scratch_write(&fixture->scratch, "pgdata/base", "in the way");
}

static void an_exchange_that_cannot_be_undone_says_where_the_files_are(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    prepare_replacement(fixture);
    fixture->wait_for = "moving the restored cluster";
    fixture->then = take_old_place;

    assert_false(fixture_restore(fixture));
    assert_non_null(strstr(fixture->err.message, "half replaced"));
    assert_non_null(strstr(fixture->err.detail, "base"));
    assert_non_null(strstr(fixture->err.hint, FOLDER_REPLACED));
    assert_non_null(strstr(fixture->err.hint, FOLDER_STAGING));
    assert_true(scratch_holds(scratch, "pgdata/" FOLDER_REPLACED "/base/old", "old table"));
    assert_true(scratch_holds(scratch, "pgdata/" FOLDER_STAGING "/base/1/1259", "new pg_class"));
    assert_false(scratch_exists(scratch, "pgdata/global/pg_control"));

    /* The next restore does not make it worse. */
    fixture->wait_for = NULL;
    fixture_refuse(fixture, scratch_path(scratch, "pgdata"), ERROR_REFUSED,
                   "interrupted in its last step");
}

static void leftovers_of_a_killed_restore_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    prepare_replacement(fixture);
    scratch_mkdir(scratch, "own_place/" FOLDER_STAGING);
    fixture_refuse(fixture, scratch_path(scratch, "pgdata"), ERROR_REFUSED, "what a restore left");
    scratch_mkdir(scratch, "pgdata/" FOLDER_STAGING);
    fixture_refuse(fixture, scratch_path(scratch, "pgdata"), ERROR_REFUSED, FOLDER_STAGING);
}

int main(void)
{
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(a_stopped_cluster_is_replaced),
        WITH_FIXTURE(old_tablespace_locations_that_are_not_reused_stay),
        WITH_FIXTURE(a_linked_pg_wal_becomes_a_folder_and_is_mentioned),
        WITH_FIXTURE(replacing_an_empty_directory_is_an_ordinary_restore),
        WITH_FIXTURE(another_clusters_backup_is_refused_early),
        WITH_FIXTURE(another_clusters_pg_control_is_refused_when_it_comes),
        WITH_FIXTURE(a_failure_before_the_exchange_leaves_the_old_cluster_untouched),
        WITH_FIXTURE(a_server_started_meanwhile_stops_the_exchange),
        WITH_FIXTURE(an_exchange_that_fails_early_is_undone),
        WITH_FIXTURE(an_exchange_that_fails_at_its_last_step_is_undone),
        WITH_FIXTURE(an_exchange_that_cannot_be_undone_says_where_the_files_are),
        WITH_FIXTURE(leftovers_of_a_killed_restore_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
