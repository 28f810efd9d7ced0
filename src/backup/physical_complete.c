/* What a backup must not lack: the server leaves out links with nothing but a warning. */
#include "backup/physical_internal.h"

#include "base/bytes.h"

#include <inttypes.h>
#include <stdio.h>

static const char folder_hint[] =
    "On the server, stop PostgreSQL and put the folder or file itself where the link is (rm LINK "
    "&& mv TARGET LINK); to have a database elsewhere, make a tablespace: CREATE TABLESPACE … "
    "LOCATION '…';  ALTER DATABASE … SET TABLESPACE …;  What is not PostgreSQL's, move out of "
    "the data directory.";

/* Before its data the server goes through all files to add up their sizes, and warns of nothing
 * but what it skips, in any language; later it warns of checksums, too. */
void physical_note_lost(struct physical_backup *job, const char *warning)
{
    char path[sizeof(job->lost)];

    if ((job->backup != NULL && !layout_says_skipped(warning)) ||
        !layout_lost_part(warning, path, sizeof(path)) || strcmp(path, job->lost) == 0)
        return;
    if (job->lost_count++ == 0)
        memcpy(job->lost, path, sizeof(path));
}

bool physical_check_lost(struct physical_backup *job, struct error *err)
{
    char more[64] = "";

    if (job->lost_count == 0)
        return true;
    if (job->lost_count > 1)
        snprintf(more, sizeof(more), " (and %zu more)", job->lost_count - 1);
    error_set(err, ERROR_REFUSED,
              "\"%.300s\"%s in the server's data directory is a link or another special file, "
              "which the server leaves out of a base backup: the backup would not be complete",
              job->lost, more);
    return error_hint(err, "%s", folder_hint);
}

void physical_note_needed_file(struct physical_backup *job)
{
    if (strcmp(job->path, LAYOUT_PG_CONTROL) == 0)
        job->control_came = true;
    else if (strcmp(job->path, LAYOUT_DATA "/PG_VERSION") == 0)
        job->version_came = true;
}

static bool lacks(const char *name, struct error *err)
{
    error_set(err, ERROR_REFUSED,
              "the server did not send \"%s\" of its data directory: the backup would not be "
              "complete",
              name);
    return error_hint(err, "Perhaps it is a link there, which the server leaves out. %s",
                      folder_hint);
}

static bool folder_came(const struct physical_backup *job, const char *name)
{
    char path[RECORD_PATH_MAX];

    snprintf(path, sizeof(path), LAYOUT_DATA "/%s", name);
    return path_set_has(job->folders, slice_string(path));
}

/* Takes the next OID off the list. */
static bool next_database(const char **list, uint32_t *oid)
{
    size_t len = strspn(*list, "0123456789");
    uint64_t number;

    if (len == 0 || !bytes_parse_u64(slice_make(*list, len), &number) || number > UINT32_MAX)
        return false;
    *oid = (uint32_t)number;
    *list += len;
    *list += **list == ' ';
    return true;
}

/* A database without a folder may have been dropped, or moved, since it was listed. */
static bool check_still_there(struct physical_backup *job, uint32_t oid, const char *name,
                              struct error *err)
{
    struct sessions sessions;
    char sql[160], count[8];
    bool gone;

    if (!sessions_open(&sessions, job->request.settings, false, true, job->cancel, job->request.log,
                       err))
        return cancel_check(job->cancel, err) && lacks(name, err);
    snprintf(sql, sizeof(sql),
             "SELECT pg_catalog.count(*) FROM pg_catalog.pg_database WHERE oid = %" PRIu32
             " AND dattablespace = 1663 AND datconnlimit <> -2",
             oid);
    gone = sessions_ask(&sessions, sql, count, sizeof(count)) && strcmp(count, "0") == 0;
    sessions_close(&sessions);
    return gone || lacks(name, err);
}

bool physical_check_complete(struct physical_backup *job, struct error *err)
{
    static const char *const folders[] = {
        "base", "global", "pg_xact", "pg_multixact/members", "pg_multixact/offsets",
    };
    const char *list = job->configuration.databases;
    uint32_t oid;

    if (!job->version_came)
        return lacks("PG_VERSION", err);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (!folder_came(job, folders[i]))
            return lacks(folders[i], err);
    }
    if (!job->control_came)
        return lacks("global/pg_control", err);
    while (list != NULL && next_database(&list, &oid)) {
        char name[32];

        snprintf(name, sizeof(name), "base/%" PRIu32, oid);
        if (!folder_came(job, name) && !check_still_there(job, oid, name, err))
            return false;
    }
    return true;
}
