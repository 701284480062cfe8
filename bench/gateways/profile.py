# SPDX-License-Identifier: Apache-2.0
def run(lab, options):
    return 0
