#include "support/scratch.h"
#include "wire/auth_password_internal.h"
#include "wire/settings_internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct error err;

struct fixture {
    struct wire_settings *settings;
    struct scratch scratch;
    const char *path;   /* the passfile */
    char warning[1024]; /* the last one */
    struct log log;
};

static void note_warning(void *context, enum log_level level, const char *message)
{
    struct fixture *fixture = context;

    assert_int_equal(level, LOG_WARNING);
    snprintf(fixture->warning, sizeof(fixture->warning), "%s", message);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    scratch_init(&fixture->scratch);
    fixture->path = scratch_path(&fixture->scratch, ".pgpass");
    fixture->settings = wire_settings_new(&err);
    fixture->log = (struct log){.write = note_warning, .context = fixture};
    *state = fixture;
    return wire_settings_set(fixture->settings, "passfile", fixture->path, &err) ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    scratch_remove(&fixture->scratch);
    wire_settings_free(fixture->settings);
    free(fixture);
    return 0;
}

static void write_passfile(const struct fixture *fixture, const char *text, mode_t mode)
{
    int fd = open(fixture->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

/* expected NULL: there is no password for that. */
static void assert_password(struct fixture *fixture, const char *host, const char *port,
                            const char *dbname, const char *user, const char *expected)
{
    const struct wire_password_request request = {
        .host = host, .port = port, .database = dbname, .user = user};
    struct buffer password = {0};
    bool found;

    assert_true(passfile_find_password(fixture->settings, &request, &password, &found,
                                       &fixture->log, &err));
    assert_int_equal(found, expected != NULL);
    assert_string_equal(buffer_text(&password), expected == NULL ? "" : expected);
    buffer_free_secret(&password);
}

static void the_first_line_that_fits_counts(void **state)
{
    write_passfile(*state,
                   "# comment:5432:db:me:no\n"
                   "\n"
                   "other:5432:db:me:one\n"
                   "db1:5433:db:me:two\r\n"
                   "db1:*:db:me:three\n"
                   "db1:*:*:me:four\n"
                   "*:*:*:last:five",
                   0600);
    assert_password(*state, "db1", "5433", "db", "me", "two");
    assert_password(*state, "db1", "5432", "db", "me", "three");
    assert_password(*state, "db1", "5432", "replication", "me", "four");
    assert_password(*state, "x", "1", "y", "last", "five");
    assert_password(*state, "x", "1", "y", "me", NULL);
    assert_password(*state, "db", "5433", "db", "me", NULL);
    assert_password(*state, "db11", "5433", "db", "me", NULL);
}

static void colons_and_backslashes_are_escaped(void **state)
{
    write_passfile(*state,
                   "\\:\\:1:5432:d\\\\b:me:a\\:b\\\\c\n"
                   "h:5432:\\*:me:star\n"
                   "h:5432:db:me:pw:rest\n",
                   0600);
    assert_password(*state, "::1", "5432", "d\\b", "me", "a:b\\c");
    assert_password(*state, "h", "5432", "*", "me", "star");
    assert_password(*state, "h", "5432", "x", "me", NULL);
    assert_password(*state, "h", "5432", "db", "me", "pw");
}

static void localhost_also_means_the_usual_socket_folder(void **state)
{
    write_passfile(*state, "localhost:5432:db:me:local\n/srv/sock:5432:db:me:folder\n", 0600);
    assert_password(*state, NULL, NULL, "db", "me", "local");
    assert_password(*state, "", "5432", "db", "me", "local");
    assert_password(*state, "localhost", "5432", "db", "me", "local");
    assert_password(*state, "/var/run/postgresql", "5432", "db", "me", "local");
    assert_password(*state, "/tmp", "5432", "db", "me", "local");
    assert_password(*state, "/srv/sock", "5432", "db", "me", "folder");
    assert_password(*state, "/srv/other", "5432", "db", "me", NULL);
}

static void lines_that_are_no_lines_are_passed_over(void **state)
{
    write_passfile(*state, "h\nh:5432\nh:5432:db\nh:5432:db:me\n:::\n*\nh:5432:db:me:good\n", 0600);
    assert_password(*state, "h", "5432", "db", "me", "good");
}

static void an_empty_password_is_none(void **state)
{
    write_passfile(*state, "h:5432:db:me:\nh:5432:db:me:late\n", 0600);
    assert_password(*state, "h", "5432", "db", "me", NULL);
}

static void a_file_that_others_may_use_is_ignored_with_a_warning(void **state)
{
    static const mode_t modes[] = {0604, 0602, 0601, 0620, 0610, 0660, 0644};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        fixture->warning[0] = '\0';
        write_passfile(fixture, "*:*:*:*:hunter2\n", modes[i]);
        assert_password(fixture, "h", "5432", "db", "me", NULL);
        assert_non_null(strstr(fixture->warning, "chmod 0600"));
        assert_null(strstr(fixture->warning, "hunter2"));
    }
}

static void a_group_may_read_a_file_of_roots_only(void **state)
{
    struct fixture *fixture = *state;

    write_passfile(fixture, "*:*:*:*:pw\n", 0640);
    assert_password(fixture, "h", "5432", "db", "me", geteuid() == 0 ? "pw" : NULL);
    if (geteuid() != 0)
        return;
    assert_int_equal(chown(fixture->path, 12345, 12345), 0);
    assert_password(fixture, "h", "5432", "db", "me", NULL);
}

static void a_missing_file_is_silent(void **state)
{
    struct fixture *fixture = *state;

    assert_password(fixture, "h", "5432", "db", "me", NULL);
    assert_string_equal(fixture->warning, "");
}

static void a_folder_is_ignored_with_a_warning(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(mkdir(fixture->path, 0700), 0);
    assert_password(fixture, "h", "5432", "db", "me", NULL);
    assert_non_null(strstr(fixture->warning, "not a regular file"));
}

static void the_file_is_looked_for_at_home(void **state)
{
    struct fixture *fixture = *state;
    char *home = getenv("HOME") == NULL ? NULL : strdup(getenv("HOME"));

    write_passfile(fixture, "*:*:*:*:pw\n", 0600);
    assert_true(wire_settings_set(fixture->settings, "passfile", NULL, &err));
    setenv("HOME", fixture->scratch.path, 1);
    assert_password(fixture, "h", "5432", "db", "me", "pw");
    setenv("HOME", "/nonexistent", 1);
    assert_password(fixture, "h", "5432", "db", "me", NULL);
    /* Without HOME the passwd entry is asked; what it says is this machine's affair. */
    unsetenv("HOME");
    (void)settings_home((char[4096]){0}, 4096);
    if (home != NULL)
        setenv("HOME", home, 1);
    free(home);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_first_line_that_fits_counts),
        TEST(colons_and_backslashes_are_escaped),
        TEST(localhost_also_means_the_usual_socket_folder),
        TEST(lines_that_are_no_lines_are_passed_over),
        TEST(an_empty_password_is_none),
        TEST(a_file_that_others_may_use_is_ignored_with_a_warning),
        TEST(a_group_may_read_a_file_of_roots_only),
        TEST(a_missing_file_is_silent),
        TEST(a_folder_is_ignored_with_a_warning),
        TEST(the_file_is_looked_for_at_home),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
