// Executes generated documents twice: presence-graphqld does, and graphql-js's own executor does, over a
// tree of the same data. That tree is read from presence-graphqld by plain documents: every field by its
// name, nothing twice, no fragments, no directives. The results must be the same to the last byte, the
// order of keys included, and fields that cannot be executed (a variable that is null, a page of no rows) must
// be null with the same errors, paths and places, and as far up. node graphql_executor.js URL TOKEN COUNT SEED GUILDS USERS (comma separated)
"use strict";
const g = require("graphql");
const { seeded } = require("./graphql_random.js");

const [url, token, count, seed, guilds, users] = process.argv.slice(2);
const { below, pick, chance } = seeded(Number(seed));
const GUILDS = guilds.split(","), USERS = users.split(",");

async function post(query, variables) {
  const answer = await fetch(url, { method: "POST", body: JSON.stringify({ query, variables }),
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` } });
  return answer.json();
}

async function ask(query) {
  const answer = await post(query);
  if (answer.errors)
    throw new Error(`${query}\n${JSON.stringify(answer.errors)}`);
  return answer.data;
}

// --- the schema and the tree --------------------------------------------------------------------------

let schema;
const moving = new Set(); // Type.field: another value each time it is read
const DEPTH = 6;
const named = (f) => g.getNamedType(f.type);
const optional = (f) => !f.args.some(g.isRequiredArgument);

function fieldsOf(type, path) {
  return Object.values(type.getFields()).filter((f) => optional(f) && !moving.has(`${type}.${f.name}`) &&
    (g.isLeafType(named(f)) || (path.length < DEPTH && !path.includes(named(f).name))));
}

function everything(type, path = [type.name]) {
  return `{ ${fieldsOf(type, path).map((f) => g.isLeafType(named(f)) ? f.name
    : `${f.name} ${everything(named(f), [...path, named(f).name])}`).join(" ")} }`;
}

// The arguments that a root field needs, with ids that are known and ids that are not.
function ways(f) {
  const values = { guildId: GUILDS, id: GUILDS, userId: USERS, channelId: [...USERS, "7"],
    decisionId: ["1", "99"], jobId: ["1", "99"] };
  let list = [[]];
  for (const a of f.args.filter(g.isRequiredArgument)) {
    if (!values[a.name])
      return [];
    list = list.flatMap((done) => values[a.name].map((v) => [...done, `${a.name}: "${v}"`]));
  }
  return list.map((args) => args.join(", "));
}

const roots = () => Object.values(schema.getQueryType().getFields()).filter((f) => ways(f).length);
const callOf = (f, args) => `${f.name}${args ? `(${args})` : ""}`;

async function load() {
  const tree = new Map();
  for (const f of roots())
    for (const args of ways(f)) {
      const call = callOf(f, args);
      tree.set(call, (await ask(`{ ${call} ${g.isLeafType(named(f)) ? "" : everything(named(f))} }`))[f.name]);
    }
  return tree;
}

function compare(type, a, b) {
  if (Array.isArray(a) && Array.isArray(b))
    a.forEach((x, i) => compare(type, x, b[i]));
  else if (a && b && g.isObjectType(type))
    for (const f of Object.values(type.getFields()))
      if (f.name in a) {
        if (g.isLeafType(named(f)) && JSON.stringify(a[f.name]) !== JSON.stringify(b[f.name]))
          moving.add(`${type}.${f.name}`);
        compare(named(f), a[f.name], b[f.name]);
      }
}

// --- the other executor -------------------------------------------------------------------------------

let tree;

function page(connection, { first, last }) {
  const n = connection.nodes.length, from = last ? Math.max(0, n - last) : 0, to = first || n;
  const edges = connection.edges.slice(from, to), info = { ...connection.pageInfo };
  if (first && to < n) info.hasNextPage = true;
  if (from > 0) info.hasPreviousPage = true;
  info.startCursor = edges.length ? edges[0].cursor : null;
  info.endCursor = edges.length ? edges[edges.length - 1].cursor : null;
  return { ...connection, nodes: connection.nodes.slice(from, to), edges, pageInfo: info };
}

function fieldResolver(source, args, context, info) {
  let value;
  if (info.parentType === schema.getQueryType()) {
    const f = info.parentType.getFields()[info.fieldName];
    value = tree.get(callOf(f, f.args.filter(g.isRequiredArgument)
      .map((a) => `${a.name}: "${args[a.name]}"`).join(", ")));
  } else {
    value = source[info.fieldName];
  }
  if (args.first < 1 || args.last < 1 || (args.first && args.last))
    throw new Error("no page");
  return value && value.edges && value.nodes ? page(value, args) : value;
}

// --- documents ----------------------------------------------------------------------------------------

class Maker {
  constructor() {
    this.n = 0;
    this.fragments = [];
    this.variables = {};
    this.defined = [];
  }

  directives() {
    if (!chance(0.15))
      return "";
    const name = pick(["skip", "include"]);
    if (chance(0.5))
      return ` @${name}(if: ${chance(0.5)})`;
    const variable = `v${this.n++}`;
    this.variables[variable] = chance(0.5);
    this.defined.push(`$${variable}: Boolean!`);
    return ` @${name}(if: $${variable})`;
  }

  // A variable where null must not be: it is absent, so the default holds, or null.
  doubtful(a) {
    const variable = `v${this.n++}`;
    this.defined.push(`$${variable}: ${a.type.ofType} = ${g.print(g.astFromValue(a.defaultValue, a.type))}`);
    if (chance(0.5))
      this.variables[variable] = null;
    return `${a.name}: $${variable}`;
  }

  // What is not aliased may stand twice, and is merged: it always has the same arguments.
  field(type, f, path) {
    const alias = chance(0.3) ? `a${this.n++}` : "";
    const to = named(f);
    let args = "";
    if (type === schema.getQueryType())
      args = alias ? pick(ways(f)) : ways(f)[0];
    const add = (more) => { args = [args, more].filter(Boolean).join(", "); };
    if (alias && f.args.some((a) => a.name === "last") && chance(0.6))
      add(chance(0.9) ? `${pick(["first", "last"])}: ${1 + below(4)}` : pick(["first: 0", "last: -1", "first: 2, last: 2"]));
    const filled = f.args.filter((a) => g.isNonNullType(a.type) && a.defaultValue !== undefined);
    if (alias && filled.length && chance(0.2))
      add(this.doubtful(pick(filled)));
    return `${alias && `${alias}: `}${callOf(f, args)}${this.directives()}` +
      (g.isLeafType(to) ? "" : ` ${this.set(to, [...path, to.name])}`);
  }

  set(type, path) {
    const fields = type === schema.getQueryType() ? roots() : fieldsOf(type, path);
    const parts = [];
    for (let i = 1 + below(path.length < 3 ? 5 : 4); i > 0; i--) {
      const kind = below(100);
      if (kind < 10)
        parts.push(`...${chance(0.5) ? ` on ${type}` : ""}${this.directives()} ${this.set(type, path)}`);
      else if (kind < 20)
        parts.push(this.spread(type, path));
      else if (kind < 27 || !fields.length)
        parts.push(chance(0.5) ? "__typename" : `t${this.n++}: __typename`);
      else
        parts.push(this.field(type, pick(fields), path));
    }
    return `{ ${parts.join(" ")} }`;
  }

  spread(type, path) {
    const name = `F${this.n++}`, body = this.set(type, path);
    this.fragments.push(`fragment ${name} on ${type} ${body}`);
    return Array.from({ length: 1 + below(2) }, () => `...${name}${this.directives()}`).join(" ");
  }

  document() {
    const body = this.set(schema.getQueryType(), []);
    const defined = this.defined.join(", ");
    return `query${defined && `(${defined})`} ${body}\n${this.fragments.join("\n")}`;
  }
}

async function main() {
  schema = g.buildClientSchema(await ask(g.getIntrospectionQuery()));
  const before = await load(), after = await load();
  for (const f of roots())
    for (const args of ways(f))
      compare(named(f), before.get(callOf(f, args)), after.get(callOf(f, args)));
  tree = after;
  const report = { documents: 0, too_large: 0, nulls: 0, bytes: 0, moving: [...moving], types: new Set(), failed: 0, no_data: 0, different: [] };
  const seen = (value) => {
    if (value === null) report.nulls++;
    else if (typeof value === "object") Object.values(value).forEach(seen);
    if (value && value.__typename) report.types.add(value.__typename);
  };
  for (let i = 0; i < Number(count); i++) {
    const maker = new Maker(), text = maker.document(), document = g.parse(text);
    const invalid = g.validate(schema, document);
    if (invalid.length)
      throw new Error(`${text}\n${invalid}`);
    const [ours, theirs] = [await post(text, maker.variables), await g.execute({ schema, document,
      variableValues: maker.variables, fieldResolver, rootValue: {} })];
    if (ours.errors && ours.errors.every((e) => e.extensions.code.startsWith("LIMIT_"))) {
      report.too_large++;
      continue;
    }
    const comparable = ({ data, errors }) => JSON.stringify([data,
      (errors || []).map(({ path, locations }) => ({ path, locations }))]);
    const a = comparable(ours), b = comparable(theirs);
    report.documents++;
    report.failed += Boolean(ours.errors);
    report.no_data += ours.data === null;
    report.bytes += a.length;
    seen(ours.data);
    if (a !== b)
      report.different.push({ text, variables: maker.variables, ours: a.slice(0, 3000), theirs: b.slice(0, 3000) });
  }
  console.log(JSON.stringify({ ...report, types: [...report.types].sort(),
    n_different: report.different.length, different: report.different.slice(0, 3) }));
}

main().catch((e) => { console.error(e); process.exit(1); });
