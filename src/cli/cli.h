/* The command line of cup: everything behind main(). */
#pragma once

/* Runs one command; returns the process's exit code (README's table). */
int cli_main(int argc, char **argv);
