#!/bin/bash
# The commands for resources with a real cupd over a local directory and a template controller: what
# scripts written for upstream's cup read, and what ours adds.
. "$(dirname "$0")/../support/lib.sh"

# --- a directory with objects, and the resources that serve it
mkdir -p "$work/resources" "$work/files/default" "$work/files/team-a"
cat >"$work/resources/widgets.json" <<'JSON'
{
  "apiVersion": "cup.flipt.io/v1alpha1",
  "kind": "ResourceDefinition",
  "metadata": {"name": "widgets.demo.example"},
  "names": {"kind": "Widget", "singular": "widget", "plural": "widgets"},
  "spec": {
    "group": "demo.example",
    "versions": {
      "v1": {
        "type": "object",
        "required": ["spec"],
        "properties": {
          "spec": {
            "type": "object",
            "properties": {"size": {"type": "number", "minimum": 1.0}, "note": {"type": "string"}},
            "additionalProperties": false
          }
        }
      }
    }
  }
}
JSON
cat >"$work/resources/controller.json" <<'JSON'
{"apiVersion": "cup.flipt.io/v1alpha1", "kind": "Controller", "metadata": {"name": "paths"}, "spec": {"type": "template"}}
JSON
cat >"$work/resources/binding.json" <<'JSON'
{"apiVersion": "cup.flipt.io/v1alpha1", "kind": "Binding", "metadata": {"name": "widgets"}, "spec": {"controller": "paths", "resources": ["demo.example/v1/widgets"]}}
JSON
widget() { # namespace, name, spec
    printf '{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"%s","name":"%s"},"spec":%s}' "$@"
}
file_of() { echo "$work/files/$1/demo.example-v1-Widget-$2.json"; }
widget default big '{"size":12345678901234567890,"note":"a < b"}' >"$(file_of default big)"
widget default small '{"size":1.0}' >"$(file_of default small)"
widget team-a one '{"size":7}' >"$(file_of team-a one)"
start_cupd -api-source local -api-local-path "$work/files" -api-resources "$work/resources"
cd "$work"

prints() { # what, file of the wanted output, command…
    local what=$1 wanted=$2
    shift 2
    expect_exit 0 "$@"
    holds "$what" diff -u "$wanted" "$stdout"
}

# --- definitions
printf '%s\n' 'NAMESPACE   APIVERSION        KIND     ' 'widgets     demo.example/v1   Widget   ' >wanted
prints "definitions are upstream's table" wanted cup definitions
cup -o json definitions >definitions.json
holds "-o json is the one definition" jq -se 'length == 1 and .[0].metadata.name == "widgets.demo.example"' definitions.json
sed -n '/"v1": {/,$p' definitions.json | head -n 30 >schema
holds "the schema keeps order and spelling" grep -q '"minimum": 1.0' schema

# --- get
printf '%s\n' 'NAMESPACE   NAME    ' 'default     big     ' 'default     small   ' >wanted
prints "get lists in upstream's table" wanted cup get widgets
prints "several names are printed in the server's order" wanted cup get Widget small big
printf '%s\n' 'NAMESPACE   NAME   ' 'team-a      one    ' >wanted
prints "-n names the namespace, after the verb as well" wanted cup get demo.example/widgets -n team-a
: >wanted
prints "no objects print nothing" wanted cup -n nobody -o json get widgets
cat >wanted <<'JSON'
{
  "apiVersion": "demo.example/v1",
  "kind": "Widget",
  "metadata": {
    "namespace": "default",
    "name": "big",
    "labels": null,
    "annotations": null
  },
  "spec": {
    "size": 12345678901234567890,
    "note": "a \u003c b"
  }
}
JSON
prints "-o json keeps numbers as they are" wanted cup -o json get widgets big
cup -o json get widgets >list.json
holds "a list is one document after the other" jq -se 'map(.metadata.name) == ["big", "small"]' list.json
cup get widgets -A -o name >out
holds "-A lists all namespaces" diff out <(printf '%s\n' default/big default/small team-a/one)
expect_exit 3 cup get widgets nope
holds "an error is one or two lines" test "$(wc -l <"$stderr")" -le 2
holds "... on stderr" test ! -s "$stdout"
expect_exit 3 cup get widgets small nope
holds "what is there is printed all the same" grep -q small "$stdout"
expect_exit 3 cup get gadgets
expect_exit 3 cup get demo.example/v1/Widget
expect_exit 2 cup get
expect_exit 2 cup bogus
expect_exit 6 cup get widgets -n ..
expect_exit 8 cup -a http://127.0.0.1:1 get widgets

# --- apply
cat >wanted <<'JSON'
{
  "id": "00000000000000000000000000",
  "empty": false,
  "proposal": null
}
JSON
widget default new '{"size":1e400}' >new.json
prints "apply prints the Result" wanted cup -n other -o json apply -f new.json
holds "the file has the number as it was written" grep -q '1e400' "$(file_of default new)"
printf '%s\n' 'ID                           SOURCE   URL   ' '00000000000000000000000000   -        -     ' >wanted
cat >both.yaml <<'YAML'
# two objects
apiVersion: demo.example/v1
kind: Widget
metadata: {name: from-yaml, namespace: default}
spec: {size: 2.50}
---
apiVersion: demo.example/v1
kind: Widget
metadata: {name: second}
spec:
  size: 3
YAML
prints "a dry run of two answers as the real one: one Result" wanted cup apply -f both.yaml --dry-run
holds "... and changes nothing" test ! -e "$(file_of default from-yaml)"
expect_exit 0 cup apply -f both.yaml -n team-a
holds "YAML keeps its numbers too" grep -q '2.50' "$(file_of default from-yaml)"
holds "without a namespace of its own -n counts" test -e "$(file_of team-a second)"
widget default bad '{"size":"x"}' >bad.json
expect_exit 6 cup apply -f bad.json
holds "the error names field and reason" grep -q 'spec.size.*number' "$stderr"
holds "nothing is written" test ! -e "$(file_of default bad)"
expect_exit 6 cup apply -f - <<<junk
expect_exit 6 cup apply </dev/null
expect_exit 3 cup apply -f missing.json
expect_exit 3 cup apply -f - <<<'{"apiVersion":"demo.example/v1","kind":"Nope","metadata":{"name":"x"}}'
expect_exit 6 cup apply -f - <<<'{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"name":"x"},"spec":{"size":1,"size":2}}'
holds "a duplicate key is named" grep -q 'size' "$stderr"

# --- diff
cup get widgets small -o json >small.json
expect_exit 0 cup diff -f small.json
sed -i 's/1\.0/1.5/' small.json
expect_exit 1 cup diff -f small.json
holds "diff shows the changed line" grep -qx '+    "size": 1.5' "$stdout"
expect_exit 3 cup diff -f missing.json

# --- edit
EDITOR='sed -i s/1\.0/2.0/' expect_exit 0 cup edit widgets small
holds "edit applies what the editor leaves" grep -q '2\.0' "$(file_of default small)"
EDITOR=true expect_exit 0 cup edit widgets small
holds "an unchanged text is not sent" test ! -s "$stdout"
EDITOR='sh -c "exit 7" x' expect_exit 7 cup edit widgets small
mkdir "$work/tmp"
TMPDIR=$work/tmp EDITOR='sed -i s/2\.0/"\"x\""/' expect_exit 6 cup edit widgets small
kept=$(ls "$work"/tmp/cup-*.json)
holds "a refused text is kept and named" grep -q "$kept" "$stderr"
holds "... with what was written" grep -q '"x"' "$kept"

# --- delete
expect_exit 0 cup delete widgets new from-yaml
holds "delete removes the files" test ! -e "$(file_of default new)" -a ! -e "$(file_of default from-yaml)"
expect_exit 3 cup delete widgets new
expect_exit 2 cup delete widgets
expect_exit 0 cup delete -f small.json

# --- what a local directory has not
expect_exit 6 cup proposal list
holds "a local directory has no proposals, and cup says so" grep -q 'local directory' "$stderr"
expect_exit 6 cup get widgets --revision main
cup controller list >out
holds "controller list shows the template controller" grep -q '^paths *template *True' out

# --- configuration
cup config context set address="$CUP_ADDRESS"
address=$CUP_ADDRESS
unset CUP_ADDRESS
expect_exit 0 cup get widgets
cup config context >out
holds "the context is the address that was set" grep -q "^default *$address *default *\*" out
CUP_NAMESPACE=team-a cup get widgets -o name >out
holds "the environment names the namespace" grep -qx one out

# --- completion
cup completion bash >completion.bash
# shellcheck disable=SC1091
. ./completion.bash
complete_words() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _cup
    echo "${COMPREPLY[*]}"
}
holds "bash completes commands" test "$(complete_words cup prop)" = proposal
holds "... below a group, behind an alias" test "$(complete_words cup -o json pr me)" = merge
holds "... and flags" test "$(complete_words cup get --all)" = --all-namespaces
done_testing
