/* Where the password of a login comes from. */
#ifndef PGCASK_WIRE_AUTH_PASSWORD_INTERNAL_H
#define PGCASK_WIRE_AUTH_PASSWORD_INTERNAL_H

#include "base/buffer.h"
#include "base/log.h"
#include "base/slice.h"
#include "wire/wire.h"

/* The token to log in with, where the settings want one. Else the password: the "password" setting,
 * else what password_command gives, else the first line of the passfile that fits, else what a user
 * at a terminal answers. request->host is as configured: a name, a socket folder, or an address
 * where there is no name. For a physical replication session the database is "replication". *found
 * is false if there is none; `password` is then untouched. A passfile that cannot be used is a
 * warning in the log. */
bool auth_find_password(const struct wire_settings *settings,
                        const struct wire_password_request *request, struct buffer *password,
                        bool *found, const struct log *log, struct error *err);

/* The passfile's part of it (auth_passfile.c). */
bool passfile_find_password(const struct wire_settings *settings,
                            const struct wire_password_request *request, struct buffer *password,
                            bool *found, const struct log *log, struct error *err);

/* The same with the file's text. */
bool passfile_search(struct slice text, const struct wire_password_request *request,
                     struct buffer *password, bool *found, struct error *err);

#endif
