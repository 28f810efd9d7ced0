/*
 * The stages of manifest.json, from its head to what is not available. A stage writes a little more
 * each time that the reader is pulled, so that as much is asked of the server as somebody takes.
 */
#include "base/utf8.h"
#include "manifest/gather_internal.h"
#include "manifest/manifest_stream.h"

#include <stdio.h>
#include <stdlib.h>

/* At least so much is gathered before it is lent, so that small pieces do not travel alone. */
#define CHUNK 16384

/* ---- What is missing ---- */

static bool write_note(struct json_writer *writer, const char *field, const char *reason,
                       const char *hint, struct error *err)
{
    return json_writer_open(writer, NULL, '{', err) &&
           json_writer_text(writer, "field", field, err) &&
           json_writer_text(writer, "reason", reason, err) &&
           (hint == NULL || json_writer_text(writer, "hint", hint, err)) &&
           json_writer_close(writer, '}', err);
}

static bool write_tail(struct manifest *manifest, struct error *err)
{
    struct json_writer *writer = &manifest->writer;
    if (!json_writer_open(writer, "unavailable", '[', err))
        return false;
    for (size_t i = 0; i < manifest->unavailable_kept; i++) {
        const struct unavailable *entry = &manifest->unavailable[i];
        if (!write_note(writer, entry->field, entry->reason, entry->hint, err))
            return false;
    }
    if (manifest->unavailable_count > manifest->unavailable_kept) {
        char reason[64];
        snprintf(reason, sizeof reason, "%zu more are not listed",
                 manifest->unavailable_count - manifest->unavailable_kept);
        if (!write_note(writer, "unavailable", reason, NULL, err))
            return false;
    }
    return json_writer_close(writer, ']', err) && json_writer_close(writer, '}', err) &&
           buffer_append_byte(&manifest->out, '\n', err);
}

/* ---- Stages ---- */

static void next_section(struct manifest *manifest, enum stage stage)
{
    struct section *section = &manifest->section;
    manifest->stage = stage;
    if (stage == STAGE_ROLES)
        section_begin(section, "roles", false, cluster_roles_sql);
    else if (stage == STAGE_TABLESPACES)
        section_begin(section, "tablespaces", false, cluster_tablespaces_sql);
    else if (stage == STAGE_EXTENSIONS)
        section_begin(section, "extensions", true, databases_extensions_sql);
    else if (stage == STAGE_SCHEMAS)
        section_begin(section, "schemas", true, databases_schemas_sql);
    else if (stage == STAGE_RELATIONS)
        section_begin(section, "relations", true, NULL);
}

static bool step_list(struct manifest *manifest, struct error *err)
{
    if (!databases_list(manifest, err))
        return false;
    manifest->stage = manifest->database_count > 0 ? STAGE_DATABASE : STAGE_TAIL;
    return manifest->database_count == 0 ||
           json_writer_open(&manifest->writer, "databases", '[', err);
}

static bool end_database(struct manifest *manifest, struct error *err)
{
    if (!databases_end(manifest, err))
        return false;
    manifest->stage = STAGE_DATABASE;
    if (manifest->database_index < manifest->database_count)
        return true;
    manifest->stage = STAGE_TAIL;
    return json_writer_close(&manifest->writer, ']', err);
}

static bool step_database(struct manifest *manifest, struct error *err)
{
    bool detailed = false;
    if (!databases_begin(manifest, &detailed, err))
        return false;
    if (!detailed)
        return end_database(manifest, err);
    next_section(manifest, STAGE_EXTENSIONS);
    return true;
}

static bool step_section(struct manifest *manifest, struct error *err)
{
    if (!section_step(manifest, &manifest->section, err))
        return false;
    if (!manifest->section.done)
        return true;
    if (manifest->stage == STAGE_RELATIONS)
        return end_database(manifest, err);
    next_section(manifest, manifest->stage + 1);
    return true;
}

/* One bounded piece of work. */
static bool step(struct manifest *manifest, struct error *err)
{
    switch (manifest->stage) {
    case STAGE_HEAD:
        next_section(manifest, STAGE_ROLES);
        return json_writer_open(&manifest->writer, NULL, '{', err) &&
               cluster_write_head(manifest, err);
    case STAGE_ROLES:
    case STAGE_TABLESPACES:
    case STAGE_EXTENSIONS:
    case STAGE_SCHEMAS:
    case STAGE_RELATIONS:
        return step_section(manifest, err);
    case STAGE_LIST:
        return step_list(manifest, err);
    case STAGE_DATABASE:
        return step_database(manifest, err);
    case STAGE_TAIL:
        session_close(&manifest->session);
        manifest->stage = STAGE_DONE;
        return write_tail(manifest, err);
    case STAGE_DONE:
        break;
    }
    return true;
}

/* ---- The reader ---- */

static enum reader_status manifest_next(struct reader *reader, struct slice *data,
                                        struct error *err)
{
    struct manifest *manifest = (struct manifest *)reader;

    if (!failure_check(&manifest->failure, err))
        return READER_FAILED;
    buffer_clear(&manifest->out);
    while (manifest->stage != STAGE_DONE && manifest->out.len < CHUNK) {
        if (cancel_check(manifest->cancel, err) && step(manifest, err))
            continue;
        session_close(&manifest->session);
        failure_keep(&manifest->failure, err);
        return READER_FAILED;
    }
    *data = buffer_slice(&manifest->out);
    return data->len > 0 ? READER_DATA : READER_END;
}

static void free_asked_for(struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->asked_for_count; i++) {
        free(manifest->asked_for[i].database);
        free(manifest->asked_for[i].snapshot);
    }
    free(manifest->asked_for);
}

static void manifest_close(struct reader *reader)
{
    struct manifest *manifest = (struct manifest *)reader;
    session_close(&manifest->session);
    databases_free(manifest);
    for (size_t i = 0; i < manifest->unavailable_kept; i++) {
        free(manifest->unavailable[i].field);
        free(manifest->unavailable[i].reason);
        free(manifest->unavailable[i].hint);
    }
    free(manifest->unavailable);
    buffer_free(&manifest->shown_name);
    buffer_free(&manifest->out);
    free(manifest->connector);
    free(manifest->dump_format);
    free(manifest->database);
    free(manifest->snapshot);
    free(manifest->system_identifier);
    free(manifest->wal_position);
    free_asked_for(manifest);
    json_decref(manifest->options);
    json_decref(manifest->members);
    free(manifest);
}

static bool copy_text(char **to, const char *from, struct error *err)
{
    if (from == NULL)
        return true;
    *to = strdup(from);
    return *to != NULL || error_set_memory(err);
}

static bool copy_options(struct manifest *manifest, const struct manifest_request *request,
                         struct error *err)
{
    if (request->option_count == 0)
        return true;
    manifest->options = json_object();
    for (size_t i = 0; i < request->option_count; i++) {
        const struct manifest_option *option = &request->options[i];
        json_t *value =
            option->text == NULL ? json_boolean(option->flag) : utf8_to_json(option->text);
        if (json_object_set_new(manifest->options, option->name, value) != 0)
            return error_set_memory(err);
    }
    return true;
}

static bool copy_asked_for(struct manifest *manifest, const struct manifest_request *request,
                           struct error *err)
{
    if (request->snapshot_count == 0)
        return true;
    manifest->asked_for = calloc(request->snapshot_count, sizeof *manifest->asked_for);
    if (manifest->asked_for == NULL)
        return error_set_memory(err);
    for (size_t i = 0; i < request->snapshot_count; i++) {
        const struct manifest_snapshot *from = &request->snapshots[i];
        struct asked_for *to = &manifest->asked_for[manifest->asked_for_count++];
        to->same = from->same;
        if (!copy_text(&to->database, from->database, err) ||
            !copy_text(&to->snapshot, from->snapshot, err))
            return false;
    }
    return true;
}

static bool copy_members(struct manifest *manifest, const struct manifest_request *request,
                         struct error *err)
{
    if (request->members == NULL)
        return true;
    manifest->members = json_deep_copy(request->members);
    return manifest->members != NULL || error_set_memory(err);
}

static bool copy_request(struct manifest *manifest, const struct manifest_request *request,
                         struct error *err)
{
    manifest->settings = request->settings;
    manifest->replication = request->replication;
    manifest->timeline = request->timeline;
    manifest->cancel = request->cancel;
    manifest->log = request->log;
    return copy_text(&manifest->connector, request->connector, err) &&
           copy_text(&manifest->dump_format, request->dump_format, err) &&
           copy_text(&manifest->database, request->database, err) &&
           copy_text(&manifest->snapshot, request->snapshot, err) &&
           copy_text(&manifest->system_identifier, request->system_identifier, err) &&
           copy_text(&manifest->wal_position, request->wal_position, err) &&
           copy_asked_for(manifest, request, err) && copy_options(manifest, request, err) &&
           copy_members(manifest, request, err);
}

struct reader *manifest_stream_new(const struct manifest_request *request, struct error *err)
{
    static const struct reader_ops ops = {.next = manifest_next, .close = manifest_close};
    struct manifest *manifest = calloc(1, sizeof *manifest);
    if (manifest == NULL) {
        error_set_memory(err);
        return NULL;
    }
    manifest->reader.ops = &ops;
    json_writer_init(&manifest->writer, &manifest->out);
    if (copy_request(manifest, request, err))
        return &manifest->reader;
    manifest_close(&manifest->reader);
    return NULL;
}

size_t manifest_stream_unavailable(const struct reader *reader)
{
    return ((const struct manifest *)reader)->unavailable_count;
}
