/* Findings are kept in the order in which they were made. Of several databases each finding says at
 * its beginning which one it is about, so that no face has to. */
#include "base/preflight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDINGS_MAX 4000

static struct preflight_finding *new_finding(struct preflight_report *report)
{
    struct preflight_finding *grown;

    if (report->count == FINDINGS_MAX)
        return NULL;
    grown = realloc(report->findings, (report->count + 1) * sizeof(*grown));
    if (grown == NULL)
        return NULL;
    report->findings = grown;
    memset(&grown[report->count], 0, sizeof(*grown));
    return &grown[report->count++];
}

void preflight_add(struct preflight_report *report, bool fatal, const char *remedy,
                   const char *format, ...)
{
    struct preflight_finding *finding = new_finding(report);
    size_t used = 0;
    va_list args;

    if (finding == NULL)
        return;
    finding->fatal = fatal;
    if (report->database != NULL) {
        snprintf(finding->database, sizeof(finding->database), "%s", report->database);
        snprintf(finding->message, sizeof(finding->message),
                 "database \"%s\": ", finding->database);
        used = strlen(finding->message);
    }
    va_start(args, format);
    error_format(finding->message + used, sizeof(finding->message) - used, format, args);
    va_end(args);
    snprintf(finding->remedy, sizeof(finding->remedy), "%s", remedy);
}

void preflight_add_object(struct preflight_report *report, const char *object)
{
    struct preflight_finding *finding;
    char **grown, *copy;

    if (report->count == 0)
        return;
    finding = &report->findings[report->count - 1];
    if (finding->object_count == PREFLIGHT_OBJECTS_MAX)
        return;
    grown = realloc(finding->objects, (finding->object_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return;
    finding->objects = grown;
    copy = strdup(object);
    if (copy != NULL)
        finding->objects[finding->object_count++] = copy;
}

static void free_objects(struct preflight_finding *finding)
{
    for (size_t i = 0; i < finding->object_count; i++)
        free(finding->objects[i]);
    free(finding->objects);
}

void preflight_reset(struct preflight_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        free_objects(&report->findings[i]);
    free(report->findings);
    *report = (struct preflight_report){0};
}
