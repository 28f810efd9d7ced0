/* Filling a plan; what it says is made by restore_plan_make.c. */
#include "restore/restore_plan_internal.h"

#include "archive/sql_script.h"
#include "base/array.h"
#include "restore/sql_words.h"
#include "restore/target_databases.h"

#include <stdlib.h>

struct restore_plan *restore_plan_new(const struct restore_request *request, struct error *err)
{
    struct restore_plan *plan = calloc(1, sizeof(*plan));

    if (plan == NULL) {
        error_set_memory(err);
        return NULL;
    }
    plan->request = request;
    return plan;
}

static void free_database(struct planned_database *database)
{
    free(database->name);
    free(database->source);
    free(database->encoding);
    free(database->first_session);
    free(database->own);
    free(database->entries);
    database_recipe_reset(&database->recipe);
    restore_needs_reset(&database->needs);
    name_set_reset(&database->subscriptions);
    name_set_reset(&database->slots);
    name_set_reset(&database->children);
    arena_free(&database->texts);
    buffer_free(&database->dropped_names);
    free(database);
}

void restore_plan_free(struct restore_plan *plan)
{
    if (plan == NULL)
        return;
    for (size_t i = 0; i < plan->count; i++)
        free_database(plan->databases[i]);
    name_set_reset(&plan->roles_there);
    name_set_reset(&plan->tablespaces_there);
    name_set_reset(&plan->own_roles);
    name_set_reset(&plan->closed_roles);
    free(plan->databases);
    free(plan->server.role);
    free(plan);
}

void restore_plan_expect_globals(struct restore_plan *plan)
{
    plan->globals_expected = true;
}

void restore_plan_keep_last(struct restore_plan *plan)
{
    if (plan->count > 0)
        plan->databases[plan->count - 1]->kept = true;
}

void restore_plan_tell_globals(struct restore_plan *plan, const struct restore_globals *globals)
{
    plan->globals = globals;
}

/* ---- A database ---- */

static struct planned_database *add_database(struct restore_plan *plan, const char *name,
                                             struct error *err)
{
    struct planned_database *database;

    if (plan->count == plan->capacity) {
        struct planned_database **grown =
            array_grow(plan->databases, &plan->capacity, sizeof(*grown), err);

        if (grown == NULL)
            return NULL;
        plan->databases = grown;
    }
    database = calloc(1, sizeof(*database));
    if (database == NULL || (database->name = strdup(name)) == NULL) {
        free(database);
        error_set_memory(err);
        return NULL;
    }
    plan->databases[plan->count++] = database;
    return database;
}

/* What is no recipe may still be a statement: the server says so before anything is dropped. Of one
 * that is there the locales are known by being in use. */
bool restore_plan_add_of_script(struct restore_plan *plan, const struct script_database *of,
                                struct error *err)
{
    struct planned_database *database = add_database(plan, of->name, err);
    enum restore_existing existing = plan->request->existing;
    bool goes = of->definition != NULL && !target_database_is_fixed(of->name);

    if (database == NULL)
        return false;
    database->of_script = true;
    database->made = of->made;
    database->named = of->named;
    database->remade = goes && existing == RESTORE_RECREATE;
    database->dropped = goes && of->dropped && existing == RESTORE_CLEAN;
    database->spared = of->spared && existing == RESTORE_CLEAN;
    if (goes)
        database->has_recipe =
            database_recipe_parse(&database->recipe, of->definition, &database->recipe_error);
    return true;
}

/* ---- What it says of itself ---- */

/* "SET client_encoding = 'UTF8';" */
static bool take_encoding(void *context, const struct sql_word *word)
{
    struct planned_database *database = context;
    struct buffer name = {0};
    struct error ignored;

    if (word->kind != SQL_WORD_STRING)
        return true;
    if (sql_word_append_string(&name, word, &ignored) && name.len > 0) {
        free(database->encoding);
        database->encoding = strdup(buffer_text(&name));
    }
    buffer_free(&name);
    return false;
}

/* "ALTER DATABASE a CONNECTION LIMIT = 1", "… IS_TEMPLATE = true". */
static bool take_limit(void *context, const struct sql_word *word)
{
    bool *limits = context;

    *limits = sql_word_is(word, "connection") || sql_word_is(word, "is_template");
    return !*limits && !sql_word_is(word, "set");
}

static bool may_keep_out(const char *desc, struct slice statement)
{
    bool limits = false;

    sql_words_walk(statement, take_limit, &limits);
    return limits || strcmp(desc, "ACL") == 0;
}

static struct own_statement *new_own(struct planned_database *database, struct error *err)
{
    if (database->own_count == database->own_capacity) {
        struct own_statement *grown =
            array_grow(database->own, &database->own_capacity, sizeof(*grown), err);

        if (grown == NULL)
            return NULL;
        database->own = grown;
    }
    return &database->own[database->own_count];
}

static bool add_statement(struct planned_database *database, uint32_t number, const char *desc,
                          struct slice text, struct error *err)
{
    const char *of = strcmp(desc, "DATABASE") == 0 ? "" : " OF DATABASE";
    struct own_statement *own = new_own(database, err);
    struct buffer renamed = {0};
    bool done;

    if (own == NULL)
        return false;
    /* Until then its comment is what tells that it is not complete. */
    *own = (struct own_statement){
        .number = number,
        .last = strcmp(desc, "COMMENT") == 0 || may_keep_out(desc, text),
    };
    done = buffer_printf(&renamed, err, "%s%s %s", desc, of, database->name) &&
           (own->object = arena_copy(&database->texts, buffer_text(&renamed), err)) != NULL;
    buffer_clear(&renamed);
    done = done &&
           database_text_append(&renamed, text, database->source == NULL ? "" : database->source,
                                database->name, err) &&
           (own->text = arena_copy(&database->texts, buffer_text(&renamed), err)) != NULL;
    buffer_free(&renamed);
    database->own_count += done;
    return done;
}

static bool add_own(struct planned_database *database, uint32_t number, const char *desc,
                    const char *text, struct error *err)
{
    struct slice rest = slice_string(text), statement;

    while (sql_statement_next(&rest, false, NULL, &statement)) {
        if (!add_statement(database, number, desc, statement, err))
            return false;
    }
    return true;
}

static bool add_owner(struct planned_database *database, uint32_t number, const char *owner,
                      struct error *err)
{
    struct buffer sql = {0};
    bool done = buffer_append_string(&sql, "ALTER DATABASE ", err) &&
                wire_quote_identifier(&sql, database->source, err) &&
                buffer_append_string(&sql, " OWNER TO ", err) &&
                wire_quote_identifier(&sql, owner, err) && buffer_append_string(&sql, ";\n", err) &&
                add_own(database, number, "DATABASE", buffer_text(&sql), err) &&
                (database->owner = arena_copy(&database->texts, owner, err)) != NULL;

    if (done)
        database->own[database->own_count - 1].owner = true;
    buffer_free(&sql);
    return done;
}

/* The tag is the name that its own SQL has; the header may have none. */
static bool take_recipe(const struct restore_plan *plan, struct planned_database *database,
                        const struct archive_entry *entry, uint32_t number, struct error *err)
{
    const char *definition = entry->definition == NULL ? "" : entry->definition;

    free(database->source);
    database->source = entry->tag == NULL ? NULL : strdup(entry->tag);
    if (database->source == NULL)
        return entry->tag == NULL ? error_set(err, ERROR_CORRUPT, "a database has no name")
                                  : error_set_memory(err);
    database->has_recipe =
        database_recipe_parse(&database->recipe, definition, &database->recipe_error);
    return plan->request->no_owner || !archive_has_text(entry->owner) ||
           add_owner(database, number, entry->owner, err);
}

static bool take_own(const struct restore_plan *plan, struct planned_database *database,
                     const struct archive_entry *entry, uint32_t number, struct error *err)
{
    if (strcmp(entry->desc, "DATABASE") == 0)
        return take_recipe(plan, database, entry, number, err);
    if (!archive_has_text(entry->definition))
        return true;
    return add_own(database, number, entry->desc, entry->definition, err);
}

/* ---- Entries ---- */

/* Few words are said of many entries: those of one beside the other stand once. */
static const char *share(struct arena *texts, const char *text, const char *before,
                         struct error *err)
{
    const char *known = text == NULL ? "" : entry_kind_name(entry_kind_of(text));

    if (text == NULL)
        return NULL;
    if (strcmp(known, text) == 0)
        return known;
    return before != NULL && strcmp(before, text) == 0 ? before : arena_copy(texts, text, err);
}

static bool keep_entry(struct planned_database *database, const struct archive_entry *entry,
                       const struct restore_selection *selection, uint32_t number,
                       struct error *err)
{
    struct planned_entry *kept;
    struct arena *texts = &database->texts;
    const char *schema;

    if (database->entry_count == database->entry_capacity) {
        struct planned_entry *grown =
            array_grow(database->entries, &database->entry_capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        database->entries = grown;
    }
    kept = &database->entries[database->entry_count];
    schema = database->entry_count == 0 ? NULL : kept[-1].schema;
    *kept = (struct planned_entry){
        .dump_id = entry->dump_id,
        .parts = (uint8_t)restore_selection_parts(selection, number),
        .pass = (uint8_t)restore_selection_pass(selection, number),
        .desc = share(texts, entry->desc, NULL, err),
        .schema = share(texts, entry->schema, schema, err),
        .tag = arena_copy(texts, entry->tag == NULL ? "" : entry->tag, err),
    };
    if (kept->desc == NULL || kept->tag == NULL || (entry->schema != NULL && kept->schema == NULL))
        return false;
    database->entry_count++;
    return true;
}

static bool take_entry(const struct restore_plan *plan, struct planned_database *database,
                       const struct archive_entry *entry, const struct restore_selection *selection,
                       uint32_t number, struct error *err)
{
    unsigned parts = restore_selection_parts(selection, number);

    if (entry->desc == NULL)
        return error_set(err, ERROR_CORRUPT, "an entry of the archive does not say what it is");
    if (strcmp(entry->desc, "ENCODING") == 0 && entry->definition != NULL)
        sql_words_walk(slice_string(entry->definition), take_encoding, database);
    if (parts == 0 || (parts & SELECTED_SETTING) != 0)
        return true;
    if (restore_selection_is_of_database(selection, number) &&
        !take_own(plan, database, entry, number, err))
        return false;
    return restore_needs_add(&database->needs, plan->request, entry, parts, err) &&
           restore_plan_note_dropped(plan, database, entry, parts, err);
}

static bool take_entries(const struct restore_plan *plan, struct planned_database *database,
                         struct archive_contents *contents,
                         const struct restore_selection *selection, struct error *err)
{
    uint32_t count = archive_contents_count(contents);

    for (uint32_t i = 0; i < count; i++) {
        struct archive_entry entry;

        if (!archive_contents_entry(contents, i, &entry, err) ||
            !take_entry(plan, database, &entry, selection, i, err) ||
            !restore_plan_note_child(plan, database, contents, selection, i, &entry, err))
            return false;
        if ((restore_selection_parts(selection, i) & SELECTED_DATA) != 0)
            database->data_bytes += archive_contents_node(contents, i).data_bytes;
    }
    return true;
}

/* For a list of them, in the order in which they will be restored. */
static bool keep_entries(struct planned_database *database, struct archive_contents *contents,
                         const struct restore_selection *selection, struct error *err)
{
    size_t count;
    const uint32_t *order = restore_selection_order(selection, &count);

    for (size_t i = 0; i < count; i++) {
        struct archive_entry entry;

        if (!archive_contents_entry(contents, order[i], &entry, err) ||
            !keep_entry(database, &entry, selection, order[i], err))
            return false;
    }
    return true;
}

/* A selection of tables does not say how its database is made. For a trial any will do that holds
 * its texts: the locale C goes with every encoding. */
static bool make_up_recipe(struct planned_database *database, struct error *err)
{
    struct database_recipe *recipe = &database->recipe;

    if (database->has_recipe || database->recipe_error.code != ERROR_NONE)
        return true;
    recipe->encoding = strdup(database->encoding == NULL ? "UTF8" : database->encoding);
    recipe->locale = strdup("C");
    database->has_recipe = true;
    return (recipe->encoding != NULL && recipe->locale != NULL) || error_set_memory(err);
}

bool restore_plan_add(struct restore_plan *plan, struct archive_contents *contents,
                      const struct restore_selection *selection, const char *name,
                      struct error *err)
{
    const struct archive_header *header = archive_contents_header(contents);
    struct planned_database *database = add_database(plan, name, err);

    if (database == NULL)
        return false;
    if (archive_has_text(header->database) && (database->source = strdup(header->database)) == NULL)
        return error_set_memory(err);
    if (archive_has_text(header->server_version))
        database->archive_version = atoi(header->server_version);
    return take_entries(plan, database, contents, selection, err) &&
           (plan->request->trial == NULL || make_up_recipe(database, err)) &&
           (!plan->request->dry_run || !plan->request->plan_lists ||
            keep_entries(database, contents, selection, err));
}

/* ---- Checking ---- */

static bool check_database(struct restore_plan *plan, struct planned_database *database,
                           struct wire_conn *conn, struct error *err)
{
    bool done = true;

    plan->report->database = plan->count > 1 ? database->name : NULL;
    restore_plan_judge_database(plan, database);
    restore_plan_judge_children(plan, database);
    if (!database->exists || database->action != RESTORE_USE) {
        restore_plan_judge_new(plan, database);
        done = restore_plan_try_locales(plan, database, conn, err);
    } else if (!database->closed && !database->invalid)
        done = restore_plan_ask_database(plan, database, err);
    plan->report->database = NULL;
    return done;
}

bool restore_plan_check(struct restore_plan *plan, struct preflight_report *report,
                        struct error *err)
{
    struct wire_conn *conn = NULL;
    bool done;

    plan->report = report;
    done = target_connect_any(&conn, plan->request, TARGET_BYTES, err) &&
           restore_plan_ask_globals(plan, conn, err) && restore_plan_ask_server(plan, conn, err);
    if (done) {
        restore_plan_judge_server(plan);
        restore_plan_judge_globals(plan);
    }
    for (size_t i = 0; done && i < plan->count; i++)
        done = check_database(plan, plan->databases[i], conn, err);
    wire_close(conn);
    plan->report = NULL;
    return done;
}

/* ---- What it says ---- */

size_t restore_plan_count(const struct restore_plan *plan)
{
    return plan->count;
}

const char *restore_plan_database(const struct restore_plan *plan, size_t number)
{
    return plan->databases[number]->name;
}

enum restore_action restore_plan_action(const struct restore_plan *plan, size_t number)
{
    return plan->databases[number]->action;
}
