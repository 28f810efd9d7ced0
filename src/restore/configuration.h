/*
 * The configuration of a restored cluster. What lay outside the server's data directory is put into
 * DATA-DIRECTORY/pgcask.config as it was; where the cluster would not start on it as it stands, or
 * would start another one (data_directory in a postgresql.conf), a postgresql.conf is written
 * there: the text of the original with everything that it includes, and at its end the settings
 * that lead to the restored files.
 */
#ifndef PGCASK_RESTORE_CONFIGURATION_H
#define PGCASK_RESTORE_CONFIGURATION_H

#include "base/log.h"
#include "record/store.h"

#include <jansson.h>

#define CONFIGURATION_RESTORED "pgcask.config"

/* The records of /config go here first: a cluster that was restored once may have a pgcask.config
 * in its data already. It is renamed by configuration_restore. */
#define CONFIGURATION_PARTIAL "pgcask.config.partial"

struct restored_configuration {
    const char *build;          /* where the restored files are now */
    const char *data_directory; /* where they will be */
    const json_t *original;     /* "configuration" of summary.json, or NULL */
    struct directory_writer *writer;
    const struct log *log; /* told what is missing */
};

/* Looks at the restored files and writes what is needed. *options: for the command line of the
 * server, quoted for a shell, "" if none are needed. */
bool configuration_restore(const struct restored_configuration *restored, char *options,
                           size_t options_size, struct error *err);

#endif
