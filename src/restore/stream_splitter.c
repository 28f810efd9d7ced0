/*
 * Where rows may be cut. In the text of COPY a newline byte ends a row, unless it stands behind a
 * backslash, and is data. Rows are cut behind a newline byte that has no backslash byte directly
 * before it, and nowhere else. That is a row's end in every encoding that an archive may be in:
 *
 * - The byte is the character. In characters of several bytes no byte is 0x0A: UTF-8, EUC and the
 *   ISO 8859 family have none below 0x80 in them, and in SJIS, BIG5, GBK, UHC, JOHAB and GB18030
 *   what comes behind a first byte is 0x30 or more.
 * - The character is no data. It would be with a backslash directly before it, whose byte is 0x5C
 *   in all of them. The other way round does not hold: 0x5C may be the second byte of a character,
 *   or a backslash that another one stands before, and the row ends all the same. Such a newline
 *   is not used; one of those that follow is.
 *
 * Whether the first byte looked at is in the middle of a row or of a character makes no difference:
 * only two neighbours are looked at. A row without such an end is as long as it is, and goes to one
 * worker as a whole.
 */
#include "restore/stream_splitter.h"

#include <string.h>

size_t stream_splitter_cut(struct slice rows)
{
    size_t len = rows.len;

    while (len > 1) {
        const uint8_t *newline = memrchr(rows.data, '\n', len);
        size_t at;

        if (newline == NULL)
            break;
        at = (size_t)(newline - rows.data);
        if (at > 0 && newline[-1] != '\\')
            return at + 1;
        len = at;
    }
    return 0;
}

/* ---- Packets ---- */

static bool open_packet(struct stream_splitter *splitter, struct error *err)
{
    if (splitter->open == NULL)
        splitter->open = packet_take_spare(splitter->queues, err);
    return splitter->open != NULL;
}

static void add_event(struct packet *packet, enum packet_event_kind kind, uint32_t number,
                      uint64_t amount)
{
    packet->events[packet->count++] =
        (struct packet_event){.kind = kind, .number = number, .amount = amount};
}

static void add_bytes(struct stream_splitter *splitter, struct slice bytes)
{
    struct packet *open = splitter->open;

    memcpy(open->bytes + open->len, bytes.data, bytes.len);
    open->len += bytes.len;
    if (open->count > 0 && open->events[open->count - 1].kind == EVENT_BYTES)
        open->events[open->count - 1].amount += bytes.len;
    else
        add_event(open, EVENT_BYTES, splitter->number, bytes.len);
}

static bool give_away(struct stream_splitter *splitter, uint32_t worker, uint32_t *given_to,
                      struct error *err)
{
    struct packet *packet = splitter->open;

    splitter->open = NULL;
    return packet == NULL || packet_put(splitter->queues, packet, worker, given_to, err);
}

/* Few units are to be moved, and there is to be room for a unit's events. */
static bool is_rather_full(const struct packet *packet)
{
    return packet->len > PACKET_BYTES / 2 || packet->count + 8 > PACKET_EVENTS;
}

/* What follows is an entry, or one of its large objects, that one worker gets as a whole. */
static void begin_unit(struct stream_splitter *splitter)
{
    splitter->worker = ANY_WORKER;
    splitter->unit_event = splitter->open->count;
    splitter->unit_byte = splitter->open->len;
}

/* Large objects of one entry may go to several workers: to each in an entry of its own. */
static bool begin_group(struct stream_splitter *splitter, struct error *err)
{
    if (!open_packet(splitter, err))
        return false;
    add_event(splitter->open, EVENT_BEGIN, splitter->number, 0);
    return true;
}

static bool end_group(struct stream_splitter *splitter, struct error *err)
{
    add_event(splitter->open, EVENT_END, splitter->number, 0);
    return give_away(splitter, splitter->worker, NULL, err);
}

/* ---- Rows of several workers ---- */

/* Those of which nobody knows any more are freed on the way. */
static bool begin_sharing(struct stream_splitter *splitter, struct error *err)
{
    struct shared_rows **at = &splitter->all;

    while (*at != NULL) {
        struct shared_rows *shared = *at;

        if (!shared_rows_are_over(shared)) {
            at = &shared->next;
            continue;
        }
        *at = shared->next;
        shared_rows_free(shared);
    }
    *at = splitter->shared = shared_rows_new(splitter->queues, splitter->number, err);
    return splitter->shared != NULL;
}

static bool give_rows(struct stream_splitter *splitter, struct error *err)
{
    struct shared_rows *shared = splitter->shared;
    uint32_t worker = 0;

    splitter->open->kind = PACKET_ROWS;
    splitter->open->shared = shared;
    if (!give_away(splitter, splitter->worker, &worker, err))
        return false;
    shared->members += !shared->joined[worker];
    shared->joined[worker] = true;
    splitter->worker = worker;
    return true;
}

/* As many as are whole, or else the beginning of one, which goes on in the next packet. */
static bool share_rows(struct stream_splitter *splitter, struct error *err)
{
    struct packet *open = splitter->open, *next;
    size_t cut = stream_splitter_cut(slice_make(open->bytes, open->len));

    next = packet_take_spare(splitter->queues, err);
    if (next == NULL)
        return false;
    if (cut > 0) {
        splitter->open = next;
        if (cut < open->len)
            add_bytes(splitter, slice_make(open->bytes + cut, open->len - cut));
        open->len = cut;
        splitter->open = open;
    }
    if (!give_rows(splitter, err)) {
        packet_free(next);
        return false;
    }
    if (cut > 0)
        splitter->worker = ANY_WORKER;
    splitter->open = next;
    return true;
}

static bool end_sharing(struct stream_splitter *splitter, uint64_t rows, struct error *err)
{
    struct shared_rows *shared = splitter->shared;

    if (splitter->open->len > 0 && !give_rows(splitter, err))
        return false;
    splitter->shared = NULL;
    shared->expected = rows;
    for (unsigned i = 0; i < splitter->queues->count; i++) {
        if (!shared->joined[i])
            continue;
        if (!open_packet(splitter, err))
            return false;
        splitter->open->kind = PACKET_ROWS_END;
        splitter->open->shared = shared;
        if (!give_away(splitter, i, NULL, err))
            return false;
    }
    return true;
}

/* ---- What has no room in a packet ---- */

static bool is_at_front(const struct stream_splitter *splitter)
{
    return splitter->unit_byte == 0 && splitter->unit_event == (splitter->holds_objects ? 1 : 0);
}

/* The unit goes on in a packet of its own; what comes before it is given away. */
static bool move_unit(struct stream_splitter *splitter, struct error *err)
{
    struct packet *before = splitter->open, *next = packet_take_spare(splitter->queues, err);

    if (next == NULL)
        return false;
    if (splitter->holds_objects)
        add_event(next, EVENT_BEGIN, splitter->number, 0);
    memcpy(next->events + next->count, before->events + splitter->unit_event,
           (before->count - splitter->unit_event) * sizeof(*next->events));
    next->count += before->count - splitter->unit_event;
    next->len = before->len - splitter->unit_byte;
    memcpy(next->bytes, before->bytes + splitter->unit_byte, next->len);
    before->count = splitter->unit_event;
    before->len = splitter->unit_byte;
    if (splitter->holds_objects)
        add_event(before, EVENT_END, splitter->number, 0);
    splitter->unit_event = splitter->holds_objects;
    splitter->unit_byte = 0;
    splitter->open = next;
    return packet_put(splitter->queues, before, ANY_WORKER, NULL, err);
}

static bool make_room(struct stream_splitter *splitter, struct error *err)
{
    if (splitter->shared != NULL)
        return share_rows(splitter, err);
    if (splitter->worker == ANY_WORKER) {
        if (!is_at_front(splitter))
            return move_unit(splitter, err);
        if (!splitter->holds_objects && splitter->may_share(splitter->context, splitter->number))
            return begin_sharing(splitter, err) && share_rows(splitter, err);
    }
    return give_away(splitter, splitter->worker, &splitter->worker, err) &&
           open_packet(splitter, err);
}

/* ---- For those who read ---- */

static bool begin(void *context, uint32_t number, bool *wanted, struct error *err)
{
    struct stream_splitter *splitter = context;

    if (!splitter->wanted(splitter->context, number, wanted, err))
        return false;
    if (!*wanted)
        return true;
    if (splitter->open != NULL && is_rather_full(splitter->open) &&
        !give_away(splitter, ANY_WORKER, NULL, err))
        return false;
    if (!open_packet(splitter, err))
        return false;
    splitter->running = true;
    splitter->number = number;
    splitter->holds_objects = archive_contents_node(splitter->contents, number).kind == ENTRY_BLOBS;
    begin_unit(splitter);
    return begin_group(splitter, err);
}

static bool take_bytes(void *context, uint32_t number, struct slice bytes, struct error *err)
{
    struct stream_splitter *splitter = context;

    (void)number;
    while (bytes.len > 0) {
        size_t room = PACKET_BYTES - splitter->open->len;

        if (room == 0) {
            if (!make_room(splitter, err))
                return false;
            continue;
        }
        add_bytes(splitter, slice_take(&bytes, bytes.len < room ? bytes.len : room));
    }
    return true;
}

static bool begin_object(void *context, uint32_t number, uint32_t oid, struct error *err)
{
    struct stream_splitter *splitter = context;

    (void)number;
    if (is_rather_full(splitter->open) &&
        (!end_group(splitter, err) || !begin_group(splitter, err)))
        return false;
    begin_unit(splitter);
    add_event(splitter->open, EVENT_OBJECT, oid, 0);
    return true;
}

static bool end_object(void *context, uint32_t number, struct error *err)
{
    struct stream_splitter *splitter = context;

    (void)number;
    add_event(splitter->open, EVENT_OBJECT_END, 0, 0);
    if (splitter->worker != ANY_WORKER &&
        (!end_group(splitter, err) || !begin_group(splitter, err)))
        return false;
    begin_unit(splitter);
    return true;
}

static bool end(void *context, uint32_t number, uint64_t rows, struct error *err)
{
    struct stream_splitter *splitter = context;

    splitter->running = false;
    if (splitter->shared != NULL)
        return end_sharing(splitter, rows, err);
    add_event(splitter->open, EVENT_END, number, rows);
    return splitter->worker == ANY_WORKER || give_away(splitter, splitter->worker, NULL, err);
}

struct archive_data_handler stream_splitter_handler(struct stream_splitter *splitter)
{
    return (struct archive_data_handler){
        .context = splitter,
        .begin = begin,
        .object = begin_object,
        .bytes = take_bytes,
        .object_end = end_object,
        .end = end,
    };
}

bool stream_splitter_finish(struct stream_splitter *splitter, struct error *err)
{
    return give_away(splitter, ANY_WORKER, NULL, err);
}

/* ---- Ends ---- */

/* What stands before the unit that has no end. */
static bool give_complete(struct stream_splitter *splitter, struct error *err)
{
    struct packet *open = splitter->open;

    if (open == NULL || !splitter->running)
        return give_away(splitter, ANY_WORKER, NULL, err);
    if (splitter->shared != NULL || splitter->worker != ANY_WORKER)
        return true;
    open->count = splitter->unit_event;
    open->len = splitter->unit_byte;
    return splitter->holds_objects && open->count > 0 ? end_group(splitter, err)
                                                      : give_away(splitter, ANY_WORKER, NULL, err);
}

uint32_t stream_splitter_give_up(struct stream_splitter *splitter)
{
    struct error ignored;

    if (give_complete(splitter, &ignored)) {
        for (unsigned i = 0; i < splitter->queues->count; i++) {
            struct packet *last = packet_take_spare(splitter->queues, &ignored);

            if (last == NULL)
                break;
            last->kind = PACKET_GIVE_UP;
            if (!packet_put(splitter->queues, last, i, NULL, &ignored))
                break;
        }
    }
    return splitter->running ? splitter->number : UINT32_MAX;
}

void stream_splitter_reset(struct stream_splitter *splitter)
{
    while (splitter->all != NULL) {
        struct shared_rows *next = splitter->all->next;

        shared_rows_free(splitter->all);
        splitter->all = next;
    }
    if (splitter->open != NULL)
        packet_free(splitter->open);
    splitter->open = NULL;
}
