/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_LEDGER_COMMIT_PRINT_H
#define OFFTAKE_LEDGER_COMMIT_PRINT_H
/*
 * commit_print -- what has become of a commitment, behind its head: measures, dues, what a dollar is worth.
 */
#include "ledger/statement.h"

void commit_print_text(const struct ledger_commitment_status *status, struct oft_buffer *out);
void commit_print_json(const struct deal *deal, const struct ledger_commitment_status *status,
                       struct oft_buffer *out);

#endif
