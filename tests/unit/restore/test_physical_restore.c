#include "restore/folder.h"
#include "restore_fixture.h"
#include "stand_in_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- Success ---- */

static void a_backup_becomes_a_data_directory(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    fixture_whole_backup(fixture);

    assert_true(fixture_restore(fixture));
    fixture_assert_restored(fixture);
    assert_false(scratch_exists(scratch, "pgdata/manifest.json"));
    assert_false(scratch_exists(scratch, "pgdata/summary.json"));
    assert_true(
        scratch_holds(scratch, "pgdata.tablespaces/16384/PG_15_1/5/77", "table in a tablespace"));
    assert_true(scratch_links(scratch, "pgdata/pg_tblspc/16384",
                              scratch_path(scratch, "pgdata.tablespaces/16384")));
    assert_int_equal(fixture->report.tablespaces, 1);
    assert_int_equal(fixture->report.files, 6);
    assert_true(fixture->report.bytes > 0 && fixture->report.bytes == fixture->bytes_moved);
    assert_int_equal(fixture->records_begun, fixture->count);
}

static void modes_are_private_whatever_the_records_say(void **state)
{
    static const char *const folders[] = {"pgdata",
                                          "pgdata/base",
                                          "pgdata/base/1",
                                          "pgdata/global",
                                          "pgdata/pg_tblspc",
                                          "pgdata.tablespaces",
                                          "pgdata.tablespaces/16384",
                                          "pgdata.tablespaces/16384/PG_15_1"};
    struct fixture *fixture = *state;

    fixture_whole_backup(fixture);
    assert_true(fixture_restore(fixture));

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        assert_int_equal(scratch_mode(&fixture->scratch, folders[i]), 0700);
    assert_int_equal(scratch_mode(&fixture->scratch, "pgdata/PG_VERSION"), 0600);
    assert_int_equal(scratch_mode(&fixture->scratch, "pgdata/global/pg_control"), 0600);
}

static void an_existing_empty_directory_is_filled(void **state)
{
    struct fixture *fixture = *state;

    fixture_whole_backup(fixture);
    scratch_mkdir(&fixture->scratch, "pgdata");

    assert_true(fixture_restore(fixture));
    fixture_assert_restored(fixture);
    assert_int_equal(scratch_mode(&fixture->scratch, "pgdata"), 0700);
}

static void a_link_to_a_directory_is_resolved_once(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    fixture_whole_backup(fixture);
    scratch_mkdir(scratch, "pgdata");
    scratch_link(scratch, "pgdata", "alias");

    assert_true(fixture_restore_to(fixture, scratch_path(scratch, "alias/")));
    fixture_assert_restored(fixture);
    assert_true(scratch_links(scratch, "pgdata/pg_tblspc/16384",
                              scratch_path(scratch, "pgdata.tablespaces/16384")));
}

static void a_mapped_tablespace_goes_to_its_place(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    fixture_whole_backup(fixture);
    fixture->mapping = (struct tablespace_mapping){"/srv/fast", scratch_path(scratch, "new_place")};
    fixture->options.mapping_count = 1;

    assert_true(fixture_restore(fixture));
    assert_true(scratch_holds(scratch, "new_place/PG_15_1/5/77", "table in a tablespace"));
    assert_true(
        scratch_links(scratch, "pgdata/pg_tblspc/16384", scratch_path(scratch, "new_place")));
    assert_false(scratch_exists(scratch, "pgdata.tablespaces"));
}

static void an_in_place_tablespace_stays_a_folder(void **state)
{
    struct fixture *fixture = *state;

    fixture_add_cluster(fixture);
    fixture_add_folder(fixture, "/data/pg_tblspc/16999");
    fixture_add_file(fixture, "/data/pg_tblspc/16999/PG_15_1/5/1", "in place");
    fixture_add_ending(fixture);

    assert_true(fixture_restore(fixture));
    assert_true(scratch_holds(&fixture->scratch, "pgdata/pg_tblspc/16999/PG_15_1/5/1", "in place"));
    assert_int_equal(fixture->report.tablespaces, 2);
}

static void a_tablespace_map_is_left_out(void **state)
{
    struct fixture *fixture = *state;

    fixture_add_cluster(fixture);
    fixture_add_file(fixture, "/data/tablespace_map", "16384 /srv/fast\n");
    fixture_add_ending(fixture);

    assert_true(fixture_restore(fixture));
    assert_false(scratch_exists(&fixture->scratch, "pgdata/tablespace_map"));
    assert_non_null(strstr(fixture->said, "tablespace_map"));
}

static void look_for_control(void *context)
{
    struct fixture *fixture = context;

    assert_true(scratch_exists(&fixture->scratch, "pgdata/global/1262"));
    assert_false(scratch_exists(&fixture->scratch, "pgdata/global/pg_control"));
    assert_false(scratch_exists(&fixture->scratch, "pgdata/pg_tblspc/16384"));
}

static void nothing_could_start_before_the_source_has_ended(void **state)
{
    struct fixture *fixture = *state;

    fixture_whole_backup(fixture);
    fixture->made.at_end = look_for_control;
    fixture->made.context = fixture;

    assert_true(fixture_restore(fixture));
    fixture_assert_restored(fixture);
}

/* ---- Refused before anything is read ---- */

static void unsuitable_targets_are_refused_before_anything_is_read(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    fixture_whole_backup(fixture);
    scratch_write(scratch, "file", "x");
    scratch_mkdir(scratch, "full");
    scratch_write(scratch, "full/file", "x");
    scratch_link(scratch, "nothing", "dangling");
    scratch_link(scratch, "file", "link_to_file");

    fixture_refuse(fixture, "/", ERROR_REFUSED, "root directory");
    fixture_refuse(fixture, "", ERROR_USAGE, "empty");
    fixture_refuse(fixture, scratch_path(scratch, "file"), ERROR_REFUSED, "not a directory");
    fixture_refuse(fixture, scratch_path(scratch, "link_to_file"), ERROR_REFUSED,
                   "not a directory");
    fixture_refuse(fixture, scratch_path(scratch, "dangling"), ERROR_REFUSED, "link to nothing");
    fixture_refuse(fixture, scratch_path(scratch, "dangling/"), ERROR_REFUSED, "link to nothing");
    fixture_refuse(fixture, scratch_path(scratch, "no/parent"), ERROR_IO, "no/parent");
    fixture_refuse(fixture, scratch_path(scratch, "file/below"), ERROR_IO, "file/below");
    fixture_refuse(fixture, scratch_path(scratch, "full"), ERROR_REFUSED, "not empty");
    assert_true(scratch_holds(scratch, "full/file", "x"));
    fixture->options.replace = true;
    fixture_refuse(fixture, scratch_path(scratch, "full"), ERROR_REFUSED,
                   "holds no PostgreSQL cluster");
}

static void a_directory_without_write_permission_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;
    bool root = geteuid() == 0;

    fixture_whole_backup(fixture);
    scratch_mkdir(scratch, "locked");
    assert_int_equal(chmod(scratch->path, 0755), 0);
    assert_int_equal(chmod(scratch_path(scratch, "locked"), 0555), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    fixture_refuse(fixture, scratch_path(scratch, "locked"), ERROR_IO, "locked");
    fixture_refuse(fixture, scratch_path(scratch, "locked/new"), ERROR_IO, "locked");
    if (root)
        assert_int_equal(seteuid(0), 0);
}

static void a_running_cluster_is_refused_with_and_without_replace(void **state)
{
    struct fixture *fixture = *state;
    char text[64];

    fixture_whole_backup(fixture);
    fixture_make_old_cluster(fixture);
    for (int replace = 0; replace < 2; replace++) {
        fixture->options.replace = replace == 1;
        scratch_write(&fixture->scratch, "pgdata/postmaster.pid", "1\n/data\n");
        fixture_refuse(fixture, scratch_path(&fixture->scratch, "pgdata"), ERROR_REFUSED,
                       getppid() == 1 ? "postmaster.pid" : "a server runs on");
        /* No such process; our own number, as in a container; no number at all. */
        scratch_write(&fixture->scratch, "pgdata/postmaster.pid", "2147483647\n/data\n");
        fixture_refuse(fixture, scratch_path(&fixture->scratch, "pgdata"), ERROR_REFUSED,
                       "has a postmaster.pid of process 2147483647");
        assert_non_null(strstr(fixture->err.detail, "stale"));
        snprintf(text, sizeof(text), "-%d\n", (int)getpid());
        scratch_write(&fixture->scratch, "pgdata/postmaster.pid", text);
        fixture_refuse(fixture, scratch_path(&fixture->scratch, "pgdata"), ERROR_REFUSED,
                       "has a postmaster.pid of process");
        scratch_write(&fixture->scratch, "pgdata/postmaster.pid", "");
        fixture_refuse(fixture, scratch_path(&fixture->scratch, "pgdata"), ERROR_REFUSED,
                       "has a postmaster.pid");
    }
    assert_true(scratch_holds(&fixture->scratch, "pgdata/base/old", "old table"));
}

static void a_cluster_is_not_replaced_unasked(void **state)
{
    struct fixture *fixture = *state;

    fixture_whole_backup(fixture);
    fixture_make_old_cluster(fixture);
    fixture_refuse(fixture, scratch_path(&fixture->scratch, "pgdata"), ERROR_REFUSED, "not empty");
    error_spell(&fixture->err, NULL);
    assert_non_null(strstr(fixture->err.hint, "replace"));
    assert_true(scratch_holds(&fixture->scratch, "pgdata/global/pg_control", OLD_CONTROL));
}

/* ---- Failures midway ---- */

static void a_source_that_fails_at_any_record_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;

    fixture_whole_backup(fixture);
    for (size_t at = 1; at <= fixture->count; at++) {
        fixture->made.fail_at = at;
        assert_false(fixture_restore(fixture));
        assert_int_equal(fixture->err.code, ERROR_CONNECTION_LOST);
        fixture_assert_nothing_left(fixture);
    }
}

static void a_failure_leaves_an_existing_directory_empty_and_as_it_was(void **state)
{
    struct fixture *fixture = *state;

    fixture_whole_backup(fixture);
    scratch_mkdir(&fixture->scratch, "pgdata");
    fixture->made.fail_at = fixture->count;

    assert_false(fixture_restore(fixture));
    assert_true(scratch_is_empty(&fixture->scratch, "pgdata"));
    assert_int_equal(scratch_mode(&fixture->scratch, "pgdata"), 0755);
    assert_false(scratch_exists(&fixture->scratch, "pgdata.tablespaces"));
}

static void cancelling_at_any_record_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;

    fixture_whole_backup(fixture);
    for (size_t at = 1; at <= fixture->count; at++) {
        fixture->cancel_at = at;
        assert_false(fixture_restore(fixture));
        assert_int_equal(fixture->err.code, ERROR_CANCELLED);
        fixture_assert_nothing_left(fixture);
        atomic_store(&fixture->cancel.requested, false);
    }
}

static void a_backup_that_is_not_whole_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;

    fixture_whole_backup(fixture);
    fixture->records[fixture->count - 1].content = "broken";

    assert_false(fixture_restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_CORRUPT);
    assert_non_null(strstr(fixture->err.message, "/data/base/1/1: was changed"));
    assert_non_null(strstr(fixture->err.detail, "2 problems"));
    assert_non_null(strstr(fixture->said, "/data/base/1/2: is missing"));
    fixture_assert_nothing_left(fixture);
}

static void a_backup_without_its_summary_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;

    fixture_whole_backup(fixture);
    fixture->records[--fixture->count].path = NULL;

    assert_false(fixture_restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_CORRUPT);
    fixture_assert_nothing_left(fixture);
}

static void a_backup_without_pg_control_is_an_error(void **state)
{
    struct fixture *fixture = *state;

    fixture_add_cluster(fixture);
    fixture_add_file(fixture, "/summary.json", "{}");

    assert_false(fixture_restore(fixture));
    assert_non_null(strstr(fixture->err.message, "/data/global/pg_control"));
    fixture_assert_nothing_left(fixture);
}

static void a_pg_control_of_the_wrong_size_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    size_t size = 1024 * 1024 + 1;
    char *large = test_calloc(1, size);

    fixture_add_cluster(fixture);
    fixture_add(fixture, (struct made_record)MADE_BYTES("/data/global/pg_control", large, size));
    assert_false(fixture_restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_CORRUPT);
    fixture_assert_nothing_left(fixture);

    fixture->records[fixture->count - 1].content_size = 19;
    assert_false(fixture_restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_CORRUPT);
    fixture_assert_nothing_left(fixture);
    test_free(large);
}

static void an_unused_mapping_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;

    fixture_whole_backup(fixture);
    fixture->records[0].content = "{}";
    fixture->mapping =
        (struct tablespace_mapping){"4711", scratch_path(&fixture->scratch, "new_place")};
    fixture->options.mapping_count = 1;

    assert_false(fixture_restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_USAGE);
    fixture_assert_nothing_left(fixture);
    assert_false(scratch_exists(&fixture->scratch, "new_place"));
}

/* What is found out while writing is told with the path on disk. */
static const char *below_data(const char *path)
{
    return strncmp(path, "/data/", 6) == 0 ? path + 5 : path;
}

static void hostile_records_are_errors_that_name_them(void **state)
{
    static const struct made_record hostile[] = {
        MADE_FILE("/data/../escaped", "x"),
        MADE_FILE("/data/./escaped", "x"),
        MADE_FILE("/data//escaped", "x"),
        MADE_FILE("data/escaped", "x"),
        MADE_FILE("/escaped", "x"),
        MADE_FILE("/app.dump", "x"),
        MADE_FILE("/database/x", "x"),
        MADE_FILE("/data", "x"),
        MADE_FILE("/tablespaces", "x"),
        MADE_FILE("/tablespaces/16384", "x"),
        MADE_FILE("/tablespaces/16384/evil", "x"),
        MADE_FILE("/tablespaces/name/PG_15_1/x", "x"),
        MADE_FOLDER("/tablespaces/016384"),
        MADE_FOLDER("/tablespaces/0"),
        MADE_FOLDER("/manifest.json"),
        MADE_FOLDER("/summary.json"),
        MADE_FOLDER("/data/global/pg_control"),
        MADE_FOLDER("/data/tablespace_map"),
        MADE_LINK("/data/pg_wal", "/etc"),
        MADE_LINK("/data/pg_tblspc/16385", "/etc"),
        MADE_LINK("/data/pg_tblspc/16385", "../../tablespaces/16384"),
        MADE_LINK("/data/pg_tblspc/16385", "../../tablespaces/16385/x"),
        MADE_LINK("/data/pg_tblspc/16385/x", "../../tablespaces/16385"),
        MADE_LINK("/data/pg_tblspc/name", "../../tablespaces/name"),
        MADE_LINK("/tablespaces/16384/PG_15_1/x", "../../x"),
        MADE_LINK("/tablespaces/16385", "../../x"),
        MADE_LINK("/data/global/pg_control", "../x"),
        MADE_LINK("/data", "../x"),
        MADE_FILE("/data/pg_tblspc/16384/PG_15_1/1", "both a link and a folder"),
        MADE_FILE("/data/base/1/1259", "twice"),
        MADE_FILE("/data/base/1/1259/x", "below a file"),
        MADE_FILE("/manifest.json", "{}"),
        MADE_FILE("/data/postmaster.pid", "1"),
    };
    struct fixture *fixture = *state;
    size_t hostile_at;

    fixture_add_cluster(fixture);
    hostile_at = fixture->count;
    fixture_add_file(fixture, "", "");
    fixture_add_ending(fixture);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        fixture->records[hostile_at] = hostile[i];
        if (fixture_restore(fixture))
            fail_msg("%s was accepted", hostile[i].path);
        fixture_assert_nothing_left(fixture);
        assert_false(scratch_exists(&fixture->scratch, "escaped"));
        if (strstr(hostile[i].path, "16384") == NULL &&
            strstr(fixture->err.message, below_data(hostile[i].path)) == NULL)
            fail_msg("%s is not named: %s", hostile[i].path, fixture->err.message);
    }
}

static void what_a_killed_restore_left_is_passed_over_with_one_warning(void **state)
{
    struct fixture *fixture = *state;
    const char *said;

    fixture_add_cluster(fixture);
    fixture_add_folder(fixture, "/data/" FOLDER_STAGING);
    fixture_add_file(fixture, "/data/" FOLDER_STAGING "/global/pg_control", "another");
    fixture_add_folder(fixture, "/data/" FOLDER_REPLACED);
    fixture_add_file(fixture, "/data/" FOLDER_REPLACED "/PG_VERSION", "15");
    fixture_add_file(fixture, "/data/" FOLDER_REPLACED ".txt", "somebody's own");
    fixture_add_ending(fixture);

    if (!fixture_restore(fixture))
        fail_msg("%s", fixture->err.message);
    assert_false(scratch_exists(&fixture->scratch, "pgdata/" FOLDER_STAGING));
    assert_false(scratch_exists(&fixture->scratch, "pgdata/" FOLDER_REPLACED));
    assert_true(scratch_exists(&fixture->scratch, "pgdata/" FOLDER_REPLACED ".txt"));
    said = strstr(fixture->said, "/data/" FOLDER_STAGING " is left out");
    assert_non_null(said);
    assert_null(strstr(strchr(said, '\n'), "is left out"));
}

static void pg_control_may_come_only_once(void **state)
{
    struct fixture *fixture = *state;

    fixture_add_cluster(fixture);
    fixture_add_file(fixture, "/data/global/pg_control", CONTROL);
    fixture_add_ending(fixture);

    assert_false(fixture_restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_CORRUPT);
    fixture_assert_nothing_left(fixture);
}

int main(void)
{
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(a_backup_becomes_a_data_directory),
        WITH_FIXTURE(modes_are_private_whatever_the_records_say),
        WITH_FIXTURE(an_existing_empty_directory_is_filled),
        WITH_FIXTURE(a_link_to_a_directory_is_resolved_once),
        WITH_FIXTURE(a_mapped_tablespace_goes_to_its_place),
        WITH_FIXTURE(an_in_place_tablespace_stays_a_folder),
        WITH_FIXTURE(a_tablespace_map_is_left_out),
        WITH_FIXTURE(nothing_could_start_before_the_source_has_ended),
        WITH_FIXTURE(unsuitable_targets_are_refused_before_anything_is_read),
        WITH_FIXTURE(a_directory_without_write_permission_is_refused),
        WITH_FIXTURE(a_running_cluster_is_refused_with_and_without_replace),
        WITH_FIXTURE(a_cluster_is_not_replaced_unasked),
        WITH_FIXTURE(a_source_that_fails_at_any_record_leaves_nothing),
        WITH_FIXTURE(a_failure_leaves_an_existing_directory_empty_and_as_it_was),
        WITH_FIXTURE(cancelling_at_any_record_leaves_nothing),
        WITH_FIXTURE(a_backup_that_is_not_whole_leaves_nothing),
        WITH_FIXTURE(a_backup_without_its_summary_leaves_nothing),
        WITH_FIXTURE(a_backup_without_pg_control_is_an_error),
        WITH_FIXTURE(a_pg_control_of_the_wrong_size_is_an_error),
        WITH_FIXTURE(an_unused_mapping_leaves_nothing),
        WITH_FIXTURE(hostile_records_are_errors_that_name_them),
        WITH_FIXTURE(what_a_killed_restore_left_is_passed_over_with_one_warning),
        WITH_FIXTURE(pg_control_may_come_only_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
