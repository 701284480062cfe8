# SPDX-License-Identifier: Apache-2.0
"""Prints the JSON lines of one workload's engines as a few lines for people, with ratios to offtake."""

import json
import sys


def main():
    pools, as_json = sys.argv[1], "--json" in sys.argv
    lines = [json.loads(line) for line in sys.stdin if line.strip()]
    if as_json:
        for line in lines:
            print(json.dumps({"workload_pools": int(pools), **line}))
        return
    ours = lines[0]
    print(f"{pools} pools, {ours['clauses']} clauses, {ours['regimes']} regimes, {ours['keys']} keys")
    print(f"  offtake  {ours['ns_per_decision_median']} ns a decision over ten years, "
          f"{ours['ns_one_instant_median']} ns at one instant, {ours['allocations']} allocations")
    print(f"           compiled in {ours['compile_ms']} ms (read and checked in {ours['parse_and_check_ms']} ms), "
          f"{ours['snapshot_bytes']} bytes")
    for line in lines[1:]:
        if "unavailable" in line:
            print(f"  {line['engine']:8} not measured: {line['unavailable']}")
            continue
        ratio = line["ns_per_decision_median"] / ours["ns_per_decision_median"]
        print(f"  {line['engine']:8} {line['ns_per_decision_median']:.0f} ns a decision ({line['version']}), "
              f"{ratio:,.0f} times offtake's; loaded in {line['load_ms']:.0f} ms")


main()
