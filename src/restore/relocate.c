/*
 * A tree that another tool restored (…/data beside …/tablespaces) has relative tablespace links.
 * PostgreSQL runs on them, but pg_basebackup and pg_dumpall do not: they take a link's text for the
 * tablespace's location.
 */
#include "base/error_names.h"
#include "manifest/physical_layout.h"
#include "restore/cluster_files.h"
#include "restore/restore.h"
#include "restore/surroundings.h"
#include "restore/tablespace_links.h"

#include "base/quote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINK_PARTIAL "pgcask.link.partial"

struct relocation {
    const char *data;    /* real path */
    const char *parent;  /* the folder that it is in */
    char base[PATH_MAX]; /* the tablespaces folder beside it */
    int folder;          /* pg_tblspc */
    bool in_place;       /* a backup may be changed */
    size_t changed;
};

static bool is_folder(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool fail_target(const struct relocation *relocation, const char *name, const char *place,
                        struct error *err)
{
    char quoted[QUOTE_PATH_SIZE], data[QUOTE_PATH_SIZE];
    struct stat info;

    if (lstat(place, &info) == 0) {
        error_set(err, ERROR_REFUSED, "%s, where pg_tblspc/%s leads, is not a plain directory",
                  place, name);
        return error_hint(err, "If that is meant:  ln -sfn \"$(realpath %s)\" %s/pg_tblspc/%s",
                          quote_shell(place, quoted, sizeof(quoted)),
                          quote_shell(relocation->data, data, sizeof(data)), name);
    }
    error_set(err, ERROR_REFUSED, "pg_tblspc/%s leads to %s, which is not there", name, place);
    return error_hint(err,
                      "Restore or mount the backup's /tablespaces beside its /data as well, "
                      "so that %s exists.",
                      relocation->base);
}

/* What pg_tblspc/name is to link to; place stays "" where nothing is to be done. */
static bool find_target(const struct relocation *relocation, const char *name, char *place,
                        struct error *err)
{
    char target[PATH_MAX], expected[48];
    ssize_t length = readlinkat(relocation->folder, name, target, sizeof(target) - 1);
    uint32_t oid;

    place[0] = '\0';
    if (length < 0 && errno == EINVAL) /* not a link: an in-place tablespace */
        return true;
    if (length < 0)
        return error_set_errno(err, errno, "cannot read the link %s/pg_tblspc/%s", relocation->data,
                               name);
    while (length > 1 && target[length - 1] == '/')
        length--;
    target[length] = '\0';
    if (target[0] == '/' || !tablespace_oid_parse(name, strlen(name), &oid))
        return true;
    layout_link_target(oid, expected);
    if (strcmp(target, expected) != 0) {
        error_set(err, ERROR_REFUSED, "%s/pg_tblspc/%s links to %s instead of %s", relocation->data,
                  name, target, expected);
        return error_hint(err, "That is not how a backup lays it out. Make the link absolute by "
                               "hand, after a look at where it leads.");
    }
    if (!folder_join(place, relocation->base, name, err))
        return false;
    if (!is_folder(relocation->base))
        return fail_target(relocation, name, is_folder(place) ? relocation->base : place, err);
    return is_folder(place) || fail_target(relocation, name, place, err);
}

static bool replace_link(struct relocation *relocation, const char *name, const char *place,
                         struct error *err)
{
    int folder = relocation->folder;
    int failure;

    if (strlen(place) >= TABLESPACE_PLACE_MAX)
        return error_set(err, ERROR_REFUSED, "tablespace path longer than %d bytes: %s",
                         TABLESPACE_PLACE_MAX - 1, place);
    if (unlinkat(folder, LINK_PARTIAL, 0) != 0 && errno != ENOENT)
        return error_set_errno(err, errno, "cannot remove %s/pg_tblspc/%s", relocation->data,
                               LINK_PARTIAL);
    if (symlinkat(place, folder, LINK_PARTIAL) == 0 &&
        renameat(folder, LINK_PARTIAL, folder, name) == 0) {
        relocation->changed++;
        return true;
    }
    failure = errno;
    unlinkat(folder, LINK_PARTIAL, 0);
    return error_set_errno(err, failure, "cannot change the link %s/pg_tblspc/%s", relocation->data,
                           name);
}

static bool refuse_backup(const struct relocation *relocation, struct error *err)
{
    char backup[QUOTE_PATH_SIZE], data[QUOTE_PATH_SIZE];

    error_set(err, ERROR_REFUSED,
              "%s is a part of the backup %s, which would be damaged by absolute links",
              relocation->data, relocation->parent);
    return error_hint(err,
                      "A cluster is made of it by:  pgcask restore %s " OPTION_TO
                      " DIR\nIf it is a copy, which shall be the cluster itself and no longer a "
                      "backup:  pgcask relocate %s " OPTION_IN_PLACE,
                      quote_shell(relocation->parent, backup, sizeof(backup)),
                      quote_shell(relocation->data, data, sizeof(data)));
}

/* Looks at all links before it changes the first, so that a missing target leaves all as it was. */
static bool relocate_links(struct relocation *relocation, char *const *names, struct error *err)
{
    char place[PATH_MAX];
    bool changes = false;

    for (char *const *name = names; *name != NULL; name++) {
        if (!find_target(relocation, *name, place, err))
            return false;
        changes = changes || place[0] != '\0';
    }
    if (changes && !relocation->in_place && surroundings_is_backup(relocation->parent))
        return refuse_backup(relocation, err);
    for (char *const *name = names; *name != NULL; name++) {
        if (!find_target(relocation, *name, place, err))
            return false;
        if (place[0] != '\0' && !replace_link(relocation, *name, place, err))
            return false;
    }
    if (relocation->changed > 0 && fsync(relocation->folder) != 0)
        return error_set_errno(err, errno, "cannot fsync directory %s/pg_tblspc", relocation->data);
    return true;
}

static bool relocate_folder(struct relocation *relocation, struct error *err)
{
    char path[PATH_MAX], **names;
    bool ok;

    if (!folder_join(path, relocation->data, "pg_tblspc", err))
        return false;
    relocation->folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (relocation->folder < 0 && errno == ENOENT)
        return true; /* a tool that leaves empty folders out: no tablespaces either */
    if (relocation->folder < 0)
        return error_set_errno(err, errno, "cannot open directory %s", path);
    names = folder_names(path, err);
    ok = names != NULL && relocate_links(relocation, names, err);
    folder_names_free(names);
    close(relocation->folder);
    return ok;
}

bool data_directory_relocate(const char *data_directory, bool in_place, size_t *changed,
                             struct error *err)
{
    struct relocation relocation = {.folder = -1, .in_place = in_place};
    struct control_facts control;
    struct folder data;
    char parent[PATH_MAX];
    bool ok;

    *changed = 0;
    if (!folder_resolve(data_directory, &data, err) ||
        !cluster_read_control(data.path, &control, err) ||
        !cluster_check_stopped(data.path, "Its links can be changed when it does not run.", err))
        return false;
    relocation.data = data.path;
    relocation.parent = parent;
    memcpy(parent, data.path, sizeof(parent));
    *strrchr(parent, '/') = '\0';
    if (!folder_join(relocation.base, parent, "tablespaces", err))
        return false;
    ok = relocate_folder(&relocation, err);
    *changed = relocation.changed;
    return ok;
}
