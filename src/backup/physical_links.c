/* The folders and links of tablespaces, and whatever else lies in pg_tblspc. */
#include "backup/physical_internal.h"

#include "backup/sessions_internal.h"

#include <inttypes.h>
#include <stdio.h>

void physical_tablespace_path(const struct base_backup_tablespace *tablespace,
                              char path[RECORD_PATH_MAX])
{
    if (tablespace->name == NULL)
        snprintf(path, RECORD_PATH_MAX, LAYOUT_DATA);
    else
        snprintf(path, RECORD_PATH_MAX, "%s/%s",
                 tablespace->in_place ? LAYOUT_TABLESPACE_LINKS : LAYOUT_TABLESPACES,
                 tablespace->name);
}

/* ---- Folders ---- */

static bool has_tablespace_of_kind(const struct physical_backup *job, bool in_place)
{
    for (size_t i = 0; i + 1 < base_backup_tablespace_count(job->backup); i++) {
        if (base_backup_tablespace(job->backup, i)->in_place == in_place)
            return true;
    }
    return false;
}

/* /data, then /tablespaces and /data/pg_tblspc if a tablespace lies there, then one for each
 * tablespace: their archives come before the base directory's, so nothing else makes these. */
enum source_status physical_folders_next(struct physical_backup *job, struct record *record,
                                         struct error *err)
{
    size_t tablespaces = base_backup_tablespace_count(job->backup) - 1;

    for (;;) {
        size_t index = job->next_folder++;

        if (index == 0) {
            snprintf(job->path, sizeof(job->path), LAYOUT_DATA);
            return physical_give_folder(job, record, err);
        }
        if (index == 1 && has_tablespace_of_kind(job, false)) {
            snprintf(job->path, sizeof(job->path), LAYOUT_TABLESPACES);
            return physical_give_folder(job, record, err);
        }
        if (index == 2 && has_tablespace_of_kind(job, true)) {
            snprintf(job->path, sizeof(job->path), LAYOUT_TABLESPACE_LINKS);
            job->links_folder_made = true;
            return physical_give_folder(job, record, err);
        }
        if (index >= 3 + tablespaces)
            return SOURCE_END;
        if (index >= 3) {
            physical_tablespace_path(base_backup_tablespace(job->backup, index - 3), job->path);
            return record_path_check(job->path, err) ? physical_give_folder(job, record, err)
                                                     : SOURCE_FAILED;
        }
    }
}

/* ---- What the server sends of pg_tblspc ---- */

static const struct base_backup_tablespace *find_tablespace(const struct physical_backup *job,
                                                            const char *name, size_t len)
{
    for (size_t i = 0; i + 1 < base_backup_tablespace_count(job->backup); i++) {
        const struct base_backup_tablespace *tablespace = base_backup_tablespace(job->backup, i);

        if (strlen(tablespace->name) == len && memcmp(tablespace->name, name, len) == 0)
            return tablespace;
    }
    return NULL;
}

/* A link that is no tablespace's: what somebody put there. Where it leads is not stored. */
static void leave_out_link(const struct physical_backup *job)
{
    log_message(job->request.log, LOG_WARNING,
                "left out: \"%s\" in the server's data directory is a link, and no tablespace's",
                job->tar.member.path);
}

/* What may stand below pg_tblspc: links of tablespaces, folders of in-place ones, and whatever
 * people have put there, which is kept as it is. Up to PostgreSQL 15 an in-place tablespace has no
 * archive of its own: it is part of the base directory with all that it holds. *skip: it was given
 * already, or is not to be. */
bool physical_check_tablespace_entry(struct physical_backup *job, const char *entry, bool *skip,
                                     struct error *err)
{
    size_t name_len = strcspn(entry, "/");
    bool below = entry[name_len] != '\0';
    const struct base_backup_tablespace *tablespace = find_tablespace(job, entry, name_len);
    enum record_type type = job->tar.member.type;

    *skip = false;
    if (tablespace == NULL) {
        *skip = type == RECORD_LINK;
        if (*skip)
            leave_out_link(job);
        return true;
    }
    if (below)
        return physical_bad_member(job, "belongs into another archive", err);
    if (type == RECORD_LINK && !tablespace->in_place) {
        layout_link_target(tablespace->oid, job->link_target);
        job->links_made++;
        return true;
    }
    *skip = tablespace->in_place && (type == RECORD_DIRECTORY || tablespace->oid == 0);
    return *skip || physical_bad_member(job, "is not what that tablespace looks like", err);
}

/* ---- Links of our own ---- */

enum source_status physical_links_next(struct physical_backup *job, struct record *record,
                                       struct error *err)
{
    while (job->next_link + 1 < base_backup_tablespace_count(job->backup)) {
        const struct base_backup_tablespace *tablespace =
            base_backup_tablespace(job->backup, job->next_link++);

        if (tablespace->in_place)
            continue;
        snprintf(job->path, sizeof(job->path), LAYOUT_TABLESPACE_LINKS "/%" PRIu32,
                 tablespace->oid);
        layout_link_target(tablespace->oid, job->link_target);
        job->links_made++;
        *record = (struct record){
            .type = RECORD_LINK,
            .path = job->path,
            .mode = 0777,
            .modified = {.tv_sec = job->started_at},
            .link_target = job->link_target,
        };
        return summary_writer_add(job->summary, record, 0, NULL, err) ? SOURCE_RECORD
                                                                      : SOURCE_FAILED;
    }
    return SOURCE_END;
}

/* ---- Beside a map ---- */

#define IN_PLACE_SENT_SINCE 160000 /* as a tablespace of its own */

bool physical_check_beside_map(const struct physical_backup *job, const char *longest,
                               struct error *err)
{
    static const char sql[] =
        "SELECT coalesce(pg_catalog.min(t.spcname::pg_catalog.text), '') "
        "  FROM pg_catalog.pg_tablespace t "
        " WHERE pg_catalog.pg_tablespace_location(t.oid) LIKE 'pg\\_tblspc/%'";
    const struct backup_request *request = &job->request;
    char name[256];
    struct sessions sessions;
    bool known;

    if (job->report.server_version_num >= IN_PLACE_SENT_SINCE)
        return true;
    error_clear(err);
    if (!sessions_open(&sessions, request->settings, false, true, job->cancel, request->log, err))
        known = false;
    else {
        known = sessions_ask(&sessions, sql, name, sizeof(name));
        sessions_close(&sessions);
    }
    if (!known && (err->code == ERROR_MEMORY || !cancel_check(job->cancel, err)))
        return false;
    if (!known)
        log_message(request->log, LOG_WARNING,
                    "the role may not ask whether a tablespace lies in the data directory itself: "
                    "beside a path of 100 bytes and more the server would leave it out");
    if (!known || name[0] == '\0')
        return true;
    error_set(err, ERROR_UNSUPPORTED,
              "tablespace \"%s\" lies in the data directory, and this server leaves it out of a "
              "backup because the path of another has 100 bytes or more: %.1024s",
              name, longest);
    return error_hint(err,
                      "Move what is in \"%s\" (ALTER TABLE … SET TABLESPACE pg_default) and "
                      "drop it. PostgreSQL 16 and later send both.",
                      name);
}
