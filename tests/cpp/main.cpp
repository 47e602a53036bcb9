// SPDX-License-Identifier: MIT
// The entry point of the core's unit tests: doctest collects every test_*.cpp linked with it.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
