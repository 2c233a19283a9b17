/* A controller for Flipt's feature flags: see README.md. */
#include "controller.h"

int main(int argc, char **argv)
{
    return flipt_controller_run(argc, argv);
}
