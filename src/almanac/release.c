/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which edition of the tz database this machine has. Its text form says so in its first line; some
 * systems have a file +VERSION; where neither is, the zone's own file has a hash.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/almanac.h"
#include "base/hash.h"

enum { PATH_BYTES = 1024, LINE_BYTES = 64, ZONE_FILE_BYTES_MAX = 1 << 20 };

/* Where GLib looks too. */
static const char *directory(void)
{
    const char *said = getenv("TZDIR");
    return said != NULL ? said : "/usr/share/zoneinfo";
}

static FILE *open_file(const char *name)
{
    char path[PATH_BYTES];
    int length = snprintf(path, sizeof(path), "%s/%s", directory(), name);
    return length < 0 || (size_t)length >= sizeof(path) ? NULL : fopen(path, "re");
}

/* The first line of NAME behind PREFIX: letters and digits, nothing else. */
static bool first_line(const char *name, const char *prefix, char out[LINE_BYTES])
{
    char line[LINE_BYTES] = "";
    size_t skipped = strlen(prefix);
    FILE *file = open_file(name);
    bool read = file != NULL && fgets(line, sizeof(line), file) != NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    line[strcspn(line, "\r\n")] = '\0';
    if (!read || strncmp(line, prefix, skipped) != 0) {
        return false;
    }
    (void)snprintf(out, LINE_BYTES, "%s", line + skipped);
    return out[0] != '\0' && strspn(out, "0123456789abcdefghijklmnopqrstuvwxyz-.") == strlen(out);
}

static bool hash_of_zone(const char *zone, char out[OFT_SHA256_HEX_BYTES])
{
    FILE *file = open_file(zone);
    char *bytes = file == NULL ? NULL : malloc(ZONE_FILE_BYTES_MAX);
    size_t length = bytes == NULL ? 0 : fread(bytes, 1, ZONE_FILE_BYTES_MAX, file);
    struct oft_sha256 *hash = oft_sha256_new();
    bool good = hash != NULL && length > 0 && length < ZONE_FILE_BYTES_MAX && ferror(file) == 0;
    uint8_t sha256[32];
    if (good) {
        oft_sha256_update(hash, bytes, length);
        oft_sha256_final(hash, sha256);
        (void)oft_hex(sha256, sizeof(sha256), out);
    }
    oft_sha256_free(hash);
    free(bytes);
    if (file != NULL) {
        (void)fclose(file);
    }
    return good;
}

enum oft_err almanac_zone_release(const char *zone, struct oft_arena *arena,
                                  const char **ret_release, struct oft_error *reterr)
{
    char line[LINE_BYTES];
    char hex[OFT_SHA256_HEX_BYTES];
    if (first_line("tzdata.zi", "# version ", line) || first_line("+VERSION", "", line)) {
        *ret_release = oft_arena_copy(arena, oft_str_from(line));
    } else if (hash_of_zone(zone, hex)) {
        *ret_release = oft_arena_printf(arena, "sha256-%s", hex);
    } else {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND,
                        "the time zone data in %s does not say its release, and \"%.63s\" is no "
                        "file there (is the package tzdata installed?)",
                        directory(), zone);
    }
    return *ret_release == NULL ? oft_fail(reterr, OFT_ERR_MEMORY, "out of memory") : OFT_OK;
}
