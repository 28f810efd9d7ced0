/*
 * A request for a backup is read here once for everybody who asks: the option table's rows have the
 * limits and the defaults, so that what is left to check is what no row can say.
 */
#include "backup/backup_request.h"

#include <string.h>

#define LABEL_MAX 1024 /* the server's limit */

static bool check_label(const char *label, struct error *err)
{
    if (strnlen(label, LABEL_MAX + 1) > LABEL_MAX)
        return error_set(err, ERROR_USAGE, ERROR_OPTION("label") " is longer than %d bytes",
                         LABEL_MAX);
    for (; *label != '\0'; label++) {
        if ((unsigned char)*label < ' ')
            return error_set(err, ERROR_USAGE, ERROR_OPTION("label") " holds a control character");
    }
    return true;
}

bool backup_request_check(const struct backup_request *request, struct error *err)
{
    return request->label == NULL || check_label(request->label, err);
}

bool backup_request_read(struct backup_request *request, const struct options *given,
                         struct error *err)
{
    options_fill(given, request);
    return backup_request_check(request, err);
}

bool backup_request_compresses(const struct backup_request *request)
{
    return request->compression != NULL && strcmp(request->compression, "none") != 0;
}

void backup_request_reset(struct backup_request *request)
{
    wire_settings_free(request->pinned);
    request->pinned = NULL;
}

enum option_scope backup_request_scope(const struct backup_request *request)
{
    return request->physical ? OPTION_OF_PHYSICAL : OPTION_OF_LOGICAL;
}
