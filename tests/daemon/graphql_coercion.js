// Compares what variables, literals and defaults become: generated documents with generated JSON are given
// to tests/gql_check -v and to graphql-js, which must accept the same ones and make the same values of them.
// node graphql_coercion.js GQL_CHECK SCHEMA (is written) COUNT SEED
"use strict";
const { spawnSync } = require("child_process");
const fs = require("fs");
const g = require("graphql");
const { getVariableValues, getArgumentValues } = require("graphql/execution/values");

const [check, sdlPath, count, seed] = process.argv.slice(2);
const { below, pick, chance } = require("./graphql_random.js").seeded(Number(seed));

// --- a field for each type of argument ----------------------------------------------------------------

const NAMES = ["Int", "Float", "String", "Boolean", "ID", "Color", "In", "One"];
const WRAPS = ["T", "T!", "[T]", "[T!]", "[T]!", "[T!]!", "[[T]]", "[[T!]!]", "[[[T]!]]"];
const TYPES = NAMES.flatMap((n) => WRAPS.map((w) => w.replace("T", n)));
const DEFAULTS = ["Int! = 7", "[Int] = 5", "[[Int]] = [1, [2]]", "Color! = RED", "In = {need: 1}",
  "[In!] = {need: 2, list: 3}", "String = null", "Float = 1", "ID = 4"];
const ALL = [...TYPES, ...DEFAULTS];
const sdl = `enum Color { RED GREEN }
input In { need: Int! text: String = "d" color: Color list: [Int!] deep: [[Float]] next: In many: [In!] filled: Int! = 3 }
input One @oneOf { a: Int b: [String] c: In }
type Query { ${ALL.map((t, i) => `f${i}(v: ${t}, other: Int = 1): Int`).join(" ")} }`;
fs.writeFileSync(sdlPath, sdl);
const schema = g.buildSchema(sdl);
const field = (i) => schema.getQueryType().getFields()[`f${i}`];

// --- values, as JSON and as literals, mostly of the type -------------------------------------------------

const WRONG = [null, 0, -1, 1.5, 2147483648, 2147483648.5, "", "RED", "x", true, [], [null], [[1]], {}, { a: 1 }, { need: 1, nope: 2 }];
const LEAVES = { Int: [0, 1, -2147483648, 2147483647, 12], Float: [0, 1.5, -2e10, 7, 1e-7], String: ["", "x", "é😀", "a\"b\\"],
  Boolean: [true, false], ID: ["id", 12, "", -3], Color: ["RED", "GREEN"] };

function value(type, depth = 0) {
  if (chance(0.06))
    return pick(WRONG);
  if (g.isNonNullType(type))
    return value(type.ofType, depth);
  if (chance(0.08))
    return null;
  if (g.isListType(type))
    return chance(0.2) ? value(type.ofType, depth + 1) : Array.from({ length: below(3) }, () => value(type.ofType, depth + 1));
  if (!g.isInputObjectType(type))
    return pick(LEAVES[type.name]);
  const fields = Object.values(type.getFields());
  const some = type.isOneOf ? [pick(fields)].concat(chance(0.1) ? [pick(fields)] : [])
    : fields.filter((f) => g.isRequiredInputField(f) ? chance(0.97) : chance(depth < 3 ? 0.35 : 0.05));
  return Object.fromEntries(some.map((f) => [f.name, value(f.type, depth + 1)]));
}

class Maker {
  constructor() {
    this.variables = {};
    this.defined = [];
  }

  define(type, depth) {
    const name = `v${this.defined.length}`;
    let written = String(type), fallback = "";
    if (g.isNonNullType(type) && chance(0.3)) {
      written = String(type.ofType);
      fallback = ` = ${this.constant(type)}`;
    } else if (chance(0.15)) {
      fallback = ` = ${this.constant(type)}`;
    }
    this.defined.push(`$${name}: ${written}${fallback}`);
    if (!chance(0.15))
      this.variables[name] = value(type, depth);
    return `$${name}`;
  }

  constant(type) {
    return this.write(type, value(type), Infinity);
  }

  // A literal of what JSON says; deeper parts of it become variables now and then.
  write(type, v, depth = 0) {
    if (depth < 3 && chance(depth ? 0.15 : 0.5))
      return this.define(type, depth);
    const bare = g.getNullableType(type);
    if (v === null)
      return "null";
    if (Array.isArray(v))
      return `[${v.map((x) => this.write(g.isListType(bare) ? bare.ofType : bare, x, depth + 1)).join(", ")}]`;
    if (typeof v === "object") {
      const named = g.getNamedType(type);
      const of = (k) => g.isInputObjectType(named) && named.getFields()[k] ? named.getFields()[k].type : g.GraphQLInt;
      return `{${Object.entries(v).map(([k, x]) => `${k}: ${this.write(of(k), x, depth + 1)}`).join(", ")}}`;
    }
    return typeof v === "string" && g.isEnumType(g.getNamedType(type)) ? v || "null" : JSON.stringify(v);
  }
}

function make() {
  const i = below(ALL.length), maker = new Maker(), type = field(i).args[0].type;
  const argument = chance(0.05) ? "" : `(v: ${maker.write(type, value(type))})`;
  const head = maker.defined.length ? `query(${maker.defined.join(", ")})` : "";
  return { i, text: `${head} { f${i}${argument} }`, variables: maker.variables };
}

// --- both sides -----------------------------------------------------------------------------------------

function theirs({ i, text, variables }) {
  const document = g.parse(text);
  if (g.validate(schema, document).length)
    return null;
  const operation = document.definitions[0];
  const { errors, coerced } = getVariableValues(schema, operation.variableDefinitions || [], variables);
  if (errors)
    return { error: errors[0].message };
  try {
    return { value: getArgumentValues(field(i), operation.selectionSet.selections[0], coerced) };
  } catch (e) {
    return { error: e.message };
  }
}

function ours(cases) {
  const input = Buffer.concat(cases.flatMap(({ text, variables }) => {
    const bytes = Buffer.from(`${text}\0${JSON.stringify(variables)}`, "utf8");
    return [Buffer.from(`${bytes.length}\n`), bytes];
  }));
  const done = spawnSync(check, ["-v", sdlPath], { input, maxBuffer: 1 << 30 });
  if (done.status !== 0)
    throw new Error(`gql_check: ${done.stderr} ${done.signal}`);
  return done.stdout.toString("utf8").trimEnd().split("\n").map((line) => JSON.parse(line))
    .map((a) => Array.isArray(a) ? { error: a[0].message } : { value: a });
}

const plain = (x) => JSON.stringify(x);
// graphql-js 16 sees that the field of a @oneOf input takes no null only when the input stands by itself.
const stricter = ({ i }, t, o) => !t.error && String(g.getNamedType(field(i).args[0].type)) === "One" &&
  /^variable \S+ of type \S+ is used where \S+! is expected$/.test(o.error);
const report = { documents: 0, invalid: 0, accepted: 0, refused: 0, stricter: 0, different: [] };
const cases = Array.from({ length: Number(count) }, make), answers = ours(cases);
cases.forEach((c, n) => {
  const t = theirs(c), o = answers[n];
  report.documents++;
  if (!t)
    report.invalid++;
  else
    report[t.error ? "refused" : "accepted"]++;
  if (t && stricter(c, t, o))
    report.stricter++;
  else if (t && (Boolean(t.error) !== Boolean(o.error) || (!t.error && plain(t.value) !== plain(o.value))))
    report.different.push({ ...c, theirs: t, ours: o });
});
console.log(JSON.stringify({ ...report, n_different: report.different.length, different: report.different.slice(0, 8) }));
