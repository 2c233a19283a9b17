/* The server program: flags, environment, configuration file, start, stop. */
#pragma once

/* Runs cupd; returns the process's exit code. */
int cupd_main(int argc, char **argv);
