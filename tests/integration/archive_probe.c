/* archive_probe file|directory|stream PLACE RECORD all|entries|text DIRECTORY: the data of an
 * archive, as src/restore/archive_input.h pushes them to a restore. PLACE is a file or a directory;
 * a stream is standard input. RECORD is the path of a record there, or "" if the place itself is
 * the archive. In DIRECTORY, which exists, data go into files: those of an entry into one called as
 * its dump id is, a large object into blob_OID; and a line for each entry into "entries". With
 * "text", all of it as SQL goes into "script". */
#include "restore/archive_input.h"
#include "restore/archive_text.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 4

struct probe {
    struct archive_input *input;
    struct archive_contents *contents;
    const char *directory;
    pthread_mutex_t lock; /* of what follows */
    FILE *entries;
    uint32_t next;
    bool failed;
};

/* What a thread writes into. */
struct writing {
    struct probe *probe;
    FILE *file;
    uint64_t objects;
};

static FILE *create(const struct probe *probe, const char *kind, uint32_t number)
{
    char path[4200];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s%" PRIu32, probe->directory, kind, number);
    file = fopen(path, "wbx");
    if (file == NULL)
        perror(path);
    return file;
}

static bool end_file(struct writing *writing, struct error *err)
{
    FILE *file = writing->file;

    writing->file = NULL;
    return file == NULL || fclose(file) == 0 || error_set(err, ERROR_IO, "cannot write");
}

static bool begin(void *context, uint32_t number, bool *wanted, struct error *err)
{
    struct writing *writing = context;
    const struct contents_node node = archive_contents_node(writing->probe->contents, number);

    (void)wanted;
    writing->objects = 0;
    if (node.kind == ENTRY_BLOBS)
        return true;
    writing->file = create(writing->probe, "", (uint32_t)node.dump_id);
    return writing->file != NULL || error_set(err, ERROR_IO, "cannot create a file");
}

static bool object(void *context, uint32_t number, uint32_t oid, struct error *err)
{
    struct writing *writing = context;

    (void)number;
    writing->objects++;
    writing->file = create(writing->probe, "blob_", oid);
    return writing->file != NULL || error_set(err, ERROR_IO, "cannot create a file");
}

static bool bytes(void *context, uint32_t number, struct slice bytes, struct error *err)
{
    const struct writing *writing = context;

    (void)number;
    return fwrite(bytes.data, 1, bytes.len, writing->file) == bytes.len ||
           error_set(err, ERROR_IO, "cannot write");
}

static bool object_end(void *context, uint32_t number, struct error *err)
{
    (void)number;
    return end_file(context, err);
}

static bool end(void *context, uint32_t number, uint64_t rows, struct error *err)
{
    struct writing *writing = context;
    struct probe *probe = writing->probe;
    const struct contents_node node = archive_contents_node(probe->contents, number);

    pthread_mutex_lock(&probe->lock);
    fprintf(probe->entries, "%" PRId32 " %s rows=%" PRIu64 " objects=%" PRIu64 " bytes=%d\n",
            node.dump_id, entry_kind_name(node.kind), rows, writing->objects, node.data_bytes > 0);
    pthread_mutex_unlock(&probe->lock);
    return end_file(writing, err);
}

static void complain(struct probe *probe, const struct error *err)
{
    pthread_mutex_lock(&probe->lock);
    fprintf(stderr, "%s\n", err->message);
    probe->failed = true;
    pthread_mutex_unlock(&probe->lock);
}

static void *read_entries(void *context)
{
    struct probe *probe = context;
    struct writing writing = {.probe = probe};
    const struct archive_data_handler handler = {&writing, begin, object, bytes, object_end, end};

    for (;;) {
        struct error err;
        uint32_t number;

        pthread_mutex_lock(&probe->lock);
        number = probe->next++;
        pthread_mutex_unlock(&probe->lock);
        if (number >= archive_contents_count(probe->contents))
            return NULL;
        if (archive_contents_node(probe->contents, number).has_data &&
            !archive_input_read_entry(probe->input, number, &handler, NULL, &err))
            complain(probe, &err);
        if (writing.file != NULL)
            (void)end_file(&writing, &err);
    }
}

static void read_all(struct probe *probe)
{
    struct writing writing = {.probe = probe};
    const struct archive_data_handler handler = {&writing, begin, object, bytes, object_end, end};
    struct error err;

    if (!archive_input_read_all(probe->input, &handler, NULL, &err))
        complain(probe, &err);
    (void)end_file(&writing, &err);
}

static void read_in_threads(struct probe *probe)
{
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, read_entries, probe);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static bool write_text(void *context, struct slice bytes, struct error *err)
{
    return fwrite(bytes.data, 1, bytes.len, context) == bytes.len ||
           error_set(err, ERROR_IO, "cannot write");
}

static void write_script(struct probe *probe)
{
    const struct restore_request request = {.jobs = 0};
    const struct archive_text_options options = {.database = PLAIN_INTO_ANY};
    char path[4200];
    struct archive_text_out out = {.write = write_text};
    struct error err;

    snprintf(path, sizeof(path), "%s/script", probe->directory);
    out.context = fopen(path, "wb");
    if (out.context == NULL || !archive_text_write(probe->input, &request, &options, &out, &err))
        complain(probe, &err);
    if (out.context != NULL)
        fclose(out.context);
}

/* What is found in the table of contents: all of it can be asked for. */
static void list(struct probe *probe)
{
    for (uint32_t i = 0; i < archive_contents_count(probe->contents); i++) {
        struct archive_entry entry;
        struct error err;

        if (!archive_contents_entry(probe->contents, i, &entry, &err))
            complain(probe, &err);
        else
            printf("%" PRId32 "; %" PRIu32 " %" PRIu32 " %s %s %s %s\n", entry.dump_id,
                   entry.catalog_oid, entry.object_oid, entry.desc,
                   entry.schema == NULL ? "-" : entry.schema, entry.tag,
                   entry.owner == NULL ? "" : entry.owner);
    }
}

int main(int argc, char **argv)
{
    struct probe probe = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct record_place place = {.kind = PLACE_TAR_FILE};
    char path[4200];
    struct error err;

    if (argc != 6)
        return 2;
    place.path = argv[2];
    if (strcmp(argv[1], "directory") == 0)
        place.kind = PLACE_DIRECTORY;
    else if (strcmp(argv[1], "stream") == 0)
        place = (struct record_place){.kind = PLACE_TAR_STREAM, .fd = 0};
    probe.directory = argv[5];
    snprintf(path, sizeof(path), "%s/entries", probe.directory);
    probe.entries = fopen(path, "w");
    probe.input = archive_input_open(&place, argv[3][0] == '\0' ? NULL : argv[3], NULL, &err);
    if (probe.entries == NULL || probe.input == NULL) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    probe.contents = archive_input_contents(probe.input);
    list(&probe);
    if (strcmp(argv[4], "all") == 0)
        read_all(&probe);
    else if (strcmp(argv[4], "text") == 0)
        write_script(&probe);
    else
        read_in_threads(&probe);
    archive_input_free(probe.input);
    fclose(probe.entries);
    return probe.failed ? 1 : 0;
}
