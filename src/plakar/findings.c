/* Nobody reads a list in Plakar: it shows one line, the last. */
#include "plakar/findings.h"

#include <stdio.h>

static void append(const struct preflight_finding *finding, size_t *used, char *out,
                   size_t out_size)
{
    int len = snprintf(out + *used, out_size - *used, "%s%s%s%s", *used > 0 ? "; " : "",
                       finding->message, finding->remedy[0] != '\0' ? ": " : "", finding->remedy);

    *used = len < 0 || (size_t)len >= out_size - *used ? out_size - 1 : *used + (size_t)len;
}

void findings_warn(const struct preflight_report *report, size_t from, const struct log *log)
{
    for (size_t i = from; i < report->count; i++) {
        const struct preflight_finding *finding = &report->findings[i];

        if (!finding->fatal)
            log_message(log, LOG_WARNING, ERROR_OURS("%s") "%s" ERROR_OURS("%s"), finding->message,
                        finding->remedy[0] != '\0' ? "; hint: " : "", finding->remedy);
    }
}

bool findings_judge(const struct preflight_report *report, const char *what, struct error *err)
{
    char list[sizeof(err->message) - 64];
    size_t used = 0;

    for (size_t i = 0; i < report->count; i++) {
        if (report->findings[i].fatal)
            append(&report->findings[i], &used, list, sizeof(list));
    }
    return used == 0 || error_set(err, ERROR_REFUSED, "%s: " ERROR_OURS("%s"), what, list);
}
