/* The controller's kinds, Flag and Segment, over the files of the current folder. */
#pragma once

/* Do what the arguments ask (see cup_sdk.h); returns the exit code. */
int flipt_controller_run(int argc, char **argv);
