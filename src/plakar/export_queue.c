/* A list of pieces under a lock. Who takes waits for two things at once, the next piece and the
 * job's cancel, and so for descriptors. */
#include "plakar/export_queue.h"

#include "base/failure.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* With a stream's window (grpc.h) less than 4 MiB. */
#define QUEUE_MOST ((size_t)1536 * 1024)

enum piece_type { PIECE_RECORD, PIECE_CONTENT, PIECE_CONTENT_END, PIECE_END };

struct piece {
    struct piece *next;
    enum piece_type type;
    struct export_record record;
    struct error *why; /* of an end that is none */
    size_t weight;     /* bytes of memory */
    size_t len;
    uint8_t bytes[];
};

struct export_queue {
    int wake_fd;
    int put_fd; /* an eventfd: something was put in for one who waits */

    pthread_mutex_t lock;
    struct piece *first, **last;
    size_t bytes;
    bool waiting, dropped, was_taken;
};

struct queue_source {
    struct record_source base;
    struct reader reader;
    struct export_queue *queue;
    struct cancel *cancel;
    struct piece *record, *content; /* that were lent */
    bool in_content, ended;
    struct failure failure;
};

/* ---- Pieces ---- */

static void notify(int fd)
{
    const uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof(one));

    (void)written;
}

static void free_piece(struct piece *piece)
{
    if (piece == NULL)
        return;
    export_record_reset(&piece->record);
    free(piece->why);
    free(piece);
}

static struct piece *piece_new(enum piece_type type, struct slice bytes, struct error *err)
{
    struct piece *piece = malloc(sizeof(*piece) + bytes.len);

    if (piece == NULL) {
        error_set_memory(err);
        return NULL;
    }
    *piece = (struct piece){.type = type, .weight = sizeof(*piece) + bytes.len, .len = bytes.len};
    if (bytes.len > 0)
        memcpy(piece->bytes, bytes.data, bytes.len);
    return piece;
}

static void put(struct export_queue *queue, struct piece *piece)
{
    bool waited;

    pthread_mutex_lock(&queue->lock);
    waited = queue->waiting;
    queue->waiting = false;
    if (!queue->dropped) {
        *queue->last = piece;
        queue->last = &piece->next;
        queue->bytes += piece->weight;
        piece = NULL;
    }
    pthread_mutex_unlock(&queue->lock);
    free_piece(piece);
    if (waited)
        notify(queue->put_fd);
}

bool export_queue_put_record(struct export_queue *queue, struct export_record *record,
                             struct error *err)
{
    struct piece *piece = piece_new(PIECE_RECORD, (struct slice){0}, err);

    if (piece == NULL) {
        export_record_reset(record);
        return false;
    }
    piece->record = *record;
    piece->weight += strlen(record->path) + strlen(record->target);
    *record = (struct export_record){.has_content = false};
    put(queue, piece);
    return true;
}

static bool put_simple(struct export_queue *queue, enum piece_type type, struct slice bytes,
                       struct error *err)
{
    struct piece *piece = piece_new(type, bytes, err);

    if (piece == NULL)
        return false;
    put(queue, piece);
    return true;
}

bool export_queue_put_content(struct export_queue *queue, struct slice bytes, struct error *err)
{
    return put_simple(queue, PIECE_CONTENT, bytes, err);
}

bool export_queue_put_content_end(struct export_queue *queue, struct error *err)
{
    return put_simple(queue, PIECE_CONTENT_END, (struct slice){0}, err);
}

bool export_queue_end(struct export_queue *queue, const struct error *why, struct error *err)
{
    struct piece *piece = piece_new(PIECE_END, (struct slice){0}, err);

    if (piece != NULL && why != NULL && (piece->why = malloc(sizeof(*why))) != NULL)
        *piece->why = *why;
    if (piece == NULL || (why != NULL && piece->why == NULL)) {
        free_piece(piece);
        return error_set_memory(err);
    }
    put(queue, piece);
    return true;
}

bool export_queue_full(struct export_queue *queue)
{
    bool full;

    pthread_mutex_lock(&queue->lock);
    full = queue->bytes > QUEUE_MOST;
    pthread_mutex_unlock(&queue->lock);
    return full;
}

/* ---- Taking ---- */

static struct piece *take_first_locked(struct export_queue *queue)
{
    struct piece *piece = queue->first;

    if (piece == NULL)
        return NULL;
    queue->first = piece->next;
    if (queue->first == NULL)
        queue->last = &queue->first;
    queue->bytes -= piece->weight;
    return piece;
}

static struct piece *try_take(struct export_queue *queue)
{
    struct piece *piece;
    bool was_full;

    pthread_mutex_lock(&queue->lock);
    was_full = queue->bytes > QUEUE_MOST;
    piece = take_first_locked(queue);
    queue->waiting = piece == NULL;
    was_full = was_full && queue->bytes <= QUEUE_MOST;
    pthread_mutex_unlock(&queue->lock);
    if (was_full)
        notify(queue->wake_fd);
    return piece;
}

/* NULL: cancelled. */
static struct piece *take(struct queue_source *source, struct error *err)
{
    struct export_queue *queue = source->queue;
    struct pollfd fds[] = {{.fd = queue->put_fd, .events = POLLIN},
                           {.fd = source->cancel->event_fd, .events = POLLIN}};
    struct piece *piece;
    uint64_t count;

    while (cancel_check(source->cancel, err)) {
        piece = try_take(queue);
        if (piece != NULL)
            return piece;
        if (poll(fds, 2, -1) < 0 && errno != EINTR) {
            error_set_errno(err, errno, "poll failed");
            return NULL;
        }
        if (read(queue->put_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
            continue;
    }
    return NULL;
}

/* Takes the next piece; false: there is none. */
static bool step(struct queue_source *source, struct piece **piece, struct error *err)
{
    if (!failure_check(&source->failure, err))
        return false;
    *piece = take(source, err);
    if (*piece == NULL) {
        failure_keep(&source->failure, err);
        return false;
    }
    if ((*piece)->type != PIECE_END)
        return true;
    source->ended = true;
    pthread_mutex_lock(&source->queue->lock);
    source->queue->was_taken = true;
    pthread_mutex_unlock(&source->queue->lock);
    if ((*piece)->why == NULL)
        return true;
    *err = *(*piece)->why;
    free_piece(*piece);
    *piece = NULL;
    failure_keep(&source->failure, err);
    return false;
}

/* ---- Readers and records ---- */

static struct queue_source *of_reader(struct reader *reader)
{
    return (struct queue_source *)((char *)reader - offsetof(struct queue_source, reader));
}

static enum reader_status read_content(struct reader *reader, struct slice *data, struct error *err)
{
    struct queue_source *source = of_reader(reader);

    free_piece(source->content);
    source->content = NULL;
    if (!failure_check(&source->failure, err))
        return READER_FAILED;
    if (!source->in_content)
        return READER_END;
    if (!step(source, &source->content, err))
        return READER_FAILED;
    if (source->content->type == PIECE_CONTENT) {
        *data = slice_make(source->content->bytes, source->content->len);
        return READER_DATA;
    }
    source->in_content = false;
    return READER_END;
}

static void close_content(struct reader *reader)
{
    (void)reader; /* what is left is read past when the next record is asked for */
}

static bool leave_content(struct queue_source *source, struct error *err)
{
    enum reader_status status = READER_DATA;
    struct slice data;

    while (source->in_content && status == READER_DATA)
        status = read_content(&source->reader, &data, err);
    return status != READER_FAILED;
}

static enum source_status next(struct record_source *base, struct record *record, struct error *err)
{
    struct queue_source *source = (struct queue_source *)base;
    struct piece *piece;

    free_piece(source->record);
    source->record = NULL;
    while (!source->ended) {
        if (!leave_content(source, err) || !step(source, &piece, err))
            return SOURCE_FAILED;
        source->record = piece;
        if (piece->type != PIECE_RECORD)
            continue;
        source->in_content = piece->record.has_content;
        if (piece->record.is_attribute || piece->record.record.path[1] == '\0') {
            free_piece(piece);
            source->record = NULL;
            continue;
        }
        *record = piece->record.record;
        if (record->type == RECORD_FILE)
            record->reader = &source->reader;
        return SOURCE_RECORD;
    }
    return failure_check(&source->failure, err) ? SOURCE_END : SOURCE_FAILED;
}

static void close_source(struct record_source *base)
{
    struct queue_source *source = (struct queue_source *)base;

    free_piece(source->record);
    free_piece(source->content);
    free(source);
}

struct record_source *export_queue_source(struct export_queue *queue, struct cancel *cancel,
                                          struct error *err)
{
    static const struct record_source_ops ops = {next, close_source};
    static const struct reader_ops reader_ops = {.next = read_content, .close = close_content};
    struct queue_source *source = calloc(1, sizeof(*source));

    if (source == NULL) {
        error_set_memory(err);
        return NULL;
    }
    source->base = (struct record_source){.ops = &ops, .sequential = true};
    source->reader.ops = &reader_ops;
    source->queue = queue;
    source->cancel = cancel;
    return &source->base;
}

bool export_queue_was_taken(struct export_queue *queue)
{
    bool taken;

    pthread_mutex_lock(&queue->lock);
    taken = queue->was_taken;
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

/* ---- Making and ending it ---- */

void export_queue_drop(struct export_queue *queue)
{
    struct piece *piece;

    pthread_mutex_lock(&queue->lock);
    queue->dropped = true;
    while ((piece = take_first_locked(queue)) != NULL)
        free_piece(piece);
    pthread_mutex_unlock(&queue->lock);
    notify(queue->wake_fd);
}

struct export_queue *export_queue_new(int wake_fd, struct error *err)
{
    struct export_queue *queue = calloc(1, sizeof(*queue));

    if (queue == NULL) {
        error_set_memory(err);
        return NULL;
    }
    queue->wake_fd = wake_fd;
    queue->last = &queue->first;
    queue->put_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->put_fd < 0) {
        error_set_errno(err, errno, "cannot make an event descriptor");
        free(queue);
        return NULL;
    }
    pthread_mutex_init(&queue->lock, NULL);
    return queue;
}

void export_queue_free(struct export_queue *queue)
{
    struct piece *piece;

    if (queue == NULL)
        return;
    while ((piece = take_first_locked(queue)) != NULL)
        free_piece(piece);
    pthread_mutex_destroy(&queue->lock);
    close(queue->put_fd);
    free(queue);
}
