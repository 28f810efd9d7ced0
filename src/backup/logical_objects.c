/* The large objects of a dump: what src/catalog knows of them is handed to src/copy, which reads
 * their bytes, and to src/archive, which asks for one after the other. */
#include "backup/logical_internal.h"

#include "base/error_names.h"
#include "manifest/logical_layout.h"

#include <string.h>

#define LISTED_MAX ((uint64_t)32 << 20) /* bytes of all records in summary.json */
#define LISTED_SIZE 160                 /* of one, beside its folder, at most */

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

bool logical_objects_check_layout(struct logical_database *database, struct error *err)
{
    struct logical_backup *job = database->job;
    uint64_t count = catalog_large_object_count(database->catalog);
    char folder[RECORD_PATH_MAX];

    if (job->request.layout != LOGICAL_TABLES ||
        !logical_layout_archive_path(LOGICAL_TABLES, database->number, database->name, folder))
        return true;
    for (uint32_t i = 0; i < catalog_entry_count(database->catalog); i++)
        count += catalog_entry_has_data(database->catalog, i);
    job->listed_bytes += count * (LISTED_SIZE + strlen(folder)) - database->listed_bytes;
    database->listed_bytes = count * (LISTED_SIZE + strlen(folder));
    if (job->listed_bytes < LISTED_MAX)
        return true;
    error_set(err, ERROR_UNSUPPORTED,
              "tables and large objects are too many for a file each in one backup: database "
              "\"%s\" has %llu of them",
              database->name, (unsigned long long)count);
    return error_hint(err, "Leave " OPTION_LAYOUT "=" LOGICAL_LAYOUT_TABLES
                           " away: an archive in one file holds any number of them.");
}
