// Subscribes with graphql-sse (distinct connections) and prints one line of JSON per result.
// argv: URL, token, query. Ends when the stream completes.
const { createClient } = require('graphql-sse');

const [url, token, query] = process.argv.slice(2);
const client = createClient({
  url,
  headers: { authorization: `Bearer ${token}` },
  retryAttempts: 0,
});

client.subscribe({ query }, {
  next: (result) => console.log(JSON.stringify({ next: result })),
  error: (error) => { console.log(JSON.stringify({ error: String(error) })); process.exit(1); },
  complete: () => { console.log(JSON.stringify({ complete: true })); process.exit(0); },
});
