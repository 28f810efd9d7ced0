/* What an error is, in one word that a program can act on. */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool error_reason(struct error *err, const char *word)
{
    snprintf(err->reason, sizeof(err->reason), "%s", word);
    return false;
}

static const char *of_errno(int errno_value)
{
    static const struct {
        int value;
        const char *word;
    } known[] = {
        {ENOSPC, "disk_full"},
        {EDQUOT, "quota_exceeded"},
        {EROFS, "read_only"},
        {EACCES, "permission_denied"},
        {EPERM, "permission_denied"},
        {ENOENT, "not_found"},
        {ENOTDIR, "not_found"},
        {EEXIST, "exists"},
        {EFBIG, "file_too_large"},
        {EMFILE, "too_many_open_files"},
        {ENFILE, "too_many_open_files"},
        {EPIPE, "pipe_closed"},
        {ECONNREFUSED, "connection_refused"},
        {EHOSTUNREACH, "host_unreachable"},
        {ENETUNREACH, "host_unreachable"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].value == errno_value)
            return known[i].word;
    }
    return NULL;
}

/* PostgreSQL docs, Appendix A. What servers say before and during a backup. */
static const char *of_sqlstate(const char *sqlstate)
{
    static const struct {
        const char *state, *word;
    } known[] = {
        {"28P01", "wrong_password"},       {"28000", "login_refused"},
        {"3D000", "database_not_found"},   {"42501", "permission_denied"},
        {"42704", "object_not_found"},     {"42P01", "object_not_found"},
        {"53100", "server_disk_full"},     {"53200", "server_out_of_memory"},
        {"53300", "too_many_connections"}, {"53400", "server_limit_reached"},
        {"55P03", "lock_timeout"},         {"57014", "query_cancelled"},
        {"57P01", "server_shutdown"},      {"57P02", "server_shutdown"},
        {"57P03", "server_starting"},      {"57P05", "session_timeout"},
        {"25P03", "session_timeout"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].state, sqlstate) == 0)
            return known[i].word;
    }
    return NULL;
}

const char *error_reason_word(const struct error *err)
{
    const char *word = NULL;

    if (err->reason[0] != '\0')
        return err->reason;
    if (err->sqlstate[0] != '\0')
        word = of_sqlstate(err->sqlstate);
    if (word == NULL && err->errno_value != 0)
        word = of_errno(err->errno_value);
    return word != NULL ? word : error_code_name(err->code);
}
