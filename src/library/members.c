/* What the public structures of options call each option and where they have it: a row an option,
 * and the four types that a member can be of. */
#include "library/members_internal.h"

#include <pgcask/pgcask.h>

#define IN_PHYSICAL(member) .physical = offsetof(struct pgcask_backup_options, member)
#define IN_LOGICAL(member) .logical = offsetof(struct pgcask_logical_options, member)

const struct library_member library_members[LIBRARY_MEMBERS] = {
    {"label", "label", MEMBER_TEXT, IN_PHYSICAL(label)},
    {"checkpoint", "spread_checkpoint", MEMBER_BOOL, IN_PHYSICAL(spread_checkpoint)},
    {"max-rate", "max_rate_kib", MEMBER_32, IN_PHYSICAL(max_rate_kib)},
    {"max-retained-wal", "max_retained_wal", MEMBER_64, IN_PHYSICAL(max_retained_wal),
     .zero_counts = true},
    {"transfer-compression", "transfer_compression", MEMBER_TEXT,
     IN_PHYSICAL(transfer_compression)},
    {"no-verify-checksums", "no_verify_checksums", MEMBER_BOOL, IN_PHYSICAL(no_verify_checksums)},
    {"digest", "digest", MEMBER_32, IN_PHYSICAL(digest), IN_LOGICAL(digest)},
    {"stall-timeout", "stall_timeout_ms", MEMBER_64, IN_PHYSICAL(stall_timeout_ms),
     IN_LOGICAL(stall_timeout_ms)},
    {"compress", "compression", MEMBER_TEXT, IN_LOGICAL(compression)},
    {"lock-timeout", "lock_timeout_ms", MEMBER_64, IN_LOGICAL(lock_timeout_ms)},
    {"lock-timeout-total", "lock_timeout_total_ms", MEMBER_64, IN_LOGICAL(lock_timeout_total_ms)},
    {"allow-newer-server", "allow_newer_server", MEMBER_BOOL, IN_LOGICAL(allow_newer_server)},
    {"layout", "layout", MEMBER_32, IN_LOGICAL(layout)},
    {"databases", "databases", MEMBER_TEXT, IN_LOGICAL(databases)},
    {"exclude-databases", "exclude_databases", MEMBER_TEXT, IN_LOGICAL(exclude_databases)},
    {"schemas", "schemas", MEMBER_TEXT, IN_LOGICAL(schemas)},
    {"exclude-schemas", "exclude_schemas", MEMBER_TEXT, IN_LOGICAL(exclude_schemas)},
    {"tables", "tables", MEMBER_TEXT, IN_LOGICAL(tables)},
    {"tables-and-children", "tables_and_children", MEMBER_TEXT, IN_LOGICAL(tables_and_children)},
    {"exclude-tables", "exclude_tables", MEMBER_TEXT, IN_LOGICAL(exclude_tables)},
    {"exclude-tables-and-children", "exclude_tables_and_children", MEMBER_TEXT,
     IN_LOGICAL(exclude_tables_and_children)},
    {"exclude-table-data", "exclude_table_data", MEMBER_TEXT, IN_LOGICAL(exclude_table_data)},
    {"exclude-table-data-and-children", "exclude_table_data_and_children", MEMBER_TEXT,
     IN_LOGICAL(exclude_table_data_and_children)},
    {"extensions", "extensions", MEMBER_TEXT, IN_LOGICAL(extensions)},
    {"exclude-extensions", "exclude_extensions", MEMBER_TEXT, IN_LOGICAL(exclude_extensions)},
    {"include-foreign-data", "include_foreign_data", MEMBER_TEXT, IN_LOGICAL(include_foreign_data)},
    {"where", "where", MEMBER_TEXT, IN_LOGICAL(where)},
    {"filter", "filter_file", MEMBER_TEXT, IN_LOGICAL(filter_file)},
    {"schema-only", "schema_only", MEMBER_BOOL, IN_LOGICAL(schema_only)},
    {"data-only", "data_only", MEMBER_BOOL, IN_LOGICAL(data_only)},
    {"no-unlogged-table-data", "no_unlogged_table_data", MEMBER_BOOL,
     IN_LOGICAL(no_unlogged_table_data)},
    {"statistics", "statistics", MEMBER_BOOL, IN_LOGICAL(statistics)},
    {"large-objects", "large_objects", MEMBER_BOOL, IN_LOGICAL(large_objects)},
    {"no-large-objects", "no_large_objects", MEMBER_BOOL, IN_LOGICAL(no_large_objects)},
};

const char *library_member_name(const char *option)
{
    for (size_t i = 0; i < LIBRARY_MEMBERS; i++) {
        if (strcmp(library_members[i].option, option) == 0)
            return library_members[i].name;
    }
    return NULL;
}

struct library_value library_member_get(const struct library_member *member, const void *at)
{
    struct library_value value = {0};
    uint32_t small;
    bool flag;

    switch (member->type) {
    case MEMBER_BOOL:
        memcpy(&flag, at, sizeof(flag));
        value.number = flag;
        break;
    case MEMBER_32:
        memcpy(&small, at, sizeof(small));
        value.number = small;
        break;
    case MEMBER_64:
        memcpy(&value.number, at, sizeof(value.number));
        break;
    case MEMBER_TEXT:
        memcpy(&value.text, at, sizeof(value.text));
        break;
    }
    return value;
}

void library_member_put(const struct library_member *member, const struct library_value *value,
                        void *at)
{
    uint32_t small = (uint32_t)value->number;
    bool flag = value->number != 0;

    switch (member->type) {
    case MEMBER_BOOL:
        memcpy(at, &flag, sizeof(flag));
        break;
    case MEMBER_32:
        memcpy(at, &small, sizeof(small));
        break;
    case MEMBER_64:
        memcpy(at, &value->number, sizeof(value->number));
        break;
    case MEMBER_TEXT:
        memcpy(at, &value->text, sizeof(value->text));
        break;
    }
}
