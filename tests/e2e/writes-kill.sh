#!/bin/bash
# Hardening 55: cupd killed at any system call of a write; after a restart and a retry there is one proposal.
# CUP_FAULTS=full: at each call, else at some.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/writes.sh"

repo=$work/widgets.git
widgets_repo "$repo" a b
widgets_resources "$work/resources"
sample=5
[ "${CUP_FAULTS:-}" = full ] && sample=0
export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
killed() { # MODE ARG…
    local dir
    dir=$(mktemp -d "$work/kill.XXXX")
    holds "t_adv_55: $*" python3 "$CUP_SOURCE_DIR/tests/support/put_kill.py" --repo "$repo" --resources "$work/resources" \
        --dir "$dir" --sample $sample --mode "$@"
    sed 's/^/# /' "$work/check.out"
}
for mode in new more set back; do
    killed $mode
done
killed new --forge gitea
done_testing
