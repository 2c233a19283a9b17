#!/bin/bash
# Eight pulls, a prune and two cupd at once on one store, for some seconds (CUP_FAULTS=full: half a minute); then
# bits rot, and are noticed where they are used.
. "$(dirname "$0")/../support/lib.sh"

seconds=6
[ "${CUP_FAULTS:-quick}" != full ] || seconds=30
store=$work/store
start_registry
for i in 1 2 3; do
    compile_guest "$work/c$i.wasm" <<<"#include <stdio.h>
int main(void) { puts(\"[]\"); return $i; }"
    cup pack --wasm "$work/c$i.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" -t "c$i:v1" --store "$work/source" >/dev/null
    cup push "c$i:v1" "$registry/team/c$i:v1" --store "$work/source" -q >/dev/null
done
pack_flipt flipt:v1 --store "$work/source" >/dev/null 2>&1 || pack_flipt flipt:v1 >/dev/null
cup push flipt:v1 "$registry/team/flipt:v1" -q >/dev/null
new_bare_repo "$work/repo.git" production/features.yaml <<<'namespace: production'

# --- all at once
served=$registry/team/flipt:v1
start_cupd -api-source git -api-git-repo "$work/repo.git" -api-image "$served" -api-store "$store"
first=$CUP_ADDRESS
mv "$work/cupd.log" "$work/cupd-first.log"
start_cupd -api-source git -api-git-repo "$work/repo.git" -api-image "$served" -api-store "$store"
second=$CUP_ADDRESS
end=$((SECONDS + seconds))
for i in 1 2 3 4 5 6 7 8; do
    (
        set +e
        while [ $SECONDS -lt $end ]; do
            cup pull "$registry/team/c$((i % 3 + 1)):v1" --store "$store" -q >/dev/null 2>"$work/pull-$i.log" ||
                { echo "pull $i: exit $?" >>"$work/failures"; cat "$work/pull-$i.log" >>"$work/failures"; }
        done
    ) &
    workers+=($!)
done
prunes=0
while [ $SECONDS -lt $end ]; do
    for flags in '--grace 0s' '--grace 0s --all' '--grace 0s --max-size 4KiB'; do
        # shellcheck disable=SC2086
        cup image prune $flags --store "$store" >/dev/null 2>"$work/prune.log" ||
            { echo "prune $flags: exit $?" >>"$work/failures"; cat "$work/prune.log" >>"$work/failures"; }
        prunes=$((prunes + 1))
    done
    for address in "$first" "$second"; do
        curl -sf "$address/apis" >/dev/null || echo "$address does not answer" >>"$work/failures"
    done
done
wait "${workers[@]}"
echo "# $prunes prunes"
cat "$work/failures" 2>/dev/null | head -20 | sed 's/^/# /' || true
holds "t_adv_59_pulls_prunes_and_servers_do_not_disturb_each_other" test ! -e "$work/failures"
holds "t_adv_59_the_store_is_sound_afterwards" cup image check --store "$store"
holds "t_adv_59_what_a_running_cupd_uses_is_there" \
    sh -c "cup image list --store '$store' -o json | jq -e --arg n '$served' 'any(.images[]; .name == \$n and .inUse and .complete)'"
expect_exit 0 cup image prune --all --grace 0s --store "$store"
holds "... and stays" test "$(cup image list --store "$store" -o name)" = "$served"

# --- a cupd that was killed uses nothing
kill -9 "$cupd_pid"
wait "$cupd_pid" 2>/dev/null || true
holds "the other one still uses it" sh -c "cup image prune --all --store '$store' && cup image list --store '$store' -o name | grep -qx '$served'"

# --- rot
blob_of() { # image, jq path of a descriptor
    echo "$store/blobs/sha256/$(jq -r "$2.digest" "$store/blobs/sha256/$(cup image list --store "$store" -o json |
        jq -r --arg n "$1" '.images[] | select(.name == $n).digest[7:]')" | cut -d: -f2)"
}
rot() { # file: one bit, neither size nor time changes
    python3 -c 'import os,sys
p = sys.argv[1]; st = os.stat(p); data = bytearray(open(p, "rb").read()); data[len(data) // 2] ^= 1
open(p, "r+b").write(data); os.utime(p, (st.st_atime, st.st_mtime))' "$1"
}
layer=$(blob_of "$served" '.layers[0]')
rot "$layer"
expect_exit 7 cup image check --store "$store"
holds "check names the blob" grep -q "$(basename "$layer")" "$stdout"
holds "... and the image" grep -q "$served" "$stdout"
expect_exit 0 cup pull "$served" --store "$store" -q
holds "t_adv_59_a_rotten_blob_is_fetched_again_by_pull" cup image check --store "$store"
rot "$(blob_of "$served" '.layers[1]')"
rot "$(blob_of "$served" '.layers[0]')"
expect_exit 0 cupd check -api-source git -api-git-repo "$work/repo.git" -api-image "$served" -api-store "$store"
holds "t_adv_59_a_rotten_blob_is_fetched_again_by_cupd" cup image check --store "$store"
rot "$(blob_of "$served" '.layers[0]')"
expect_exit 7 cup push "$served" "oci-layout:$work/layout:v1" --store "$store"
holds "t_adv_59_a_rotten_blob_is_not_handed_on" grep -q 'rotted' "$stderr"

done_testing
