/*
 * The databases that a script has replaced. The old one is dropped once the script has no more for
 * the new one and nothing of it failed; else it gets its name back. Of a script that is read as it
 * comes nobody knows before whether that will be so.
 */
#include "restore/script_restore_internal.h"

#include "restore/restore_report.h"
#include "restore/target_databases.h"
#include "restore/target_kept.h"

#include <stdio.h>
#include <stdlib.h>

struct script_kept {
    char *name;
    uint64_t line; /* of its CREATE DATABASE */
    struct target_kept old;
    char encoding[SCRIPT_ENCODING_SIZE]; /* of the name */
    bool entered;
    uint64_t failures; /* of statements for the new one */
    struct script_report before;
};

/* ---- What is kept ---- */

static void forget(struct script_kept *kept)
{
    free(kept->name);
    buffer_free(&kept->old.comment);
    *kept = (struct script_kept){0};
}

void script_kept_reset(struct script_restore *restore)
{
    for (size_t i = 0; i < restore->kept_count; i++)
        forget(&restore->kept[i]);
    free(restore->kept);
    restore->kept = NULL;
    restore->kept_count = 0;
}

bool script_kept_add(struct script_restore *restore, const char *name, uint64_t line,
                     struct target_kept *old, struct error *err)
{
    struct script_kept *grown =
        realloc(restore->kept, (restore->kept_count + 1) * sizeof(*restore->kept));
    struct script_kept *kept;

    if (grown == NULL)
        return error_set_memory(err);
    restore->kept = grown;
    kept = &grown[restore->kept_count];
    *kept = (struct script_kept){.name = strdup(name), .line = line, .old = *old};
    if (kept->name == NULL)
        return error_set_memory(err);
    *old = (struct target_kept){0};
    snprintf(kept->encoding, sizeof(kept->encoding), "%s", restore->base.encoding);
    script_restore_report(restore, &kept->before);
    restore->kept_count++;
    return true;
}

static struct script_kept *find(const struct script_restore *restore, const char *name)
{
    for (size_t i = restore->kept_count; i-- > 0;) {
        if (restore->kept[i].name != NULL && strcmp(restore->kept[i].name, name) == 0)
            return &restore->kept[i];
    }
    return NULL;
}

/* ---- Failures ---- */

void script_kept_count(struct script_restore *restore, const char *name)
{
    struct script_kept *kept = find(restore, name);

    if (kept != NULL)
        kept->failures += restore->told->failures - restore->counted;
    restore->counted = restore->told->failures;
}

bool script_kept_before(struct script_restore *restore, struct error *err)
{
    if (restore->kept_count == 0)
        return true;
    if (!script_settle(restore, err))
        return false;
    script_kept_count(restore, buffer_text(&restore->connected));
    return true;
}

/* ---- Complete or not ---- */

static const char *encoding_of(const struct script_kept *kept)
{
    return kept->encoding[0] == '\0' ? NULL : kept->encoding;
}

/* What else the script has for it must not get into the old one. */
static bool set_aside(struct script_restore *restore, const struct script_kept *kept,
                      struct error *err)
{
    struct logical_restore_report *report = restore->told;
    struct script_name *database = script_find(restore, 'd', kept->name, err);
    struct wire_conn *conn = NULL;
    struct error ignored;

    if (database == NULL || !target_kept_put_back(restore->request, encoding_of(kept), kept->name,
                                                  &kept->old, report->aside, err))
        return false;
    database->blocked = true;
    target_connect_any(&conn, restore->request, encoding_of(kept), &ignored);
    target_interim_tell_aside(conn, report->aside, kept->name, &report->preflight);
    wire_close(conn);
    restore_report_aside(report);
    return true;
}

static bool drop_old(struct script_restore *restore, const struct script_kept *kept,
                     struct error *err)
{
    struct wire_conn *conn = target_session_conn(restore->base.target);
    struct error why;

    if (target_interim_drop_kept(conn, kept->name, &kept->old, &why))
        return true;
    if (!wire_is_broken(conn) && (why.code == ERROR_SERVER || why.code == ERROR_REFUSED))
        return script_tell_error(restore, kept->line, "CREATE DATABASE", &why, err);
    *err = why;
    return false;
}

static bool settle(struct script_restore *restore, struct script_kept *kept, struct error *err)
{
    struct script_kept now = *kept;
    bool done;

    if (now.failures > 0) {
        done = set_aside(restore, &now, err);
        *kept = (struct script_kept){0};
    } else {
        if (!script_settle(restore, err) || !cancel_check(restore->request->cancel, err))
            return false;
        *kept = (struct script_kept){0}; /* whatever comes of the old one, the new one stays */
        done = drop_old(restore, &now, err);
    }
    restore->counted = restore->told->failures;
    forget(&now);
    return done;
}

bool script_kept_leave(struct script_restore *restore, const char *to, struct error *err)
{
    for (size_t i = 0; i < restore->kept_count; i++) {
        struct script_kept *kept = &restore->kept[i];

        if (kept->name == NULL)
            continue;
        if (to != NULL && strcmp(kept->name, to) == 0)
            kept->entered = true;
        else if ((to == NULL || kept->entered) && !settle(restore, kept, err))
            return false;
    }
    while (restore->kept_count > 0 && restore->kept[restore->kept_count - 1].name == NULL)
        restore->kept_count--;
    return true;
}

/* ---- The work has ended early ---- */

static void add_detail(struct error *err, const char *text)
{
    char before[sizeof(err->detail)];

    snprintf(before, sizeof(before), "%s", err->detail);
    error_detail(err, ERROR_OURS("%s") "%s%s", before, before[0] == '\0' ? "" : "  ", text);
}

static void add_hint(struct error *err, const struct error *why)
{
    char before[sizeof(err->hint)];

    snprintf(before, sizeof(before), "%s", err->hint);
    error_hint(err, ERROR_OURS("%s") "%s%s.  " ERROR_OURS("%s"), before,
               before[0] == '\0' ? "" : "  ", why->message, why->hint);
}

static void undo(struct script_restore *restore, const struct script_kept *kept, struct error *err)
{
    struct script_report *report = &restore->report;
    char interim[64];
    struct error why;

    if (!target_kept_put_back(restore->request, encoding_of(kept), kept->name, &kept->old, interim,
                              &why)) {
        add_hint(err, &why);
        return;
    }
    report->statements = kept->before.statements;
    report->rows = kept->before.rows;
    report->row_bytes = kept->before.row_bytes;
    report->databases = kept->before.databases;
    if (target_database_discard(restore->request, interim, &why)) {
        add_detail(err, "What was restored is dropped; the database that was there is as it was.");
        return;
    }
    add_detail(err, "The database that was there is as it was.");
    add_hint(err, &why);
}

void script_kept_give_up(struct script_restore *restore, struct error *err)
{
    if (restore->kept_count == 0)
        return;
    script_session_close(restore, &restore->section);
    script_session_close(restore, &restore->base);
    for (size_t i = restore->kept_count; i-- > 0;) {
        if (restore->kept[i].name != NULL)
            undo(restore, &restore->kept[i], err);
    }
    script_kept_reset(restore);
}
