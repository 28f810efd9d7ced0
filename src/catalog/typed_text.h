/*
 * What a user typed, for a session whose text is in another encoding: UTF-8 comes from the command
 * line, files and programs, and a session that reads a database speaks that database's encoding.
 * The server converts it. What is no UTF-8 is taken to be in the session's encoding already.
 */
#ifndef PGCASK_CATALOG_TYPED_TEXT_H
#define PGCASK_CATALOG_TYPED_TEXT_H

#include "catalog/catalog_internal.h"

/* Whether it has to be converted: plain ASCII is the same everywhere. */
bool typed_text_is_special(const char *text);

/* SQL whose value is that text. */
bool typed_text_append(struct buffer *sql, const char *text, struct error *err);

/* Converts the conditions on rows: selection.texts. */
bool typed_text_conditions(struct catalog *catalog, struct error *err);

/* Makes more of the server's error about a text that its encoding has no letters for, or that it
 * knows no way to. False. */
bool typed_text_explain(const struct catalog *catalog, struct error *err);

#endif
