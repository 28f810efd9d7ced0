#include "support.h"

#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char *in_folder(void **state, const char *name)
{
    static char paths[8][512];
    static size_t turn;
    char *path = paths[turn++ % 8];

    snprintf(path, sizeof(paths[0]), "%s/%s", (const char *)*state, name);
    return path;
}

void write_file(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    assert_int_equal(close(fd), 0);
}

struct buffer read_file(const char *path)
{
    struct buffer content = {0};
    struct error err;
    uint8_t block[65536];
    int fd = open(path, O_RDONLY);
    ssize_t n;

    assert_true(fd >= 0);
    while ((n = read(fd, block, sizeof(block))) > 0)
        assert_true(buffer_append(&content, block, (size_t)n, &err));
    assert_int_equal(n, 0);
    close(fd);
    return content;
}

bool exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

int run(const char *const *arguments)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        dup2(null, 1);
        dup2(null, 2);
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* ---- A source over an array ---- */

struct sample_source {
    struct record_source source;
    const struct sample *samples;
    size_t count, next;
    bool fails;
};

struct sample_reader {
    struct reader reader;
    const struct sample *sample;
    struct buffer content;
    size_t given;
};

static enum reader_status sample_reader_next(struct reader *base, struct slice *data,
                                             struct error *err)
{
    struct sample_reader *reader = (struct sample_reader *)base;
    size_t left = reader->content.len - reader->given;
    size_t piece = reader->sample->piece;

    if (left == 0 && reader->sample->fails) {
        error_set(err, ERROR_CONNECTION_LOST, "the source broke");
        return READER_FAILED;
    }
    if (left == 0)
        return READER_END;
    if (piece == 0 || piece > left)
        piece = left;
    *data = slice_make(reader->content.data + reader->given, piece);
    reader->given += piece;
    return READER_DATA;
}

static void sample_reader_close(struct reader *base)
{
    struct sample_reader *reader = (struct sample_reader *)base;

    buffer_free(&reader->content);
    free(reader);
}

static struct reader *sample_reader_new(const struct sample *sample)
{
    static const struct reader_ops ops = {.next = sample_reader_next, .close = sample_reader_close};
    struct sample_reader *reader = calloc(1, sizeof(*reader));
    struct error err;

    assert_non_null(reader);
    reader->reader.ops = &ops;
    reader->sample = sample;
    for (size_t i = 0; sample->content != NULL && i <= sample->repeat; i++)
        assert_true(buffer_append_string(&reader->content, sample->content, &err));
    return &reader->reader;
}

static enum source_status sample_source_next(struct record_source *base, struct record *record,
                                             struct error *err)
{
    static const uint32_t modes[] = {
        [RECORD_FILE] = 0600, [RECORD_DIRECTORY] = 0700, [RECORD_LINK] = 0777};
    struct sample_source *source = (struct sample_source *)base;
    const struct sample *sample;

    if (source->next == source->count) {
        if (!source->fails)
            return SOURCE_END;
        error_set(err, ERROR_CONNECTION_LOST, "the source broke");
        return SOURCE_FAILED;
    }
    sample = &source->samples[source->next++];
    *record = (struct record){.type = sample->type,
                              .path = sample->path,
                              .mode = sample->mode == 0 ? modes[sample->type] : sample->mode,
                              .modified = {.tv_sec = 1700000000},
                              .link_target = sample->target};
    if (sample->type != RECORD_FILE)
        return SOURCE_RECORD;
    record->reader = sample_reader_new(sample);
    record->size = (int64_t)((struct sample_reader *)record->reader)->content.len + sample->lie;
    if (sample->unknown_size)
        record->size = RECORD_SIZE_UNKNOWN;
    return SOURCE_RECORD;
}

static void sample_source_close(struct record_source *base)
{
    free(base);
}

struct record_source *sample_source_new(const struct sample *samples, size_t count)
{
    static const struct record_source_ops ops = {sample_source_next, sample_source_close};
    struct sample_source *source = calloc(1, sizeof(*source));

    assert_non_null(source);
    source->source.ops = &ops;
    source->samples = samples;
    source->count = count;
    return &source->source;
}

void sample_source_fail_at_end(struct record_source *source)
{
    ((struct sample_source *)source)->fails = true;
}

/* ---- Descriptions ---- */

static bool describe_record(const struct record *record, bool with_mode, struct buffer *text,
                            struct error *err)
{
    static const char types[] = {
        [RECORD_FILE] = 'f', [RECORD_DIRECTORY] = 'd', [RECORD_LINK] = 'l'};
    enum reader_status status = READER_END;
    struct slice data;
    uint64_t size = 0;
    uint32_t sum = 0;
    struct error none;

    if (record->type == RECORD_FILE) {
        while ((status = reader_next(record->reader, &data, err)) == READER_DATA) {
            assert_true(data.len > 0);
            size += data.len;
            sum = digest_crc32c(sum, data);
        }
        reader_close(record->reader);
    }
    if (status == READER_FAILED)
        return false;
    assert_true(buffer_printf(text, &none, "%c %o %s -> %s %llu %08x\n", types[record->type],
                              with_mode ? record->mode : 0, record->path,
                              record->link_target == NULL ? "" : record->link_target,
                              (unsigned long long)size, sum));
    return true;
}

struct buffer describe(struct record_source *source, bool with_mode)
{
    struct buffer text = {0};
    struct error err, none;

    assert_non_null(source);
    for (;;) {
        struct record record;
        enum source_status status = source_next(source, &record, &err);

        if (status == SOURCE_END)
            break;
        if (status == SOURCE_FAILED || !describe_record(&record, with_mode, &text, &err)) {
            assert_int_not_equal(err.code, ERROR_NONE);
            assert_true(buffer_printf(&text, &none, "failed: %s\n", err.message));
            break;
        }
    }
    source_close(source);
    return text;
}

void assert_same_text(const struct buffer *actual, const struct buffer *expected)
{
    assert_string_equal(buffer_text(actual), buffer_text(expected));
}

void assert_mentions(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not mention \"%s\"", text, part);
}
