/* A file that is written from its beginning again for each statement, and read in pieces. */
#include "restore/long_statement.h"

#include "base/error_names.h"
#include "base/nameless_file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE ((size_t)64 * 1024)

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
    while (bytes.len > 0) {
        ssize_t len = pwrite(file_of(statement), bytes.data, bytes.len, (off_t)statement->len);

        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0) {
            error_set_errno(err, errno, "cannot keep a long statement in \"%s\"",
                            nameless_file_directory(statement->directory));
            return error_hint(err, "Another place: " OPTION_SPOOL_DIR);
        }
        slice_take(&bytes, (size_t)len);
        statement->len += (uint64_t)len;
    }
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
    ssize_t len;

    if (statement->piece == NULL)
        statement->piece = malloc(PIECE);
    if (statement->piece == NULL)
        return error_set_memory(err);
    do {
        len = pread(file_of(statement), statement->piece, wanted, (off_t)statement->given);
    } while (len < 0 && errno == EINTR);
    if (len <= 0)
        return error_set_errno(err, len < 0 ? errno : EIO,
                               "cannot read what was kept of a long statement in \"%s\"",
                               nameless_file_directory(statement->directory));
    statement->given += (uint64_t)len;
    *piece = slice_make(statement->piece, (size_t)len);
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
