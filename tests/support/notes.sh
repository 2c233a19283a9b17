# A kind of the stories' own, example.com/v1 Note, through a template controller, and HTTP by hand; to be
# sourced behind lib.sh.
#
# write_resources DIR         its definition, controller and binding
# note NAME TEXT              one note, as it is stored and sent
# $notes                      path of the notes of namespace default
# note_file NAME              where one is kept in a repository
# new_note_repo DIR           a bare repository with the note "one"
# code CURL-ARG…              prints the status; the body is in $work/body, the head in $work/head
# get_note NAME [QUERY]       status of a GET
# put_note NAME TEXT          status of a PUT
# commit_note CLONE NAME TEXT a commit in a work tree
# until_ready WHAT JQ         until the body of /readyz is so; its status then is $ready_code
# head_of REPO                commit of main
# metric NAME                 its value

write_resources() {
    mkdir -p "$1"
    cat >"$1/definition.json" <<'JSON'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"ResourceDefinition","metadata":{"name":"notes.example.com"},
 "names":{"kind":"Note","singular":"note","plural":"notes"},"spec":{"group":"example.com","versions":{"v1":{"type":"object"}}}}
JSON
    cat >"$1/controller.json" <<'JSON'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Controller","metadata":{"name":"files"},"spec":{"type":"template","spec":{}}}
JSON
    cat >"$1/binding.json" <<'JSON'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Binding","metadata":{"name":"notes"},
 "spec":{"controller":"files","resources":["example.com/v1/notes"]}}
JSON
}

notes=/apis/example.com/v1/namespaces/default/notes

note() {
    printf '{"apiVersion":"example.com/v1","kind":"Note","metadata":{"namespace":"default","name":"%s"},"spec":{"text":"%s"}}\n' "$1" "$2"
}

note_file() {
    echo "default/example.com-v1-Note-$1.json"
}

new_note_repo() {
    note one first | new_bare_repo "$1" "$(note_file one)"
}

code() {
    curl -s -m 60 -o "$work/body" -D "$work/head" -w '%{http_code}' "$@"
}

get_note() {
    code "$CUP_ADDRESS$notes/$1${2:-}"
}

put_note() {
    note "$1" "$2" | code -X PUT -H 'Content-Type: application/json' --data-binary @- "$CUP_ADDRESS$notes/$1"
}

commit_note() {
    mkdir -p "$1/default"
    note "$2" "$3" >"$1/$(note_file "$2")"
    git -C "$1" add .
    git -C "$1" commit -qm "$2 $3"
}

until_ready() {
    local try
    for try in $(seq 1 400); do
        ready_code=$(code "$CUP_ADDRESS/readyz")
        ! jq -e "$2" "$work/body" >/dev/null || {
            passed "$1"
            return
        }
        sleep 0.05
    done
    cat "$work/body"
    fail "$1: /readyz never said $2"
}

head_of() {
    git -C "$1" rev-parse main
}

metric() {
    curl -s "$CUP_ADDRESS/metrics" | sed -n "s/^$1 //p"
}
