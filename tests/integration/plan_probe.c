/*
 * plan_probe CONNINFO ARCHIVE [MEMBER[=VALUE]]…: what comes before a restore, by src/restore alone.
 * Each MEMBER is one of struct restore_request; lists may be given several times. Prints JSON, a
 * line each: the entries that are wanted, in order; each finding; the plan. CONNINFO -: entries
 * alone. MEMBER make: the database is made, too, with what the archive says of it. Exit status 0, 1
 * if it was refused or failed, which is told on standard error.
 */
#include "restore/archive_input.h"
#include "restore/restore_prepare.h"

#include "archive/archive_contents.h"
#include "base/utf8.h"
#include "restore/target_databases.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- The request ---- */

enum member_kind { MEMBER_FLAG, MEMBER_TEXT, MEMBER_NUMBER, MEMBER_LIST, MEMBER_EXISTING };

#define MEMBER(name, kind)                                                                         \
    {                                                                                              \
#name, kind, offsetof(struct restore_request, name), 0                                     \
    }
#define LIST(name, number)                                                                         \
    {                                                                                              \
#name, MEMBER_LIST, 0, number                                                              \
    }
#define EXISTING(name, number)                                                                     \
    {                                                                                              \
#name, MEMBER_EXISTING, 0, number                                                          \
    }

static const struct member {
    const char *name;
    enum member_kind kind;
    size_t offset;
    int number;
} members[] = {
    MEMBER(database, MEMBER_TEXT),
    MEMBER(role, MEMBER_TEXT),
    MEMBER(list_file, MEMBER_TEXT),
    MEMBER(create_db, MEMBER_FLAG),
    MEMBER(schema_only, MEMBER_FLAG),
    MEMBER(data_only, MEMBER_FLAG),
    MEMBER(no_globals, MEMBER_FLAG),
    MEMBER(no_owner, MEMBER_FLAG),
    MEMBER(no_privileges, MEMBER_FLAG),
    MEMBER(no_comments, MEMBER_FLAG),
    MEMBER(no_security_labels, MEMBER_FLAG),
    MEMBER(no_publications, MEMBER_FLAG),
    MEMBER(no_subscriptions, MEMBER_FLAG),
    MEMBER(no_policies, MEMBER_FLAG),
    MEMBER(no_tablespaces, MEMBER_FLAG),
    MEMBER(no_table_access_method, MEMBER_FLAG),
    MEMBER(no_statistics, MEMBER_FLAG),
    MEMBER(exit_on_error, MEMBER_FLAG),
    MEMBER(disable_triggers, MEMBER_FLAG),
    MEMBER(jobs, MEMBER_NUMBER),
    MEMBER(sections, MEMBER_NUMBER),
    LIST(schemas, RESTORE_SCHEMAS),
    LIST(exclude_schemas, RESTORE_EXCLUDE_SCHEMAS),
    LIST(tables, RESTORE_TABLES),
    LIST(functions, RESTORE_FUNCTIONS),
    LIST(triggers, RESTORE_TRIGGERS),
    LIST(indexes, RESTORE_INDEXES),
    EXISTING(into_existing, RESTORE_INTO_EXISTING),
    EXISTING(clean, RESTORE_CLEAN),
    EXISTING(recreate, RESTORE_RECREATE),
};

#define TEXTS_MAX 8

struct probe {
    struct restore_request request;
    const char *texts[RESTORE_LISTS][TEXTS_MAX];
    bool make, globals_are_apart;
    json_t *out;
};

static void set(struct probe *probe, const struct member *member, const char *value)
{
    char *at = (char *)&probe->request + member->offset;
    struct option_list *list = &probe->request.lists[member->number];

    switch (member->kind) {
    case MEMBER_FLAG:
        *(bool *)at = true;
        break;
    case MEMBER_TEXT:
        *(const char **)at = value;
        break;
    case MEMBER_NUMBER:
        *(unsigned *)at = (unsigned)strtoul(value, NULL, 10);
        break;
    case MEMBER_LIST:
        probe->texts[member->number][list->count++ % TEXTS_MAX] = value;
        list->texts = probe->texts[member->number];
        break;
    case MEMBER_EXISTING:
        probe->request.existing = (enum restore_existing)member->number;
        break;
    }
}

static bool set_member(struct probe *probe, const char *word)
{
    size_t len = strcspn(word, "=");

    if (strcmp(word, "make") == 0)
        return probe->make = true;
    if (strcmp(word, "globals_are_apart") == 0)
        return probe->globals_are_apart = true;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (strlen(members[i].name) != len || strncmp(members[i].name, word, len) != 0)
            continue;
        set(probe, &members[i], word[len] == '=' ? word + len + 1 : "");
        return true;
    }
    return false;
}

/* ---- What is printed ---- */

static void print(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);

    puts(text);
    free(text);
    json_decref(object);
}

static void print_entries(const struct restore_selection *selection,
                          struct archive_contents *contents)
{
    json_t *entries = json_array();
    const uint32_t *order;
    size_t count;

    order = restore_selection_order(selection, &count);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(entries,
                              json_pack("[ii]", archive_contents_node(contents, order[i]).dump_id,
                                        (int)restore_selection_parts(selection, order[i])));
    print(json_pack("{so}", "entries", entries));
}

static void print_finding(void *context, const struct preflight_finding *finding)
{
    struct preflight_finding spelled = *finding;

    (void)context;
    error_spell_text(spelled.message, sizeof(spelled.message), NULL);
    error_spell_text(spelled.remedy, sizeof(spelled.remedy), NULL);
    print(json_pack("{sbsoso}", "fatal", spelled.fatal, "finding", utf8_to_json(spelled.message),
                    "hint", utf8_to_json(spelled.remedy)));
}

static void print_plan(void *context, const struct restore_plan *plan)
{
    struct buffer text = {0};
    struct error err;

    (void)context;
    if (restore_plan_append_text(&text, plan, &err))
        print(json_pack("{soss}", "plan", restore_plan_to_json(plan, true), "text",
                        buffer_text(&text)));
    buffer_free(&text);
}

/* ---- The work ---- */

static void print_failure(void *context, const struct target_failure *failure)
{
    (void)context;
    print(json_pack("{soso}", "object", utf8_to_json(failure->object), "failure",
                    utf8_to_json(failure->message)));
}

static bool make(struct restore_plan *plan, struct error *err)
{
    const struct target_listener told = {.failed = print_failure};

    return restore_plan_make(plan, 0, &told, err);
}

static bool prepare(const struct probe *probe, struct archive_contents *contents,
                    const struct restore_selection *selection, const char *file, struct error *err)
{
    const struct prepare_options options = {.file = file,
                                            .globals_are_apart = probe->globals_are_apart};
    struct restore_plan *plan = NULL;
    bool done = restore_prepare(&probe->request, contents, selection, &options, &plan, err) &&
                (!probe->make || make(plan, err));

    restore_plan_free(plan);
    return done;
}

static bool run(struct probe *probe, const char *file, struct error *err)
{
    struct record_place place = {.kind = PLACE_TAR_FILE, .path = file};
    struct restore_selection *selection = NULL;
    struct archive_input *input;
    struct stat status;
    bool done = false;

    if (stat(file, &status) == 0 && S_ISDIR(status.st_mode))
        place.kind = PLACE_DIRECTORY;
    input = archive_input_open(&place, NULL, probe->request.cancel, err);
    if (input != NULL)
        selection = restore_prepare_selection(&probe->request, archive_input_contents(input), err);
    if (selection != NULL) {
        print_entries(selection, archive_input_contents(input));
        done = probe->request.settings == NULL ||
               prepare(probe, archive_input_contents(input), selection, file, err);
    }
    restore_selection_free(selection);
    archive_input_free(input);
    return done;
}

static bool open_settings(const char *conninfo, struct wire_settings **settings, struct error *err)
{
    if (strcmp(conninfo, "-") == 0)
        return true;
    *settings = wire_settings_new(err);
    return *settings != NULL && wire_settings_parse(*settings, conninfo, err) &&
           wire_settings_complete(*settings, err);
}

int main(int argc, char **argv)
{
    struct probe probe = {.request = {.on_finding = print_finding, .on_plan = print_plan}};
    struct wire_settings *settings = NULL;
    struct cancel cancel;
    struct error err;
    bool done;

    error_clear(&err);
    for (int i = 3; i < argc; i++) {
        if (set_member(&probe, argv[i]))
            continue;
        fprintf(stderr, "no such member: %s\n", argv[i]);
        return 2;
    }
    probe.request.dry_run = !probe.make;
    probe.request.cancel = &cancel;
    done = argc >= 3 && cancel_init(&cancel, &err) && open_settings(argv[1], &settings, &err);
    probe.request.settings = settings;
    done = done && run(&probe, argv[2], &err);
    error_spell(&err, NULL);
    if (!done)
        fprintf(stderr, "%s\n%s\n%s\n", err.message, err.detail, err.hint);
    wire_settings_free(settings);
    cancel_reset(&cancel);
    return done ? 0 : 1;
}
