/*
 * A trial is a restore like any other, but for what is done around each database: its name is made
 * up, what its rows come to is summed on the way, and behind the last statement it is compared and
 * dropped.
 */
#include "trial/trial_internal.h"

#include "base/text.h"
#include "restore/restore_needs.h"
#include "restore/restore_selection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- What its entries name ---- */

/* A selection of tables has the tables, and not their schemas. */
static bool gather_schemas(struct trial *trial, const struct restore_needs *needs,
                           struct error *err)
{
    bool done = true;

    for (size_t i = 0; done && i < needs->schemas.count; i++) {
        const char *schema = needs->schemas.items[i].name;

        if (!name_set_has(&needs->made_schemas, schema) && strncmp(schema, "pg_", 3) != 0 &&
            strcmp(schema, "information_schema") != 0 && strcmp(schema, "public") != 0)
            done = name_set_add(&trial->schemas, schema, NULL, err);
    }
    return done;
}

/* Whom its entries name at all: missing, until the server was asked. */
static bool gather_roles(struct trial *trial, const struct restore_needs *needs, struct error *err)
{
    bool done = true;

    for (size_t i = 0; done && i < needs->roles.count; i++)
        done = name_set_add(&trial->missing, needs->roles.items[i].name, NULL, err);
    for (size_t i = 0; done && i < needs->owners.count; i++)
        done = name_set_add(&trial->missing, needs->owners.items[i].name, NULL, err);
    return done;
}

/* Only rows: nothing says into what. */
static bool refuse_rows_alone(const struct trial *trial, struct error *err)
{
    bool rows = false, defines = false;

    for (uint32_t i = 0; i < archive_contents_count(trial->contents); i++) {
        enum entry_kind kind = archive_contents_node(trial->contents, i).kind;

        rows = rows || kind == ENTRY_TABLE_DATA;
        defines = defines || kind == ENTRY_TABLE || kind == ENTRY_EXTENSION ||
                  kind == ENTRY_FOREIGN_TABLE;
    }
    if (!rows || defines)
        return true;
    error_set(err, ERROR_UNSUPPORTED, "the archive has rows alone, and not the tables for them");
    return error_hint(err, "Verify it without a server, or verify a backup that has both. To try "
                           "the rows, restore the tables into a database of their own, and the "
                           "rows into that.");
}

static bool gather(struct trial *trial, struct error *err)
{
    struct restore_needs needs = {0};
    struct archive_entry entry;
    bool done = true;

    for (uint32_t i = 0; done && i < archive_contents_count(trial->contents); i++)
        done = archive_contents_entry(trial->contents, i, &entry, err) &&
               trial_add_needs(&needs, trial, &entry, err);
    done = done && gather_schemas(trial, &needs, err) && gather_roles(trial, &needs, err);
    restore_needs_reset(&needs);
    return done;
}

/* ---- Around a database ---- */

static void say_phase(const struct trial *trial, const char *phase)
{
    if (trial->request->phase != NULL)
        trial->request->phase(trial->request->context, phase);
}

static void name_database(void *context, const char *database, char out[64])
{
    trial_database_name(context, database, out);
}

static void note_missing(struct trial *trial)
{
    struct buffer names = {0};
    struct error ignored;

    for (size_t i = 0; i < trial->missing.count && i < 10; i++)
        buffer_printf(&names, &ignored, "%s\"%s\"", i == 0 ? "" : ", ",
                      trial->missing.items[i].name);
    if (trial->missing.count > 0)
        trial_note(trial,
                   "the server has no role%s %s%s: who owns what, and privileges and policies that "
                   "name %s, were not compared there",
                   TEXT_S(trial->missing.count), buffer_text(&names),
                   trial->missing.count > 10 ? ", …" : "",
                   trial->missing.count == 1 ? "it" : "them");
    buffer_free(&names);
}

static void forget_names(struct trial *trial)
{
    name_set_reset(&trial->missing);
    name_set_reset(&trial->schemas);
    trial->missing = trial->schemas = (struct name_set){0};
}

static bool begin(void *context, struct archive_contents *contents, const char *name,
                  struct error *err)
{
    struct trial *trial = context;
    const char *database = archive_contents_header(contents)->database;

    (void)name;
    snprintf(trial->database, sizeof(trial->database), "%s", database == NULL ? "" : database);
    trial->contents = contents;
    say_phase(trial, "restoring");
    forget_names(trial);
    if (!refuse_rows_alone(trial, err) || !gather(trial, err) || !trial_find_missing(trial, err))
        return false;
    note_missing(trial);
    return true;
}

static bool made(void *context, const char *name, struct error *err)
{
    return trial_make_schemas(context, name, err);
}

static bool compare(void *context, const char *name, const struct content_sums *sums,
                    struct error *err)
{
    say_phase(context, "comparing");
    return trial_compare(context, name, sums, err);
}

static void end(void *context, const char *name, struct error *err)
{
    struct trial *trial = context;

    trial_database_drop(trial, name, err);
    trial->contents = NULL;
}

/* ---- Around a database of a script ---- */

static bool begin_script(void *context, const char *database, const char *name, struct error *err)
{
    struct trial *trial = context;

    (void)name;
    (void)err;
    say_phase(trial, "restoring");
    snprintf(trial->database, sizeof(trial->database), "%s", database);
    trial->contents = NULL;
    forget_names(trial);
    return true;
}

/* Which roles it names is known at its end. */
static bool compare_script(void *context, struct archive_contents *contents, const char *name,
                           const struct content_sums *sums,
                           const struct restore_trial_script *facts, struct error *err)
{
    struct trial *trial = context;
    bool done;

    trial->contents = contents;
    trial->script = facts;
    say_phase(trial, "comparing");
    done = gather(trial, err) && trial_find_missing(trial, err);
    if (done) {
        note_missing(trial);
        done = trial_compare(trial, name, sums, err);
    }
    trial->script = NULL;
    trial->contents = NULL;
    return done;
}

static void note(void *context, const char *text)
{
    struct trial *trial = context;

    trial->database[0] = '\0';
    trial_note(trial, "%s", text);
}

/* ---- Failures ---- */

/* A role that is missing has been told: what fails for that is not the archive's fault. */
static bool fails_for_role(struct trial *trial, const struct target_failure *failure)
{
    uint32_t number = (uint32_t)failure->subject;
    struct archive_entry entry;
    struct buffer texts = {0};
    struct error ignored;
    bool names = false;

    if (strcmp(failure->sqlstate, "42704") != 0 || trial->contents == NULL ||
        number >= archive_contents_count(trial->contents))
        return false;
    if (archive_contents_entry_into(trial->contents, number, &texts, &entry, &ignored))
        trial_names_missing(trial, &entry, true, &names, &ignored);
    buffer_free(&texts);
    return names;
}

static void take_failure(void *context, const char *database, const struct target_failure *failure)
{
    struct trial *trial = context;
    char problem[1200];

    (void)database;
    pthread_mutex_lock(&trial->lock);
    if (failure->harmless == NULL && !fails_for_role(trial, failure)) {
        snprintf(problem, sizeof(problem), "%s (SQLSTATE %s)", failure->message, failure->sqlstate);
        trial_tell(trial, TRIAL_FAILED, failure->object, problem);
    }
    pthread_mutex_unlock(&trial->lock);
}

static void take_plan(void *context, const struct restore_plan *plan)
{
    const struct trial *trial = context;
    const struct restore_request *given = &trial->request->restore;

    if (given->on_plan != NULL)
        given->on_plan(given->context, plan);
}

/* ---- The run ---- */

static bool prepare(struct trial *trial, struct error *err)
{
    struct restore_request *restore = &trial->restore;
    uint8_t random[6];

    if (getentropy(&trial->hooks.key, sizeof(trial->hooks.key)) != 0 ||
        getentropy(random, sizeof(random)) != 0)
        return error_set_errno(err, errno, "cannot get random bytes");
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(trial->run + 2 * i, 3, "%02x", random[i]);
    trial->hooks.context = trial;
    trial->hooks.name = name_database;
    trial->hooks.begin = begin;
    trial->hooks.made = made;
    trial->hooks.compare = compare;
    trial->hooks.end = end;
    trial->hooks.begin_script = begin_script;
    trial->hooks.compare_script = compare_script;
    trial->hooks.note = note;
    *restore = trial->request->restore;
    restore->trial = &trial->hooks;
    restore->on_failure = take_failure;
    restore->on_plan = take_plan;
    restore->context = trial;
    restore->create_db = true;
    restore->no_globals = restore->no_tablespaces = restore->no_statistics = true;
    return trial_server_open(trial, err);
}

bool trial_run(const struct trial_request *request, const struct restore_input *input,
               struct trial_report *report, struct error *err)
{
    struct trial trial = {.request = request, .report = report};
    bool done;

    *report = (struct trial_report){0};
    pthread_mutex_init(&trial.lock, NULL);
    done =
        prepare(&trial, err) && logical_restore_run(&trial.restore, input, &report->restore, err);
    forget_names(&trial);
    wire_settings_free(trial.settings);
    pthread_mutex_destroy(&trial.lock);
    return done;
}

void trial_report_reset(struct trial_report *report)
{
    logical_restore_report_reset(&report->restore);
}
