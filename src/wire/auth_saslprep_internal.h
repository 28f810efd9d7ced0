/* What auth_saslprep.c takes from its table. */
#ifndef PGCASK_WIRE_AUTH_SASLPREP_INTERNAL_H
#define PGCASK_WIRE_AUTH_SASLPREP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool saslprep_is_unassigned(uint32_t point);

#endif
