/*
 * What a planner knows of tables is not in an archive, or is from another server. Tables with rows
 * are analyzed one by one, over several sessions, the largest first; then partitioned tables, of
 * which the server has statistics of its own. Before 18 analyzing one of these goes through all of
 * its partitions: they are not gone through before that, and only the uppermost is.
 */
#include "restore/archive_restore_internal.h"

#include "restore/entry_sql_internal.h"

#include <stdlib.h>
#include <string.h>

#define HAS_ONLY 180000 /* ANALYZE ONLY */

struct analysis {
    struct archive_job *job;
    uint32_t *numbers;
    uint32_t count;
    bool *partitions; /* of each entry: it is a table that is attached to another */
};

static bool analyze(void *context, struct restore_worker *worker, uint32_t number,
                    struct error *err)
{
    struct archive_job *job = context;
    struct target_statement statement = {.subject = TARGET_NO_SUBJECT};
    struct archive_entry entry;
    struct buffer text = {0};
    bool done =
        archive_contents_entry_into(job->contents, number, &worker->data.texts, &entry, err);
    /* A table's rows have an entry of their own: what is here by itself is a partitioned one. */
    bool whole = archive_contents_node(job->contents, number).kind == ENTRY_TABLE;
    const char *only = whole && target_session_version(worker->session) >= HAS_ONLY ? "ONLY " : "";

    done = done && buffer_append_string(&text, "ANALYZE ", err) &&
           buffer_append_string(&text, only, err) && entry_sql_qualified(&text, &entry, err);
    statement.text = statement.object = buffer_text(&text);
    done = done && target_execute(worker->session, &statement, err);
    buffer_free(&text);
    return done;
}

/* ---- Partitions ---- */

/* The entry that attaches one is called as it is, and depends on it. */
static bool note_partition(struct analysis *analysis, uint32_t attaching, struct error *err)
{
    struct archive_contents *contents = analysis->job->contents;
    struct contents_node node = archive_contents_node(contents, attaching);
    struct buffer texts = {0}, others = {0};
    struct archive_entry entry, other;
    bool done = archive_contents_entry_into(contents, attaching, &texts, &entry, err);

    for (size_t i = 0; done && i < node.dependency_count; i++) {
        uint32_t number;

        if (!archive_contents_find(contents, node.dependencies[i], &number))
            continue;
        done = archive_contents_entry_into(contents, number, &others, &other, err);
        if (done && strcmp(other.tag, entry.tag) == 0 && entry.schema != NULL &&
            other.schema != NULL && strcmp(other.schema, entry.schema) == 0)
            analysis->partitions[number] = true;
    }
    buffer_free(&texts);
    buffer_free(&others);
    return done;
}

static bool find_partitions(struct analysis *analysis, struct error *err)
{
    for (uint32_t i = 0; i < archive_contents_count(analysis->job->contents); i++) {
        if (archive_contents_node(analysis->job->contents, i).kind == ENTRY_TABLE_ATTACH &&
            (analysis->job->marks[i] & IS_DONE) != 0 && !note_partition(analysis, i, err))
            return false;
    }
    return true;
}

static bool is_partitioned(struct archive_job *job, uint32_t number, bool *partitioned,
                           struct error *err)
{
    struct archive_entry entry;
    bool done =
        archive_contents_entry_into(job->contents, number, &job->main.data.texts, &entry, err);

    *partitioned =
        done && entry.definition != NULL && strstr(entry.definition, "\nPARTITION BY ") != NULL;
    return done;
}

/* ---- What is analyzed ---- */

static bool has_only(const struct archive_job *job)
{
    return target_session_version(job->main.session) >= HAS_ONLY;
}

static bool is_in_a_partition(const struct analysis *analysis, const struct contents_node *node)
{
    for (size_t i = 0; i < node->dependency_count; i++) {
        uint32_t number;

        if (archive_contents_find(analysis->job->contents, node->dependencies[i], &number) &&
            analysis->partitions[number])
            return true;
    }
    return false;
}

static void add_filled(struct analysis *analysis)
{
    const struct archive_job *job = analysis->job;

    for (uint32_t i = 0; i < archive_contents_count(job->contents); i++) {
        struct contents_node node = archive_contents_node(job->contents, i);
        bool filled = node.kind == ENTRY_TABLE_DATA || node.kind == ENTRY_MATERIALIZED_VIEW_DATA;

        if (filled && (job->marks[i] & (IS_DONE | HAS_FAILED)) == IS_DONE &&
            (has_only(job) || !is_in_a_partition(analysis, &node)))
            analysis->numbers[analysis->count++] = i;
    }
}

static bool add_partitioned(struct analysis *analysis, struct error *err)
{
    struct archive_job *job = analysis->job;

    for (uint32_t i = 0; i < archive_contents_count(job->contents); i++) {
        bool partitioned;

        if (archive_contents_node(job->contents, i).kind != ENTRY_TABLE ||
            (job->marks[i] & (IS_DONE | IS_UNMADE)) != IS_DONE)
            continue;
        if (!is_partitioned(job, i, &partitioned, err))
            return false;
        if (partitioned && (has_only(job) || !analysis->partitions[i]))
            analysis->numbers[analysis->count++] = i;
    }
    return true;
}

static bool analyze_all(struct analysis *analysis, struct error *err)
{
    if (!target_settle(analysis->job->main.session, err) || !find_partitions(analysis, err))
        return false;
    add_filled(analysis);
    return add_partitioned(analysis, err) &&
           archive_parallel_run(analysis->job, analysis->numbers, analysis->count, analyze, err);
}

bool archive_analyze(struct archive_job *job, struct error *err)
{
    struct analysis analysis = {.job = job};
    size_t entries = (size_t)archive_contents_count(job->contents) + 1;
    bool done;

    if (!job->request->analyze)
        return true;
    analysis.numbers = calloc(entries, sizeof(*analysis.numbers));
    analysis.partitions = calloc(entries, sizeof(*analysis.partitions));
    done = analysis.numbers != NULL && analysis.partitions != NULL ? analyze_all(&analysis, err)
                                                                   : error_set_memory(err);
    free(analysis.numbers);
    free(analysis.partitions);
    return done;
}
