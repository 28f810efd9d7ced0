#include "restore/restore_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MANY UINT64_MAX

struct fixture {
    struct restore_graph *graph;
    struct error err;
    size_t circles;
    uint32_t taken[16];
};

static struct fixture fixture;

static void make(uint32_t steps, uint32_t things)
{
    fixture = (struct fixture){.graph = restore_graph_new(steps, things, &fixture.err)};
    assert_non_null(fixture.graph);
}

static int tear_down(void **state)
{
    (void)state;
    restore_graph_free(fixture.graph);
    fixture.graph = NULL;
    return 0;
}

static void order(uint32_t before, uint32_t step)
{
    assert_true(restore_graph_order(fixture.graph, before, step, &fixture.err));
}

static void lock(uint32_t step, uint32_t thing, bool alone)
{
    assert_true(restore_graph_lock(fixture.graph, step, thing, alone, &fixture.err));
}

static void seal(void)
{
    assert_true(restore_graph_seal(fixture.graph, &fixture.circles, &fixture.err));
}

static size_t take(uint32_t worker, size_t room)
{
    return restore_graph_take(fixture.graph, worker, fixture.taken, room, MANY);
}

static void assert_takes(uint32_t worker, uint32_t step)
{
    assert_int_equal(take(worker, 1), 1);
    assert_int_equal(fixture.taken[0], step);
}

static void done(uint32_t step)
{
    restore_graph_done(fixture.graph, &step, 1);
}

static void the_largest_that_is_ready_goes_first(void **state)
{
    (void)state;
    make(4, 0);
    restore_graph_set_cost(fixture.graph, 0, 10);
    restore_graph_set_cost(fixture.graph, 1, 30);
    restore_graph_set_cost(fixture.graph, 2, 1000);
    restore_graph_set_cost(fixture.graph, 3, 30);
    order(0, 2);
    seal();

    assert_int_equal(restore_graph_left(fixture.graph), 4);
    assert_takes(0, 1);
    assert_takes(1, 3);
    assert_takes(2, 0);
    assert_int_equal(take(3, 1), 0);
    done(0);
    assert_takes(3, 2);
    assert_int_equal(restore_graph_left(fixture.graph), 0);
    assert_int_equal(fixture.circles, 0);
}

static void a_step_waits_for_all_before_it_even_if_one_is_named_twice(void **state)
{
    (void)state;
    make(3, 0);
    order(0, 2);
    order(0, 2);
    order(1, 2);
    order(2, 2);
    seal();

    assert_int_equal(take(0, 16), 2);
    done(0);
    assert_int_equal(take(0, 16), 0);
    done(1);
    assert_takes(0, 2);
    assert_int_equal(fixture.circles, 0);
}

static void some_are_taken_until_it_is_enough(void **state)
{
    (void)state;
    make(5, 0);
    for (uint32_t i = 0; i < 5; i++)
        restore_graph_set_cost(fixture.graph, i, 10);
    seal();

    assert_int_equal(restore_graph_take(fixture.graph, 0, fixture.taken, 16, 25), 2);
    assert_int_equal(restore_graph_take(fixture.graph, 0, fixture.taken, 2, 1000), 2);
    assert_int_equal(restore_graph_take(fixture.graph, 0, fixture.taken, 16, 0), 1);
}

static void what_one_has_alone_no_other_worker_gets(void **state)
{
    (void)state;
    make(3, 1);
    lock(0, 0, true);
    lock(1, 0, true);
    lock(2, 0, false);
    seal();

    assert_takes(7, 0);
    assert_int_equal(take(8, 16), 0);
    assert_int_equal(restore_graph_left(fixture.graph), 2);
    done(0);
    assert_takes(8, 1);
    assert_int_equal(take(7, 16), 0);
    done(1);
    assert_takes(7, 2);
}

static void what_is_shared_several_have_and_none_alone(void **state)
{
    (void)state;
    make(4, 1);
    restore_graph_set_cost(fixture.graph, 2, 5);
    restore_graph_set_cost(fixture.graph, 3, 9);
    lock(0, 0, true);
    lock(2, 0, false);
    lock(3, 0, false);
    seal();

    assert_takes(0, 3);
    assert_takes(1, 2);
    assert_takes(0, 1); /* 0 is passed over */
    assert_int_equal(take(0, 1), 0);
    done(3);
    assert_int_equal(take(0, 1), 0);
    done(2);
    assert_takes(0, 0);
}

static void a_worker_is_not_in_its_own_way(void **state)
{
    (void)state;
    make(3, 2);
    lock(0, 0, true);
    lock(1, 0, false);
    lock(1, 1, true);
    lock(2, 1, true);
    seal();

    assert_int_equal(take(3, 16), 3);
    assert_int_equal(fixture.taken[2], 2);
}

/* What is only behind one waits for it, also where it has the lowest number. */
static void what_is_behind_a_circle_stays_behind_it(void **state)
{
    (void)state;
    make(5, 0);
    order(1, 0);
    order(0, 4);
    order(3, 1);
    order(2, 3);
    order(3, 2);
    seal();

    assert_int_equal(fixture.circles, 1);
    for (uint32_t i = 0; i < 5; i++) {
        static const uint32_t steps[] = {2, 3, 1, 0, 4};

        assert_takes(0, steps[i]);
        done(steps[i]);
    }
}

static void circles_are_opened_at_their_first_step(void **state)
{
    (void)state;
    make(6, 0);
    order(1, 2);
    order(2, 3);
    order(3, 1);
    order(3, 4);
    order(0, 5);
    order(5, 0);
    seal();

    assert_int_equal(fixture.circles, 2);
    assert_int_equal(take(0, 16), 2);
    assert_int_equal(fixture.taken[0], 0);
    assert_int_equal(fixture.taken[1], 1);
    done(1);
    assert_takes(0, 2);
    done(2);
    assert_takes(0, 3);
    done(3);
    assert_takes(0, 4);
    done(4);
    done(0);
    assert_takes(0, 5);
    done(5);
    assert_int_equal(restore_graph_left(fixture.graph), 0);
}

/* ---- Held against a model ---- */

#define STEPS 400
#define THINGS 12
#define WORKERS 4

struct model {
    bool before[STEPS][STEPS];
    uint8_t locks[STEPS][THINGS]; /* 1: shared, 2: alone */
    int worker[STEPS];            /* that has taken it; -1: none; -2: it is done */
};

static struct model model;

static void make_at_random(unsigned seed)
{
    srand(seed);
    memset(&model, 0, sizeof(model));
    make(STEPS, THINGS);
    for (uint32_t i = 0; i < STEPS; i++) {
        model.worker[i] = -1;
        restore_graph_set_cost(fixture.graph, i, (uint64_t)(rand() % 50));
        for (int j = rand() % 3; i > 0 && j > 0; j--) {
            uint32_t before = (uint32_t)rand() % i;

            model.before[i][before] = true;
            order(before, i);
        }
        for (int j = rand() % 4; j > 0; j--) {
            uint32_t thing = (uint32_t)rand() % THINGS;
            bool alone = rand() % 3 == 0;

            model.locks[i][thing] |= alone ? 2 : 1;
            lock(i, thing, alone);
        }
    }
    seal();
}

static bool conflict(uint32_t a, uint32_t b)
{
    for (int i = 0; i < THINGS; i++) {
        if (model.locks[a][i] != 0 && model.locks[b][i] != 0 &&
            (model.locks[a][i] & 2) + (model.locks[b][i] & 2) > 0)
            return true;
    }
    return false;
}

static bool may_be_taken(uint32_t step, int worker)
{
    for (uint32_t i = 0; i < STEPS; i++) {
        if ((model.before[step][i] && model.worker[i] != -2) ||
            (model.worker[i] >= 0 && model.worker[i] != worker && conflict(step, i)))
            return false;
    }
    return model.worker[step] == -1;
}

/* None is taken that may not, and nothing is said to be none while there is one. */
static void take_as_the_model(int worker, uint32_t *held, size_t *count)
{
    *count = restore_graph_take(fixture.graph, (uint32_t)worker, held, 1 + (size_t)rand() % 7, 90);
    for (size_t i = 0; i < *count; i++) {
        assert_true(may_be_taken(held[i], worker));
        model.worker[held[i]] = worker;
    }
    for (uint32_t i = 0; *count == 0 && i < STEPS; i++)
        assert_false(may_be_taken(i, worker));
}

static void any_graph_is_gone_through_as_its_rules_say(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 60; seed++) {
        uint32_t held[WORKERS][8];
        size_t counts[WORKERS] = {0}, finished = 0;

        make_at_random(seed);
        while (finished < STEPS) {
            int worker = rand() % WORKERS;

            if (counts[worker] == 0) {
                take_as_the_model(worker, held[worker], &counts[worker]);
                continue;
            }
            restore_graph_done(fixture.graph, held[worker], counts[worker]);
            for (size_t i = 0; i < counts[worker]; i++)
                model.worker[held[worker][i]] = -2;
            finished += counts[worker];
            counts[worker] = 0;
        }
        assert_int_equal(restore_graph_left(fixture.graph), 0);
        restore_graph_free(fixture.graph);
        fixture.graph = NULL;
    }
}

/* All want the same parent alone, which with a list that is gone through each time would be 10^10
 * looks: the test would not end. */
static void a_hundred_thousand_steps_take_no_time(void **state)
{
    enum { COUNT = 100000 };
    uint32_t held[2][16];
    size_t counts[2], finished = 0;

    (void)state;
    make(COUNT, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        lock(i, i, true);
        lock(i, 0, true);
        if (i > 0 && i % 2 == 0)
            order(i - 1, i);
    }
    seal();
    while (finished < COUNT) {
        for (uint32_t worker = 0; worker < 2; worker++)
            counts[worker] = restore_graph_take(fixture.graph, worker, held[worker], 16, MANY);
        assert_true(counts[0] + counts[1] > 0);
        for (uint32_t worker = 0; worker < 2; worker++) {
            restore_graph_done(fixture.graph, held[worker], counts[worker]);
            finished += counts[worker];
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_largest_that_is_ready_goes_first, tear_down),
        cmocka_unit_test_teardown(a_step_waits_for_all_before_it_even_if_one_is_named_twice,
                                  tear_down),
        cmocka_unit_test_teardown(some_are_taken_until_it_is_enough, tear_down),
        cmocka_unit_test_teardown(what_one_has_alone_no_other_worker_gets, tear_down),
        cmocka_unit_test_teardown(what_is_shared_several_have_and_none_alone, tear_down),
        cmocka_unit_test_teardown(a_worker_is_not_in_its_own_way, tear_down),
        cmocka_unit_test_teardown(what_is_behind_a_circle_stays_behind_it, tear_down),
        cmocka_unit_test_teardown(circles_are_opened_at_their_first_step, tear_down),
        cmocka_unit_test_teardown(any_graph_is_gone_through_as_its_rules_say, tear_down),
        cmocka_unit_test_teardown(a_hundred_thousand_steps_take_no_time, tear_down),
    };

    return cmocka_run_group_tests_name("restore: graph", tests, NULL, NULL);
}
