/* Runs of entries among the others: where they stand, and which of them a number means. */
#include "catalog/catalog_internal.h"

bool catalog_add_run(struct catalog *catalog, const struct catalog_run *run, struct error *err)
{
    if (run->count == 0)
        return true;
    if (catalog->run_count == CATALOG_RUNS_MAX)
        return error_set(err, ERROR_UNSUPPORTED, "there are too many runs of entries");
    catalog->runs[catalog->run_count++] = *run;
    return true;
}

bool catalog_reserve_dump_ids(struct catalog *catalog, uint64_t count, int32_t *first,
                              struct error *err)
{
    if (count > (uint64_t)(INT32_MAX - catalog->last_dump_id)) {
        error_set(err, ERROR_UNSUPPORTED,
                  "the database has more objects than an archive can have entries");
        return error_hint(
            err, "postgres+bin:// backs the whole cluster up physically, with all it holds.");
    }
    *first = catalog->last_dump_id + 1;
    catalog->last_dump_id += (int32_t)count;
    catalog->reserved_ids += (uint32_t)count;
    return true;
}

static enum archive_section section_of(const struct catalog_slot *slot)
{
    const struct catalog_object *object = slot->object;

    return object->host != NULL ? object->host->section : object->section;
}

void runs_place(struct catalog *catalog)
{
    uint32_t before = 0, slot = 0;

    for (size_t i = 0; i < catalog->run_count; i++) {
        struct catalog_run *run = &catalog->runs[i];

        while (slot < catalog->slot_count && section_of(&catalog->slots[slot]) <= run->section)
            slot++;
        run->at = slot + before;
        before += run->count;
    }
}

const struct catalog_run *runs_find(const struct catalog *catalog, uint32_t *number)
{
    uint32_t before = 0;

    for (size_t i = 0; i < catalog->run_count; i++) {
        const struct catalog_run *run = &catalog->runs[i];

        if (*number < run->at)
            break;
        if (*number - run->at < run->count) {
            *number -= run->at;
            return run;
        }
        before += run->count;
    }
    *number -= before;
    return NULL;
}

uint32_t runs_count(const struct catalog *catalog)
{
    uint32_t count = 0;

    for (size_t i = 0; i < catalog->run_count; i++)
        count += catalog->runs[i].count;
    return count;
}
