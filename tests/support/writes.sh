# For stories about writes: a kind whose objects are files, and short names for requests. Sourced behind lib.sh.
#
# widgets_resources DIR         definition, controller and binding of demo.example/v1 Widget
# widgets_repo DIR NAME…        a bare repository with these widgets, of size 0, in namespace default
# request METHOD PATH CURL-ARG… answer in $work/out, its headers in $work/headers, status in $status
# put NAME SIZE CURL-ARG…       PUT of widget NAME; query for PATH's end in $query
# delete NAME CURL-ARG…
# changes CURL-ARG…             POST of the set of changes on stdin
# id                            that of the Result in $work/out
# branches                      names of the proposals' branches of $repo
# version NAME                  of widget NAME, as on the target branch
# sound                         git fsck --strict finds nothing, and no lock or half-written ref is left
query=
widgets=/apis/demo.example/v1/namespaces/default/widgets

widgets_resources() {
    mkdir -p "$1"
    jq -n '{apiVersion: "cup.flipt.io/v1alpha1", kind: "ResourceDefinition", metadata: {name: "widgets.demo.example"},
        names: {kind: "Widget", singular: "widget", plural: "widgets"},
        spec: {group: "demo.example", versions: {v1: {type: "object", properties: {spec: {type: "object",
            properties: {size: {type: "integer"}}, additionalProperties: false}}}}}}' >"$1/definition.json"
    jq -n '{apiVersion: "cup.flipt.io/v1alpha1", kind: "Controller", metadata: {name: "files"}, spec: {type: "template"}}' \
        >"$1/controller.json"
    jq -n '{apiVersion: "cup.flipt.io/v1alpha1", kind: "Binding", metadata: {name: "widgets"},
        spec: {controller: "files", resources: ["demo.example/v1/widgets"]}}' >"$1/binding.json"
}

widget() {
    printf '{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"default","name":"%s"},"spec":{"size":%s}}' "$1" "$2"
}

widgets_repo() {
    local dir=$1 seed name
    shift
    seed=$(mktemp -d "$work/seed.XXXX")
    git init -q -b main "$seed"
    mkdir "$seed/default"
    echo "widgets" >"$seed/README"
    for name; do
        jq '{apiVersion, kind, metadata: {namespace: .metadata.namespace, name: .metadata.name, labels: null, annotations: null}, spec}' \
            <<<"$(widget "$name" 0)" >"$seed/default/demo.example-v1-Widget-$name.json"
    done
    git -C "$seed" add .
    git -C "$seed" commit -qm seed
    git clone -q --bare "$seed" "$dir"
}

request() {
    local method=$1 path=$2
    shift 2
    status=$(curl -s -o "$work/out" -D "$work/headers" -w '%{http_code}' -X "$method" "$@" "$CUP_ADDRESS$path") || status=000
}
put() {
    local name=$1 size=$2
    shift 2
    request PUT "$widgets/$name$query" -H 'Content-Type: application/json' --data-binary "$(widget "$name" "$size")" "$@"
}
delete() {
    local name=$1
    shift
    request DELETE "$widgets/$name$query" "$@"
}
changes() {
    cat >"$work/changes.json"
    request POST "/apis/cup.flipt.io/v1alpha1/changes$query" -H 'Content-Type: application/json' --data-binary "@$work/changes.json" "$@"
}
id() {
    jq -r .id "$work/out"
}
branches() {
    git -C "$repo" for-each-ref --format='%(refname:lstrip=2)' refs/heads/cup/proposal
}
version() {
    curl -s -o "$work/version.body" -D "$work/version.headers" "$CUP_ADDRESS$widgets/$1"
    sed -n 's/^[Ee][Tt]ag: "\(.*\)".*/\1/p' "$work/version.headers"
}
sound() {
    git -C "$repo" fsck --strict --no-progress --no-dangling && [ -z "$(find "$repo" -name '*.lock')" ]
}
