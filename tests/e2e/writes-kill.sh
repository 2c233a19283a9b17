#!/bin/bash
# Hardening 55: cupd killed at any system call of a write; after a restart and a retry there is one proposal.
# CUP_FAULTS=full: at each call, else at some.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/writes.sh"

repo=$work/widgets.git
widgets_repo "$repo" a b
widgets_resources "$work/resources"
sample=8
[ "${CUP_FAULTS:-}" = full ] && sample=0
export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
for mode in new more set back; do
    mkdir "$work/$mode"
    holds "t_adv_55: $mode" python3 "$CUP_SOURCE_DIR/tests/support/put_kill.py" --repo "$repo" --resources "$work/resources" \
        --dir "$work/$mode" --mode $mode --sample $sample
    sed 's/^/# /' "$work/check.out"
done
done_testing
