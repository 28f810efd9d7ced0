/* What the tests of physical_restore share: a backup in memory and a folder to restore it into. */
#ifndef PGCASK_TESTS_RESTORE_FIXTURE_H
#define PGCASK_TESTS_RESTORE_FIXTURE_H

#include "made_source.h"
#include "restore/restore.h"
#include "support/scratch.h"

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

/* For cmocka_unit_test_setup_teardown; *state is a struct fixture. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* Appends to the backup. */
void fixture_add(struct fixture *fixture, struct made_record record);
void fixture_add_file(struct fixture *fixture, const char *path, const char *content);
void fixture_add_folder(struct fixture *fixture, const char *path);

/* Everything but the last three records, so that tests can put theirs before them. */
void fixture_add_cluster(struct fixture *fixture);
void fixture_add_ending(struct fixture *fixture);
void fixture_whole_backup(struct fixture *fixture);

/* Restores what was added; at_end, context and fail_at of fixture->made hold. To "pgdata" in the
 * scratch if not told otherwise. */
bool fixture_restore_to(struct fixture *fixture, const char *data_directory);
bool fixture_restore(struct fixture *fixture);

/* The restore fails before it has read a record. */
void fixture_refuse(struct fixture *fixture, const char *data_directory, enum error_code code,
                    const char *said);

/* A stopped cluster at "pgdata". */
void fixture_make_old_cluster(struct fixture *fixture);

void fixture_assert_restored(struct fixture *fixture);
void fixture_assert_nothing_left(struct fixture *fixture);

#endif
