/* How much memory a JSON text will take once it is parsed shows in how many values it has: each
 * takes some hundred bytes, however short it is in the text. */
#ifndef PGCASK_MANIFEST_JSON_VALUES_H
#define PGCASK_MANIFEST_JSON_VALUES_H

#include "base/slice.h"

/* Values and keys of the text, which need not be valid; counting stops one above `most`. */
size_t json_values_at_most(struct slice text, size_t most);

#endif
