/* What a script drops before it makes anything, as pg_dump --clean writes it. */
#ifndef PGCASK_RESTORE_SCRIPT_DROPS_H
#define PGCASK_RESTORE_SCRIPT_DROPS_H

#include "archive/sql_script.h"

enum script_drop {
    SCRIPT_DROPS, /* or makes a view one that needs no table any more, before these are dropped */
    SCRIPT_SETS,  /* says nothing on that: what follows may still be among them */
    SCRIPT_DOES_MORE /* anything else */
};

enum script_drop script_drop_of(const struct sql_statement *statement);

#endif
