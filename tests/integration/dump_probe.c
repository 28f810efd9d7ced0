/* dump_probe CONNINFO [custom|plain|directory [COMPRESSION [DIRECTORY]]]: an archive of one
 * database by src/catalog and src/archive alone, on standard output or in an existing directory.
 * The version of the archive is the one that tools of the server's major write. */
#include "archive/archive.h"
#include "catalog/catalog.h"
#include "copy/objects_out.h"
#include "copy/snapshot.h"

#include <stdio.h>
#include <stdlib.h>

struct dump {
    const char *format, *directory;
    struct wire_settings *settings;
    struct wire_conn *conn;
    struct catalog *catalog;
    struct archive_header header;
    struct archive_content content;
    bool copying;
    struct objects_out *objects;
};

static bool entry(void *context, uint32_t number, struct archive_entry *entry, struct error *err)
{
    return catalog_entry(((struct dump *)context)->catalog, number, entry, err);
}

static bool data(void *context, uint32_t number, struct slice *bytes, struct error *err)
{
    struct dump *dump = context;
    struct wire_event event;
    const char *query;
    uint32_t first, count;

    if (catalog_entry_large_objects(dump->catalog, number, &first, &count))
        return objects_out_next(dump->objects, bytes, err);
    *bytes = (struct slice){0};
    if (!dump->copying && (!catalog_data_query(dump->catalog, number, &query, err) ||
                           !wire_send_query(dump->conn, query, err)))
        return false;
    dump->copying = true;
    for (;;) {
        if (!wire_next(dump->conn, &event, err) || event.type == WIRE_SERVER_ERROR)
            return false;
        if (event.type == WIRE_COPY_DATA && event.data.len > 0) {
            *bytes = event.data;
            return true;
        }
        if (event.type == WIRE_READY) {
            dump->copying = false;
            return true;
        }
    }
}

/* ---- Large objects ---- */

static bool object(void *context, uint32_t number, uint32_t index, uint32_t *oid, struct error *err)
{
    struct dump *dump = context;
    uint32_t first, count;

    (void)err;
    *oid = catalog_entry_large_objects(dump->catalog, number, &first, &count) && index < count
               ? catalog_large_object_oid(dump->catalog, first + index)
               : 0;
    return true;
}

static uint32_t object_oid(void *context, uint32_t index)
{
    return catalog_large_object_oid(context, index);
}

static uint32_t object_piece(void *context, uint32_t piece)
{
    return catalog_large_object_piece(context, piece);
}

static bool object_query(void *context, uint32_t piece, const char **query, struct error *err)
{
    return catalog_large_object_query(context, piece, query, err);
}

static bool open_objects(struct dump *dump, struct error *err)
{
    const struct objects_out_list list = {
        .context = dump->catalog,
        .count = catalog_large_object_count(dump->catalog),
        .pieces = catalog_large_object_pieces(dump->catalog),
        .oid = object_oid,
        .piece = object_piece,
        .statement = object_query,
    };

    dump->objects = objects_out_new(dump->conn, &list, "probe", err);
    return dump->objects != NULL;
}

/* ---- Writing ---- */

/* Writes all of a reader, and closes it. */
static bool write_all(struct reader *reader, FILE *out, struct error *err)
{
    enum reader_status status = READER_FAILED;
    struct slice bytes;

    if (out == NULL)
        error_set(err, ERROR_IO, "cannot open a file");
    while (reader != NULL && out != NULL &&
           (status = reader_next(reader, &bytes, err)) == READER_DATA)
        fwrite(bytes.data, 1, bytes.len, out);
    reader_close(reader);
    return status == READER_END;
}

static bool write_file(const struct dump *dump, const char *name, struct reader *reader,
                       struct error *err)
{
    char path[4096];
    bool done;
    FILE *out;

    snprintf(path, sizeof(path), "%s/%s", dump->directory, name);
    out = fopen(path, "w");
    done = write_all(reader, out, err);
    return (out == NULL || fclose(out) == 0) && done;
}

static bool write_objects(struct dump *dump, uint32_t number, struct error *err)
{
    enum compression compression = dump->header.compression;
    struct archive_entry at;
    char name[32];
    uint32_t oid;

    for (uint32_t i = 0; object(dump, number, i, &oid, err) && oid != 0; i++) {
        directory_object_name(oid, compression, name);
        if (!write_file(dump, name,
                        directory_object_stream_new(&dump->content, number, compression,
                                                    COMPRESSION_LEVEL_DEFAULT, err),
                        err))
            return false;
    }
    if (!entry(dump, number, &at, err))
        return false;
    directory_object_list_name(at.dump_id, dump->header.minor, name);
    return write_file(dump, name, directory_object_list_stream_new(&dump->content, number, err),
                      err);
}

static bool write_directory(struct dump *dump, struct error *err)
{
    enum compression compression = dump->header.compression;
    struct archive_entry at;
    char name[32];

    if (!write_file(dump, "toc.dat", directory_toc_stream_new(&dump->header, &dump->content, err),
                    err))
        return false;
    for (uint32_t i = 0; i < dump->header.entry_count; i++) {
        uint32_t first, count;

        if (catalog_entry_large_objects(dump->catalog, i, &first, &count) &&
            !write_objects(dump, i, err))
            return false;
        if (!catalog_entry_has_data(dump->catalog, i))
            continue;
        if (!entry(dump, i, &at, err))
            return false;
        directory_data_name(at.dump_id, compression, name);
        if (!write_file(dump, name,
                        directory_data_stream_new(&dump->content, i, compression,
                                                  COMPRESSION_LEVEL_DEFAULT, err),
                        err))
            return false;
    }
    return true;
}

static bool connect_server(const char *conninfo, struct dump *dump, struct error *err)
{
    struct wire_connect_options options = {0};
    const struct snapshot_options snapshot_options = {.own_encoding = true};
    struct catalog_options catalog_options = {.lock_timeout_ms = 60000};
    bool changed;

    dump->settings = wire_settings_new(err);
    return dump->settings != NULL && wire_settings_parse(dump->settings, conninfo, err) &&
           wire_settings_complete(dump->settings, err) &&
           wire_connect(&dump->conn, dump->settings, &options, err) &&
           snapshot_begin(dump->conn, &snapshot_options, err) &&
           catalog_read(&dump->catalog, dump->conn, &catalog_options, &changed, err);
}

static bool run(struct dump *dump, struct error *err)
{
    struct archive_header *header = &dump->header;

    dump->content = (struct archive_content){dump, entry, data, object};
    header->created = 1700000000;
    header->database = "app";
    header->minor = archive_minor_of_server(wire_server_version(dump->conn));
    header->server_version = wire_parameter(dump->conn, "server_version");
    header->dumper_version = "dump_probe";
    header->entry_count = catalog_entry_count(dump->catalog);
    if (!open_objects(dump, err))
        return false;
    if (strcmp(dump->format, "directory") == 0)
        return write_directory(dump, err);
    if (strcmp(dump->format, "plain") == 0)
        return write_all(plain_stream_new(header, &dump->content, PLAIN_INTO_ANY, err), stdout,
                         err);
    return write_all(custom_stream_new(header, &dump->content, COMPRESSION_LEVEL_DEFAULT, err),
                     stdout, err);
}

int main(int argc, char **argv)
{
    struct dump dump = {.format = argc > 2 ? argv[2] : "custom",
                        .directory = argc > 4 ? argv[4] : "."};
    const char *compression = argc > 3 ? argv[3] : "none";
    struct error err = {.message = "usage: dump_probe CONNINFO [FORMAT [COMPRESSION [DIRECTORY]]]"};
    bool done = argc > 1 &&
                compression_from_name(compression, strlen(compression), &dump.header.compression) &&
                connect_server(argv[1], &dump, &err) && run(&dump, &err);

    if (!done)
        fprintf(stderr, "error: %s\n%s\n%s\n", err.message, err.detail, err.hint);
    objects_out_free(dump.objects);
    catalog_free(dump.catalog);
    wire_close(dump.conn);
    wire_settings_free(dump.settings);
    return done ? 0 : 1;
}
