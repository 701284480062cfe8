# SPDX-License-Identifier: Apache-2.0
"""From rounds to medians and ratios, and from those to the tables of docs/benchmarks.md."""

import statistics

from gateways.cases import FRAMES, TITLES


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def column(rounds, name, figure):
    return [r[name][figure] for r in rounds if name in r and r[name].get(figure) is not None]


def ratios(rounds, name, base, figure):
    """Round by round: what disturbs a round disturbs both sides of it."""
    return [r[name][figure] / r[base][figure] for r in rounds
            if name in r and base in r and r[name].get(figure) and r[base].get(figure)]


def differences(rounds, name, base, figure):
    return [r[name][figure] - r[base][figure] for r in rounds if name in r and base in r]


def failover_cost(row):
    """A request that failed over, less those that found the first provider well; in single attempts' pairs."""
    requests, failed = row["requests"], row["upstream"]["failed"]
    share = failed / requests if requests else 0
    if share < 0.05 or not row.get("one_us"):
        return None
    return (row["cpu_us"] - (1 - share) * row["one_us"]) / share / (2 * row["one_us"])


def summary(case, rounds):
    """Medians by contender, and ratios to bare nginx with their spread."""
    names = list(dict.fromkeys(name for r in rounds for name in r))
    result = {}
    for name in names:
        entry = {figure: median(column(rounds, name, figure))
                 for figure in ("cpu_us", "requests_per_second", "p50_us", "p99_us", "first_p50_us", "first_p99_us",
                                "behind", "memory_bytes", "memory_before_bytes", "held", "one_us")}
        entry["failed"] = sum(column(rounds, name, "failed"))
        entry["requests"] = sum(column(rounds, name, "requests"))
        entry["rounds"] = len(column(rounds, name, "requests"))
        base = "offtake" if case == "policy" else "nginx"
        spread = ratios(rounds, name, base, "cpu_us")
        if spread:
            entry["ratio"] = {"median": median(spread), "least": min(spread), "most": max(spread)}
        if case == "latency":
            for base in ("direct", "nginx"):
                for figure in ("p50_us", "p99_us"):
                    entry[f"added_{figure}_over_{base}"] = median(differences(rounds, name, base, figure))
        if case == "failover":
            entry["two_attempts_ratio"] = median([failover_cost(r[name]) for r in rounds if name in r])
            entry["failed_over_share"] = median([r[name]["upstream"]["failed"] / max(1, r[name]["requests"])
                                                 for r in rounds if name in r])
        result[name] = entry
    return result


def number(value, digits=0):
    return "-" if value is None else f"{value:,.{digits}f}"


def spread_text(entry):
    r = entry.get("ratio")
    return "-" if r is None else f"{r['median']:.2f} ({r['least']:.2f}, {r['most']:.2f})"


def row_small(e):
    return [number(e["cpu_us"], 2), spread_text(e), number(e["requests_per_second"]), number(e["p50_us"]), number(e["p99_us"]),
            number(e["failed"])]


def row_stream(e):
    frame = None if e["cpu_us"] is None else e["cpu_us"] / FRAMES
    return [number(e["cpu_us"], 1), number(frame, 2), spread_text(e), number((e["requests_per_second"] or 0) * FRAMES),
            number(e["first_p50_us"]), number(e["first_p99_us"]), number(e["failed"])]


def row_latency(e):
    return [number(e["requests_per_second"]), number(e["p50_us"]), number(e["p99_us"]),
            number(e["added_p50_us_over_direct"]), number(e["added_p99_us_over_direct"]),
            number(e["added_p99_us_over_nginx"]), number(e["cpu_us"], 2), number(e["behind"])]


def row_failover(e):
    return [number(e["one_us"], 2), number(e["cpu_us"], 2), number(e["failed_over_share"], 2),
            number(e["two_attempts_ratio"], 2)]


def row_held(e):
    grown = None if e["memory_bytes"] is None else e["memory_bytes"] - e["memory_before_bytes"]
    held = e["held"] or 0
    return [number(held), number(e["memory_before_bytes"] / 2**20, 1), number(e["memory_bytes"] / 2**20, 1),
            number(grown / 1024 / held if held else None, 1)]


HEADS = {
    "small": (["CPU-us a request", "to nginx (least, most)", "requests/s", "p50 us", "p99 us", "failed"], row_small),
    "stream": (["CPU-us a stream", "a frame", "to nginx (least, most)", "frames/s", "first byte p50 us", "p99 us", "failed"],
               row_stream),
    "latency": (["requests/s", "p50 us", "p99 us", "p50 over direct", "p99 over direct", "p99 over nginx",
                 "CPU-us a request", "behind"], row_latency),
    "failover": (["CPU-us, first provider well", "first one fails", "share that failed over", "to two attempts"], row_failover),
    "held": (["streams", "MB before", "MB with them", "KB a stream"], row_held),
}
HEADS["policy"] = (["CPU-us a request", "to the small policy (least, most)", "requests/s", "p50 us", "p99 us", "failed"],
                   row_small)
HEADS["body32k"] = HEADS["body256k"] = HEADS["small"]


def markdown(results, contenders, absent, machine):
    """All tables of a run, as they stand in docs/benchmarks.md."""
    titles = {c.name: c.title for c in contenders}
    out = [f"Machine: {machine}.", ""]
    for case, result in results.items():
        heads, make = HEADS[case]
        entries = result["summary"]
        rounds = max((e["rounds"] for e in entries.values()), default=0)
        out += [f"**{TITLES[case]}** (medians of {rounds})", "", "| | " + " | ".join(heads) + " |",
                "|---" * (len(heads) + 1) + "|"]
        ordered = entries if case == "held" else dict(sorted(
            entries.items(), key=lambda item: item[1]["cpu_us"] or 0))
        for name, entry in ordered.items():
            out.append(f"| {titles.get(name, name)} | " + " | ".join(make(entry)) + " |")
        for name, why in result["failed"].items():
            out.append(f"\n{titles.get(name, name)} could not do this case: `{why}`")
        out.append("")
    out += ["What each was told to do:", ""]
    out += [f"- {c.title}: {c.does}" for c in contenders]
    out += ["", "Not measured:", ""]
    out += [f"- {name}: {why}" for name, why in absent.items()]
    return "\n".join(out)
