/* What a script's reader asks of the statements and commands that it found. */
#ifndef PGCASK_ARCHIVE_SQL_SCRIPT_INTERNAL_H
#define PGCASK_ARCHIVE_SQL_SCRIPT_INTERNAL_H

#include "archive/sql_lexer.h"
#include "archive/sql_script.h"

/* What the comments between statements have said so far. */
struct sql_comments {
    enum sql_script_origin origin;
    bool whole; /* nothing but comments since the one that says so */
    char entry[SQL_COMMENT_MAX];
    struct sql_script_comment comment;
    char parts[SQL_COMMENT_MAX]; /* of the comment */
    char server[64];
};

/* The lexer's comment has ended, outside of any statement. */
void sql_comments_take(struct sql_comments *said, const struct sql_lexer *lexer);

/* Of a statement that has just ended. */
enum sql_kind sql_kind_of(const struct sql_lexer *lexer);

/* The database that \connect names in one of the forms that pg_dump and we write: NAME, "NAME",
 * -reuse-previous=on and "dbname='NAME'" or "postgresql:///NAME". False for any other: with them
 * psql would go to another server, or as another user. name has room for all of the arguments. */
bool sql_connect_database(const char *arguments, char *name);

#endif
