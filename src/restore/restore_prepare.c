/* The parts are made elsewhere; here is the order in which they come. */
#include "restore/restore_prepare.h"

#include "archive/archive_contents.h"
#include "restore/target_databases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- The list ---- */

#define LIST_MOST ((size_t)256 << 20) /* a million entries have 100 MB */

static bool read_all(struct buffer *text, int fd, const char *name, struct error *err)
{
    for (;;) {
        char piece[16384];
        ssize_t got = read(fd, piece, sizeof(piece));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, errno, "cannot read %s", name);
        if (got == 0)
            return true;
        if (text->len + (size_t)got > LIST_MOST)
            return error_set(err, ERROR_USAGE,
                             "%s is no list of an archive's entries: it is over "
                             "256 MiB long",
                             name);
        if (!buffer_append(text, piece, (size_t)got, err))
            return false;
    }
}

static bool read_list(struct buffer *text, const char *name, struct error *err)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    bool done;

    if (fd < 0)
        return error_set_errno(err, errno, "cannot open %s", name);
    done = read_all(text, fd, name, err);
    close(fd);
    return done;
}

static bool give_entry(void *context, uint32_t number, struct archive_entry *entry,
                       struct error *err)
{
    return archive_contents_entry(context, number, entry, err);
}

struct restore_selection *restore_prepare_selection(const struct restore_request *request,
                                                    struct archive_contents *contents,
                                                    struct error *err)
{
    const struct selection_archive archive = {
        .count = archive_contents_count(contents),
        .database = archive_contents_header(contents)->database,
        .context = contents,
        .entry = give_entry,
    };
    struct selection_wishes wishes = {.request = request, .list_name = request->list_file};
    struct restore_selection *selection = NULL;
    struct buffer list = {0};

    if (request->list_file == NULL || read_list(&list, request->list_file, err)) {
        if (request->list_file != NULL)
            wishes.list = slice_make(buffer_text(&list), list.len);
        selection = restore_selection_new(&wishes, &archive, err);
    }
    buffer_free(&list);
    return selection;
}

/* ---- The plan ---- */

static bool fill(struct restore_plan *plan, const struct restore_request *request,
                 struct archive_contents *contents, const struct restore_selection *selection,
                 const struct prepare_options *options, struct error *err)
{
    char *name = target_database_name(request, archive_contents_header(contents)->database,
                                      options->file, options->of_several, err);
    bool done;

    if (name == NULL)
        return false;
    if (options->globals_are_apart && !request->no_globals)
        restore_plan_expect_globals(plan);
    done = restore_plan_add(plan, contents, selection, name, err);
    free(name);
    return done;
}

static bool tell(const struct restore_request *request, const struct preflight_report *report,
                 struct error *err)
{
    size_t fatal = 0;

    for (size_t i = 0; i < report->count; i++) {
        fatal += report->findings[i].fatal;
        if (request->on_finding != NULL)
            request->on_finding(request->context, &report->findings[i]);
    }
    if (fatal == 0)
        return true;
    error_set(err, ERROR_REFUSED, "the restore was not begun: %s",
              fatal == 1 ? "something would make it fail" : "several things would make it fail");
    return error_hint(err, "How to fix %s is said above.", fatal == 1 ? "it" : "each of them");
}

bool restore_prepare(const struct restore_request *request, struct archive_contents *contents,
                     const struct restore_selection *selection,
                     const struct prepare_options *options, struct restore_plan **plan,
                     struct error *err)
{
    struct preflight_report report = {0};
    bool done;

    *plan = restore_plan_new(request, err);
    done = *plan != NULL && fill(*plan, request, contents, selection, options, err) &&
           restore_plan_check(*plan, &report, err);
    if (done && request->on_plan != NULL)
        request->on_plan(request->context, *plan);
    done = done && tell(request, &report, err);
    preflight_reset(&report);
    if (!done) {
        restore_plan_free(*plan);
        *plan = NULL;
    }
    return done;
}
