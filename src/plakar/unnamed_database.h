/*
 * A logical source that names no database. In Plakar that form means all databases of the server,
 * which is not possible yet; to back up whichever one the user's name or PGDATABASE suggests would
 * be to leave the others out in silence. So it is refused, with what there is and what to type.
 */
#ifndef PGCASK_PLAKAR_UNNAMED_DATABASE_H
#define PGCASK_PLAKAR_UNNAMED_DATABASE_H

#include "base/cancel.h"
#include "plakar/configuration.h"

/* True if nothing of the source itself says which database: neither the key, nor the location, nor
 * the service that it names. */
bool unnamed_database(const struct configuration *configuration);

/* Asks the server what there is. Always returns false, with the refusal. */
bool unnamed_database_refuse(const struct configuration *configuration, struct cancel *cancel,
                             const struct log *log, struct error *err);

#endif
