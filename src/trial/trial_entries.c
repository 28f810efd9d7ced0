/*
 * Two tables of contents, held against each other. Of each entry there are two hashes: of what it
 * is called, and of all that it says. Those that say the same are a pair; of what is left those of
 * one name differ, and the rest is on one side only.
 */
#include "trial/trial_internal.h"

#include "base/text.h"
#include "restore/database_recipe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* The last one in whose databases everybody may create objects in public. */
#define LAST_WITH_OTHER_PUBLIC 14

struct line {
    uint64_t name, all;
    uint32_t number;
    bool paired;
};

struct lines {
    struct line *lines;
    size_t count;
};

struct entries {
    struct trial *trial;
    const struct trial_sides *sides;
    bool is_part;       /* the archive says nothing of its database */
    bool large_objects; /* their entries, of a thousand each, are the same on both sides */
    struct lines archive, made;
    size_t printed; /* whose SQL the server prints otherwise … */
    char first_printed[TRIAL_OBJECT_SIZE];
    size_t more; /* that no comment of the script names … */
    char first_more[TRIAL_OBJECT_SIZE];
    XXH3_state_t *state;
    struct buffer text;
};

/* ---- Which entries ---- */

enum comparison {
    ALWAYS,
    NEVER,
    WITH_OBJECTS, /* it is about large objects */
    IF_EXACT      /* not every version has an entry for it */
};

/* What is about rows is compared as rows; what is about how the archive is to be read, and what the
 * planner knows, is no part of the database. */
static const struct {
    enum entry_kind kind;
    enum comparison comparison;
} comparisons[] = {
    {ENTRY_ENCODING, NEVER},
    {ENTRY_STDSTRINGS, NEVER},
    {ENTRY_SEARCHPATH, NEVER},
    {ENTRY_TABLE_DATA, NEVER},
    {ENTRY_BLOBS, NEVER},
    {ENTRY_STATISTICS_DATA, NEVER},
    {ENTRY_BLOB, WITH_OBJECTS},
    {ENTRY_BLOB_METADATA, WITH_OBJECTS},
    {ENTRY_BLOB_COMMENTS, WITH_OBJECTS},
    {ENTRY_TABLE_ATTACH, IF_EXACT},
    {ENTRY_DATABASE_PROPERTIES, IF_EXACT},
};

static bool is_said_of(const struct contents_node *node, const struct archive_entry *entry,
                       const char *what)
{
    return (node->kind == ENTRY_ACL || node->kind == ENTRY_COMMENT ||
            node->kind == ENTRY_SECURITY_LABEL) &&
           entry->tag != NULL && strncmp(entry->tag, what, strlen(what)) == 0;
}

static bool is_compared(const struct entries *entries, const struct contents_node *node,
                        const struct archive_entry *entry)
{
    enum comparison comparison = ALWAYS;

    for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
        if (comparisons[i].kind == node->kind)
            comparison = comparisons[i].comparison;
    }
    if (is_said_of(node, entry, "LARGE OBJECT"))
        comparison = WITH_OBJECTS;
    if ((node->kind == ENTRY_ACL || node->kind == ENTRY_DEFAULT_ACL) &&
        entries->trial->restore.no_privileges)
        comparison = NEVER;
    return comparison == ALWAYS || (comparison == WITH_OBJECTS && entries->large_objects) ||
           (comparison == IF_EXACT && entries->sides->exact);
}

/* Entries of the database itself have its name in them. */
static bool is_of_database(const struct contents_node *node, const struct archive_entry *entry)
{
    return node->kind == ENTRY_DATABASE || node->kind == ENTRY_DATABASE_PROPERTIES ||
           is_said_of(node, entry, "DATABASE ");
}

/* ---- Hashes ---- */

static void add_text(struct entries *entries, const char *text)
{
    if (text != NULL)
        XXH3_64bits_update(entries->state, text, strlen(text) + 1);
    else
        XXH3_64bits_update(entries->state, "\1", 2);
}

/* A name as the comment of a script has it, in one line. */
static bool add_name(struct entries *entries, const char *name, struct error *err)
{
    if (entries->trial->script == NULL || name == NULL) {
        add_text(entries, name);
        return true;
    }
    buffer_clear(&entries->text);
    for (; *name != '\0'; name++) {
        if (!buffer_append_byte(&entries->text,
                                *name == '\n' || *name == '\r' ? ' ' : (uint8_t)*name, err))
            return false;
    }
    add_text(entries, buffer_text(&entries->text));
    return true;
}

/* Under a name that both sides have. */
static bool add_definition(struct entries *entries, const struct trial_side *side, bool of_database,
                           const struct archive_entry *entry, struct error *err)
{
    buffer_clear(&entries->text);
    if (!(of_database && entry->definition != NULL
              ? database_text_append(&entries->text, slice_string(entry->definition),
                                     side->database, "the database", err)
              : trial_append_definition(&entries->text, entry, err)) ||
        !buffer_append_byte(&entries->text, '\0', err))
        return false;
    add_text(entries, buffer_text(&entries->text));
    return true;
}

/* Of what is said of an object the owner is the object's, which has an entry of its own, or is the
 * system's. Where roles are missing, whoever restores owns what would be theirs. */
static bool has_owner(const struct trial *trial, const struct contents_node *node,
                      const struct archive_entry *entry)
{
    return !trial->restore.no_owner && trial->missing.count == 0 && !is_said_of(node, entry, "");
}

static bool put_line(struct entries *entries, const struct trial_side *side, struct line *line,
                     const struct contents_node *node, const struct archive_entry *entry,
                     struct error *err)
{
    const struct trial *trial = entries->trial;
    bool of_database = is_of_database(node, entry);
    bool owned = has_owner(trial, node, entry);

    XXH3_64bits_reset_withSeed(entries->state, trial->hooks.key);
    add_text(entries, entry->desc);
    if (!add_name(entries, entry->schema, err) ||
        !add_name(entries, of_database ? "the database" : entry->tag, err))
        return false;
    line->name = XXH3_64bits_digest(entries->state);
    if (entries->sides->exact) {
        add_text(entries, owned ? entry->owner : "");
        add_text(entries, entry->access_method);
        if (!add_definition(entries, side, of_database, entry, err))
            return false;
    }
    line->all = XXH3_64bits_digest(entries->state);
    return true;
}

static int by_all(const void *a, const void *b)
{
    const struct line *one = a, *other = b;

    if (one->all != other->all)
        return one->all < other->all ? -1 : 1;
    return one->number < other->number ? -1 : one->number > other->number;
}

static int by_name(const void *a, const void *b)
{
    const struct line *one = a, *other = b;

    if (one->name != other->name)
        return one->name < other->name ? -1 : 1;
    return one->number < other->number ? -1 : one->number > other->number;
}

static bool gather(struct entries *entries, const struct trial_side *side, struct lines *lines,
                   struct error *err)
{
    uint32_t count = archive_contents_count(side->contents);

    lines->lines = calloc((size_t)count + 1, sizeof(*lines->lines));
    if (lines->lines == NULL)
        return error_set_memory(err);
    for (uint32_t i = 0; i < count; i++) {
        struct contents_node node = archive_contents_node(side->contents, i);
        struct line *line = &lines->lines[lines->count];
        struct archive_entry entry;

        if (!archive_contents_entry(side->contents, i, &entry, err))
            return false;
        if (!is_compared(entries, &node, &entry))
            continue;
        line->number = i;
        if (!put_line(entries, side, line, &node, &entry, err))
            return false;
        lines->count++;
    }
    qsort(lines->lines, lines->count, sizeof(*lines->lines), by_all);
    return true;
}

/* ---- Pairs ---- */

static void pair_equals(struct lines *one, struct lines *other)
{
    for (size_t i = 0, k = 0; i < one->count && k < other->count;) {
        if (one->lines[i].all == other->lines[k].all)
            one->lines[i++].paired = other->lines[k++].paired = true;
        else if (one->lines[i].all < other->lines[k].all)
            i++;
        else
            k++;
    }
}

/* Those that are left, by name. */
static void keep_unpaired(struct lines *lines)
{
    size_t kept = 0;

    for (size_t i = 0; i < lines->count; i++) {
        if (!lines->lines[i].paired)
            lines->lines[kept++] = lines->lines[i];
    }
    lines->count = kept;
    qsort(lines->lines, lines->count, sizeof(*lines->lines), by_name);
}

/* ---- What is told ---- */

/* A selection of tables says nothing of their schemas, which the trial has made, nor of public,
 * which every database has: up to PostgreSQL 14 with privileges that an archive has to say. */
static bool is_about_schema(const struct entries *entries, const struct archive_entry *entry)
{
    static const char said[] = "SCHEMA ";
    const char *server = archive_contents_header(entries->sides->made.contents)->server_version;
    const char *name = entry->tag == NULL ? "" : entry->tag;

    if (strncmp(name, said, strlen(said)) == 0)
        name += strlen(said);
    else if (strcmp(entry->desc, "SCHEMA") != 0)
        return false;
    return entries->is_part || name_set_has(&entries->trial->schemas, name) ||
           (trial_major(server) <= LAST_WITH_OTHER_PUBLIC && strcmp(name, "public") == 0);
}

static bool says_database(const struct trial_side *side)
{
    for (uint32_t i = 0; i < archive_contents_count(side->contents); i++) {
        if (archive_contents_node(side->contents, i).kind == ENTRY_DATABASE)
            return true;
    }
    return false;
}

static bool tell_single(struct entries *entries, const struct trial_side *side,
                        const struct line *line, struct error *err)
{
    bool missing = side == &entries->sides->archive, names = false;
    char object[TRIAL_OBJECT_SIZE];
    struct archive_entry entry;

    if (!archive_contents_entry(side->contents, line->number, &entry, err) ||
        !trial_names_missing(entries->trial, &entry, entry.schema == NULL, &names, err))
        return false;
    if (names || (!missing && is_about_schema(entries, &entry)))
        return true;
    trial_object_name(&entry, object);
    if (!missing && entries->trial->script != NULL) {
        if (entries->more++ == 0)
            snprintf(entries->first_more, sizeof(entries->first_more), "%s", object);
        return true;
    }
    trial_tell(entries->trial, missing ? TRIAL_MISSING : TRIAL_MORE, object,
               missing ? "is in the archive, and not in what was restored"
                       : "is in what was restored, and not in the archive");
    return true;
}

static size_t differing_line(const char *one, const char *other)
{
    size_t line = 1;

    for (; *one != '\0' && *one == *other; one++, other++)
        line += *one == '\n';
    return line;
}

/* A definition may have a password in it: it is not shown. */
static bool tell_pair(struct entries *entries, const struct line *archive, const struct line *made,
                      struct error *err)
{
    const struct trial_sides *sides = entries->sides;
    struct archive_entry entry, other;
    char object[TRIAL_OBJECT_SIZE], problem[512];
    bool names;

    if (!archive_contents_entry(sides->archive.contents, archive->number, &entry, err) ||
        !archive_contents_entry(sides->made.contents, made->number, &other, err) ||
        !trial_names_missing(entries->trial, &entry, false, &names, err))
        return false;
    if (names)
        return true;
    trial_object_name(&entry, object);
    if (trial_is_printed(&entry) && trial_is_printed(&other)) {
        if (entries->printed++ == 0)
            snprintf(entries->first_printed, sizeof(entries->first_printed), "%s", object);
        return true;
    }
    if (entry.definition != NULL && other.definition != NULL &&
        strcmp(entry.definition, other.definition) == 0 && entry.owner != NULL &&
        other.owner != NULL)
        snprintf(problem, sizeof(problem),
                 "its owner is \"%s\" in the archive, and \"%s\" where "
                 "it was restored",
                 entry.owner, other.owner);
    else
        snprintf(problem, sizeof(problem), "its definition differs from line %zu on",
                 differing_line(entry.definition == NULL ? "" : entry.definition,
                                other.definition == NULL ? "" : other.definition));
    trial_tell(entries->trial, TRIAL_DIFFERENT, object, problem);
    return true;
}

static bool tell_rest(struct entries *entries, struct error *err)
{
    const struct lines *one = &entries->archive, *other = &entries->made;
    const struct trial_sides *sides = entries->sides;
    bool done = true;

    for (size_t i = 0, k = 0; done && (i < one->count || k < other->count);) {
        if (k == other->count || (i < one->count && one->lines[i].name < other->lines[k].name))
            done = tell_single(entries, &sides->archive, &one->lines[i++], err);
        else if (i == one->count || one->lines[i].name > other->lines[k].name)
            done = tell_single(entries, &sides->made, &other->lines[k++], err);
        else
            done = tell_pair(entries, &one->lines[i++], &other->lines[k++], err);
    }
    return done;
}

/* ---- All of it ---- */

static bool compare(struct entries *entries, struct error *err)
{
    entries->state = XXH3_createState();
    if (entries->state == NULL)
        return error_set_memory(err);
    if (!gather(entries, &entries->sides->archive, &entries->archive, err) ||
        !gather(entries, &entries->sides->made, &entries->made, err))
        return false;
    entries->trial->report->entries += entries->archive.count;
    pair_equals(&entries->archive, &entries->made);
    keep_unpaired(&entries->archive);
    keep_unpaired(&entries->made);
    if (!tell_rest(entries, err))
        return false;
    if (entries->printed > 0)
        trial_note(entries->trial,
                   "the server prints the SQL within %zu definition%s otherwise once it has read "
                   "it, so that it could not be compared; the first is %s",
                   entries->printed, TEXT_S(entries->printed), entries->first_printed);
    if (entries->more > 0)
        trial_note(entries->trial,
                   "%zu object%s there that no comment of the script names; the first is %s",
                   entries->more, entries->more == 1 ? " is" : "s are", entries->first_more);
    return true;
}

bool trial_compare_entries(struct trial *trial, const struct trial_sides *sides, struct error *err)
{
    const struct restore_request *restore = &trial->restore;
    struct entries entries = {
        .trial = trial,
        .sides = sides,
        .is_part = !says_database(&sides->archive),
        .large_objects = sides->exact && trial->missing.count == 0 && !restore->no_owner &&
                         !restore->no_privileges,
    };
    bool done = compare(&entries, err);

    XXH3_freeState(entries.state);
    buffer_free(&entries.text);
    free(entries.archive.lines);
    free(entries.made.lines);
    return done;
}
