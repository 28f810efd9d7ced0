/*
 * What a check tells of: each problem of the backup, counted as it is told. Our own lack of memory
 * is none of the backup's, and ends the check instead.
 */
#include "restore/checking_internal.h"

void checking_problem(struct checking_source *check, enum verify_problem kind, const char *path,
                      const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    error_format(text, sizeof(text), format, args);
    va_end(args);
    check->report.problems++;
    check->options.problem(check->options.context, kind, path, text);
}

void checking_failure(struct checking_source *check, const char *path, const struct error *err)
{
    if (err->code == ERROR_MEMORY)
        check->out_of_memory = true;
    else
        checking_problem(check, VERIFY_DAMAGED, path, ERROR_OURS("%s"), err->message);
}
