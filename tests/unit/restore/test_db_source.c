#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "made_source.h"
#include "restore/db_source.h"

/* The paths that come out, each with a space behind it; closes the source. */
static void paths_of(const struct made_record *records, char out[256])
{
    struct made_source made;
    struct record_source *source;
    struct record record;
    struct error err;

    out[0] = '\0';
    made_source_init(&made, records);
    source = db_source_new(&made.source, &err);
    assert_non_null(source);
    while (source_next(source, &record, &err) == SOURCE_RECORD) {
        strcat(out, record.path);
        strcat(out, " ");
        if (record.type == RECORD_FILE)
            reader_close(record.reader);
    }
    source_close(source);
    assert_true(made.closed);
}

static void the_databases_beside_files_are_a_backup(void **state)
{
    static const struct made_record records[] = {
        MADE_FOLDER("/db"),
        MADE_FILE("/db/00000-globals.sql", "a"),
        MADE_FOLDER("/db/00001-x"),
        MADE_FILE("/db/00001-x/toc.dat", "b"),
        MADE_FOLDER("/fs"),
        MADE_FILE("/fs/etc/x.conf", "c"),
        MADE_FILE("/manifest.json", "d"),
        MADE_END,
    };
    char paths[256];

    (void)state;
    paths_of(records, paths);
    assert_string_equal(paths, "/00000-globals.sql /00001-x /00001-x/toc.dat /manifest.json ");
}

static void what_only_begins_like_that_stays(void **state)
{
    static const struct made_record records[] = {
        MADE_FILE("/db.dump", "a"),
        MADE_FILE("/dbs/x", "b"),
        MADE_FILE("/fs.dump", "c"),
        MADE_FILE("/00001-db/toc.dat", "d"),
        MADE_END,
    };
    char paths[256];

    (void)state;
    paths_of(records, paths);
    assert_string_equal(paths, "/db.dump /dbs/x /fs.dump /00001-db/toc.dat ");
    assert_string_equal(db_source_path("/db"), "/db");
    assert_string_equal(db_source_path("/db/all.sql"), "/all.sql");
}

static void a_source_that_fails_fails(void **state)
{
    static const struct made_record records[] = {MADE_FILE("/fs/a", "a"),
                                                 MADE_FILE("/db/all.sql", "b"), MADE_END};
    struct record_source *source;
    struct made_source made;
    struct record record;
    struct error err;

    (void)state;
    made_source_init(&made, records);
    made.fail_at = 1;
    source = db_source_new(&made.source, &err);
    assert_int_equal(source_next(source, &record, &err), SOURCE_FAILED);
    source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_databases_beside_files_are_a_backup),
        cmocka_unit_test(what_only_begins_like_that_stays),
        cmocka_unit_test(a_source_that_fails_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
