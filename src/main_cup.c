/* cup: the command line. All of it is in cli/; this file only hands over the process. */
#include "cli/cli.h"
#include "wasmhost/wasmhost.h"

int main(int argc, char **argv)
{
    if (wasmhost_is_compiler(argc, argv))
        return wasmhost_compile_main(argv);
    return cli_main(argc, argv);
}
