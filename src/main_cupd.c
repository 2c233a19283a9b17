/* cupd: the server. All of it is in api/; this file only hands over the process. */
#include "api/cupd.h"
#include "wasmhost/wasmhost.h"

int main(int argc, char **argv)
{
    if (wasmhost_is_compiler(argc, argv))
        return wasmhost_compile_main(argv);
    return cupd_main(argc, argv);
}
