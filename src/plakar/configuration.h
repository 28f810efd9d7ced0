/*
 * Plakar's configuration of a source or a destination: keys and values. The keys are the options of
 * a command of the option table, with '_' for '-'; those that say how to connect are named as in
 * Plakar's official integration and win over the location.
 */
#ifndef PGCASK_PLAKAR_CONFIGURATION_H
#define PGCASK_PLAKAR_CONFIGURATION_H

#include "aws/login.h"
#include "base/log.h"
#include "base/options.h"
#include "plakar/connector.h"
#include "wire/wire.h"

/* Whose options are the keys. */
struct configuration_table {
    const struct option_program *program;
    size_t of_sources, of_destinations; /* commands */
};

struct configuration {
    struct options options; /* of the command */
    struct wire_settings *settings;
    struct aws_login *login; /* of postgres+aws:// */
    bool restores;           /* it is of a destination */
    bool physical;           /* the scheme had "+bin" */
    bool tokens;             /* it had "+aws" */
    /* Nothing of the source itself says which database: neither the key, nor the location, nor the
     * service that it names. In Plakar that form means all of them. PGDATABASE does not count:
     * whoever starts plakar does not choose what a source is. */
    bool all_databases;
    char **texts; /* copies of values, which options borrow; wiped when freed */
    size_t text_count;
};

/* Fills it from what Plakar sent. Unknown keys fail and the hint names the nearest. */
bool configuration_read(struct configuration *configuration,
                        const struct configuration_table *table,
                        const struct connector_request *request, const struct log *log,
                        struct error *err);
void configuration_free(struct configuration *configuration);

/* Which options set which of the connection's settings, later ones over earlier ones: inline
 * certificates over files. Ends with NULL. */
struct configuration_setting {
    const char *option, *setting;
};
extern const struct configuration_setting configuration_settings[];

/* An option's name as a key: '_' for '-'. */
#define CONFIGURATION_KEY_SIZE 64
void configuration_key(const char *option, char out[CONFIGURATION_KEY_SIZE]);

#endif
