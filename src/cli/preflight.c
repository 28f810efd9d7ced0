/* What would keep a backup from being made is told all at once, with what mends it; the room at the
 * target is the one thing that only the command can look at. */
#include "cli/preflight.h"

#include "cli/format.h"
#include "cli/location.h"
#include "cli/options_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

/* File systems that compress: less may be needed there than the cluster's size. */
static bool may_compress(const char *target)
{
    static const unsigned long magics[] = {
        0x9123683eUL, /* btrfs */
        0x2fc12fc1UL, /* zfs */
        0xca451a4eUL, /* bcachefs */
        0xf2f52010UL, /* f2fs */
    };
    char *parent = strdup(target);
    char *slash = parent == NULL ? NULL : strrchr(parent, '/');
    struct statfs info;
    bool known;

    if (slash != NULL)
        slash[slash == parent] = '\0';
    known = statfs(slash != NULL ? parent : ".", &info) == 0;
    free(parent);
    for (size_t i = 0; known && i < sizeof(magics) / sizeof(magics[0]); i++) {
        if (((unsigned long)info.f_type & 0xffffffffUL) == magics[i])
            return true;
    }
    return false;
}

/* A tar that is compressed takes less, and how much less is known at its end. */
static bool may_need_less(const char *target)
{
    struct record_place place;
    enum compression compression;
    struct error ignored;

    return (location_of_target(target, &place, &compression, &ignored) &&
            place.kind == PLACE_TAR_FILE && compression != COMPRESSION_NONE) ||
           may_compress(target);
}

#define SPACE_REMEDY "Free space there, or back up to another file system."

bool preflight_check_space(uint64_t needed_bytes, const char *target, uint64_t free_bytes,
                           struct error *err)
{
    char have[FORMAT_SIZE], need[FORMAT_SIZE];

    if (free_bytes == UINT64_MAX || free_bytes >= needed_bytes || may_need_less(target))
        return true;
    format_size(free_bytes, have);
    format_size(needed_bytes, need);
    error_set(err, ERROR_REFUSED,
              "the cluster is about %s without its WAL, and there is room for %s at %s", need, have,
              target);
    return error_hint(err, SPACE_REMEDY);
}

/* A dump has no indexes and no dead rows, and numbers take less room in it: that the database is
 * larger than the room alone does not tell. */
static void check_space(struct preflight_report *report, const struct backup_request *request,
                        const struct backup_target *target)
{
    uint64_t free_bytes = target->free_bytes;
    uint64_t least = request->physical ? report->estimated_bytes : report->least_bytes;
    bool fatal = free_bytes < least && !may_need_less(target->text);
    char have[FORMAT_SIZE], need[FORMAT_SIZE];

    if (free_bytes == UINT64_MAX || free_bytes >= report->estimated_bytes)
        return;
    format_size(free_bytes, have);
    format_size(report->estimated_bytes, need);
    preflight_add(report, fatal, SPACE_REMEDY, "%s about %s %s, and there is room for %s at %s",
                  request->physical ? "the cluster is" : "the database takes", need,
                  request->physical ? "without its WAL" : "on the server", have, target->text);
}

static json_t *finding_to_json(const struct preflight_finding *finding)
{
    json_t *object = json_object(), *objects = json_array();

    result_set_flag(object, "fatal", finding->fatal);
    if (finding->database[0] != '\0')
        result_set(object, "database", result_message(finding->database));
    result_set(object, "message", result_message(finding->message));
    result_set(object, "hint", result_message(finding->remedy));
    for (size_t i = 0; i < finding->object_count; i++)
        json_array_append_new(objects, result_message(finding->objects[i]));
    if (finding->object_count > 0)
        result_set(object, "objects", json_incref(objects));
    json_decref(objects);
    return object;
}

/* How many objects a message names (src/backup/logical_preflight_ask.c). */
#define NAMED 5

void preflight_tell_finding(const struct command *command, const struct preflight_finding *finding)
{
    json_t *list = json_object_get(command->result, "findings");
    char remedy[sizeof(finding->remedy) + 128];

    snprintf(remedy, sizeof(remedy), "%s", finding->remedy);
    if (finding->object_count > NAMED)
        snprintf(remedy, sizeof(remedy), "%s  (All of them are named by " OPTION_JSON ": %s.)",
                 finding->remedy, "\"objects\" of \"findings\"");
    console_finding(command->console, finding->fatal, finding->message, remedy);
    if (list == NULL)
        result_set(command->result, "findings", list = json_array());
    json_array_append_new(list, finding_to_json(finding));
}

static bool tell_findings(const struct command *command, const struct preflight_report *report,
                          struct error *err)
{
    size_t fatal = 0;

    result_set(command->result, "findings", json_array());
    for (size_t i = 0; i < report->count; i++) {
        fatal += report->findings[i].fatal;
        preflight_tell_finding(command, &report->findings[i]);
    }
    if (fatal == 0)
        return true;
    error_set(err, ERROR_REFUSED, "%s: %s",
              command->options->command == COMMAND_CHECK ? "not ready for a backup"
                                                         : "the backup was not begun",
              fatal == 1 ? "something would make it fail" : "several things would make it fail");
    return error_hint(err, "How to fix %s is said above.", fatal == 1 ? "it" : "each of them");
}

static bool judge(const struct command *command, const struct preflight_report *report,
                  struct error *err)
{
    if (report->estimated_bytes > 0)
        result_set_number(command->result, "estimated_bytes", report->estimated_bytes);
    return tell_findings(command, report, err);
}

bool preflight_check(const struct command *command, struct backup_request *request,
                     const struct backup_target *target, struct error *err)
{
    struct preflight_report report = {0};
    bool done = backup_preflight(request, &report, err);

    if (done) {
        check_space(&report, request, target);
        done = judge(command, &report, err);
    }
    preflight_reset(&report);
    return done;
}
