# A kind that is a file each, for stories about proposals; to be sourced behind lib.sh.
#
# define_widgets DIR        resources of kind Widget (example.com/v1, widgets) over the default template
# widget NAME NUMBER        one of them, in namespace default, as JSON
# propose NAME NUMBER       apply it; $id is its proposal
# status_of PATH [ARG…]     the HTTP code of a request to $CUP_ADDRESS/PATH; its answer is in $work/answer
widgets_path=apis/example.com/v1/namespaces/default/widgets
proposals_path=apis/cup.flipt.io/v1alpha1/proposals

define_widgets() {
    mkdir -p "$1"
    cat >"$1/widgets.json" <<'JSON'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"ResourceDefinition","metadata":{"name":"widgets.example.com"},
 "names":{"kind":"Widget","singular":"widget","plural":"widgets"},"spec":{"group":"example.com","versions":{"v1":{"type":"object"}}}}
JSON
    cat >"$1/controller.json" <<'JSON'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Controller","metadata":{"name":"files"},"spec":{"type":"template","spec":{}}}
JSON
    cat >"$1/binding.json" <<'JSON'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Binding","metadata":{"name":"files"},"spec":{"controller":"files","resources":["example.com/v1/widgets"]}}
JSON
}

widget() {
    printf '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"namespace":"default","name":"%s"},"spec":{"n":%s}}\n' "$1" "$2"
}

propose() {
    id=$(widget "$1" "$2" | cup apply -f - -o json | jq -r .id)
    [ ${#id} = 26 ] || fail "no proposal for widget $1"
}

status_of() {
    local path=$1
    shift
    curl -s -o "$work/answer" -w '%{http_code}' "$@" "$CUP_ADDRESS/$path"
}
