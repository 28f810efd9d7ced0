/*
 * The tablespaces of the cluster that a restore replaces: their places may be filled anew although
 * they are not empty, and those that the backup has no use for are named at the end.
 */
#include "restore/tablespace_links_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool note_before(struct tablespace_set *set, const char *folder, const char *name,
                        struct error *err)
{
    struct tablespace_before *grown;
    char path[PATH_MAX], *place;
    struct stat info;
    uint32_t oid;

    if (!folder_join(path, folder, name, err))
        return false;
    if (!tablespace_oid_parse(name, strlen(name), &oid) || lstat(path, &info) != 0 ||
        !S_ISLNK(info.st_mode))
        return true;
    place = realpath(path, NULL);
    if (place == NULL && errno == ENOMEM)
        return error_set_memory(err);
    if (place == NULL) /* leads nowhere: nothing of it is left that could be replaced */
        return true;
    grown = realloc(set->before, (set->before_count + 1) * sizeof(*grown));
    if (grown == NULL) {
        free(place);
        return error_set_memory(err);
    }
    set->before = grown;
    grown[set->before_count++] = (struct tablespace_before){.oid = oid, .place = place};
    return true;
}

bool tablespace_set_note_before(struct tablespace_set *set, struct error *err)
{
    char path[PATH_MAX];
    char **names;
    bool ok = true;

    if (!folder_has(set->data.path, "pg_tblspc"))
        return true;
    if (!folder_join(path, set->data.path, "pg_tblspc", err))
        return false;
    names = folder_names(path, err);
    if (names == NULL)
        return false;
    for (char **name = names; ok && *name != NULL; name++)
        ok = note_before(set, path, *name, err);
    folder_names_free(names);
    return ok;
}

bool tablespace_was_at(const struct tablespace_set *set, const char *place, uint32_t oid)
{
    for (size_t i = 0; i < set->before_count; i++) {
        if ((oid == 0 || set->before[i].oid == oid) && strcmp(set->before[i].place, place) == 0)
            return true;
    }
    return false;
}

void tablespace_set_warn_before(const struct tablespace_set *set, const struct log *log)
{
    for (size_t i = 0; i < set->before_count; i++) {
        bool used = false;

        for (size_t k = 0; k < set->count; k++)
            used = used || strcmp(set->items[k].place.path, set->before[i].place) == 0;
        if (!used)
            log_message(log, LOG_WARNING,
                        "tablespace %u of the old cluster was left where it is: %s is no longer "
                        "used",
                        (unsigned)set->before[i].oid, set->before[i].place);
    }
}
