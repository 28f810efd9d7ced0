/* What of a database is wanted, for whoever asks for it before anything is read. */
#include "catalog/catalog_internal.h"

#include <stdlib.h>

bool catalog_select(struct catalog **result, struct wire_conn *conn,
                    const struct catalog_options *options, struct error *err)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));

    *result = NULL;
    if (catalog == NULL)
        return error_set_memory(err);
    catalog->conn = conn;
    catalog->server = &catalog_server_wire;
    catalog->options = *options;
    catalog->major = wire_server_version(conn) / 10000;
    if (selection_read(catalog, err)) {
        *result = catalog;
        return true;
    }
    catalog_free(catalog);
    return false;
}

bool catalog_expand(const struct catalog *catalog, const char *sql, struct buffer *out,
                    struct error *err)
{
    return selection_expand(catalog == NULL ? NULL : &catalog->selection, sql, out, err);
}

bool catalog_is_whole(const struct catalog *catalog)
{
    return catalog_wants_all(catalog);
}
