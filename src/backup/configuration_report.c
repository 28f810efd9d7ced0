/*
 * What became of the server's configuration: which files came with the data directory after all,
 * what summary.json says of them and of the rest, and which rights the role lacks.
 */
#include "backup/configuration_internal.h"

#include "base/quote.h"
#include "base/utf8.h"
#include "manifest/physical_layout.h"

#include <stdio.h>

/* ---- What came with the data directory ---- */

/* The settings whose files every server has. */
static const struct {
    const char *setting, *record;
} files_of_all[] = {
    {"config_file", LAYOUT_DATA "/postgresql.conf"},
    {"hba_file", LAYOUT_DATA "/pg_hba.conf"},
    {"ident_file", LAYOUT_DATA "/pg_ident.conf"},
};

#define FILES_OF_ALL (sizeof(files_of_all) / sizeof(files_of_all[0]))

void configuration_note_file(struct configuration *configuration, const char *record_path)
{
    const char *inner = record_path + sizeof(LAYOUT_DATA) - 1;

    if (strncmp(record_path, LAYOUT_DATA "/base/", sizeof(LAYOUT_DATA "/base/") - 1) == 0)
        return; /* nearly all files */
    for (size_t i = 0; i < FILES_OF_ALL; i++) {
        if (strcmp(record_path, files_of_all[i].record) == 0)
            configuration->came |= 1u << i;
    }
    for (size_t i = 0; i < configuration->count; i++) {
        struct configuration_item *item = &configuration->items[i];

        if (item->path != NULL && configuration_is_inside(configuration, item->path) &&
            strcmp(item->path + strlen(configuration->data_directory), inner) == 0)
            item->state = CONFIGURATION_CAME;
    }
}

static bool has_setting(const struct configuration *configuration, const char *setting)
{
    for (size_t i = 0; i < configuration->count; i++) {
        if (strcmp(configuration->items[i].setting, setting) == 0)
            return true;
    }
    return false;
}

bool configuration_settle(struct configuration *configuration, struct error *err)
{
    for (size_t i = 0; i < FILES_OF_ALL; i++) {
        struct configuration_item *item;

        if ((configuration->came >> i & 1) != 0 ||
            has_setting(configuration, files_of_all[i].setting))
            continue;
        item = configuration_add_item(configuration, files_of_all[i].setting, NULL, err);
        if (item == NULL)
            return false;
        item->state = CONFIGURATION_DENIED;
        snprintf(item->reason, sizeof(item->reason),
                 "it is not in the data directory, and the role may not see where it is");
    }
    return true;
}

/* ---- Telling ---- */

static json_t *describe_path(const char *path)
{
    json_t *text = path == NULL ? json_null() : json_string(path);

    return text == NULL ? json_null() : text; /* not UTF-8 */
}

/* Where the server had the files that every server has. */
static json_t *describe_locations(const struct configuration *configuration)
{
    json_t *locations = json_object();

    for (size_t i = 0; i < configuration->count; i++) {
        const struct configuration_item *item = &configuration->items[i];

        for (size_t j = 0; j < FILES_OF_ALL; j++) {
            if (strcmp(item->setting, files_of_all[j].setting) == 0)
                json_object_set_new(locations, item->setting, describe_path(item->path));
        }
    }
    return locations;
}

json_t *configuration_describe(const struct configuration *configuration)
{
    json_t *kept = json_array(), *missing = json_array();
    char record[RECORD_PATH_MAX];

    for (size_t i = 0; i < configuration->count; i++) {
        const struct configuration_item *item = &configuration->items[i];

        if (configuration_is_kept(item) && layout_config_path(item->path, record))
            json_array_append_new(kept,
                                  json_pack("{s:s, s:o, s:s}", "setting", item->setting, "path",
                                            describe_path(item->path), "record", record));
        else if (item->state != CONFIGURATION_CAME)
            json_array_append_new(
                missing, json_pack("{s:s, s:o, s:o, s:b}", "setting", item->setting, "path",
                                   describe_path(item->path), "reason", utf8_to_json(item->reason),
                                   "secret", (int)(item->state == CONFIGURATION_SECRET)));
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "data_directory",
                     describe_path(configuration->data_directory), "locations",
                     describe_locations(configuration), "files", kept, "missing", missing);
}

void configuration_rights_remedy(const char *role_name, const char *database, char *out,
                                 size_t size)
{
    char role[QUOTE_NAME_SIZE], where[QUOTE_NAME_SIZE], in[QUOTE_NAME_SIZE + 40] = "";

    if (database != NULL)
        snprintf(in, sizeof(in), "the second in the database %s; ",
                 quote_identifier(database, where, sizeof(where)));
    quote_identifier(role_name == NULL ? "" : role_name, role, sizeof(role));
    snprintf(
        out, size,
        "GRANT pg_read_all_settings, pg_read_server_files TO %s;  GRANT EXECUTE ON FUNCTION "
        "pg_read_binary_file(text, bigint, bigint, boolean), pg_ls_dir(text, boolean, boolean) "
        "TO %s;  (%sthe role may then read every file that the server may read)",
        role, role, in);
}
