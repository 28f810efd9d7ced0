/*
 * What every session of the target is set to, whatever it is for: nothing that a role or a database
 * is configured with changes what texts mean, or how the server writes them, takes the rights of
 * the role that has logged in away, or ends a long wait.
 */
#ifndef PGCASK_RESTORE_TARGET_SETTINGS_H
#define PGCASK_RESTORE_TARGET_SETTINGS_H

#include "base/buffer.h"

/* Appends "SET …;" for each that a server of that server_version_num knows. */
bool target_settings_append(struct buffer *sql, int version, struct error *err);

#endif
