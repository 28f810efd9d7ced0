/* What of a database is wanted, for whoever asks for it before anything is read. */
#include "catalog/catalog_internal.h"

bool catalog_select(struct catalog **result, struct wire_conn *conn,
                    const struct catalog_options *options, struct error *err)
{
    struct catalog *catalog = catalog_new(conn, options, err);

    *result = NULL;
    if (catalog == NULL)
        return false;
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
