#include "plakar/excludes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool may_match(const char *pattern, const char *path)
{
    struct excludes excludes;
    struct error err;
    bool matches;

    assert_true(excludes_init(&excludes, (char *[]){(char *)(uintptr_t)pattern}, 1, &err));
    matches = excludes_may_match(&excludes, path);
    excludes_reset(&excludes);
    return matches;
}

static void patterns_match_as_plakars_do(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool matches;
    } cases[] = {
        {"manifest.json", "/manifest.json", true},
        {"/manifest.json", "/manifest.json", true},
        {"*.json", "/manifest.json", true},
        {"*.json", "/data/a.json", true},
        {"*", "/manifest.json", true},
        {"**", "/manifest.json", true},
        {"/**", "/data/x", true},
        {"**/log", "/data/log/a", true},
        {"log", "/data/log/a", true},
        {"log/", "/data/log/a", true},
        {"/data/log", "/data/log/a", true},
        {"/data/log/", "/data/log/a", true},
        {"data/*.log", "/data/a.log", true},
        {"/data/**/a", "/data/b/c/a", true},
        {"my app.dump", "/my app.dump", true},
        {"manifest.json  ", "/manifest.json", true},
        {"m?nifest.json", "/manifest.json", true}, /* not gone into */
        {"/data/log", "/manifest.json", false},
        {"/data/log", "/data/logs", false},
        {"/data/log", "/other/data/log", false},
        {"data/*.log", "/data/a.txt", false},
        {"data/*.log", "/data/b/a.log", false},
        {"/data/**", "/manifest.json", false},
        {"*.log", "/manifest.json", false},
        {"json", "/manifest.json", false},
        {"!*.json", "/manifest.json", false},
        {"", "/manifest.json", false},
        {"/", "/manifest.json", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (may_match(cases[i].pattern, cases[i].path) != cases[i].matches)
            fail_msg("%s, %s", cases[i].pattern, cases[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_plakars_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
