/*
 * Two folders that do not know each other say which functions a controller may import: oci, which looks
 * into images, and wasmhost, which runs them. An image that one lets pass is one that the other runs.
 */
#include "base/testing.h"
#include "oci/wasm_names.h"
#include "wasmhost/internal.h"
#include "wasmhost/testing.h"

static void test_wasi_names__whatever_an_image_may_import_is_there(void **state)
{
    (void)state;
    size_t i = 0;
    for (; wasi_name_at(i) != NULL; i++) {
        if (!wasmhost_knows_import(wasi_name_at(i), strlen(wasi_name_at(i))))
            fail_msg("the host has no '%s'", wasi_name_at(i));
    }
    assert_int_equal(i, 46); /* WASI preview1, "wasi_snapshot_preview1.witx" */
}

static void test_wasi_names__whatever_is_there_an_image_may_import(void **state)
{
    (void)state;
    const struct wasi_row *rows[BOX_ROWS_MAX];
    size_t count = box_rows(rows);
    for (size_t i = 0; i < count; i++) {
        if (!wasi_name_is_known(str_from(rows[i]->name)))
            fail_msg("an image that imports '%s' is refused", rows[i]->name);
    }
    assert_int_equal(count, 46);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wasi_names__whatever_an_image_may_import_is_there),
        cmocka_unit_test(test_wasi_names__whatever_is_there_an_image_may_import),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
