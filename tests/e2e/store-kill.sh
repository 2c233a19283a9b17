#!/bin/bash
# A command that is killed at any of its system calls leaves a sound store, and succeeds when it is run again.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/store_commands.sh"

break_commands kill 4 60

done_testing
