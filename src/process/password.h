/*
 * Where the program gets a password that is in no setting: it runs password_command for each new
 * connection, or asks whoever sits at the terminal, once for each server and user. What needs a
 * process or a terminal is here and not in src/wire, because a library has no business with either.
 */
#ifndef PGCASK_PROCESS_PASSWORD_H
#define PGCASK_PROCESS_PASSWORD_H

#include "wire/wire.h"

struct password_options {
    bool may_ask; /* at the terminal; without one nobody is asked in any case */

    /* Stand around a question, so that nothing else is written on the terminal. May be NULL. */
    void *terminal;
    void (*hold)(void *terminal);
    void (*release)(void *terminal);
};

struct password_source;

struct password_source *password_source_new(const struct password_options *options,
                                            struct error *err);

/* After the last connection attempt; wipes what was typed. NULL is allowed. */
void password_source_free(struct password_source *source);

/* For wire_settings_set_password_source. */
const struct wire_password_source *password_source_face(const struct password_source *source);

#endif
