/* What one reads of a stream comes to several, each row and object once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "restore/stream_splitter.h"

#include <inttypes.h>
#include <string.h>

static void rows_are_cut_where_no_backslash_stands_before(void **state)
{
    static const struct {
        const char *rows;
        size_t cut;
    } cases[] = {
        {"", 0},
        {"\n", 0}, /* what stands before it is not known */
        {"\n\n", 2},
        {"1\ta", 0},
        {"1\ta\n", 4},
        {"1\ta\n2", 4},
        {"1\ta\n2\tb\n", 8},
        {"1\ta\n2\tb\\\nc", 4},     /* the line end is data */
        {"1\ta\n2\tb\\\\\n3\t", 4}, /* a row's end that is not used */
        {"1\tb\\\\\n", 0},
        {"1\ta\\\n\n2", 6},    /* data, and then the end */
        {"1\t\x83\x5c\n2", 0}, /* SJIS: the second byte of a character */
        {"1\n2\t\x83\x5c\n3", 2},
        {"1\t\x81\x30\x81\x30\n2", 7}, /* GB18030 */
        {"1\ta\\n\n", 6},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t cut = stream_splitter_cut(slice_string(cases[i].rows));

        if (cut != cases[i].cut)
            fail_msg("case %zu: %zu", i, cut);
    }
}

/* ---- From one who reads to several ---- */

#define WORKERS 3
#define TABLES 40 /* small ones, */
#define SHARED 40 /* two that are shared, */
#define ALONE 42  /* one that is not, */
#define OBJECTS 43
#define ENTRIES 44
#define ROWS 30000 /* of a large one */
#define BLOBS 50

struct crew;

struct worker {
    struct crew *crew;
    uint32_t number;
    uint32_t entry, object; /* at hand */
    bool at_row_start, escaped, given_up;
    uint32_t row; /* being read */
    pthread_t thread;
};

struct crew {
    struct packet_queues queues;
    struct archive_contents *contents;
    struct stream_splitter splitter;
    struct worker workers[WORKERS];
    uint32_t refuses; /* the worker that takes none of the first shared table */
    pthread_mutex_t lock;
    uint8_t seen[ENTRIES][ROWS]; /* each row, or byte of an object: how many times */
    uint64_t bytes[BLOBS], rows_at_end[ENTRIES];
    unsigned complete, nothing, ended, partial, bad;
};

static struct crew crew;

static bool wants(void *context, uint32_t number, bool *wanted, struct error *err)
{
    (void)context;
    (void)err;
    *wanted = number != 1;
    return true;
}

static bool shares(void *context, uint32_t number)
{
    (void)context;
    return number == SHARED || number == SHARED + 1;
}

static void count_row(struct worker *worker)
{
    pthread_mutex_lock(&crew.lock);
    if (worker->row >= ROWS || crew.seen[worker->entry][worker->row]++ > 0)
        crew.bad++;
    pthread_mutex_unlock(&crew.lock);
    worker->row = 0;
    worker->at_row_start = true;
}

/* A row is its number and something that no digit is in. */
static void take_rows(struct worker *worker, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_data = worker->escaped;

        worker->escaped = bytes[i] == '\\' && !is_data;
        if (bytes[i] >= '0' && bytes[i] <= '9') {
            worker->row = worker->row * 10 + bytes[i] - '0';
            worker->at_row_start = false;
        } else if (worker->at_row_start) {
            pthread_mutex_lock(&crew.lock);
            crew.bad++;
            pthread_mutex_unlock(&crew.lock);
        }
        if (bytes[i] == '\n' && !is_data)
            count_row(worker);
    }
}

static void take_events(struct worker *worker, const struct packet *packet)
{
    size_t at = 0;

    for (size_t i = 0; i < packet->count; i++) {
        const struct packet_event *event = &packet->events[i];

        if (event->kind == EVENT_BEGIN) {
            worker->entry = event->number;
            worker->at_row_start = true;
        } else if (event->kind == EVENT_OBJECT) {
            worker->object = event->number;
        } else if (event->kind == EVENT_BYTES && worker->entry == OBJECTS) {
            pthread_mutex_lock(&crew.lock);
            for (size_t j = 0; j < event->amount; j++)
                crew.bad += packet->bytes[at + j] != worker->object;
            crew.bytes[worker->object] += event->amount;
            pthread_mutex_unlock(&crew.lock);
        } else if (event->kind == EVENT_BYTES) {
            take_rows(worker, packet->bytes + at, (size_t)event->amount);
        } else if (event->kind == EVENT_END) {
            pthread_mutex_lock(&crew.lock);
            crew.bad += !worker->at_row_start && worker->entry != OBJECTS;
            crew.rows_at_end[worker->entry] += event->amount;
            crew.ended += worker->entry != OBJECTS;
            pthread_mutex_unlock(&crew.lock);
        }
        at += event->kind == EVENT_BYTES ? event->amount : 0;
    }
}

static void end_share(struct worker *worker, struct shared_rows *shared)
{
    bool taken = worker->number != crew.refuses || shared->number != SHARED;
    bool stays = shared_rows_vote(shared, taken, 1);
    enum shared_end end;
    uint64_t rows;

    end = shared_rows_leave(shared, stays, &rows);
    pthread_mutex_lock(&crew.lock);
    crew.bad += !worker->at_row_start || (end == SHARED_COMPLETE && rows < 2);
    crew.complete += end == SHARED_COMPLETE;
    crew.nothing += end == SHARED_NOTHING;
    crew.partial += end == SHARED_PARTIAL;
    pthread_mutex_unlock(&crew.lock);
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct packet *packet;

    while ((packet = packet_get(&crew.queues, worker->number, true)) != NULL) {
        if (packet->kind == PACKET_ENTRIES)
            take_events(worker, packet);
        else if (packet->kind == PACKET_ROWS_END)
            end_share(worker, packet->shared);
        else if (packet->kind == PACKET_GIVE_UP)
            worker->given_up = true;
        if (packet->kind == PACKET_ROWS) {
            if (worker->entry != packet->shared->number)
                worker->at_row_start = true;
            worker->entry = packet->shared->number;
            take_rows(worker, packet->bytes, packet->len);
        }
        packet_done(&crew.queues, worker->number, packet);
    }
    return NULL;
}

static struct archive_contents *make_contents(void)
{
    const struct archive_header header = {.minor = 16,
                                          .database = "d",
                                          .server_version = "18.1",
                                          .dumper_version = "t",
                                          .entry_count = ENTRIES};
    struct error err;
    struct archive_contents *contents = archive_contents_new(ARCHIVE_FORM_CUSTOM, &err);

    assert_non_null(contents);
    assert_true(archive_contents_begin(contents, &header, &err));
    for (int32_t i = 0; i < ENTRIES; i++) {
        const struct archive_entry entry = {.dump_id = i + 1,
                                            .has_data = true,
                                            .tag = "t",
                                            .desc = i == OBJECTS ? "BLOBS" : "TABLE DATA",
                                            .section = SECTION_DATA,
                                            .copy = i == OBJECTS ? NULL : "COPY t FROM stdin;\n"};

        assert_true(archive_contents_add(contents, &entry, &err));
    }
    return contents;
}

static int begin_crew(void **state)
{
    struct error err;

    (void)state;
    memset(&crew, 0, sizeof(crew));
    pthread_mutex_init(&crew.lock, NULL);
    crew.contents = make_contents();
    crew.refuses = WORKERS;
    assert_true(packet_queues_init(&crew.queues, WORKERS, &err));
    crew.splitter = (struct stream_splitter){
        .queues = &crew.queues, .contents = crew.contents, .wanted = wants, .may_share = shares};
    for (uint32_t i = 0; i < WORKERS; i++) {
        crew.workers[i] = (struct worker){.crew = &crew, .number = i};
        assert_int_equal(pthread_create(&crew.workers[i].thread, NULL, work, &crew.workers[i]), 0);
    }
    return 0;
}

static void await_crew(void)
{
    packet_queues_end(&crew.queues);
    for (uint32_t i = 0; i < WORKERS; i++)
        pthread_join(crew.workers[i].thread, NULL);
}

static int end_crew(void **state)
{
    (void)state;
    stream_splitter_reset(&crew.splitter);
    packet_queues_reset(&crew.queues);
    archive_contents_free(crew.contents);
    pthread_mutex_destroy(&crew.lock);
    return 0;
}

/* In pieces of any length. */
static bool feed(const struct archive_data_handler *handler, uint32_t number, struct buffer *bytes,
                 struct error *err)
{
    struct slice rest = buffer_slice(bytes);
    size_t piece = 1;

    while (rest.len > 0) {
        size_t len = piece < rest.len ? piece : rest.len;

        piece = piece * 7 % 65521 + 1;
        if (!handler->bytes(handler->context, number, slice_take(&rest, len), err))
            return false;
    }
    buffer_clear(bytes);
    return true;
}

/* Line ends that are data, backslashes before ends, and of `longest` one row beyond a packet. */
static void make_rows(struct buffer *out, uint32_t count, uint32_t longest)
{
    static const char *const ends[] = {"\tx\n", "\tx\\\\\n", "\tx\\\n\n", "\tx\\\\\\\n\n"};
    struct error err;

    for (uint32_t i = 0; i < count; i++) {
        assert_true(buffer_printf(out, &err, "%" PRIu32 "\t", i));
        for (uint32_t j = 0; j < (i == longest ? 30000U : 1U); j++)
            assert_true(buffer_append_string(out, "abcdefghijklmnopqrstuvwxyz\\\n", &err));
        assert_true(buffer_append_string(out, ends[i % 4], &err));
    }
}

static void give_table(uint32_t number, uint32_t rows)
{
    struct archive_data_handler handler = stream_splitter_handler(&crew.splitter);
    struct buffer bytes = {0};
    struct error err;
    bool wanted = true;

    assert_true(handler.begin(handler.context, number, &wanted, &err));
    if (!wanted)
        return;
    make_rows(&bytes, rows, rows > 1000 ? rows / 2 : UINT32_MAX);
    assert_true(feed(&handler, number, &bytes, &err));
    assert_true(handler.end(handler.context, number, rows, &err));
    buffer_free(&bytes);
}

static void give_objects(void)
{
    struct archive_data_handler handler = stream_splitter_handler(&crew.splitter);
    struct buffer bytes = {0};
    struct error err;
    bool wanted = true;

    assert_true(handler.begin(handler.context, OBJECTS, &wanted, &err));
    for (uint32_t oid = 1; oid < BLOBS; oid++) {
        assert_true(handler.object(handler.context, OBJECTS, oid, &err));
        for (uint32_t i = 0; i < oid * oid * 500; i++)
            assert_true(buffer_append_byte(&bytes, (uint8_t)oid, &err));
        assert_true(feed(&handler, OBJECTS, &bytes, &err));
        assert_true(handler.object_end(handler.context, OBJECTS, &err));
    }
    assert_true(handler.end(handler.context, OBJECTS, 0, &err));
    buffer_free(&bytes);
}

static uint32_t rows_of(uint32_t number)
{
    return number < TABLES ? number * 20 : ROWS;
}

static void check_rows(uint32_t number)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        if (crew.seen[number][row] != (row < rows_of(number) && number != 1))
            fail_msg("entry %u: row %u came %u times", number, row, crew.seen[number][row]);
    }
}

static void each_row_and_object_comes_once(void **state)
{
    struct error err;

    (void)state;
    crew.refuses = 1;
    for (uint32_t i = 0; i < OBJECTS; i++)
        give_table(i, rows_of(i));
    give_objects();
    assert_true(stream_splitter_finish(&crew.splitter, &err));
    await_crew();
    assert_int_equal(crew.bad, 0);
    for (uint32_t i = 0; i < OBJECTS; i++)
        check_rows(i);
    for (uint32_t oid = 1; oid < BLOBS; oid++)
        assert_int_equal(crew.bytes[oid], oid * oid * 500);
    assert_int_equal(crew.ended, TABLES - 1 + 1);
    assert_int_equal(crew.rows_at_end[ALONE], ROWS);
    assert_int_equal(crew.complete, 1);
    assert_int_equal(crew.nothing, 1);
    assert_int_equal(crew.partial, 0);
}

static void what_has_no_end_is_given_up(void **state)
{
    struct archive_data_handler handler = stream_splitter_handler(&crew.splitter);
    struct buffer bytes = {0};
    struct error err;
    bool wanted = true;

    (void)state;
    give_table(20, 400);
    assert_true(handler.begin(handler.context, SHARED, &wanted, &err));
    make_rows(&bytes, ROWS, UINT32_MAX);
    assert_true(feed(&handler, SHARED, &bytes, &err));
    buffer_free(&bytes);
    assert_int_equal(stream_splitter_give_up(&crew.splitter), SHARED);
    await_crew();
    assert_int_equal(crew.ended, 1);
    assert_int_equal(crew.complete + crew.nothing + crew.partial, 0);
    for (uint32_t i = 0; i < WORKERS; i++)
        assert_true(crew.workers[i].given_up);
}

static void what_a_worker_fails_with_ends_whoever_reads(void **state)
{
    struct archive_data_handler handler = stream_splitter_handler(&crew.splitter);
    struct buffer bytes = {0};
    struct error why, err;
    bool wanted = true;

    (void)state;
    assert_true(handler.begin(handler.context, SHARED, &wanted, &err));
    error_set(&why, ERROR_SERVER, "the session is gone");
    packet_queues_fail(&crew.queues, &why);
    make_rows(&bytes, ROWS, UINT32_MAX);
    assert_false(feed(&handler, SHARED, &bytes, &err));
    assert_string_equal(err.message, "the session is gone");
    buffer_free(&bytes);
    assert_int_equal(stream_splitter_give_up(&crew.splitter), SHARED);
    await_crew();
    assert_int_equal(crew.complete + crew.ended, 0);
}

/* Whoever waits for the others' votes is woken by a failure, and nothing stays. */
static void a_vote_does_not_wait_for_those_who_are_gone(void **state)
{
    struct error why, err;
    struct shared_rows *shared = shared_rows_new(&crew.queues, SHARED, &err);
    struct packet *packet;

    (void)state;
    assert_non_null(shared);
    shared->members = 2;
    packet = packet_take_spare(&crew.queues, &err);
    assert_non_null(packet);
    crew.workers[0].at_row_start = true;
    packet->kind = PACKET_ROWS_END;
    packet->shared = shared;
    assert_true(packet_put(&crew.queues, packet, 0, NULL, &err));
    error_set(&why, ERROR_SERVER, "the other one is gone");
    packet_queues_fail(&crew.queues, &why);
    await_crew();
    assert_int_equal(crew.complete, 0);
    assert_false(shared_rows_are_over(shared));
    shared_rows_free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_cut_where_no_backslash_stands_before),
        cmocka_unit_test_setup_teardown(each_row_and_object_comes_once, begin_crew, end_crew),
        cmocka_unit_test_setup_teardown(what_has_no_end_is_given_up, begin_crew, end_crew),
        cmocka_unit_test_setup_teardown(what_a_worker_fails_with_ends_whoever_reads, begin_crew,
                                        end_crew),
        cmocka_unit_test_setup_teardown(a_vote_does_not_wait_for_those_who_are_gone, begin_crew,
                                        end_crew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
