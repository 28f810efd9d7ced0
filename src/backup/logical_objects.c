/* The large objects of a dump: what src/catalog knows of them is handed to src/copy, which reads
 * their bytes, and to src/archive, which asks for one after the other. */
#include "backup/logical_internal.h"

static uint32_t oid(void *context, uint32_t index)
{
    return catalog_large_object_oid(context, index);
}

static uint32_t piece(void *context, uint32_t number)
{
    return catalog_large_object_piece(context, number);
}

static bool statement(void *context, uint32_t number, const char **text, struct error *err)
{
    return catalog_large_object_query(context, number, text, err);
}

struct objects_out *logical_objects_new(struct wire_conn *conn, struct catalog *catalog,
                                        const char *role, struct error *err)
{
    const struct objects_out_list list = {
        .context = catalog,
        .count = catalog_large_object_count(catalog),
        .pieces = catalog_large_object_pieces(catalog),
        .oid = oid,
        .piece = piece,
        .statement = statement,
    };

    return objects_out_new(conn, &list, role, err);
}

uint32_t logical_objects_oid(const struct catalog *catalog, uint32_t number, uint32_t index)
{
    uint32_t first, count;

    return catalog_entry_large_objects(catalog, number, &first, &count) && index < count
               ? catalog_large_object_oid(catalog, first + index)
               : 0;
}

bool logical_objects_are_in(const struct catalog *catalog, uint32_t number)
{
    uint32_t first, count;

    return catalog_entry_large_objects(catalog, number, &first, &count);
}
