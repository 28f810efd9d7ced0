/* What all parts of a trial say and ask: how an entry is called, what is told of it, whom it names.
 */
#include "trial/trial_internal.h"

#include "restore/restore_needs.h"
#include "restore/restore_selection.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- What is told ---- */

void trial_tell(struct trial *trial, enum trial_problem kind, const char *object,
                const char *problem)
{
    trial->report->problems++;
    trial->request->problem(trial->request->context, kind, trial->database, object, problem);
}

void trial_note(struct trial *trial, const char *format, ...)
{
    char note[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(note, sizeof(note), format, arguments);
    va_end(arguments);
    trial->report->notes++;
    trial->request->note(trial->request->context, trial->database, note);
}

void trial_object_name(const struct archive_entry *entry, char out[TRIAL_OBJECT_SIZE])
{
    bool has_schema = entry->schema != NULL && entry->schema[0] != '\0';

    snprintf(out, TRIAL_OBJECT_SIZE, "%s %s%s%s", entry->desc == NULL ? "" : entry->desc,
             has_schema ? entry->schema : "", has_schema ? "." : "",
             entry->tag == NULL ? "" : entry->tag);
}

int trial_major(const char *version)
{
    int major = 0;

    return version != NULL && sscanf(version, "%d", &major) == 1 ? major : 0;
}

/* ---- Roles ---- */

bool trial_add_needs(struct restore_needs *needs, const struct trial *trial,
                     const struct archive_entry *entry, struct error *err)
{
    return restore_needs_add(needs, &trial->restore, entry, SELECTED_DEFINITION, err);
}

bool trial_names_missing(const struct trial *trial, const struct archive_entry *entry, bool owner,
                         bool *names, struct error *err)
{
    struct restore_needs needs = {0};
    bool done;

    *names = false;
    if (trial->missing.count == 0)
        return true;
    done = trial_add_needs(&needs, trial, entry, err);
    for (size_t i = 0; done && !*names && i < needs.roles.count; i++)
        *names = name_set_has(&trial->missing, needs.roles.items[i].name);
    restore_needs_reset(&needs);
    if (owner && entry->owner != NULL && name_set_has(&trial->missing, entry->owner))
        *names = true;
    return done;
}
