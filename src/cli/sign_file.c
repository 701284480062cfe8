/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing with a key from a file, which is wiped from memory at once.
 */
#include "cli/sign_file.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "cli/command.h"

int cli_sign_text(const char *path, struct oft_str text, char ret_hex[CLI_SIGNATURE_HEX_BYTES])
{
    char pem[OFT_SIGN_PEM_BYTES_MAX];
    uint8_t signature[OFT_SIGN_SIGNATURE_BYTES];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return cli_error(CLI_FAULT, "cannot open %s: %s", path, strerror(errno));
    }
    size_t length = fread(pem, 1, sizeof pem, file);
    bool good = ferror(file) == 0 && length > 0 && length < sizeof pem;
    (void)fclose(file);
    enum oft_err err =
        !good ? OFT_ERR_INVALID : oft_sign((struct oft_str){pem, length}, text, signature);
    oft_wipe(pem, sizeof pem);
    if (err != OFT_OK) {
        return cli_error(CLI_NO,
                         "%s holds no Ed25519 private key without a passphrase; `offtake keys "
                         "party` makes one",
                         path);
    }
    (void)oft_hex(signature, sizeof signature, ret_hex);
    return CLI_OK;
}
