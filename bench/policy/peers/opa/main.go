// SPDX-License-Identifier: Apache-2.0

// Peer of the policy benchmark: cost per decision of the rules of policy.rego
// under OPA embedded as a Go library.
//
// Done outside the engine, once, when the workload is loaded: pools grouped by
// model and put in the order of the answer, clauses grouped by kind and by the
// products they cover ("*" spelled out), the providers and regions there are,
// lists that are asked for membership turned into objects. The look-up of the
// key is done by OPA, in its store.
//
// What is measured per decision: making the input document from the instant,
// the key and the model; evaluating the prepared query; reading the names out
// of the result. The settings are the fastest ones OPA's interface offers for
// this use: a store that holds AST values, one read transaction for all
// queries, input given as an AST value, no metrics, no goroutine to watch for
// cancellation, the result not converted to JSON. The garbage collector runs as
// it does by default. With --partial the query is partially evaluated first,
// with the request and the keys unknown; these rules gain nothing by it.
package main

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/version"
)

//go:embed policy.rego
var policy string

type product struct {
	Name  string `json:"name"`
	Owner string `json:"owner"`
}

type pool struct {
	Name     string   `json:"name"`
	Provider string   `json:"provider"`
	Region   string   `json:"region"`
	Reserved bool     `json:"reserved"`
	Price    int64    `json:"price"`
	Models   []string `json:"models"`
}

type clause struct {
	ID           string   `json:"id"`
	Kind         string   `json:"kind"`
	Products     []string `json:"products"`
	Models       []string `json:"models"`
	Regions      []string `json:"regions"`
	ExceptGroups []string `json:"except_groups"`
	Provider     string   `json:"provider"`
	Licensee     string   `json:"licensee"`
	From         int64    `json:"from"`
	Until        int64    `json:"until"`
}

type key struct {
	Account string   `json:"account"`
	Product string   `json:"product"`
	Groups  []string `json:"groups"`
}

type query struct {
	At       int64    `json:"at"`
	Key      string   `json:"key"`
	Model    string   `json:"model"`
	Expected []string `json:"expected"`
}

type workload struct {
	Customer string         `json:"customer"`
	Products []product      `json:"products"`
	Pools    []pool         `json:"pools"`
	Clauses  []clause       `json:"clauses"`
	Keys     map[string]key `json:"keys"`
	Queries  []query        `json:"queries"`
}

type result struct {
	Engine   string  `json:"engine"`
	Version  string  `json:"version"`
	Queries  int     `json:"queries"`
	Rounds   int     `json:"rounds"`
	MedianNS float64 `json:"ns_per_decision_median"`
	BestNS   float64 `json:"ns_per_decision_best"`
	CPUNS    float64 `json:"cpu_ns_per_decision"`
	LoadMS   float64 `json:"load_ms"`
}

func list(values []string) ast.Value {
	terms := make([]*ast.Term, len(values))
	for i, value := range values {
		terms[i] = ast.InternedTerm(value)
	}
	return ast.NewArray(terms...)
}

func members(values []string) ast.Value {
	object := ast.NewObject()
	for _, value := range values {
		object.Insert(ast.InternedTerm(value), ast.InternedTerm(true))
	}
	return object
}

func distinct(values map[string]bool) *ast.Term {
	return ast.NewTerm(list(slices.Sorted(maps.Keys(values))))
}

func number(value int64) ast.Value {
	return ast.Number(strconv.FormatInt(value, 10))
}

// object makes an object from names and values in turn.
func object(items ...any) *ast.Term {
	made := ast.NewObject()
	for i := 0; i < len(items); i += 2 {
		made.Insert(ast.InternedTerm(items[i].(string)), ast.NewTerm(items[i+1].(ast.Value)))
	}
	return ast.NewTerm(made)
}

// data makes the base documents that policy.rego reads.
func data(w *workload) ast.Object {
	keys := ast.NewObject()
	for name, k := range w.Keys {
		keys.Insert(ast.StringTerm(name), object("product", ast.String(k.Product), "groups", list(k.Groups)))
	}

	owners := ast.NewObject()
	for _, p := range w.Products {
		owners.Insert(ast.StringTerm(p.Name), ast.StringTerm(p.Owner))
	}

	sorted := slices.Clone(w.Pools)
	slices.SortStableFunc(sorted, func(a, b pool) int {
		if a.Reserved != b.Reserved {
			if a.Reserved {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Price, b.Price)
	})
	byModel := map[string][]*ast.Term{}
	for _, p := range sorted {
		term := object("name", ast.String(p.Name), "provider", ast.String(p.Provider), "region", ast.String(p.Region))
		for _, model := range p.Models {
			byModel[model] = append(byModel[model], term)
		}
	}
	pools := ast.NewObject()
	for model, terms := range byModel {
		pools.Insert(ast.StringTerm(model), ast.ArrayTerm(terms...))
	}

	covered := map[string]map[string][]*ast.Term{"exclusive": {}, "license": {}, "residency": {}}
	for _, c := range w.Clauses {
		var term *ast.Term
		switch c.Kind {
		case "exclusive":
			term = object("from", number(c.From), "until", number(c.Until),
				"provider", ast.String(c.Provider), "except_groups", members(c.ExceptGroups))
		case "license":
			term = object("from", number(c.From), "until", number(c.Until),
				"licensee", ast.String(c.Licensee), "models", members(c.Models))
		case "residency":
			term = object("from", number(c.From), "until", number(c.Until), "regions", members(c.Regions))
		default:
			fail("clause %s: unknown kind %q", c.ID, c.Kind)
		}
		for _, p := range w.Products {
			if slices.Contains(c.Products, "*") || slices.Contains(c.Products, p.Name) {
				covered[c.Kind][p.Name] = append(covered[c.Kind][p.Name], term)
			}
		}
	}

	providers := map[string]bool{}
	regions := map[string]bool{}
	for _, p := range w.Pools {
		providers[p.Provider] = true
		regions[p.Region] = true
	}

	root := ast.NewObject(
		[2]*ast.Term{ast.StringTerm("customer"), ast.StringTerm(w.Customer)},
		[2]*ast.Term{ast.StringTerm("keys"), ast.NewTerm(keys)},
		[2]*ast.Term{ast.StringTerm("owners"), ast.NewTerm(owners)},
		[2]*ast.Term{ast.StringTerm("pools"), ast.NewTerm(pools)},
		[2]*ast.Term{ast.StringTerm("providers"), distinct(providers)},
		[2]*ast.Term{ast.StringTerm("regions"), distinct(regions)},
	)
	for kind, byProduct := range covered {
		clauses := ast.NewObject()
		for _, p := range w.Products {
			clauses.Insert(ast.StringTerm(p.Name), ast.ArrayTerm(byProduct[p.Name]...))
		}
		root.Insert(ast.StringTerm(kind), ast.NewTerm(clauses))
	}
	return root
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "opa: "+format+"\n", args...)
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func cpu() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

type engine struct {
	ctx      context.Context
	prepared rego.PreparedEvalQuery
	txn      storage.Transaction
	cancel   topdown.Cancel
	at       *ast.Term
	key      *ast.Term
	model    *ast.Term
}

func load(w *workload, partial bool) *engine {
	ctx := context.Background()
	store := inmem.NewFromASTObject(data(w))
	txn, err := store.NewTransaction(ctx)
	check(err)
	var options []rego.PrepareOption
	if partial {
		options = append(options, rego.WithPartialEval())
	}
	prepared, err := rego.New(
		rego.Query("data.offtake.decision"),
		rego.Module("policy.rego", policy),
		rego.Store(store),
		rego.Transaction(txn),
		rego.Unknowns([]string{"input", "data.keys"}),
		rego.GenerateJSON(func(term *ast.Term, _ *rego.EvalContext) (any, error) {
			return term.Value, nil
		}),
	).PrepareForEval(ctx, options...)
	check(err)
	return &engine{
		ctx: ctx, prepared: prepared, txn: txn, cancel: topdown.NewCancel(),
		at: ast.InternedTerm("at"), key: ast.InternedTerm("key"), model: ast.InternedTerm("model"),
	}
}

// decide appends the names of the eligible pools to names.
func (e *engine) decide(q *query, names []string) []string {
	input := ast.NewObject(
		[2]*ast.Term{e.at, ast.NewTerm(number(q.At))},
		[2]*ast.Term{e.key, ast.StringTerm(q.Key)},
		[2]*ast.Term{e.model, ast.StringTerm(q.Model)},
	)
	results, err := e.prepared.Eval(e.ctx,
		rego.EvalParsedInput(input),
		rego.EvalTransaction(e.txn),
		rego.EvalMetrics(metrics.NoOp()),
		rego.EvalExternalCancel(e.cancel),
	)
	check(err)
	if len(results) != 1 {
		fail("%d results", len(results))
	}
	results[0].Expressions[0].Value.(*ast.Array).Foreach(func(term *ast.Term) {
		names = append(names, string(term.Value.(ast.String)))
	})
	return names
}

func main() {
	least := flag.Int("rounds", 5, "measure at least this many rounds")
	seconds := flag.Float64("seconds", 5, "go on with rounds until this many seconds have passed")
	partial := flag.Bool("partial", false, "evaluate partially when preparing")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: offtake-bench-opa [--rounds N] [--seconds S] [--partial] WORKLOAD.json")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 || *least < 1 {
		flag.Usage()
		os.Exit(2)
	}

	text, err := os.ReadFile(flag.Arg(0))
	check(err)
	var w workload
	check(json.Unmarshal(text, &w))
	if len(w.Queries) == 0 {
		fail("no queries")
	}

	start := time.Now()
	e := load(&w, *partial)
	loaded := time.Since(start)

	var names []string
	for i := range w.Queries {
		q := &w.Queries[i]
		names = e.decide(q, names[:0])
		if !slices.Equal(names, q.Expected) {
			fail("query %d (at %d, key %s, model %s): answer %q, expected %q",
				i, q.At, q.Key, q.Model, names, q.Expected)
		}
	}

	var rounds []float64
	count := float64(len(w.Queries))
	cpuBefore := cpu()
	start = time.Now()
	for len(rounds) < *least || time.Since(start).Seconds() < *seconds {
		round := time.Now()
		for i := range w.Queries {
			names = e.decide(&w.Queries[i], names[:0])
		}
		rounds = append(rounds, float64(time.Since(round).Nanoseconds())/count)
	}
	used := cpu() - cpuBefore
	slices.Sort(rounds)
	n := len(rounds)

	line, err := json.Marshal(result{
		Engine: "opa", Version: version.Version, Queries: len(w.Queries), Rounds: n,
		MedianNS: (rounds[(n-1)/2] + rounds[n/2]) / 2,
		BestNS:   rounds[0],
		CPUNS:    float64(used.Nanoseconds()) / (count * float64(n)),
		LoadMS:   float64(loaded.Microseconds()) / 1000,
	})
	check(err)
	fmt.Println(string(line))
}
