/*
 * A request for a backup is read here once for everybody who asks: the option table's rows have the
 * limits and the defaults, so that what is left to check is what no row can say.
 */
#include "backup/backup_request.h"

#include "base/error_names.h"

#include <stdlib.h>
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

static bool check_two(bool one, const char *name, bool other, const char *its_name,
                      struct error *err)
{
    if (!one || !other)
        return true;
    error_set(err, ERROR_USAGE, ERROR_OURS("%s") " and " ERROR_OURS("%s") " are both set", name,
              its_name);
    return error_hint(err, "Leave one of them out.");
}

/* What leaves rows out beside what is nothing but definitions may be forgotten; what wants them may
 * not. */
static bool check_content(const struct backup_request *request, struct error *err)
{
    return check_two(request->schema_only, OPTION_SCHEMA_ONLY, request->data_only, OPTION_DATA_ONLY,
                     err) &&
           check_two(request->statistics, OPTION_STATISTICS, request->data_only, OPTION_DATA_ONLY,
                     err) &&
           check_two(request->schema_only, OPTION_SCHEMA_ONLY,
                     request->lists[FILTER_WHERE].count > 0, OPTION_WHERE, err) &&
           check_two(request->schema_only, OPTION_SCHEMA_ONLY,
                     request->lists[FILTER_FOREIGN_DATA].count > 0, OPTION_INCLUDE_FOREIGN_DATA,
                     err) &&
           check_two(request->schema_only, OPTION_SCHEMA_ONLY, request->large_objects,
                     OPTION_LARGE_OBJECTS, err) &&
           check_two(request->large_objects, OPTION_LARGE_OBJECTS, request->no_large_objects,
                     OPTION_NO_LARGE_OBJECTS, err);
}

bool backup_request_check(const struct backup_request *request, struct error *err)
{
    return (request->label == NULL || check_label(request->label, err)) &&
           check_content(request, err);
}

bool backup_request_read(struct backup_request *request, const struct options *given,
                         struct error *err)
{
    options_fill(given, request);
    return backup_request_check(request, err);
}

/* A script is one text for psql. */
static bool check_script(const struct backup_request *request, struct error *err)
{
    if (!request->all_databases || request->layout != LOGICAL_CLASSIC ||
        !backup_request_compresses(request))
        return true;
    error_set(err, ERROR_USAGE,
              OPTION_COMPRESS " is for archives, and all databases in the layout classic are one "
                              "script");
    return error_hint(err,
                      "Choose " OPTION_LAYOUT " numbered or tables, or let the store compress.");
}

/* What the environment names is only where to connect to for whoever chooses among all. */
static bool settle_databases(struct backup_request *request, bool environment, struct error *err)
{
    const char *option = request->databases.count > 0 ? OPTION_DATABASES : OPTION_EXCLUDE_DATABASES;
    bool chooses = request->databases.count > 0 || request->exclude_databases.count > 0;

    switch (wire_settings_database_from(request->settings)) {
    case WIRE_DATABASE_LIKE_USER:
        request->all_databases = true;
        return check_script(request, err);
    case WIRE_DATABASE_OF_ENVIRONMENT:
        request->all_databases = chooses || !environment;
        return check_script(request, err);
    case WIRE_DATABASE_NAMED:
        request->all_databases = false;
        break;
    }
    if (!chooses)
        return true;
    error_set(err, ERROR_USAGE,
              ERROR_OURS("%s") " chooses among all databases, and one is named: \"%s\"", option,
              wire_settings_get(request->settings, "dbname"));
    return error_hint(err, "Leave the name out, or the option.");
}

/* A pattern is about what is in one database, and has to match something there. */
static bool check_of_one(const struct backup_request *request, struct error *err)
{
    const char *option = request->filter_file != NULL ? "filter" : NULL;

    for (int list = 0; option == NULL && list < FILTER_LISTS; list++) {
        if (request->lists[list].count > 0)
            option = catalog_filter_option((enum filter_list)list);
    }
    if (option == NULL)
        return true;
    error_set(err, ERROR_USAGE,
              ERROR_OPTION("%s") " is about one database, and none is named: all are backed up",
              option);
    return error_hint(err, "Name the database: postgres://HOST/DATABASE");
}

bool backup_request_settle_databases(struct backup_request *request, bool environment,
                                     struct error *err)
{
    return settle_databases(request, environment, err) &&
           (!request->all_databases || check_of_one(request, err));
}

bool backup_request_compresses(const struct backup_request *request)
{
    return request->compression != NULL && strcmp(request->compression, "none") != 0;
}

void backup_request_reset(struct backup_request *request)
{
    wire_settings_free(request->pinned);
    request->pinned = NULL;
    free(request->filter_text);
    request->filter_text = NULL;
}

enum option_scope backup_request_scope(const struct backup_request *request)
{
    return request->physical ? OPTION_OF_PHYSICAL : OPTION_OF_LOGICAL;
}
