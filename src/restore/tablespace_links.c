/*
 * Places for tablespaces: each is looked at before anything is written, claimed once the backup
 * shows that it has the tablespace, linked at the end, and given back as it was if there is no good
 * end.
 */
#include "restore/tablespace_links_internal.h"

#include "base/error_names.h"
#include "base/quote.h"
#include "record/run_lock.h"
#include "restore/left_over.h"
#include "restore/surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TABLESPACES_MAX 1000 /* each takes some KiB, and three open files while it is filled */

/* ---- Places ---- */

/* What was staged can be made again; what was replaced may be the only copy. */
static bool refuse_remains(const char *place, struct error *err)
{
    char quoted[QUOTE_PATH_SIZE];

    error_set(
        err, ERROR_REFUSED,
        "tablespace directory %s holds what a restore left that was killed or is still at work",
        place);
    if (folder_has(place, FOLDER_REPLACED))
        return error_hint(err, "Look at %s and %s in it, and remove them if nothing is needed.",
                          FOLDER_REPLACED, FOLDER_STAGING);
    return error_hint(err, "If none is running:  rm -r %s/%s",
                      quote_shell(place, quoted, sizeof(quoted)), FOLDER_STAGING);
}

static bool fail_overlap(const struct tablespace_set *set, const char *place, struct error *err)
{
    error_set(err, ERROR_REFUSED, "tablespace directory %s and data directory %s overlap", place,
              set->data.path);
    return error_hint(err, "Choose a directory outside the data directory.");
}

static bool check_place(const struct tablespace_set *set, struct folder *place, uint32_t oid,
                        struct error *err)
{
    if (strlen(place->path) >= TABLESPACE_PLACE_MAX)
        return error_set(err, ERROR_REFUSED, "tablespace path longer than %d bytes: %s",
                         TABLESPACE_PLACE_MAX - 1, place->path);
    if (folder_overlaps(place->path, set->data.path))
        return fail_overlap(set, place->path, err);
    if (!place->empty && !left_over_clear_place(place, set->log, err))
        return false;
    if (place->empty)
        return true;
    if (folder_has(place->path, FOLDER_REPLACED) || folder_has(place->path, FOLDER_STAGING))
        return refuse_remains(place->path, err);
    if (set->replace && tablespace_was_at(set, place->path, oid))
        return true;
    error_set(err, ERROR_REFUSED, "tablespace directory %s is not empty", place->path);
    error_reason(err, "target_not_empty");
    return error_hint(err,
                      "Empty it, or give the tablespace another one:  " OPTION_TABLESPACE_MAPPING
                      " OLD=NEW");
}

static bool resolve_plan(struct tablespace_set *set, const struct tablespace_mapping *mapping,
                         struct tablespace_plan *plan, struct error *err)
{
    plan->old_location = mapping->old_location;
    if (mapping->old_location[0] == '\0')
        return error_set(err, ERROR_USAGE, "a tablespace mapping does not name its tablespace");
    if (mapping->new_location[0] != '/') {
        error_set(err, ERROR_USAGE, "tablespace mapping %s: %s is not an absolute path",
                  mapping->old_location, mapping->new_location);
        return error_hint(err, "Write OLD=NEW with NEW beginning with a slash.");
    }
    if (folder_would_overlap(mapping->new_location, set->data.path))
        return fail_overlap(set, mapping->new_location, err);
    if (!surroundings_check(mapping->new_location, err) ||
        !folder_resolve(mapping->new_location, &plan->place, err) ||
        !check_place(set, &plan->place, 0, err))
        return error_prefix(err, "tablespace mapping %s", mapping->old_location);
    for (size_t i = 0; i < set->plan_count; i++) {
        if (folder_overlaps(set->plans[i].place.path, plan->place.path))
            return error_set(err, ERROR_USAGE, "tablespace mappings %s and %s overlap: %s and %s",
                             set->plans[i].old_location, plan->old_location,
                             set->plans[i].place.path, plan->place.path);
    }
    return true;
}

bool tablespace_set_init(struct tablespace_set *set, const struct folder *data, bool replace,
                         const struct physical_restore_options *options,
                         const struct directory_writer_options *writing, struct error *err)
{
    memset(set, 0, sizeof(*set));
    set->data = *data;
    set->replace = replace;
    set->log = options->log;
    set->writing = *writing;
    if (snprintf(set->default_base, PATH_MAX, "%s.tablespaces", data->path) >= PATH_MAX)
        return error_set(err, ERROR_USAGE, "path too long: %s.tablespaces", data->path);
    if (replace && !tablespace_set_note_before(set, err))
        return false;
    set->plans = calloc(options->mapping_count + 1, sizeof(*set->plans));
    if (set->plans == NULL)
        return error_set_memory(err);
    for (size_t i = 0; i < options->mapping_count; i++) {
        if (!resolve_plan(set, &options->mappings[i], &set->plans[set->plan_count], err))
            return false;
        set->plan_count++;
    }
    return true;
}

void tablespace_set_reset(struct tablespace_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        directory_writer_free(set->items[i].writer);
        if (set->items[i].lock_fd >= 0)
            close(set->items[i].lock_fd);
    }
    for (size_t i = 0; i < set->before_count; i++)
        free(set->before[i].place);
    free(set->items);
    free(set->before);
    free(set->plans);
    memset(set, 0, sizeof(*set));
}

/* ---- Claiming places ---- */

static struct tablespace *find_item(struct tablespace_set *set, uint32_t oid)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].oid == oid)
            return &set->items[i];
    }
    return NULL;
}

static struct tablespace *append_item(struct tablespace_set *set, uint32_t oid, struct error *err)
{
    struct tablespace *grown;

    if (set->count == TABLESPACES_MAX) {
        error_set(err, ERROR_UNSUPPORTED, "the backup has more than %d tablespaces",
                  TABLESPACES_MAX);
        return NULL;
    }
    grown = realloc(set->items, (set->count + 1) * sizeof(*grown));
    if (grown == NULL) {
        error_set_memory(err);
        return NULL;
    }
    set->items = grown;
    grown += set->count++;
    memset(grown, 0, sizeof(*grown));
    grown->oid = oid;
    grown->lock_fd = -1;
    return grown;
}

static bool make_default_base(struct tablespace_set *set, struct error *err)
{
    char real[PATH_MAX];

    if (mkdir(set->default_base, 0700) == 0) {
        set->made_base = true;
    } else if (errno != EEXIST) {
        error_set_errno(err, errno, "cannot make directory %s for the tablespaces",
                        set->default_base);
        return error_hint(
            err, "Make it, or choose another place for each of them:  " OPTION_TABLESPACE_MAPPING
                 " OLD=NEW");
    }
    if (realpath(set->default_base, real) == NULL)
        return error_set_errno(err, errno, "cannot look at %s", set->default_base);
    memcpy(set->default_base, real, sizeof(real));
    return true;
}

static bool find_place(struct tablespace_set *set, uint32_t oid, struct folder *place,
                       struct error *err)
{
    char path[PATH_MAX], name[16];

    for (size_t i = 0; i < set->plan_count; i++) {
        struct tablespace_plan *plan = &set->plans[i];

        if (plan->oid == 0)
            return error_set(err, ERROR_CORRUPT,
                             "the backup does not begin with /manifest.json: tablespace mapping "
                             "%s cannot be understood",
                             plan->old_location);
        if (plan->oid == oid) {
            plan->used = true;
            return folder_resolve(plan->place.path, place, err) &&
                   check_place(set, place, oid, err);
        }
    }
    snprintf(name, sizeof(name), "%u", (unsigned)oid);
    return make_default_base(set, err) && folder_join(path, set->default_base, name, err) &&
           folder_resolve(path, place, err) && check_place(set, place, oid, err);
}

static bool check_apart(const struct tablespace_set *set, const struct tablespace *tablespace,
                        struct error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct tablespace *other = &set->items[i];

        if (other->oid != tablespace->oid && !other->in_place &&
            folder_overlaps(other->place.path, tablespace->place.path))
            return error_set(err, ERROR_REFUSED,
                             "the directories of tablespaces %u and %u overlap: %s and %s",
                             (unsigned)other->oid, (unsigned)tablespace->oid, other->place.path,
                             tablespace->place.path);
    }
    for (size_t i = 0; i < set->plan_count; i++) {
        if (set->plans[i].oid != tablespace->oid &&
            folder_overlaps(set->plans[i].place.path, tablespace->place.path))
            return error_set(err, ERROR_REFUSED,
                             "the directory of tablespace %u, %s, and that of mapping %s overlap",
                             (unsigned)tablespace->oid, tablespace->place.path,
                             set->plans[i].old_location);
    }
    return true;
}

/* The folder to fill, with its lock: only then what is in it is ours, to undo. */
static bool make_build(const struct tablespace_set *set, struct tablespace *tablespace,
                       struct error *err)
{
    const struct folder *place = &tablespace->place;

    memcpy(tablespace->build, place->path, sizeof(tablespace->build));
    if (set->replace) {
        if (!folder_join(tablespace->build, place->path, FOLDER_STAGING, err))
            return false;
        if (mkdir(tablespace->build, 0700) != 0)
            return error_set_errno(err, errno, "cannot make directory %s", tablespace->build);
    }
    tablespace->lock_fd = run_lock_make(tablespace->build, err);
    tablespace->prepared = tablespace->lock_fd >= 0;
    if (!tablespace->prepared && set->replace)
        folder_unmake(tablespace->build, err);
    return tablespace->prepared;
}

static bool prepare_place(struct tablespace_set *set, struct tablespace *tablespace,
                          struct error *err)
{
    struct folder *place = &tablespace->place;

    if (!find_place(set, tablespace->oid, place, err) || !check_apart(set, tablespace, err))
        return false;
    if (place->empty && !folder_prepare(place, err))
        return false;
    if (!make_build(set, tablespace, err)) {
        if (place->empty)
            folder_give_back(place, err);
        return false;
    }
    tablespace->writer = directory_writer_new(tablespace->build, &set->writing, err);
    return tablespace->writer != NULL;
}

bool tablespace_set_use(struct tablespace_set *set, uint32_t oid, struct tablespace **tablespace,
                        struct error *err)
{
    struct tablespace *item = find_item(set, oid);

    if (item != NULL && item->in_place)
        return error_set(err, ERROR_CORRUPT,
                         "tablespace %u is in the backup both as a directory and as a link",
                         (unsigned)oid);
    if (item == NULL) {
        item = append_item(set, oid, err);
        if (item == NULL || !prepare_place(set, item, err))
            return false;
    }
    *tablespace = item;
    return true;
}

bool tablespace_set_in_place(struct tablespace_set *set, uint32_t oid, struct error *err)
{
    struct tablespace *item = find_item(set, oid);

    if (item == NULL) {
        item = append_item(set, oid, err);
        if (item == NULL)
            return false;
        item->in_place = true;
    }
    if (!item->in_place)
        return error_set(err, ERROR_CORRUPT,
                         "tablespace %u is in the backup both as a link and as a directory",
                         (unsigned)oid);
    return true;
}

/* ---- The end, either way ---- */

bool tablespace_set_sync(struct tablespace_set *set, struct error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!set->items[i].in_place && !directory_writer_sync(set->items[i].writer, err))
            return false;
    }
    if (set->made_base && !set->writing.no_sync) {
        char parent[PATH_MAX];

        snprintf(parent, sizeof(parent), "%s", set->default_base);
        *strrchr(parent, '/') = '\0';
        return folder_sync(parent[0] == '\0' ? "/" : parent, err);
    }
    return true;
}

static bool link_one(int folder, const struct tablespace *tablespace, struct error *err)
{
    char name[16];

    snprintf(name, sizeof(name), "%u", (unsigned)tablespace->oid);
    if (symlinkat(tablespace->place.path, folder, name) != 0)
        return error_set_errno(err, errno, "cannot make the link pg_tblspc/%s to %s", name,
                               tablespace->place.path);
    return true;
}

bool tablespace_set_link(const struct tablespace_set *set, const char *root, bool no_sync,
                         struct error *err)
{
    char path[PATH_MAX];
    int folder;
    bool ok = true;

    if (!folder_join(path, root, "pg_tblspc", err))
        return false;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, errno, "cannot make directory %s", path);
    folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return error_set_errno(err, errno, "cannot open directory %s", path);
    for (size_t i = 0; ok && i < set->count; i++) {
        if (!set->items[i].in_place)
            ok = link_one(folder, &set->items[i], err);
    }
    if (ok && !no_sync && (fsync(folder) != 0))
        ok = error_set_errno(err, errno, "cannot fsync directory %s", path);
    close(folder);
    return ok;
}

static bool undo_one(struct tablespace *tablespace, struct error *err)
{
    const struct folder *place = &tablespace->place;
    bool ok;

    directory_writer_free(tablespace->writer);
    tablespace->writer = NULL;
    if (!tablespace->prepared)
        return true;
    if (!place->empty)
        return directory_remove_tree(tablespace->build, true, err);
    ok = directory_remove_tree(place->path, !place->exists, err);
    if (place->exists && place->mode != 0700 && chmod(place->path, place->mode) != 0 && ok)
        ok = error_set_errno(err, errno, "cannot give %s its mode back", place->path);
    return ok;
}

bool tablespace_set_undo(struct tablespace_set *set, struct error *err)
{
    bool ok = true;

    for (size_t i = 0; i < set->count; i++) {
        struct error later;

        if (!set->items[i].in_place && !undo_one(&set->items[i], ok ? err : &later))
            ok = false;
    }
    if (set->made_base && ok)
        ok = folder_remove(set->default_base, err);
    return ok;
}

bool tablespace_set_unlock(struct tablespace_set *set, struct error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!run_lock_remove(set->items[i].build, &set->items[i].lock_fd, set->writing.no_sync,
                             err))
            return false;
    }
    return true;
}
