#!/bin/bash
# How a controller is made: from nothing to a served kind; called over a directory and a repository; measured;
# its golden cases, here and in its image.
. "$(dirname "$0")/../support/lib.sh"

# --- from nothing to a served kind
new=$work/policies
expect_exit 0 cup controller init "$new" --kind Policy --group team.example -o json
holds "init says what it made" jq -e '.name == "policies" and .plural == "policies" and .kind == "Policy"' "$stdout"
holds "no word of the templates is left" test -z "$(grep -rlE '__[A-Z]+__' "$new" --include=*.md --include=main.c --include=call --include=Makefile --include=std*; find "$new" -name '*__*')"
expect_exit 5 cup controller init "$new"
holds "nothing is overwritten" grep -q 'nothing is written' "$stderr"
for wrong in "--kind policy" "--kind P-x" "--name Bad" "--group a/b" "--name ../x"; do
    expect_exit 2 cup controller init "$work/wrong" $wrong
done
holds "nor anything made for a wrong name" test ! -e "$work/wrong"
expect_exit 1 env PATH="$CUP_BIN" cup controller build "$new"
holds "without a compiler the packages to install are named" grep -q 'apt install clang lld wasi-libc' "$stderr"
expect_exit 1 env WASI_SDK_PATH="$work/nothing" cup controller build "$new"
holds "a WASI_SDK_PATH that is none is named" grep -q "$work/nothing/bin/clang" "$stderr"
expect_exit 3 cup controller build "$work"
expect_exit 0 cup controller build "$new"
holds "build prints the module's path" test "$(cat "$stdout")" = "$new/policies.wasm"
expect_exit 0 cup controller test "$new"
holds "all its cases hold" test "$(grep -c '^ok - ' "$stdout")" = 6
expect_exit 0 cup pack "$new" --tests "$new/tests" -t policies:v1
expect_exit 0 cup controller test policies:v1
mkdir -p "$work/data/policies/default"
echo allow >"$work/data/policies/default/first.txt"
start_cupd -api-image policies:v1 -api-local-path "$work/data"
expect_exit 0 cup get policies first -o json
holds "cupd serves it" jq -e '.spec.text == "allow\n"' "$stdout"
stop_cupd
echo 'int main(void) { return broken; }' >"$new/main.c"
expect_exit 1 cup controller build "$new"
holds "what the compiler says is seen" grep -q "main.c:1" "$stderr"

# --- one call, as cupd makes it
mkdir "$work/flipt" "$work/dir"
cp "$CUP_FLIPT_WASM" "$CUP_SOURCE_DIR"/examples/flipt/*.json "$work/flipt"
seed() {
    printf 'namespace: default\nflags:\n- key: contact\n  name: Contact\n'
}
seed >"$work/dir/features.yml"
seed | new_bare_repo "$work/repo.git" features.yml
run="cup controller run --wasm $work/flipt"
expect_exit 0 $run get Flag default contact --dir "$work/dir"
holds "get prints the object" jq -e '.metadata.name == "contact"' "$stdout"
expect_exit 0 $run list Flag default --repo "$work/repo.git" --revision main
holds "a repository's revision is a tree as well" jq -e '.metadata.name == "contact"' "$stdout"
expect_exit 0 $run list Flag default --repo "$work/repo.git" -o yaml
holds "in the form that is asked for" grep -q '^  name: contact' "$stdout"
expect_exit 3 $run get Flag default nothing --dir "$work/dir"
expect_exit 1 $run get Wat default nothing --dir "$work/dir"
holds "the controller's own words are told" grep -q 'unsupported kind: "Wat"' "$stderr"
expect_exit 0 $run get Flag default contact --dir "$work/dir"
jq '.spec.description = "new"' "$stdout" >"$work/flag.json"
expect_exit 0 $run put Flag default contact --dir "$work/dir" -f "$work/flag.json"
holds "put prints what it would change" grep -q '^+  description: new' "$stdout"
holds "and changes nothing" cmp "$work/dir/features.yml" <(seed)
expect_exit 6 $run put Flag default other --dir "$work/dir" -f "$work/flag.json"
holds "an object that contradicts the call is refused" grep -q "'contact'.*'other'" "$stderr"
jq '.spec.wrong = 1' "$work/flag.json" >"$work/wrong.json"
expect_exit 6 $run put Flag default contact --dir "$work/dir" -f "$work/wrong.json"
expect_exit 0 $run put Flag default contact --dir "$work/dir" --write <"$work/flag.json"
holds "with --write the file has it" grep -q 'description: new' "$work/dir/features.yml"
expect_exit 0 cup pack "$work/flipt" --write 'other/**' -t flipt:narrow
expect_exit 1 cup controller run --image flipt:narrow delete Flag default contact --dir "$work/dir"
holds "an image's paths hold here too" grep -q "path not allowed: 'features.yml'" "$stderr"
for wrong in "get Flag default" "list Flag" "wat Flag" "get Flag default a --repo $work/repo.git" "list Flag default --write"; do
    expect_exit 2 $run $wrong --dir "$work/dir"
done
expect_exit 2 $run list Flag default

# --- measured
expect_exit 0 $run get Flag default contact --dir "$work/dir" --profile -o json
holds "a profile counts what the guest read" jq -e --argjson n "$(stat -c %s "$work/dir/features.yml")" \
    '.hostCalls | map(select(.name == "fd_read")) | .[0].bytes >= $n' "$stdout"
expect_exit 0 $run get Flag default contact --dir "$work/dir" --profile
holds "and is a table for people" grep -Eq '^  path_open +[1-9]' "$stdout"
expect_exit 0 cup controller bench --wasm "$work/flipt" get Flag default contact --dir "$work/dir" -N 7 -o json
holds "bench sums up its calls" jq -e '.calls == 7 and .total.minNs <= .total.medianNs and .total.medianNs <= .total.p99Ns' "$stdout"
expect_exit 2 cup controller bench --wasm "$work/flipt" get Flag default contact --dir "$work/dir" -N 0

# --- golden cases
cases=$work/flipt/tests
mkdir -p "$cases/get-one/tree" "$cases/put-new/tree" "$cases/nothing"
seed | tee "$cases/get-one/tree/features.yml" >"$cases/put-new/tree/features.yml"
echo 'get Flag default contact' >"$cases/get-one/call"
printf '# a comment\n\nput Flag default contact\n' >"$cases/put-new/call"
cp "$work/flag.json" "$cases/put-new/stdin"
echo 'get Flag default contact' >"$cases/nothing/call"
test="cup controller test"
expect_exit 1 $test "$work/flipt"
holds "a case without expectations is not ok, with what came" grep -q '^+ *"name": "contact"' "$stdout"
expect_exit 0 $test "$work/flipt" --update
holds "an update writes what came" test "$(cat "$cases/nothing/exit")" = 3
holds "... the tree where it changed" grep -q 'description: new' "$cases/put-new/tree.after/features.yml"
holds "... and only there" test ! -e "$cases/get-one/tree.after"
expect_exit 0 $test "$work/flipt"
holds "all of them are ok then" test "$(grep -c '^ok - ' "$stdout")" = 3
jq -c -S . "$cases/get-one/stdout" >"$work/compact" && cp "$work/compact" "$cases/get-one/stdout"
expect_exit 0 $test "$work/flipt" get-one
expect_exit 0 cup pack "$work/flipt" --tests "$cases" -t flipt:tested
packed=$(cat "$stdout")
expect_exit 0 cup pack "$work/flipt" --tests "$cases" -t flipt:again
holds "cases are packed reproducibly" test "${packed#*@}" = "$(sed 's/.*@//' "$stdout")"
expect_exit 0 $test flipt:tested
holds "cases travel in the image" test "$(grep -c '^ok - ' "$stdout")" = 3
cup image copy flipt:tested "oci-layout:$work/moved:v1" >/dev/null
expect_exit 0 $test "oci-layout:$work/moved:v1"
expect_exit 0 cup pull "oci-layout:$work/moved:v1" -d "$work/unpacked" -q
holds "pull -d unpacks the cases" diff -r "$cases" "$work/unpacked/tests"
expect_exit 0 $test "$work/unpacked"
holds "... as test wants them" test "$(grep -c '^ok - ' "$stdout")" = 3
expect_exit 0 cup inspect flipt:tested -o json
holds "inspect names the cases" jq -e '.tests | (.digest | startswith("sha256:")) and .size > 0' "$stdout"
expect_exit 0 cup pack "$work/flipt" -t flipt:untested
expect_exit 0 cup inspect flipt:untested -o json
holds "... where there are any" jq -e '.tests == null' "$stdout"
expect_exit 1 cup image diff flipt:untested flipt:tested
holds "diff sees that cases came" grep -q '^compatible *golden cases added' "$stdout"
expect_exit 0 cup image diff flipt:tested "$work/flipt"
expect_exit 0 cup pull "oci-layout:$work/moved:v1"
sed -i 's/description: new/description: old/' "$cases/put-new/tree.after/features.yml"
expect_exit 1 $test "$work/flipt" -o json
holds "a document says which failed" jq -e '.failed == 1 and (.cases[] | select(.name == "put-new") | .diff | contains("+  description: new"))' "$stdout"
expect_exit 1 $test flipt:tested --tests "$cases"
expect_exit 3 $test flipt:narrow
holds "an image without cases says so" grep -q 'without --tests' "$stderr"
expect_exit 3 $test "$work/flipt" no-such-case
expect_exit 2 $test flipt:tested --update
ln -s /etc/passwd "$cases/get-one/tree/link"
expect_exit 6 cup pack "$work/flipt" --tests "$cases" -t flipt:linked
done_testing
