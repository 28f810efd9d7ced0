/* A trial makes no roles: what fails because one of them is not there is not the script's fault. */
#include "restore/script_restore_internal.h"

#include "restore/restore_needs.h"
#include "restore/restore_selection.h"

#include <strings.h>

/* Descriptions of entries whose SQL names roles behind other words each. */
static void gather_roles(const struct script_restore *restore, const char *statement,
                         struct restore_needs *needs)
{
    static const char *const descs[] = {"ACL", "DEFAULT ACL", "USER MAPPING"};
    struct error ignored;

    for (size_t i = 0; i < 3; i++) {
        const struct archive_entry entry = {.desc = descs[i], .tag = "", .definition = statement};

        if (i < 2 || strncasecmp(statement, "CREATE USER MAPPING", 19) == 0)
            restore_needs_add(needs, restore->request, &entry, SELECTED_DEFINITION, &ignored);
    }
}

bool script_lacks_role(const struct script_restore *restore, const struct target_failure *failure)
{
    struct restore_needs needs = {0};
    bool lacks = false;

    if (strcmp(failure->sqlstate, "42704") != 0 || restore->user == NULL) /* not asked yet */
        return false;
    gather_roles(restore, failure->statement, &needs);
    for (size_t i = 0; !lacks && i < needs.roles.count; i++) {
        const struct script_name *role =
            script_names_find(&restore->names, 'r', needs.roles.items[i].name);

        lacks = role == NULL || !role->there;
    }
    restore_needs_reset(&needs);
    return lacks;
}
