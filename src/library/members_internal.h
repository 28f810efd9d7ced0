/* The members of the public structures of options, by the options that they stand for. */
#ifndef PGCASK_LIBRARY_MEMBERS_INTERNAL_H
#define PGCASK_LIBRARY_MEMBERS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum member_type { MEMBER_BOOL, MEMBER_32, MEMBER_64, MEMBER_TEXT };

struct library_member {
    const char *option, *name;
    enum member_type type;
    size_t physical, logical, restore; /* where the structures have it; 0: not at all */
    bool zero_counts;                  /* it is a value; else it is the option's default */
};

#define LIBRARY_MEMBERS 67

extern const struct library_member library_members[LIBRARY_MEMBERS];

/* What the public structures call the member for an option; NULL: they have none. */
const char *library_member_name(const char *option);

struct library_value {
    const char *text;
    uint64_t number; /* as struct option_value has it */
};

struct library_value library_member_get(const struct library_member *member, const void *at);
void library_member_put(const struct library_member *member, const struct library_value *value,
                        void *at);

#endif
