/*
 * The grammar of BASE_BACKUP: words in a fixed order up to PostgreSQL 14, a list of options in
 * parentheses from 15 on.
 */
#include "replication/base_backup.h"
#include "base/error_names.h"

#include <inttypes.h>

/* Where the grammar changed: from 15 on options stand in parentheses with values. */
#define FIRST_WITH_PARENTHESES 150000

static bool append_old_form(struct buffer *sql, const struct base_backup_options *options,
                            struct error *err)
{
    if (!buffer_append_string(sql, "BASE_BACKUP LABEL ", err) ||
        !wire_quote_literal(sql, options->label, err) ||
        !buffer_append_string(sql, " PROGRESS WAL NOWAIT MANIFEST 'yes' MANIFEST_CHECKSUMS ",
                              err) ||
        !wire_quote_literal(sql, digest_name(options->manifest_checksums), err))
        return false;
    if (!options->spread_checkpoint && !buffer_append_string(sql, " FAST", err))
        return false;
    if (options->no_verify_checksums && !buffer_append_string(sql, " NOVERIFY_CHECKSUMS", err))
        return false;
    if (options->tablespace_map && !buffer_append_string(sql, " TABLESPACE_MAP", err))
        return false;
    return options->max_rate_kib == 0 ||
           buffer_printf(sql, err, " MAX_RATE %" PRIu32, options->max_rate_kib);
}

static bool append_new_form(struct buffer *sql, const struct base_backup_options *options,
                            struct error *err)
{
    if (!buffer_append_string(sql, "BASE_BACKUP (LABEL ", err) ||
        !wire_quote_literal(sql, options->label, err) ||
        !buffer_append_string(sql,
                              ", PROGRESS, WAL, WAIT false, MANIFEST 'yes', "
                              "MANIFEST_CHECKSUMS ",
                              err) ||
        !wire_quote_literal(sql, digest_name(options->manifest_checksums), err) ||
        !buffer_printf(sql, err, ", CHECKPOINT '%s'",
                       options->spread_checkpoint ? "spread" : "fast"))
        return false;
    if (options->no_verify_checksums && !buffer_append_string(sql, ", VERIFY_CHECKSUMS false", err))
        return false;
    if (options->tablespace_map && !buffer_append_string(sql, ", TABLESPACE_MAP", err))
        return false;
    if (options->max_rate_kib != 0 &&
        !buffer_printf(sql, err, ", MAX_RATE %" PRIu32, options->max_rate_kib))
        return false;
    if (options->compression != COMPRESSION_NONE &&
        !buffer_printf(sql, err, ", COMPRESSION '%s'", compression_name(options->compression)))
        return false;
    if (options->compression != COMPRESSION_NONE && options->compression_level != NULL &&
        (!buffer_append_string(sql, ", COMPRESSION_DETAIL ", err) ||
         !wire_quote_literal(sql, options->compression_level, err)))
        return false;
    return buffer_append_byte(sql, ')', err);
}

bool base_backup_command(struct buffer *sql, int server_version_num,
                         const struct base_backup_options *options, struct error *err)
{
    if (server_version_num >= FIRST_WITH_PARENTHESES)
        return append_new_form(sql, options, err);
    if (options->compression != COMPRESSION_NONE) {
        error_set(err, ERROR_UNSUPPORTED,
                  "PostgreSQL %d cannot compress a base backup; 15 and later can",
                  server_version_num / 10000);
        return error_hint(err, "Leave " OPTION_TRANSFER_COMPRESSION " out.");
    }
    return append_old_form(sql, options, err);
}
