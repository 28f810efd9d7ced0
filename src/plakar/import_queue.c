/*
 * What the job's threads hand to the I/O thread: announcements, and content in chunks that are
 * framed where they lie. Of a sequential source, content is read before Plakar opens a record, as
 * much as there is room for: small files lie here whole, and are served in whatever order they are
 * opened in. Of a large one a part does; the rest is read as Plakar takes it.
 */
#include "plakar/import_queue.h"

#include "plakar/record_message.h"

#include <stdlib.h>
#include <unistd.h>

#define SPARE_MAX CHUNKS_AHEAD

void import_wake(struct import_job *job)
{
    const uint64_t one = 1;
    ssize_t written;

    if (atomic_exchange(&job->woken, true))
        return;
    written = write(job->options.wake_fd, &one, sizeof(one));
    (void)written; /* a counter that is full wakes as well */
}

void import_fail_locked(struct import_job *job, const struct error *error)
{
    failure_keep(&job->failure, error);
    cancel_request(job->options.cancel);
    pthread_cond_broadcast(&job->changed);
}

/* A thread that sees cancel may be quicker than whoever says why. */
static void name_signal(const struct import_job *job, struct error *error)
{
    const char *signal = job->options.stopped_by == NULL ? NULL : job->options.stopped_by();

    if (error->code == ERROR_CANCELLED && signal != NULL)
        error_set(error, ERROR_CANCELLED, "cancelled by %s", signal);
}

void import_fail(struct import_job *job, const struct error *error)
{
    struct error named = *error;

    name_signal(job, &named);
    pthread_mutex_lock(&job->lock);
    import_fail_locked(job, &named);
    pthread_mutex_unlock(&job->lock);
}

/* ---- Entries ---- */

struct import_entry *import_entry_new(struct import_job *job, const struct record *record,
                                      struct error *err)
{
    struct import_entry *entry = calloc(1, sizeof(*entry));

    if (entry == NULL || (entry->path = strdup(record->path)) == NULL) {
        free(entry);
        reader_close(record->reader);
        error_set_memory(err);
        return NULL;
    }
    entry->job = job;
    entry->regular = record->type == RECORD_FILE;
    entry->by_itself = record->by_itself || !job->sequential;
    entry->left = record->size;
    entry->reader = record->reader;
    entry->idle = !entry->regular;
    entry->ready_last = &entry->ready;
    return entry;
}

void import_free_entry(struct import_entry *entry)
{
    while (entry->ready != NULL) {
        struct grpc_chunk *chunk = entry->ready;

        entry->ready = chunk->next;
        free(chunk);
    }
    reader_close(entry->reader);
    digest_free(entry->digest);
    free(entry->path);
    free(entry);
}

static void add_entry_locked(struct import_entry *entry)
{
    struct import_job *job = entry->job;

    entry->previous = job->last;
    if (job->last != NULL)
        job->last->next = entry;
    else
        job->first = entry;
    job->last = entry;
}

void import_settle_locked(struct import_entry *entry)
{
    struct import_job *job = entry->job;

    if (!entry->acked || !entry->idle || entry->due || entry->call != NULL || entry->chunks > 0)
        return;
    if (entry->previous != NULL)
        entry->previous->next = entry->next;
    else
        job->first = entry->next;
    if (entry->next != NULL)
        entry->next->previous = entry->previous;
    else
        job->last = entry->previous;
    import_free_entry(entry);
}

void import_make_due_locked(struct import_entry *entry)
{
    struct import_job *job = entry->job;

    if (entry->due)
        return;
    entry->due = true;
    entry->next_due = NULL;
    *job->due_last = entry;
    job->due_last = &entry->next_due;
}

/* ---- Announcing ---- */

static struct import_message *message_new(const struct import_job *job, const struct record *record,
                                          const struct record_source *source,
                                          const struct record_stamp *given, struct error *err)
{
    const struct connector *connector = job->options.connector;
    struct record_stamp stamp = {job->backup, connector->position(connector->context, source)};
    struct import_message *message = calloc(1, sizeof(*message));

    if (message == NULL) {
        error_set_memory(err);
        return NULL;
    }
    if (record_message_append(&message->bytes, record, given == NULL ? &stamp : given, err))
        return message;
    buffer_free(&message->bytes);
    free(message);
    return NULL;
}

bool import_announce(struct import_entry *entry, const struct record *record,
                     const struct record_source *source, const struct record_stamp *stamp,
                     struct error *err)
{
    struct import_job *job = entry->job;
    struct import_message *message = message_new(job, record, source, stamp, err);

    if (message == NULL) {
        import_free_entry(entry);
        return false;
    }
    pthread_mutex_lock(&job->lock);
    add_entry_locked(entry);
    *job->messages_last = message;
    job->messages_last = &message->next;
    job->unacknowledged++;
    pthread_mutex_unlock(&job->lock);
    import_wake(job);
    return true;
}

/* ---- Chunks ---- */

/* What Plakar reads goes on in any case: it may open what fills the room only after that. */
static bool has_room_locked(const struct import_entry *entry, size_t size, size_t most)
{
    const struct import_job *job = entry->job;

    if (!entry->by_itself && (entry->reusable || entry->chunks < CHUNKS_AHEAD) &&
        job->held + size <= most)
        return true;
    return (entry->opened || entry->by_itself) && entry->chunks < CHUNKS_OF_RECORD;
}

static bool is_wanted_locked(const struct import_entry *entry)
{
    return !entry->job->failure.failed && !entry->acked;
}

/* Called when the chunk was sent or never will be, mostly by the I/O thread. */
static void release_chunk(struct grpc_chunk *base)
{
    struct content_chunk *chunk = (struct content_chunk *)base;
    struct import_job *job = chunk->entry->job;

    pthread_mutex_lock(&job->lock);
    chunk->entry->chunks--;
    if (!chunk->entry->by_itself)
        job->held -= chunk->size;
    if (chunk->entry->by_itself ||
        (job->awaited_entry != NULL &&
         has_room_locked(job->awaited_entry, job->awaited_room, GO_ON_AT(READ_AHEAD))))
        pthread_cond_broadcast(&job->changed);
    import_settle_locked(chunk->entry);
    if (chunk->size == CHUNK_CONTENT && job->spare_count < SPARE_MAX) {
        base->next = job->spare;
        job->spare = base;
        job->spare_count++;
        chunk = NULL;
    }
    pthread_mutex_unlock(&job->lock);
    free(chunk);
}

/* False: it is not wanted any more. */
static bool wait_for_room_locked(struct import_entry *entry, size_t size)
{
    struct import_job *job = entry->job;

    if (has_room_locked(entry, size, READ_AHEAD))
        return is_wanted_locked(entry);
    if (!entry->by_itself) {
        job->awaited_entry = entry;
        job->awaited_room = size;
    }
    while (is_wanted_locked(entry) && !has_room_locked(entry, size, GO_ON_AT(READ_AHEAD)))
        pthread_cond_wait(&job->changed, &job->lock);
    if (!entry->by_itself)
        job->awaited_entry = NULL;
    return is_wanted_locked(entry);
}

static struct content_chunk *take_spare_locked(struct import_job *job, size_t size)
{
    struct content_chunk *chunk = (struct content_chunk *)job->spare;

    if (chunk == NULL || size < CHUNK_CONTENT)
        return NULL;
    job->spare = chunk->base.next;
    job->spare_count--;
    return chunk;
}

struct content_chunk *import_take_chunk(struct import_entry *entry, size_t size)
{
    struct import_job *job = entry->job;
    struct content_chunk *chunk = NULL;
    struct error err;
    bool wanted;

    pthread_mutex_lock(&job->lock);
    wanted = wait_for_room_locked(entry, size);
    if (wanted) {
        chunk = take_spare_locked(job, size);
        entry->chunks++;
        job->held += entry->by_itself ? 0 : size;
    }
    pthread_mutex_unlock(&job->lock);
    if (!wanted)
        return NULL;
    if (chunk == NULL && (chunk = malloc(sizeof(*chunk) + CHUNK_HEAD + size)) == NULL) {
        error_set_memory(&err);
        import_fail(job, &err);
        pthread_mutex_lock(&job->lock);
        entry->chunks--;
        pthread_mutex_unlock(&job->lock);
        return NULL;
    }
    chunk->entry = entry;
    chunk->len = 0;
    chunk->size = size;
    chunk->base.release = release_chunk;
    return chunk;
}

void import_drop_chunk(struct content_chunk *chunk)
{
    if (chunk != NULL)
        release_chunk(&chunk->base);
}

/* Puts the prefixes right before the content: gRPC's, then field 1 of OpenResponse as bytes. */
static void frame_chunk(struct content_chunk *chunk)
{
    uint8_t head[CHUNK_HEAD];
    size_t len = GRPC_PREFIX;
    uint8_t *begin;

    head[len++] = 0x0a;
    for (size_t rest = chunk->len;; rest >>= 7) {
        head[len++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        if (rest <= 0x7f)
            break;
    }
    grpc_put_prefix(head, len - GRPC_PREFIX + chunk->len);
    begin = chunk->storage + CHUNK_HEAD - len;
    memcpy(begin, head, len);
    chunk->base.rest = slice_make(begin, len + chunk->len);
}

void import_give_chunk(struct content_chunk *chunk)
{
    struct import_entry *entry = chunk->entry;
    struct import_job *job = entry->job;
    bool passed_over, due;

    frame_chunk(chunk);
    chunk->base.next = NULL;
    pthread_mutex_lock(&job->lock);
    passed_over = entry->acked && !entry->opened;
    due = !passed_over && entry->call != NULL;
    if (!passed_over) {
        *entry->ready_last = &chunk->base;
        entry->ready_last = &chunk->base.next;
    }
    if (due)
        import_make_due_locked(entry);
    pthread_mutex_unlock(&job->lock);
    if (passed_over)
        import_drop_chunk(chunk);
    if (due)
        import_wake(job);
}

struct grpc_chunk *import_take_ready_locked(struct import_entry *entry)
{
    struct grpc_chunk *chunks = entry->ready;

    entry->ready = NULL;
    entry->ready_last = &entry->ready;
    return chunks;
}

void import_drop_chunks(struct grpc_chunk *chunks)
{
    while (chunks != NULL) {
        struct grpc_chunk *chunk = chunks;

        chunks = chunk->next;
        chunk->release(chunk);
    }
}

/* ---- Content ---- */

/* A file of known size needs no more room than that. */
static size_t size_of_chunk(const struct import_entry *entry)
{
    return entry->left > 0 && entry->left < CHUNK_CONTENT ? (size_t)entry->left : CHUNK_CONTENT;
}

/* Spreads the bytes over chunks and gives away those that are full. */
static bool append_content(struct import_entry *entry, struct content_chunk **chunk,
                           struct slice data)
{
    while (data.len > 0) {
        size_t room, part;

        if (*chunk == NULL && (*chunk = import_take_chunk(entry, size_of_chunk(entry))) == NULL)
            return false;
        room = (*chunk)->size - (*chunk)->len;
        part = data.len < room ? data.len : room;
        memcpy((*chunk)->storage + CHUNK_HEAD + (*chunk)->len, slice_take(&data, part).data, part);
        (*chunk)->len += part;
        entry->left -= entry->left > 0 ? (int64_t)part : 0;
        if ((*chunk)->len == (*chunk)->size) {
            import_give_chunk(*chunk);
            *chunk = NULL;
        }
    }
    return true;
}

static void end_content(struct import_entry *entry, bool complete)
{
    struct import_job *job = entry->job;
    bool due;

    pthread_mutex_lock(&job->lock);
    entry->content_ready = complete;
    entry->idle = true;
    due = entry->call != NULL || entry->acked;
    if (due)
        import_make_due_locked(entry);
    pthread_mutex_unlock(&job->lock);
    if (due)
        import_wake(job);
}

void import_read_content(struct import_entry *entry)
{
    struct content_chunk *chunk = NULL;
    enum reader_status status;
    struct slice data;
    struct error err;
    bool done = true;

    error_clear(&err);
    do {
        status = reader_next(entry->reader, &data, &err);
        if (status == READER_DATA && entry->digest != NULL)
            digest_update(entry->digest, data);
        if (status == READER_DATA)
            done = append_content(entry, &chunk, data);
    } while (status == READER_DATA && done);
    reader_close(entry->reader);
    entry->reader = NULL;
    if (status == READER_FAILED)
        import_fail(entry->job, &err);
    if (status == READER_END && chunk != NULL)
        import_give_chunk(chunk);
    else
        import_drop_chunk(chunk);
    end_content(entry, status == READER_END);
}
