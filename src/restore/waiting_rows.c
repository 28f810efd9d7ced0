/*
 * Whether an entry has to wait is known when its data begin: an order says that it comes behind one
 * whose data have not ended. What waits makes those wait that come behind it. At the end all that
 * waits is taken by the orders, each of which is looked at twice, however many there are.
 */
#include "restore/waiting_rows.h"

#include "base/array.h"
#include "base/error_names.h"
#include "base/nameless_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE ((size_t)64 * 1024)
#define WHAT "rows that wait for others"
#define NONE UINT32_MAX

struct kept_rows {
    uint32_t number;
    uint32_t behind; /* so many that are kept, too, and not given yet */
    uint64_t offset, len, rows;
    uint32_t seen; /* in the search for that circle */
    bool given;
};

struct waiting_rows {
    struct waiting_options options;
    struct entry_order *by_behind, *by_before;
    uint32_t *kept; /* of each entry: its number in items; NONE */
    bool *is_in;    /* of each entry: nobody has to wait for it */
    int fd;         /* -1: none is kept yet */
    uint64_t end;   /* of the file */
    struct kept_rows *items;
    size_t items_count, items_capacity;
    bool keeping; /* what comes now is kept */
    uint8_t piece[PIECE];
};

/* ---- Orders ---- */

static int compare_behind(const void *a, const void *b)
{
    uint32_t x = ((const struct entry_order *)a)->behind;
    uint32_t y = ((const struct entry_order *)b)->behind;

    return (x > y) - (x < y);
}

static int compare_before(const void *a, const void *b)
{
    uint32_t x = ((const struct entry_order *)a)->before;
    uint32_t y = ((const struct entry_order *)b)->before;

    return (x > y) - (x < y);
}

static struct entry_order *sorted(const struct entry_orders *orders,
                                  int (*compare)(const void *, const void *))
{
    struct entry_order *copy = calloc(orders->count + 1, sizeof(*copy));

    if (copy == NULL || orders->count == 0)
        return copy;
    memcpy(copy, orders->items, orders->count * sizeof(*copy));
    qsort(copy, orders->count, sizeof(*copy), compare);
    return copy;
}

/* The first of them that is not before the key. */
static size_t first_of(const struct waiting_rows *waiting, const struct entry_order *orders,
                       const struct entry_order *key, int (*compare)(const void *, const void *))
{
    size_t low = 0;

    for (size_t high = waiting->options.orders->count; low < high;) {
        size_t middle = low + (high - low) / 2;

        if (compare(&orders[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first entry that this one has to wait for; NONE. */
static uint32_t awaited_by(const struct waiting_rows *waiting, uint32_t number)
{
    const struct entry_order *orders = waiting->by_behind, key = {.behind = number};

    for (size_t i = first_of(waiting, orders, &key, compare_behind);
         i < waiting->options.orders->count && orders[i].behind == number; i++) {
        if (!waiting->is_in[orders[i].before])
            return orders[i].before;
    }
    return NONE;
}

/* ---- Keeping ---- */

static void say(const struct waiting_rows *waiting, uint32_t number, uint32_t awaited)
{
    char before[256], behind[256];

    archive_contents_name(waiting->options.contents, number, behind, sizeof(behind));
    archive_contents_name(waiting->options.contents, awaited, before, sizeof(before));
    log_message(waiting->options.log, LOG_INFO,
                "%s comes before %s, which it refers to by a foreign key: such rows wait in \"%s\" "
                "until the others are in",
                behind, before, nameless_file_directory(waiting->options.directory));
}

static bool blame(const struct waiting_rows *waiting, uint32_t number, struct error *err)
{
    char name[256];

    archive_contents_name(waiting->options.contents, number, name, sizeof(name));
    return error_prefix(err, "%s", name);
}

static bool open_file(struct waiting_rows *waiting, uint32_t number, uint32_t awaited,
                      struct error *err)
{
    if (waiting->fd >= 0)
        return true;
    waiting->fd = nameless_file_open(waiting->options.directory, err);
    if (waiting->fd < 0)
        return error_hint(err, "Rows that refer to others, which come behind them in the archive, "
                               "wait there. Another place: " OPTION_SPOOL_DIR);
    say(waiting, number, awaited);
    return true;
}

static bool keep(struct waiting_rows *waiting, uint32_t number, uint32_t awaited, struct error *err)
{
    if (waiting->items_count == waiting->items_capacity) {
        struct kept_rows *grown =
            array_grow(waiting->items, &waiting->items_capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        waiting->items = grown;
    }
    if (!open_file(waiting, number, awaited, err))
        return blame(waiting, number, err);
    waiting->kept[number] = (uint32_t)waiting->items_count;
    waiting->items[waiting->items_count++] =
        (struct kept_rows){.number = number, .offset = waiting->end};
    waiting->keeping = true;
    return true;
}

static bool begin(void *context, uint32_t number, bool *wanted, struct error *err)
{
    struct waiting_rows *waiting = context;
    const struct archive_data_handler *handler = waiting->options.handler;
    uint32_t awaited = awaited_by(waiting, number);

    if (awaited != NONE)
        return keep(waiting, number, awaited, err);
    if (handler->begin != NULL && !handler->begin(handler->context, number, wanted, err))
        return false;
    waiting->is_in[number] |= !*wanted;
    return true;
}

static bool take_bytes(void *context, uint32_t number, struct slice bytes, struct error *err)
{
    struct waiting_rows *waiting = context;
    const struct archive_data_handler *handler = waiting->options.handler;

    if (!waiting->keeping)
        return handler->bytes == NULL || handler->bytes(handler->context, number, bytes, err);
    if (!nameless_file_write(waiting->fd, bytes, waiting->end, WHAT, waiting->options.directory,
                             err)) {
        error_hint(err, "They take as much room there as they have as text. Another "
                        "place: " OPTION_SPOOL_DIR);
        return blame(waiting, number, err);
    }
    waiting->end += bytes.len;
    return true;
}

static bool end(void *context, uint32_t number, uint64_t rows, struct error *err)
{
    struct waiting_rows *waiting = context;
    const struct archive_data_handler *handler = waiting->options.handler;
    struct kept_rows *kept;

    if (waiting->keeping) {
        kept = &waiting->items[waiting->items_count - 1];
        kept->len = waiting->end - kept->offset;
        kept->rows = rows;
        waiting->keeping = false;
        return true;
    }
    waiting->is_in[number] = true;
    return handler->end == NULL || handler->end(handler->context, number, rows, err);
}

static bool begin_object(void *context, uint32_t number, uint32_t oid, struct error *err)
{
    const struct archive_data_handler *handler = ((struct waiting_rows *)context)->options.handler;

    return handler->object == NULL || handler->object(handler->context, number, oid, err);
}

static bool end_object(void *context, uint32_t number, struct error *err)
{
    const struct archive_data_handler *handler = ((struct waiting_rows *)context)->options.handler;

    return handler->object_end == NULL || handler->object_end(handler->context, number, err);
}

struct archive_data_handler waiting_rows_handler(struct waiting_rows *waiting)
{
    return (struct archive_data_handler){.context = waiting,
                                         .begin = begin,
                                         .object = begin_object,
                                         .bytes = take_bytes,
                                         .object_end = end_object,
                                         .end = end};
}

/* ---- Giving ---- */

static bool give_bytes(struct waiting_rows *waiting, const struct kept_rows *kept,
                       struct error *err)
{
    const struct archive_data_handler *handler = waiting->options.handler;

    for (uint64_t given = 0; given < kept->len;) {
        size_t len = kept->len - given < PIECE ? (size_t)(kept->len - given) : PIECE;

        if (!cancel_check(waiting->options.cancel, err) ||
            !nameless_file_read(waiting->fd, waiting->piece, len, kept->offset + given, WHAT,
                                waiting->options.directory, err) ||
            !handler->bytes(handler->context, kept->number, slice_make(waiting->piece, len), err))
            return false;
        given += len;
    }
    return true;
}

static bool give(struct waiting_rows *waiting, const struct kept_rows *kept, struct error *err)
{
    const struct archive_data_handler *handler = waiting->options.handler;
    bool wanted = true;

    return handler->begin(handler->context, kept->number, &wanted, err) &&
           (!wanted || (give_bytes(waiting, kept, err) &&
                        handler->end(handler->context, kept->number, kept->rows, err)));
}

static struct kept_rows *kept_of(struct waiting_rows *waiting, uint32_t number)
{
    return waiting->kept[number] == NONE ? NULL : &waiting->items[waiting->kept[number]];
}

static void count_behind(struct waiting_rows *waiting)
{
    for (size_t i = 0; i < waiting->options.orders->count; i++) {
        struct kept_rows *behind = kept_of(waiting, waiting->by_before[i].behind);

        if (behind != NULL && kept_of(waiting, waiting->by_before[i].before) != NULL)
            behind->behind++;
    }
}

/* Puts those behind it that wait for no others into the queue. */
static void free_behind(struct waiting_rows *waiting, uint32_t number, uint32_t *queue,
                        size_t *queued)
{
    const struct entry_order *orders = waiting->by_before, key = {.before = number};

    for (size_t i = first_of(waiting, orders, &key, compare_before);
         i < waiting->options.orders->count && orders[i].before == number; i++) {
        struct kept_rows *behind = kept_of(waiting, orders[i].behind);

        if (behind != NULL && !behind->given && --behind->behind == 0)
            queue[(*queued)++] = (uint32_t)(behind - waiting->items);
    }
}

static bool give_queued(struct waiting_rows *waiting, uint32_t *queue, size_t *queued,
                        size_t *taken, struct error *err)
{
    while (*taken < *queued) {
        struct kept_rows *kept = &waiting->items[queue[(*taken)++]];

        kept->given = true;
        if (!give(waiting, kept, err))
            return false;
        free_behind(waiting, kept->number, queue, queued);
    }
    return true;
}

/* One that waits, too, and for which this one waits. */
static uint32_t kept_before(struct waiting_rows *waiting, uint32_t item)
{
    const struct entry_order *orders = waiting->by_behind;
    const struct entry_order key = {.behind = waiting->items[item].number};

    for (size_t i = first_of(waiting, orders, &key, compare_behind);
         i < waiting->options.orders->count && orders[i].behind == key.behind; i++) {
        const struct kept_rows *before = kept_of(waiting, orders[i].before);

        if (before != NULL && !before->given)
            return (uint32_t)(before - waiting->items);
    }
    return item;
}

/* What is left is in a circle, or behind one: going back leads into it. Its first is given first.
 */
static uint32_t first_of_circle(struct waiting_rows *waiting, uint32_t item, uint32_t number)
{
    uint32_t first;

    while (waiting->items[item].seen != number) {
        waiting->items[item].seen = number;
        item = kept_before(waiting, item);
    }
    first = item;
    for (uint32_t at = kept_before(waiting, item); at != item; at = kept_before(waiting, at))
        first = at < first ? at : first;
    return first;
}

bool waiting_rows_give(struct waiting_rows *waiting, struct error *err)
{
    uint32_t *queue = calloc(waiting->items_count + 1, sizeof(*queue));
    size_t queued = 0, taken = 0;
    bool done = queue != NULL;

    if (!done)
        return error_set_memory(err);
    count_behind(waiting);
    for (size_t i = 0; i < waiting->items_count; i++) {
        if (waiting->items[i].behind == 0)
            queue[queued++] = (uint32_t)i;
    }
    done = give_queued(waiting, queue, &queued, &taken, err);
    for (uint32_t i = 0, circles = 0; done && i < waiting->items_count;) {
        if (waiting->items[i].given) {
            i++;
            continue;
        }
        queue[queued++] = first_of_circle(waiting, i, ++circles);
        done = give_queued(waiting, queue, &queued, &taken, err);
    }
    free(queue);
    return done;
}

/* ---- The whole ---- */

static bool allocate(struct waiting_rows *waiting, struct error *err)
{
    size_t count = archive_contents_count(waiting->options.contents);

    waiting->by_behind = sorted(waiting->options.orders, compare_behind);
    waiting->by_before = sorted(waiting->options.orders, compare_before);
    waiting->kept = malloc((count + 1) * sizeof(*waiting->kept));
    waiting->is_in = calloc(count + 1, sizeof(*waiting->is_in));
    if (waiting->by_behind == NULL || waiting->by_before == NULL || waiting->kept == NULL ||
        waiting->is_in == NULL)
        return error_set_memory(err);
    memset(waiting->kept, 0xff, (count + 1) * sizeof(*waiting->kept));
    return true;
}

struct waiting_rows *waiting_rows_new(const struct waiting_options *options, struct error *err)
{
    struct waiting_rows *waiting = calloc(1, sizeof(*waiting));

    if (waiting == NULL) {
        error_set_memory(err);
        return NULL;
    }
    waiting->options = *options;
    waiting->fd = -1;
    if (allocate(waiting, err))
        return waiting;
    waiting_rows_free(waiting);
    return NULL;
}

void waiting_rows_free(struct waiting_rows *waiting)
{
    if (waiting == NULL)
        return;
    if (waiting->fd >= 0)
        close(waiting->fd);
    free(waiting->by_behind);
    free(waiting->by_before);
    free(waiting->kept);
    free(waiting->is_in);
    free(waiting->items);
    free(waiting);
}
