/*
 * Configuration that the server does not send because it lies elsewhere follows the data, when it
 * is known what did come: the records of /config, and what the report says is missing.
 */
#include "backup/physical_internal.h"

#include <stdio.h>

/* The first folder on the way to the path, itself included, that no record has made yet. */
static bool find_missing_folder(const struct physical_backup *job, const char *path, bool itself,
                                char out[RECORD_PATH_MAX])
{
    size_t len = strlen(path);

    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && (path[i] != '\0' || !itself))
            continue;
        if (path_set_has(job->folders, slice_make(path, i)))
            continue;
        memcpy(out, path, i);
        out[i] = '\0';
        return true;
    }
    return false;
}

enum source_status physical_configuration_next(struct physical_backup *job, struct record *record,
                                               struct error *err)
{
    struct configuration *configuration = &job->configuration;
    char path[RECORD_PATH_MAX];

    for (; job->next_item < configuration->count; job->next_item++) {
        const struct configuration_item *item = &configuration->items[job->next_item];
        bool is_folder = item->state == CONFIGURATION_FOLDER;

        if (!configuration_is_kept(item) || !layout_config_path(item->path, path))
            continue;
        if (find_missing_folder(job, path, is_folder, job->path))
            return physical_give_folder(job, record, err);
        if (is_folder)
            continue;
        job->inner = reader_from_memory(buffer_slice(&item->content), err);
        if (job->inner == NULL)
            return SOURCE_FAILED;
        physical_give_file(job, record, READING_INNER, path, (int64_t)item->content.len);
        job->next_item++;
        return SOURCE_RECORD;
    }
    return SOURCE_END;
}

static void add_missing(struct backup_report *report, const struct configuration_item *item)
{
    size_t used = strlen(report->physical.configuration_missing_list);

    report->physical.configuration_missing++;
    snprintf(report->physical.configuration_missing_list + used,
             sizeof(report->physical.configuration_missing_list) - used, "%s%s%s",
             used == 0 ? "" : ", ", item->path == NULL ? item->setting : item->path,
             item->state == CONFIGURATION_FAILED ? " (unreadable)" : "");
}

bool physical_configuration_settle(struct physical_backup *job, struct error *err)
{
    struct backup_report *report = &job->report;

    if (!configuration_settle(&job->configuration, err))
        return false;
    for (size_t i = 0; i < job->configuration.count; i++) {
        const struct configuration_item *item = &job->configuration.items[i];

        if (item->state == CONFIGURATION_READ)
            report->physical.configuration_files++;
        if (item->state == CONFIGURATION_FAILED || item->state == CONFIGURATION_DENIED) {
            add_missing(report, item);
            report->physical.configuration_unforeseen |=
                item->state == CONFIGURATION_FAILED ||
                (item->path == NULL ? job->configuration.no_session[0] == '\0'
                                    : configuration_is_inside(&job->configuration, item->path));
        }
    }
    report->physical.configuration_unseen =
        !job->configuration.known && job->configuration.no_session[0] == '\0';
    if (job->configuration.no_session[0] != '\0')
        snprintf(report->physical.configuration_remedy,
                 sizeof(report->physical.configuration_remedy), "%s",
                 job->configuration.no_session);
    else
        configuration_rights_remedy(
            wire_settings_get(job->request.settings, "user"), job->configuration.database,
            report->physical.configuration_remedy, sizeof(report->physical.configuration_remedy));
    return true;
}
