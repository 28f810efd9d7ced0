/*
 * What a restore is asked to select, held against the table of contents of an archive: an entry a
 * line ("desc;schema;tag;id;id it depends on"), a blank line, then lists, a line each, whose first
 * letter says which, and behind a second blank line the text of a list file. The first byte
 * chooses among what else may be asked for.
 *
 * Holds: of what is wanted each entry stands in the order once, and nothing else does; the passes
 * come one after the other; the archive's own order, or the list's, has the same entries. A refusal
 * says something. Asked for the second time the answer is the same.
 *
 * Limits: -malloc_limit_mb=4 -max_len=8192
 */
#include "restore/restore_selection.h"
#include "support/feed.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ENTRIES_MOST 400
#define TEXTS_MOST 4 /* in each list */

struct made_archive {
    struct archive_entry entries[ENTRIES_MOST];
    int32_t dependencies[ENTRIES_MOST];
    size_t count;
};

/* ---- Reading the input, which is changed: its lines end in NULs then ---- */

static char *next_word(char **rest, char end)
{
    char *word = *rest, *found;

    if (word == NULL)
        return NULL;
    found = strchr(word, end);
    if (found != NULL)
        *found = '\0';
    *rest = found == NULL ? NULL : found + 1;
    return word;
}

static enum archive_section section_of(const char *desc)
{
    static const char *const behind[] = {"INDEX", "CONSTRAINT", "TRIGGER", "RULE"};
    static const char *const beside[] = {"ACL", "COMMENT", "SECURITY LABEL"};

    for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
        if (strstr(desc, behind[i]) != NULL)
            return SECTION_POST_DATA;
    }
    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
        if (strcmp(desc, beside[i]) == 0)
            return SECTION_NONE;
    }
    return strstr(desc, "DATA") != NULL || strcmp(desc, "SEQUENCE SET") == 0 ? SECTION_DATA
                                                                             : SECTION_PRE_DATA;
}

static void add_entry(struct made_archive *archive, char *line)
{
    struct archive_entry *entry = &archive->entries[archive->count];
    const char *desc = next_word(&line, ';'), *schema = next_word(&line, ';');
    const char *tag = next_word(&line, ';'), *id = next_word(&line, ';');
    const char *depends = next_word(&line, ';');

    *entry = (struct archive_entry){
        .dump_id = id == NULL ? (int32_t)archive->count + 1 : (int32_t)strtoul(id, NULL, 10),
        .desc = desc,
        .tag = tag == NULL ? "" : tag,
        .schema = schema == NULL || schema[0] == '\0' ? NULL : schema,
        .definition = "SELECT 1;\n",
        .section = section_of(desc),
        .has_data = strstr(desc, "DATA") != NULL || strcmp(desc, "BLOBS") == 0,
    };
    if (depends != NULL) {
        archive->dependencies[archive->count] = (int32_t)strtoul(depends, NULL, 10);
        entry->dependencies = &archive->dependencies[archive->count];
        entry->dependency_count = 1;
    }
    archive->count++;
}

static void add_list(struct restore_request *request, const char **texts, const char *line)
{
    static const char letters[] = "ntfgix"; /* of enum restore_list, but for the first two */
    const char *found = strchr(letters, line[0]);
    size_t which = found == NULL || line[0] == '\0' ? 0 : (size_t)(found - letters);
    struct option_list *list = &request->lists[which % RESTORE_LISTS];

    if (line[0] == '\0' || list->count == TEXTS_MOST)
        return;
    list->texts = texts + (which % RESTORE_LISTS) * TEXTS_MOST;
    texts[(which % RESTORE_LISTS) * TEXTS_MOST + list->count++] = line + 1;
}

static void choose(struct restore_request *request, uint8_t choice)
{
    request->schema_only = (choice & 3) == 1;
    request->data_only = (choice & 3) == 2;
    request->create_db = (choice & 4) != 0;
    request->no_comments = (choice & 8) != 0;
    request->no_privileges = (choice & 16) != 0;
    request->sections = choice >> 5;
}

/* ---- What must hold ---- */

static bool give(void *context, uint32_t number, struct archive_entry *entry, struct error *err)
{
    const struct made_archive *archive = context;

    (void)err;
    must(number < archive->count);
    *entry = archive->entries[number];
    return true;
}

static void check(const struct restore_selection *selection, const struct made_archive *archive,
                  struct trace *trace)
{
    size_t count, in_file, seen[ENTRIES_MOST] = {0}, listed[ENTRIES_MOST] = {0};
    const uint32_t *order = restore_selection_order(selection, &count);
    const uint32_t *file = restore_selection_file_order(selection, &in_file);
    enum restore_pass pass = RESTORE_PASS_MAIN;

    must(count == in_file && count <= archive->count);
    for (size_t i = 0; i < count; i++) {
        must(order[i] < archive->count && file[i] < archive->count);
        must(++seen[order[i]] == 1 && ++listed[file[i]] == 1);
        must(restore_selection_pass(selection, order[i]) >= pass);
        pass = restore_selection_pass(selection, order[i]);
        trace_number(trace, order[i]);
        trace_number(trace, file[i]);
    }
    for (uint32_t i = 0; i < archive->count; i++) {
        unsigned parts = restore_selection_parts(selection, i);

        must(seen[i] == listed[i]);
        must((seen[i] == 1) == ((parts & (SELECTED_DEFINITION | SELECTED_DATA)) != 0));
        must((parts & SELECTED_DATA) == 0 || archive->entries[i].has_data);
        trace_number(trace, parts);
    }
    must(restore_selection_left_out(selection) <= archive->count);
}

static struct trace select_once(const struct restore_request *request, const char *list,
                                struct made_archive *made)
{
    const struct selection_archive archive = {made->count, "app", made, give};
    const struct selection_wishes wishes = {
        .request = request,
        .list = list == NULL ? (struct slice){NULL, 0} : slice_string(list),
        .list_name = "list",
    };
    struct trace trace = {0};
    struct error err;
    struct restore_selection *selection = restore_selection_new(&wishes, &archive, &err);

    if (selection == NULL)
        must_be_told(&err);
    else
        check(selection, made, &trace);
    trace_end(&trace, selection != NULL, &err);
    restore_selection_free(selection);
    return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct made_archive archive;
    struct restore_request request = {0};
    const char *texts[RESTORE_LISTS * TEXTS_MOST];
    struct slice input = slice_make(data, size);
    struct trace one, other;
    char *text, *rest, *line;

    choose(&request, feed_choice(&input));
    text = rest = strndup((const char *)input.data, input.len);
    archive.count = 0;
    while ((line = next_word(&rest, '\n')) != NULL && line[0] != '\0') {
        if (archive.count < ENTRIES_MOST)
            add_entry(&archive, line);
    }
    while ((line = next_word(&rest, '\n')) != NULL && line[0] != '\0')
        add_list(&request, texts, line);
    one = select_once(&request, rest, &archive);
    other = select_once(&request, rest, &archive);
    must(trace_equals(&one, &other));
    free(text);
    return 0;
}
