#!/bin/bash
# Our fault registry lies exactly as its script says: each action by itself.
. "$(dirname "$0")/../support/lib.sh"
holds "each action of the fault registry does what it says" python3 "$CUP_SOURCE_DIR/tests/support/fault_registry_test.py"
done_testing
