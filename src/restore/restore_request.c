/*
 * A request for a restore into a server is read here once for everybody who asks: the rows of
 * restore_options.h have what each option takes, so that what is left is what no row can say.
 */
#include "restore/restore_request.h"

#include "base/error_names.h"

#include <string.h>

/* ---- What does not go together ---- */

struct pair {
    bool one;
    const char *name;
    bool other;
    const char *its_name;
};

static bool check_pairs(const struct pair *pairs, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!pairs[i].one || !pairs[i].other)
            continue;
        error_set(err, ERROR_USAGE, ERROR_OURS("%s") " and " ERROR_OURS("%s") " are both set",
                  pairs[i].name, pairs[i].its_name);
        return error_hint(err, "Leave one of them out.");
    }
    return true;
}

bool restore_request_check(const struct restore_request *request, struct error *err)
{
    bool data_only = request->data_only, recreate = request->existing == RESTORE_RECREATE,
         clean = request->existing == RESTORE_CLEAN;
    const struct pair pairs[] = {
        {request->schema_only, OPTION_SCHEMA_ONLY, data_only, OPTION_DATA_ONLY},
        {request->sections != 0, OPTION_SECTIONS, request->schema_only, OPTION_SCHEMA_ONLY},
        {request->sections != 0, OPTION_SECTIONS, data_only, OPTION_DATA_ONLY},
        {clean, OPTION_CLEAN, data_only, OPTION_DATA_ONLY},
        {recreate, OPTION_RECREATE, data_only, OPTION_DATA_ONLY},
        {request->create_db, OPTION_CREATE_DB, data_only, OPTION_DATA_ONLY},
        {request->disable_triggers, OPTION_DISABLE_TRIGGERS, request->schema_only,
         OPTION_SCHEMA_ONLY},
        {request->transaction_size > 0, OPTION_TRANSACTION_SIZE, request->single_transaction,
         OPTION_SINGLE_TRANSACTION},
        {request->jobs > 1, OPTION_JOBS, request->single_transaction, OPTION_SINGLE_TRANSACTION},
    };

    if (!check_pairs(pairs, sizeof(pairs) / sizeof(pairs[0]), err))
        return false;
    if (!request->disable_triggers || data_only || request->sections == RESTORE_DATA)
        return true;
    error_set(err, ERROR_USAGE, OPTION_DISABLE_TRIGGERS " is for rows alone");
    return error_hint(err, "Add " OPTION_DATA_ONLY
                           ", or leave it out: triggers of tables that are made on the way come "
                           "after the rows in any case.");
}

/* ---- What no row can fill ---- */

static bool read_existing(struct restore_request *request, const struct options *given,
                          struct error *err)
{
    bool into = options_flag(given, "into-existing"), clean = options_flag(given, "clean"),
         recreate = options_flag(given, "recreate");
    const struct pair pairs[] = {
        {clean, OPTION_CLEAN, recreate, OPTION_RECREATE},
        {into, OPTION_INTO_EXISTING, recreate, OPTION_RECREATE},
        {into, OPTION_INTO_EXISTING, clean, OPTION_CLEAN},
    };

    request->existing = recreate ? RESTORE_RECREATE
                        : clean  ? RESTORE_CLEAN
                        : into   ? RESTORE_INTO_EXISTING
                                 : RESTORE_REFUSE_OBJECTS;
    return check_pairs(pairs, sizeof(pairs) / sizeof(pairs[0]), err);
}

static bool read_section(unsigned *sections, const char *word, struct error *err)
{
    static const struct {
        const char *word;
        unsigned bit;
    } known[] = {
        {"pre-data", RESTORE_PRE_DATA}, {"data", RESTORE_DATA}, {"post-data", RESTORE_POST_DATA}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(word, known[i].word) == 0) {
            *sections |= known[i].bit;
            return true;
        }
    }
    return error_set(err, ERROR_USAGE,
                     OPTION_SECTIONS ": \"%s\" is not one of pre-data, data, post-data", word);
}

static bool read_sections(struct restore_request *request, const struct options *given,
                          struct error *err)
{
    bool done = true;

    request->sections = 0;
    for (size_t i = 0; done && i < options_count(given, "sections"); i++) {
        const char *text = options_text_at(given, "sections", i);
        char **items = options_items_new(&(struct option_list){&text, 1}, "sections", err);

        if (items == NULL)
            return false;
        for (size_t at = 0; done && items[at] != NULL; at++)
            done = read_section(&request->sections, items[at], err);
        options_items_free(items);
    }
    return done;
}

bool restore_request_read(struct restore_request *request, const struct options *given,
                          struct error *err)
{
    options_fill(given, request);
    request->jobs = (unsigned)options_number(given, "jobs");
    request->transaction_size = (unsigned)options_number(given, "transaction-size");
    return wire_check_name("database", request->database, err) &&
           wire_check_name("role", request->role, err) && read_existing(request, given, err) &&
           read_sections(request, given, err) && restore_request_check(request, err);
}

bool restore_request_is_of_part(const struct restore_request *request)
{
    bool part = request->list_file != NULL || request->sections != 0 || request->data_only;

    for (int i = 0; i < RESTORE_LISTS; i++)
        part |= request->lists[i].count > 0;
    return part;
}

bool restore_request_ends_on_failure(const struct restore_request *request)
{
    return request->exit_on_error || request->single_transaction || request->transaction_size > 0;
}
