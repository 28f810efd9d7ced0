/* restore_probe CONNINFO SOURCE [MEMBER[=VALUE]]…: a logical restore by src/restore alone. SOURCE
 * is a directory, a file or -; each MEMBER is one of struct restore_request. Prints a line of JSON
 * for each failure and one at the end; exit status 0, 3 if something failed, 1 if it ended early.
 */
#include "base/utf8.h"
#include "restore/logical_restore.h"
#include "restore/restore_plan.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum member_kind { MEMBER_FLAG, MEMBER_TEXT, MEMBER_NUMBER };

struct member {
    const char *name;
    size_t offset;
    enum member_kind kind;
};

#define MEMBER(name, kind)                                                                         \
    {                                                                                              \
#name, offsetof(struct restore_request, name), kind                                        \
    }

static const struct member members[] = {
    MEMBER(database, MEMBER_TEXT),
    MEMBER(role, MEMBER_TEXT),
    MEMBER(search_path, MEMBER_TEXT),
    MEMBER(list_file, MEMBER_TEXT),
    MEMBER(spool_directory, MEMBER_TEXT),
    MEMBER(create_db, MEMBER_FLAG),
    MEMBER(schema_only, MEMBER_FLAG),
    MEMBER(data_only, MEMBER_FLAG),
    MEMBER(no_globals, MEMBER_FLAG),
    MEMBER(role_passwords, MEMBER_FLAG),
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
    MEMBER(single_transaction, MEMBER_FLAG),
    MEMBER(disable_triggers, MEMBER_FLAG),
    MEMBER(row_security, MEMBER_FLAG),
    MEMBER(analyze, MEMBER_FLAG),
    MEMBER(dry_run, MEMBER_FLAG),
    MEMBER(jobs, MEMBER_NUMBER),
    MEMBER(sections, MEMBER_NUMBER),
    MEMBER(transaction_size, MEMBER_NUMBER),
};

static bool set_existing(struct restore_request *request, const char *word)
{
    static const char *const words[] = {"refuse", "into_existing", "clean", "recreate"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) != 0)
            continue;
        request->existing = (enum restore_existing)i;
        return true;
    }
    return false;
}

/* Names of lists; one may be given several times. */
static bool set_list(struct restore_request *request, const char *word, size_t len)
{
    static const char *const names[RESTORE_LISTS + 2] = {"schemas",   "exclude_schemas",  "tables",
                                                         "functions", "triggers",         "indexes",
                                                         "databases", "exclude_databases"};
    static const char *texts[RESTORE_LISTS + 2][8];

    for (size_t i = 0; i < RESTORE_LISTS + 2; i++) {
        struct option_list *list = i < RESTORE_LISTS    ? &request->lists[i]
                                   : i == RESTORE_LISTS ? &request->databases
                                                        : &request->exclude_databases;

        if (strlen(names[i]) != len || strncmp(names[i], word, len) != 0 || word[len] != '=' ||
            list->count == 8)
            continue;
        texts[i][list->count++] = word + len + 1;
        list->texts = texts[i];
        return true;
    }
    return false;
}

static bool set_member(struct restore_request *request, const char *word)
{
    size_t len = strcspn(word, "=");
    const char *value = word[len] == '=' ? word + len + 1 : "";

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        char *at = (char *)request + members[i].offset;

        if (strlen(members[i].name) != len || strncmp(members[i].name, word, len) != 0)
            continue;
        if (members[i].kind == MEMBER_FLAG)
            *(bool *)at = true;
        else if (members[i].kind == MEMBER_TEXT)
            *(const char **)at = value;
        else
            *(unsigned *)at = (unsigned)strtoul(value, NULL, 10);
        return true;
    }
    return set_list(request, word, len) || set_existing(request, word);
}

static void print(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);

    puts(text);
    free(text);
    json_decref(object);
}

static void print_failure(void *context, const char *database, const struct target_failure *failure)
{
    json_t *object = json_object();

    (void)context;
    json_object_set_new(object, "database", utf8_to_json(database));
    json_object_set_new(object, "object", utf8_to_json(failure->object));
    json_object_set_new(object, "sqlstate", utf8_to_json(failure->sqlstate));
    json_object_set_new(object, "message", utf8_to_json(failure->message));
    json_object_set_new(object, "hint", utf8_to_json(failure->hint));
    json_object_set_new(object, "context", utf8_to_json(failure->context));
    json_object_set_new(object, "statement", utf8_to_json(failure->statement));
    json_object_set_new(object, "position", json_integer(failure->position));
    json_object_set_new(object, "harmless",
                        failure->harmless == NULL ? json_null() : utf8_to_json(failure->harmless));
    print(object);
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

static void print_findings(const struct preflight_report *found)
{
    for (size_t i = 0; i < found->count; i++) {
        struct preflight_finding finding = found->findings[i];

        error_spell_text(finding.message, sizeof(finding.message), NULL);
        error_spell_text(finding.remedy, sizeof(finding.remedy), NULL);
        print(json_pack("{sbsoso}", "fatal", finding.fatal, "finding",
                        utf8_to_json(finding.message), "hint", utf8_to_json(finding.remedy)));
    }
}

static void print_report(const struct logical_restore_report *report, const struct error *err)
{
    json_t *object = json_object();

    json_object_set_new(object, "objects", json_integer((json_int_t)report->objects));
    json_object_set_new(object, "rows", json_integer((json_int_t)report->rows));
    json_object_set_new(object, "bytes", json_integer((json_int_t)report->bytes));
    json_object_set_new(object, "failures", json_integer((json_int_t)report->failures));
    json_object_set_new(object, "harmless", json_integer((json_int_t)report->harmless));
    json_object_set_new(object, "passed_over", json_integer((json_int_t)report->passed_over));
    json_object_set_new(object, "left", json_integer((json_int_t)report->left));
    json_object_set_new(object, "left_out", json_integer((json_int_t)report->left_out));
    json_object_set_new(object, "kept", json_integer((json_int_t)report->kept_count));
    json_object_set_new(object, "seconds", json_real(report->seconds));
    json_object_set_new(object, "error", utf8_to_json(err->message));
    print(object);
}

static bool open_settings(const char *conninfo, struct wire_settings **settings, struct error *err)
{
    *settings = wire_settings_new(err);
    return *settings != NULL && wire_settings_parse(*settings, conninfo, err) &&
           wire_settings_complete(*settings, err);
}

static struct restore_input input_of(const char *name)
{
    struct restore_input input = {.name = name, .place = {.kind = PLACE_TAR_FILE, .path = name}};
    struct stat status;

    if (strcmp(name, "-") == 0)
        input.place = (struct record_place){.kind = PLACE_TAR_STREAM, .fd = 0};
    else if (stat(name, &status) == 0 && S_ISDIR(status.st_mode))
        input.place.kind = PLACE_DIRECTORY;
    return input;
}

int main(int argc, char **argv)
{
    struct restore_request request = {
        .on_failure = print_failure, .on_plan = print_plan, .plan_lists = true};
    struct logical_restore_report report = {0};
    struct wire_settings *settings = NULL;
    struct restore_input input;
    struct cancel cancel;
    struct error err;
    bool done;
    int status;

    error_clear(&err);
    for (int i = 3; i < argc; i++) {
        if (set_member(&request, argv[i]))
            continue;
        fprintf(stderr, "no such member: %s\n", argv[i]);
        return 2;
    }
    if (argc < 3 || !cancel_init(&cancel, &err) || !open_settings(argv[1], &settings, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 2;
    }
    request.settings = settings;
    request.cancel = &cancel;
    input = input_of(argv[2]);
    done = logical_restore_run(&request, &input, &report, &err);
    print_findings(&report.preflight);
    error_spell(&err, NULL);
    print_report(&report, &err);
    if (!done)
        fprintf(stderr, "%s\n%s\n%s\n", err.message, err.detail, err.hint);
    status = !done ? 1 : report.failures > 0 ? 3 : 0;
    logical_restore_report_reset(&report);
    wire_settings_free(settings);
    cancel_reset(&cancel);
    return status;
}
