/* Which region a database is in, where its URI does not say. */
#ifndef PGCASK_AWS_REGION_H
#define PGCASK_AWS_REGION_H

#include "aws/search.h"

#define AWS_REGION_SIZE 64

/* given: what was set by itself, or NULL; else AWS_REGION, AWS_DEFAULT_REGION, or the profile's in
 * ~/.aws/config. */
bool aws_region_find(const struct aws_environment *environment, const char *given,
                     char out[AWS_REGION_SIZE], struct error *err);

#endif
