# The commands that change a store, for the stories that break them off: store-kill, store-faults, store-power.
# Sourced after lib.sh. Quick: some points of each command; with CUP_FAULTS=full many more, the same ones each time.
#
# break_commands MODE QUICK FULL      each command under tests/support/crash.py MODE, QUICK or FULL points of it

pack_small() { # module, definition, reference, store
    cup pack --wasm "$work/$1.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/$2.json" -t "$3" --store "$4" >/dev/null
}

prepare_commands() {
    compile_guest "$work/small.wasm" <<<'int main(void) { return 1; }'
    compile_guest "$work/other.wasm" <<<'int main(void) { return 2; }'
    compile_guest "$work/gone.wasm" <<<'int main(void) { return 3; }'
    start_registry
    pack_small small flags a:v1 "$work/template/store"
    pack_small gone flags c:v1 "$work/template/store"
    pack_small other segments b:v1 "$work/elsewhere"
    cup image tag a:v1 a:kept --store "$work/template/store" >/dev/null
    cup push b:v1 "$registry/team/b:v1" --store "$work/elsewhere" -q >/dev/null
    cup image remove c:v1 --store "$work/template/store" >/dev/null
    cup image save b:v1 -f "$work/b.tar" --store "$work/elsewhere" -q
    # Sound: every blob hashes to its name, every name has what it needs, and the old ones are on what they were on.
    cat >"$work/sound" <<'SH'
set -e
for place in "--store $D/store" "oci-layout:$D/layout"; do
    dir=${place#* }
    [ -e "${dir#oci-layout:}/oci-layout" ] || continue
    cup image check $place
done
for name in "$@"; do
    cup image list --store "$D/store" -o json | jq -e --arg name "${name%@*}" --arg digest "${name##*@}" \
        'any(.images[]; .name == $name and .digest == $digest)' >/dev/null || { echo "$name is not there"; exit 1; }
done
SH
    # Tidy: nothing is left over once the command was run again and a prune has come by.
    cat >"$work/tidy" <<'SH'
set -e
[ ! -e "$D/store/oci-layout" ] || cup image prune --grace 0s --store "$D/store" >/dev/null
left=$(find "$D" -path '*/.ingest/*' -o -path '*/.pins/*' -o -name '*.tmp')
[ -z "$left" ] || { echo "left over: $left"; exit 1; }
SH
    kept="a:kept@$(cup image list --store "$work/template/store" -o json | jq -r '.images[0].digest')"
}

# what, names that must be there all the time, further flags of crash.py or nothing, command
break_command() {
    local what=$1 names=$2 flags=$3
    shift 3
    holds "$what" python3 "$CUP_SOURCE_DIR/tests/support/crash.py" $mode --dir "$work/d" --template "$work/$template" \
        --check "bash $work/sound $names" --final "bash $work/tidy" --sample "$points" $flags -- "$@"
    sed 's/^/# /' "$work/check.out"
}

break_commands() {
    local mode=$1 points=$2 template=template store=$work/d/store
    [ "${CUP_FAULTS:-quick}" != full ] || points=$3
    prepare_commands
    local case=t_adv_54_kill
    [ "$mode" != fault ] || case=t_adv_57_failing_calls
    [ "$mode" != power ] || case=t_adv_56_power_loss
    break_command "${case}_during_pack" "a:v1@${kept#*@} $kept" "" \
        cup pack --wasm "$work/small.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/segments.json" -t a:v2 --store "$store"
    break_command "${case}_during_pull" "a:v1@${kept#*@} $kept" "" \
        cup pull "$registry/team/b:v1" --store "$store" -q
    break_command "${case}_during_tag" "a:v1@${kept#*@} $kept" "" cup image tag a:v1 a:v3 --store "$store"
    break_command "${case}_during_remove" "$kept" "--rerun-exit 0,3" cup image remove a:v1 --store "$store"
    break_command "${case}_during_prune" "$kept" "" cup image prune --grace 0s --store "$store"
    break_command "${case}_during_load" "a:v1@${kept#*@} $kept" "" cup image load -f "$work/b.tar" b:v1 --store "$store" -q
    break_command "${case}_during_push_to_a_layout" "$kept" "" \
        cup push a:v1 "oci-layout:$work/d/layout:v1" --store "$store" -q
    template=none
    break_command "${case}_during_the_first_pack" "" "" \
        cup pack --wasm "$work/small.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" -t a:v1 --store "$store"
}
