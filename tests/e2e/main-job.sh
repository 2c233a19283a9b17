#!/bin/bash
# The main job with real programs: image from a registry, cupd on a bare repository, get, apply,
# proposal, merge, delete; what git says about it.
. "$(dirname "$0")/../support/lib.sh"

start_registry
ref=$registry/team/flipt:v1
pack_flipt "$ref" >"$work/packed"
expect_exit 0 cup push "$ref"

repo=$work/flags.git
new_bare_repo "$repo" features.yml <<'YML'
# Who owns what: see the wiki
namespace: default
flags:
- key: contact   # rolled out in May
  name: Contact
  description: Show the contact page
  enabled: true
- key: 'other'
  name: Other
  enabled: false
  x-owner: team-a
segments:
- key: beta
  name: Beta
  match_type: ALL_MATCH_TYPE
YML
start_cupd -api-source git -api-git-repo "$repo" -api-image "$ref" -api-store "$work/cupd-store"

# --- read
cup definitions >"$work/out"
holds "definitions name the kinds of the image" grep -q 'flags .*flipt.io/v1alpha1 .*Flag' "$work/out"
cup get flags >"$work/out"
holds "get lists the flags in the table of upstream" cmp "$work/out" <(printf 'NAMESPACE   NAME      \ndefault     contact   \ndefault     other     \n')
cup get flags contact -o json >"$work/contact.json"
holds "one flag is JSON" jq -e '.kind == "Flag" and .metadata.name == "contact" and .spec.enabled == true' "$work/contact.json"
expect_exit 3 cup get flags nothing
cup get flags -A -o json >"$work/out"
holds "all namespaces are listed" jq -se 'length == 2' "$work/out"
cup controller list -o json >"$work/out"
holds "the controller is the image's, by digest" jq -e --arg d "$(sed 's/.*@//' "$work/packed")" '.items[0].image.digest == $d' "$work/out"

# --- unchanged, invalid, contradicting
expect_exit 0 cup apply -f "$work/contact.json"
holds "an unchanged put makes no proposal" test -z "$(git -C "$repo" for-each-ref refs/heads/cup)"
jq '.spec.enabled = "yes"' "$work/contact.json" >"$work/bad.json"
expect_exit 6 cup apply -f "$work/bad.json"
holds "an invalid put makes no proposal" test -z "$(git -C "$repo" for-each-ref refs/heads/cup)"
code=$(curl -s -o "$work/out" -w '%{http_code}' -X PUT -H 'Content-Type: application/json' --data-binary "@$work/contact.json" \
    "$CUP_ADDRESS/apis/flipt.io/v1alpha1/namespaces/default/flags/another")
holds "t_adv_29: a body that contradicts the URL is 422 and names both" test "$code" = 422
holds "... both values" grep -q "contact.*another" "$work/out"

# --- change, proposal, merge
before=$(git -C "$repo" rev-parse main)
sed 's/Show the contact page/Show the new page/' "$work/contact.json" >"$work/changed.json"
cup apply -f "$work/changed.json" -o json >"$work/result"
id=$(jq -r .id "$work/result")
holds "apply answers a Result with a proposal" jq -e '(.id | length) == 26 and .proposal.source == "git" and (.id as $id | .proposal.url | endswith($id))' "$work/result"
holds "main is where it was" test "$(git -C "$repo" rev-parse main)" = "$before"
holds "one commit on the proposal's branch" test "$(git -C "$repo" rev-list --count "main..cup/proposal/$id")" = 1
git -C "$repo" diff --numstat main "cup/proposal/$id" >"$work/out"
holds "it changes one line of one file" test "$(cat "$work/out")" = "$(printf '1\t1\tfeatures.yml')"
holds "the commit names the object" git -C "$repo" log -1 --format='%(trailers:key=Cup-Object,valueonly)' "cup/proposal/$id"
holds "comments stay" grep -q 'rolled out in May' <(git -C "$repo" show "cup/proposal/$id:features.yml")
cup apply -f "$work/changed.json" -o json >"$work/again"
holds "the same apply again is the same proposal" test "$(jq -r .id "$work/again")" = "$id"
holds "... and no further commit" test "$(git -C "$repo" rev-list --count "main..cup/proposal/$id")" = 1
cup proposal list -o json >"$work/out"
holds "the proposal is listed" jq -e --arg id "$id" '[.items[] | select(.id == $id and .state == "open")] | length == 1' "$work/out"
cup proposal diff "$id" >"$work/out"
holds "its diff shows the change" grep -q '^+.*Show the new page' "$work/out"
cup get flags contact -o json --proposal "$id" >"$work/out"
holds "reads through the proposal show the change" grep -q 'Show the new page' "$work/out"
cup get flags contact -o json >"$work/out"
holds "other reads do not" grep -q 'Show the contact page' "$work/out"
expect_exit 0 cup proposal merge "$id"
cup get flags contact -o json >"$work/out"
holds "after the merge get shows the change" grep -q 'Show the new page' "$work/out"
holds "the merge is a merge commit that names the proposal" test "$(git -C "$repo" log -1 --format='%(trailers:key=Cup-Proposal,valueonly)%P' main | tr -d '\n' | wc -w)" -ge 2
expect_exit 6 cup proposal merge "$id"
expect_exit 3 cup proposal show 00000000000000000000000000

# --- delete, close
cup delete flags contact -o json >"$work/result"
id=$(jq -r .id "$work/result")
expect_exit 0 cup proposal merge "$id"
expect_exit 3 cup get flags contact
holds "what is left is untouched" test "$(git -C "$repo" show main:features.yml | grep -c 'x-owner: team-a')" = 1
expect_exit 3 cup delete flags contact
cup get flags other -o json | jq '.spec.enabled = true' >"$work/other.json"
id=$(cup apply -f "$work/other.json" -o json | jq -r .id)
expect_exit 0 cup proposal close "$id"
holds "a closed proposal's branch is gone, its commit kept" git -C "$repo" rev-parse -q --verify "refs/cup/closed/$id"
holds "... gone" test -z "$(git -C "$repo" for-each-ref "refs/heads/cup/proposal/$id")"

# --- two objects of one file
jq '.spec.enabled = true' "$work/other.json" >"$work/o.json"
sed -e 's/"contact"/"added"/' "$work/contact.json" >"$work/added.json"
first=$(cup apply -f "$work/o.json" -o json | jq -r .id)
second=$(cup apply -f "$work/added.json" -o json | jq -r .id)
holds "different objects have different proposals" test "$first" != "$second"
expect_exit 0 cup proposal merge "$first"

holds "git fsck finds nothing" git -C "$repo" fsck --strict --no-dangling
expect_exit 0 stop_cupd
holds "SIGTERM stops the server with exit 0" test "$cupd_exit" = 0
done_testing
