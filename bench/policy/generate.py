# SPDX-License-Identifier: Apache-2.0
"""Makes a workload for bench/policy: a deal, keys, and questions with the answers that are right.

The answers come from a third reading of the rules, here, over the same tables: no engine marks its own work.
Writes deal.deal, keys.tsv, queries.tsv and, for the peers, workload.json into a folder.
"""

import argparse
import hashlib
import json
import pathlib
import random

DAY = 86_400
BEGIN = 1_735_689_600  # 2025-01-01
SPAN_DAYS = 3_650
REGIONS = ["us-east", "us-west", "eu-west", "eu-north", "asia"]


def instant(day):
    return (BEGIN + day * DAY) * 10**9


def date(day):
    import datetime
    return (datetime.date(2025, 1, 1) + datetime.timedelta(days=day)).isoformat()


class Workload:
    """The tables: pools, products, clauses with their intervals, keys."""

    def __init__(self, seed, pools, clauses, keys, models, products):
        self.random = random.Random(seed)
        self.providers = [f"cloud{i}" for i in range(min(10, max(2, pools // 5)))]
        self.models = [f"model-{i}" for i in range(models)]
        foreign = products // 5
        self.products = [{"name": f"product-{i}", "owner": "other" if i < foreign else "lab"}
                         for i in range(products)]
        self.pools = [self.pool(i, pools) for i in range(pools)]
        self.clauses = []
        self.filler = []
        self.make_clauses(clauses)
        self.accounts = [{"name": f"account-{i}", "groups": ["gov"] if i % 10 == 0 else []} for i in range(200)]
        self.keys = [self.key(i) for i in range(keys)]

    def pool(self, index, count):
        pool = self.metered_pool(index, count)
        return {**pool, "price": 0} if pool["reserved"] else pool  # flat capacity costs nothing a token

    def metered_pool(self, index, count):
        # A model is served by about a tenth of the pools when there are many, by all when there are few.
        share = max(1, round(len(self.models) * min(1.0, 100 / count)))
        return {"name": f"pool-{index}", "provider": self.random.choice(self.providers),
                "region": self.random.choice(REGIONS), "reserved": self.random.random() < 0.1,
                "price": self.random.randint(1, 4000), "models": sorted(self.random.sample(self.models, share))}

    def key(self, index):
        digest = hashlib.sha256(f"bench key {index}".encode()).hexdigest()
        account = self.random.choice(self.accounts)
        product = self.random.choice(self.products)
        return {"sha256": digest, "account": account["name"], "product": product["name"], "groups": account["groups"]}

    def cuts(self, count):
        return sorted(self.random.sample(range(1, SPAN_DAYS), count + 1))

    def make_clauses(self, count):
        """A third exclusives, a fifth residencies, a tenth licences; the rest says nothing of placement."""
        per_product = max(1, count // 3 // len(self.products))
        for product in self.products:
            cuts = self.cuts(per_product)
            for begin, end in zip(cuts, cuts[1:]):
                self.clauses.append({"kind": "exclusive", "products": [product["name"]], "begin": begin, "end": end,
                                     "provider": self.random.choice(self.providers),
                                     "except_groups": ["gov"] if self.random.random() < 0.3 else []})
            for begin, end in zip(*[iter(self.cuts(max(1, count // 5 // len(self.products)) * 2 - 1))] * 2):
                self.clauses.append({"kind": "residency", "products": [product["name"]], "begin": begin, "end": end,
                                     "regions": sorted(self.random.sample(REGIONS, 3))})
        foreign = [p["name"] for p in self.products if p["owner"] != "lab"]
        for _ in range(count // 10 if foreign else 0):
            begin, end = self.cuts(1)
            self.clauses.append({"kind": "license", "licensee": "other", "models": ["*"], "begin": begin, "end": end,
                                 "products": [self.random.choice(foreign)]})
        for index in range(max(0, count - len(self.clauses))):
            self.filler.append((index, *self.cuts(1)))
        for index, clause in enumerate(self.clauses):
            clause["id"] = f"a{index}.c"

    # ---- the third reading -----------------------------------------------------------------------

    def answer(self, at, key, model):
        product = next(p for p in self.products if p["name"] == key["product"])
        force = [c for c in self.clauses if instant(c["begin"]) <= at < instant(c["end"])
                 and key["product"] in c["products"]]
        exclusive = [c["provider"] for c in force if c["kind"] == "exclusive"
                     and not set(c["except_groups"]) & set(key["groups"])]
        residency = [c["regions"] for c in force if c["kind"] == "residency"]
        licensed = product["owner"] == "lab" or any(c["kind"] == "license" for c in force)
        eligible = [p for p in self.pools if model in p["models"] and licensed
                    and all(p["provider"] == e for e in exclusive) and all(p["region"] in r for r in residency)]
        eligible.sort(key=lambda p: (not p["reserved"], p["price"]))
        return [p["name"] for p in eligible]

    def queries(self, count):
        for _ in range(count):
            at = instant(0) + self.random.randrange(SPAN_DAYS * DAY) * 10**9
            key = self.random.choice(self.keys)
            model = self.random.choice(self.models)
            yield {"at": at, "key": key["sha256"], "model": model, "expected": self.answer(at, key, model)}

    # ---- texts -----------------------------------------------------------------------------------

    def clause_text(self, clause):
        names = ", ".join(clause["products"])
        if clause["kind"] == "exclusive":
            groups = " except gov" if clause["except_groups"] else ""
            return f"exclusive {names} on {clause['provider']}{groups} until {date(clause['end'])}"
        if clause["kind"] == "residency":
            return f"residency product {names} only in {', '.join(clause['regions'])} until {date(clause['end'])}"
        return f"license models all to other for {names} until {date(clause['end'])}"

    def deal(self):
        lines = ['deal "Bench"', "customer lab", "currency USD", 'party other "Other"', 'group gov "Government"']
        lines += [f"provider {p} of other" for p in self.providers]
        lines += [f"model {m}" for m in self.models]
        for p in self.products:
            owner = "" if p["owner"] == "lab" else f" of {p['owner']}"
            lines.append(f"product {p['name']} class inference{owner} "
                         "{ price * input 5 USD per 1M tokens output 20 USD per 1M tokens }")
        for a in self.accounts:
            lines.append(f"account {a['name']}" + (" in gov" if a["groups"] else ""))
        for index, clause in enumerate(self.clauses):
            lines += [f"agreement a{index} with other {{", f"    effective {date(clause['begin'])}",
                      f"    c: {self.clause_text(clause)}", "}"]
        for index, begin, end in self.filler:
            lines += [f"agreement f{index} with other {{", f"    effective {date(begin)}",
                      f"    c: commit 1m USD on {self.providers[index % len(self.providers)]} over "
                      f"{date(begin)}..{date(end)} build-up counting all", "}"]
        for p in self.pools:
            lines += [f"pool {p['name']} on {p['provider']} {{", f"    region {p['region']}"]
            lines += ["    reserved"] if p["reserved"] else []
            lines += [f"    serves {m} as \"{m}\" at http://127.0.0.1:9101/v1 kind openai" for m in p["models"]]
            lines += [f"    price * input {p['price'] or 1} USD per 1M tokens output 0 USD per 1M tokens", "}"]
        return "\n".join(lines) + "\n"

    def peers(self, queries):
        return {"customer": "lab", "products": self.products, "pools": self.pools,
                "clauses": [{**{k: v for k, v in c.items() if k not in ("begin", "end")},
                             "from": instant(c["begin"]), "until": instant(c["end"])} for c in self.clauses],
                "keys": {k["sha256"]: {"account": k["account"], "product": k["product"], "groups": k["groups"]}
                         for k in self.keys},
                "queries": queries}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("pools", 100), ("clauses", 1000), ("keys", 100000), ("models", 20), ("products", 20),
                          ("queries", 2000), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    work = Workload(options.seed, options.pools, options.clauses, options.keys, options.models, options.products)
    queries = list(work.queries(options.queries))
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "deal.deal").write_text(work.deal())
    (options.folder / "keys.tsv").write_text(
        "".join(f"{k['sha256']}\t{k['account']}\t{k['product']}\n" for k in work.keys))
    (options.folder / "queries.tsv").write_text(
        "".join(f"{q['at']}\t{q['key']}\t{q['model']}\t{' '.join(q['expected']) or '-'}\n" for q in queries))
    (options.folder / "workload.json").write_text(json.dumps(work.peers(queries)))


if __name__ == "__main__":
    main()
