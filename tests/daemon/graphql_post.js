// Posts documents, one after the other, with $TOKEN: node graphql_post.js URL. Reads and prints what
// tests/gql_check does: each document behind its length, one line of JSON for each answer.
"use strict";
const input = require("fs").readFileSync(0);
const [url] = process.argv.slice(2);

async function main() {
  for (let at = 0; at < input.length;) {
    const end = input.indexOf(10, at), len = Number(input.toString("latin1", at, end));
    const query = input.toString("utf8", end + 1, end + 1 + len);
    const answer = await fetch(url, { method: "POST", body: JSON.stringify({ query }),
      headers: { "content-type": "application/json", accept: "application/json",
        authorization: `Bearer ${process.env.TOKEN}` } });
    console.log(JSON.stringify(await answer.json()));
    at = end + 1 + len;
  }
}

main().catch((e) => { console.error(e); process.exit(1); });
