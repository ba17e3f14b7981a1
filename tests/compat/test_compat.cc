/* SPDX-License-Identifier: MIT */
/* test_compat.cc - the same source is C++ too. */
#include "test_compat.c"
