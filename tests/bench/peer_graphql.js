// The peers of tests/bench/bench_graphql.py, tuned by hand: node peer_graphql.js mercurius|postgraphile
// SOCKET DIRECTORY (of PostgreSQL's socket). Both run the same SQL functions (schema peer) and keep their statements prepared.
"use strict";
const [which, socket, host] = process.argv.slice(2);
const { Pool, types } = require("pg");

types.setTypeParser(20, (text) => text); // bigint as text: no digit is lost

const RECORD = "SELECT peer.record($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::int[], " +
  "$6::bigint[], $7::bigint[], $8::boolean[]) AS n";
const RENAME = "SELECT guild_id AS \"guildId\", user_id AS \"userId\", nick FROM " +
  "peer.rename_member($1, $2, $3)";

const sdl = `
  type Member { guildId: ID! userId: ID! nick: String }
  input Sightings { guildId: [ID!]! userId: [ID!]! channelId: [ID]! kind: [String!]! count: [Int!]!
    firstAt: [Float!]! lastAt: [Float!]! counted: [Boolean!]! }
  type Query { version: String }
  type Mutation { renameMember(guildId: ID!, userId: ID!, nick: String): Member
    record(sightings: Sightings!): Int }`;

async function mercurius() {
  const pool = new Pool({ host, user: "presence", database: "presence", max: 4 });
  const app = require("fastify")({ bodyLimit: 8 << 20 });
  const resolvers = {
    Query: { version: () => "1" },
    Mutation: {
      renameMember: async (_, { guildId, userId, nick }) =>
        (await pool.query({ name: "rename", text: RENAME, values: [guildId, userId, nick] })).rows[0],
      record: async (_, { sightings: s }) =>
        (await pool.query({ name: "record", text: RECORD, values: [s.guildId, s.userId, s.channelId,
          s.kind, s.count, s.firstAt, s.lastAt, s.counted] })).rows[0].n,
    },
  };
  app.register(require("mercurius"), { schema: sdl, resolvers, jit: 1, graphiql: false });
  await app.listen({ path: socket });
}

async function postgraphile() {
  const { postgraphile: make } = require("postgraphile");
  const pool = new Pool({ host, user: "presence", database: "presence", max: 4 });
  const handler = make(pool, "peer", {
    watchPg: false, graphiql: false, enableCors: false, disableQueryLog: true, ignoreRBAC: false,
    setofFunctionsContainNulls: false, legacyRelations: "omit", dynamicJson: true, bodySizeLimit: "8MB",
    queryCacheMaxSize: 50 << 20,
  });
  require("http").createServer(handler).listen(socket);
}

({ mercurius, postgraphile })[which]().catch((e) => { console.error(e); process.exit(1); });
