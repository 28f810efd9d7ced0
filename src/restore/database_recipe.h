/* How an archive says that its database is to be made, taken apart, so that it can be made under
 * another name, and on a server of another version. */
#ifndef PGCASK_RESTORE_DATABASE_RECIPE_H
#define PGCASK_RESTORE_DATABASE_RECIPE_H

#include "base/buffer.h"

/* Each NULL: it does not say. */
struct database_recipe {
    char *encoding, *locale_provider, *locale, *lc_collate, *lc_ctype, *icu_locale, *builtin_locale,
        *icu_rules, *tablespace;
};

/* "CREATE DATABASE …" as pg_dump writes it; ERROR_CORRUPT if it is something else. {0} after a
 * failure. */
bool database_recipe_parse(struct database_recipe *recipe, const char *definition,
                           struct error *err);
void database_recipe_reset(struct database_recipe *recipe); /* {0} is allowed */

/* What a server of that version does not know of it: "the locale provider builtin", and the version
 * that does. NULL: it knows all. */
const char *database_recipe_unknown(const struct database_recipe *recipe, int server_version,
                                    const char **since);

/* Appends the statement, from template0, without a semicolon. */
bool database_recipe_append(struct buffer *out, const struct database_recipe *recipe,
                            const char *name, int server_version, bool no_tablespaces,
                            struct error *err);

/* Appends the text, in which the database is called otherwise: wherever "DATABASE from" stands. */
bool database_text_append(struct buffer *out, struct slice text, const char *from, const char *to,
                          struct error *err);

#endif
