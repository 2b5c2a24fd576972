// Uses GraphiQL as a person would: node graphiql_page.js CHROMIUM URL TOKEN QUERY WANTED SCREENSHOT
// Prints what was seen as JSON: the result's text, other hosts that were asked, what the console said.
"use strict";
const { chromium } = require("playwright-core");

const [executablePath, url, token, query, wanted, screenshot] = process.argv.slice(2);

async function main() {
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const seen = { hosts: [], console: [], result: "", explained: "" };
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(60000);
    page.on("request", (r) => {
      if (!r.url().startsWith("data:")) seen.hosts.push(new URL(r.url()).host);
    });
    page.on("console", (m) => ["error", "warning"].includes(m.type()) && seen.console.push(m.text()));
    page.on("pageerror", (e) => seen.console.push(String(e)));
    await page.goto(url);
    await page.waitForSelector(".graphiql-query-editor .CodeMirror");

    await page.getByRole("button", { name: "Headers" }).click();
    await page.locator(".graphiql-editor-tool .graphiql-editor:not(.hidden) .CodeMirror").click();
    await page.keyboard.insertText(JSON.stringify({ Authorization: `Bearer ${token}` }));

    await page.locator(".graphiql-query-editor .CodeMirror").click();
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText(query);
    await page.getByRole("button", { name: /Execute query/ }).click();
    await page.waitForFunction(
      (text) => document.querySelector(".result-window .CodeMirror")?.CodeMirror.getValue().includes(text), wanted);
    seen.result = await page.evaluate(
      () => document.querySelector(".result-window .CodeMirror").CodeMirror.getValue());

    // The schema was read by introspection: what it says of a field is shown.
    await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
    await page.locator(".graphiql-doc-explorer").getByText("Query", { exact: true }).first().click();
    await page.locator(".graphiql-doc-explorer").getByText("guilds").first().waitFor();
    seen.explained = await page.locator(".graphiql-doc-explorer").innerText();
    await page.screenshot({ path: screenshot });
  } finally {
    await browser.close();
  }
  seen.hosts = [...new Set(seen.hosts)];
  console.log(JSON.stringify(seen));
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
