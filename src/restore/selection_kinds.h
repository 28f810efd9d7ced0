/* What an entry of an archive is to a selection, which its texts say. */
#ifndef PGCASK_RESTORE_SELECTION_KINDS_H
#define PGCASK_RESTORE_SELECTION_KINDS_H

#include "restore/restore_selection.h"

enum {
    HAS_DATA = 1,           /* a block or files of its own */
    HAS_DEFINITION = 2,     /* that makes something */
    DEFINITION_IS_DATA = 4, /* … which counts as rows, not as a definition */
    REFUSED = 8,            /* by its kind */
    SCHEMA_FITS = 16,       /* schemas and exclude_schemas let it through */
    NAMED = 32,             /* by tables, functions, triggers or indexes */
    OF_DATABASE = 64        /* DATABASE, its properties, what is said of it */
};

/* How an entry is treated, which its desc says. */
enum treatment {
    AS_OBJECT, /* that none of the lists is about */
    AS_SETTING,
    AS_DATABASE,
    AS_RELATION,  /* TABLE, VIEW, FOREIGN TABLE, MATERIALIZED VIEW */
    AS_OF_TABLES, /* TABLE DATA, SEQUENCE and what else goes by the list of tables */
    AS_INDEX,
    AS_FUNCTION,
    AS_TRIGGER,
    AS_ACL,
    AS_SAID, /* COMMENT, SECURITY LABEL */
    AS_STATISTICS,
    AS_NOTHING /* obsolete */
};

struct selection_kind {
    enum treatment treatment;
    enum restore_pass pass;
    unsigned flags; /* those that it has whatever the lists say */
};

struct selection_kind selection_kind_of(const struct archive_entry *entry,
                                        const struct restore_request *options);

#endif
