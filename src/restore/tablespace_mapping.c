/*
 * Which tablespace a mapping means: people name one by its OID, its name or its old location, and
 * only manifest.json, which comes with the backup, says which OID that is.
 */
#include "restore/tablespace_links.h"

#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

bool tablespace_oid_parse(const char *text, size_t length, uint32_t *oid)
{
    uint64_t value;

    if (length == 0 || length > 10 || text[0] == '0' ||
        !bytes_parse_u64(slice_make(text, length), &value) || value > UINT32_MAX)
        return false;
    *oid = (uint32_t)value;
    return true;
}

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
