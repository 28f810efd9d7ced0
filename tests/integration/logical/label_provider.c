/*
 * A provider of security labels that takes whatever it is given, as a library that a server
 * preloads. -DMAJOR=N says which server. Its header files are not needed: this is all of its
 * interface that matters, and a server refuses a library whose magic is not its own.
 */
#include <stddef.h>

struct fields {
    int version, funcmaxargs, indexmaxkeys, namedatalen, float8byval;
#if MAJOR >= 15
    char abi_extra[32];
#endif
};

struct magic {
    int len;
    struct fields fields;
#if MAJOR >= 18
    const char *name, *version;
#endif
};

extern void register_label_provider(const char *name, void (*check)(const void *, const char *));

static void accept(const void *object, const char *label)
{
    (void)object;
    (void)label;
}

const struct magic *Pg_magic_func(void);
void _PG_init(void);

const struct magic *Pg_magic_func(void)
{
    static const struct magic magic = {
        .len = sizeof(struct magic),
        .fields =
            {
                .version = MAJOR * 100,
                .funcmaxargs = 100,
                .indexmaxkeys = 32,
                .namedatalen = 64,
                .float8byval = 1,
#if MAJOR >= 15
                .abi_extra = "PostgreSQL",
#endif
            },
    };

    return &magic;
}

void _PG_init(void)
{
    register_label_provider("plain", accept);
    register_label_provider("Pro \"vider", accept);
}
