/*
 * Which data of an archive are put in, and how. Of a table that was not made there are none; of one
 * that was made here, and has none yet, the rows may be frozen.
 */
#include "restore/archive_restore_internal.h"

#include "restore/entry_sql_internal.h"

#include <string.h>

bool archive_job_find_table(const struct archive_job *job, const struct contents_node *node,
                            uint32_t *number)
{
    for (size_t i = 0; i < node->dependency_count; i++) {
        enum entry_kind kind;

        if (!archive_contents_find(job->contents, node->dependencies[i], number))
            continue;
        kind = archive_contents_node(job->contents, *number).kind;
        if (kind == ENTRY_TABLE || kind == ENTRY_FOREIGN_TABLE)
            return true;
    }
    return false;
}

static unsigned marks_of(struct archive_job *job, uint32_t number)
{
    unsigned marks;

    pthread_mutex_lock(&job->lock);
    marks = job->marks[number];
    pthread_mutex_unlock(&job->lock);
    return marks;
}

static bool is_unmade(struct archive_job *job, const struct contents_node *node)
{
    uint32_t table;

    return archive_job_find_table(job, node, &table) && (marks_of(job, table) & IS_UNMADE) != 0;
}

/* "CREATE TABLE public.t (": an ordinary table in the usual access method, by its very name, that
 * was not there before. */
static bool makes_ordinary_table(const struct archive_entry *table,
                                 const struct archive_entry *rows)
{
    static const char create[] = "CREATE TABLE ", unlogged[] = "CREATE UNLOGGED TABLE ";
    const char *text = table->definition == NULL ? "" : table->definition;

    if (strcmp(table->tag, rows->tag) != 0 || table->schema == NULL || rows->schema == NULL ||
        strcmp(table->schema, rows->schema) != 0 ||
        (table->access_method != NULL && table->access_method[0] != '\0' &&
         strcmp(table->access_method, "heap") != 0))
        return false;
    while (*text == '\n')
        text++;
    if (strncmp(text, create, strlen(create)) == 0)
        text += strlen(create);
    else if (strncmp(text, unlogged, strlen(unlogged)) == 0)
        text += strlen(unlogged);
    else
        return false;
    text = entry_sql_behind_name(text, rows);
    return text != NULL && *text == ' ' && strstr(text, "\nPARTITION BY ") == NULL;
}

/* What pg_dump makes behind the rows may be here in what others write, or in a column's name. */
static bool may_have_index(const struct archive_entry *table)
{
    return strcasestr(table->definition, "UNIQUE") != NULL ||
           strcasestr(table->definition, "PRIMARY") != NULL ||
           strcasestr(table->definition, "EXCLUDE") != NULL ||
           strcasestr(table->definition, "REFERENCES") != NULL;
}

/* *bare: it has no index either. */
static bool is_fresh(struct archive_job *job, uint32_t number, const struct archive_entry *rows,
                     bool *bare)
{
    struct contents_node node = archive_contents_node(job->contents, number);
    struct archive_entry table;
    struct buffer texts = {0};
    struct error ignored;
    uint32_t its;
    bool fresh;

    fresh = archive_job_find_table(job, &node, &its) &&
            (marks_of(job, its) & (IS_MADE | IS_UNMADE | HAS_FAILED)) == IS_MADE &&
            (marks_of(job, number) & IS_FIRST) != 0 &&
            archive_contents_entry_into(job->contents, its, &texts, &table, &ignored) &&
            makes_ordinary_table(&table, rows);
    *bare = fresh && !may_have_index(&table) &&
            (job->places == NULL || (job->places[its] & PLACE_KEYED) == 0);
    buffer_free(&texts);
    return fresh;
}

/* Asked once of an entry: of two with rows of one table the second is not. */
bool archive_job_is_fresh(void *context, uint32_t number, const struct archive_entry *rows)
{
    bool bare;

    return is_fresh(context, number, rows, &bare);
}

bool archive_job_shares(void *context, uint32_t number)
{
    struct archive_job *job = context;
    struct archive_entry rows;
    struct buffer texts = {0};
    struct error ignored;
    bool bare = false, shares;

    shares = job->request->transaction_size == 0 && !job->main.data.disable_triggers &&
             archive_contents_entry_into(job->contents, number, &texts, &rows, &ignored) &&
             rows.copy != NULL && restore_data_is_plain_copy(&rows) &&
             is_fresh(job, number, &rows, &bare) && bare;
    buffer_free(&texts);
    if (!shares)
        return false;
    pthread_mutex_lock(&job->lock);
    job->marks[number] |= IS_SHARED;
    pthread_mutex_unlock(&job->lock);
    if (!job->said_order)
        log_message(job->request->log, LOG_WARNING,
                    "a stream's rows are put in by several sessions: those of large tables do "
                    "not keep their order");
    job->said_order = true;
    return true;
}

/* Whether these rows are the first of their table. */
static void note_rows(struct archive_job *job, uint32_t number, const struct contents_node *node)
{
    uint32_t table;

    pthread_mutex_lock(&job->lock);
    if (archive_job_find_table(job, node, &table) && (job->marks[table] & HAS_ROWS) == 0) {
        job->marks[table] |= HAS_ROWS;
        job->marks[number] |= IS_FIRST;
    }
    pthread_mutex_unlock(&job->lock);
}

/* What a trial puts into a foreign table would be put into another server. */
static bool goes_elsewhere(const struct archive_job *job, const struct contents_node *node)
{
    uint32_t number;

    for (size_t i = 0; job->request->trial != NULL && i < node->dependency_count; i++) {
        if (archive_contents_find(job->contents, node->dependencies[i], &number) &&
            archive_contents_node(job->contents, number).kind == ENTRY_FOREIGN_TABLE)
            return true;
    }
    return false;
}

bool archive_job_wants(void *context, uint32_t number, bool *wanted, struct error *err)
{
    struct archive_job *job = context;
    struct contents_node node = archive_contents_node(job->contents, number);
    char name[256];

    *wanted = (restore_selection_parts(job->selection, number) & SELECTED_DATA) != 0 &&
              !goes_elsewhere(job, &node);
    if (*wanted && node.kind == ENTRY_TABLE_DATA)
        note_rows(job, number, &node);
    if (!*wanted || node.kind != ENTRY_TABLE_DATA || !is_unmade(job, &node))
        return cancel_check(&job->cancel, err);
    *wanted = false;
    pthread_mutex_lock(&job->lock);
    job->report->passed_over++;
    pthread_mutex_unlock(&job->lock);
    archive_contents_name(job->contents, number, name, sizeof(name));
    log_message(job->request->log, LOG_WARNING,
                "%s: passed over, because the table could not be made", name);
    return true;
}
