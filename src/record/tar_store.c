/*
 * Writing tar. Small pieces gather in a buffer; a large one goes out together with what is in the
 * buffer by one writev, without being copied.
 *
 * A file that we made ourselves can be gone back in: a record of unknown size gets a header of size
 * 0 first, and its size field is filled in afterwards. Elsewhere the content of such a record is
 * gathered until it ends, or until there are more than 8 MiB: then it goes out as members of their
 * own, NAME.part000001 and so on. A record whose own name looks like that of a part would be joined
 * by the reader under a name that is not its own; it is therefore always written as a part, too:
 * NAME.part000001.part000001.
 */
#include "record/tar_part_internal.h"
#include "base/error_names.h"
#include "record/record_internal.h"
#include "record/run_lock.h"
#include "record/tar.h"
#include "record/tar_left_over_internal.h"

#include "base/quote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define PARTIAL ".partial"
#define OUTPUT_SIZE ((size_t)256 * 1024)
#define LARGE_PIECE ((size_t)64 * 1024) /* worth a system call of its own */
#define WRITEBACK_STEP ((uint64_t)8 * 1024 * 1024)

struct tar_store {
    const struct store_options *options;
    const char *name; /* of the target, for messages */
    int fd;
    bool seekable;                 /* a file of our own */
    bool writeback;                /* start it early, since the file is fsynced at the end */
    struct buffer output;          /* not yet written */
    struct compressor *compressor; /* NULL: plain */
    uint64_t position;             /* bytes given out, those in the buffer included */
    uint64_t written;              /* bytes that went to the descriptor */
    uint64_t flushed;              /* up to where writeback was started */
    struct buffer part;            /* content of a record of unknown size, at most TAR_PART_MAX */
    unsigned part_number;          /* of the part being gathered */
    uint64_t content;              /* bytes of the current record */
    struct tar_member member;
};

/* ---- Output ---- */

/* Waits until a pipe that somebody made non-blocking takes more, or the job is cancelled. */
static bool wait_writable(const struct tar_store *store, struct error *err)
{
    const struct cancel *cancel = store->options->cancel;
    struct pollfd fds[2] = {{.fd = store->fd, .events = POLLOUT},
                            {.fd = cancel == NULL ? -1 : cancel->event_fd, .events = POLLIN}};

    if (poll(fds, 2, -1) < 0 && errno != EINTR)
        return error_set_errno(err, errno, "cannot wait for %s", store->name);
    return cancel_check(cancel, err);
}

static bool write_failed(const struct tar_store *store, int failure, struct error *err)
{
    if (failure == EINTR)
        return cancel_check(store->options->cancel, err);
    if (failure == EAGAIN)
        return wait_writable(store, err);
    if (failure == EPIPE)
        return error_set(err, ERROR_IO, "cannot write %s: the program reading from it has ended",
                         store->name);
    return error_set_errno(err, failure, "cannot write %s", store->name);
}

static bool write_pieces(struct tar_store *store, struct pieces *pieces, struct error *err)
{
    while (pieces->len > 0) {
        ssize_t n = writev(store->fd, pieces->parts + pieces->first, pieces->count - pieces->first);

        if (n < 0 && !write_failed(store, errno, err))
            return false;
        if (n < 0)
            continue;
        pieces_advance(pieces, (size_t)n);
        store->written += (uint64_t)n;
    }
    if (store->writeback && store->written - store->flushed >= WRITEBACK_STEP) {
        (void)sync_file_range(store->fd, (off_t)store->flushed,
                              (off_t)(store->written - store->flushed), SYNC_FILE_RANGE_WRITE);
        store->flushed = store->written;
    }
    return true;
}

/* Writes what comes of a slice, and with `last` the end of the compressed stream. */
static bool write_compressed(struct tar_store *store, struct slice in, bool last, struct error *err)
{
    bool ended = false;

    while (in.len > 0 || (last && !ended)) {
        struct pieces pieces = {.len = 0};
        struct slice out;

        if (!compressor_next(store->compressor, &in, last, &out, &ended, err))
            return false;
        pieces_add(&pieces, out);
        if (!write_pieces(store, &pieces, err))
            return false;
    }
    return true;
}

/* Writes the buffer and then the slices. */
static bool output_push(struct tar_store *store, const struct slice *slices, size_t count,
                        struct error *err)
{
    struct pieces pieces = {.len = 0};
    bool done = true;

    if (store->compressor != NULL) {
        done = write_compressed(store, buffer_slice(&store->output), false, err);
        for (size_t i = 0; i < count && done; i++)
            done = write_compressed(store, slices[i], false, err);
    } else {
        pieces_add(&pieces, buffer_slice(&store->output));
        for (size_t i = 0; i < count; i++)
            pieces_add(&pieces, slices[i]);
        done = write_pieces(store, &pieces, err);
    }
    buffer_clear(&store->output);
    return done;
}

static bool output_end(struct tar_store *store, struct error *err)
{
    static const struct slice nothing = {.data = (const uint8_t *)""};

    return output_push(store, NULL, 0, err) &&
           (store->compressor == NULL || write_compressed(store, nothing, true, err));
}

static bool output_write_many(struct tar_store *store, const struct slice *slices, size_t count,
                              struct error *err)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += slices[i].len;
    store->position += len;
    if (len >= LARGE_PIECE || store->output.len + len > OUTPUT_SIZE)
        return output_push(store, slices, count, err);
    for (size_t i = 0; i < count; i++) {
        if (!buffer_append(&store->output, slices[i].data, slices[i].len, err))
            return false;
    }
    return true;
}

static bool output_write(struct tar_store *store, struct slice data, struct error *err)
{
    return output_write_many(store, &data, 1, err);
}

static bool output_zeros(struct tar_store *store, size_t count, struct error *err)
{
    static const uint8_t zeros[TAR_TRAILER_SIZE];

    return output_write(store, slice_make(zeros, count), err);
}

static bool output_header(struct tar_store *store, struct error *err)
{
    struct buffer header = {0};
    bool done = tar_encode_header(&store->member, &header, err) &&
                output_write(store, buffer_slice(&header), err);

    buffer_free(&header);
    return done;
}

/* Puts the size into the header block at `where`, which may not have left the buffer yet. */
static bool fill_in_size(struct tar_store *store, uint64_t where, uint64_t size, struct error *err)
{
    uint64_t written = store->position - store->output.len;
    uint8_t header[TAR_BLOCK];
    ssize_t n;

    if (where >= written) {
        tar_header_set_size(store->output.data + (where - written), size);
        return true;
    }
    if (!output_push(store, NULL, 0, err))
        return false;
    do
        n = pread(store->fd, header, TAR_BLOCK, (off_t)where);
    while (n < 0 && errno == EINTR);
    if (n == TAR_BLOCK) {
        tar_header_set_size(header, size);
        do
            n = pwrite(store->fd, header, TAR_BLOCK, (off_t)where);
        while (n < 0 && errno == EINTR);
    }
    if (n != TAR_BLOCK)
        return error_set_errno(err, n < 0 ? errno : EIO, "cannot fill in a size in %s",
                               store->name);
    return true;
}

/* ---- Records ---- */

static void report_moved(const struct tar_store *store, size_t bytes)
{
    const struct record_observer *observer = store->options->observer;

    if (observer != NULL && observer->bytes_moved != NULL)
        observer->bytes_moved(observer->context, bytes);
}

static bool write_content(void *context, const struct slice *slices, size_t count,
                          struct error *err)
{
    struct tar_store *store = context;
    uint64_t start = store->position;

    if (!output_write_many(store, slices, count, err))
        return false;
    store->content += store->position - start;
    report_moved(store, (size_t)(store->position - start));
    return true;
}

static bool add_known(struct tar_store *store, const struct record *record, struct error *err)
{
    store->member.size = (uint64_t)record->size;
    return output_header(store, err) &&
           content_copy(record, store->options->cancel, write_content, store, err) &&
           output_zeros(store, tar_padding(store->content), err);
}

static bool add_and_fill_in(struct tar_store *store, const struct record *record, struct error *err)
{
    uint64_t header_at;

    store->member.size = 0;
    if (!output_header(store, err))
        return false;
    header_at = store->position - TAR_BLOCK;
    return content_copy(record, store->options->cancel, write_content, store, err) &&
           (record->reader->ops->amend == NULL || output_push(store, NULL, 0, err)) &&
           content_amend(record, store->fd, header_at + TAR_BLOCK, store->name, err) &&
           output_zeros(store, tar_padding(store->content), err) &&
           fill_in_size(store, header_at, store->content, err);
}

static bool part_write(struct tar_store *store, struct error *err)
{
    store->member.size = store->part.len;
    if (!output_header(store, err) || !output_write(store, buffer_slice(&store->part), err) ||
        !output_zeros(store, tar_padding(store->part.len), err))
        return false;
    buffer_clear(&store->part);
    return true;
}

static bool part_flush(struct tar_store *store, const char *path, struct error *err)
{
    return tar_part_name(path, ++store->part_number, store->member.path, err) &&
           part_write(store, err);
}

struct part_writer {
    struct tar_store *store;
    const char *path;
};

static bool write_part_slice(const struct part_writer *writer, struct slice data, struct error *err)
{
    struct tar_store *store = writer->store;

    report_moved(store, data.len);
    while (data.len > 0) {
        size_t room;
        struct slice piece;

        if (store->part.len == TAR_PART_MAX && !part_flush(store, writer->path, err))
            return false;
        room = TAR_PART_MAX - store->part.len;
        piece = slice_take(&data, data.len < room ? data.len : room);
        if (!buffer_append(&store->part, piece.data, piece.len, err))
            return false;
    }
    return true;
}

static bool write_part(void *context, const struct slice *slices, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!write_part_slice(context, slices[i], err))
            return false;
    }
    return true;
}

static bool add_in_parts(struct tar_store *store, const struct record *record, struct error *err)
{
    struct part_writer writer = {store, record->path + 1};

    store->part_number = 0;
    if (!buffer_reserve(&store->part, TAR_PART_MAX, err) ||
        !content_copy(record, store->options->cancel, write_part, &writer, err))
        return false;
    if (store->part_number == 0 && !tar_part_parse(record->path, NULL, NULL))
        return part_write(store, err);
    return part_flush(store, writer.path, err);
}

static bool add_file(struct tar_store *store, const struct record *record, struct error *err)
{
    bool unknown = record->size == RECORD_SIZE_UNKNOWN;

    if (unknown && !store->seekable)
        return add_in_parts(store, record, err);
    if (tar_part_parse(record->path, NULL, NULL) &&
        !tar_part_name(record->path + 1, 1, store->member.path, err))
        return false;
    return unknown ? add_and_fill_in(store, record, err) : add_known(store, record, err);
}

static bool store_add(void *context, const struct record *record, struct error *err)
{
    struct tar_store *store = context;
    struct tar_member *member = &store->member;

    member->type = record->type;
    memcpy(member->path, record->path + 1, strlen(record->path));
    member->link_target[0] = '\0';
    member->mode = record->mode;
    member->owner = record->owner;
    member->group = record->group;
    member->size = 0;
    member->modified = record->modified;
    store->content = 0;
    if (record->type == RECORD_FILE)
        return add_file(store, record, err);
    if (record->type == RECORD_LINK) {
        if (record->link_target == NULL || strlen(record->link_target) >= RECORD_PATH_MAX)
            return error_set(err, ERROR_CORRUPT, "link \"%s\" has no target or too long a one",
                             record->path);
        memcpy(member->link_target, record->link_target, strlen(record->link_target) + 1);
    }
    return output_header(store, err);
}

static bool write_all(struct tar_store *store, struct record_source *source, struct error *err)
{
    return store_run(source, store->options, store_add, store, err) &&
           output_zeros(store, TAR_TRAILER_SIZE, err) && output_end(store, err);
}

static void store_free(struct tar_store *store)
{
    buffer_free(&store->output);
    buffer_free(&store->part);
    compressor_free(store->compressor);
    free(store);
}

static struct tar_store *store_new(int fd, const char *name, const struct store_options *options,
                                   struct error *err)
{
    struct tar_store *store = calloc(1, sizeof(*store));

    if (store == NULL) {
        error_set_memory(err);
        return NULL;
    }
    store->fd = fd;
    store->name = name;
    store->options = options;
    if (options->compression == COMPRESSION_NONE)
        return store;
    store->compressor =
        compressor_new(options->compression, false, options->compression_level, err);
    if (store->compressor == NULL || !compressor_begin(store->compressor, err)) {
        store_free(store);
        return NULL;
    }
    return store;
}

/* ---- To a descriptor ---- */

/* A pipe whose reader has stopped reading must not keep a cancelled job from ending: opened once
 * more it is ours alone to make non-blocking, so that waiting is poll's. Where that does not work,
 * an interrupted write is what is left. */
static int reopen_pipe(int fd)
{
    char path[64];
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISFIFO(st.st_mode))
        return -1;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

bool tar_store_write_fd(int fd, struct record_source *source, const struct store_options *options,
                        struct error *err)
{
    struct tar_store *store;
    int own_fd;
    bool done;

    if (isatty(fd)) {
        error_set(err, ERROR_REFUSED, "a tar archive is not written to a terminal");
        error_reason(err, "terminal");
        return error_hint(err, "Redirect the output to a file or into a pipe:  … " OPTION_TO
                               " - | cat > backup.tar");
    }
    own_fd = reopen_pipe(fd);
    store = store_new(own_fd >= 0 ? own_fd : fd, "the tar output", options, err);
    done = store != NULL && write_all(store, source, err);
    if (store != NULL)
        store_free(store);
    if (own_fd >= 0)
        close(own_fd);
    return done;
}

/* ---- To a file ---- */

static bool refuse_partial(const char *partial, struct error *err)
{
    char quoted[QUOTE_PATH_SIZE];

    error_set(err, ERROR_REFUSED, "\"%s\" exists: another run writes it, or was interrupted",
              partial);
    error_reason(err, "partial_exists");
    return error_hint(err, "If no other run is at work, remove it:  rm %s",
                      quote_shell(partial, quoted, sizeof(quoted)));
}

/* What is there may only be what a killed run left; *fd then holds its lock. */
static bool check_left_over(const char *partial, int *fd, struct error *err)
{
    int pid;

    switch (run_lock_probe(partial, fd, &pid)) {
    case RUN_LOCK_ALIVE:
        return run_lock_refuse(partial, pid, err);
    case RUN_LOCK_DEAD:
        if (tar_left_over_is_ours(*fd))
            return true;
        close(*fd);
        break;
    case RUN_LOCK_NONE:
    case RUN_LOCK_UNKNOWN:
        break;
    }
    return refuse_partial(partial, err);
}

static bool check_absent(const char *file, struct error *err)
{
    struct stat st;

    if (lstat(file, &st) == 0) {
        error_set(err, ERROR_REFUSED, "\"%s\" exists", file);
        error_reason(err, "target_exists");
        return error_hint(err, "Choose a name that does not exist yet.");
    }
    if (errno != ENOENT)
        return error_set_errno(err, errno, "cannot look at \"%s\"", file);
    return true;
}

bool tar_store_check_file(const char *file, uint64_t *free_bytes, struct error *err)
{
    char partial[RECORD_PATH_MAX], parent[RECORD_PATH_MAX];
    struct stat st;
    int fd;

    if (!path_parent(file, parent, err) || !path_with_suffix(file, PARTIAL, partial, err) ||
        !check_absent(file, err) || !path_check_writable(parent, err))
        return false;
    if (lstat(partial, &st) == 0) {
        if (!check_left_over(partial, &fd, err))
            return false;
        close(fd);
    }
    *free_bytes = path_free_bytes(parent);
    return true;
}

static int create_partial(const char *partial, const char *parent, struct error *err)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = open(partial, flags, 0600);
    int failure = errno, old_fd;

    if (fd < 0 && failure == EEXIST) {
        if (!check_left_over(partial, &old_fd, err))
            return -1;
        if (unlink(partial) == 0)
            fd = open(partial, flags, 0600);
        failure = errno;
        close(old_fd);
    }
    if (fd >= 0 && run_lock_take(fd, partial))
        return fd;
    if (fd >= 0) {
        close(fd);
        run_lock_refuse(partial, 0, err);
        return -1;
    }
    error_set_errno(err, failure, "cannot create \"%s\"", partial);
    if (failure == ENOENT)
        error_hint_mkdir(err, parent);
    return -1;
}

/* Writes the file under its temporary name and closes it. */
static bool write_partial(int fd, const char *partial, struct record_source *source,
                          const struct store_options *options, struct error *err)
{
    char name[RECORD_PATH_MAX + 2];
    struct tar_store *store;
    bool done;

    snprintf(name, sizeof(name), "\"%s\"", partial);
    store = store_new(fd, name, options, err);
    done = store != NULL;
    if (done) {
        store->seekable = store->compressor == NULL;
        store->writeback = !options->no_sync;
        done = write_all(store, source, err);
        store_free(store);
    }
    if (done && !options->no_sync && fsync(fd) != 0)
        done = error_set_errno(err, errno, "cannot fsync \"%s\"", partial);
    if (close(fd) != 0 && done)
        done = error_set_errno(err, errno, "cannot close \"%s\"", partial);
    return done;
}

bool tar_store_write_file(const char *file, struct record_source *source,
                          const struct store_options *options, struct error *err)
{
    char partial[RECORD_PATH_MAX], parent[RECORD_PATH_MAX];
    const char *remains = partial;
    int fd, lock_fd;
    bool done;

    if (!path_parent(file, parent, err) || !path_with_suffix(file, PARTIAL, partial, err) ||
        !check_absent(file, err))
        return false;
    fd = create_partial(partial, parent, err);
    if (fd < 0)
        return false;
    lock_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the lock is kept until the file has its name */
    done = write_partial(fd, partial, source, options, err) && cancel_check(options->cancel, err) &&
           path_rename_new(partial, file, err);
    if (done && !options->no_sync) {
        done = path_sync_directory(parent, err);
        remains = file;
    }
    if (!done && unlink(remains) != 0)
        error_detail(err, "The incomplete backup \"%.300s\" could not be removed: %s", remains,
                     strerror(errno));
    if (lock_fd >= 0)
        close(lock_fd);
    return done;
}
