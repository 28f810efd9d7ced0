/*
 * Patterns of names, as pg_dump's options have them (catalog/pattern.h), held against the names
 * that an archive has: no server is asked. They are
 *
 *     orders          letters are folded to lower case
 *     "Orders"        within quotes everything stands for itself, "" for a quote
 *     ord*, or?ers    any text, any one character
 *     shop.orders     a dot parts a schema's name from what lies in it
 *     db.shop.orders  and the archive's database from that
 *
 * What else is a regular expression to a server (| + ( ) [ ] { } ^ \) is refused: two engines that
 * differ in a corner would restore less than was asked for. Several patterns do the same.
 */
#ifndef PGCASK_RESTORE_NAME_PATTERN_H
#define PGCASK_RESTORE_NAME_PATTERN_H

#include "base/error.h"
#include "base/slice.h"

#define NAME_PATTERN_PARTS 4

struct name_part {
    uint16_t *codes; /* bytes, or one of the two that stand for others */
    size_t count;
};

/* parts[0] is the last name, that of the thing itself; parts[1] what it lies in, and so on. */
struct name_pattern {
    struct name_part parts[NAME_PATTERN_PARTS];
    size_t count;
};

/* most: how many names there may be with dots between them. option: its name, for errors (usage),
 * which name the pattern, too. {0} is what a failure leaves. */
bool name_pattern_parse(struct name_pattern *pattern, struct slice text, size_t most,
                        const char *option, struct error *err);
void name_pattern_free(struct name_pattern *pattern); /* {0} is allowed */

/* Whether the name of that part (from 0) is what the pattern says. What it does not say is any;
 * name NULL is none, which only what is not said matches. */
bool name_pattern_matches(const struct name_pattern *pattern, size_t part, const char *name);
bool name_pattern_matches_slice(const struct name_pattern *pattern, size_t part, struct slice name);

#endif
