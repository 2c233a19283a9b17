#!/bin/bash
# A command whose system calls fail says so, leaves a sound store, and succeeds once they work again.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/store_commands.sh"

break_commands fault 6 40

# --- writes that come to less than was asked for
prepare=$work/template/store
export ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 # what is loaded before it calls write only
LD_PRELOAD=$CUP_SHORT_WRITES expect_exit 0 cup pack --wasm "$work/small.wasm" \
    --definition "$CUP_SOURCE_DIR/examples/flipt/segments.json" -t short:v1 --store "$prepare"
LD_PRELOAD=$CUP_SHORT_WRITES expect_exit 0 cup pull "$registry/team/b:v1" --store "$prepare" -q
holds "t_adv_57_short_writes_are_gone_on_with" cup image check --store "$prepare"

done_testing
