/* Names of roles, tablespaces and databases that a server has, as bytes, each with flags. */
#ifndef PGCASK_RESTORE_SCRIPT_NAMES_H
#define PGCASK_RESTORE_SCRIPT_NAMES_H

#include "base/arena.h"

struct script_name {
    char kind; /* 'r', 't', 'd'; of databases that a script makes or connects to: 'c'; drops: 'x'; a
                  table or sequence that it makes: 'm'; who may make others members of which role:
                  'g'
                */
    const char *name;
    bool there;
    bool made;              /* by the script */
    bool checked;           /* and nothing is in the way */
    bool blocked;           /* it holds what was to go: nothing is put into it */
    bool told;              /* that it is not there; of a role, that something of it stays */
    bool dropped;           /* by the script, before it makes it; of 'c' and 'x' */
    bool spared;            /* the script's DROP was of another name, and left out */
    uint64_t line;          /* of 'm': where the script makes it first; 0: it does not */
    const char *definition; /* of 'c': how the script makes it; NULL: it does not */
};

struct script_names {
    struct script_name *items;
    size_t count, capacity;
    uint32_t *slots; /* numbers of items from 1; 0: free */
    size_t slot_count;
    struct arena texts;
};

/* {0} is an empty set. */
void script_names_reset(struct script_names *names);

/* The one of that kind and name, made if it is not there yet. NULL: out of memory. Valid until the
 * next call. */
struct script_name *script_names_take(struct script_names *names, char kind, const char *name,
                                      struct error *err);

/* NULL: there is none. */
struct script_name *script_names_find(const struct script_names *names, char kind,
                                      const char *name);

#endif
