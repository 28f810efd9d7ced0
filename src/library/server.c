/* Questions to a server that come before a backup. */
#include "library/library_internal.h"

#include "backup/backup.h"
#include "backup/server.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Preflight ---- */

struct finding_receiver {
    pgcask_finding_fn *finding;
    void *context;
    uint64_t *estimated_bytes;
};

static bool preflight(enum library_command command, const struct pgcask_settings *settings,
                      const void *given, const struct pgcask_control *control,
                      const struct finding_receiver *receiver, struct pgcask_error *error)
{
    struct preflight_report report = {0};
    struct backup_request request = {0};
    struct library_job job;
    struct error err;
    bool done;

    done = library_job_init(&job, control, &err) &&
           library_request(&request, command, settings, given, &job, &err);
    request.only_preflight = true;
    done = done && backup_preflight(&request, &report, &err);
    for (size_t i = 0; done && receiver->finding != NULL && i < report.count; i++) {
        struct preflight_finding *found = &report.findings[i];

        error_spell_text(found->message, sizeof(found->message), &library_speller);
        error_spell_text(found->remedy, sizeof(found->remedy), &library_speller);
        receiver->finding(receiver->context, found->fatal, found->message, found->remedy);
    }
    if (done && receiver->estimated_bytes != NULL)
        *receiver->estimated_bytes = report.estimated_bytes;
    backup_request_reset(&request);
    library_job_reset(&job);
    preflight_reset(&report);
    return done || library_fail(error, &err);
}

bool pgcask_preflight(const struct pgcask_settings *settings,
                      const struct pgcask_backup_options *options,
                      const struct pgcask_control *control, pgcask_finding_fn *finding,
                      void *context, uint64_t *estimated_bytes, struct pgcask_error *error)
{
    const struct finding_receiver receiver = {finding, context, estimated_bytes};

    return preflight(LIBRARY_PHYSICAL, settings, options, control, &receiver, error);
}

bool pgcask_logical_preflight(const struct pgcask_settings *settings,
                              const struct pgcask_logical_options *options,
                              const struct pgcask_control *control, pgcask_finding_fn *finding,
                              void *context, uint64_t *estimated_bytes, struct pgcask_error *error)
{
    const struct finding_receiver receiver = {finding, context, estimated_bytes};

    return preflight(LIBRARY_LOGICAL, settings, options, control, &receiver, error);
}

/* ---- Ping ---- */

static void fill_facts(const struct server_facts *from, struct pgcask_server_facts *facts)
{
    *facts = (struct pgcask_server_facts){
        .server_version_num = from->server_version_num,
        .timeline = from->timeline,
        .in_recovery = from->in_recovery,
        .tls = from->tls,
        .replication = from->replication,
        .sql = from->sql,
    };
    snprintf(facts->server_version, sizeof(facts->server_version), "%s", from->server_version);
    snprintf(facts->system_identifier, sizeof(facts->system_identifier), "%s",
             from->system_identifier);
    snprintf(facts->wal_position, sizeof(facts->wal_position), "%s", from->wal_position);
    snprintf(facts->user, sizeof(facts->user), "%s", from->user);
    snprintf(facts->peer, sizeof(facts->peer), "%s", from->peer);
}

/* The two errors are the caller's: their places stay in the structure, and are filled. */
static bool give_facts(struct pgcask_server_facts *given, const struct server_facts *from,
                       struct pgcask_server_facts *filled, struct error *err)
{
    static const char name[] = "pgcask_server_facts";
    struct pgcask_server_facts before;

    if (!library_take(&before, sizeof(before), given, name, err))
        return false;
    filled->replication_error = before.replication_error;
    filled->sql_error = before.sql_error;
    library_fail(filled->replication_error, &from->replication_error);
    library_fail(filled->sql_error, &from->sql_error);
    return library_give(given, filled, sizeof(*filled), name, err);
}

static bool ping(const struct pgcask_settings *settings, struct library_job *job,
                 struct pgcask_server_facts *given, struct error *err)
{
    struct {
        struct server_facts from;
        struct pgcask_server_facts filled;
    } *facts = calloc(1, sizeof(*facts)); /* large for a stack */
    const struct wire_settings *wire;
    bool done;

    if (facts == NULL)
        return error_set_memory(err);
    done = library_settings_check(settings, &wire, err) &&
           server_ping(wire, true, true, &job->cancel, &job->log, &facts->from, err);
    if (done) {
        fill_facts(&facts->from, &facts->filled);
        done = give_facts(given, &facts->from, &facts->filled, err);
    }
    free(facts);
    return done;
}

bool pgcask_ping(const struct pgcask_settings *settings, const struct pgcask_control *control,
                 struct pgcask_server_facts *facts, struct pgcask_error *error)
{
    struct library_job job;
    struct error err;
    bool done = library_job_init(&job, control, &err) && ping(settings, &job, facts, &err);

    library_job_reset(&job);
    return done || library_fail(error, &err);
}
