// The audits of the GraphQL-over-HTTP specification that come with graphql-http, run against a URL:
// node graphql_http_audit.js URL TOKEN. Prints a list of {id, name, status, reason}.
"use strict";
const { serverAudits } = require("graphql-http");

const [url, token] = process.argv.slice(2);

// The audits do not know of tokens.
const fetchFn = (to, init = {}) =>
  fetch(to, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });

async function main() {
  const results = [];
  for (const audit of serverAudits({ url, fetchFn })) {
    const { id, name, status, reason } = await audit.fn();
    results.push({ id, name, status, reason: reason && String(reason) });
  }
  console.log(JSON.stringify(results));
}

main().catch((e) => { console.error(e); process.exit(1); });
