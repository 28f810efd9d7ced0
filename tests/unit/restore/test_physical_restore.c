#include "made_source.h"
#include "restore/checking_source.h"
#include "restore/folder.h"
#include "scratch.h"

#include "base/buffer.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- A stand-in for the check, which has tests of its own ------------------------------------ */

/* The backup is whole if it ends with a /summary.json that does not say "broken". */
struct stand_in {
    struct record_source source;
    struct record_source *inner;
    struct verify_options options;
    struct buffer summary;
    bool whole;
};

static bool read_summary(struct stand_in *check, struct record *record, struct error *err)
{
    struct slice piece;

    while (reader_next(record->reader, &piece, err) == READER_DATA) {
        if (!buffer_append(&check->summary, piece.data, piece.len, err))
            return false;
    }
    reader_close(record->reader);
    record->reader = reader_from_memory(buffer_slice(&check->summary), err);
    check->whole = strcmp(buffer_text(&check->summary), "broken") != 0;
    if (!check->whole) {
        check->options.problem(check->options.context, "/data/base/1/1", "was changed");
        check->options.problem(check->options.context, "/data/base/1/2", "is missing");
    }
    return record->reader != NULL;
}

static enum source_status stand_in_next(struct record_source *source, struct record *record,
                                        struct error *err)
{
    struct stand_in *check = (struct stand_in *)source;
    enum source_status status = source_next(check->inner, record, err);

    if (status == SOURCE_RECORD && record->type == RECORD_FILE &&
        strcmp(record->path, "/summary.json") == 0 && !read_summary(check, record, err))
        return SOURCE_FAILED;
    return status;
}

static void stand_in_close(struct record_source *source)
{
    struct stand_in *check = (struct stand_in *)source;

    source_close(check->inner);
    buffer_free(&check->summary);
    free(check);
}

struct record_source *checking_source_new(struct record_source *inner,
                                          const struct verify_options *options, struct error *err)
{
    static const struct record_source_ops ops = {stand_in_next, stand_in_close};
    struct stand_in *check = calloc(1, sizeof(*check));

    (void)err;
    assert_non_null(check);
    check->source = (struct record_source){.ops = &ops, .sequential = true};
    check->inner = inner;
    check->options = *options;
    return &check->source;
}

bool checking_source_whole(const struct record_source *source)
{
    return ((const struct stand_in *)source)->whole;
}

void checking_source_report(const struct record_source *source, struct verify_report *report)
{
    *report = (struct verify_report){.problems = checking_source_whole(source) ? 0 : 2};
}

/* ---- Fixture -------------------------------------------------------------------------------- */

#define CONTROL "ABCDEFGH-pg_control-of-the-backup"
#define OLD_CONTROL "ABCDEFGH-pg_control-of-the-old-one"
#define OTHER_CONTROL "STRANGER-pg_control-of-another"
#define MAX_RECORDS 40

struct fixture {
    struct scratch scratch;
    struct made_record records[MAX_RECORDS];
    size_t count;
    struct made_source made;
    char manifest[512];
    struct tablespace_mapping mapping;
    struct physical_restore_options options;
    struct physical_restore_report report;
    struct record_observer observer;
    struct cancel cancel;
    size_t cancel_at, records_begun;
    uint64_t bytes_moved;
    struct log log;
    char said[4096];                       /* every warning, a line each */
    const char *wait_for;                  /* when this is logged … */
    void (*then)(struct fixture *fixture); /* … this is done */
    struct error err;
};

static void add_record(struct fixture *fixture, struct made_record record)
{
    assert_true(fixture->count < MAX_RECORDS - 1);
    fixture->records[fixture->count++] = record;
}

static void add_file(struct fixture *fixture, const char *path, const char *content)
{
    add_record(fixture, (struct made_record)MADE_FILE(path, content));
}

static void add_folder(struct fixture *fixture, const char *path)
{
    add_record(fixture, (struct made_record)MADE_FOLDER(path));
}

/* Everything but the last two records, so that tests can put theirs before them. */
static void add_cluster(struct fixture *fixture)
{
    add_file(fixture, "/manifest.json", fixture->manifest);
    add_folder(fixture, "/tablespaces");
    add_folder(fixture, "/tablespaces/16384");
    add_folder(fixture, "/tablespaces/16384/PG_15_1");
    add_file(fixture, "/tablespaces/16384/PG_15_1/5/77", "table in a tablespace");
    add_folder(fixture, "/data");
    add_file(fixture, "/data/PG_VERSION", "15\n");
    add_folder(fixture, "/data/base");
    add_file(fixture, "/data/base/1/1259", "new pg_class");
    add_folder(fixture, "/data/pg_tblspc");
    add_record(fixture,
               (struct made_record)MADE_LINK("/data/pg_tblspc/16384", "../../tablespaces/16384"));
    add_folder(fixture, "/data/global");
    add_file(fixture, "/data/global/1262", "pg_database");
}

static void add_ending(struct fixture *fixture)
{
    add_file(fixture, "/data/global/pg_control", CONTROL);
    add_file(fixture, "/data/backup_manifest", "the manifest");
    add_file(fixture, "/summary.json", "{}");
}

static void on_record(void *context, const struct record *record)
{
    struct fixture *fixture = context;

    assert_non_null(record->path);
    if (++fixture->records_begun == fixture->cancel_at)
        cancel_request(&fixture->cancel);
}

static void on_bytes(void *context, size_t bytes)
{
    ((struct fixture *)context)->bytes_moved += bytes;
}

static void on_log(void *context, enum log_level level, const char *message)
{
    struct fixture *fixture = context;
    size_t used = strlen(fixture->said);

    if (level == LOG_WARNING)
        snprintf(fixture->said + used, sizeof(fixture->said) - used, "%s\n", message);
    if (fixture->wait_for != NULL && strstr(message, fixture->wait_for) != NULL)
        fixture->then(fixture);
}

static int set_up(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    uint64_t identifier;

    scratch_init(&fixture->scratch);
    memcpy(&identifier, CONTROL, sizeof(identifier));
    snprintf(fixture->manifest, sizeof(fixture->manifest),
             "{\"cluster_system_identifier\": \"%" PRIu64 "\", \"tablespaces\": [{\"name\": "
             "\"fast\", \"oid\": 16384, \"location\": \"/srv/fast\"}]}",
             identifier);
    assert_true(cancel_init(&fixture->cancel, &fixture->err));
    fixture->observer = (struct record_observer){fixture, on_record, on_bytes};
    fixture->log = (struct log){on_log, fixture, LOG_DEBUG};
    fixture->options.observer = &fixture->observer;
    fixture->options.cancel = &fixture->cancel;
    fixture->options.log = &fixture->log;
    fixture->options.mappings = &fixture->mapping;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    cancel_reset(&fixture->cancel);
    scratch_remove(&fixture->scratch);
    test_free(fixture);
    return 0;
}

/* Keeps at_end, context and fail_at of fixture->made. */
static bool restore_to(struct fixture *fixture, const char *data_directory)
{
    struct made_source before = fixture->made;
    bool done;

    made_source_init(&fixture->made, fixture->records);
    fixture->made.at_end = before.at_end;
    fixture->made.context = before.context;
    fixture->made.fail_at = before.fail_at;
    fixture->records_begun = 0;
    fixture->bytes_moved = 0;
    error_clear(&fixture->err);
    done = physical_restore(&fixture->made.source, data_directory, &fixture->options,
                            &fixture->report, &fixture->err);
    assert_true(fixture->made.closed);
    if (!done)
        assert_string_not_equal(fixture->err.message, "");
    return done;
}

static bool restore(struct fixture *fixture)
{
    return restore_to(fixture, scratch_path(&fixture->scratch, "pgdata"));
}

static void assert_restored(struct fixture *fixture)
{
    struct scratch *scratch = &fixture->scratch;

    assert_true(scratch_holds(scratch, "pgdata/PG_VERSION", "15\n"));
    assert_true(scratch_holds(scratch, "pgdata/base/1/1259", "new pg_class"));
    assert_true(scratch_holds(scratch, "pgdata/global/1262", "pg_database"));
    assert_true(scratch_holds(scratch, "pgdata/global/pg_control", CONTROL));
    assert_true(scratch_holds(scratch, "pgdata/backup_manifest", "the manifest"));
    assert_false(scratch_exists(scratch, "pgdata/" FOLDER_STAGING));
    assert_false(scratch_exists(scratch, "pgdata/" FOLDER_REPLACED));
}

static void assert_nothing_left(struct fixture *fixture)
{
    assert_false(scratch_exists(&fixture->scratch, "pgdata"));
    assert_false(scratch_exists(&fixture->scratch, "pgdata.tablespaces"));
}

static void whole_backup(struct fixture *fixture)
{
    add_cluster(fixture);
    add_ending(fixture);
}

/* ---- Success -------------------------------------------------------------------------------- */

static void a_backup_becomes_a_data_directory(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    whole_backup(fixture);

    assert_true(restore(fixture));
    assert_restored(fixture);
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

    whole_backup(fixture);
    assert_true(restore(fixture));

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        assert_int_equal(scratch_mode(&fixture->scratch, folders[i]), 0700);
    assert_int_equal(scratch_mode(&fixture->scratch, "pgdata/PG_VERSION"), 0600);
    assert_int_equal(scratch_mode(&fixture->scratch, "pgdata/global/pg_control"), 0600);
}

static void an_existing_empty_directory_is_filled(void **state)
{
    struct fixture *fixture = *state;

    whole_backup(fixture);
    scratch_mkdir(&fixture->scratch, "pgdata");

    assert_true(restore(fixture));
    assert_restored(fixture);
    assert_int_equal(scratch_mode(&fixture->scratch, "pgdata"), 0700);
}

static void a_link_to_a_directory_is_resolved_once(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    whole_backup(fixture);
    scratch_mkdir(scratch, "pgdata");
    scratch_link(scratch, "pgdata", "alias");

    assert_true(restore_to(fixture, scratch_path(scratch, "alias/")));
    assert_restored(fixture);
    assert_true(scratch_links(scratch, "pgdata/pg_tblspc/16384",
                              scratch_path(scratch, "pgdata.tablespaces/16384")));
}

static void a_mapped_tablespace_goes_to_its_place(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    whole_backup(fixture);
    fixture->mapping = (struct tablespace_mapping){"/srv/fast", scratch_path(scratch, "new_place")};
    fixture->options.mapping_count = 1;

    assert_true(restore(fixture));
    assert_true(scratch_holds(scratch, "new_place/PG_15_1/5/77", "table in a tablespace"));
    assert_true(
        scratch_links(scratch, "pgdata/pg_tblspc/16384", scratch_path(scratch, "new_place")));
    assert_false(scratch_exists(scratch, "pgdata.tablespaces"));
}

static void an_in_place_tablespace_stays_a_folder(void **state)
{
    struct fixture *fixture = *state;

    add_cluster(fixture);
    add_folder(fixture, "/data/pg_tblspc/16999");
    add_file(fixture, "/data/pg_tblspc/16999/PG_15_1/5/1", "in place");
    add_ending(fixture);

    assert_true(restore(fixture));
    assert_true(scratch_holds(&fixture->scratch, "pgdata/pg_tblspc/16999/PG_15_1/5/1", "in place"));
    assert_int_equal(fixture->report.tablespaces, 2);
}

static void a_tablespace_map_is_left_out(void **state)
{
    struct fixture *fixture = *state;

    add_cluster(fixture);
    add_file(fixture, "/data/tablespace_map", "16384 /srv/fast\n");
    add_ending(fixture);

    assert_true(restore(fixture));
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

    whole_backup(fixture);
    fixture->made.at_end = look_for_control;
    fixture->made.context = fixture;

    assert_true(restore(fixture));
    assert_restored(fixture);
}

/* ---- Refused before anything is read --------------------------------------------------------- */

static void refuse(struct fixture *fixture, const char *data_directory, enum error_code code,
                   const char *said)
{
    assert_false(restore_to(fixture, data_directory));
    assert_int_equal(fixture->err.code, code);
    assert_non_null(strstr(fixture->err.message, said));
    assert_int_equal(fixture->made.next, 0);
}

static void unsuitable_targets_are_refused_before_anything_is_read(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    whole_backup(fixture);
    scratch_write(scratch, "file", "x");
    scratch_mkdir(scratch, "full");
    scratch_write(scratch, "full/file", "x");
    scratch_link(scratch, "nothing", "dangling");
    scratch_link(scratch, "file", "link_to_file");

    refuse(fixture, "/", ERROR_REFUSED, "root directory");
    refuse(fixture, "", ERROR_USAGE, "empty");
    refuse(fixture, scratch_path(scratch, "file"), ERROR_REFUSED, "not a directory");
    refuse(fixture, scratch_path(scratch, "link_to_file"), ERROR_REFUSED, "not a directory");
    refuse(fixture, scratch_path(scratch, "dangling"), ERROR_REFUSED, "link to nothing");
    refuse(fixture, scratch_path(scratch, "dangling/"), ERROR_REFUSED, "link to nothing");
    refuse(fixture, scratch_path(scratch, "no/parent"), ERROR_IO, "no/parent");
    refuse(fixture, scratch_path(scratch, "file/below"), ERROR_IO, "file/below");
    refuse(fixture, scratch_path(scratch, "full"), ERROR_REFUSED, "not empty");
    assert_true(scratch_holds(scratch, "full/file", "x"));
    fixture->options.replace = true;
    refuse(fixture, scratch_path(scratch, "full"), ERROR_REFUSED, "holds no PostgreSQL cluster");
}

static void a_directory_without_write_permission_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;
    bool root = geteuid() == 0;

    whole_backup(fixture);
    scratch_mkdir(scratch, "locked");
    assert_int_equal(chmod(scratch->path, 0755), 0);
    assert_int_equal(chmod(scratch_path(scratch, "locked"), 0555), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    refuse(fixture, scratch_path(scratch, "locked"), ERROR_IO, "locked");
    refuse(fixture, scratch_path(scratch, "locked/new"), ERROR_IO, "locked");
    if (root)
        assert_int_equal(seteuid(0), 0);
}

static void make_old_cluster(struct fixture *fixture)
{
    struct scratch *scratch = &fixture->scratch;

    scratch_mkdir(scratch, "pgdata");
    scratch_write(scratch, "pgdata/PG_VERSION", "15\n");
    scratch_write(scratch, "pgdata/postgresql.conf", "old settings");
    scratch_mkdir(scratch, "pgdata/global");
    scratch_write(scratch, "pgdata/global/pg_control", OLD_CONTROL);
    scratch_mkdir(scratch, "pgdata/base");
    scratch_write(scratch, "pgdata/base/old", "old table");
    scratch_mkdir(scratch, "pgdata/pg_tblspc");
}

static void a_running_cluster_is_refused_with_and_without_replace(void **state)
{
    struct fixture *fixture = *state;
    char text[64];

    whole_backup(fixture);
    make_old_cluster(fixture);
    for (int replace = 0; replace < 2; replace++) {
        fixture->options.replace = replace == 1;
        scratch_write(&fixture->scratch, "pgdata/postmaster.pid", "1\n/data\n");
        refuse(fixture, scratch_path(&fixture->scratch, "pgdata"), ERROR_REFUSED,
               getppid() == 1 ? "postmaster.pid" : "a server runs on");
        /* No such process; our own number, as in a container; no number at all. */
        scratch_write(&fixture->scratch, "pgdata/postmaster.pid", "2147483647\n/data\n");
        refuse(fixture, scratch_path(&fixture->scratch, "pgdata"), ERROR_REFUSED,
               "has a postmaster.pid of process 2147483647");
        assert_non_null(strstr(fixture->err.detail, "stale"));
        snprintf(text, sizeof(text), "-%d\n", (int)getpid());
        scratch_write(&fixture->scratch, "pgdata/postmaster.pid", text);
        refuse(fixture, scratch_path(&fixture->scratch, "pgdata"), ERROR_REFUSED,
               "has a postmaster.pid of process");
        scratch_write(&fixture->scratch, "pgdata/postmaster.pid", "");
        refuse(fixture, scratch_path(&fixture->scratch, "pgdata"), ERROR_REFUSED,
               "has a postmaster.pid");
    }
    assert_true(scratch_holds(&fixture->scratch, "pgdata/base/old", "old table"));
}

static void a_cluster_is_not_replaced_unasked(void **state)
{
    struct fixture *fixture = *state;

    whole_backup(fixture);
    make_old_cluster(fixture);
    refuse(fixture, scratch_path(&fixture->scratch, "pgdata"), ERROR_REFUSED, "not empty");
    assert_non_null(strstr(fixture->err.hint, "--replace"));
    assert_true(scratch_holds(&fixture->scratch, "pgdata/global/pg_control", OLD_CONTROL));
}

/* ---- Failures midway --------------------------------------------------------------------------
 */

static void a_source_that_fails_at_any_record_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;

    whole_backup(fixture);
    for (size_t at = 1; at <= fixture->count; at++) {
        fixture->made.fail_at = at;
        assert_false(restore(fixture));
        assert_int_equal(fixture->err.code, ERROR_CONNECTION_LOST);
        assert_nothing_left(fixture);
    }
}

static void a_failure_leaves_an_existing_directory_empty_and_as_it_was(void **state)
{
    struct fixture *fixture = *state;

    whole_backup(fixture);
    scratch_mkdir(&fixture->scratch, "pgdata");
    fixture->made.fail_at = fixture->count;

    assert_false(restore(fixture));
    assert_true(scratch_is_empty(&fixture->scratch, "pgdata"));
    assert_int_equal(scratch_mode(&fixture->scratch, "pgdata"), 0755);
    assert_false(scratch_exists(&fixture->scratch, "pgdata.tablespaces"));
}

static void cancelling_at_any_record_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;

    whole_backup(fixture);
    for (size_t at = 1; at <= fixture->count; at++) {
        fixture->cancel_at = at;
        assert_false(restore(fixture));
        assert_int_equal(fixture->err.code, ERROR_CANCELLED);
        assert_nothing_left(fixture);
        atomic_store(&fixture->cancel.requested, false);
    }
}

static void a_backup_that_is_not_whole_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;

    whole_backup(fixture);
    fixture->records[fixture->count - 1].content = "broken";

    assert_false(restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_CORRUPT);
    assert_non_null(strstr(fixture->err.message, "/data/base/1/1: was changed"));
    assert_non_null(strstr(fixture->err.detail, "2 problems"));
    assert_non_null(strstr(fixture->said, "/data/base/1/2: is missing"));
    assert_nothing_left(fixture);
}

static void a_backup_without_its_summary_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;

    whole_backup(fixture);
    fixture->records[--fixture->count].path = NULL;

    assert_false(restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_CORRUPT);
    assert_nothing_left(fixture);
}

static void a_backup_without_pg_control_is_an_error(void **state)
{
    struct fixture *fixture = *state;

    add_cluster(fixture);
    add_file(fixture, "/summary.json", "{}");

    assert_false(restore(fixture));
    assert_non_null(strstr(fixture->err.message, "/data/global/pg_control"));
    assert_nothing_left(fixture);
}

static void a_pg_control_of_the_wrong_size_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    size_t size = 1024 * 1024 + 1;
    char *large = test_calloc(1, size);

    add_cluster(fixture);
    add_record(fixture, (struct made_record)MADE_BYTES("/data/global/pg_control", large, size));
    assert_false(restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_CORRUPT);
    assert_nothing_left(fixture);

    fixture->records[fixture->count - 1].content_size = 19;
    assert_false(restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_CORRUPT);
    assert_nothing_left(fixture);
    test_free(large);
}

static void an_unused_mapping_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;

    whole_backup(fixture);
    fixture->records[0].content = "{}";
    fixture->mapping =
        (struct tablespace_mapping){"4711", scratch_path(&fixture->scratch, "new_place")};
    fixture->options.mapping_count = 1;

    assert_false(restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_USAGE);
    assert_nothing_left(fixture);
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
        MADE_FILE("/data/" FOLDER_STAGING "/x", "x"),
        MADE_FOLDER("/data/" FOLDER_REPLACED),
        MADE_FILE("/data/postmaster.pid", "1"),
    };
    struct fixture *fixture = *state;
    size_t hostile_at;

    add_cluster(fixture);
    hostile_at = fixture->count;
    add_file(fixture, "", "");
    add_ending(fixture);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        fixture->records[hostile_at] = hostile[i];
        if (restore(fixture))
            fail_msg("%s was accepted", hostile[i].path);
        assert_nothing_left(fixture);
        assert_false(scratch_exists(&fixture->scratch, "escaped"));
        if (strstr(hostile[i].path, "16384") == NULL &&
            strstr(fixture->err.message, below_data(hostile[i].path)) == NULL)
            fail_msg("%s is not named: %s", hostile[i].path, fixture->err.message);
    }
}

static void pg_control_may_come_only_once(void **state)
{
    struct fixture *fixture = *state;

    add_cluster(fixture);
    add_file(fixture, "/data/global/pg_control", CONTROL);
    add_ending(fixture);

    assert_false(restore(fixture));
    assert_int_equal(fixture->err.code, ERROR_CORRUPT);
    assert_nothing_left(fixture);
}

/* ---- Replacing --------------------------------------------------------------------------------
 */

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
    whole_backup(fixture);
    make_old_cluster(fixture);
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

    assert_true(restore(fixture));
    assert_restored(fixture);
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

    assert_true(restore(fixture));
    assert_true(scratch_holds(scratch, "own_place/PG_15_1/old", "old table"));
    assert_true(
        scratch_holds(scratch, "pgdata.tablespaces/16384/PG_15_1/5/77", "table in a tablespace"));
    assert_non_null(strstr(fixture->said, scratch_path(scratch, "own_place")));
}

static void a_linked_pg_wal_becomes_a_folder_and_is_mentioned(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    add_cluster(fixture);
    add_folder(fixture, "/data/pg_wal");
    add_ending(fixture);
    make_old_cluster(fixture);
    scratch_mkdir(scratch, "wal_disk");
    scratch_write(scratch, "wal_disk/segment", "old WAL");
    scratch_link(scratch, scratch_path(scratch, "wal_disk"), "pgdata/pg_wal");
    fixture->options.replace = true;

    assert_true(restore(fixture));
    assert_true(scratch_is_empty(scratch, "pgdata/pg_wal"));
    assert_true(scratch_holds(scratch, "wal_disk/segment", "old WAL"));
    assert_non_null(strstr(fixture->said, scratch_path(scratch, "wal_disk")));
}

static void replacing_an_empty_directory_is_an_ordinary_restore(void **state)
{
    struct fixture *fixture = *state;

    whole_backup(fixture);
    fixture->options.replace = true;
    scratch_mkdir(&fixture->scratch, "pgdata");

    assert_true(restore(fixture));
    assert_restored(fixture);
}

static void another_clusters_backup_is_refused_early(void **state)
{
    struct fixture *fixture = *state;

    prepare_replacement(fixture);
    scratch_write(&fixture->scratch, "pgdata/global/pg_control", OTHER_CONTROL);

    assert_false(restore(fixture));
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

    assert_false(restore(fixture));
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
        assert_false(restore(fixture));
        assert_old_untouched(fixture);
        assert_old_tablespace_untouched(fixture);
    }
    fixture->made.fail_at = 0;
    fixture->records[fixture->count - 1].content = "broken";
    assert_false(restore(fixture));
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

    assert_false(restore(fixture));
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
        assert_false(restore(fixture));
        assert_old_untouched(fixture);
        assert_old_tablespace_untouched(fixture);
        print_message("%zu %s\n", i, fixture->err.message);
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

    assert_false(restore(fixture));
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

    assert_false(restore(fixture));
    assert_non_null(strstr(fixture->err.message, "half replaced"));
    assert_non_null(strstr(fixture->err.detail, "base"));
    assert_non_null(strstr(fixture->err.hint, FOLDER_REPLACED));
    assert_non_null(strstr(fixture->err.hint, FOLDER_STAGING));
    assert_true(scratch_holds(scratch, "pgdata/" FOLDER_REPLACED "/base/old", "old table"));
    assert_true(scratch_holds(scratch, "pgdata/" FOLDER_STAGING "/base/1/1259", "new pg_class"));
    assert_false(scratch_exists(scratch, "pgdata/global/pg_control"));

    /* The next restore does not make it worse. */
    fixture->wait_for = NULL;
    refuse(fixture, scratch_path(scratch, "pgdata"), ERROR_REFUSED, "interrupted in its last step");
}

static void leftovers_of_a_killed_restore_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch = &fixture->scratch;

    prepare_replacement(fixture);
    scratch_mkdir(scratch, "own_place/" FOLDER_STAGING);
    refuse(fixture, scratch_path(scratch, "pgdata"), ERROR_REFUSED, "interrupted restore");
    scratch_mkdir(scratch, "pgdata/" FOLDER_STAGING);
    refuse(fixture, scratch_path(scratch, "pgdata"), ERROR_REFUSED, FOLDER_STAGING);
}

int main(void)
{
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
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
        WITH_FIXTURE(pg_control_may_come_only_once),
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
