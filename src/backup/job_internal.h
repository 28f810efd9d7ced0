/* What the two kinds of job have in common, and where each begins. */
#ifndef PGCASK_BACKUP_JOB_INTERNAL_H
#define PGCASK_BACKUP_JOB_INTERNAL_H

#include "backup/backup.h"

/* What a job begins with, so that its report is found in whatever it is. */
struct backup_source {
    struct record_source base;
    const struct backup_report *report;
};

/* Enters a phase: says so in the report, the log, and to whoever asked for the backup. */
bool backup_enter_phase(const struct backup_request *request, struct backup_report *report,
                        enum backup_phase phase, struct error *err);

bool physical_preflight(struct backup_request *request, struct preflight_report *report,
                        struct error *err);
bool physical_open(const struct backup_request *request, struct record_source **source,
                   struct error *err);

bool logical_preflight(const struct backup_request *request, struct preflight_report *report,
                       struct error *err);
bool logical_open(const struct backup_request *request, struct record_source **source,
                  struct error *err);

#endif
