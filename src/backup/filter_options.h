/*
 * The rows of backup_options.h that say what of a database is backed up (catalog/filter.h).
 */
#ifndef PGCASK_BACKUP_FILTER_OPTIONS_H
#define PGCASK_BACKUP_FILTER_OPTIONS_H

#include "backup/backup_request.h"

#include <stddef.h>

#define FILTER_OPTION(option, list, what)                                                          \
    .name = (option), .argument = "PATTERN", .kind = OPTION_LIST, .scope = OPTION_OF_LOGICAL,      \
    .place = offsetof(struct backup_request, lists) + (list) * sizeof(struct option_list),         \
    .help = (what)

#define BACKUP_OPTION_SCHEMAS                                                                      \
    FILTER_OPTION("schemas", FILTER_SCHEMAS,                                                       \
                  "Only schemas that match a pattern of pg_dump's, with what is in them; commas "  \
                  "stand between several. A pattern that matches nothing is an error, here and "   \
                  "in what follows.")
#define BACKUP_OPTION_EXCLUDE_SCHEMAS                                                              \
    FILTER_OPTION("exclude-schemas", FILTER_EXCLUDE_SCHEMAS,                                       \
                  "Without schemas that match, and what is in them.")
#define BACKUP_OPTION_TABLES                                                                       \
    FILTER_OPTION("tables", FILTER_TABLES,                                                         \
                  "Only tables, views and sequences that match, whatever schema they are in: "     \
                  "orders, shop.orders, \"Shop\".*; without a schema those are meant that the "    \
                  "search path leads to.")
#define BACKUP_OPTION_TABLES_AND_CHILDREN                                                          \
    FILTER_OPTION("tables-and-children", FILTER_TABLES_AND_CHILDREN,                               \
                  "The same with all partitions of the tables and all that inherit from them.")
#define BACKUP_OPTION_EXCLUDE_TABLES                                                               \
    FILTER_OPTION("exclude-tables", FILTER_EXCLUDE_TABLES, "Without tables that match.")
#define BACKUP_OPTION_EXCLUDE_TABLES_AND_CHILDREN                                                  \
    FILTER_OPTION("exclude-tables-and-children", FILTER_EXCLUDE_TABLES_AND_CHILDREN,               \
                  "Without tables that match, their partitions and what inherits from them.")
#define BACKUP_OPTION_EXCLUDE_TABLE_DATA                                                           \
    FILTER_OPTION("exclude-table-data", FILTER_EXCLUDE_TABLE_DATA,                                 \
                  "Without the rows of tables that match; their definitions are backed up.")
#define BACKUP_OPTION_EXCLUDE_TABLE_DATA_AND_CHILDREN                                              \
    FILTER_OPTION("exclude-table-data-and-children", FILTER_EXCLUDE_TABLE_DATA_AND_CHILDREN,       \
                  "The same for their partitions and what inherits from them.")
#define BACKUP_OPTION_EXTENSIONS                                                                   \
    FILTER_OPTION("extensions", FILTER_EXTENSIONS, "Only extensions that match.")
#define BACKUP_OPTION_EXCLUDE_EXTENSIONS                                                           \
    FILTER_OPTION("exclude-extensions", FILTER_EXCLUDE_EXTENSIONS, "Without extensions that match.")
#define BACKUP_OPTION_INCLUDE_FOREIGN_DATA                                                         \
    FILTER_OPTION("include-foreign-data", FILTER_FOREIGN_DATA,                                     \
                  "Also the rows of foreign tables of servers that match.")

#define BACKUP_OPTION_WHERE                                                                        \
    .name = "where", .argument = "TABLE=CONDITION", .kind = OPTION_LIST,                           \
    .scope = OPTION_OF_LOGICAL,                                                                    \
    .place = offsetof(struct backup_request, lists) + FILTER_WHERE * sizeof(struct option_list),   \
    .help = "Of tables that match the pattern TABLE, and of their partitions, only rows for "      \
            "which the SQL expression holds: \"shop.orders=placed > now() - interval '1 year'\". " \
            "Semicolons stand between several."

#define BACKUP_OPTION_FILTER                                                                       \
    .name = "filter", .argument = "FILE", .kind = OPTION_TEXT, .scope = OPTION_OF_LOGICAL,         \
    .place = offsetof(struct backup_request, filter_file),                                         \
    .help = "Reads patterns from FILE as pg_dump does: lines like \"include table shop.*\" and "   \
            "\"exclude table_data log\"; - is standard input."

#define BACKUP_OPTION_SCHEMA_ONLY                                                                  \
    .name = "schema-only", .kind = OPTION_FLAG, .scope = OPTION_OF_LOGICAL,                        \
    .place = offsetof(struct backup_request, schema_only),                                         \
    .help = "Definitions only: no rows, no values of sequences, no large objects."

#define BACKUP_OPTION_DATA_ONLY                                                                    \
    .name = "data-only", .kind = OPTION_FLAG, .scope = OPTION_OF_LOGICAL,                          \
    .place = offsetof(struct backup_request, data_only),                                           \
    .help =                                                                                        \
        "No definitions: only rows, values of sequences and large objects; tables that others "    \
        "refer to come first."

#define BACKUP_OPTION_NO_UNLOGGED_TABLE_DATA                                                       \
    .name = "no-unlogged-table-data", .kind = OPTION_FLAG, .scope = OPTION_OF_LOGICAL,             \
    .place = offsetof(struct backup_request, no_unlogged_table_data),                              \
    .help = "Without the rows of unlogged tables."

#define BACKUP_OPTION_LARGE_OBJECTS                                                                \
    .name = "large-objects", .kind = OPTION_FLAG, .scope = OPTION_OF_LOGICAL,                      \
    .place = offsetof(struct backup_request, large_objects),                                       \
    .help = "All large objects, also where schemas, tables or extensions are chosen."

#define BACKUP_OPTION_NO_LARGE_OBJECTS                                                             \
    .name = "no-large-objects", .kind = OPTION_FLAG, .scope = OPTION_OF_LOGICAL,                   \
    .place = offsetof(struct backup_request, no_large_objects), .help = "Without large objects."

#endif
