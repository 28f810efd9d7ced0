/* A connection string of psql's ("host=db dbname=shop"), where a URI is wanted. */
#ifndef PGCASK_CLI_CONNECTION_STRING_H
#define PGCASK_CLI_CONNECTION_STRING_H

#include "base/error.h"

/* Fails if the target of a restore is one: the hint has the URI, without any secret. */
bool connection_string_refuse(const char *target, struct error *err);

#endif
