/* The phases of a job, of either kind: everybody hears of one before anything is waited for in it,
 * because a wait for the server may be long. */
#include "backup/job_internal.h"

const char *backup_phase_name(enum backup_phase phase)
{
    static const char *const names[] = {
        [BACKUP_CONNECTING] = "connecting",
        [BACKUP_CATALOG] = "catalog",
        [BACKUP_MANIFEST] = "manifest",
        [BACKUP_CHECKPOINT] = "checkpoint",
        [BACKUP_COPYING] = "copying",
        [BACKUP_FINISHING] = "finishing",
        [BACKUP_DONE] = "done",
    };

    return names[phase];
}

bool backup_enter_phase(const struct backup_request *request, struct backup_report *report,
                        enum backup_phase phase, struct error *err)
{
    report->phase = phase;
    log_message(request->log, LOG_DEBUG, "phase: %s", backup_phase_name(phase));
    return request->on_phase == NULL || request->on_phase(request->context, report, err);
}
