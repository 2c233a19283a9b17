#!/bin/bash
# A power cut at any point of a command leaves every name whole or absent, and the command succeeds afterwards.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/store_commands.sh"

break_commands power 2 20

done_testing
