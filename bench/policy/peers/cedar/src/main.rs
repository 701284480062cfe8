// SPDX-License-Identifier: Apache-2.0

//! Peer of the policy benchmark: cost per decision of the same rules under
//! Cedar embedded as a Rust library.
//!
//! Cedar answers allow or deny for one principal, action and resource. A
//! decision here is a list of pools, so the authorizer is asked once for each
//! pool that serves the model, with the instant and the model in the context,
//! and the list is put together outside; this is how one would have to use
//! Cedar's stable interface. The pools of a model are held in the order of the
//! answer, so that nothing has to be sorted per decision.
//!
//! Principals are keys: members of the product and of the groups of the key;
//! products are members of their owner. Resources are pools with provider and
//! region. Every clause is one static policy.
//!
//! Done outside the engine, once, when the workload is loaded: pools grouped by
//! model and ordered; a map from the key to its entity and product, which also
//! answers unknown keys; one policy set per product, with the clauses that cover
//! it (with --whole one set of all policies, which test the product themselves).
//!
//! What is measured per decision: the look-up of the key, making the context,
//! and per pool making the request and evaluating it.

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression,
};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Instant;

/// The version of cedar-policy that Cargo.toml pins.
const VERSION: &str = "4.14.1";

#[derive(Deserialize)]
struct Product {
    name: String,
    owner: String,
}

#[derive(Deserialize)]
struct Pool {
    name: String,
    provider: String,
    region: String,
    reserved: bool,
    price: i64,
    models: Vec<String>,
}

#[derive(Deserialize)]
struct Clause {
    id: String,
    kind: String,
    #[serde(default)]
    products: Vec<String>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    regions: Vec<String>,
    #[serde(default)]
    except_groups: Vec<String>,
    #[serde(default)]
    provider: String,
    #[serde(default)]
    licensee: String,
    from: i64,
    until: i64,
}

#[derive(Deserialize)]
struct Key {
    product: String,
    groups: Vec<String>,
}

#[derive(Deserialize)]
struct Query {
    at: i64,
    key: String,
    model: String,
    expected: Vec<String>,
}

#[derive(Deserialize)]
struct Workload {
    customer: String,
    products: Vec<Product>,
    pools: Vec<Pool>,
    clauses: Vec<Clause>,
    keys: HashMap<String, Key>,
    queries: Vec<Query>,
}

type Failure = Box<dyn Error>;

/// Cedar's string literals: quotes and backslashes escaped.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}

fn any(tests: impl Iterator<Item = String>) -> String {
    let tests: Vec<String> = tests.collect();
    if tests.is_empty() {
        "false".to_string()
    } else {
        format!("({})", tests.join(" || "))
    }
}

fn everything(names: &[String]) -> bool {
    names.iter().any(|name| name == "*")
}

/// The clause as a policy, with the test of the product left out on demand.
/// Alternatives are written as chains of ||: Cedar would build a set literal
/// anew at each evaluation.
fn policy(clause: &Clause, with_products: bool) -> Result<String, Failure> {
    let mut scope = "principal".to_string();
    let mut tests = Vec::new();
    if with_products && !everything(&clause.products) {
        if let [product] = clause.products.as_slice() {
            scope = format!("principal in Product::{}", quoted(product));
        } else {
            tests.push(any(clause.products.iter().map(|product| {
                format!("principal in Product::{}", quoted(product))
            })));
        }
    }
    tests.insert(0, format!("context.at < {}", clause.until));
    tests.insert(0, format!("context.at >= {}", clause.from));
    let mut unless = String::new();
    let effect = match clause.kind.as_str() {
        "exclusive" => {
            tests.push(format!("resource.provider != {}", quoted(&clause.provider)));
            if !clause.except_groups.is_empty() {
                let groups = any(clause
                    .except_groups
                    .iter()
                    .map(|group| format!("principal in Group::{}", quoted(group))));
                unless = format!("\nunless {{ {groups} }}");
            }
            "forbid"
        }
        "residency" => {
            let regions = any(clause
                .regions
                .iter()
                .map(|region| format!("resource.region == {}", quoted(region))));
            tests.push(format!("!{regions}"));
            "forbid"
        }
        "license" => {
            tests.push(format!("principal in Owner::{}", quoted(&clause.licensee)));
            if !everything(&clause.models) {
                tests.push(any(clause
                    .models
                    .iter()
                    .map(|model| format!("context.model == {}", quoted(model)))));
            }
            "permit"
        }
        kind => return Err(format!("clause {}: unknown kind {kind}", clause.id).into()),
    };
    Ok(format!(
        "@id({})\n{effect} ({scope}, action, resource)\nwhen {{ {} }}{unless};\n",
        quoted(&clause.id),
        tests.join(" && ")
    ))
}

fn uid(kind: &str, name: &str) -> EntityUid {
    let kind: EntityTypeName = kind.parse().expect("a type name");
    EntityUid::from_type_name_and_id(kind, EntityId::new(name))
}

struct Candidate {
    name: String,
    resource: EntityUid,
}

struct Principal {
    uid: EntityUid,
    policies: Rc<PolicySet>,
}

struct Engine {
    authorizer: Authorizer,
    entities: Entities,
    action: EntityUid,
    principals: HashMap<String, Principal>,
    pools: HashMap<String, Vec<Candidate>>,
}

impl Engine {
    fn load(workload: &Workload, whole: bool) -> Result<Self, Failure> {
        let mut written = Vec::new();
        for clause in &workload.clauses {
            written.push((clause, policy(clause, whole)?));
        }
        let own = format!(
            "permit (principal in Owner::{}, action, resource);\n",
            quoted(&workload.customer)
        );
        let policies = |product: &str| -> Result<Rc<PolicySet>, Failure> {
            let mut text = own.clone();
            for (clause, policy) in &written {
                if whole
                    || everything(&clause.products)
                    || clause.products.iter().any(|name| name == product)
                {
                    text.push_str(policy);
                }
            }
            Ok(Rc::new(text.parse::<PolicySet>()?))
        };
        let all = if whole { Some(policies("")?) } else { None };

        let mut entities = Vec::new();
        let mut sets = HashMap::new();
        let mut owners = HashSet::new();
        for product in &workload.products {
            let owner = uid("Owner", &product.owner);
            if owners.insert(owner.clone()) {
                entities.push(Entity::new_no_attrs(owner.clone(), HashSet::new()));
            }
            entities.push(Entity::new_no_attrs(
                uid("Product", &product.name),
                HashSet::from([owner]),
            ));
            let set = match &all {
                Some(all) => all.clone(),
                None => policies(&product.name)?,
            };
            sets.insert(product.name.as_str(), set);
        }
        let mut principals = HashMap::new();
        for (name, key) in &workload.keys {
            let principal = uid("Key", name);
            let mut parents = HashSet::from([uid("Product", &key.product)]);
            parents.extend(key.groups.iter().map(|group| uid("Group", group)));
            entities.push(Entity::new_no_attrs(principal.clone(), parents));
            principals.insert(
                name.clone(),
                Principal {
                    uid: principal,
                    policies: sets.get(key.product.as_str()).cloned().unwrap_or_default(),
                },
            );
        }
        let mut sorted: Vec<&Pool> = workload.pools.iter().collect();
        sorted.sort_by_key(|pool| (!pool.reserved, pool.price));
        let mut pools: HashMap<String, Vec<Candidate>> = HashMap::new();
        for pool in sorted {
            let resource = uid("Pool", &pool.name);
            let text = |value: &String| RestrictedExpression::new_string(value.clone());
            entities.push(Entity::new(
                resource.clone(),
                HashMap::from([
                    ("provider".to_string(), text(&pool.provider)),
                    ("region".to_string(), text(&pool.region)),
                ]),
                HashSet::new(),
            )?);
            for model in &pool.models {
                pools.entry(model.clone()).or_default().push(Candidate {
                    name: pool.name.clone(),
                    resource: resource.clone(),
                });
            }
        }
        Ok(Self {
            authorizer: Authorizer::new(),
            entities: Entities::from_entities(entities, None)?,
            action: uid("Action", "run"),
            principals,
            pools,
        })
    }

    /// Puts the names of the eligible pools into names.
    fn decide<'a>(&'a self, query: &Query, names: &mut Vec<&'a str>) -> Result<(), Failure> {
        names.clear();
        let Some(principal) = self.principals.get(&query.key) else {
            return Ok(());
        };
        let Some(pools) = self.pools.get(&query.model) else {
            return Ok(());
        };
        let context = Context::from_pairs([
            ("at".to_string(), RestrictedExpression::new_long(query.at)),
            (
                "model".to_string(),
                RestrictedExpression::new_string(query.model.clone()),
            ),
        ])?;
        for pool in pools {
            let request = Request::new(
                principal.uid.clone(),
                self.action.clone(),
                pool.resource.clone(),
                context.clone(),
                None,
            )?;
            let response =
                self.authorizer
                    .is_authorized(&request, &principal.policies, &self.entities);
            if response.decision() == Decision::Allow {
                names.push(&pool.name);
            }
        }
        Ok(())
    }
}

/// User and system time of the process, in nanoseconds.
fn cpu() -> f64 {
    // SAFETY: getrusage fills the structure it is given, which is plain data.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let nanoseconds = |time: libc::timeval| time.tv_sec as f64 * 1e9 + time.tv_usec as f64 * 1e3;
    nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime)
}

struct Options {
    file: String,
    rounds: usize,
    seconds: f64,
    whole: bool,
}

fn options() -> Result<Options, Failure> {
    const USAGE: &str =
        "usage: offtake-bench-cedar [--rounds N] [--seconds S] [--whole] WORKLOAD.json";
    let mut file = None;
    let (mut rounds, mut seconds, mut whole) = (5, 5.0, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().ok_or(USAGE)?.parse()?,
            "--seconds" => seconds = arguments.next().ok_or(USAGE)?.parse()?,
            "--whole" => whole = true,
            _ if argument.starts_with('-') || file.is_some() => return Err(USAGE.into()),
            _ => file = Some(argument),
        }
    }
    if rounds < 1 {
        return Err(USAGE.into());
    }
    Ok(Options {
        file: file.ok_or(USAGE)?,
        rounds,
        seconds,
        whole,
    })
}

fn run() -> Result<(), Failure> {
    let options = options()?;
    let workload: Workload = serde_json::from_slice(&std::fs::read(&options.file)?)?;
    if workload.queries.is_empty() {
        return Err("no queries".into());
    }

    let start = Instant::now();
    let engine = Engine::load(&workload, options.whole)?;
    let loaded = start.elapsed();

    let mut names = Vec::new();
    for (i, query) in workload.queries.iter().enumerate() {
        engine.decide(query, &mut names)?;
        if names != query.expected {
            return Err(format!(
                "query {i} (at {}, key {}, model {}): answer {names:?}, expected {:?}",
                query.at, query.key, query.model, query.expected
            )
            .into());
        }
    }

    let count = workload.queries.len() as f64;
    let mut rounds = Vec::new();
    let before = cpu();
    let start = Instant::now();
    while rounds.len() < options.rounds || start.elapsed().as_secs_f64() < options.seconds {
        let round = Instant::now();
        for query in &workload.queries {
            engine.decide(query, &mut names)?;
            std::hint::black_box(&names);
        }
        rounds.push(round.elapsed().as_nanos() as f64 / count);
    }
    let used = cpu() - before;
    rounds.sort_by(f64::total_cmp);
    let n = rounds.len();
    println!(
        "{}",
        serde_json::json!({
            "engine": "cedar",
            "version": VERSION,
            "queries": workload.queries.len(),
            "rounds": n,
            "ns_per_decision_median": (rounds[(n - 1) / 2] + rounds[n / 2]) / 2.0,
            "ns_per_decision_best": rounds[0],
            "cpu_ns_per_decision": used / (count * n as f64),
            "load_ms": loaded.as_secs_f64() * 1e3,
        })
    );
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cedar: {error}");
            ExitCode::FAILURE
        }
    }
}
