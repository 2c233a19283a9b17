/* cupd: the server. All of it is in api/; this file only hands over the process. */
#include "api/cupd.h"

int main(int argc, char **argv)
{
    return cupd_main(argc, argv);
}
