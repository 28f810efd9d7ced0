/* What the public structures of options call each option and where they have it: a row an option,
 * and the four types that a member can be of. */
#include "library/members_internal.h"

#include <pgcask/pgcask.h>

#define IN_PHYSICAL(member) .physical = offsetof(struct pgcask_backup_options, member)
#define IN_LOGICAL(member) .logical = offsetof(struct pgcask_logical_options, member)
#define IN_RESTORE(member) .restore = offsetof(struct pgcask_logical_restore_options, member)

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
    {"databases", "databases", MEMBER_TEXT, IN_LOGICAL(databases), IN_RESTORE(databases)},
    {"exclude-databases", "exclude_databases", MEMBER_TEXT, IN_LOGICAL(exclude_databases),
     IN_RESTORE(exclude_databases)},
    {"schemas", "schemas", MEMBER_TEXT, IN_LOGICAL(schemas), IN_RESTORE(schemas)},
    {"exclude-schemas", "exclude_schemas", MEMBER_TEXT, IN_LOGICAL(exclude_schemas),
     IN_RESTORE(exclude_schemas)},
    {"tables", "tables", MEMBER_TEXT, IN_LOGICAL(tables), IN_RESTORE(tables)},
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
    {"schema-only", "schema_only", MEMBER_BOOL, IN_LOGICAL(schema_only), IN_RESTORE(schema_only)},
    {"data-only", "data_only", MEMBER_BOOL, IN_LOGICAL(data_only), IN_RESTORE(data_only)},
    {"no-unlogged-table-data", "no_unlogged_table_data", MEMBER_BOOL,
     IN_LOGICAL(no_unlogged_table_data)},
    {"statistics", "statistics", MEMBER_BOOL, IN_LOGICAL(statistics)},
    {"large-objects", "large_objects", MEMBER_BOOL, IN_LOGICAL(large_objects)},
    {"no-large-objects", "no_large_objects", MEMBER_BOOL, IN_LOGICAL(no_large_objects)},
    {"database", "database", MEMBER_TEXT, IN_RESTORE(database)},
    {"no-globals", "no_globals", MEMBER_BOOL, IN_RESTORE(no_globals)},
    {"role-passwords", "role_passwords", MEMBER_BOOL, IN_RESTORE(role_passwords)},
    {"create-db", "create_db", MEMBER_BOOL, IN_RESTORE(create_db)},
    {"into-existing", "into_existing", MEMBER_BOOL, IN_RESTORE(into_existing)},
    {"clean", "clean", MEMBER_BOOL, IN_RESTORE(clean)},
    {"recreate", "recreate", MEMBER_BOOL, IN_RESTORE(recreate)},
    {"role", "role", MEMBER_TEXT, IN_RESTORE(role)},
    {"search-path", "search_path", MEMBER_TEXT, IN_RESTORE(search_path)},
    {"functions", "functions", MEMBER_TEXT, IN_RESTORE(functions)},
    {"triggers", "triggers", MEMBER_TEXT, IN_RESTORE(triggers)},
    {"indexes", "indexes", MEMBER_TEXT, IN_RESTORE(indexes)},
    {"sections", "sections", MEMBER_TEXT, IN_RESTORE(sections)},
    {"list-file", "list_file", MEMBER_TEXT, IN_RESTORE(list_file)},
    {"no-owner", "no_owner", MEMBER_BOOL, IN_RESTORE(no_owner)},
    {"no-privileges", "no_privileges", MEMBER_BOOL, IN_RESTORE(no_privileges)},
    {"no-comments", "no_comments", MEMBER_BOOL, IN_RESTORE(no_comments)},
    {"no-security-labels", "no_security_labels", MEMBER_BOOL, IN_RESTORE(no_security_labels)},
    {"no-publications", "no_publications", MEMBER_BOOL, IN_RESTORE(no_publications)},
    {"no-subscriptions", "no_subscriptions", MEMBER_BOOL, IN_RESTORE(no_subscriptions)},
    {"no-policies", "no_policies", MEMBER_BOOL, IN_RESTORE(no_policies)},
    {"no-tablespaces", "no_tablespaces", MEMBER_BOOL, IN_RESTORE(no_tablespaces)},
    {"no-table-access-method", "no_table_access_method", MEMBER_BOOL,
     IN_RESTORE(no_table_access_method)},
    {"no-statistics", "no_statistics", MEMBER_BOOL, IN_RESTORE(no_statistics)},
    {"jobs", "jobs", MEMBER_32, IN_RESTORE(jobs)},
    {"exit-on-error", "exit_on_error", MEMBER_BOOL, IN_RESTORE(exit_on_error)},
    {"single-transaction", "single_transaction", MEMBER_BOOL, IN_RESTORE(single_transaction)},
    {"transaction-size", "transaction_size", MEMBER_32, IN_RESTORE(transaction_size)},
    {"disable-triggers", "disable_triggers", MEMBER_BOOL, IN_RESTORE(disable_triggers)},
    {"analyze", "analyze", MEMBER_BOOL, IN_RESTORE(analyze)},
    {"spool-dir", "spool_directory", MEMBER_TEXT, IN_RESTORE(spool_directory)},
    {"dry-run", "dry_run", MEMBER_BOOL, IN_RESTORE(dry_run)},
    {"enable-row-security", "row_security", MEMBER_BOOL, IN_RESTORE(row_security)},
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
