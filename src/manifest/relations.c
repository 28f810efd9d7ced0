/*
 * The one query behind "relations": everything about a table in one row, made by the server,
 * because a query for each table would cost the way there and back for each.
 */
#include "manifest/gather_internal.h"

#include "wire/stored_options.h"

/*
 * One row a relation, everything about it as one JSON object. Ordering comes first, the expensive
 * columns are computed as rows leave (the planner postpones them past the sort), so that the first
 * row arrives at once and nothing is piled up on either side.
 *
 * Parts that deparse expressions are given from outside: they may have to wait for locks, or fail
 * on an object that was dropped a moment ago.
 */
/* clang-format off */
static const char relations_format[] =
    "SELECT c.oid, pg_catalog.json_build_object(\n"
    "    'schema', n.nspname,\n"
    "    'name', c.relname,\n"
    "    'owner', pg_catalog.pg_get_userbyid(c.relowner),\n"
    "    'persistence', c.relpersistence,\n"
    "    'kind', c.relkind,\n"
    "    'tablespace', (SELECT t.spcname FROM pg_catalog.pg_tablespace t\n"
    "                    WHERE t.oid = c.reltablespace),\n"
    "    'row_estimate', GREATEST(c.reltuples::pg_catalog.int8, 0),\n"
    "    'live_row_estimate', pg_catalog.pg_stat_get_live_tuples(c.oid),\n"
    "    'column_count', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a\n"
    "                      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),\n"
    "    'has_primary_key', EXISTS (SELECT 1 FROM pg_catalog.pg_index i\n"
    "                                WHERE i.indrelid = c.oid AND i.indisprimary),\n"
    "    'has_triggers', c.relhastriggers,\n" /* those of foreign keys, too */
    "    'rls_enabled', c.relrowsecurity,\n"
    "    'rls_forced', c.relforcerowsecurity,\n"
    "    'is_partition', c.relispartition,\n"
    "    'partition_parent',\n" /* of any child: the first one */
    "        (SELECT pn.nspname || '.' || p.relname\n"
    "           FROM pg_catalog.pg_inherits h\n"
    "           JOIN pg_catalog.pg_class p ON p.oid = h.inhparent\n"
    "           JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace\n"
    "          WHERE h.inhrelid = c.oid ORDER BY h.inhseqno LIMIT 1),\n"
    "    'partition_strategy', CASE WHEN c.relkind = 'p' THEN\n"
    "        (SELECT CASE s.partstrat WHEN 'r' THEN 'range' WHEN 'l' THEN 'list'\n"
    "                                 WHEN 'h' THEN 'hash' END\n"
    "           FROM pg_catalog.pg_partitioned_table s WHERE s.partrelid = c.oid) END,\n"
    "    'storage_options', (SELECT pg_catalog.array_agg(o)\n"
    "                          FROM pg_catalog.unnest(c.reloptions) o\n"
    "                         WHERE " SQL_USER_STORAGE_OPTION "),\n"
    "    'last_vacuum', " SQL_TIME("pg_catalog.pg_stat_get_last_vacuum_time(c.oid)") ",\n"
    "    'last_analyze', " SQL_TIME("pg_catalog.pg_stat_get_last_analyze_time(c.oid)") ",\n"
    "    'columns',\n"
    "        (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(\n"
    "                    'position', a.attnum,\n"
    "                    'name', a.attname,\n"
    "                    'type', pg_catalog.format_type(a.atttypid, a.atttypmod),\n"
    "                    'nullable', NOT a.attnotnull,\n"
    "                    'default', %s)\n" /* column_default */
    "                ORDER BY a.attnum)\n"
    "           FROM pg_catalog.pg_attribute a\n"
    "          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),\n"
    "    'constraints',\n"
    "        (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(\n"
    "                    'name', k.conname,\n"
    "                    'type', k.contype,\n"
    "                    'columns',\n"
    "                        (SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)\n"
    "                           FROM pg_catalog.pg_attribute a\n"
    "                          WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)))\n"
    "                ORDER BY k.conname)\n"
    "           FROM pg_catalog.pg_constraint k\n"
    "          WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x')),\n"
    "    'indexes',\n"
    "        (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(\n"
    "                    'name', ic.relname,\n"
    "                    'method', m.amname,\n"
    "                    'definition', %s,\n" /* index_definition */
    "                    'is_unique', i.indisunique,\n"
    "                    'is_primary', i.indisprimary,\n"
    "                    'is_valid', i.indisvalid,\n"
    "                    'is_partial', i.indpred IS NOT NULL,\n"
    "                    'constraint_name',\n"
    "                        (SELECT k.conname FROM pg_catalog.pg_constraint k\n"
    "                          WHERE k.conrelid = i.indrelid AND k.conindid = i.indexrelid\n"
    "                            AND k.contype IN ('p', 'u', 'x') LIMIT 1))\n"
    "                ORDER BY ic.relname)\n"
    "           FROM pg_catalog.pg_index i\n"
    "           JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid\n"
    "           JOIN pg_catalog.pg_am m ON m.oid = ic.relam\n"
    "          WHERE i.indrelid = c.oid))\n"
    "  FROM pg_catalog.pg_class c\n"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    " WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')\n"
    "   AND " SQL_USER_NAMESPACE "\n"
    "   AND (%u = 0 OR (n.nspname, c.relname) > (SELECT ln.nspname, l.relname\n"
    "          FROM pg_catalog.pg_class l\n"
    "          JOIN pg_catalog.pg_namespace ln ON ln.oid = l.relnamespace\n"
    "         WHERE l.oid = %u))\n"
    " ORDER BY n.nspname, c.relname%s";

/* Of a long text the beginning will do here, with its size: the archive has all of it. OFFSET 0
 * keeps the server from deparsing it once for each mention. */
#define SHORTENED(text, from)                                                                      \
    "(SELECT CASE WHEN pg_catalog.octet_length(x) <= 32768 THEN x\n"                               \
    "                                     ELSE pg_catalog.left(x, 1000) || '... ('\n"              \
    "                                          || pg_catalog.octet_length(x) || ' bytes)' END\n"   \
    "                           FROM (SELECT " text " AS x " from "OFFSET 0) s)"

static const char column_default[] =
    "CASE WHEN a.atthasdef THEN\n"
    "                        " SHORTENED("pg_catalog.pg_get_expr(d.adbin, d.adrelid)",
    "FROM pg_catalog.pg_attrdef d\n"
    "                                  WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum ")
    " END";
/* clang-format on */

static const char index_definition[] =
    SHORTENED("pg_catalog.translate(pg_catalog.pg_get_indexdef(i.indexrelid), E'\\n', ' ')", "");

bool relations_sql(struct buffer *out, uint32_t after, bool definitions, bool one,
                   struct error *err)
{
    return buffer_printf(out, err, relations_format, definitions ? column_default : "NULL",
                         definitions ? index_definition : "NULL", after, after,
                         one ? " LIMIT 1" : "");
}
