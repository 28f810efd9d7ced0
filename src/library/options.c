/*
 * The public structures of options and the request that they become. Both are described by rows:
 * the option table's say what a value may be and where the request has it, the members' where a
 * public structure has it. So setting one by its name and taking the whole structure go through the
 * same two tables, and an option is no code.
 */
#include "library/options.h"

#include "backup/backup_options.h"
#include "library/library_internal.h"
#include "library/members_internal.h"
#include "restore/restore_options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PHYSICAL OPTION_COMMAND(LIBRARY_PHYSICAL)
#define LOGICAL OPTION_COMMAND(LIBRARY_LOGICAL)
#define RESTORE OPTION_COMMAND(LIBRARY_RESTORE)

static const struct option_command commands[] = {
    [LIBRARY_PHYSICAL] = {.name = "physical backup"},
    [LIBRARY_LOGICAL] = {.name = "logical backup"},
    [LIBRARY_RESTORE] = {.name = "logical restore"},
};

static const struct option_spec specs[] = {
    {BACKUP_OPTION_LABEL, .commands = PHYSICAL},
    {BACKUP_OPTION_CHECKPOINT, .commands = PHYSICAL},
    {BACKUP_OPTION_MAX_RATE, .commands = PHYSICAL},
    {BACKUP_OPTION_MAX_RETAINED_WAL, .commands = PHYSICAL},
    {BACKUP_OPTION_TRANSFER_COMPRESSION, .commands = PHYSICAL},
    {BACKUP_OPTION_NO_VERIFY_CHECKSUMS, .commands = PHYSICAL},
    {BACKUP_OPTION_DIGEST, .commands = PHYSICAL | LOGICAL},
    {BACKUP_OPTION_STALL_TIMEOUT, .commands = PHYSICAL | LOGICAL},
    {BACKUP_OPTION_COMPRESS, .commands = LOGICAL},
    {BACKUP_OPTION_LOCK_TIMEOUT, .commands = LOGICAL},
    {BACKUP_OPTION_LOCK_TIMEOUT_TOTAL, .commands = LOGICAL},
    {BACKUP_OPTION_STATISTICS, .commands = LOGICAL},
    {BACKUP_OPTION_ALLOW_NEWER_SERVER, .commands = LOGICAL},
    {BACKUP_OPTION_LAYOUT, .commands = LOGICAL},
    {BACKUP_OPTION_DATABASES, .commands = LOGICAL},
    {BACKUP_OPTION_EXCLUDE_DATABASES, .commands = LOGICAL},
    {BACKUP_OPTION_SCHEMAS, .commands = LOGICAL},
    {BACKUP_OPTION_EXCLUDE_SCHEMAS, .commands = LOGICAL},
    {BACKUP_OPTION_TABLES, .commands = LOGICAL},
    {BACKUP_OPTION_TABLES_AND_CHILDREN, .commands = LOGICAL},
    {BACKUP_OPTION_EXCLUDE_TABLES, .commands = LOGICAL},
    {BACKUP_OPTION_EXCLUDE_TABLES_AND_CHILDREN, .commands = LOGICAL},
    {BACKUP_OPTION_EXCLUDE_TABLE_DATA, .commands = LOGICAL},
    {BACKUP_OPTION_EXCLUDE_TABLE_DATA_AND_CHILDREN, .commands = LOGICAL},
    {BACKUP_OPTION_EXTENSIONS, .commands = LOGICAL},
    {BACKUP_OPTION_EXCLUDE_EXTENSIONS, .commands = LOGICAL},
    {BACKUP_OPTION_INCLUDE_FOREIGN_DATA, .commands = LOGICAL},
    {BACKUP_OPTION_WHERE, .commands = LOGICAL},
    {BACKUP_OPTION_FILTER, .commands = LOGICAL},
    {BACKUP_OPTION_SCHEMA_ONLY, .commands = LOGICAL},
    {BACKUP_OPTION_DATA_ONLY, .commands = LOGICAL},
    {BACKUP_OPTION_NO_UNLOGGED_TABLE_DATA, .commands = LOGICAL},
    {BACKUP_OPTION_LARGE_OBJECTS, .commands = LOGICAL},
    {BACKUP_OPTION_NO_LARGE_OBJECTS, .commands = LOGICAL},
    RESTORE_OPTIONS(RESTORE, RESTORE),
    {RESTORE_OPTION_DRY_RUN, .commands = RESTORE},
};

const struct option_program library_options = {
    .name = "pgcask",
    .commands = commands,
    .command_count = sizeof(commands) / sizeof(commands[0]),
    .options = specs,
    .option_count = sizeof(specs) / sizeof(specs[0]),
};

/* ---- The public structures ---- */

union taken {
    struct pgcask_backup_options physical;
    struct pgcask_logical_options logical;
    struct pgcask_logical_restore_options restore;
};

static const struct {
    const char *name;
    size_t size;
} structures[] = {
    [LIBRARY_PHYSICAL] = {"pgcask_backup_options", sizeof(struct pgcask_backup_options)},
    [LIBRARY_LOGICAL] = {"pgcask_logical_options", sizeof(struct pgcask_logical_options)},
    [LIBRARY_RESTORE] = {"pgcask_logical_restore_options",
                         sizeof(struct pgcask_logical_restore_options)},
};

/* Where that structure has the member; NULL: it has it not. */
static void *place_of(const struct library_member *member, enum library_command command,
                      union taken *taken)
{
    const size_t places[] = {member->physical, member->logical, member->restore};
    size_t place = places[command];

    return place == 0 ? NULL : (char *)taken + place;
}

static const struct option_spec *spec_of(const struct library_member *member,
                                         enum library_command command)
{
    size_t i = 0;

    while (strcmp(specs[i].name, member->option) != 0 ||
           (specs[i].commands & OPTION_COMMAND(command)) == 0)
        i++;
    return &specs[i];
}

/* ---- A member by its name ---- */

static void put_given(const struct options *given, union taken *taken)
{
    for (size_t i = 0; i < LIBRARY_MEMBERS; i++) {
        const char *option = library_members[i].option;
        void *place = place_of(&library_members[i], (enum library_command)given->command, taken);

        if (place != NULL && options_given(given, option))
            library_member_put(
                &library_members[i],
                &(struct library_value){options_text(given, option), options_number(given, option)},
                place);
    }
}

static bool set_member(enum library_command command, void *structure, const char *name,
                       const char *value, struct pgcask_error *error)
{
    size_t size = structures[command].size;
    const char *type = structures[command].name;
    struct options given = {0};
    union taken taken;
    struct error err;
    bool done = library_take(&taken, size, structure, type, &err) &&
                options_init(&given, &library_options, command, &err) &&
                options_set(&given, name, value, &err);

    if (done)
        put_given(&given, &taken);
    done = done && library_give(structure, &taken, size, type, &err);
    options_free(&given);
    return done || library_fail(error, &err);
}

bool pgcask_backup_options_set(struct pgcask_backup_options *options, const char *name,
                               const char *value, struct pgcask_error *error)
{
    return set_member(LIBRARY_PHYSICAL, options, name, value, error);
}

bool pgcask_logical_options_set(struct pgcask_logical_options *options, const char *name,
                                const char *value, struct pgcask_error *error)
{
    return set_member(LIBRARY_LOGICAL, options, name, value, error);
}

bool pgcask_logical_restore_options_set(struct pgcask_logical_restore_options *options,
                                        const char *name, const char *value,
                                        struct pgcask_error *error)
{
    return set_member(LIBRARY_RESTORE, options, name, value, error);
}

/* ---- The request ---- */

/* What no text was read for may be anything. Durations are as short as the program wants them. */
static bool check(const struct library_member *member, const struct option_spec *spec,
                  uint64_t number, struct error *err)
{
    if (spec->kind == OPTION_CHOICE &&
        (number >= OPTION_CHOICES_MAX || spec->choices[number] == NULL))
        return error_set(err, ERROR_USAGE, "unknown %s %d", member->name, (int)number);
    if (spec->kind == OPTION_RATE && number != 0 &&
        (number < spec->minimum || number > spec->maximum))
        return error_set(err, ERROR_USAGE,
                         "%s is %" PRIu64 "; it can be %" PRIu64 " to %" PRIu64 ", or 0",
                         member->name, number, spec->minimum, spec->maximum);
    return true;
}

static bool is_default(const struct library_member *member, const struct option_spec *spec,
                       const struct library_value *value)
{
    if (member->zero_counts)
        return false;
    if (spec->kind == OPTION_DURATION)
        return (int64_t)value->number <= 0;
    return value->text == NULL && value->number == 0;
}

/* The caller's texts last as long as the call. */
static bool take_list(struct backup_request *request, size_t member, const char *text,
                      struct library_job *job, struct error *err)
{
    job->lists[member] = strdup(text);
    if (job->lists[member] == NULL)
        return error_set_memory(err);
    options_store_list(spec_of(&library_members[member], LIBRARY_LOGICAL),
                       (const char *const *)&job->lists[member], 1, request);
    return true;
}

static bool take_members(struct backup_request *request, enum library_command command,
                         union taken *taken, struct library_job *job, struct error *err)
{
    for (size_t i = 0; i < LIBRARY_MEMBERS; i++) {
        const void *place = place_of(&library_members[i], command, taken);
        const struct option_spec *spec;
        struct library_value value;

        if (place == NULL)
            continue;
        spec = spec_of(&library_members[i], command);
        value = library_member_get(&library_members[i], place);
        if (!check(&library_members[i], spec, value.number, err))
            return false;
        if (is_default(&library_members[i], spec, &value))
            continue;
        if (spec->kind != OPTION_LIST)
            options_store(spec, value.text, value.number, request);
        else if (!take_list(request, i, value.text, job, err))
            return false;
    }
    return true;
}

bool library_request(struct backup_request *request, enum library_command command,
                     const struct pgcask_settings *settings, const void *given,
                     struct library_job *job, struct error *err)
{
    struct options none = {0};
    union taken taken;
    bool done;

    *request = (struct backup_request){
        .physical = command == LIBRARY_PHYSICAL,
        .cancel = &job->cancel,
        .log = &job->log,
    };
    done = library_take(&taken, structures[command].size, given, structures[command].name, err) &&
           library_settings_check(settings, &request->settings, err) &&
           options_init(&none, &library_options, command, err) &&
           backup_request_read(request, &none, err) &&
           take_members(request, command, &taken, job, err) && backup_request_check(request, err) &&
           (request->physical || backup_request_settle_databases(request, true, err));
    options_free(&none);
    return done;
}

/* ---- The request for a restore ---- */

/* As if it had been typed; a number's text is the job's. */
static bool give(struct options *given, size_t number, const struct library_value *value,
                 struct library_job *job, struct error *err)
{
    const struct library_member *member = &library_members[number];

    if (member->type == MEMBER_TEXT)
        return options_set(given, member->option, value->text, err);
    if (member->type == MEMBER_BOOL)
        return options_set(given, member->option, "true", err);
    free(job->lists[number]);
    if (asprintf(&job->lists[number], "%" PRIu64, value->number) < 0) {
        job->lists[number] = NULL;
        return error_set_memory(err);
    }
    return options_set(given, member->option, job->lists[number], err);
}

static bool give_members(struct options *given, union taken *taken, struct library_job *job,
                         struct error *err)
{
    for (size_t i = 0; i < LIBRARY_MEMBERS; i++) {
        const void *place = place_of(&library_members[i], LIBRARY_RESTORE, taken);
        struct library_value value;

        if (place == NULL)
            continue;
        value = library_member_get(&library_members[i], place);
        if ((value.text != NULL || value.number != 0) && !give(given, i, &value, job, err))
            return false;
    }
    return true;
}

bool library_restore_request(struct restore_request *request, struct options *given,
                             struct pgcask_logical_restore_options *options,
                             const struct pgcask_settings *settings, struct library_job *job,
                             struct error *err)
{
    union taken taken = {.restore = *options};

    *request = (struct restore_request){.cancel = &job->cancel, .log = &job->log};
    return library_settings_check(settings, &request->settings, err) &&
           options_init(given, &library_options, LIBRARY_RESTORE, err) &&
           give_members(given, &taken, job, err) && restore_request_read(request, given, err);
}
