// The schema that our introspection tells, printed, beside the SDL it was made from, printed the same
// way (directives applied in SDL are no part of introspection): node graphql_schema.js GQL_CHECK SDL
"use strict";
const { spawnSync } = require("child_process");
const fs = require("fs");
const g = require("graphql");

const [check, sdl] = process.argv.slice(2);
const query = g.getIntrospectionQuery({
  descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true,
  schemaDescription: true, inputValueDeprecation: true, oneOf: true,
});
const done = spawnSync(check, ["-i", sdl], { input: `${Buffer.byteLength(query)}\n${query}`,
  maxBuffer: 1 << 30 });
if (done.status !== 0)
  throw new Error(String(done.stderr));
const print = (schema) => g.printSchema(g.lexicographicSortSchema(schema));
console.log(JSON.stringify({
  told: print(g.buildClientSchema(JSON.parse(done.stdout))),
  written: print(g.buildSchema(fs.readFileSync(sdl, "utf8"))),
}));
