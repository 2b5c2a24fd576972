// GraphiQL for the service that served this page. Subscriptions come as Server-Sent Events.
"use strict";

const welcome = `# Put your token into the tab "Headers" below:
#   {"Authorization": "Bearer ..."}
# Ctrl-Space completes, Ctrl-Enter runs. The schema stands behind the book icon.

{
  service {
    version
    schemaVersion
  }
}
`;

/** The data of each event "next" of a stream, until "complete" or its end. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error("the stream broke off");
      text += value;
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        const [, name, data] = /^event: (\w+)\ndata: ?(.*)$/.exec(text.slice(0, end)) || [];
        if (name === "complete") return;
        if (name === "next") yield JSON.parse(data);
      }
    }
  } finally {
    reader.cancel();
  }
}

async function fetcher(params, options) {
  const response = await fetch("graphql", {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream;q=0.5",
      ...options?.headers,
    },
    body: JSON.stringify(params),
    credentials: "omit",
  });
  const type = response.headers.get("Content-Type") || "";
  return type.startsWith("text/event-stream") ? events(response) : response.json();
}

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, { fetcher, defaultQuery: welcome, shouldPersistHeaders: false }));
