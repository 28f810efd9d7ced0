#include "plakar/fake_host.h"

#include "base/bytes.h"
#include "plakar/excludes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct fake_record some_records[] = {
    {"/manifest.json", RECORD_FILE, 1000, 0},
    {"/data", RECORD_DIRECTORY, 0, 0},
    {"/data/empty", RECORD_FILE, 0, 0},
    {"/data/big", RECORD_FILE, 3000000, 0},
    {"/data/link", RECORD_LINK, 0, 0},
    {"/summary.json", RECORD_FILE, 100, 0},
    {NULL, RECORD_FILE, 0, 0},
};

static void begin_import(struct host *host, const struct fake_record *records, const char *exclude)
{
    host_open(host, records, -1);
    host_init(host, exclude, NULL);
    host_import(host);
}

static void expect_next(struct host *host, const char *path)
{
    char text[256];
    const char *next = host_next_path(host, text);

    assert_non_null(next);
    assert_string_equal(next, path);
}

/* Acknowledges what has no content. */
static void expect_folder(struct host *host, const char *path)
{
    expect_next(host, path);
    host_acknowledge(host, path);
}

static void expect_file(struct host *host, const char *path, size_t size)
{
    expect_next(host, path);
    host_take(host, path, size);
}

/* Import ends with an error that says so, and never said "finished". */
static void expect_failure(struct host *host, const char *part)
{
    const struct peer_stream *import = host_stream(host, host->import);
    char text[256];

    while (host_next_path(host, text) != NULL)
        assert_string_not_equal(text, "");
    assert_string_equal(import->status, "2");
    if (strstr(import->message, part) == NULL)
        assert_string_equal(import->message, part);
    assert_int_equal(host->fake.completed, 0);
}

static void settle(struct host *host)
{
    for (int i = 0; i < 20; i++)
        host_step(host);
}

/* ---- A backup ---- */

static void a_backup_is_announced_read_and_finished(void **state)
{
    struct host host;
    const struct peer_stream *import;

    (void)state;
    begin_import(&host, some_records, NULL);
    expect_folder(&host, "/");
    expect_file(&host, "/manifest.json", 1000);
    expect_folder(&host, "/data");
    expect_file(&host, "/data/empty", 0);
    expect_file(&host, "/data/big", 3000000);
    expect_folder(&host, "/data/link");
    expect_file(&host, "/summary.json", 100);
    expect_next(&host, "");
    import = host_stream(&host, host.import);
    settle(&host);
    assert_string_equal(import->status, ""); /* acknowledgements may still be under way */
    host_half_close(&host);
    HOST_WAIT(&host, import->closed);
    assert_string_equal(import->status, "0");
    assert_int_equal(host.fake.completed, 1);
    host_unary(&host, "Close", slice_string(""));
    assert_true(service_closed(host.service));
    host_close(&host);
}

static void a_record_carries_what_plakar_needs(void **state)
{
    struct host host;
    Importer__ImportResponse *response;

    (void)state;
    begin_import(&host, some_records, NULL);
    expect_folder(&host, "/");
    HOST_WAIT(&host, (response = host_next(&host)) != NULL);
    assert_string_equal(response->record->pathname, "/manifest.json");
    assert_string_equal(response->record->file_info->name, "manifest.json");
    assert_int_equal(response->record->file_info->size, 1000);
    assert_int_equal(response->record->file_info->mode, 0600);
    assert_int_equal(response->record->file_info->nlink, 1);
    assert_int_equal(response->record->file_info->ino, 4711);
    assert_true(response->record->file_info->dev > 0);
    assert_non_null(response->record->file_info->mod_time);
    importer__import_response__free_unpacked(response, NULL);
    host_close(&host);
}

static void nothing_is_read_before_it_is_opened(void **state)
{
    struct host host;

    (void)state;
    begin_import(&host, some_records, NULL);
    expect_folder(&host, "/");
    expect_next(&host, "/manifest.json");
    settle(&host);
    assert_int_equal(host.fake.read, 0);
    assert_int_equal(host.fake.given, 1);
    host_close(&host);
}

static void a_closed_window_bounds_what_is_read_ahead(void **state)
{
    static const struct fake_record records[] = {{"/manifest.json", RECORD_FILE, 50000000, 0},
                                                 {NULL, RECORD_FILE, 0, 0}};
    struct host host;

    (void)state;
    host_open(&host, records, 5000);
    host_init(&host, NULL, NULL);
    host_import(&host);
    expect_folder(&host, "/");
    expect_next(&host, "/manifest.json");
    host_open_record(&host, "/manifest.json");
    settle(&host);
    assert_true(host.fake.read > 0);
    assert_true(host.fake.read < 2500000);
    host_close(&host);
}

static void the_summary_waits_for_everything_else(void **state)
{
    static const struct fake_record records[] = {{"/manifest.json", RECORD_FILE, 10, 0},
                                                 {"/data", RECORD_DIRECTORY, 0, 0},
                                                 {"/summary.json", RECORD_FILE, 100, 0},
                                                 {NULL, RECORD_FILE, 0, 0}};
    struct host host;

    (void)state;
    begin_import(&host, records, NULL);
    expect_folder(&host, "/");
    expect_file(&host, "/manifest.json", 10);
    expect_next(&host, "/data");
    settle(&host);
    assert_null(host_next(&host));
    host_acknowledge(&host, "/data");
    expect_next(&host, "/summary.json");
    host_close(&host);
}

static void finished_is_withheld_until_all_is_acknowledged(void **state)
{
    struct host host;
    size_t call;

    (void)state;
    begin_import(&host, &some_records[5], NULL); /* the summary alone */
    expect_folder(&host, "/");
    expect_next(&host, "/summary.json");
    call = host_open_record(&host, "/summary.json");
    HOST_WAIT(&host, host_stream(&host, call)->closed);
    settle(&host);
    assert_null(host_next(&host));
    host_acknowledge(&host, "/summary.json");
    expect_next(&host, "");
    host_close(&host);
}

/* ---- What Plakar leaves out ---- */

static void a_dry_run_ends_with_the_first_file(void **state)
{
    struct host host;

    (void)state;
    begin_import(&host, some_records, NULL);
    expect_folder(&host, "/");
    expect_folder(&host, "/manifest.json");
    expect_next(&host, "");
    host_half_close(&host);
    HOST_WAIT(&host, host_stream(&host, host.import)->closed);
    assert_string_equal(host_stream(&host, host.import)->status, "0");
    assert_int_equal(host.fake.given, 1);
    assert_int_equal(host.fake.read, 0);
    assert_int_equal(host.fake.completed, 0);
    host_close(&host);
}

static void a_file_that_is_not_read_fails_the_backup(void **state)
{
    struct host host;

    (void)state;
    begin_import(&host, some_records, NULL);
    expect_folder(&host, "/");
    expect_file(&host, "/manifest.json", 1000);
    expect_folder(&host, "/data");
    expect_folder(&host, "/data/empty");
    expect_failure(&host, "did not read /data/empty");
    host_close(&host);
}

static void what_a_pattern_names_may_be_left_out(void **state)
{
    struct host host;

    (void)state;
    begin_import(&host, some_records, "/data/e*");
    expect_folder(&host, "/");
    expect_file(&host, "/manifest.json", 1000);
    expect_folder(&host, "/data");
    expect_folder(&host, "/data/empty");
    expect_file(&host, "/data/big", 3000000);
    expect_folder(&host, "/data/link");
    expect_file(&host, "/summary.json", 100);
    expect_next(&host, "");
    host_close(&host);
}

static void the_first_record_may_be_left_out_as_well(void **state)
{
    struct host host;

    (void)state;
    begin_import(&host, some_records, "*.json");
    expect_folder(&host, "/");
    expect_folder(&host, "/manifest.json");
    expect_folder(&host, "/data");
    expect_file(&host, "/data/empty", 0);
    expect_file(&host, "/data/big", 3000000);
    expect_folder(&host, "/data/link");
    expect_folder(&host, "/summary.json");
    expect_next(&host, "");
    host_close(&host);
}

static void what_no_pattern_names_fails_the_backup_all_the_same(void **state)
{
    struct host host;

    (void)state;
    begin_import(&host, some_records, "/data/e*");
    expect_folder(&host, "/");
    expect_file(&host, "/manifest.json", 1000);
    expect_folder(&host, "/data");
    expect_folder(&host, "/data/empty");
    expect_folder(&host, "/data/big");
    expect_failure(&host, "did not read /data/big");
    host_close(&host);
    /* Nor is it a dry run where the first record was left out as told. */
    begin_import(&host, some_records, "*.json");
    expect_folder(&host, "/");
    expect_folder(&host, "/manifest.json");
    expect_folder(&host, "/data");
    expect_folder(&host, "/data/empty");
    expect_failure(&host, "did not read /data/empty");
    host_close(&host);
}

static void a_dry_run_with_patterns_is_one(void **state)
{
    struct host host;

    (void)state;
    begin_import(&host, some_records, "/data/log");
    expect_folder(&host, "/");
    expect_folder(&host, "/manifest.json");
    expect_next(&host, "");
    assert_int_equal(host.fake.given, 1);
    assert_int_equal(host.fake.completed, 0);
    host_close(&host);
}

static void where_every_record_is_needed_a_pattern_fails_the_backup(void **state)
{
    static const char *const patterns[] = {"manifest.json", "/data/empty", "/data/*",
                                           "big",           "/data/",      "**/big",
                                           "/summary.json", "*",           "[s]ummary.json"};
    const struct fake_record *record;

    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        const struct excludes only = {.patterns = (char *[]){(char *)(uintptr_t)patterns[i]},
                                      .count = 1};
        struct host host;
        char text[256];

        host_open(&host, some_records, -1);
        host.fake.needs_all = true;
        host_init(&host, patterns[i], NULL);
        host_import(&host);
        expect_folder(&host, "/");
        for (record = some_records; record->path != NULL; record++) {
            bool out = record->type == RECORD_FILE && excludes_may_match(&only, record->path) &&
                       (patterns[i][0] != '[' || strcmp(record->path, "/summary.json") == 0);

            if (record->type != RECORD_FILE || out)
                expect_folder(&host, record->path);
            else
                expect_file(&host, record->path, record->size);
            if (out)
                break;
        }
        assert_non_null(record->path);
        snprintf(text, sizeof(text), "Plakar left %s out, as it was told to", record->path);
        expect_failure(&host, text);
        assert_non_null(strstr(host_stream(&host, host.import)->message, "-ignore"));
        host_close(&host);
    }
}

/* ---- Failures ---- */

static void a_source_that_cannot_start_fails_the_backup(void **state)
{
    struct host host;

    (void)state;
    host_open(&host, some_records, -1);
    host.fake.start_fails = true;
    host_init(&host, NULL, NULL);
    host_import(&host);
    expect_failure(&host, "cannot connect to nowhere");
    host_unary(&host, "Close", slice_string(""));
    host_close(&host);
}

static void a_reader_that_fails_fails_the_backup(void **state)
{
    static const struct fake_record records[] = {{"/manifest.json", RECORD_FILE, 900000, 600000},
                                                 {"/summary.json", RECORD_FILE, 100, 0},
                                                 {NULL, RECORD_FILE, 0, 0}};
    struct host host;
    size_t call;

    (void)state;
    begin_import(&host, records, NULL);
    expect_folder(&host, "/");
    expect_next(&host, "/manifest.json");
    call = host_open_record(&host, "/manifest.json");
    HOST_WAIT(&host, host_stream(&host, call)->closed);
    assert_string_not_equal(host_stream(&host, call)->status, "0");
    expect_failure(&host, "the server went away");
    host_close(&host);
}

static void a_reset_open_fails_the_backup(void **state)
{
    struct host host;
    size_t call;

    (void)state;
    begin_import(&host, some_records, NULL);
    expect_folder(&host, "/");
    expect_file(&host, "/manifest.json", 1000);
    expect_folder(&host, "/data");
    expect_file(&host, "/data/empty", 0);
    expect_next(&host, "/data/big");
    call = host_open_record(&host, "/data/big");
    HOST_WAIT(&host, host_stream(&host, call)->data.len > 0);
    nghttp2_submit_rst_stream(host.peer.http, NGHTTP2_FLAG_NONE, (int32_t)call * 2 + 1,
                              NGHTTP2_CANCEL);
    expect_failure(&host, "gave up reading /data/big");
    host_close(&host);
}

static void an_acknowledgement_before_the_end_fails_the_backup(void **state)
{
    static const struct fake_record records[] = {{"/manifest.json", RECORD_FILE, 50000000, 0},
                                                 {NULL, RECORD_FILE, 0, 0}};
    struct host host;

    (void)state;
    host_open(&host, records, 100000); /* the window keeps the call open */
    host_init(&host, NULL, NULL);
    host_import(&host);
    expect_folder(&host, "/");
    expect_next(&host, "/manifest.json");
    host_open_record(&host, "/manifest.json");
    settle(&host);
    host_acknowledge(&host, "/manifest.json");
    expect_failure(&host, "gave up reading /manifest.json");
    host_close(&host);
}

static void a_half_close_before_the_end_stops_the_backup(void **state)
{
    struct host host;

    (void)state;
    begin_import(&host, some_records, NULL);
    expect_folder(&host, "/");
    expect_next(&host, "/manifest.json");
    host_half_close(&host);
    expect_failure(&host, "Plakar stopped the backup");
    host_close(&host);
}

static void a_reset_import_stops_the_source(void **state)
{
    struct host host;

    (void)state;
    begin_import(&host, some_records, NULL);
    expect_folder(&host, "/");
    expect_next(&host, "/manifest.json");
    nghttp2_submit_rst_stream(host.peer.http, NGHTTP2_FLAG_NONE, (int32_t)host.import * 2 + 1,
                              NGHTTP2_CANCEL);
    HOST_WAIT(&host, host.fake.open_sources == 0);
    host_close(&host);
}

static void close_is_answered_when_the_source_is_closed(void **state)
{
    struct host host;

    (void)state;
    begin_import(&host, some_records, NULL);
    expect_folder(&host, "/");
    expect_next(&host, "/manifest.json");
    host_unary(&host, "Close", slice_string(""));
    assert_int_equal(host.fake.open_sources, 0);
    assert_true(service_closed(host.service));
    host_close(&host);
}

static void a_start_that_waits_ends_with_close(void **state)
{
    struct host host;

    (void)state;
    host_open(&host, some_records, -1);
    host.fake.endless_start = true;
    host_init(&host, NULL, NULL);
    host_import(&host);
    host_unary(&host, "Close", slice_string(""));
    host_close(&host);
}

/* ---- Reading ahead ---- */

#define MANY 700

/* manifest.json, then so many files of one size, then summary.json. */
struct many {
    struct fake_record records[MANY + 3];
    char paths[MANY][32];
};

static void make_many(struct many *many, size_t count, size_t size)
{
    many->records[0] = (struct fake_record){"/manifest.json", RECORD_FILE, 10, 0};
    for (size_t i = 0; i < count; i++) {
        snprintf(many->paths[i], sizeof(many->paths[i]), "/data/%zu", i);
        many->records[1 + i] = (struct fake_record){many->paths[i], RECORD_FILE, size, 0};
    }
    many->records[count + 1] = (struct fake_record){"/summary.json", RECORD_FILE, 100, 0};
    many->records[count + 2] = (struct fake_record){NULL, RECORD_FILE, 0, 0};
}

static void begin_many(struct host *host, const struct many *many, const char *exclude)
{
    begin_import(host, many->records, exclude);
    expect_folder(host, "/");
    expect_file(host, "/manifest.json", 10);
}

static void files_are_read_ahead_and_opened_in_any_order(void **state)
{
    struct many *many = calloc(1, sizeof(*many));
    struct host host;
    size_t calls[8];

    (void)state;
    make_many(many, 8, 30000);
    begin_many(&host, many, NULL);
    for (size_t i = 0; i < 8; i++)
        expect_next(&host, many->paths[i]);
    HOST_WAIT(&host, host.fake.read == 10 + 8 * 30000); /* nothing was opened yet */
    for (size_t i = 8; i-- > 0;)
        calls[i] = host_open_record(&host, many->paths[i]);
    for (size_t i = 0; i < 8; i++) {
        HOST_WAIT(&host, host_stream(&host, calls[i])->closed);
        host_check_content(&host, calls[i], 30000);
    }
    settle(&host);
    assert_null(host_next(&host)); /* the summary waits for acknowledgements */
    for (size_t i = 0; i < 8; i++)
        host_acknowledge(&host, many->paths[(i + 3) % 8]);
    expect_file(&host, "/summary.json", 100);
    expect_next(&host, "");
    assert_int_equal(host.fake.completed, 1);
    host_close(&host);
    free(many);
}

static void what_is_read_ahead_has_a_bound_in_bytes(void **state)
{
    struct many *many = calloc(1, sizeof(*many));
    struct host host;

    (void)state;
    make_many(many, 50, 1000000);
    begin_many(&host, many, "/data/*");
    HOST_WAIT(&host, host.fake.read > 30000000);
    settle(&host);
    assert_true(host.fake.read < 36000000);
    /* What is passed over makes room for more. */
    for (size_t i = 0; i < 50; i++)
        expect_folder(&host, many->paths[i]);
    expect_file(&host, "/summary.json", 100);
    expect_next(&host, "");
    host_close(&host);
    free(many);
}

static void what_is_announced_ahead_has_a_bound_in_records(void **state)
{
    struct many *many = calloc(1, sizeof(*many));
    struct host host;
    size_t given;

    (void)state;
    make_many(many, MANY, 0);
    begin_many(&host, many, "/data/*");
    HOST_WAIT(&host, host.fake.given > 500);
    settle(&host);
    given = host.fake.given;
    assert_true(given < 520);
    for (size_t i = 0; i < MANY; i++)
        expect_folder(&host, many->paths[i]);
    expect_file(&host, "/summary.json", 100);
    expect_next(&host, "");
    host_close(&host);
    free(many);
}

/* It may be opened before what fills the room. */
static void the_file_that_is_being_read_goes_on_where_there_is_no_room(void **state)
{
    struct many *many = calloc(1, sizeof(*many));
    struct host host;
    size_t last, call;

    (void)state;
    make_many(many, 50, 1500000);
    begin_many(&host, many, "/data/*");
    HOST_WAIT(&host, host.fake.read > 30000000);
    settle(&host);
    last = host.fake.given - 2; /* after manifest.json, from 0 */
    assert_true(last > 15 && last < 40);
    for (size_t i = 0; i <= last; i++)
        expect_next(&host, many->paths[i]);
    call = host_open_record(&host, many->paths[last]);
    HOST_WAIT(&host, host_stream(&host, call)->closed);
    host_check_content(&host, call, 1500000);
    for (size_t i = 0; i <= last; i++)
        host_acknowledge(&host, many->paths[i]);
    for (size_t i = last + 1; i < 50; i++)
        expect_folder(&host, many->paths[i]);
    expect_file(&host, "/summary.json", 100);
    expect_next(&host, "");
    host_close(&host);
    free(many);
}

static void a_file_read_ahead_and_not_opened_fails_the_backup(void **state)
{
    struct many *many = calloc(1, sizeof(*many));
    struct host host;

    (void)state;
    make_many(many, 50, 1000000);
    begin_many(&host, many, "/other/*");
    HOST_WAIT(&host, host.fake.read > 30000000); /* the reading thread waits for room */
    host_acknowledge(&host, many->paths[0]);
    expect_failure(&host, "did not read /data/0");
    host_close(&host);
    free(many);
}

static void what_is_read_ahead_ends_with_close(void **state)
{
    struct many *many = calloc(1, sizeof(*many));
    struct host host;

    (void)state;
    make_many(many, 50, 1000000);
    begin_many(&host, many, NULL);
    HOST_WAIT(&host, host.fake.read > 30000000);
    host_unary(&host, "Close", slice_string(""));
    host_close(&host);
    free(many);
}

/* ---- Taking what has not changed from the last snapshot ---- */

/* The stamp of the next record, which must be that one. */
static void next_stamp(struct host *host, const char *path, uint64_t stamp[2])
{
    Importer__ImportResponse *response = NULL;

    HOST_WAIT(host, (response = host_next(host)) != NULL);
    assert_string_equal(response->record->pathname, path);
    stamp[0] = response->record->file_info->dev;
    stamp[1] = response->record->file_info->ino;
    importer__import_response__free_unpacked(response, NULL);
}

static const struct fake_record reusables[] = {
    {"/manifest.json", RECORD_FILE, 10, 0},
    {"/data/first", RECORD_FILE, 3000, 0},
    {"/data/same", RECORD_FILE, 3000000, 0},
    {"/data/same again", RECORD_FILE, 3000000, 0},
    {"/data/other", RECORD_FILE, 3000001, 0},
    {"/data/empty", RECORD_FILE, 0, 0},
    {"/data/large", RECORD_FILE, 16777217, 0},
    {"/more/first", RECORD_FILE, 3000, 0},
    {"/more/second", RECORD_FILE, 3000, 0},
    {"/summary.json", RECORD_FILE, 100, 0},
    {NULL, RECORD_FILE, 0, 0},
};

static void begin_reusing(struct host *host, bool reuses)
{
    host_open(host, reusables, -1);
    host->fake.reuses = reuses;
    host_init(host, NULL, NULL);
    host_import(host);
    expect_folder(host, "/");
    expect_file(host, "/manifest.json", 10);
}

static void what_may_be_reused_is_told_apart_by_its_content(void **state)
{
    uint64_t stamps[10][2], again[2];
    struct host host;

    (void)state;
    for (int round = 0; round < 2; round++) {
        begin_reusing(&host, true);
        for (size_t i = 1; i < 9; i++) {
            if (round == 0) {
                next_stamp(&host, reusables[i].path, stamps[i]);
            } else {
                next_stamp(&host, reusables[i].path, again);
                /* First of their folders, or too large: unlike in any other backup. */
                assert_int_equal(memcmp(again, stamps[i], sizeof(again)) != 0,
                                 i == 1 || i == 6 || i == 7);
            }
            if (i == 2 || i == 6)
                host_take(&host, reusables[i].path, reusables[i].size);
            else if (i == 1 || i == 7)
                host_take(&host, reusables[i].path, 3000);
            else
                host_acknowledge(&host, reusables[i].path); /* it has that one */
        }
        expect_file(&host, "/summary.json", 100);
        expect_next(&host, "");
        assert_int_equal(host.fake.completed, 1);
        host_close(&host);
    }
    assert_memory_equal(stamps[2], stamps[3], sizeof(stamps[2]));
    assert_memory_not_equal(stamps[2], stamps[4], sizeof(stamps[2]));
    assert_memory_not_equal(stamps[2], stamps[5], sizeof(stamps[2]));
}

static void what_is_hidden_is_not_taken_for_reused(void **state)
{
    struct host host;

    (void)state;
    begin_reusing(&host, true);
    expect_file(&host, "/data/first", 3000);
    for (size_t i = 2; i < 6; i++)
        expect_folder(&host, reusables[i].path);
    expect_file(&host, "/data/large", 16777217);
    expect_folder(&host, "/more/first");
    expect_failure(&host, "did not read /more/first");
    host_close(&host);
    begin_reusing(&host, false); /* nor is anything unless it was asked for */
    expect_file(&host, "/data/first", 3000);
    expect_folder(&host, "/data/same");
    expect_failure(&host, "did not read /data/same");
    host_close(&host);
}

/* ---- Independent sources ---- */

static const struct fake_record tables[] = {
    {"/0", RECORD_FILE, 700000, 0},         {"/1", RECORD_FILE, 600000, 0},
    {"/2", RECORD_FILE, 500000, 0},         {"/3", RECORD_FILE, 10, 0},
    {"/summary.json", RECORD_FILE, 100, 0}, {NULL, RECORD_FILE, 0, 0},
};

static void begin_tables(struct host *host)
{
    host_open(host, tables, -1);
    host->fake.sequential = false;
    host_init(host, NULL, NULL);
    host_import(host);
    expect_folder(host, "/");
    expect_next(host, "/0");
    expect_next(host, "/1");
    expect_next(host, "/2");
    expect_next(host, "/3");
}

static void independent_records_are_opened_in_any_order_and_at_once(void **state)
{
    struct host host;
    size_t calls[3];

    (void)state;
    begin_tables(&host);
    calls[2] = host_open_record(&host, "/2");
    calls[0] = host_open_record(&host, "/0");
    calls[1] = host_open_record(&host, "/1");
    for (size_t i = 0; i < 3; i++)
        HOST_WAIT(&host, host_stream(&host, calls[i])->closed);
    host_check_content(&host, calls[0], 700000);
    host_check_content(&host, calls[1], 600000);
    host_check_content(&host, calls[2], 500000);
    host_acknowledge(&host, "/1");
    host_acknowledge(&host, "/2");
    host_take(&host, "/3", 10);
    settle(&host);
    assert_null(host_next(&host)); /* the summary waits for /0 */
    host_acknowledge(&host, "/0");
    expect_file(&host, "/summary.json", 100);
    expect_next(&host, "");
    assert_int_equal(host.fake.completed, 1);
    host_close(&host);
}

static void an_independent_dry_run_ends_without_content(void **state)
{
    struct host host;

    (void)state;
    begin_tables(&host);
    host_acknowledge(&host, "/0");
    host_acknowledge(&host, "/1");
    host_acknowledge(&host, "/2");
    host_acknowledge(&host, "/3");
    expect_next(&host, "");
    assert_int_equal(host.fake.read, 0);
    host_close(&host);
}

static void an_independent_record_left_out_fails_the_backup(void **state)
{
    struct host host;

    (void)state;
    begin_tables(&host);
    host_take(&host, "/1", 600000);
    host_acknowledge(&host, "/0");
    host_acknowledge(&host, "/2");
    host_acknowledge(&host, "/3");
    expect_failure(&host, "did not read");
    host_close(&host);
}

static void readers_that_wait_end_with_close(void **state)
{
    struct host host;

    (void)state;
    host_open(&host, tables, 1000);
    host.fake.sequential = false;
    host_init(&host, NULL, NULL);
    host_import(&host);
    expect_folder(&host, "/");
    expect_next(&host, "/0");
    host_open_record(&host, "/0");
    host_open_record(&host, "/1");
    settle(&host);
    host_unary(&host, "Close", slice_string(""));
    host_close(&host);
}

/* ---- Other methods ---- */

static void init_says_who_the_source_is(void **state)
{
    struct host host;
    const struct buffer *data;

    (void)state;
    host_open(&host, some_records, -1);
    data = &host_stream(&host, host_init(&host, NULL, NULL))->data;
    /* origin, type, root, flags STREAM | NOMERGE */
    assert_int_equal(data->len, GRPC_PREFIX + 2 + 13 + 2 + 4 + 2 + 1 + 2);
    assert_memory_equal(data->data + GRPC_PREFIX, "\x0a\x0dhere/fake+bin\x12\4fake\x1a\1/\x20\x14",
                        26);
    host_close(&host);
}

static void init_refuses_what_makes_no_sense(void **state)
{
    struct host host;
    const struct peer_stream *stream;

    (void)state;
    host_open(&host, some_records, -1);
    stream = host_stream(&host, host_init(&host, NULL, "bad"));
    assert_string_equal(stream->status, "3");
    assert_string_equal(stream->message, "unknown option \"bad\"");
    host_close(&host);
}

static void methods_before_init_fail(void **state)
{
    struct host host;

    (void)state;
    host_open(&host, some_records, -1);
    assert_string_equal(host_stream(&host, host_unary(&host, "Ping", slice_string("")))->status,
                        "9");
    assert_string_equal(host_stream(&host, host_unary(&host, "Open", slice_string("")))->status,
                        "9");
    host_unary(&host, "Close", slice_string(""));
    host_close(&host);
}

static void ping_says_whether_the_server_answers(void **state)
{
    for (int fails = 0; fails < 2; fails++) {
        struct host host;
        const struct peer_stream *stream;

        (void)state;
        host_open(&host, some_records, -1);
        host.fake.ping_fails = fails;
        host_init(&host, NULL, NULL);
        stream = host_stream(&host, host_unary(&host, "Ping", slice_string("")));
        assert_string_equal(stream->status, fails ? "2" : "0");
        assert_string_equal(stream->message, fails ? "nobody is there" : "");
        assert_int_equal(stream->data.len, fails ? 0 : GRPC_PREFIX);
        host_close(&host);
    }
}

static void an_unknown_record_is_not_found(void **state)
{
    struct host host;

    (void)state;
    begin_import(&host, some_records, NULL);
    expect_folder(&host, "/");
    expect_next(&host, "/manifest.json");
    for (int i = 0; i < 2; i++) {
        size_t call = host_open_record(&host, i == 0 ? "/nothing" : "/");

        HOST_WAIT(&host, host_stream(&host, call)->closed);
        assert_string_equal(host_stream(&host, call)->status, "5");
    }
    host_close(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_is_announced_read_and_finished),
        cmocka_unit_test(a_record_carries_what_plakar_needs),
        cmocka_unit_test(nothing_is_read_before_it_is_opened),
        cmocka_unit_test(a_closed_window_bounds_what_is_read_ahead),
        cmocka_unit_test(the_summary_waits_for_everything_else),
        cmocka_unit_test(finished_is_withheld_until_all_is_acknowledged),
        cmocka_unit_test(a_dry_run_ends_with_the_first_file),
        cmocka_unit_test(a_file_that_is_not_read_fails_the_backup),
        cmocka_unit_test(what_a_pattern_names_may_be_left_out),
        cmocka_unit_test(the_first_record_may_be_left_out_as_well),
        cmocka_unit_test(what_no_pattern_names_fails_the_backup_all_the_same),
        cmocka_unit_test(a_dry_run_with_patterns_is_one),
        cmocka_unit_test(where_every_record_is_needed_a_pattern_fails_the_backup),
        cmocka_unit_test(a_source_that_cannot_start_fails_the_backup),
        cmocka_unit_test(a_reader_that_fails_fails_the_backup),
        cmocka_unit_test(a_reset_open_fails_the_backup),
        cmocka_unit_test(an_acknowledgement_before_the_end_fails_the_backup),
        cmocka_unit_test(a_half_close_before_the_end_stops_the_backup),
        cmocka_unit_test(a_reset_import_stops_the_source),
        cmocka_unit_test(close_is_answered_when_the_source_is_closed),
        cmocka_unit_test(a_start_that_waits_ends_with_close),
        cmocka_unit_test(files_are_read_ahead_and_opened_in_any_order),
        cmocka_unit_test(what_is_read_ahead_has_a_bound_in_bytes),
        cmocka_unit_test(what_is_announced_ahead_has_a_bound_in_records),
        cmocka_unit_test(the_file_that_is_being_read_goes_on_where_there_is_no_room),
        cmocka_unit_test(a_file_read_ahead_and_not_opened_fails_the_backup),
        cmocka_unit_test(what_is_read_ahead_ends_with_close),
        cmocka_unit_test(what_may_be_reused_is_told_apart_by_its_content),
        cmocka_unit_test(what_is_hidden_is_not_taken_for_reused),
        cmocka_unit_test(independent_records_are_opened_in_any_order_and_at_once),
        cmocka_unit_test(an_independent_dry_run_ends_without_content),
        cmocka_unit_test(an_independent_record_left_out_fails_the_backup),
        cmocka_unit_test(readers_that_wait_end_with_close),
        cmocka_unit_test(init_says_who_the_source_is),
        cmocka_unit_test(init_refuses_what_makes_no_sense),
        cmocka_unit_test(methods_before_init_fail),
        cmocka_unit_test(ping_says_whether_the_server_answers),
        cmocka_unit_test(an_unknown_record_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
