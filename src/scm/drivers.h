/* The drivers, one a file; scm.c lists them. */
#pragma once

#include "scm/scm.h"

/* Branches of the repository itself: plain.c. */
extern const struct scm_driver scm_plain;
