/* What is known of a database is made and freed here; others fill it. */
#include "catalog/catalog_internal.h"

#include "catalog/large_objects.h"

#include <stdlib.h>

struct catalog *catalog_new(struct wire_conn *conn, const struct catalog_options *options,
                            struct error *err)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));

    if (catalog == NULL) {
        error_set_memory(err);
        return NULL;
    }
    catalog->conn = conn;
    catalog->server = &catalog_server_wire;
    catalog->options = *options;
    catalog->major = wire_server_version(conn) / 10000;
    return catalog;
}

void catalog_free(struct catalog *catalog)
{
    if (catalog == NULL)
        return;
    text_store_free(catalog->texts);
    selection_reset(&catalog->selection);
    arena_free(&catalog->arena);
    large_objects_free(catalog->large_objects);
    free(catalog->objects);
    free(catalog->rows);
    free(catalog->edges);
    free(catalog->needs);
    free(catalog->slots);
    free(catalog->database);
    free(catalog->encoding);
    free(catalog->dependencies);
    buffer_free(&catalog->definition.text);
    buffer_free(&catalog->drop.text);
    buffer_free(&catalog->copy.text);
    buffer_free(&catalog->batch.texts.text);
    free(catalog);
}
