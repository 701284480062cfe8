/* SPDX-License-Identifier: Apache-2.0 */
/* What a party signs when it attests an event: four lines that a person can read. */
#include "deal/deal.h"

void deal_attestation_statement(const char *deal_title, const char *event, const char *party,
                                oft_instant at, struct oft_buffer *out)
{
    char when[OFT_INSTANT_TEXT_BYTES];
    oft_buffer_printf(out, "offtake attestation 1\ndeal %s\nevent %s\nby %s\nat %s\n", deal_title,
                      event, party, oft_instant_format(at, when));
}
