#!/bin/bash
# A change with GitHub as the forge, and with each of its faults.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/forge_story.sh"
forge_story github
done_testing
