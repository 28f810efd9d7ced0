#include "restore_fixture.h"

#include "restore/folder.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

void fixture_add(struct fixture *fixture, struct made_record record)
{
    assert_true(fixture->count < MAX_RECORDS - 1);
    fixture->records[fixture->count++] = record;
}

void fixture_add_file(struct fixture *fixture, const char *path, const char *content)
{
    fixture_add(fixture, (struct made_record)MADE_FILE(path, content));
}

void fixture_add_folder(struct fixture *fixture, const char *path)
{
    fixture_add(fixture, (struct made_record)MADE_FOLDER(path));
}

void fixture_add_cluster(struct fixture *fixture)
{
    fixture_add_file(fixture, "/manifest.json", fixture->manifest);
    fixture_add_folder(fixture, "/tablespaces");
    fixture_add_folder(fixture, "/tablespaces/16384");
    fixture_add_folder(fixture, "/tablespaces/16384/PG_15_1");
    fixture_add_file(fixture, "/tablespaces/16384/PG_15_1/5/77", "table in a tablespace");
    fixture_add_folder(fixture, "/data");
    fixture_add_file(fixture, "/data/PG_VERSION", "15\n");
    fixture_add_folder(fixture, "/data/base");
    fixture_add_file(fixture, "/data/base/1/1259", "new pg_class");
    fixture_add_folder(fixture, "/data/pg_tblspc");
    fixture_add(fixture,
                (struct made_record)MADE_LINK("/data/pg_tblspc/16384", "../../tablespaces/16384"));
    fixture_add_folder(fixture, "/data/global");
    fixture_add_file(fixture, "/data/global/1262", "pg_database");
}

void fixture_add_ending(struct fixture *fixture)
{
    fixture_add_file(fixture, "/data/global/pg_control", CONTROL);
    fixture_add_file(fixture, "/data/backup_manifest", "the manifest");
    fixture_add_file(fixture, "/summary.json", "{}");
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

int fixture_set_up(void **state)
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
    fixture->observer = (struct record_observer){
        .context = fixture, .record_begun = on_record, .bytes_moved = on_bytes};
    fixture->log = (struct log){on_log, fixture, LOG_DEBUG};
    fixture->options.observer = &fixture->observer;
    fixture->options.cancel = &fixture->cancel;
    fixture->options.log = &fixture->log;
    fixture->options.mappings = &fixture->mapping;
    *state = fixture;
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;

    cancel_reset(&fixture->cancel);
    scratch_remove(&fixture->scratch);
    test_free(fixture);
    return 0;
}

bool fixture_restore_to(struct fixture *fixture, const char *data_directory)
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

bool fixture_restore(struct fixture *fixture)
{
    return fixture_restore_to(fixture, scratch_path(&fixture->scratch, "pgdata"));
}

void fixture_assert_restored(struct fixture *fixture)
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

void fixture_assert_nothing_left(struct fixture *fixture)
{
    assert_false(scratch_exists(&fixture->scratch, "pgdata"));
    assert_false(scratch_exists(&fixture->scratch, "pgdata.tablespaces"));
}

void fixture_whole_backup(struct fixture *fixture)
{
    fixture_add_cluster(fixture);
    fixture_add_ending(fixture);
}

void fixture_make_old_cluster(struct fixture *fixture)
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

void fixture_refuse(struct fixture *fixture, const char *data_directory, enum error_code code,
                    const char *said)
{
    assert_false(fixture_restore_to(fixture, data_directory));
    assert_int_equal(fixture->err.code, code);
    assert_non_null(strstr(fixture->err.message, said));
    assert_int_equal(fixture->made.next, 0);
}
