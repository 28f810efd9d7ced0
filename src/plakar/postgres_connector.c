/* PostgreSQL behind both services: a source's keys become a request for a backup, and what the
 * command would print goes to Plakar's log. Restores: postgres_restore.c. */
#include "plakar/postgres_connector.h"

#include "backup/backup.h"
#include "backup/server.h"
#include "base/lsn.h"
#include "manifest/physical_layout.h"
#include "plakar/configuration.h"
#include "plakar/findings.h"
#include "plakar/identity.h"
#include "plakar/postgres_restore.h"

#include <stdio.h>
#include <stdlib.h>

struct postgres_connector {
    struct configuration_table table;
    const struct log *log;
    const struct wire_watcher *watcher;
    const struct wire_password_source *password_source;
    struct configuration configuration;
    size_t concurrency; /* of Plakar's workers */
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

static enum identity_of identity_of(const struct configuration *configuration)
{
    if (configuration->physical)
        return IDENTITY_CLUSTER;
    return configuration->all_databases ? IDENTITY_ALL_DATABASES : IDENTITY_DATABASE;
}

/* Whatever of it makes no sense is an error before anything is connected. */
static bool make_request(const struct postgres_connector *postgres, struct backup_request *request,
                         struct error *err)
{
    const struct configuration *configuration = &postgres->configuration;

    *request = (struct backup_request){
        .settings = configuration->settings,
        .physical = configuration->physical,
        .log = postgres->log,
    };
    if (!backup_request_read(request, &configuration->options, err))
        return false;
    request->side_by_side = postgres->concurrency;
    if (request->jobs > 0 && request->jobs < request->side_by_side)
        request->side_by_side = (size_t)request->jobs;
    /* Plakar's own reader of this layout does not know the name; that the snapshot was made says
     * that the backup is complete. */
    request->without_summary = request->layout == LOGICAL_NUMBERED;
    return request->physical || backup_request_settle_databases(request, false, err);
}

static bool check_request(const struct postgres_connector *postgres, struct error *err)
{
    struct backup_request backup;

    if (postgres->configuration.restores)
        return postgres_restore_check(&postgres->configuration, err);
    return make_request(postgres, &backup, err);
}

static bool configure(void *context, const struct connector_request *request,
                      struct connector_identity *identity, struct error *err)
{
    struct postgres_connector *postgres = context;
    struct configuration *configuration = &postgres->configuration;

    if (!configuration_read(configuration, &postgres->table, request, postgres->log, err))
        return false;
    postgres->concurrency = request->concurrency;
    wire_settings_watch(configuration->settings, postgres->watcher);
    wire_settings_set_password_source(configuration->settings, postgres->password_source);
    note_database(postgres);
    if (identity_make(configuration->settings, identity_of(configuration), request->hostname,
                      identity, err) &&
        check_request(postgres, err))
        return true;
    configuration_free(configuration);
    return false;
}

static bool ping_source(const struct postgres_connector *postgres, struct cancel *cancel,
                        struct error *err)
{
    const struct configuration *configuration = &postgres->configuration;
    struct server_facts *facts = calloc(1, sizeof(*facts)); /* large for a stack */
    bool done;

    if (facts == NULL)
        return error_set_memory(err);
    done = server_ping(configuration->settings, configuration->physical,
                       configuration->physical || configuration->all_databases, cancel,
                       postgres->log, facts, err);
    if (done && configuration->physical && !facts->replication) {
        *err = facts->replication_error;
        done = false;
    }
    free(facts);
    return done;
}

static bool ping(void *context, struct cancel *cancel, struct error *err)
{
    const struct postgres_connector *postgres = context;

    if (postgres->configuration.restores)
        return postgres_restore_ping(&postgres->configuration, cancel, postgres->log, err);
    return ping_source(postgres, cancel, err);
}

static bool preflight(const struct postgres_connector *postgres, struct backup_request *request,
                      struct error *err)
{
    struct preflight_report report = {0};
    bool done = backup_preflight(request, &report, err);

    findings_warn(&report, 0, postgres->log);
    done = done && findings_judge(&report, "the backup was not begun", err);

    preflight_reset(&report);
    return done;
}

static bool start(void *context, struct cancel *cancel, struct record_source **source,
                  struct error *err)
{
    const struct postgres_connector *postgres = context;
    struct backup_request request = {.physical = false};
    bool done = make_request(postgres, &request, err);

    request.cancel = cancel;
    done = done && preflight(postgres, &request, err) && backup_open(&request, source, err);
    backup_request_reset(&request);
    return done;
}

static uint64_t position(void *context, const struct record_source *source)
{
    const struct postgres_connector *postgres = context;
    const struct backup_report *report = backup_report(source);
    uint64_t lsn = 0;

    return lsn_parse(postgres->configuration.physical ? report->physical.start_lsn
                                                      : report->logical.wal_lsn,
                     &lsn)
               ? lsn
               : 0;
}

/* Those of the cluster that a server writes only where something changes. */
static bool reusable(void *context, const struct record *record)
{
    const struct configuration *configuration =
        &((const struct postgres_connector *)context)->configuration;

    return configuration->physical && options_flag(&configuration->options, "reuse-unchanged") &&
           layout_classify(record->path) == LAYOUT_LISTED &&
           strcmp(record->path, LAYOUT_PG_CONTROL) != 0 &&
           strcmp(record->path, LAYOUT_DATA "/backup_label") != 0;
}

/* A logical backup has nothing that could be missing. Logs and the like may lie in a cluster. */
static bool needs(void *context, const char *path)
{
    (void)path;
    return !((struct postgres_connector *)context)->configuration.physical;
}

static void completed(void *context, const struct record_source *source)
{
    const struct postgres_connector *postgres = context;
    const struct backup_report *report = backup_report(source);
    const struct physical_report *physical = &report->physical;

    if (report->manifest_unavailable > 0)
        log_message(postgres->log, LOG_INFO,
                    "%zu parts of manifest.json could not be gathered; its \"unavailable\" says "
                    "of each why, and what would give it",
                    report->manifest_unavailable);
    if (physical->configuration_missing > 0)
        log_message(postgres->log, LOG_WARNING,
                    "configuration files of the server are not in the snapshot: %s. To include "
                    "them:  " ERROR_OURS("%s"),
                    physical->configuration_missing_list, physical->configuration_remedy);
    if (physical->has_tablespaces_note) /* Plakar's own restore does not do it */
        log_message(postgres->log, LOG_WARNING,
                    "the cluster has tablespaces: after restoring, run \"pgcask relocate "
                    "--in-place\" on the "
                    "data directory, and keep /tablespaces beside /data");
    if (physical->checksum_failures > 0)
        log_message(postgres->log, LOG_WARNING,
                    "the server reported %zu page checksum failures; the snapshot was kept and "
                    "its summary.json lists them. The first: %s",
                    physical->checksum_failures, physical->checksum_failure_first);
}

static bool restore(void *context, struct cancel *cancel, struct record_source *records,
                    const struct connector_outcome *outcome, struct error *err)
{
    const struct postgres_connector *postgres = context;

    return postgres_restore_run(&postgres->configuration, cancel, postgres->log, records, outcome,
                                err);
}

struct postgres_connector *postgres_connector_new(const struct configuration_table *table,
                                                  const struct plugin_options *options,
                                                  struct connector *connector, struct error *err)
{
    struct postgres_connector *postgres = calloc(1, sizeof(*postgres));

    if (postgres == NULL) {
        error_set_memory(err);
        return NULL;
    }
    postgres->table = *table;
    postgres->log = options->log;
    postgres->watcher = options->watcher;
    postgres->password_source = options->password_source;
    *connector = (struct connector){postgres, configure, ping,      start,  position,
                                    reusable, needs,     completed, restore};
    return postgres;
}

void postgres_connector_free(struct postgres_connector *postgres)
{
    if (postgres == NULL)
        return;
    configuration_free(&postgres->configuration);
    free(postgres);
}
