/* dump_probe CONNINFO [custom|plain|directory [COMPRESSION [DIRECTORY]]]: an archive of one
 * database by src/catalog and src/archive alone, on standard output or in an existing directory.
 * The version of the archive is the one that tools of the server's major write. */
#include "archive/archive.h"
#include "catalog/catalog.h"
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

static bool write_directory(struct dump *dump, struct error *err)
{
    enum compression compression = dump->header.compression;
    struct archive_entry at;
    char name[32];

    if (!write_file(dump, "toc.dat", directory_toc_stream_new(&dump->header, &dump->content, err),
                    err))
        return false;
    for (uint32_t i = 0; i < dump->header.entry_count; i++) {
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

    dump->content = (struct archive_content){dump, entry, data};
    header->created = 1700000000;
    header->database = "app";
    header->minor = archive_minor_of_server(wire_server_version(dump->conn));
    header->server_version = wire_parameter(dump->conn, "server_version");
    header->dumper_version = "dump_probe";
    header->entry_count = catalog_entry_count(dump->catalog);
    if (strcmp(dump->format, "directory") == 0)
        return write_directory(dump, err);
    if (strcmp(dump->format, "plain") == 0)
        return write_all(plain_stream_new(header, &dump->content, err), stdout, err);
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
    catalog_free(dump.catalog);
    wire_close(dump.conn);
    wire_settings_free(dump.settings);
    return done ? 0 : 1;
}
