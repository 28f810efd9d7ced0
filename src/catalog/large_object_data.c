/*
 * How the bytes of large objects are asked for: a thousand of them at a time.
 *
 * Who may read pg_largeobject (superusers; members of pg_read_all_data) reads its pages as they lie
 * there, by its index. For anybody else there are functions, which ask for the right to each large
 * object; they, too, see it as it is in the snapshot. The size comes first, since a piece of any
 * large object has to fit into the server's memory.
 */
#include "catalog/catalog_internal.h"
#include "catalog/large_objects.h"

#include <inttypes.h>

#define PART_SIZE 262144 /* of a large object that the functions read at once */

uint32_t catalog_large_object_count(const struct catalog *catalog)
{
    return catalog->large_objects == NULL ? 0 : large_objects_count(catalog->large_objects);
}

uint32_t catalog_large_object_oid(const struct catalog *catalog, uint32_t index)
{
    return large_objects_oid(catalog->large_objects, index);
}

uint32_t catalog_large_object_pieces(const struct catalog *catalog)
{
    return catalog->large_objects == NULL ? 0 : large_objects_piece_count(catalog->large_objects);
}

uint32_t catalog_large_object_piece(const struct catalog *catalog, uint32_t piece)
{
    return large_objects_piece(catalog->large_objects, piece);
}

/* The large objects of a piece, as a condition on their numbers. */
static void add_condition(struct sql *sql, const struct large_objects *objects, uint32_t piece,
                          const char *column)
{
    uint32_t first = large_objects_piece(objects, piece);
    uint32_t end = large_objects_piece(objects, piece + 1);

    if (large_objects_piece_is_range(objects, piece)) {
        sql_printf(sql, "%s BETWEEN %" PRIu32 " AND %" PRIu32, column,
                   large_objects_oid(objects, first), large_objects_oid(objects, end - 1));
        return;
    }
    sql_printf(sql, "%s = ANY ('{", column);
    for (uint32_t i = first; i < end; i++)
        sql_printf(sql, "%s%" PRIu32, i == first ? "" : ",", large_objects_oid(objects, i));
    sql_add(sql, "}'::pg_catalog.oid[])");
}

static void add_pages(struct sql *sql, const struct large_objects *objects, uint32_t piece)
{
    sql_printf(sql,
               "COPY (SELECT loid, pageno::pg_catalog.int8 * %" PRIu32 ", data\n"
               "        FROM pg_catalog.pg_largeobject\n"
               "       WHERE ",
               large_objects_page_size(objects));
    add_condition(sql, objects, piece, "loid");
    sql_add(sql, "\n       ORDER BY loid, pageno) TO STDOUT (FORMAT binary)");
}

/* 262144 opens for reading; a large object is closed again before the next one is opened, since the
 * server looks for a free place among all that are open. */
static void add_parts(struct sql *sql, const struct large_objects *objects, uint32_t piece)
{
    sql_printf(sql,
               "COPY (SELECT p.oid, p.place, pg_catalog.lo_get(p.oid, p.place, %d)\n"
               "        FROM (SELECT s.oid, pg_catalog.generate_series(0::pg_catalog.int8,\n"
               "                            s.size - 1, %d) AS place\n"
               "                FROM (SELECT m.oid, (SELECT pg_catalog.lo_lseek64(f.fd, 0, 2)\n"
               "                                            + pg_catalog.lo_close(f.fd)\n"
               "                                       FROM (SELECT pg_catalog.lo_open(\n"
               "                                               m.oid, 262144) AS fd OFFSET 0) f)\n"
               "                                    AS size\n"
               "                        FROM pg_catalog.pg_largeobject_metadata m\n"
               "                       WHERE ",
               PART_SIZE, PART_SIZE);
    add_condition(sql, objects, piece, "m.oid");
    sql_add(sql, "\n"
                 "                       ORDER BY m.oid OFFSET 0) s OFFSET 0) p)\n"
                 "TO STDOUT (FORMAT binary)");
}

bool catalog_large_object_query(struct catalog *catalog, uint32_t piece, const char **query,
                                struct error *err)
{
    struct sql *sql = &catalog->copy;

    sql_begin_again(sql, ARCHIVE_TEXT_KEPT, err);
    if (large_objects_page_size(catalog->large_objects) > 0)
        add_pages(sql, catalog->large_objects, piece);
    else
        add_parts(sql, catalog->large_objects, piece);
    *query = sql_text(sql);
    return !sql->failed;
}
