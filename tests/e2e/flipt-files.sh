#!/bin/bash
# The Flipt controller on files of several forms: every flag and segment is got and put back unchanged,
# one description is changed, a flag is added and one deleted; everything else stays byte for byte.
. "$(dirname "$0")/../support/lib.sh"

files=$work/files
mkdir "$files"
cat >"$files/plain.yml" <<'Y'
# a comment at the top
namespace: default

flags:
  # before the first
  - key: one        # at its end
    name: "One"
    description: 'a single quoted text'
    enabled: true
    metadata: {owner: team-a, nested: [1, 2.0, 0x1F]}   # the shape does not know this
    variants:
      - key: a
        name: A
        attachment: {"n": 12345678901234567890, "f": 1.0, "t": "yes"}
    rules:
      - segment: beta
        rank: 1
        distributions:
          - variant: a
            rollout: 100

  - key: "two"
    name: Two
    description: >-
      folded
      text
    enabled: no
segments:
  - key: beta
    name: Beta
    match_type: ALL_MATCH_TYPE
    constraints:
      - type: STRING_COMPARISON_TYPE
        property: id
        operator: eq
        value: "007"
Y
cat >"$files/stream.yml" <<'Y'
---
version: "1.2"
namespace: {key: alpha, name: Alpha, description: the first}
flags:
- {key: flow, name: Flow, enabled: true}
- key: block
  name: Block
  description: in block style
  enabled: false
  rules:
  - segment:
      keys: [s1, s2]
      operator: AND_SEGMENT_OPERATOR
    distributions: []
segments:
- key: s1
  name: S1
- key: s2
  name: S2
---
namespace: beta
flags:
- key: only
  name: Only
  description: in the second document
  enabled: true
...
Y
printf 'namespace: default\r\nflags:\r\n- key: crlf\r\n  name: C\r\n  description: with CR LF\r\n  enabled: true\r\n- key: last\r\n  name: L\r\n  description: no final newline\r\n  enabled: true' >"$files/crlf.yml"
python3 - "$files/many.yml" <<'P'
import sys
with open(sys.argv[1], "w") as f:
    f.write("flags:\n")
    for i in range(300):
        f.write("- key: flag-%03d\n  name: Flag %d\n  description: number %d\n  enabled: %s\n" % (i, i, i, "true" if i % 2 else "false"))
P
pack_flipt flipt:v1 >/dev/null
expect_exit 0 python3 "$CUP_SOURCE_DIR/tests/support/flipt_roundtrip.py" --bin "$CUP_BIN" \
    --store "$XDG_DATA_HOME/cup/store" --image flipt:v1 "$files"/*.yml
holds "every file was looked at" test "$(grep -c ' hold$' "$stdout")" = 4
done_testing
