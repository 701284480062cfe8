/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_CLI_SIGN_FILE_H
#define OFFTAKE_CLI_SIGN_FILE_H
/*
 * Signing with a private key that lies in a file of whoever calls: it never leaves this process.
 */
#include "base/sign.h"

#define CLI_SIGNATURE_HEX_BYTES (2 * OFT_SIGN_SIGNATURE_BYTES + 1)

/* Signs TEXT with the key at PATH. CLI_OK, or an exit code after a message. */
int cli_sign_text(const char *path, struct oft_str text, char ret_hex[CLI_SIGNATURE_HEX_BYTES]);

#endif
