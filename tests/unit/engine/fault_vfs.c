/* SPDX-License-Identifier: Apache-2.0 */
#include "fault_vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

enum { FILES_MAX = 16, SECTOR_BYTES = 512, PATH_BYTES = 1024 };

/* What was done to a file since its last sync. */
struct pending {
    struct pending *next;
    size_t offset, bytes;
    bool is_truncate; /* to `offset` */
    unsigned char data[];
};

/* A file by its path, open or not. */
struct tracked {
    char path[PATH_BYTES];
    unsigned char *synced;
    size_t synced_bytes;
    struct pending *first, **last;
};

struct fault_file {
    sqlite3_file base;
    struct tracked *tracked; /* NULL: a temporary file */
    sqlite3_file *real;
};

/* The disk of this process: SQLite hands its VFS no other place for it. */
static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    enum fault_kind kind;
    uint64_t at, operations, dice;
    bool happened;
    struct tracked files[FILES_MAX];
    size_t file_count;
} disk;

static void must(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "fault_vfs: %s\n", what);
        abort();
    }
}

static bool dice_say(void)
{
    disk.dice ^= disk.dice << 13;
    disk.dice ^= disk.dice >> 7;
    disk.dice ^= disk.dice << 17;
    return (disk.dice >> 20) % 2 == 0;
}

static bool is_power(enum fault_kind kind)
{
    return kind == FAULT_POWER_LOST || kind == FAULT_POWER_KEPT || kind == FAULT_POWER_TORN;
}

static bool power_is_off(void)
{
    return disk.happened && is_power(disk.kind);
}

/* Counts one operation; true: it goes wrong. */
static bool goes_wrong(void)
{
    disk.operations++;
    if (disk.kind == FAULT_NONE) {
        return false;
    }
    if (disk.operations == disk.at) {
        disk.happened = true;
        return true;
    }
    return disk.happened && disk.kind != FAULT_IO_ERROR && disk.kind != FAULT_SHORT_WRITE;
}

/* ---- what is synced, and what is not ------------------------------------------------------------ */

static void image_resize(unsigned char **image, size_t *bytes, size_t wanted)
{
    unsigned char *larger = realloc(*image, (size_t)wanted + 1);
    must(larger != NULL, "out of memory");
    if (wanted > *bytes) {
        memset(larger + *bytes, 0, (size_t)(wanted - *bytes));
    }
    *image = larger;
    *bytes = wanted;
}

static void image_write(unsigned char **image, size_t *bytes, size_t offset,
                        const unsigned char *data, size_t count)
{
    if (offset + count > *bytes) {
        image_resize(image, bytes, offset + count);
    }
    memcpy(*image + offset, data, (size_t)count);
}

static void forget_pending(struct tracked *file)
{
    while (file->first != NULL) {
        struct pending *next = file->first->next;
        free(file->first);
        file->first = next;
    }
    file->last = &file->first;
}

static void note(struct tracked *file, size_t offset, const void *data, size_t bytes,
                 bool is_truncate)
{
    if (file == NULL) {
        return;
    }
    struct pending *item = calloc(1, sizeof(*item) + (size_t)bytes);
    must(item != NULL, "out of memory");
    item->offset = offset;
    item->bytes = bytes;
    item->is_truncate = is_truncate;
    if (bytes > 0) {
        memcpy(item->data, data, bytes);
    }
    *file->last = item;
    file->last = &item->next;
}

/* One write after a loss of power; by SECTORS, each on its own. */
static void replay(struct tracked *file, const struct pending *item, bool sectors)
{
    if (item->is_truncate) {
        if (!sectors || dice_say()) {
            image_resize(&file->synced, &file->synced_bytes, item->offset);
        }
        return;
    }
    size_t done = 0;
    while (done < item->bytes) {
        size_t end = (item->offset + done) / SECTOR_BYTES * SECTOR_BYTES + SECTOR_BYTES;
        size_t count = end - item->offset - done;
        count = count < item->bytes - done ? count : item->bytes - done;
        if (!sectors || dice_say()) {
            image_write(&file->synced, &file->synced_bytes, item->offset + done, item->data + done,
                        count);
        }
        done += count;
    }
}

static void settle_pending(struct tracked *file, bool sectors)
{
    for (const struct pending *item = file->first; item != NULL; item = item->next) {
        replay(file, item, sectors);
    }
    forget_pending(file);
}

static struct tracked *track(const char *path)
{
    for (size_t i = 0; i < disk.file_count; i++) {
        if (strcmp(disk.files[i].path, path) == 0) {
            return &disk.files[i];
        }
    }
    must(disk.file_count < FILES_MAX, "too many files");
    struct tracked *file = &disk.files[disk.file_count++];
    memset(file, 0, sizeof(*file));
    (void)snprintf(file->path, sizeof(file->path), "%s", path);
    file->last = &file->first;
    FILE *in = fopen(path, "rb");
    if (in != NULL) {
        struct stat status;
        must(fstat(fileno(in), &status) == 0, "stat");
        image_resize(&file->synced, &file->synced_bytes, (size_t)status.st_size);
        must(fread(file->synced, 1, (size_t)status.st_size, in) == (size_t)status.st_size, "read");
        must(fclose(in) == 0, "close");
    }
    return file;
}

/* ---- a file ------------------------------------------------------------------------------------- */

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct fault_file *)file)->real;
}

static int on_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int on_read(sqlite3_file *file, void *out, int bytes, sqlite3_int64 offset)
{
    return power_is_off() ? SQLITE_IOERR_READ
                          : real_of(file)->pMethods->xRead(real_of(file), out, bytes, offset);
}

static int write_real(struct fault_file *file, const void *data, int bytes, sqlite3_int64 offset)
{
    int code = file->real->pMethods->xWrite(file->real, data, bytes, offset);
    if (code == SQLITE_OK) {
        note(file->tracked, (size_t)offset, data, (size_t)bytes, false);
    }
    return code;
}

static int on_write(sqlite3_file *base, const void *data, int bytes, sqlite3_int64 offset)
{
    struct fault_file *file = (struct fault_file *)base;
    bool already = disk.happened;
    if (!goes_wrong()) {
        return write_real(file, data, bytes, offset);
    }
    if (disk.kind == FAULT_SHORT_WRITE || (disk.kind == FAULT_DISK_FULL && !already)) {
        (void)write_real(file, data, bytes / 2, offset);
    } else if (disk.kind == FAULT_POWER_TORN && !already) {
        note(file->tracked, (size_t)offset, data, (size_t)bytes,
             false); /* on its way when the power went */
    }
    return disk.kind == FAULT_DISK_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int on_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct fault_file *file = (struct fault_file *)base;
    if (goes_wrong()) {
        return SQLITE_IOERR_TRUNCATE;
    }
    int code = file->real->pMethods->xTruncate(file->real, size);
    if (code == SQLITE_OK) {
        note(file->tracked, (size_t)size, NULL, 0, true);
    }
    return code;
}

/* The real sync is left out: what it would do, `synced` does. */
static int on_sync(sqlite3_file *base, int flags)
{
    struct fault_file *file = (struct fault_file *)base;
    (void)flags;
    if (goes_wrong()) {
        return SQLITE_IOERR_FSYNC;
    }
    if (file->tracked != NULL) {
        settle_pending(file->tracked, false);
    }
    return SQLITE_OK;
}

static int on_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return power_is_off() ? SQLITE_IOERR_FSTAT
                          : real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int on_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int on_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int on_check_lock(sqlite3_file *file, int *held)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), held);
}

static int on_control(sqlite3_file *file, int what, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}

static int on_sector_size(sqlite3_file *file)
{
    (void)file;
    return SECTOR_BYTES;
}

static int on_characteristics(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as on every disk that SQLite's default believes in */
}

static int on_shm_map(sqlite3_file *file, int page, int bytes, int extend, void volatile **map)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, bytes, extend, map);
}

static int on_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void on_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int on_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods METHODS = {
    .iVersion = 2, /* no mapped reads: they would pass by us */
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_check_lock,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_characteristics,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
};

/* ---- the file system ---------------------------------------------------------------------------- */

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags,
                   int *ret_flags)
{
    struct fault_file *file = (struct fault_file *)base;
    (void)vfs;
    memset(file, 0, sizeof(*file));
    if (power_is_off()) {
        return SQLITE_CANTOPEN;
    }
    file->real = (sqlite3_file *)(file + 1);
    file->tracked = path == NULL ? NULL : track(path);
    int code = disk.real->xOpen(disk.real, path, file->real, flags, ret_flags);
    if (code == SQLITE_OK) {
        file->base.pMethods = &METHODS;
    }
    return code;
}

static int on_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    (void)vfs;
    (void)
        sync_directory; /* a file that comes back after a loss of power is there as it was synced */
    if (goes_wrong()) {
        return SQLITE_IOERR_DELETE;
    }
    int code = disk.real->xDelete(disk.real, path, 0);
    if (code == SQLITE_OK) {
        struct tracked *file = track(path);
        forget_pending(file);
        image_resize(&file->synced, &file->synced_bytes, 0);
    }
    return code;
}

static int on_access(sqlite3_vfs *vfs, const char *path, int flags, int *result)
{
    (void)vfs;
    return power_is_off() ? SQLITE_IOERR_ACCESS
                          : disk.real->xAccess(disk.real, path, flags, result);
}

void fault_vfs_install(void)
{
    disk.real = sqlite3_vfs_find(NULL);
    must(disk.real != NULL, "SQLite has no VFS");
    disk.vfs = *disk.real; /* the rest is the real one's own */
    disk.vfs.pNext = NULL;
    disk.vfs.zName = "fault";
    disk.vfs.szOsFile = (int)sizeof(struct fault_file) + disk.real->szOsFile;
    disk.vfs.xOpen = on_open;
    disk.vfs.xDelete = on_delete;
    disk.vfs.xAccess = on_access;
    must(sqlite3_vfs_register(&disk.vfs, 1) == SQLITE_OK, "the VFS was not taken");
}

static void drop_files(void)
{
    for (size_t i = 0; i < disk.file_count; i++) {
        forget_pending(&disk.files[i]);
        free(disk.files[i].synced);
    }
    disk.file_count = 0;
}

void fault_vfs_remove(void)
{
    must(sqlite3_vfs_unregister(&disk.vfs) == SQLITE_OK, "the VFS stays");
    drop_files();
}

void fault_arm(enum fault_kind kind, uint64_t number, uint64_t seed)
{
    disk.kind = kind;
    disk.at = number;
    disk.operations = 0;
    disk.happened = false;
    disk.dice = seed * 2 + 1;
}

/* What the machine finds when it starts again. */
static void write_image(struct tracked *file)
{
    if (disk.kind != FAULT_POWER_LOST) {
        settle_pending(file, disk.kind == FAULT_POWER_TORN);
    }
    if (access(file->path, F_OK) != 0) {
        return; /* was deleted */
    }
    FILE *out = fopen(file->path, "wb");
    must(out != NULL, "opening after a loss of power");
    must(fwrite(file->synced, 1, (size_t)file->synced_bytes, out) == (size_t)file->synced_bytes &&
             fclose(out) == 0,
         "writing after a loss of power");
}

void fault_mend(void)
{
    if (power_is_off()) {
        for (size_t i = 0; i < disk.file_count; i++) {
            write_image(&disk.files[i]);
        }
        drop_files();
    }
    fault_arm(FAULT_NONE, 0, 0);
}

bool fault_happened(void)
{
    return disk.happened;
}

uint64_t fault_operations(void)
{
    return disk.operations;
}

const char *fault_kind_name(enum fault_kind kind)
{
    static const char *const NAMES[] = {
        "no fault",
        "an I/O error",
        "an I/O error that stays",
        "a short write",
        "a full disk",
        "power lost, and with it what was not synced",
        "power lost, and what was written stays",
        "power lost, and what was written is torn",
    };
    _Static_assert(OFT_COUNT_OF(NAMES) == FAULT_KINDS, "a name for each");
    return NAMES[kind];
}
