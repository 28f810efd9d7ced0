#include "plakar/postgres_connector.h"

#include "backup/backup.h"
#include "backup/logical_backup.h"
#include "base/lsn.h"
#include "plakar/configuration.h"
#include "plakar/identity.h"
#include "plakar/unnamed_database.h"

#include <stdio.h>
#include <stdlib.h>

struct postgres_connector {
    const struct option_program *program;
    size_t command;
    const struct log *log;
    const struct wire_watcher *watcher;
    const struct wire_password_source *password_source;
    struct configuration configuration;
};

/* A location that reads as if it were about one database. */
static void note_database(const struct postgres_connector *postgres)
{
    const struct configuration *configuration = &postgres->configuration;

    if (configuration->physical && !options_given(&configuration->options, "database") &&
        wire_settings_get(configuration->settings, "service") == NULL &&
        wire_settings_database_from(configuration->settings) == WIRE_DATABASE_NAMED)
        log_message(postgres->log, LOG_WARNING,
                    "the location names a database, %s; a physical backup copies the whole cluster",
                    wire_settings_get(configuration->settings, "dbname"));
}

static bool configure(void *context, const struct connector_request *request,
                      struct connector_identity *identity, struct error *err)
{
    struct postgres_connector *postgres = context;
    struct configuration *configuration = &postgres->configuration;

    if (!configuration_read(configuration, postgres->program, postgres->command, request,
                            postgres->log, err))
        return false;
    wire_settings_watch(configuration->settings, postgres->watcher);
    wire_settings_set_password_source(configuration->settings, postgres->password_source);
    note_database(postgres);
    if (identity_make(configuration->settings, configuration->physical, request->hostname, identity,
                      err)) {
        identity->unsettled = unnamed_database(configuration);
        return true;
    }
    configuration_free(configuration);
    return false;
}

static bool admit(void *context, struct cancel *cancel, struct error *err)
{
    struct postgres_connector *postgres = context;

    if (!unnamed_database(&postgres->configuration))
        return true;
    unnamed_database_refuse(&postgres->configuration, cancel, postgres->log, err);
    configuration_free(&postgres->configuration);
    return false;
}

static bool ping(void *context, struct cancel *cancel, struct error *err)
{
    struct postgres_connector *postgres = context;
    struct server_facts *facts = calloc(1, sizeof(*facts)); /* large for a stack */
    bool done;

    if (facts == NULL)
        return error_set_memory(err);
    done = server_ping(postgres->configuration.settings, postgres->configuration.physical, cancel,
                       postgres->log, facts, err);
    if (done && postgres->configuration.physical && !facts->replication) {
        *err = facts->replication_error;
        done = false;
    }
    free(facts);
    return done;
}

static void append_finding(const struct preflight_finding *finding, size_t *used, char *out,
                           size_t out_size)
{
    int len = snprintf(out + *used, out_size - *used, "%s%s%s%s", *used > 0 ? "; " : "",
                       finding->message, finding->remedy[0] != '\0' ? ": " : "", finding->remedy);

    *used = len < 0 || (size_t)len >= out_size - *used ? out_size - 1 : *used + (size_t)len;
}

/* All that would make the backup fail, in one error. */
static bool judge_findings(const struct postgres_connector *postgres,
                           const struct preflight_report *report, struct error *err)
{
    char list[sizeof(err->message) - 64];
    size_t used = 0;

    for (size_t i = 0; i < report->count; i++) {
        const struct preflight_finding *finding = &report->findings[i];

        if (finding->fatal)
            append_finding(finding, &used, list, sizeof(list));
        else
            log_message(postgres->log, LOG_WARNING, ERROR_OURS("%s") "%s" ERROR_OURS("%s"),
                        finding->message, finding->remedy[0] != '\0' ? "; hint: " : "",
                        finding->remedy);
    }
    return used == 0 ||
           error_set(err, ERROR_REFUSED, "the backup was not begun: " ERROR_OURS("%s"), list);
}

static bool preflight(const struct postgres_connector *postgres,
                      const struct physical_backup_options *options, struct error *err)
{
    struct preflight_report *report = calloc(1, sizeof(*report)); /* large for a stack */
    bool done;

    if (report == NULL)
        return error_set_memory(err);
    done = physical_backup_preflight(options, report, err) && judge_findings(postgres, report, err);
    free(report);
    return done;
}

static bool preflight_logical(const struct postgres_connector *postgres,
                              const struct logical_backup_options *options, struct error *err)
{
    struct preflight_report *report = calloc(1, sizeof(*report)); /* large for a stack */
    bool done;

    if (report == NULL)
        return error_set_memory(err);
    done = logical_backup_preflight(options, report, err) && judge_findings(postgres, report, err);
    free(report);
    return done;
}

static enum digest_algorithm digest_of(const struct options *given)
{
    return strcmp(options_text(given, "digest"), "sha256") == 0 ? DIGEST_SHA256 : DIGEST_XXH3_128;
}

static bool start_logical(const struct postgres_connector *postgres, struct cancel *cancel,
                          struct record_source **source, struct error *err)
{
    const struct options *given = &postgres->configuration.options;
    struct logical_backup_options options = {
        .settings = postgres->configuration.settings,
        .compression = options_flag(given, "compress") ? COMPRESSION_GZIP : COMPRESSION_NONE,
        .compression_level = COMPRESSION_LEVEL_DEFAULT,
        .digest = digest_of(given),
        .lock_timeout_ms = (int64_t)options_number(given, "lock-timeout"),
        .lock_timeout_total_ms = (int64_t)options_number(given, "lock-timeout-total"),
        .stall_timeout_ms = (int64_t)options_number(given, "stall-timeout"),
        .allow_newer_server = options_flag(given, "allow-newer-server"),
        .cancel = cancel,
        .log = postgres->log,
    };

    return preflight_logical(postgres, &options, err) && logical_backup_new(&options, source, err);
}

static bool start_physical(const struct postgres_connector *postgres, struct cancel *cancel,
                           struct record_source **source, struct error *err)
{
    const struct options *given = &postgres->configuration.options;
    struct wire_settings *pinned = NULL;
    struct physical_backup_options options = {
        .settings = postgres->configuration.settings,
        .pinned = &pinned,
        .label = options_text(given, "label"),
        .spread_checkpoint = strcmp(options_text(given, "checkpoint"), "spread") == 0,
        .max_rate_kib = (uint32_t)options_number(given, "max-rate"),
        .max_retained_wal = options_number(given, "max-retained-wal"),
        .transfer_compression = options_text(given, "transfer-compression"),
        .digest = digest_of(given),
        .no_verify_checksums = options_flag(given, "no-verify-checksums"),
        .stall_timeout_ms = (int64_t)options_number(given, "stall-timeout"),
        .cancel = cancel,
        .log = postgres->log,
    };

    bool done = preflight(postgres, &options, err);

    if (pinned != NULL)
        options.settings = pinned;
    done = done && physical_backup_new(&options, source, err);
    wire_settings_free(pinned);
    return done;
}

static bool start(void *context, struct cancel *cancel, struct record_source **source,
                  struct error *err)
{
    const struct postgres_connector *postgres = context;

    return postgres->configuration.physical ? start_physical(postgres, cancel, source, err)
                                            : start_logical(postgres, cancel, source, err);
}

static uint64_t position(void *context, const struct record_source *source)
{
    const struct postgres_connector *postgres = context;
    struct physical_backup_report physical;
    struct logical_backup_report logical;
    uint64_t lsn = 0;

    if (postgres->configuration.physical) {
        physical_backup_report(source, &physical);
        return lsn_parse(physical.start_lsn, &lsn) ? lsn : 0;
    }
    logical_backup_report(source, &logical);
    return lsn_parse(logical.wal_lsn, &lsn) ? lsn : 0;
}

/* A logical backup has nothing that could be missing. Logs and the like may lie in a cluster. */
static bool needs(void *context, const char *path)
{
    (void)path;
    return !((struct postgres_connector *)context)->configuration.physical;
}

static void note_unavailable(const struct postgres_connector *postgres, size_t count)
{
    if (count > 0)
        log_message(postgres->log, LOG_INFO,
                    "%zu parts of manifest.json could not be gathered; its \"unavailable\" says "
                    "of each why, and what would give it",
                    count);
}

static void completed(void *context, const struct record_source *source)
{
    const struct postgres_connector *postgres = context;
    struct physical_backup_report report;
    struct logical_backup_report logical;

    if (!postgres->configuration.physical) {
        logical_backup_report(source, &logical);
        note_unavailable(postgres, logical.manifest_unavailable);
        return;
    }
    physical_backup_report(source, &report);
    note_unavailable(postgres, report.manifest_unavailable);
    if (report.configuration_missing > 0)
        log_message(postgres->log, LOG_WARNING,
                    "configuration files of the server are not in the snapshot: %s. To include "
                    "them:  " ERROR_OURS("%s"),
                    report.configuration_missing_list, report.configuration_remedy);
    if (report.has_tablespaces_note) /* Plakar's own restore does not do it */
        log_message(postgres->log, LOG_WARNING,
                    "the cluster has tablespaces: after restoring, run \"pgcask relocate "
                    "--in-place\" on the "
                    "data directory, and keep /tablespaces beside /data");
    if (report.checksum_failures > 0)
        log_message(postgres->log, LOG_WARNING,
                    "the server reported %zu page checksum failures; the snapshot was kept and "
                    "its summary.json lists them. The first: %s",
                    report.checksum_failures, report.checksum_failure_first);
}

struct postgres_connector *postgres_connector_new(const struct option_program *program,
                                                  size_t command,
                                                  const struct plugin_options *options,
                                                  struct connector *connector, struct error *err)
{
    struct postgres_connector *postgres = calloc(1, sizeof(*postgres));

    if (postgres == NULL) {
        error_set_memory(err);
        return NULL;
    }
    postgres->program = program;
    postgres->command = command;
    postgres->log = options->log;
    postgres->watcher = options->watcher;
    postgres->password_source = options->password_source;
    *connector =
        (struct connector){postgres, configure, admit, ping, start, position, needs, completed};
    return postgres;
}

void postgres_connector_free(struct postgres_connector *postgres)
{
    if (postgres == NULL)
        return;
    configuration_free(&postgres->configuration);
    free(postgres);
}
