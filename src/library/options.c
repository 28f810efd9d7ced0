#include "library/options.h"

#include "library/library_internal.h"

#define PHYSICAL OPTION_COMMAND(LIBRARY_PHYSICAL)
#define LOGICAL OPTION_COMMAND(LIBRARY_LOGICAL)
#define WEEK_MS (7ULL * 24 * 3600 * 1000)

static const struct option_command commands[] = {
    [LIBRARY_PHYSICAL] = {.name = "physical backup"},
    [LIBRARY_LOGICAL] = {.name = "logical backup"},
};

static const struct option_spec specs[] = {
    {.name = "label", .kind = OPTION_TEXT, .commands = PHYSICAL},
    {.name = "checkpoint",
     .kind = OPTION_CHOICE,
     .choices = {"fast", "spread"},
     .commands = PHYSICAL},
    {.name = "max-rate",
     .kind = OPTION_RATE,
     .minimum = 32,
     .maximum = 1048576,
     .commands = PHYSICAL},
    {.name = "max-retained-wal", .kind = OPTION_SIZE, .commands = PHYSICAL},
    {.name = "transfer-compression",
     .kind = OPTION_CHOICE_LEVEL,
     .choices = {"gzip", "lz4", "zstd"},
     .commands = PHYSICAL},
    {.name = "no-verify-checksums", .kind = OPTION_FLAG, .commands = PHYSICAL},
    {.name = "digest",
     .kind = OPTION_CHOICE,
     .choices = {"xxh3", "sha256"},
     .commands = PHYSICAL | LOGICAL},
    {.name = "stall-timeout",
     .kind = OPTION_DURATION,
     .minimum = 1000,
     .maximum = WEEK_MS,
     .commands = PHYSICAL | LOGICAL},
    {.name = "compress",
     .kind = OPTION_CHOICE_LEVEL,
     .choices = {"none", "gzip", "lz4", "zstd"},
     .commands = LOGICAL},
    {.name = "lock-timeout",
     .kind = OPTION_DURATION,
     .minimum = 1000,
     .maximum = WEEK_MS,
     .commands = LOGICAL},
    {.name = "lock-timeout-total",
     .kind = OPTION_DURATION,
     .minimum = 1000,
     .maximum = WEEK_MS,
     .commands = LOGICAL},
    {.name = "allow-newer-server", .kind = OPTION_FLAG, .commands = LOGICAL},
};

const struct option_program library_options = {
    .name = "pgcask",
    .commands = commands,
    .command_count = sizeof(commands) / sizeof(commands[0]),
    .options = specs,
    .option_count = sizeof(specs) / sizeof(specs[0]),
};

static enum pgcask_digest digest_of(const struct options *options)
{
    return strcmp(options_text(options, "digest"), "sha256") == 0 ? PGCASK_DIGEST_SHA256
                                                                  : PGCASK_DIGEST_DEFAULT;
}

static void take_physical(const struct options *options, struct pgcask_backup_options *taken)
{
    if (options_given(options, "label"))
        taken->label = options_text(options, "label");
    if (options_given(options, "checkpoint"))
        taken->spread_checkpoint = strcmp(options_text(options, "checkpoint"), "spread") == 0;
    if (options_given(options, "max-rate"))
        taken->max_rate_kib = (uint32_t)options_number(options, "max-rate");
    if (options_given(options, "max-retained-wal"))
        taken->max_retained_wal = options_number(options, "max-retained-wal");
    if (options_given(options, "transfer-compression"))
        taken->transfer_compression = options_text(options, "transfer-compression");
    if (options_given(options, "no-verify-checksums"))
        taken->no_verify_checksums = options_flag(options, "no-verify-checksums");
    if (options_given(options, "digest"))
        taken->digest = digest_of(options);
    if (options_given(options, "stall-timeout"))
        taken->stall_timeout_ms = (int64_t)options_number(options, "stall-timeout");
}

static void take_logical(const struct options *options, struct pgcask_logical_options *taken)
{
    if (options_given(options, "compress"))
        taken->compression = options_text(options, "compress");
    if (options_given(options, "digest"))
        taken->digest = digest_of(options);
    if (options_given(options, "lock-timeout"))
        taken->lock_timeout_ms = (int64_t)options_number(options, "lock-timeout");
    if (options_given(options, "lock-timeout-total"))
        taken->lock_timeout_total_ms = (int64_t)options_number(options, "lock-timeout-total");
    if (options_given(options, "stall-timeout"))
        taken->stall_timeout_ms = (int64_t)options_number(options, "stall-timeout");
    if (options_given(options, "allow-newer-server"))
        taken->allow_newer_server = options_flag(options, "allow-newer-server");
}

bool pgcask_backup_options_set(struct pgcask_backup_options *options, const char *name,
                               const char *value, struct pgcask_error *error)
{
    static const char type[] = "pgcask_backup_options";
    struct pgcask_backup_options taken;
    struct options read = {0};
    struct error err;
    bool done = library_take(&taken, sizeof(taken), options, type, &err) &&
                options_init(&read, &library_options, LIBRARY_PHYSICAL, &err) &&
                options_set(&read, name, value, &err);

    if (done)
        take_physical(&read, &taken);
    done = done && library_give(options, &taken, sizeof(taken), type, &err);
    options_free(&read);
    return done || library_fail(error, &err);
}

bool pgcask_logical_options_set(struct pgcask_logical_options *options, const char *name,
                                const char *value, struct pgcask_error *error)
{
    static const char type[] = "pgcask_logical_options";
    struct pgcask_logical_options taken;
    struct options read = {0};
    struct error err;
    bool done = library_take(&taken, sizeof(taken), options, type, &err) &&
                options_init(&read, &library_options, LIBRARY_LOGICAL, &err) &&
                options_set(&read, name, value, &err);

    if (done)
        take_logical(&read, &taken);
    done = done && library_give(options, &taken, sizeof(taken), type, &err);
    options_free(&read);
    return done || library_fail(error, &err);
}
