/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Providers' credentials: read from the environment or from files when a policy is published, put
 * into a file of their own that only the workers' group may read, and wiped from our memory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/limits.h"
#include "engine/internal.h"

/* One line: trailing line ends are taken off. False when it is missing, empty or too long. */
static bool take_secret(const char *text, size_t length, struct policy_secret *slot)
{
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r')) {
        length--;
    }
    if (length == 0 || length > sizeof(slot->bytes)) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x21 || text[i] == 0x7f) {
            return false; /* it goes into a header: nothing that could end one */
        }
    }
    memcpy(slot->bytes, text, length);
    slot->length = (uint32_t)length;
    return true;
}

static bool read_secret_file(const char *path, struct policy_secret *slot)
{
    char text[sizeof(slot->bytes) + 3];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    struct stat status;
    bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    ssize_t length = regular ? read(fd, text, sizeof(text)) : -1;
    (void)close(fd);
    bool good = length > 0 && take_secret(text, (size_t)length, slot);
    OPENSSL_cleanse(text, sizeof(text));
    return good;
}

/* The first pool that uses the secret, for words. */
static const char *pool_of(const struct deal *deal, uint32_t secret)
{
    for (uint32_t i = 0; i < deal->serve_count; i++) {
        for (uint32_t k = 0; k < deal->serves[i].keys.count; k++) {
            if (deal->serves[i].keys.items[k] == secret) {
                return deal->pools[deal->serves[i].pool].name;
            }
        }
    }
    return "-";
}

static void load_secret(const struct deal *deal, uint32_t index, struct policy_secret *slot,
                        struct oft_buffer *report)
{
    const struct deal_secret *secret = &deal->secrets[index];
    if (secret->source == DEAL_SECRET_ENVIRONMENT) {
        const char *value = getenv(secret->name);
        if (value == NULL || !take_secret(value, strlen(value), slot)) {
            oft_buffer_printf(report,
                              "warning: pool %s: the environment variable %s holds no usable key; "
                              "its provider will refuse us\n",
                              pool_of(deal, index), secret->name);
        }
    } else if (!read_secret_file(secret->name, slot)) {
        oft_buffer_printf(
            report,
            "warning: pool %s: the file %s holds no usable key; its provider will refuse us\n",
            pool_of(deal, index), secret->name);
    }
}

static const char *secrets_path(struct engine *engine, uint64_t generation, char *out, size_t size)
{
    char name[40];
    (void)snprintf(name, sizeof(name), SECRETS_FILE_FORMAT, (unsigned long long)generation);
    int length = snprintf(out, size, "%s/%s", engine->run, name);
    return length > 0 && (size_t)length < size ? out : NULL;
}

enum oft_err engine_secrets_write(struct engine *engine, const struct deal *deal,
                                  uint64_t generation, struct oft_buffer *report,
                                  struct oft_error *reterr)
{
    char path[METER_PATH_BYTES_MAX];
    size_t slots_bytes = deal->secret_count * sizeof(struct policy_secret);
    size_t length = sizeof(struct policy_secrets_header) + slots_bytes;
    uint8_t *bytes = calloc(1, length);
    if (bytes == NULL || secrets_path(engine, generation, path, sizeof(path)) == NULL) {
        free(bytes);
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    struct policy_secrets_header *header = (void *)bytes;
    struct policy_secret *slots = (void *)(bytes + sizeof(*header));
    engine_secrets_seen(engine, deal);
    for (uint32_t i = 0; i < deal->secret_count; i++) {
        load_secret(deal, i, &slots[i], report);
    }
    header->magic = POLICY_SECRETS_MAGIC;
    header->generation = generation;
    header->count = deal->secret_count;
    header->crc32c = oft_crc32c(0, slots, slots_bytes);
    enum oft_err code = engine_write_file(engine, path, bytes, length, 0640, reterr);
    OPENSSL_cleanse(bytes, length);
    free(bytes);
    return code;
}

/* What tells one state of a key's file from another, over all files of DEAL: a process that renews a
 * token replaces the file or writes it anew. */
static uint64_t files_state(const struct deal *deal)
{
    uint64_t state = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = 0; i < deal->secret_count; i++) {
        struct stat status = {0};
        if (deal->secrets[i].source != DEAL_SECRET_FILE) {
            continue;
        }
        if (stat(deal->secrets[i].name, &status) != 0) {
            memset(&status, 0, sizeof(status));
        }
        const uint64_t words[] = {(uint64_t)status.st_ino, (uint64_t)status.st_size,
                                  (uint64_t)status.st_mtim.tv_sec,
                                  (uint64_t)status.st_mtim.tv_nsec};
        for (size_t k = 0; k < OFT_COUNT_OF(words); k++) {
            state = (state ^ words[k]) * UINT64_C(0x100000001b3);
            state ^= state >> 29;
        }
    }
    return state;
}

/* Before they are read: what changes while they are is seen as a change afterwards. */
void engine_secrets_seen(struct engine *engine, const struct deal *deal)
{
    engine->secret_files = files_state(deal);
}

/* A file that is being replaced may hold nothing for a moment: the key in force is better. */
static bool files_usable(const struct deal *deal)
{
    bool good = true;
    for (uint32_t i = 0; good && i < deal->secret_count; i++) {
        struct policy_secret slot = {0};
        good = deal->secrets[i].source != DEAL_SECRET_FILE ||
               read_secret_file(deal->secrets[i].name, &slot);
        OPENSSL_cleanse(&slot, sizeof(slot));
    }
    return good;
}

enum oft_err engine_secrets_look(struct engine *engine, oft_instant now_ns,
                                 struct oft_error *reterr)
{
    if (engine->deal == NULL || files_state(engine->deal) == engine->secret_files ||
        !files_usable(engine->deal)) {
        return OFT_OK;
    }
    return engine_republish(engine, now_ns, reterr);
}

/* Whatever a crash or a failed publication left behind goes too: a replaced key is not kept on disk. */
void engine_secrets_keep(struct engine *engine, uint64_t generation, uint64_t previous)
{
    char keep[2][40];
    (void)snprintf(keep[0], sizeof(keep[0]), SECRETS_FILE_FORMAT, (unsigned long long)generation);
    (void)snprintf(keep[1], sizeof(keep[1]), SECRETS_FILE_FORMAT, (unsigned long long)previous);
    DIR *listing = opendir(engine->run);
    if (listing == NULL) {
        return;
    }
    const size_t prefix = strcspn(SECRETS_FILE_FORMAT, "%");
    for (struct dirent *item = readdir(listing); item != NULL; item = readdir(listing)) {
        if (strncmp(item->d_name, SECRETS_FILE_FORMAT, prefix) == 0 &&
            strcmp(item->d_name, keep[0]) != 0 && strcmp(item->d_name, keep[1]) != 0) {
            (void)unlinkat(dirfd(listing), item->d_name, 0);
        }
    }
    (void)closedir(listing);
}

enum oft_err engine_token_make(const char *prefix, char ret_token[ENGINE_TOKEN_BYTES],
                               struct oft_error *reterr)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t random[33] = {0};
    if (RAND_bytes(random, 32) != 1) {
        return oft_fail(reterr, OFT_ERR_IO, "the system gave no random bytes");
    }
    size_t length = strlen(prefix);
    OFT_ASSERT(length + 44 <= ENGINE_TOKEN_BYTES);
    memcpy(ret_token, prefix, length);
    for (size_t i = 0; i < 43; i++) {
        size_t bit = i * 6;
        unsigned window = (unsigned)random[bit / 8] << 8 | random[bit / 8 + 1];
        ret_token[length + i] = digits[(window >> (10 - bit % 8)) & 63];
    }
    ret_token[length + 43] = '\0';
    OPENSSL_cleanse(random, sizeof(random));
    return OFT_OK;
}
