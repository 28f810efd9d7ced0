/*
 * What was there before a restore into a database that holds objects stays as it is. Whether an
 * object was there shows when the statement that makes it fails; what the archive says beside that
 * of the same object (its owner, privileges, a sequence's value, an index) is then left undone, and
 * what is said of that in turn. What only refers to it, as a view does, is made.
 */
#include "restore/archive_restore_internal.h"

#include "restore/restore_plan.h"

#include <stdlib.h>
#include <string.h>

/* Which of the entries that an entry depends on are those that it changes. */
enum about {
    ABOUT_NONE, /* it makes something of its own */
    ABOUT_ALL,
    ABOUT_RELATIONS,
    ABOUT_NAMED /* whose name is its tag, or the beginning of it: "orders orders_pkey" */
};

static const uint8_t abouts[ENTRY_KIND_COUNT] = {
    [ENTRY_SEQUENCE] = ABOUT_RELATIONS, /* of an identity column */
    [ENTRY_SEQUENCE_OWNED_BY] = ABOUT_ALL,
    [ENTRY_SEQUENCE_SET] = ABOUT_ALL,
    [ENTRY_TABLE_ATTACH] = ABOUT_RELATIONS,
    [ENTRY_DEFAULT] = ABOUT_NAMED,
    [ENTRY_BLOB_COMMENTS] = ABOUT_ALL,
    [ENTRY_ACL] = ABOUT_ALL,
    [ENTRY_ACL_LANGUAGE] = ABOUT_ALL,
    [ENTRY_COMMENT] = ABOUT_ALL,
    [ENTRY_SECURITY_LABEL] = ABOUT_ALL,
    [ENTRY_INDEX] = ABOUT_RELATIONS,
    [ENTRY_INDEX_ATTACH] = ABOUT_ALL,
    [ENTRY_STATISTICS] = ABOUT_RELATIONS,
    [ENTRY_CONSTRAINT] = ABOUT_NAMED,
    [ENTRY_CHECK_CONSTRAINT] = ABOUT_NAMED,
    [ENTRY_FK_CONSTRAINT] = ABOUT_NAMED,
    [ENTRY_RULE] = ABOUT_NAMED,
    [ENTRY_TRIGGER] = ABOUT_NAMED,
    [ENTRY_ROW_SECURITY] = ABOUT_NAMED,
    [ENTRY_POLICY] = ABOUT_NAMED,
    [ENTRY_PUBLICATION_TABLE] = ABOUT_NAMED,
    [ENTRY_PUBLICATION_TABLES_IN_SCHEMA] = ABOUT_NAMED,
    [ENTRY_SUBSCRIPTION_TABLE] = ABOUT_NAMED,
    [ENTRY_MATERIALIZED_VIEW_DATA] = ABOUT_NAMED,
    [ENTRY_STATISTICS_DATA] = ABOUT_ALL,
};

static bool is_named(const struct archive_entry *entry, const struct archive_entry *other)
{
    size_t len = strlen(other->tag);

    return (!archive_has_text(entry->schema) || !archive_has_text(other->schema) ||
            strcmp(entry->schema, other->schema) == 0) &&
           strncmp(entry->tag, other->tag, len) == 0 &&
           (entry->tag[len] == '\0' || entry->tag[len] == ' ');
}

/* Without memory nothing is known, and it is left. */
static bool may_name(const struct archive_job *job, uint32_t number, uint32_t other)
{
    struct buffer texts = {0}, others = {0};
    struct archive_entry entry, named;
    struct error ignored;
    bool may = !archive_contents_entry_into(job->contents, number, &texts, &entry, &ignored) ||
               !archive_contents_entry_into(job->contents, other, &others, &named, &ignored) ||
               is_named(&entry, &named);

    buffer_free(&texts);
    buffer_free(&others);
    return may;
}

/* "LARGE OBJECT 123": of a group some may have been there. */
static enum target_made object_is_made(struct archive_job *job, uint32_t number, uint32_t group)
{
    static const char words[] = "LARGE OBJECT ";
    struct buffer texts = {0};
    struct archive_entry entry;
    struct error ignored;
    bool lost = archive_contents_entry_into(job->contents, number, &texts, &entry, &ignored) &&
                strncmp(entry.tag, words, strlen(words)) == 0 &&
                archive_job_lacks(job, (uint32_t)strtoul(entry.tag + strlen(words), NULL, 10));

    buffer_free(&texts);
    if (lost)
        return TARGET_IS_NOT_MADE;
    return (job->marks[group] & IS_DONE) != 0 ? TARGET_IS_MADE : TARGET_MAY_BE_MADE;
}

static enum target_made is_made(struct archive_job *job, uint32_t number, uint32_t other)
{
    enum entry_kind kind = archive_contents_node(job->contents, other).kind;
    unsigned marks = job->marks[other];

    if (kind == ENTRY_BLOB || kind == ENTRY_BLOB_METADATA)
        return object_is_made(job, number, other);
    if ((marks & IS_UNMADE) != 0)
        return TARGET_IS_NOT_MADE;
    /* What is not wanted here is somebody else's to begin with. */
    if ((marks & IS_MADE) != 0 ||
        (restore_selection_parts(job->selection, other) & SELECTED_DEFINITION) == 0)
        return TARGET_IS_MADE;
    return TARGET_MAY_BE_MADE;
}

/* Privileges may have to come behind others, as a column's behind the table's; that these were left
 * says nothing of the object. */
static bool may_be_about(enum about about, enum entry_kind kind)
{
    if (about == ABOUT_RELATIONS)
        return entry_kind_is_relation(kind);
    return kind != ENTRY_ACL && kind != ENTRY_ACL_LANGUAGE;
}

static enum target_made all_are_made(struct archive_job *job, uint32_t number)
{
    struct contents_node node = archive_contents_node(job->contents, number);
    enum about about = abouts[node.kind];
    enum target_made made = TARGET_IS_MADE;

    for (size_t i = 0; about != ABOUT_NONE && i < node.dependency_count; i++) {
        enum target_made its;
        uint32_t other;

        if (!archive_contents_find(job->contents, node.dependencies[i], &other) ||
            !may_be_about(about, archive_contents_node(job->contents, other).kind))
            continue;
        its = is_made(job, number, other);
        if (its == TARGET_IS_NOT_MADE && (about != ABOUT_NAMED || may_name(job, number, other)))
            return its;
        if (its == TARGET_MAY_BE_MADE)
            made = its;
    }
    return made;
}

enum target_made archive_job_made(void *context, uint64_t subject)
{
    struct archive_job *job = context;
    uint32_t number = (uint32_t)subject;
    enum target_made made;

    pthread_mutex_lock(&job->lock);
    if ((subject & ENTRY_SQL_MAKES) != 0 && (job->marks[number] & IS_UNMADE) == 0)
        made = all_are_made(job, number);
    else
        made = (job->marks[number] & IS_UNMADE) != 0 ? TARGET_IS_NOT_MADE
               : (job->marks[number] & IS_MADE) != 0 ? TARGET_IS_MADE
                                                     : TARGET_MAY_BE_MADE;
    if (made == TARGET_IS_NOT_MADE) {
        job->marks[number] |= IS_UNMADE;
        job->report->left++;
    }
    pthread_mutex_unlock(&job->lock);
    return made;
}

/* ---- What archives never make ---- */

/* Of the schema public there is only a remark, or, up to 14, no entry at all. */
static bool note_schema(struct archive_job *job, uint32_t number, struct error *err)
{
    struct contents_node node = archive_contents_node(job->contents, number);
    struct archive_entry entry;
    uint32_t other;

    if (node.kind != ENTRY_SCHEMA && abouts[node.kind] != ABOUT_ALL)
        return true;
    if (!archive_contents_entry(job->contents, number, &entry, err))
        return false;
    if (node.kind == ENTRY_SCHEMA
            ? entry.definition != NULL && strncmp(entry.definition, "--", 2) == 0
            : strcmp(entry.tag, "SCHEMA public") == 0 &&
                  (node.dependency_count == 0 ||
                   !archive_contents_find(job->contents, node.dependencies[0], &other)))
        job->marks[number] |= IS_UNMADE;
    return true;
}

bool archive_job_note_schemas(struct archive_job *job, struct error *err)
{
    if (job->request->existing != RESTORE_INTO_EXISTING ||
        restore_plan_action(job->plan, 0) != RESTORE_USE)
        return true;
    for (uint32_t i = 0; i < archive_contents_count(job->contents); i++) {
        if ((restore_selection_parts(job->selection, i) & SELECTED_DEFINITION) != 0 &&
            !note_schema(job, i, err))
            return false;
    }
    return true;
}

/* ---- Large objects ---- */

static int compare_oids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

bool archive_job_lacks(struct archive_job *job, uint32_t oid)
{
    if (job->lost_count == 0)
        return false;
    if (job->lost_sorted < job->lost_count) {
        qsort(job->lost, job->lost_count, sizeof(*job->lost), compare_oids);
        job->lost_sorted = job->lost_count;
    }
    return bsearch(&oid, job->lost, job->lost_count, sizeof(oid), compare_oids) != NULL;
}

bool archive_job_lacks_object(void *context, uint32_t oid)
{
    struct archive_job *job = context;
    bool lacks;

    pthread_mutex_lock(&job->lock);
    lacks = archive_job_lacks(job, oid);
    pthread_mutex_unlock(&job->lock);
    return lacks;
}

bool archive_job_leaves_object(void *context, uint32_t oid)
{
    struct archive_job *job = context;
    bool leaves;

    pthread_mutex_lock(&job->lock);
    leaves = archive_job_lacks(job, oid);
    job->report->left += leaves;
    pthread_mutex_unlock(&job->lock);
    return leaves;
}
