#include "kind_test.h"

#include "catalog/kinds/index_attach.c"

static const struct catalog_kind kind_index = {.desc = "INDEX",
                                               .section = SECTION_POST_DATA,
                                               .priority = PRIORITY_INDEX,
                                               .detail = DETAIL_INDEX};

static struct table_index *add_index(struct kind_test *test, struct table_index *index,
                                     struct relation *table, uint32_t oid, const char *name)
{
    struct catalog_object *object =
        kind_test_object(test, &kind_index, CLASS_RELATION, oid, "s", name);

    *index = (struct table_index){
        .object = object, .table = table, .oid = oid, .name = object->name, .tablespace = ""};
    object->detail = index;
    return index;
}

static void the_index_of_a_partition_becomes_a_part_of_the_wholes(void **state)
{
    static struct table_index whole, part;
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_index(test, &whole, kind_test_relation(test, 10, 'p', "s", "root"), 20, "Whole i");
    add_index(test, &part, kind_test_relation(test, 11, 'r', "s", "part"), 21, "part_i");
    part.parent_oid = 20;
    part.parent_schema = "s";
    part.parent_name = "Whole i";
    part.parent_owner = "o";
    kind_test_step(test, &catalog_step_index_attach);
    kind_test_expect(test, "== INDEX ATTACH s part_i o post-data\n"
                           "ALTER INDEX s.\"Whole i\" ATTACH PARTITION s.part_i;\n"
                           "-- needs root, Whole i, part, part_i\n");
}

static void the_whole_need_not_be_in_the_archive(void **state)
{
    static struct table_index part;
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_index(test, &part, kind_test_relation(test, 11, 'r', "s", "part"), 21, "part_i");
    part.parent_oid = 20;
    part.parent_schema = "Other";
    part.parent_name = "whole_i";
    part.parent_owner = "p";
    kind_test_step(test, &catalog_step_index_attach);
    kind_test_expect(test, "== INDEX ATTACH s part_i p post-data\n"
                           "ALTER INDEX \"Other\".whole_i ATTACH PARTITION s.part_i;\n"
                           "-- needs part, part_i\n");
}

static void others_stay_as_they_are(void **state)
{
    static struct table_index index;
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_index(test, &index, kind_test_relation(test, 10, 'r', "s", "t"), 20, "i");
    kind_test_step(test, &catalog_step_index_attach);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_of_a_partition_becomes_a_part_of_the_wholes),
        cmocka_unit_test(the_whole_need_not_be_in_the_archive),
        cmocka_unit_test(others_stay_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
