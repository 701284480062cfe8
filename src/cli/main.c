/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry of `offtake`. Everything is in commands.c, where tests can reach it too.
 */
#include "cli/command.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
