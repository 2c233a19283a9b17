#!/bin/bash
# The example for .env files: its golden cases hold, from files and out of its image, and cupd serves it.
. "$(dirname "$0")/../support/lib.sh"

example=$CUP_SOURCE_DIR/examples/env
mkdir "$work/env"
cp "${CUP_ENV_WASM:?is the example controller}" "$example/servicesettings.json" "$work/env"
expect_exit 0 cup controller test "$work/env" --tests "$example/tests"
holds "every case was run" test "$(grep -c '^ok - ' "$stdout")" = "$(find "$example/tests" -name call | wc -l)"
expect_exit 0 cup pack "$work/env" --tests "$example/tests" --verbs get,list,put,delete,namespaces --write '**/*.env' -t env:v1
expect_exit 0 cup controller test env:v1

printf '# ours\nLOG_LEVEL=info\nPORT="8080" # http\n' | new_bare_repo "$work/repo.git" deploy/production/web.env
start_cupd -api-image env:v1 -api-source git -api-git-repo "$work/repo.git"
expect_exit 0 cup -n production get servicesettings web -o json
holds "cupd serves the file" jq -e '.spec.variables == {"LOG_LEVEL": "info", "PORT": "8080"}' "$stdout"
jq '.spec.variables.PORT = "9090"' "$stdout" >"$work/web.json"
id=$(cup apply -f "$work/web.json" -o json | jq -r .id)
expect_exit 0 cup proposal merge "$id"
git -C "$work/repo.git" show main:deploy/production/web.env >"$work/after"
holds "a change touches its line alone" cmp "$work/after" <(printf '# ours\nLOG_LEVEL=info\nPORT="9090" # http\n')
curl -s "$CUP_ADDRESS/apis/settings.example.com/v1alpha1/servicesettings" >"$work/all"
holds "lists across namespaces" jq -e '.metadata.namespace == "production"' "$work/all"
stop_cupd
done_testing
