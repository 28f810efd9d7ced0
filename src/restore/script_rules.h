/*
 * Which statements of a script a request, or the server's version, does without. A script has no
 * table of contents: only what its first words, or its last, say without doubt is left out.
 */
#ifndef PGCASK_RESTORE_SCRIPT_RULES_H
#define PGCASK_RESTORE_SCRIPT_RULES_H

#include "archive/sql_script.h"
#include "restore/restore_request.h"

/* Fails with an error of usage if the request wants what no script can give. */
bool script_rules_check(const struct restore_request *request, struct error *err);

bool script_rules_leave_out(const struct restore_request *request, int server_version,
                            const struct sql_statement *statement);

/* Whether it is of roles, who is a member of which, or of tablespaces. */
bool script_rules_is_global(const struct sql_statement *statement);

/* "SET TRANSACTION …" with the modes that a BEGIN has; nothing if it has none. */
bool script_rules_append_modes(struct buffer *out, const struct sql_statement *statement,
                               struct error *err);

/* COMMIT or ROLLBACK … AND CHAIN. */
bool script_rules_chains(const struct sql_statement *statement);

/* Whether each line behind that COPY is a row, as pg_dump writes it: no format, no condition. */
bool script_rules_are_lines(struct slice copy);

/* "CREATE DATABASE …" without its TABLESPACE. */
bool script_rules_append_database(struct buffer *out, const struct restore_request *request,
                                  struct slice statement, struct error *err);

/* Appends "ALTER …" that does to a role or a tablespace that is there what the statement would have
 * made it with: a role's options, a tablespace's owner. Nothing if it says nothing. */
bool script_rules_append_alter(struct buffer *out, const struct sql_statement *statement,
                               struct error *err);

/* "ALTER ROLE name …" without its PASSWORD and VALID UNTIL; *kept: it has such. */
bool script_rules_append_role(struct buffer *out, struct slice statement, bool *kept,
                              struct error *err);

/* Whether "ALTER ROLE name IN DATABASE …" is of that database. */
bool script_rules_is_in_database(struct slice statement);

/* The encoding that "SET client_encoding" names. False if it is another statement, or names none.
 */
bool script_rules_encoding(const struct sql_statement *statement, char *out, size_t size);

#endif
