/* dump_probe CONNINFO > FILE: a custom archive of one database by src/catalog and src/archive
 * alone. */
#include "archive/archive.h"
#include "catalog/catalog.h"

#include <stdio.h>
#include <stdlib.h>

struct dump {
    struct wire_settings *settings;
    struct wire_conn *conn;
    struct catalog *catalog;
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
    const char *query, *name;

    *bytes = (struct slice){0};
    if (!dump->copying && (!catalog_data_query(dump->catalog, number, &query, &name, err) ||
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

static bool run(const char *conninfo, struct dump *dump, struct error *err)
{
    struct wire_connect_options options = {0};
    struct catalog_options catalog_options = {0};
    struct archive_content content = {dump, entry, data};
    struct archive_header header = {.created = 1700000000, .database = "app"};
    enum reader_status status;
    struct reader *reader;
    struct slice bytes;

    dump->settings = wire_settings_new(err);
    if (dump->settings == NULL || !wire_settings_parse(dump->settings, conninfo, err) ||
        !wire_settings_complete(dump->settings, err) ||
        !wire_connect(&dump->conn, dump->settings, &options, err) ||
        !catalog_begin(dump->conn, NULL, err) ||
        !catalog_read(&dump->catalog, dump->conn, &catalog_options, err))
        return false;
    header.minor = archive_minor_of_server(wire_server_version(dump->conn));
    header.server_version = wire_parameter(dump->conn, "server_version");
    header.dumper_version = "dump_probe";
    header.entry_count = catalog_entry_count(dump->catalog);
    reader = custom_archive_reader_new(&header, &content, COMPRESSION_LEVEL_DEFAULT, err);
    if (reader == NULL)
        return false;
    while ((status = reader_next(reader, &bytes, err)) == READER_DATA)
        fwrite(bytes.data, 1, bytes.len, stdout);
    reader_close(reader);
    return status == READER_END;
}

int main(int argc, char **argv)
{
    struct dump dump = {0};
    struct error err;
    bool done = argc == 2 && run(argv[1], &dump, &err);

    if (!done)
        fprintf(stderr, "error: %s\n%s\n%s\n", err.message, err.detail, err.hint);
    catalog_free(dump.catalog);
    wire_close(dump.conn);
    wire_settings_free(dump.settings);
    return done ? 0 : 1;
}
