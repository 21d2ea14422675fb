/**
 * Tests what other origins cannot do in a viewer's browser: what agents have stored does not run in the dashboard's
 * origin, however it is viewed, and a page of another origin can neither read nor change anything with the viewer's
 * session.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { browserMissing, openPage, startBrowser, type Page, countOf } from "./support/browser.js";
import { send, sendJson } from "./support/http-client.js";
import { startKoor, type Owner } from "./support/server-process.js";

const TOKEN = "the-server's-own";
const RIGHT = { Authorization: `Bearer ${TOKEN}` };

/** Sets a mark in the page that runs it. */
const MARK = "window.__ran=(window.__ran||0)+1";
const HTML = `<!doctype html><script>${MARK}</script><img src=x onerror="${MARK}"><b>hello</b>`;
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" onload="${MARK}"><script>${MARK}</script><circle r="9"/></svg>`;
const STORED = [
  ["evil/page.html", "text/html", HTML],
  ["evil/picture.svg", "image/svg+xml", SVG],
  [
    "evil/page.xhtml",
    "application/xhtml+xml",
    `<html xmlns="http://www.w3.org/1999/xhtml"><script>${MARK}</script></html>`,
  ],
  ["evil/script.js", "text/javascript", `${MARK};document.title="ran"`],
  ["evil/<img src=x onerror=window.__ran=1>", "text/plain", HTML],
] as const;

/** Texts that a browser would need a long time to lay out, and a usual text. Only their beginning is shown. */
const SLOW = {
  "slow/words": "a usual line of words\n".repeat(15_000),
  "slow/marks": `e${"\u0301".repeat(200_000)}`,
  "slow/joined": "\u0628".repeat(400_000),
  "slow/lines": "z\n".repeat(2_000_000),
  "slow/directions": "a\u05d0".repeat(300_000),
};

const ran = (page: Page): Promise<unknown> => page.evaluate("window.__ran");
const keyPath = (key: string): string => key.split("/").map(encodeURIComponent).join("/");

/** A page of another origin of this machine that makes the test's requests. */
async function servePage(t: Owner): Promise<number> {
  const server = createServer((_request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>another page</title><body></body>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => void server.close());
  return (server.address() as AddressInfo).port;
}

t.test("the dashboard and a foreign page in one viewer's browser", { skip: browserMissing() }, async (t) => {
  const koor = await startKoor(t, { args: ["--dashboard-bind", "127.0.0.1:0", "--auth-token", TOKEN] });
  const browser = await startBrowser(t);
  const url = `http://127.0.0.1:${koor.dashboardPort}`;
  for (const [key, type, body] of STORED)
    await send(koor.port, "PUT", `/api/state/${keyPath(key)}`, { body, headers: { ...RIGHT, "Content-Type": type } });
  for (const [key, body] of Object.entries(SLOW))
    await send(koor.port, "PUT", `/api/state/${key}`, { body, headers: { ...RIGHT, "Content-Type": "text/plain" } });
  await sendJson(koor.port, "POST", "/api/instances/register", { name: HTML, intent: HTML }, RIGHT);
  await sendJson(koor.port, "POST", "/api/events/publish", { topic: "evil.<script>", data: { html: HTML } }, RIGHT);
  const registered = await sendJson(
    koor.port,
    "POST",
    "/api/instances/register",
    { name: HTML, workspace: HTML },
    RIGHT,
  );
  const { id: evil, token } = registered.json<{ readonly id: string; readonly token: string }>();
  const by = { Authorization: `Bearer ${token}` };
  const message = { to: evil, subject: HTML, body: HTML, thread: "evil", data: { html: HTML }, intent: "request" };
  await sendJson(koor.port, "POST", "/api/messages", message, by);
  await sendJson(koor.port, "POST", "/api/leases", { resources: [`name:${HTML}`], reason: HTML }, by);
  await sendJson(koor.port, "PUT", "/api/specs/evil/page", { html: HTML }, RIGHT);

  const { page, context, complaints } = await openPage(browser, { expected: [/status of 401/] });
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await page.goto(url);
  await page.getByLabel("Token").fill(TOKEN);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { level: 1, name: "Needs me" }).waitFor();

  await t.test("stored content is shown as text", async (t) => {
    for (const [key, , body] of STORED) {
      await page.goto(`${url}/state/${keyPath(key)}`);
      await page.locator(".badge").getByText("version 1", { exact: true }).first().waitFor();
      t.match(
        await page.getByRole("region", { name: key, exact: true }).locator("code").textContent(),
        body.slice(0, 30),
      );
      t.equal(await countOf(page.getByRole("main").locator("script, img, iframe, object, embed, circle"), 0), 0, key);
      t.equal(await ran(page), undefined, key);
    }
    const addresses = ["/specs/evil/page", "/events", "/agents", "/audit", "/overview", "/"];
    for (const address of [...addresses, "/leases", "/leases/lease-1", "/messages", "/messages?thread=evil"]) {
      await page.goto(url + address);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.locator(".connection").getByText("live").waitFor();
      t.equal(await countOf(page.getByRole("main").locator("script, img, iframe, object, embed"), 0), 0, address);
      t.equal(await ran(page), undefined, address);
    }
    t.same(complaints, [], "no script was even blocked");
    t.same(dialogs, []);
  });

  await t.test("no stored text blocks the page", async (t) => {
    let usualMs = 0;
    for (const key of Object.keys(SLOW)) {
      const sinceMs = performance.now();
      await page.goto(`${url}/state/${key}`);
      await page.getByRole("region", { name: key, exact: true }).locator("code").waitFor();
      // The promise is resolved after the layout.
      await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
      const ms = performance.now() - sinceMs;
      usualMs ||= ms;
      t.ok(ms < 2_000 + 5 * usualMs, `${key}: ${Math.round(ms)} ms, and ${Math.round(usualMs)} ms for usual text`);
    }
  });

  await t.test("opened as an address of its own it does not run either", async (t) => {
    const { page: opened } = await openPage(browser, { context });
    for (const [key] of STORED) {
      const downloads: string[] = [];
      opened.on("download", (download) => downloads.push(download.suggestedFilename()));
      await opened.goto(`${url}/api/state/${keyPath(key)}`).catch((error: Error) => {
        // A browser saves a file that it is told not to show.
        if (!/download|ERR_ABORTED/i.test(error.message)) throw error;
      });
      t.equal(await ran(opened), undefined, key);
      t.not(await opened.title(), "ran");
    }
    await opened.close();
  });

  await t.test("an agent cannot take the place of the person at the page", async (t) => {
    const operator = { name: "operator", stack: "dashboard" };
    const answer = await sendJson(koor.port, "POST", "/api/instances/register", operator, by);
    const agent = answer.json<{ readonly id: string; readonly token: string }>();
    await sendJson(koor.port, "POST", `/api/instances/${agent.id}/activate`, {}, RIGHT);
    await page.goto(`${url}/agents/${evil}`);
    await page.getByRole("button", { name: "Send a message" }).click();
    const form = page.getByRole("dialog");
    await form.getByLabel("Subject").fill("a question of the person");
    await form.getByRole("button", { name: "Send" }).click();
    await page.getByText("Message sent to").waitFor();
    const inBox = await send(koor.port, "GET", "/api/messages", { headers: by });
    const sender = inBox
      .json<{ messages: { subject: string; from: { id: string; name: string } }[] }>()
      .messages.find(({ subject }) => subject === "a question of the person")?.from;
    t.equal(sender?.name, "operator");
    t.not(sender?.id, agent.id, "the page sends as an instance whose token no agent has");
  });

  await t.test("the dashboard refuses it as its own script", async (t) => {
    await page.goto(`${url}/overview`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await t.rejects(page.evaluate(`document.body.innerHTML = "<b>markup</b>"`), /TrustedHTML/);
    t.equal(await page.evaluate("document.body.querySelector('b') === null"), true);
    await t.rejects(
      page.evaluate(`document.createElement("script").src = "/api/state/evil/script.js"`),
      /TrustedScriptURL/,
    );
    t.equal(await ran(page), undefined);
  });

  const foreignPort = await servePage(t);
  // Another port of the same address is another origin, but the same site: browsers send it every cookie.
  for (const host of ["127.0.0.1", "localhost"]) {
    await t.test(`a page of ${host} on another port reads nothing and changes nothing`, async (t) => {
      const { page: foreign } = await openPage(browser, { context });
      const targets = [url, `http://localhost:${koor.dashboardPort}`];
      const answers: string[] = [];
      foreign.on("response", (response) => {
        if (response.url().includes(`:${koor.dashboardPort}`)) answers.push(`${response.status()} ${response.url()}`);
      });
      await foreign.goto(`http://${host}:${foreignPort}`);
      for (const target of targets) {
        const ask = (init: object, path = "/api/state/evil/page.html"): Promise<string> =>
          foreign.evaluate<string>(
            `fetch(${JSON.stringify(target + path)}, ${JSON.stringify(init)}).then((r) => r.text()).then((x) => "read " + x.slice(0, 80), (e) => "failed")`,
          );
        const credentials = "include";
        t.equal(await ask({ credentials }), "failed", "GET");
        t.equal(await ask({ credentials }, "/session"), "failed", "the log-in status");
        t.equal(await ask({ credentials, method: "POST", body: "{}" }, "/api/events/publish"), "failed", "POST");
        t.equal(await ask({ credentials, method: "PUT", body: "x" }, "/api/state/foreign"), "failed", "PUT");
        t.equal(await ask({ credentials, method: "DELETE" }, "/session"), "failed", "DELETE");
        const text = { "Content-Type": "text/plain" };
        const body = '{"topic":"foreign","data":1}';
        const blind = { credentials, mode: "no-cors", method: "POST", headers: text, body };
        t.match(await ask(blind, "/api/events/publish"), /^(?:read |failed)$/, "the body of a form, unread");
        t.equal(
          await foreign.evaluate(`new Promise((done) => {
            const made = Object.assign(document.createElement("script"), { src: ${JSON.stringify(`${target}/api/state/evil/script.js`)} });
            made.onload = () => done("ran");
            made.onerror = () => done("failed");
            document.body.append(made);
          })`),
          "failed",
          "a stored script",
        );
        t.equal(await ran(foreign), undefined);
        t.equal(
          await foreign.evaluate(`new Promise((done) => {
            const made = Object.assign(new Image(), { src: ${JSON.stringify(`${target}/api/state/evil/picture.svg`)} });
            made.onload = () => done("shown");
            made.onerror = () => done("failed");
          })`),
          "failed",
          "a stored picture",
        );
        t.equal(
          await foreign.evaluate(`new Promise((done) => {
            const made = new WebSocket(${JSON.stringify(`${target.replace("http", "ws")}/api/events/subscribe`)});
            made.onopen = () => done("open");
            made.onerror = () => done("failed");
          })`),
          "failed",
          "a WebSocket",
        );
        t.equal(
          await foreign.evaluate(`new Promise((done) => {
            const made = new EventSource(${JSON.stringify(`${target}/api/changes`)}, { withCredentials: true });
            made.onopen = () => done("open");
            made.onerror = () => (made.close(), done("failed"));
          })`),
          "failed",
          "an EventSource",
        );
        await foreign.evaluate(`new Promise((done) => {
          const made = Object.assign(document.createElement("iframe"), { src: ${JSON.stringify(`${target}/overview`)} });
          made.onload = done;
          document.body.append(made);
        })`);
        const frame = foreign.frames().at(-1);
        t.equal(await frame?.locator("#app").count(), 0, "a frame of the dashboard");
        const refused = foreign.waitForResponse(
          (answered) => answered.request().method() === "POST" && answered.request().isNavigationRequest(),
        );
        await foreign.evaluate(`{
          const form = Object.assign(document.createElement("form"), {
            method: "post",
            target: "answer",
            enctype: "text/plain",
            action: ${JSON.stringify(`${target}/api/events/publish`)},
          });
          form.append(Object.assign(document.createElement("input"), { name: '{"topic":"foreign","data":"', value: '"}' }));
          document.body.append(Object.assign(document.createElement("iframe"), { name: "answer" }), form);
          form.submit();
        }`);
        t.equal((await refused).status(), 403, "a form");
        await foreign.evaluate("document.body.replaceChildren()");
      }
      const history = await send(koor.port, "GET", "/api/events/history?topic=foreign", { headers: RIGHT });
      t.same(history.json(), [], "none of its events came");
      t.equal((await send(koor.port, "GET", "/api/state/foreign", { headers: RIGHT })).status, 404);
      t.ok(answers.length > 0, "it did send requests");
      t.same(
        answers.filter((answer) => /^[23]/.test(answer) && !answer.endsWith("/overview")),
        [],
        "and got only the empty page",
      );
      await page.goto(`${url}/overview`);
      await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
      t.equal(await countOf(page.getByRole("button", { name: "Log out" }), 1), 1, "the session is still valid");
      await foreign.close();
    });
  }

  await t.test("after a log-out the Back button shows no stored value", async (t) => {
    const other = await context.newPage();
    await other.goto(`${url}/api/state/slow/words`);
    t.match(await other.locator("body").textContent(), /a usual line of words/);
    await other.goto(`${url}/docs`);
    await page.goto(url);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Token").waitFor();
    await other.goBack();
    t.match(await other.locator("body").textContent(), /missing bearer token/);
    await other.close();
  });

  await t.test("another host name for this machine is not the dashboard", async (t) => {
    const rebound = await browser.newContext();
    const { page: other } = await openPage(browser, { context: rebound });
    await other.route("http://evil.example/**", async (route) => {
      const answer = await send(koor.dashboardPort, "GET", new URL(route.request().url()).pathname, {
        headers: { ...route.request().headers(), Host: `evil.example:${koor.dashboardPort}` },
      });
      await route.fulfill({ status: answer.status, body: answer.body });
    });
    const answer = await other.goto("http://evil.example/overview");
    t.equal(answer?.status(), 421);
    t.equal(await countOf(other.locator("#app"), 0), 0);
    await rebound.close();
  });
});
