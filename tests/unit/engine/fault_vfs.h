/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TESTS_ENGINE_FAULT_VFS_H
#define OFFTAKE_TESTS_ENGINE_FAULT_VFS_H
/*
 * fault_vfs -- a disk under SQLite that fails when it is told to.
 *
 * It stands before the real VFS and counts what changes the disk: writes, truncations, syncs and
 * deletions. One of them, by its number, goes wrong. For a loss of power it knows what each file held
 * at its last sync, and what was written since: of that, sectors of 512 bytes are kept or lost.
 */
#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_IO_ERROR,       /* this one operation fails */
    FAULT_IO_ERROR_STAYS, /* and all that follow */
    FAULT_SHORT_WRITE,    /* half of a write is there, and it fails */
    FAULT_DISK_FULL,      /* the same, and the disk says that it is full, from then on */
    FAULT_POWER_LOST,     /* everything fails from here; what was not synced is gone */
    FAULT_POWER_KEPT,     /* ... is there, but for this operation */
    FAULT_POWER_TORN,     /* ... is there sector by sector, as the dice say */
    FAULT_KINDS
};

/* Makes it SQLite's default VFS, without a fault. */
void fault_vfs_install(void);
void fault_vfs_remove(void);
/* The operation that is NUMBER (1, 2, ...) from now on goes wrong. */
void fault_arm(enum fault_kind kind, uint64_t number, uint64_t seed);
/* The disk is whole again. After a loss of power, and with every file closed: it holds what a machine
 * that starts again would find. */
void fault_mend(void);
bool fault_happened(void);
/* Operations since the last fault_arm. */
uint64_t fault_operations(void);
const char *fault_kind_name(enum fault_kind kind);

#endif
