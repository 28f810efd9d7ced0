/* A file that is written from its beginning again for each statement, and read in pieces. */
#include "restore/long_statement.h"

#include "base/error_names.h"
#include "base/nameless_file.h"

#include <stdlib.h>
#include <unistd.h>

#define PIECE ((size_t)64 * 1024)
#define WHAT "a long statement"

static int file_of(const struct long_statement *statement)
{
    return statement->fd_and_one - 1;
}

static bool open_file(struct long_statement *statement, struct error *err)
{
    if (statement->fd_and_one == 0)
        statement->fd_and_one = nameless_file_open(statement->directory, err) + 1;
    return statement->fd_and_one > 0 ||
           error_hint(err, "A statement of more than 1 MiB is kept there until the server has it. "
                           "Another place: " OPTION_SPOOL_DIR);
}

bool long_statement_add(struct long_statement *statement, struct slice bytes, struct error *err)
{
    if (!open_file(statement, err))
        return false;
    if (!nameless_file_write(file_of(statement), bytes, statement->len, WHAT, statement->directory,
                             err))
        return error_hint(err, "Another place: " OPTION_SPOOL_DIR);
    statement->len += bytes.len;
    return true;
}

void long_statement_begin(struct long_statement *statement)
{
    statement->given = 0;
}

bool long_statement_next(void *context, struct slice *piece, struct error *err)
{
    struct long_statement *statement = context;
    uint64_t left = statement->len - statement->given;
    size_t wanted = left < PIECE ? (size_t)left : PIECE;

    if (statement->piece == NULL)
        statement->piece = malloc(PIECE);
    if (statement->piece == NULL)
        return error_set_memory(err);
    if (!nameless_file_read(file_of(statement), statement->piece, wanted, statement->given, WHAT,
                            statement->directory, err))
        return false;
    statement->given += wanted;
    *piece = slice_make(statement->piece, wanted);
    return true;
}

void long_statement_forget(struct long_statement *statement)
{
    statement->len = statement->given = 0;
}

void long_statement_reset(struct long_statement *statement)
{
    if (statement->fd_and_one > 0)
        close(file_of(statement));
    free(statement->piece);
    *statement = (struct long_statement){.directory = statement->directory};
}
