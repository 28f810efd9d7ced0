/* "The first failure counts", once for all: a struct and two calls that leave nothing to forget. */
#include "base/failure.h"

bool failure_keep(struct failure *failure, const struct error *err)
{
    if (!failure->failed)
        failure->error = *err;
    failure->failed = true;
    return false;
}

bool failure_check(const struct failure *failure, struct error *err)
{
    if (failure->failed)
        *err = failure->error;
    return !failure->failed;
}
