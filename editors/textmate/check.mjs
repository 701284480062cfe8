// SPDX-License-Identifier: Apache-2.0
//
// Tokenizes deal files with the grammar beside this file and fails when a word of the language is coloured as
// nothing but a name. Without arguments: all of examples/*.deal. It also holds the grammar against the samples
// below. The two packages it needs are not part of the project:
//
//   npm install --prefix DIR vscode-textmate vscode-oniguruma
//   NODE_PATH=DIR/node_modules node editors/textmate/check.mjs [FILE...]
//
// Exit status: 0 all is coloured; 1 something is not; 2 a package or a file is missing.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const scopeName = "source.offtake-deal";
const require = createRequire(import.meta.url); // unlike import, it looks into NODE_PATH

// Words that are coloured wherever they stand, unless a file declares something of that name. Words that only mean
// something behind another one ("ends", "same", "need") are in the samples.
const keywords = new Set(`
  deal customer currency include party provider model account group surface product field deduction event pool
  agreement programme class of in via attested by key on with
  price prices from until per input cached cache-write output reasoning audio image variant above after
  region accelerator count reserved serves as at kind env api-version limit timeout connect first-byte available
  requests tokens minute effective supersedes amend earliest and or
  exclusive residency license primary commit order share
  through except unless prefer lead over counting build-up burn-down take-or-pay milestone ramp marketplace cap
  shortfall roll-over overage successor phase term cure prepay expansion gpu-hour
  tiered tier less marginal whole-band minimum netting holdback clawback statement payment interest
  monthly quarterly yearly revenue period
  holder rank trigger scope carve-out bona fide disclose compare cash equivalent partial step mode respond object
  over-allotment sign release reoffer deemed delivery counterparty one-time standing suspend assignable governing
  remedy calendar zone roll within business days weeks months
  total years tranche funder status role call due technology
  to for only up ca file ship models counted usage invoice gross net late credit forfeit deliver paid
  match lower higher never change control termination pending survive survives void version day week month year
`.trim().split(/\s+/));

// A line inside a block, a word of it, and how one of its scopes begins.
const samples = [
  ["", 'include "pools.deal"', "include", "keyword.control.include"],
  ["", 'statements in "Europe/Berlin"', "statements in", "keyword.declaration"],
  ["", 'deal "T"  # note', "# note", "comment.line"],
  ["", 'party share "Share, Inc."', "share", "entity.name.party"],
  ["", "event e attested by field", "field", "variable.other.name"],
  ["", "product p class research of x", "research", "support.constant.value"],
  ["", 'deal "open', '"open', "invalid.illegal"],
  ["pool p on c", 'serves m as "x" at https://h.example/v1 kind openai key env K', "https://h.example/v1", "markup"],
  ["pool p on c", "available from 2026-01-01T09:30:00Z", "2026-01-01T09:30:00Z", "constant.other.date.instant"],
  ["pool p on c", "price * input 2.50 USD per 1M tokens", "USD", "support.constant.currency"],
  ["pool p on c", "price * request 2.50 USD per request", "request", "support.type.price"],
  ["pool p on c", "price m variant batch input 2.50 USD per 1M tokens", "variant batch", "keyword.other.term"],
  ["prices of pool p", "price m above 200K tokens input 2.50 USD per 1M tokens", "above", "keyword.other.term"],
  ["pool p on c", 'serves m at http://h key file "k" ca file "c"', "ca file", "keyword.other.term"],
  ["agreement a with b", "price: share 10% of revenue from all from a to b monthly", "price", "entity.name.label"],
  ["agreement a with b", "price: share 10% of revenue from all from a to b monthly", "share", "keyword.control.clause"],
  ["agreement a with b", "price: share 10% of revenue from all from a to b monthly", "10%", "constant.numeric.percent"],
  ["agreement a with b", "s: share 10% of share a.s from a to b monthly", "a.s", "variable.other"],
  ["agreement a with b", "c: commit 60bn USD on az over 2025-01-21..2031-01-01", "60", "constant.numeric.amount"],
  ["agreement a with b", "c: commit 60bn USD on az over 2025-01-21..2031-01-01", "bn", "keyword.other.unit"],
  ["agreement a with b", "c: commit 60bn USD on az over 2025-01-21..2031-01-01", "..", "keyword.operator.range"],
  ["agreement a with b", "c: commit 60bn USD on az over 2025-01-21..2031-01-01", "2031-01-01", "constant.other.date"],
  ["agreement a with b", "x: amend ms-2025-01.x until earliest of (e)", "earliest of", "keyword.control.end"],
  ["agreement a with b", "x: amend ms-2025-01.x until earliest of (e)", "ms-2025-01.x", "variable.other.name"],
  ["agreement a with b", "x: amend y.x first offer on new capacity", "first offer on new capacity", "keyword.control"],
  ["agreement a with b", "r: first refusal on new capacity { compare price lower }", "price", "variable.other.name"],
  ["agreement a with b", "x: amend y.x primary az for all ship first", "primary", "keyword.control.clause"],
  ["agreement a with b", "x: primary az for all ship first unless (a and b)", "and", "keyword.operator.logical"],
  ["agreement a with b", "x: residency group g only in eu", "group", "keyword.other.term"],
  ["agreement a with b", "r: first refusal on new capacity", "first refusal on new capacity", "keyword.control.clause"],
  ["agreement a with b", "r: first offer on new capacity { change of control ends }", "ends", "support.constant.value"],
  ["agreement a with b", "r: first offer on new capacity { counterparty same }", "same", "support.constant.value"],
  ["agreement a with b", "r: first offer on new capacity { governing version at need }", "need", "support.constant"],
  ["agreement a with b", "o: order 20000 h100 on oci deliver by 2026-12-31", "h100", "keyword.other.unit"],
  ["programme p", "funder x 40% status committed role financial", "committed", "support.constant.value"],
];

function load() {
  try {
    return [require("vscode-textmate"), require("vscode-oniguruma"), require.resolve("vscode-oniguruma")];
  } catch (error) {
    console.error(`${error.message.split("\n")[0]}\nInstall both packages and name them in NODE_PATH: see the top.`);
    process.exit(2);
  }
}

async function grammarOf([textmate, oniguruma, entry]) {
  await oniguruma.loadWASM(readFileSync(join(dirname(entry), "onig.wasm")).buffer);
  const path = join(here, "offtake-deal.tmLanguage.json");
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (name) =>
      name === scopeName ? textmate.parseRawGrammar(readFileSync(path, "utf8"), path) : null,
  });
  return [await registry.loadGrammar(scopeName), textmate.INITIAL];
}

function tokens(text, [grammar, initial]) {
  const found = [];
  let stack = initial;
  text.split("\n").forEach((line, index) => {
    const result = grammar.tokenizeLine(line, stack);
    stack = result.ruleStack;
    for (const { startIndex, endIndex, scopes } of result.tokens) {
      found.push({ line: index + 1, column: startIndex + 1, text: line.slice(startIndex, endIndex), scopes });
    }
  });
  return { found, open: stack.depth - 1 };
}

const own = ({ scopes }) => scopes.filter((s) => s !== scopeName && !s.startsWith("meta."));
const plain = (token) => own(token).every((s) => s === "variable.other.deal");

function checkFile(path, grammar) {
  const { found, open } = tokens(readFileSync(path, "utf8"), grammar);
  const declared = new Set();
  let wrong = 0;
  for (const token of found) {
    if (own(token).some((s) => s.startsWith("entity.name."))) {
      declared.add(token.text);
    }
  }
  for (const token of found.filter(plain)) {
    for (const word of token.text.trim().split(/\s+/)) {
      const strange = own(token).length === 0 && word !== "";
      if (strange || (keywords.has(word) && !declared.has(word))) {
        console.log(`${relative(root, path)}:${token.line}:${token.column}: "${word}" is not coloured`);
        wrong++;
      }
    }
  }
  if (open > 0) {
    console.log(`${relative(root, path)}: a block is still open at the end`);
    wrong++;
  }
  console.log(`${relative(root, path)}: ${found.length} tokens, ${wrong} wrong`);
  return wrong;
}

function checkSample([block, line, word, scope], grammar) {
  const { found } = tokens(block === "" ? line : `${block} {\n${line}\n}`, grammar);
  const at = found.find((t) => t.text.trim() === word && own(t).some((s) => s.startsWith(scope)));
  if (at !== undefined) {
    return 0;
  }
  // A phrase or a comment may be several tokens: then the first of them counts.
  const parts = found.filter((t) => word.startsWith(t.text.trim()) && own(t).some((s) => s.startsWith(scope)));
  if (parts.length > 0 && parts.map((t) => t.text).join("").includes(word)) {
    return 0;
  }
  console.log(`sample "${line}": "${word}" should be ${scope}`);
  return 1;
}

const grammar = await grammarOf(load());
const examples = join(root, "examples");
const files = process.argv.length > 2
  ? process.argv.slice(2)
  : readdirSync(examples).filter((f) => f.endsWith(".deal")).sort().map((f) => join(examples, f));
let wrong = 0;
for (const sample of samples) {
  wrong += checkSample(sample, grammar);
}
console.log(`${samples.length} samples, ${wrong} wrong`);
for (const file of files) {
  wrong += checkFile(file, grammar);
}
process.exit(wrong === 0 ? 0 : 1);
