// Compares what tests/gql_check, or a running service, says about generated documents with what graphql-js
// says: accepted or refused, and where. node graphql_oracle.js GQL_CHECK|URL SDL COUNT SEED ($TOKEN)
"use strict";
const { spawnSync } = require("child_process");
const g = require("graphql");

const [check, sdlPath, count, seed] = process.argv.slice(2);

const { random, below, pick, chance } = require("./graphql_random.js").seeded(Number(seed));

// --- our side ---------------------------------------------------------------------------------------

const served = /^http:/.test(check);

function ask(documents, args = []) {
  const input = Buffer.concat(documents.flatMap((d) => {
    const bytes = Buffer.from(d, "utf8");
    return [Buffer.from(`${bytes.length}\n`), bytes];
  }));
  const done = served ? spawnSync(process.execPath, ["--no-warnings", `${__dirname}/graphql_post.js`, check],
    { input, maxBuffer: 1 << 30 })
    : spawnSync(check, [...args, ...(sdlPath ? [sdlPath] : [])], { input, maxBuffer: 1 << 30 });
  if (done.status !== 0)
    throw new Error(`gql_check: ${done.stderr} ${done.signal}`);
  const lines = done.stdout.toString("utf8").trimEnd().split("\n");
  if (lines.length !== documents.length)
    throw new Error(`gql_check answered ${lines.length} of ${documents.length}`);
  const answers = lines.map((line) => JSON.parse(line));
  return served ? answers.map((a) => a.data && args.length ? a.data : a.errors || []) : answers;
}

// --- the schema, as our introspection tells it --------------------------------------------------------

const introspection = g.getIntrospectionQuery({
  descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true,
  schemaDescription: true, inputValueDeprecation: true, oneOf: true,
});
const schema = g.buildClientSchema(ask([introspection], ["-i"])[0]);

const literals = {
  Snowflake: (v) => (v.kind === "StringValue" || v.kind === "IntValue") &&
    /^\d{1,20}$/.test(v.value) && BigInt(v.value) < 2n ** 64n,
  BigInt: (v) => (v.kind === "StringValue" || v.kind === "IntValue") &&
    /^-?\d{1,19}$/.test(v.value) && BigInt.asIntN(64, BigInt(v.value)) === BigInt(v.value),
  UnixMs: (v) => v.kind === "IntValue" && Math.abs(Number(v.value)) < 6e13,
  DateTime: (v) => v.kind === "StringValue" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(v.value),
};
for (const [name, fits] of Object.entries(literals)) {
  const type = schema.getType(name);
  if (type)
    type.parseLiteral = (v) => {
      if (!fits(v))
        throw new g.GraphQLError(`no ${name}`, { nodes: v });
      return true;
    };
}

// --- valid documents ---------------------------------------------------------------------------------

class Maker {
  constructor() {
    this.fragments = [];
    this.variables = [];
    this.aliases = 0;
  }

  scalar(type) {
    switch (type.name) {
      case "Int": return String(below(2000) - 1000);
      case "Float": return pick(["1.5", "-2e3", "7", "0.25E-1"]);
      case "String": return pick(['"x"', '"\\u00e9 \\n"', '"""block\n  text"""', '""', '"é😀"']);
      case "Boolean": return pick(["true", "false"]);
      case "ID": return pick(['"id"', "12"]);
      case "Snowflake": return '"123456789012345678"';
      case "BigInt": return pick(['"-5"', "77"]);
      case "UnixMs": return "1700000000000";
      case "DateTime": return '"2026-01-01T00:00:00.000Z"';
      default: return '"x"';
    }
  }

  literal(type, depth = 0) {
    if (g.isNonNullType(type))
      return this.literal(type.ofType, depth);
    if (g.isListType(type)) {
      if (chance(0.2) && !g.isListType(type.ofType))
        return this.value(type.ofType, depth + 1, true);
      const n = below(3);
      return `[${Array.from({ length: n }, () => this.value(type.ofType, depth + 1)).join(", ")}]`;
    }
    if (g.isEnumType(type))
      return pick(type.getValues()).name;
    if (g.isInputObjectType(type)) {
      let fields = Object.values(type.getFields());
      if (type.isOneOf)
        fields = [pick(fields.filter((f) => depth < 3 || !g.isInputObjectType(g.getNamedType(f.type))))];
      else
        fields = fields.filter((f) => g.isRequiredInputField(f) || (depth < 3 && chance(0.35)));
      return `{${fields.map((f) => `${f.name}: ${type.isOneOf ? this.literal(f.type, depth + 1)
        : this.value(f.type, depth + 1, false, f.defaultValue !== undefined)}`).join(", ")}}`;
    }
    return this.scalar(type);
  }

  value(type, depth = 0, literal = false, optional = false) {
    if (!g.isNonNullType(type) && chance(0.08))
      return "null";
    if (!literal && depth < 3 && !this.constant && chance(0.25)) {
      const name = `v${this.variables.length}`;
      let written = String(type);
      let fallback = "";
      if (g.isNonNullType(type) && optional && chance(0.3))
        written = String(type.ofType);
      else if (g.isNonNullType(type) && chance(0.2)) {
        written = String(type.ofType);
        this.constant = true;
        fallback = ` = ${this.literal(type)}`;
        this.constant = false;
      } else if (!g.isNonNullType(type) && chance(0.3))
        written += "!";
      this.variables.push(`$${name}: ${written}${fallback}`);
      return `$${name}`;
    }
    return this.literal(type, depth);
  }

  arguments(list) {
    const given = list.filter((a) => g.isRequiredArgument(a) || chance(0.4))
      .map((a) => `${a.name}: ${this.value(a.type, 0, false, a.defaultValue !== undefined)}`);
    return given.length ? `(${given.join(", ")})` : "";
  }

  directives(where) {
    if (!chance(0.12))
      return "";
    const fit = schema.getDirectives().filter((d) => d.locations.includes(where));
    if (!fit.length)
      return "";
    const d = pick(fit);
    return ` @${d.name}${this.arguments(d.args)}`;
  }

  field(f, depth) {
    const named = g.getNamedType(f.type);
    const alias = chance(0.85) ? `a${this.aliases++}: ` : "";
    if (!alias && (this.seen.has(f.name) || f.args.length))
      return `a${this.aliases++}: ` + this.plain(f, named, depth);
    this.seen.add(f.name);
    return alias + this.plain(f, named, depth);
  }

  plain(f, named, depth) {
    return f.name + this.arguments(f.args) + this.directives("FIELD") +
      (g.isLeafType(named) ? "" : " " + this.set(named, depth + 1));
  }

  set(type, depth) {
    const outer = this.seen;
    this.seen = new Set();
    const parts = [];
    const fields = g.isUnionType(type) ? [] : Object.values(type.getFields());
    const n = 1 + below(3);
    for (let i = 0; i < n; i++) {
      const leaf = fields.filter((f) => g.isLeafType(g.getNamedType(f.type)));
      const list = depth > 3 ? leaf : fields;
      const kind = random();
      if (kind < 0.14 && depth < 4)
        parts.push(this.inline(type, depth));
      else if (kind < 0.26 && depth < 4)
        parts.push(this.spread(type, depth));
      else if (list.length)
        parts.push(this.field(pick(list), depth));
      else
        parts.push(`a${this.aliases++}: __typename`);
    }
    this.seen = outer;
    return `{ ${parts.join(" ")} }`;
  }

  condition(type) {
    const fit = Object.values(schema.getTypeMap()).filter((t) => g.isCompositeType(t) &&
      g.doTypesOverlap(schema, t, type));
    return pick(fit);
  }

  inline(type, depth) {
    const on = chance(0.8) ? this.condition(type) : null;
    return `...${on ? ` on ${on.name}` : ""}${this.directives("INLINE_FRAGMENT")} ` +
      this.set(on || type, depth + 1);
  }

  spread(type, depth) {
    const on = this.condition(type);
    const name = `F${this.fragments.length}`;
    this.fragments.push("");
    const at = this.fragments.length - 1;
    this.fragments[at] = `fragment ${name} on ${on.name}${this.directives("FRAGMENT_DEFINITION")} ` +
      this.set(on, depth + 1);
    return `...${name}${this.directives("FRAGMENT_SPREAD")}`;
  }

  document() {
    const kinds = [["query", schema.getQueryType()], ["mutation", schema.getMutationType()],
      ["subscription", schema.getSubscriptionType()]].filter(([, t]) => t);
    const [kind, root] = chance(0.7) ? kinds[0] : pick(kinds);
    let body;
    if (kind === "subscription") {
      const f = pick(Object.values(root.getFields()));
      this.seen = new Set();
      body = `{ ${this.field(f, 1)} }`;
    } else {
      body = this.set(root, 0);
    }
    const directives = this.directives(kind.toUpperCase());
    const variables = this.variables.length ? `(${this.variables.join(", ")})` : "";
    const parts = [`${kind} Q${variables}${directives} ${body}`, ...this.fragments];
    if (chance(0.3))
      parts.reverse();
    return parts.join("\n");
  }
}

function valid() {
  const text = new Maker().document();
  return chance(0.5) ? text : g.print(g.parse(text));
}

// --- mutations: of the tree, then of the text ----------------------------------------------------------

const name = (value) => ({ kind: "Name", value });
const int = (value) => ({ kind: "IntValue", value: String(value) });
const variable = (value) => ({ kind: "Variable", name: name(value) });
const TYPES = () => Object.values(schema.getTypeMap());
const nodesOf = (ast, kind) => {
  const found = [];
  g.visit(ast, { [kind]: (n) => { found.push(n); } });
  return found;
};
// A node of the kind, changed in place by change(node).
const alter = (kind, change) => (ast) => {
  const found = nodesOf(ast, kind);
  if (!found.length)
    return false;
  return change(pick(found), ast) !== false;
};
const copy = (x) => JSON.parse(JSON.stringify(x));
const otherValue = () => pick([int(3), { kind: "StringValue", value: "x" }, { kind: "NullValue" },
  { kind: "FloatValue", value: "1.5" }, { kind: "BooleanValue", value: true },
  { kind: "EnumValue", value: "PURPLE" }, { kind: "ListValue", values: [int(1), { kind: "NullValue" }] },
  { kind: "ObjectValue", fields: [{ kind: "ObjectField", name: name("zz"), value: int(1) }] },
  variable("undefinedOne"), { kind: "IntValue", value: "99999999999999999999" }]);
const operationOf = (ast) => ast.definitions.find((d) => d.kind === "OperationDefinition");
const typeNode = (text) => g.parseType(text);

const mutations = {
  wrongField: alter("Field", (n) => { n.name = name(pick(["nope", "__schema", "__typename", "name", "id", "weight"])); }),
  leafWithSelection: alter("Field", (n) => {
    if (n.selectionSet) n.selectionSet = undefined;
    else n.selectionSet = { kind: "SelectionSet", selections: [{ kind: "Field", name: name("x") }] };
  }),
  wrongArgument: alter("Argument", (n) => { n.name = name(pick(["nope", "if", "first"])); }),
  dropArguments: alter("Field", (n) => n.arguments?.length ? void (n.arguments = n.arguments.slice(1)) : false),
  dropDirectiveArguments: alter("Directive", (n) => { n.arguments = []; }),
  addArgument: alter("Field", (n) => {
    n.arguments = [...(n.arguments || []), { kind: "Argument", name: name(pick(["nope", "id", "n"])), value: otherValue() }];
  }),
  twiceArgument: alter("Field", (n) => n.arguments?.length
    ? void (n.arguments = [...n.arguments, copy(pick(n.arguments))]) : false),
  wrongValue: alter("Argument", (n) => { n.value = otherValue(); }),
  wrongField2: alter("ObjectField", (n) => { n.name = name("nope"); }),
  wrongFieldValue: alter("ObjectField", (n) => { n.value = otherValue(); }),
  twiceField: alter("ObjectValue", (n) => n.fields.length
    ? void (n.fields = [...n.fields, copy(pick(n.fields))]) : false),
  dropField: alter("ObjectValue", (n) => n.fields.length ? void (n.fields = n.fields.slice(1)) : false),
  wrongItem: alter("ListValue", (n) => { n.values = [...n.values, otherValue()]; }),
  unknownFragment: alter("FragmentSpread", (n) => { n.name = name("Missing"); }),
  renameFragment: alter("FragmentDefinition", (n) => { n.name = name("Unused"); }),
  cycle: alter("FragmentDefinition", (n) => {
    n.selectionSet.selections.push({ kind: "FragmentSpread", name: name(n.name.value) });
  }),
  longCycle: (ast) => {
    const all = nodesOf(ast, "FragmentDefinition");
    if (all.length < 2) return false;
    const a = pick(all), b = pick(all);
    a.selectionSet.selections.push({ kind: "FragmentSpread", name: name(b.name.value) });
    b.selectionSet.selections.push({ kind: "FragmentSpread", name: name(a.name.value) });
  },
  condition: alter("FragmentDefinition", (n) => { n.typeCondition.name = name(pick([pick(TYPES()).name, "Nope"])); }),
  inlineCondition: alter("InlineFragment", (n) => {
    n.typeCondition = { kind: "NamedType", name: name(pick([pick(TYPES()).name, "Nope"])) };
  }),
  addInline: alter("SelectionSet", (n) => {
    n.selections.push({ kind: "InlineFragment",
      typeCondition: { kind: "NamedType", name: name(pick([pick(TYPES()).name, "Nope"])) },
      selectionSet: { kind: "SelectionSet", selections: [{ kind: "Field", name: name("__typename") }] } });
  }),
  twiceDefinition: (ast) => { ast.definitions.push(copy(pick(ast.definitions))); },
  anonymous: (ast) => {
    const o = operationOf(ast);
    o.name = undefined;
    if (chance(0.7)) ast.definitions.push(g.parse("query Other { __typename }").definitions[0]);
  },
  second: (ast) => {
    ast.definitions.push(g.parse(pick(["query Q { __typename }", "query R { __typename }",
      "subscription S { __typename }", "{ __typename }", "type Foo { a: Int }",
      "extend type Query { a: Int }", "scalar Odd"])).definitions[0]);
  },
  addVariable: (ast) => {
    const o = operationOf(ast);
    o.variableDefinitions = [...(o.variableDefinitions || []), { kind: "VariableDefinition",
      variable: variable(pick(["extra", "v0"])), type: typeNode(pick(["Int", "[String!]!", "Nope", "Query", "Color", "Filter"])) }];
  },
  dropVariable: (ast) => {
    const o = operationOf(ast);
    if (!o.variableDefinitions?.length) return false;
    o.variableDefinitions = o.variableDefinitions.slice(1);
  },
  variableType: alter("VariableDefinition", (n) => {
    n.type = typeNode(pick(["Int", "Int!", "String", "[Int]", "[[Int!]!]", "Boolean!", "ID", "Dog", "Query", "Nope", "Float", "Filter", "One"]));
  }),
  variableDefault: alter("VariableDefinition", (n) => {
    n.defaultValue = pick([int(1), { kind: "NullValue" }, { kind: "StringValue", value: "s" }, { kind: "ListValue", values: [] }]);
  }),
  useVariable: alter("Argument", (n, ast) => {
    const o = operationOf(ast);
    if (!o.variableDefinitions?.length) { n.value = variable("missing"); return; }
    n.value = variable(pick(o.variableDefinitions).variable.name.value);
  }),
  useVariableDeep: alter("ObjectField", (n, ast) => {
    const o = operationOf(ast);
    if (!o.variableDefinitions?.length) { n.value = variable("missing"); return; }
    n.value = variable(pick(o.variableDefinitions).variable.name.value);
  }),
  directive: alter(pick(["Field", "InlineFragment", "OperationDefinition"]), (n) => {
    n.directives = [...(n.directives || []), g.parse(`{ a ${pick(["@nope", "@skip(if: true)", "@include(if: 1)",
      "@skip", "@onQuery(need: 1)", "@onOther", "@deprecated", "@once", "@skip(if: true, x: 1)"])} }`)
      .definitions[0].selectionSet.selections[0].directives[0]];
  }),
  anyDirective: (ast) => {
    const found = [...nodesOf(ast, "OperationDefinition"), ...nodesOf(ast, "FragmentSpread"),
      ...nodesOf(ast, "FragmentDefinition"), ...nodesOf(ast, "VariableDefinition"), ...nodesOf(ast, "InlineFragment")];
    const n = pick(found);
    n.directives = [...(n.directives || []), g.parse(`{ a ${pick(["@nope", "@skip(if: true)", "@once", "@rep", "@onOther"])} }`)
      .definitions[0].selectionSet.selections[0].directives[0]];
  },
  twiceDirective: (ast) => {
    const found = [...nodesOf(ast, "Field"), ...nodesOf(ast, "InlineFragment")];
    const n = pick(found);
    const d = g.parse(pick(["{ a @skip(if: true) }", "{ a @rep(n: 1) }", "{ a @include(if: false) }"]))
      .definitions[0].selectionSet.selections[0].directives[0];
    n.directives = [...(n.directives || []), d, copy(d)];
  },
  sameAlias: alter("SelectionSet", (n) => {
    const fields = n.selections.filter((s) => s.kind === "Field");
    if (!fields.length) return false;
    const other = pick(fields);
    for (const f of fields.slice(0, 3))
      f.alias = name(other.alias?.value || other.name.value);
  }),
  sameAliasDifferent: alter("SelectionSet", (n) => {
    const fields = n.selections.filter((s) => s.kind === "Field" && s.arguments?.length);
    if (!fields.length) return false;
    const twin = copy(pick(fields));
    twin.arguments[0].value = otherValue();
    n.selections.push(twin);
  }),
  commonAlias: (ast) => {
    for (const f of nodesOf(ast, "Field"))
      if (chance(0.5)) f.alias = name(pick(["s", "t"]));
  },
  twoRoots: (ast) => {
    const o = nodesOf(ast, "OperationDefinition").find((d) => d.operation === "subscription");
    if (!o) return false;
    o.selectionSet.selections.push(pick([{ kind: "Field", name: name("__typename") },
      { kind: "Field", alias: name("two"), name: name("tick") }, copy(o.selectionSet.selections[0])]));
  },
};

function cutText(text) {
  const at = below(text.length);
  switch (below(5)) {
    case 0: return text.slice(0, at);
    case 1: return text.slice(0, at) + text.slice(at + 1);
    case 2: return text.slice(0, at) + pick(["{", "}", "(", ")", "!", "$", "\"", "...", "é", "01 ", "1.x", "@", "&", "|", ":",
      " 1e ", "\\", "'", "#", "\u{FEFF}", "-", "\"\\q\"", "\"\\ud800\"", "\"\"\"", "..", "?", "true", "on", "fragment "]) + text.slice(at);
    case 3: return text.slice(0, at) + pick(["\n", "\r\n", "\r", ", ,", "# é😀\n", "\t"]) + text.slice(at);
    default: { const to = at + below(12); return text.slice(0, at) + text.slice(to); }
  }
}

const used = {};
function mutant() {
  const ast = copy(g.parse(valid(), { noLocation: true }));
  const n = 1 + (chance(0.25) ? 1 : 0);
  for (let i = 0, tries = 0; i < n && tries < 30; tries++) {
    const key = pick(Object.keys(mutations));
    if (mutations[key](ast) === false)
      continue;
    used[key] = (used[key] || 0) + 1;
    i++;
  }
  return g.print(ast);
}

// --- what differs by name, and the comparison ----------------------------------------------------------

// Where the September 2025 edition (or this service, where the edition leaves it open) judges otherwise than
// graphql-js 16.15. Each is counted.
const hasDefault = (ast, name) => ast.definitions.some((d) => (d.variableDefinitions || []).some((v) =>
  v.variable.name.value === name && v.defaultValue && v.defaultValue.kind !== "NullValue"));
const typenameMerged = (text) => (e) => /__typename/.test(text) && /merged: their types differ/.test(e.message);
const differences = {
  "root selections of a subscription carry no @skip and no @include (5.2.4.1)":
    (ours) => ours.some((e) => /^@(skip|include) is not allowed on the root/.test(e.message)) &&
      ours.every((e) => /subscription/.test(e.message)),
  "a variable in a oneOf field must be non-null also where the input itself is non-null or in a list (5.8.5)":
    (ours) => ours.length > 0 && ours.every((e) => /is used where/.test(e.message)),
  "a nullable variable whose default is not null may stand in a oneOf field (5.8.5)":
    (ours, text, theirs) => !ours.length && theirs.errors.every((e) => {
      const found = /^Variable "\$(\w+)" is .* to be used for OneOf Input Object/.exec(e.message);
      return found && hasDefault(theirs.ast, found[1]);
    }),
  "__typename is of type String! where it is merged with another field (5.3.2)":
    (ours, text) => ours.length > 0 && ours.every(typenameMerged(text)),
  "the schema has no root type for the operation (5.2.1.1)":
    (ours) => ours.some((e) => /the schema has no .* type/.test(e.message)),
  "no executable definition at all (5.1.1 of the edition: there is nothing to execute)":
    (ours) => ours.some((e) => /holds no operation/.test(e.message)),
};

const rules = g.specifiedRules.filter((r) => r.name !== "MaxIntrospectionDepthRule");

// SingleFieldSubscriptionsRule throws where @skip has no argument: a refusal as well.
function judge(ast, rule) {
  try {
    const errors = g.validate(schema, ast, [rule], { maxErrors: 1000 });
    errors.forEach((e) => ruleOf.set(e, rule.name));
    return errors;
  } catch (e) {
    ruleOf.set(e, rule.name);
    return [e];
  }
}

function oracle(text) {
  let ast;
  try {
    ast = g.parse(text);
  } catch (e) {
    return { syntax: true, errors: [e] };
  }
  return { errors: rules.flatMap((rule) => judge(ast, rule)), ast };
}

// Where an error stands. Of some rules graphql-js makes one error out of several places (a cycle, a
// subscription's fields) or of one several (fields that cannot be merged, inside each other): of those
// each place of ours must be one of theirs, and both must have some. Of all others the places are the same.
const placesOf = (errors, n = 99) => new Set(errors.flatMap((e) =>
  (e.locations || []).slice(0, n).map((l) => `${l.line}:${l.column}`)));
const loose = [
  [/cannot be merged/, "OverlappingFieldsCanBeMergedRule"],
  [/spreads itself/, "NoFragmentCyclesRule"],
  [/of a subscription|one root field/, "SingleFieldSubscriptionsRule"],
];
const ruleOf = new Map();

function compare(text, ours, theirs) {
  const wrong = (what, more) => report.places.push({ text, what, ...more,
    ours: ours.map((e) => [e.message, e.locations]), theirs: theirs.map((e) => [ruleOf.get(e), e.message, e.locations]) });
  const known = typenameMerged(text);
  const mine = ours.filter((e) => !/the schema has no .* type|on the root field/.test(e.message) && !known(e));
  for (const [words, rule] of loose) {
    // It follows @skip and @include there, which the edition does not allow.
    if (/Subscription/.test(rule) && /@(skip|include)/.test(text))
      continue;
    // Where two fragments have one name, it follows either the one or the other.
    if (/Cycles/.test(rule) && ours.some((e) => /two fragments named/.test(e.message)))
      continue;
    const a = mine.filter((e) => words.test(e.message)), b = theirs.filter((e) => ruleOf.get(e) === rule);
    const there = placesOf(b);
    if ((a.length > 0) !== (b.length > 0) && !ours.some(known) || ![...placesOf(a, 1)].every((p) => there.has(p)))
      wrong(rule);
  }
  const a = placesOf(mine.filter((e) => !loose.some(([words]) => words.test(e.message))), 1);
  const b = placesOf(theirs.filter((e) => !loose.some(([, rule]) => ruleOf.get(e) === rule)), 1);
  if (ours.length >= 50)
    return; // ours stop there
  const missing = [...b].filter((p) => !a.has(p)), more = [...a].filter((p) => !b.has(p));
  if (missing.length || more.length)
    wrong("places", { missing, more });
}

const hits = {};
const report = { documents: 0, unjudged: 0, valid: 0, syntax: 0, invalid: 0, differences: {}, disagreements: [], places: [] };
const documents = [];
for (let i = 0; i < Number(count); i++)
  documents.push(i % 8 === 0 ? valid() : i % 8 === 1 ? cutText(valid()) : mutant());
const answers = ask(documents);
documents.forEach((text, i) => {
  const theirs = oracle(text);
  const ours = answers[i].filter((e) => /^GRAPHQL_/.test(e.extensions.code)); // not of what it then did
  report.documents++;
  if (answers[i].some((e) => /^LIMIT_/.test(e.extensions.code))) {
    report.unjudged++;
    return;
  }
  if (theirs.syntax) report.syntax++;
  else if (theirs.errors.length) report.invalid++;
  else report.valid++;
  if (theirs.ast && theirs.errors.length)
    for (const rule of rules) {
      const n = judge(theirs.ast, rule).length;
      if (n) hits[rule.name] = (hits[rule.name] || 0) + 1;
    }
  if ((theirs.errors.length > 0) !== (ours.length > 0)) {
    const known = Object.keys(differences).find((d) => differences[d](ours, text, theirs));
    if (known) report.differences[known] = (report.differences[known] || 0) + 1;
    else report.disagreements.push({ text, ours, theirs: theirs.errors.map((e) => e.message) });
    return;
  }
  if (!ours.length)
    return;
  compare(text, ours, theirs.errors);
});
report.hits = hits;
report.mutations = used;
report.missed = rules.map((r) => r.name).filter((n) => !hits[n]);
report.n_disagreements = report.disagreements.length;
report.n_places = report.places.length;
report.disagreements = report.disagreements.slice(0, 10);
report.places = report.places.slice(0, 10);
console.log(JSON.stringify(report, null, 1));
