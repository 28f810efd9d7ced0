#include "restore/tablespace_links.h"

#include "record/run_lock.h"
#include "restore/left_over.h"
#include "restore/surroundings.h"

#include "base/quote.h"
#include "base/bytes.h"
#include "base/error_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TABLESPACES_MAX 1000 /* each takes some KiB, and three open files while it is filled */

bool tablespace_oid_parse(const char *text, size_t length, uint32_t *oid)
{
    uint64_t value;

    if (length == 0 || length > 10 || text[0] == '0' ||
        !bytes_parse_u64(slice_make(text, length), &value) || value > UINT32_MAX)
        return false;
    *oid = (uint32_t)value;
    return true;
}

/* The cluster that is being replaced. */

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

static bool note_all_before(struct tablespace_set *set, struct error *err)
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

/* oid 0: whichever. */
static bool was_tablespace(const struct tablespace_set *set, const char *place, uint32_t oid)
{
    for (size_t i = 0; i < set->before_count; i++) {
        if ((oid == 0 || set->before[i].oid == oid) && strcmp(set->before[i].place, place) == 0)
            return true;
    }
    return false;
}

/* Places. */

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
    if (set->replace && was_tablespace(set, place->path, oid))
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
    if (replace && !note_all_before(set, err))
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

/* Which tablespace a mapping means. */

static bool same_location(const char *one, const char *other)
{
    size_t one_length = strlen(one), other_length = strlen(other);

    while (one_length > 1 && one[one_length - 1] == '/')
        one_length--;
    while (other_length > 1 && other[other_length - 1] == '/')
        other_length--;
    return one_length == other_length && memcmp(one, other, one_length) == 0;
}

static const struct manifest_tablespace *find_listed(const struct manifest_facts *facts,
                                                     const char *old)
{
    uint32_t oid;
    bool is_oid = tablespace_oid_parse(old, strlen(old), &oid);

    for (size_t i = 0; is_oid && i < facts->tablespace_count; i++) {
        if (facts->tablespaces[i].oid == oid)
            return &facts->tablespaces[i];
    }
    for (size_t i = 0; i < facts->tablespace_count; i++) {
        const struct manifest_tablespace *listed = &facts->tablespaces[i];

        if (old[0] == '/' ? listed->location != NULL && same_location(listed->location, old)
                          : listed->name != NULL && strcmp(listed->name, old) == 0)
            return listed;
    }
    return NULL;
}

/* It has a place outside the data directory. */
static bool lies_outside(const struct manifest_tablespace *listed)
{
    return listed->location != NULL && listed->location[0] == '/';
}

static bool fail_unknown(const struct manifest_facts *facts, const char *old, struct error *err)
{
    char known[1024] = "";
    size_t used = 0;

    for (size_t i = 0; i < facts->tablespace_count && used < sizeof(known); i++) {
        const struct manifest_tablespace *listed = &facts->tablespaces[i];

        if (lies_outside(listed))
            used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s (%s)",
                                     used == 0 ? "" : ", ",
                                     listed->name == NULL ? "" : listed->name, listed->location);
    }
    error_set(err, ERROR_USAGE, "tablespace mapping %s: the backup has no such tablespace", old);
    if (used == 0)
        return error_hint(err, "It has none outside the data directory: leave the mapping out.");
    return error_hint(err, "It has: %s.", known);
}

/* Without a list in the manifest, only an OID says which files are meant. */
static bool resolve_unlisted(struct tablespace_plan *plan, struct error *err)
{
    if (tablespace_oid_parse(plan->old_location, strlen(plan->old_location), &plan->oid))
        return true;
    error_set(err, ERROR_USAGE, "tablespace mapping %s: the backup does not say which one that is",
              plan->old_location);
    return error_hint(err, "Write its OID instead: the name of its folder under /tablespaces in "
                           "the output of pgcask list.");
}

static bool resolve_oid(struct tablespace_plan *plan, const struct manifest_facts *facts,
                        struct error *err)
{
    const struct manifest_tablespace *listed;
    bool all_have_oids = true;

    if (!facts->has_tablespaces)
        return resolve_unlisted(plan, err);
    listed = find_listed(facts, plan->old_location);
    for (size_t i = 0; i < facts->tablespace_count; i++)
        all_have_oids = all_have_oids && facts->tablespaces[i].oid != 0;
    if (listed == NULL && all_have_oids)
        return fail_unknown(facts, plan->old_location, err);
    if (listed != NULL && !lies_outside(listed)) {
        error_set(err, ERROR_USAGE, "tablespace mapping %s: it lies inside the data directory",
                  plan->old_location);
        return error_hint(err, "Leave the mapping out: it is restored with the data directory.");
    }
    if (listed == NULL || listed->oid == 0)
        return resolve_unlisted(plan, err);
    plan->oid = listed->oid;
    return true;
}

bool tablespace_set_resolve(struct tablespace_set *set, const struct manifest_facts *facts,
                            struct error *err)
{
    for (size_t i = 0; i < set->plan_count; i++) {
        struct tablespace_plan *plan = &set->plans[i];

        if (!resolve_oid(plan, facts, err))
            return false;
        for (size_t k = 0; k < i; k++) {
            if (set->plans[k].oid == plan->oid)
                return error_set(err, ERROR_USAGE,
                                 "tablespace mappings %s and %s mean the same tablespace",
                                 set->plans[k].old_location, plan->old_location);
        }
    }
    return true;
}

bool tablespace_set_check_used(const struct tablespace_set *set, struct error *err)
{
    for (size_t i = 0; i < set->plan_count; i++) {
        if (set->plans[i].used)
            continue;
        error_set(err, ERROR_USAGE, "tablespace mapping %s: the backup has no such tablespace",
                  set->plans[i].old_location);
        return error_hint(err, "pgcask list shows what it has under /tablespaces.");
    }
    return true;
}

/* Claiming places. */

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
        (void)rmdir(tablespace->build);
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
            folder_give_back(place);
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

/* The end, either way. */

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

bool tablespace_set_unlock(struct tablespace_set *set, struct error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!run_lock_remove(set->items[i].build, &set->items[i].lock_fd, set->writing.no_sync,
                             err))
            return false;
    }
    return true;
}
