/**
 * Tests the documents as the server sends them: every page as HTML on the dashboard's port, the Markdown and llms.txt
 * on both ports, caches, the policy, links and anchors; and in a real browser the search, the contents and both themes.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import MiniSearch from "minisearch";
import t from "tap";
import { INDEX_OPTIONS, searchSections } from "../dashboard/docs/search-options.js";
import { checkAddress } from "./support/address.js";
import { browserMissing } from "./support/browser.js";
import { axeViolations, startDashboard } from "./support/dashboard.js";
import { send, type Answer } from "./support/http-client.js";
import { startKoor } from "./support/server-process.js";

/** The scripts of a page, with the search library, compressed. The index is no script. */
const SCRIPTS_BYTES_MAX = 15_000;
const TOKEN = "the-server's-own-token";
const FOLDER = fileURLToPath(new URL("../../../docs/", import.meta.url));
const NAMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".md"))
  .map((name) => name.slice(0, -".md".length));
const INDEX = readFileSync(`${FOLDER}index.md`, "utf8");
/** The pages in the order of the index. */
const LISTED = [...INDEX.matchAll(/^- \[[^\]]+\]\(([\w-]+)\.md\): /gm)].map(([, name = ""]) => name);

// The server asks for a token, which the documents do not need.
const { port: api, dashboardPort: port } = await startKoor(t, {
  args: ["--dashboard-bind", "127.0.0.1:0", "--auth-token", TOKEN],
});
const get = (path: string, headers: Readonly<Record<string, string>> = {}, from = port): Promise<Answer> =>
  send(from, "GET", path, { headers });
const addressOf = (name: string): string => (name === "index" ? "/docs" : `/docs/${name}`);

t.test("docs/index.md lists every page once, with its kind, the first ones in their order", (t) => {
  t.same([...LISTED].sort(), NAMES.filter((name) => name !== "index").sort());
  const order = [
    "getting-started",
    "configuration",
    "http-api",
    "cli",
    "mcp",
    "events",
    "specs-and-validation",
    "deployment",
    "architecture",
  ];
  t.same(
    LISTED.filter((name) => order.includes(name)),
    order,
  );
  for (const [line] of INDEX.matchAll(/^- \[.*$/gm))
    t.match(line, /\): (?:tutorial|how-to|reference|explanation)\. [A-Z]/, line);
  t.end();
});

t.test("each page is there as HTML, with all pages in its contents and no dead link", async (t) => {
  const pages = new Map<string, string>();
  for (const name of NAMES) {
    const answer = await get(addressOf(name));
    t.equal(answer.status, 200, name);
    t.equal(answer.headers["content-type"], "text/html; charset=utf-8", name);
    t.match(answer.headers["content-security-policy"], /script-src 'self'.*trusted-types 'none'/, name);
    pages.set(addressOf(name), answer.text);
  }
  const idsIn = (html: string): string[] => [...html.matchAll(/<h\d id="([^"]*)"/g)].map(([, id = ""]) => id);
  let links = 0;
  for (const [address, html] of pages) {
    const ids = idsIn(html);
    t.equal(ids.length, new Set(ids).size, `${address}: each anchor once`);
    const withoutCode = html.replaceAll(/<pre[\s\S]*?<\/pre>/g, "");
    t.notMatch(withoutCode, /<style|\sstyle=|\son\w+=|javascript:|\{\{|<!--/i, address);
    for (const name of LISTED) t.ok(html.includes(`href="${addressOf(name)}"`), `${address} lists ${name}`);
    t.equal(
      html.match(/aria-current="page"/g)?.length ?? 0,
      address === "/docs" ? 0 : 1,
      `${address}: the current one`,
    );
    for (const [, target = ""] of html.matchAll(/(?:href|src|srcset|data-index)="([^"]*)"/g)) {
      if (/^https?:/.test(target) || target === "/") continue;
      links += 1;
      const [path = "", anchor] = target.split("#");
      const page = pages.get(path === "" ? address : path);
      if (page === undefined) t.equal((await get(path)).status, 200, `${address}: ${target}`);
      else if (anchor !== undefined && anchor !== "main")
        t.ok(idsIn(page).includes(anchor), `${address}: ${target} has its heading`);
    }
  }
  t.ok(links > NAMES.length * LISTED.length);
  t.match(pages.get("/docs/http-api"), /\{"lease_id",<wbr>"holder"/, "a list of members can break in a narrow column");
});

t.test("the Markdown and llms.txt are on both ports, without a token, with ETags", async (t) => {
  const paths = ["/llms.txt", ...NAMES.map((name) => `/docs/${name}.md`)];
  for (const from of [port, api])
    for (const path of paths) {
      const answer = await get(path, {}, from);
      t.equal(answer.status, 200, path);
      const name = path.slice("/docs/".length);
      if (path !== "/llms.txt") t.equal(answer.text, readFileSync(`${FOLDER}${name}`, "utf8"), path);
      const etag = String(answer.headers["etag"]);
      t.equal(answer.headers["cache-control"], "no-cache", path);
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const again = await get(path, { "If-None-Match": known }, from);
        t.equal(again.status, 304, `${path}: ${known}`);
        t.equal(again.text, "", path);
        t.equal(again.headers["etag"], etag, path);
      }
      t.equal((await get(path, { "If-None-Match": '"other"' }, from)).status, 200, path);
      const packed = await get(path, { "Accept-Encoding": "gzip" }, from);
      t.equal(packed.headers["content-encoding"], "gzip", path);
      t.not(packed.headers["etag"], etag, `${path}: an encoding has an ETag of its own`);
      t.equal((await send(from, "HEAD", path)).headers["content-length"], answer.headers["content-length"], path);
    }
  const { text } = await get("/llms.txt");
  t.match(text, /^# Koor\n\n> Koor is a coordination server/);
  const listed = [...text.matchAll(/^- \[[^\]]+\]\(\/docs\/([\w-]+)\.md\): \S.*$/gm)].map(([, name]) => name);
  t.same(listed, LISTED, "each page in a line, in the order of the index");
});

t.test("the API's port has no HTML, and an unknown page is a 404", async (t) => {
  for (const path of ["/docs", "/docs/leases", "/docs/none.md", "/docs/../package.json", "/docs/.stamp"])
    t.not((await get(path, {}, api)).status, 200, path);
  for (const path of ["/docs/none", "/docs/none.md", "/docs/.stamp", "/docs/assets/none.js", "/docs/leases/x"]) {
    const answer = await get(path);
    t.equal(answer.status, 404, path);
    t.match(answer.text, /All pages are listed at \/docs/, path);
  }
  for (const method of ["POST", "PUT", "DELETE"]) t.not((await send(port, method, "/docs")).status, 200, method);
  t.equal((await get("/docs", { Host: "evil.example" })).status, 421, "a rebound host name");
});

t.test("the scripts are below their bound, and files with a hash are cached for ever", async (t) => {
  const html = (await get("/docs")).text;
  const found = new Set([...html.matchAll(/"(\/docs\/assets\/[^"]+)"/g)].map(([, path = ""]) => path));
  for (const path of found)
    if (path.endsWith(".js"))
      for (const [, next = ""] of (await get(path)).text.matchAll(/"\.\/([\w.-]+\.js)"/g))
        found.add(`/docs/assets/${next}`);
  let bytes = 0;
  for (const path of found) {
    const answer = await get(path, { "Accept-Encoding": "gzip" });
    t.match(answer.headers["cache-control"], /immutable/, path);
    if (path.endsWith(".js")) bytes += answer.body.length;
  }
  t.comment(`${bytes} bytes of scripts as gzip`);
  t.ok([...found].filter((path) => path.endsWith(".js")).length >= 3, "theme, search and its library");
  t.ok(bytes <= SCRIPTS_BYTES_MAX, `${bytes} bytes as gzip, at most ${SCRIPTS_BYTES_MAX}`);
});

/** Queries of users, each with a section that has to be among the first three results. */
const QUERIES: Readonly<Record<string, string>> = {
  "lease expired": "leases#how-long-it-lasts",
  "401": "troubleshooting#errorinvalid-or-missing-bearer-tokencode401",
  "webhook signature": "webhooks#what-the-receiver-gets",
  docker: "deployment#docker-and-compose",
  "cursor mcp config": "mcp#connecting-a-client",
  "revoke token": "security#tokens",
  "how do I revoke a token?": "security#tokens",
  "port already in use":
    "troubleshooting#cannot-listen-on-localhost9800-the-address-is-in-use-or-not-this-machines-see---bind",
  EADDRINUSE: "troubleshooting#cannot-listen-on-localhost9800-the-address-is-in-use-or-not-this-machines-see---bind",
  install: "getting-started#install",
  "specs and validation": "specs-and-validation",
  "regex rule": "specs-and-validation#how-rules-match",
  "missing pattern": "specs-and-validation#how-rules-match",
  "filename filter": "specs-and-validation#filename-filters",
  "backup restore": "backup#restoring",
  "rate limit": "budgets#rate-limits",
  "429": "troubleshooting#errortoo-many-wrong-tokens-wait-60-secondscode429",
  "lease lost": "troubleshooting#errorlease-lostcode409",
  nginx: "deployment#behind-a-reverse-proxy",
  systemd: "deployment#systemd",
  "json schema": "contracts#json-schema",
  "exit code": "configuration#exit-codes",
  "disk full": "troubleshooting#errorthe-disk-takes-no-more-writes-nothing-was-storedcode507",
  "websocket upgrade": "troubleshooting#errorthis-endpoint-needs-the-header-upgrade-websocketcode426",
  "stale instance": "troubleshooting#a-stale-instance",
  "retrying a task": "cli#task-retry",
};

t.test("the search has the right section among its first three results", async (t) => {
  const [, address = ""] = /data-index="([^"]+)"/.exec((await get("/docs")).text) ?? [];
  const index = MiniSearch.loadJSON((await get(address)).text, INDEX_OPTIONS);
  for (const [query, wanted] of Object.entries(QUERIES)) {
    const found = searchSections(index, query, 12).map(({ id }) => id.replace("/docs/", ""));
    t.ok(found.slice(0, 3).includes(wanted), `${query}: ${wanted} among ${found.slice(0, 5).join(" ")}`);
  }
  t.same(searchSections(index, "zzqqxx", 12), []);
});

t.test("in a browser", { skip: browserMissing() }, async (t) => {
  const dashboard = await startDashboard(t);

  await t.test("the dashboard's menu leads to the documents", async (t) => {
    const { page, complaints, close } = await dashboard.open("/");
    await page.getByRole("link", { name: "Documentation" }).click();
    await page.getByRole("heading", { level: 1, name: "Koor" }).waitFor();
    await checkAddress(t, page, "pathname", "/docs");
    t.same(complaints, []);
    await close();
  });

  await t.test("the search finds a section by words, and the keyboard leads there", async (t) => {
    const { page, complaints, close } = await dashboard.open("/docs");
    await page.keyboard.press("/");
    await page.keyboard.type("fences");
    const result = page.getByRole("link", { name: "Leases Fences" });
    await result.waitFor();
    for (const one of await page.locator("#found a").all()) {
      await page.keyboard.press("ArrowDown");
      if ((await one.getAttribute("href")) === "/docs/leases#fences") break;
    }
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Leases" }).waitFor();
    await checkAddress(t, page, "hash", "#fences");
    await page.getByRole("searchbox").fill("zzqqxx");
    await page.getByText("Nothing found").waitFor();
    await page.keyboard.press("Escape");
    t.notOk(await page.getByText("Nothing found").isVisible(), "Escape closes the results");
    t.same(complaints, []);
    await close();
  });

  await t.test("a button copies the commands of a block without prompts and output", async (t) => {
    const { page, context, complaints, close } = await dashboard.openAlone("/docs/state");
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const block = page.locator(".code", { hasText: "if_version=1" });
    await block.getByRole("button", { name: "Copy" }).click();
    await block.getByRole("button", { name: "Copied" }).waitFor();
    const copied = await page.evaluate<string>("navigator.clipboard.readText()");
    t.equal(copied, "curl -X DELETE 'localhost:9800/api/state/locks/deploy?if_version=1'\n");
    t.same(complaints, []);
    await close();
  });

  await t.test("the list of contents shows the entry of the page, and the page begins at its top", async (t) => {
    const { page, close } = await dashboard.openAlone("/docs/style");
    const entry = page.locator(".contents [aria-current]");
    await page.getByRole("searchbox").waitFor();
    const [box, top] = [await entry.boundingBox(), await page.evaluate<number>("window.scrollY")];
    t.ok(box !== null && box.y > 0 && box.y < 800, JSON.stringify(box));
    t.equal(top, 0);
    await close();
  });

  await t.test("on a phone the search results are within the page", async (t) => {
    const { page, close } = await dashboard.openAlone("/docs", { width: 360, height: 740 });
    await page.getByRole("searchbox").fill("401");
    await page.locator("#found a").first().waitFor();
    const box = await page.locator("#found").boundingBox();
    t.ok(box !== null && box.x >= 0 && box.x + box.width <= 360, JSON.stringify(box));
    await close();
  });

  for (const dark of [false, true])
    await t.test(`pages are accessible and fit a phone: ${dark ? "dark" : "light"}`, async (t) => {
      const { page, complaints, close } = await dashboard.openAlone("/docs/configuration");
      await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
      for (const address of ["/docs", "/docs/configuration", "/docs/http-api", "/docs/dashboard"]) {
        await page.setViewportSize({ width: 1280, height: 800 });
        await page.goto(dashboard.url + address);
        t.same(await axeViolations(page), [], `${address}: axe-core finds nothing`);
        await page.setViewportSize({ width: 360, height: 740 });
        t.equal(await page.evaluate("document.documentElement.scrollWidth"), 360, `${address}: as wide as a phone`);
      }
      const contents = page.getByRole("navigation", { name: "Contents" });
      const waiting = contents.getByRole("link", { name: "Waiting", exact: true });
      t.notOk(await waiting.isVisible(), "the contents are behind a button");
      await page.getByText("Contents", { exact: true }).click();
      t.ok(await waiting.isVisible());
      t.same(await axeViolations(page), []);
      await waiting.click();
      await page.getByRole("heading", { level: 1, name: "Waiting" }).waitFor();
      t.notOk(await waiting.isVisible(), "and are closed on the next page");
      t.same(complaints, []);
      await close();
    });

  await t.test("the theme that was chosen in the dashboard holds here", async (t) => {
    const { page, close } = await dashboard.openAlone("/docs");
    await page.evaluate("localStorage.setItem('koor-theme', 'dark')");
    await page.reload();
    t.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    await close();
  });

  await t.test("without JavaScript a page has its text and its links, and no search", async (t) => {
    const context = await dashboard.browser.newContext({ javaScriptEnabled: false });
    t.teardown(async () => await context.close());
    const page = await context.newPage();
    await page.goto(`${dashboard.url}/docs/leases`);
    t.notOk(await page.getByRole("searchbox").isVisible());
    await page.getByRole("navigation", { name: "Contents" }).getByRole("link", { name: "Tasks" }).click();
    await page.getByRole("heading", { level: 1, name: "Tasks" }).waitFor();
    t.pass("a link of the contents leads to its page");
  });
});
