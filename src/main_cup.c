/* cup: the command line. All of it is in cli/; this file only hands over the process. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
