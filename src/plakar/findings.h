/* What was found before a backup or a restore, as Plakar shows it: warnings to the log, and all
 * that is in the way in one error. */
#ifndef PGCASK_PLAKAR_FINDINGS_H
#define PGCASK_PLAKAR_FINDINGS_H

#include "base/log.h"
#include "base/preflight.h"

/* Tells warnings from number `from` on. */
void findings_warn(const struct preflight_report *report, size_t from, const struct log *log);

/* Fails if any is fatal; what: "the backup was not begun". */
bool findings_judge(const struct preflight_report *report, const char *what, struct error *err);

#endif
