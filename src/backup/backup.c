/* Which kind of backup it is matters to those who ask only where they say so: from here on it is
 * one of two jobs. */
#include "backup/backup.h"

#include "backup/job_internal.h"

bool backup_preflight(struct backup_request *request, struct preflight_report *report,
                      struct error *err)
{
    return request->physical ? physical_preflight(request, report, err)
                             : logical_preflight(request, report, err);
}

bool backup_open(const struct backup_request *request, struct record_source **source,
                 struct error *err)
{
    return request->physical ? physical_open(request, source, err)
                             : logical_open(request, source, err);
}

const struct backup_report *backup_report(const struct record_source *source)
{
    return ((const struct backup_source *)source)->report;
}
