#!/bin/bash
# Equal calls give equal bytes: two processes of cupd, without a cache, are asked fifty times each for a
# get, a list and a put by the example controller.
. "$(dirname "$0")/../support/lib.sh"

pack_flipt flipt:v1 >/dev/null
path=/apis/flipt.io/v1alpha1/namespaces/default/flags
body='{"apiVersion":"flipt.io/v1alpha1","kind":"Flag","metadata":{"namespace":"default","name":"two"},"spec":{"type":"BOOLEAN_FLAG_TYPE","enabled":true,"description":"put"}}'

fresh() { # DIR
    rm -rf "${1:?}"/*  # cupd keeps the directory itself open
    mkdir -p "$1/more"
    printf 'namespace: default\nflags:\n- key: one\n  name: One\n  enabled: true\n' >"$1/features.yml"
    for i in $(seq 1 20); do
        printf 'namespace: n%d\nflags:\n- key: f%d\n  name: F\n  enabled: false\n' "$i" "$i" >"$1/more/$i.features.yml"
    done
}

rounds() { # NAME; prints one digest a different result
    local dir=$work/$1 round
    for round in $(seq 1 50); do
        fresh "$dir"
        curl -sS "$CUP_ADDRESS$path/one" "$CUP_ADDRESS$path" "$CUP_ADDRESS${path/default/n7}" >"$work/$1.out"
        curl -sS -X PUT -d "$body" -H 'Content-Type: application/json' "$CUP_ADDRESS$path/two" >>"$work/$1.out"
        curl -sS "$CUP_ADDRESS$path/two" >>"$work/$1.out"
        cat "$work/$1.out" "$dir"/features.yml "$dir"/more/* | sha256sum
    done | sort -u >"$work/$1.digests"
}

for name in a b; do
    fresh "$work/$name"
    start_cupd -api-source local -api-local-path "$work/$name" -api-image flipt:v1 -api-cache-size 0
    rounds "$name"
    stop_cupd
done
holds "what is compared holds the results" grep -q '"description":"put"' "$work/a.out"
holds "a hundred rounds in two processes gave one result" test "$(cat "$work"/[ab].digests | sort -u | wc -l)" = 1
holds "in both of them" test -s "$work/a.digests" -a -s "$work/b.digests"
done_testing
