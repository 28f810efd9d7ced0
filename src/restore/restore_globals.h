/* What a backup or a script says of roles and tablespaces: whose names it makes, for the plan. */
#ifndef PGCASK_RESTORE_RESTORE_GLOBALS_H
#define PGCASK_RESTORE_RESTORE_GLOBALS_H

#include "archive/sql_script.h"
#include "restore/name_set.h"

/* {0} is none. */
struct restore_globals {
    struct name_set roles, tablespaces; /* that it makes */
    struct name_set ruled; /* roles of which it says what superusers alone may: SUPERUSER, … */
    const char *why_left;  /* none of them is touched, and that is why; NULL: they are */
};

/* Notes what the statement makes, if it makes either, or says of a role. */
bool restore_globals_note(struct restore_globals *globals, const struct sql_statement *statement,
                          struct error *err);

/* The same of all that a script has. One that is damaged fails later, where it is run. */
bool restore_globals_read(struct restore_globals *globals, struct slice script, struct error *err);

void restore_globals_reset(struct restore_globals *globals);

#endif
