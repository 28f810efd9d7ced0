/* Failures are kept as text that can be shown: archives are in any encoding. */
#include "restore/restore_report.h"

#include "base/error_names.h"
#include "base/quote.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENT_KEPT ((size_t)4096)

/* NULL if there is no memory: a failure with less of its texts is still a failure. */
static char *copy_text(const char *text, size_t most)
{
    struct buffer out = {0};
    struct slice bytes = slice_string(text);
    struct error ignored;
    bool escaped;

    if (bytes.len > most)
        bytes.len = most;
    if (!utf8_append_escaped(&out, bytes, UTF8_IN_TEXT, false, &escaped, &ignored) ||
        !buffer_append_byte(&out, 0, &ignored)) {
        buffer_free(&out);
        return NULL;
    }
    return (char *)out.data;
}

/* With the marks of options, which the face that shows it spells. */
static char *copy_hint(const char *text)
{
    struct buffer out = {0};
    struct error ignored;
    bool done = true, escaped;

    while (done && *text != '\0') {
        size_t plain = strcspn(text, ERROR_MARKS);

        done = utf8_append_escaped(&out, slice_make(text, plain), UTF8_IN_TEXT, false, &escaped,
                                   &ignored) &&
               (text[plain] == '\0' || buffer_append_byte(&out, (uint8_t)text[plain], &ignored));
        text += plain + (text[plain] != '\0');
    }
    if (done && buffer_append_byte(&out, 0, &ignored))
        return (char *)out.data;
    buffer_free(&out);
    return NULL;
}

static void keep(struct logical_restore_report *report, const char *database,
                 const struct target_failure *failure)
{
    struct restore_failure *kept;

    if (report->kept == NULL)
        report->kept = calloc(RESTORE_FAILURES_KEPT, sizeof(*report->kept));
    if (report->kept == NULL || report->kept_count == RESTORE_FAILURES_KEPT)
        return;
    kept = &report->kept[report->kept_count++];
    kept->database = copy_text(database, SIZE_MAX);
    kept->object = copy_text(failure->object, STATEMENT_KEPT);
    kept->message = copy_text(failure->message, SIZE_MAX);
    kept->detail = copy_text(failure->detail, SIZE_MAX);
    kept->hint = copy_hint(failure->hint);
    kept->context = copy_text(failure->context, SIZE_MAX);
    kept->statement = copy_text(failure->statement, STATEMENT_KEPT);
    snprintf(kept->sqlstate, sizeof(kept->sqlstate), "%.5s", failure->sqlstate);
    kept->position = failure->position;
    snprintf(kept->harmless, sizeof(kept->harmless), "%s",
             failure->harmless == NULL ? "" : failure->harmless);
}

/* Archives have the search path empty, and so name everything with its schema, but for what bodies
 * of functions say. There the server says where it was; what it says has the name as it stands
 * there, in quotes or before the arguments, in any language. */
static bool is_unqualified(const struct target_failure *failure)
{
    static const char *const states[] = {"42883", "42704", "42P01"};
    bool is_missing = false;

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        is_missing |= strcmp(failure->sqlstate, states[i]) == 0;
    return is_missing && failure->context[0] != '\0' &&
           memchr(failure->message, '.', strcspn(failure->message, "(")) == NULL;
}

void restore_report_say_search_path(const struct logical_restore_report *report,
                                    const struct restore_request *request, bool done,
                                    struct error *err)
{
    if (report->unqualified == 0)
        return;
    if (request->search_path != NULL) {
        log_message(request->log, LOG_WARNING,
                    "statements that failed because a function names something without its "
                    "schema, which is not on the search path: %" PRIu64
                    "; 17 and later have a path of their own while they make indexes and fill "
                    "materialized views, whatever " OPTION_SEARCH_PATH
                    " says: there the function itself must say where (ALTER FUNCTION … SET "
                    "search_path = …)",
                    report->unqualified);
        return;
    }
    log_message(request->log, LOG_WARNING,
                "statements that failed because a function names something without its schema, "
                "while the search path is empty: %" PRIu64
                "; restore with the schemas that it relies on: " OPTION_SEARCH_PATH
                " public (of an index of 17 and later that helps only in the function: ALTER "
                "FUNCTION … SET search_path = …)",
                report->unqualified);
    if (!done && err->code == ERROR_SERVER)
        error_hint(err, "A function names something without its schema. Restore with the schemas "
                        "that it relies on: " OPTION_SEARCH_PATH " public");
}

void restore_report_failure(struct logical_restore_report *report,
                            const struct restore_request *request, const char *database,
                            const struct target_failure *failure)
{
    if (failure->harmless != NULL)
        report->harmless++;
    else
        report->failures++;
    report->unqualified += is_unqualified(failure);
    keep(report, database, failure);
    if (request->on_failure != NULL)
        request->on_failure(request->context, database, failure);
}

void restore_report_ended(struct logical_restore_report *report)
{
    size_t len = strlen(report->ended_names);
    char name[QUOTE_NAME_SIZE];

    report->ended++;
    quote_identifier(report->database, name, sizeof(name));
    if (len + strlen(name) + sizeof(", , …") <= sizeof(report->ended_names))
        snprintf(report->ended_names + len, sizeof(report->ended_names) - len, "%s%s",
                 len == 0 ? "" : ", ", name);
    else if (len > 0 && strcmp(report->ended_names + len - strlen("…"), "…") != 0)
        snprintf(report->ended_names + len, sizeof(report->ended_names) - len, ", …");
}

void restore_report_aside(struct logical_restore_report *report)
{
    const struct preflight_report *found = &report->preflight;
    size_t used = strlen(report->aside_words), room = sizeof(report->aside_words) - used;
    const struct preflight_finding *last;

    report->aside_count++;
    if (found->count == 0)
        return;
    last = &found->findings[found->count - 1];
    if (strlen(last->message) + strlen(last->remedy) + sizeof("  .  ") <= room)
        snprintf(report->aside_words + used, room, "%s%s.  %s", used == 0 ? "" : "  ",
                 last->message, last->remedy);
}

void restore_report_say_ended(const struct logical_restore_report *report, struct error *err)
{
    char before[sizeof(err->detail)];

    snprintf(before, sizeof(before), "%s", err->detail);
    if (report->ended > 0)
        error_detail(err, "%s%s%zu database%s restored before: %s", before,
                     before[0] == '\0' ? "" : "  ", report->ended,
                     report->ended == 1 ? " was" : "s were", report->ended_names);
}

void logical_restore_report_reset(struct logical_restore_report *report)
{
    for (size_t i = 0; i < report->kept_count; i++) {
        struct restore_failure *kept = &report->kept[i];

        free(kept->database);
        free(kept->object);
        free(kept->message);
        free(kept->detail);
        free(kept->hint);
        free(kept->context);
        free(kept->statement);
    }
    free(report->kept);
    preflight_reset(&report->preflight);
    *report = (struct logical_restore_report){0};
}
