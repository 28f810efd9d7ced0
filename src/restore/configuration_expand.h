/* A server's configuration read from restored files: its text with all includes put in place, and
 * the settings that matter for a start. For configuration.c. */
#ifndef PGCASK_RESTORE_CONFIGURATION_EXPAND_H
#define PGCASK_RESTORE_CONFIGURATION_EXPAND_H

#include "base/buffer.h"
#include "manifest/configuration_text.h"
#include "restore/configuration.h"

enum expanded_setting {
    SETTING_DATA_DIRECTORY,
    SETTING_HBA_FILE,
    SETTING_IDENT_FILE,
    SETTING_EXTERNAL_PID_FILE,
    SETTING_STATS_TEMP_DIRECTORY,
    SETTING_UNIX_SOCKET_DIRECTORIES,
    SETTING_LOGGING_COLLECTOR,
    SETTING_LOG_DIRECTORY,
    SETTING_SSL,
    SETTING_SSL_CERT_FILE,
    SETTING_SSL_KEY_FILE,
    SETTING_SSL_CA_FILE,
    SETTING_SSL_CRL_FILE,
    SETTING_SSL_CRL_DIR,
    SETTING_SSL_DH_PARAMS_FILE,
    SETTING_PRELOAD,
    EXPANDED_SETTINGS
};

extern const char *const expanded_setting_names[EXPANDED_SETTINGS];

struct expanded_configuration {
    const struct restored_configuration *restored;
    char folder[32];                             /* pgcask.config, or pgcask.config.2, … */
    char original_data[CONFIGURATION_VALUE_MAX]; /* the data directory on the server */
    struct buffer text;
    bool has_main;      /* there is a postgresql.conf */
    bool main_outside;  /* and it was outside the data directory */
    bool leads_outside; /* an include of it does */
    struct {
        bool set, automatic; /* automatic: by postgresql.auto.conf, which wins over all files */
        char value[CONFIGURATION_VALUE_MAX];
    } settings[EXPANDED_SETTINGS];
};

/* Reads postgresql.conf, what it includes, and postgresql.auto.conf. */
bool configuration_expand(struct expanded_configuration *expanded, struct error *err);

/* Where a file of the server is now: its path below the restored data directory as it will be, in
 * `out`. *outside: it was not in the server's data directory. False if it was not restored. */
bool configuration_find(const struct expanded_configuration *expanded, const char *path,
                        char out[RECORD_PATH_MAX], bool *outside);

/* Reads a restored file, named as it will be. False: it cannot be read, and *err is set only if
 * that is for want of memory. */
bool configuration_read_restored(const struct expanded_configuration *expanded, const char *path,
                                 struct buffer *content, struct error *err);

/* The path on the server that a setting of that value means. */
bool configuration_path_of(const struct expanded_configuration *expanded, const char *value,
                           char out[CONFIGURATION_VALUE_MAX]);

/* The path that the original server had for "config_file" and the like; NULL: not known. */
const char *configuration_original_path(const struct expanded_configuration *expanded,
                                        const char *setting);

#endif
