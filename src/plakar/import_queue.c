/* What the job's threads hand to the I/O thread: announcements, and content in chunks that are
 * framed where they lie. Chunks are used again, so that memory does not depend on sizes. */
#include "plakar/import_queue.h"

#include "plakar/record_message.h"

#include <stdlib.h>
#include <unistd.h>

#define SPARE_MAX (2 * CHUNKS_OF_RECORD)

void import_wake(const struct import_job *job)
{
    const uint64_t one = 1;
    ssize_t written = write(job->options.wake_fd, &one, sizeof(one));

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

/* ---- Announcing ---- */

static struct import_entry *entry_new(struct import_job *job, const struct record *record)
{
    struct import_entry *entry = calloc(1, sizeof(*entry));

    if (entry == NULL)
        return NULL;
    entry->job = job;
    entry->path = strdup(record->path);
    entry->regular = record->type == RECORD_FILE;
    entry->reader = record->reader;
    entry->idle = !entry->regular;
    entry->ready_last = &entry->ready;
    if (entry->path != NULL)
        return entry;
    free(entry);
    return NULL;
}

static struct import_message *message_new(const struct import_job *job, const struct record *record,
                                          const struct record_source *source, struct error *err)
{
    const struct connector *connector = job->options.connector;
    struct record_stamp stamp = {job->backup, connector->position(connector->context, source)};
    struct import_message *message = calloc(1, sizeof(*message));

    if (message == NULL) {
        error_set_memory(err);
        return NULL;
    }
    if (record_message_append(&message->bytes, record, &stamp, err))
        return message;
    buffer_free(&message->bytes);
    free(message);
    return NULL;
}

struct import_entry *import_announce(struct import_job *job, const struct record *record,
                                     const struct record_source *source, struct error *err)
{
    struct import_message *message = message_new(job, record, source, err);
    struct import_entry *entry = message == NULL ? NULL : entry_new(job, record);

    if (entry == NULL) {
        reader_close(record->reader);
        if (message != NULL) {
            buffer_free(&message->bytes);
            free(message);
            error_set_memory(err);
        }
        return NULL;
    }
    pthread_mutex_lock(&job->lock);
    *job->entries_last = entry;
    job->entries_last = &entry->next;
    *job->messages_last = message;
    job->messages_last = &message->next;
    job->unacknowledged++;
    pthread_mutex_unlock(&job->lock);
    import_wake(job);
    return entry;
}

/* ---- Chunks ---- */

/* Called by the I/O thread when the chunk was sent or never will be. */
static void release_chunk(struct grpc_chunk *base)
{
    struct content_chunk *chunk = (struct content_chunk *)base;
    struct import_job *job = chunk->entry->job;

    pthread_mutex_lock(&job->lock);
    chunk->entry->chunks--;
    if (job->spare_count < SPARE_MAX) {
        base->next = job->spare;
        job->spare = base;
        job->spare_count++;
        chunk = NULL;
    }
    pthread_cond_broadcast(&job->changed);
    pthread_mutex_unlock(&job->lock);
    free(chunk);
}

struct content_chunk *import_take_chunk(struct import_entry *entry)
{
    struct import_job *job = entry->job;
    struct content_chunk *chunk = NULL;
    struct error err;
    bool make;

    pthread_mutex_lock(&job->lock);
    while (!job->failure.failed && entry->chunks >= CHUNKS_OF_RECORD)
        pthread_cond_wait(&job->changed, &job->lock);
    make = !job->failure.failed && job->spare == NULL;
    if (!job->failure.failed && !make) {
        chunk = (struct content_chunk *)job->spare;
        job->spare = chunk->base.next;
        job->spare_count--;
    }
    if (!job->failure.failed)
        entry->chunks++;
    pthread_mutex_unlock(&job->lock);
    if (make && (chunk = malloc(sizeof(*chunk))) == NULL) {
        error_set_memory(&err);
        import_fail(job, &err);
    }
    if (chunk != NULL) {
        chunk->entry = entry;
        chunk->len = 0;
        chunk->base.release = release_chunk;
    }
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

    frame_chunk(chunk);
    chunk->base.next = NULL;
    pthread_mutex_lock(&entry->job->lock);
    *entry->ready_last = &chunk->base;
    entry->ready_last = &chunk->base.next;
    pthread_mutex_unlock(&entry->job->lock);
    import_wake(entry->job);
}

/* ---- Content ---- */

/* Spreads the bytes over chunks and gives away those that are full. */
static bool append_content(struct import_entry *entry, struct content_chunk **chunk,
                           struct slice data)
{
    while (data.len > 0) {
        size_t room, part;

        if (*chunk == NULL && (*chunk = import_take_chunk(entry)) == NULL)
            return false;
        room = CHUNK_CONTENT - (*chunk)->len;
        part = data.len < room ? data.len : room;
        memcpy((*chunk)->storage + CHUNK_HEAD + (*chunk)->len, slice_take(&data, part).data, part);
        (*chunk)->len += part;
        if ((*chunk)->len == CHUNK_CONTENT) {
            import_give_chunk(*chunk);
            *chunk = NULL;
        }
    }
    return true;
}

void import_read_content(struct import_entry *entry)
{
    struct import_job *job = entry->job;
    struct content_chunk *chunk = NULL;
    enum reader_status status;
    struct slice data;
    struct error err;
    bool done = true;

    error_clear(&err);
    do {
        status = reader_next(entry->reader, &data, &err);
        if (status == READER_DATA)
            done = append_content(entry, &chunk, data);
    } while (status == READER_DATA && done);
    reader_close(entry->reader);
    entry->reader = NULL;
    if (status == READER_FAILED)
        import_fail(job, &err);
    if (status == READER_END && chunk != NULL)
        import_give_chunk(chunk);
    else
        import_drop_chunk(chunk);
    pthread_mutex_lock(&job->lock);
    entry->content_ready = status == READER_END;
    entry->idle = true;
    pthread_cond_broadcast(&job->changed);
    pthread_mutex_unlock(&job->lock);
    import_wake(job);
}
