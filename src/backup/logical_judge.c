/* What a request for a logical backup comes to: whether the server can be read, what its data are
 * compressed with, and whether all of it is one script. */
#include "backup/logical_internal.h"

#include "base/error_names.h"

bool logical_check_version(int version, bool allow_newer, struct error *err)
{
    if (version < 130000) {
        error_set(err, ERROR_UNSUPPORTED, "the server is PostgreSQL %d.%d", version / 10000,
                  version % 10000);
        error_reason(err, "server_too_old");
        return error_hint(err, "13 is the oldest version that pgcask backs up.");
    }
    if (version < 190000 || allow_newer)
        return true;
    error_set(err, ERROR_UNSUPPORTED,
              "the server is PostgreSQL %d, which this version of pgcask "
              "does not know",
              version / 10000);
    error_reason(err, "server_too_new");
    return error_hint(err,
                      "A newer pgcask may know it. " OPTION_ALLOW_NEWER_SERVER
                      " backs it up all the same; what is new in its catalogs is then not seen.");
}

bool logical_compression(const struct backup_request *request, enum compression *compression,
                         int *level, struct error *err)
{
    return compression_parse(request->compression == NULL ? "none" : request->compression,
                             compression, level, err);
}

bool logical_is_script(const struct logical_backup *job)
{
    return job->request.all_databases && job->request.layout == LOGICAL_CLASSIC;
}

bool logical_has_globals(const struct logical_backup *job)
{
    return !job->request.data_only ||
           (!logical_is_script(job) && job->request.layout != LOGICAL_NUMBERED);
}
