/* The list of findings has a fixed size: a server that is wrong in more ways than that has told
 * enough. */
#include "backup/preflight.h"

#include <stdio.h>

void preflight_add(struct preflight_report *report, bool fatal, const char *remedy,
                   const char *format, ...)
{
    struct preflight_finding *finding;
    va_list args;

    if (report->count == PREFLIGHT_MAX)
        return;
    finding = &report->findings[report->count++];
    finding->fatal = fatal;
    va_start(args, format);
    error_format(finding->message, sizeof(finding->message), format, args);
    va_end(args);
    snprintf(finding->remedy, sizeof(finding->remedy), "%s", remedy);
}
