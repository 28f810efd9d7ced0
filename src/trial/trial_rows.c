/*
 * Rows of both sides, table by table. Rows that an archive puts in by way of a partitioned table
 * may lie in another partition afterwards, so that they are summed there: a partition of which
 * either side says so belongs to that table, and what the two have of it is added up.
 */
#include "trial/trial_internal.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* The last one whose servers print numbers of floating point with more digits than need be. */
#define LAST_WITH_LONG_NUMBERS 11

/* An entry of rows. */
struct rows {
    uint64_t own, group;     /* hashes of names: its table's, and that which its rows go into */
    uint64_t columns, order; /* of its columns' names, whatever their order, and in it */
    uint32_t number;
    bool made;   /* of that side */
    bool copied; /* by a COPY, which says its columns */
};

struct tables {
    struct trial *trial;
    const struct trial_sides *sides;
    struct rows *rows;
    size_t count;
    bool long_numbers;
    size_t statements; /* tables whose rows are INSERTs with values that are no constants */
    size_t uncounted;  /* … or of an unknown number */
    size_t passed;     /* tables whose rows were not put in */
    size_t unforeseen; /* … that differ, where a script has other statements that change rows */
    struct buffer text;
};

/* ---- Names ---- */

/* Takes an identifier, with or without quotes, off the front of the text. */
static bool append_identifier(struct buffer *out, const char **text, struct error *err)
{
    const char *at = *text;
    bool quoted = *at == '"';

    if (!quoted) {
        size_t len = strcspn(at, ". (,)\n");

        *text = at + len;
        return buffer_append(out, at, len, err);
    }
    for (at++; *at != '\0'; at++) {
        if (*at == '"' && *++at != '"')
            break;
        if (!buffer_append_byte(out, *at, err))
            return false;
    }
    *text = at;
    return true;
}

static uint64_t hash_of(const struct tables *tables)
{
    return XXH3_64bits_withSeed(tables->text.data, tables->text.len, tables->trial->hooks.key);
}

/* " (a, b) FROM stdin;". */
static bool find_columns(struct tables *tables, const char *text, struct rows *rows,
                         struct error *err)
{
    if (strncmp(text, " (", 2) != 0)
        return true;
    for (text += 2; *text != '\0' && *text != ')'; text += strspn(text, ", ")) {
        uint64_t hash;

        buffer_clear(&tables->text);
        if (!append_identifier(&tables->text, &text, err))
            return false;
        hash = hash_of(tables);
        rows->columns += hash;
        rows->order = rows->order * 31 + hash;
        if (*text != ',' && *text != ')')
            break;
    }
    return true;
}

/* Behind the words: "s.t (a, b) FROM stdin;". */
static bool find_name(struct tables *tables, const char *copy, const char *words, struct rows *rows,
                      struct error *err)
{
    if (copy == NULL || strncmp(copy, words, strlen(words)) != 0)
        return true;
    copy += strlen(words);
    buffer_clear(&tables->text);
    if (!append_identifier(&tables->text, &copy, err))
        return false;
    if (*copy != '.') /* as pg_dump of old had it, which named no schema */
        return true;
    copy++;
    if (!buffer_append_byte(&tables->text, '\0', err) ||
        !append_identifier(&tables->text, &copy, err))
        return false;
    rows->group = hash_of(tables);
    return find_columns(tables, copy, rows, err);
}

/* The table that a COPY is of, or what stands before INSERTs that go elsewhere; the same as own
 * where nothing says. */
static bool find_target(struct tables *tables, const struct archive_entry *entry, struct rows *rows,
                        struct error *err)
{
    rows->copied = archive_has_text(entry->copy);
    return rows->copied
               ? find_name(tables, entry->copy, "COPY ", rows, err)
               : find_name(tables, entry->definition, "-- load via partition root ", rows, err);
}

static bool put_rows(struct tables *tables, struct rows *rows, const struct archive_entry *entry,
                     struct error *err)
{
    buffer_clear(&tables->text);
    if (!buffer_append_string(&tables->text, entry->schema == NULL ? "" : entry->schema, err) ||
        !buffer_append_byte(&tables->text, '\0', err) ||
        !buffer_append_string(&tables->text, entry->tag == NULL ? "" : entry->tag, err))
        return false;
    rows->own = rows->group = hash_of(tables);
    return find_target(tables, entry, rows, err);
}

static bool gather(struct tables *tables, const struct trial_side *side, struct error *err)
{
    struct archive_entry entry;

    for (uint32_t i = 0; i < archive_contents_count(side->contents); i++) {
        struct rows *rows = &tables->rows[tables->count];

        if (archive_contents_node(side->contents, i).kind != ENTRY_TABLE_DATA)
            continue;
        if (!archive_contents_entry(side->contents, i, &entry, err) ||
            !put_rows(tables, rows, &entry, err))
            return false;
        rows->number = i;
        rows->made = side == &tables->sides->made;
        tables->count++;
    }
    return true;
}

/* ---- Groups ---- */

static int compare_numbers(uint64_t one, uint64_t other)
{
    return one < other ? -1 : one > other;
}

/* Of one table that which says where its rows go comes first. */
static int by_own(const void *a, const void *b)
{
    const struct rows *one = a, *other = b;

    if (one->own != other->own)
        return compare_numbers(one->own, other->own);
    return (one->group == one->own) - (other->group == other->own);
}

static int by_group(const void *a, const void *b)
{
    const struct rows *one = a, *other = b;

    if (one->group != other->group)
        return compare_numbers(one->group, other->group);
    if (one->made != other->made)
        return one->made ? 1 : -1;
    return compare_numbers(one->number, other->number);
}

static void settle_groups(struct tables *tables)
{
    struct rows *rows = tables->rows;

    qsort(rows, tables->count, sizeof(*rows), by_own);
    for (size_t i = 1; i < tables->count; i++) {
        if (rows[i].own == rows[i - 1].own)
            rows[i].group = rows[i - 1].group;
    }
    qsort(rows, tables->count, sizeof(*rows), by_group);
}

/* ---- Comparing ---- */

static bool is_equal(struct content_hash one, struct content_hash other)
{
    return one.low == other.low && one.high == other.high;
}

static const struct trial_side *side_of(const struct tables *tables, const struct rows *rows)
{
    return rows->made ? &tables->sides->made : &tables->sides->archive;
}

static struct content_sum sum_of(const struct tables *tables, const struct rows *rows, size_t count)
{
    struct content_sum sum = {.known = true};

    for (size_t i = 0; i < count; i++)
        content_sum_add(&sum, content_sums_of(side_of(tables, rows)->sums, rows[i].number));
    return sum;
}

static void tell_difference(struct trial *trial, const char *object, const struct content_sum *one,
                            const struct content_sum *other, const char *what)
{
    char problem[256];

    if (one->count != other->count)
        snprintf(problem, sizeof(problem),
                 "%" PRIu64 " %s%s in the archive, and %" PRIu64 " where it was restored",
                 one->count, what, TEXT_S(one->count), other->count);
    else
        snprintf(problem, sizeof(problem), "%" PRIu64 " %s%s on both sides, which are not the same",
                 one->count, what, TEXT_S(one->count));
    trial_tell(trial, TRIAL_ROWS, object, problem);
}

/* Where the order of columns is another one, the rows are read in the archive's. *same is false if
 * the columns themselves are not those of the archive. */
static bool settle_columns(struct tables *tables, const struct rows *rows, struct content_sum *sum,
                           bool *same, struct error *err)
{
    const struct trial_side *side = &tables->sides->archive;
    char object[TRIAL_OBJECT_SIZE];
    struct archive_entry entry;

    *same = rows[0].columns == rows[1].columns;
    if (*same && rows[0].order == rows[1].order)
        return true;
    if (!archive_contents_entry(side->contents, rows->number, &entry, err))
        return false;
    if (*same)
        return trial_read_again(tables->trial, &tables->sides->made, rows[1].number, entry.copy,
                                sum, err);
    trial_object_name(&entry, object);
    trial_tell(tables->trial, TRIAL_DIFFERENT, object,
               "the table has other columns than in the archive");
    return true;
}

/* Its COPYs and INSERTs do not say all of what is in its tables. */
static bool changes_rows(const struct restore_trial_script *script)
{
    return script->changed_line > 0 || script->unknown_rows > 0;
}

/* So many entries of the archive, and behind them of what was made, are of one table. */
static bool compare_group(struct tables *tables, const struct rows *rows, size_t archive,
                          size_t made, struct error *err)
{
    struct content_sum one = sum_of(tables, rows, archive);
    struct content_sum other = sum_of(tables, rows + archive, made);
    char object[TRIAL_OBJECT_SIZE];
    struct archive_entry entry;
    bool same = true;

    tables->statements += one.statements && !one.uncounted;
    tables->uncounted += one.uncounted;
    tables->passed += !one.known;
    if (one.uncounted || !one.known)
        return true;
    if (archive == 1 && made == 1 && rows[0].copied &&
        !settle_columns(tables, rows, &other, &same, err))
        return false;
    if (!same)
        return true;
    tables->trial->report->tables++;
    tables->trial->report->rows += one.count;
    if (one.count == other.count &&
        (tables->long_numbers || one.statements || is_equal(one.text, other.text) ||
         is_equal(one.instants, other.instants)))
        return true;
    if (tables->trial->script != NULL && changes_rows(tables->trial->script)) {
        tables->unforeseen++;
        return true;
    }
    if (!archive_contents_entry(side_of(tables, rows)->contents, rows->number, &entry, err))
        return false;
    trial_object_name(&entry, object);
    tell_difference(tables->trial, object, &one, &other, "row");
    return true;
}

static bool compare_groups(struct tables *tables, struct error *err)
{
    const struct rows *rows = tables->rows;
    bool done = true;

    for (size_t i = 0, end; done && i < tables->count; i = end) {
        size_t made;

        for (end = i; end < tables->count && rows[end].group == rows[i].group; end++)
            ;
        for (made = i; made < end && !rows[made].made; made++)
            ;
        done = compare_group(tables, rows + i, made - i, end - made, err);
    }
    return done;
}

/* ---- Large objects ---- */

static struct content_sum sum_objects(const struct trial_side *side)
{
    struct content_sum sum = {.known = true};

    for (uint32_t i = 0; i < archive_contents_count(side->contents); i++) {
        if (archive_contents_node(side->contents, i).kind == ENTRY_BLOBS)
            content_sum_add(&sum, content_sums_of(side->sums, i));
    }
    return sum;
}

static void compare_objects(struct tables *tables)
{
    struct content_sum one = sum_objects(&tables->sides->archive);
    struct content_sum other = sum_objects(&tables->sides->made);

    tables->trial->report->large_objects += one.count;
    if (tables->trial->script != NULL && tables->trial->script->unknown_objects) {
        trial_note(tables->trial, "large objects were not compared: the script makes them in "
                                  "another way than pg_dump does");
        return;
    }
    if (one.count != other.count || !is_equal(one.text, other.text))
        tell_difference(tables->trial, "LARGE OBJECTS", &one, &other, "large object");
}

/* ---- All of it ---- */

static void note_script(const struct tables *tables, const struct restore_trial_script *script)
{
    if (tables->unforeseen > 0 && script->changed_line > 0)
        trial_note(tables->trial,
                   "the rows of %zu table%s are not those that the script copies and inserts, but "
                   "line %" PRIu64
                   " of it, and what may follow, can change rows as well: they were "
                   "not compared",
                   tables->unforeseen, TEXT_S(tables->unforeseen), script->changed_line);
    else if (tables->unforeseen > 0)
        trial_note(tables->trial,
                   "the rows of %zu table%s are not those that the script copies and inserts, but "
                   "%zu statement%s of it put%s in rows in another form than pg_dump's: they were "
                   "not compared",
                   tables->unforeseen, TEXT_S(tables->unforeseen), script->unknown_rows,
                   TEXT_S(script->unknown_rows), script->unknown_rows == 1 ? "s" : "");
    if (script->foreign > 0)
        trial_note(tables->trial,
                   "%zu statement%s that put%s rows into foreign tables %s passed over",
                   script->foreign, TEXT_S(script->foreign), script->foreign == 1 ? "s" : "",
                   script->foreign == 1 ? "was" : "were");
}

static void note_rest(struct tables *tables)
{
    if (tables->trial->script != NULL)
        note_script(tables, tables->trial->script);
    if (tables->statements > 0)
        trial_note(tables->trial,
                   "the rows of %zu table%s are INSERT statements with values that are no "
                   "constants: they were counted, and not compared",
                   tables->statements, TEXT_S(tables->statements));
    if (tables->uncounted > 0)
        trial_note(
            tables->trial,
            "the rows of %zu table%s are statements that do not say how many rows they make: "
            "they were restored, and neither counted nor compared",
            tables->uncounted, TEXT_S(tables->uncounted));
    if (tables->passed > 0)
        trial_note(tables->trial,
                   "the rows of %zu table%s were neither restored nor compared: they would go into "
                   "a foreign table, or the table could not be made",
                   tables->passed, TEXT_S(tables->passed));
    if (tables->long_numbers)
        trial_note(tables->trial,
                   "servers up to PostgreSQL %d print floating-point numbers in another way: rows "
                   "were counted, and not compared",
                   LAST_WITH_LONG_NUMBERS);
}

bool trial_compare_rows(struct trial *trial, const struct trial_sides *sides, struct error *err)
{
    struct tables tables = {.trial = trial, .sides = sides};
    int major = trial_major(archive_contents_header(sides->archive.contents)->server_version);
    bool done;

    tables.long_numbers = major > 0 && major <= LAST_WITH_LONG_NUMBERS;
    tables.rows = calloc((size_t)archive_contents_count(sides->archive.contents) +
                             archive_contents_count(sides->made.contents) + 1,
                         sizeof(*tables.rows));
    if (tables.rows == NULL)
        return error_set_memory(err);
    done = gather(&tables, &sides->archive, err) && gather(&tables, &sides->made, err);
    if (done) {
        settle_groups(&tables);
        done = compare_groups(&tables, err);
    }
    if (done) {
        compare_objects(&tables);
        note_rest(&tables);
    }
    free(tables.rows);
    buffer_free(&tables.text);
    return done;
}
