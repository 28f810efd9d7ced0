#include "cli/backup_options.h"

#include <string.h>

static enum digest_algorithm digest_of(const struct options *given)
{
    return strcmp(options_text(given, "digest"), "sha256") == 0 ? DIGEST_SHA256 : DIGEST_XXH3_128;
}

static bool check_label(const char *label, struct error *err)
{
    if (strlen(label) > 1024)
        return error_set(err, ERROR_USAGE, "--label is longer than 1024 bytes");
    for (; *label != '\0'; label++) {
        if ((unsigned char)*label < ' ')
            return error_set(err, ERROR_USAGE, "--label holds a control character");
    }
    return true;
}

bool backup_options_physical(struct physical_backup_options *options, const struct command *command,
                             struct error *err)
{
    const struct options *given = command->options;

    *options = (struct physical_backup_options){
        .label = command_text(command, "label"),
        .spread_checkpoint = strcmp(options_text(given, "checkpoint"), "spread") == 0,
        .max_rate_kib = (uint32_t)options_number(given, "max-rate"),
        .max_retained_wal = options_number(given, "max-retained-wal"),
        .transfer_compression = options_text(given, "transfer-compression"),
        .digest = digest_of(given),
        .no_verify_checksums = options_flag(given, "no-verify-checksums"),
        .stall_timeout_ms = (int64_t)options_number(given, "stall-timeout"),
        .cancel = command->cancel,
        .log = &command->console->log,
    };
    return check_label(options->label, err);
}

bool backup_options_logical(struct logical_backup_options *options, const struct command *command,
                            struct error *err)
{
    const struct options *given = command->options;

    *options = (struct logical_backup_options){
        .digest = digest_of(given),
        .lock_timeout_ms = (int64_t)options_number(given, "lock-timeout"),
        .lock_timeout_total_ms = (int64_t)options_number(given, "lock-timeout-total"),
        .stall_timeout_ms = (int64_t)options_number(given, "stall-timeout"),
        .allow_newer_server = options_flag(given, "allow-newer-server"),
        .cancel = command->cancel,
        .log = &command->console->log,
    };
    return compression_parse(options_text(given, "compress"), &options->compression,
                             &options->compression_level, err);
}
