/*
 * A table that is selected comes alone, as pg_restore has it: of one that is partitioned, or that
 * others inherit from, the rows lie in tables that have to be selected as well. Who selects the one
 * and not the others is told.
 */
#include "restore/restore_plan_internal.h"

#include "base/error_names.h"
#include "base/quote.h"

#include <stdio.h>

#define TOLD 5

static bool is_wanted(const struct restore_selection *selection, uint32_t number)
{
    return restore_selection_parts(selection, number) != 0;
}

static bool is_table(enum entry_kind kind)
{
    return kind == ENTRY_TABLE || kind == ENTRY_FOREIGN_TABLE;
}

/* ""s"."t"", as a pattern of the option. */
static bool note_child(struct planned_database *database, const struct archive_entry *entry,
                       struct error *err)
{
    char schema[QUOTE_NAME_SIZE], name[QUOTE_NAME_SIZE];
    struct buffer pattern = {0};
    bool done = buffer_printf(&pattern, err, "%s.%s",
                              quote_identifier(entry->schema == NULL ? "" : entry->schema, schema,
                                               sizeof(schema)),
                              quote_identifier(entry->tag, name, sizeof(name))) &&
                name_set_add(&database->children, buffer_text(&pattern), NULL, err);

    buffer_free(&pattern);
    return done;
}

/* Of what the entry depends on: whether a wanted table is there, and whether the table that it is
 * about, which is called as it is, is wanted. */
static bool lacks_child(struct archive_contents *contents,
                        const struct restore_selection *selection, uint32_t number,
                        const struct archive_entry *entry, struct error *err)
{
    struct contents_node node = archive_contents_node(contents, number);
    bool is_attach = node.kind == ENTRY_TABLE_ATTACH;
    bool of_wanted = false, is_there = !is_attach && is_wanted(selection, number);

    for (size_t i = 0; i < node.dependency_count && !is_there; i++) {
        struct buffer texts = {0};
        struct archive_entry other;
        uint32_t at;
        bool same;

        if (!archive_contents_find(contents, node.dependencies[i], &at) ||
            !is_table(archive_contents_node(contents, at).kind) || !is_wanted(selection, at))
            continue;
        same = is_attach && archive_contents_entry_into(contents, at, &texts, &other, err) &&
               strcmp(other.tag, entry->tag) == 0;
        is_there = same;
        of_wanted |= !same;
        buffer_free(&texts);
    }
    return of_wanted && !is_there;
}

bool restore_plan_note_child(const struct restore_plan *plan, struct planned_database *database,
                             struct archive_contents *contents,
                             const struct restore_selection *selection, uint32_t number,
                             const struct archive_entry *entry, struct error *err)
{
    enum entry_kind kind = archive_contents_node(contents, number).kind;
    bool inherits = is_table(kind) && entry->definition != NULL &&
                    strstr(entry->definition, "\nINHERITS (") != NULL;

    if (plan->request->lists[RESTORE_TABLES].count == 0 || entry->tag == NULL ||
        (kind != ENTRY_TABLE_ATTACH && !inherits) ||
        !lacks_child(contents, selection, number, entry, err))
        return true;
    return note_child(database, entry, err);
}

void restore_plan_judge_children(struct restore_plan *plan, const struct planned_database *database)
{
    const struct name_set *set = &database->children;
    size_t count = set->count + set->beyond;
    struct buffer names = {0}, remedy = {0};
    struct error ignored;
    bool done = true;

    for (size_t i = 0; done && i < set->count && i < TOLD; i++)
        done = buffer_printf(&names, &ignored, "%s%s", i == 0 ? "" : ",", set->items[i].name);
    done =
        done && buffer_printf(&remedy, &ignored,
                              "Select them as well: " OPTION_TABLES " '%s%s'  Partitions are not "
                              "attached then, as with pg_restore (ALTER TABLE … ATTACH PARTITION "
                              "…); " OPTION_LIST_FILE " can select that, too.",
                              count == 0 ? "" : buffer_text(&names), count > TOLD ? ",…" : "");
    if (done && count > 0)
        preflight_add(plan->report, false, buffer_text(&remedy),
                      "partitions and children of selected tables are not selected, and neither "
                      "are their rows: %zu, %s%s",
                      count, buffer_text(&names), count > TOLD ? ",…" : "");
    buffer_free(&names);
    buffer_free(&remedy);
}
