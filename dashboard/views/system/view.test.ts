/** Tests the view of the system in a browser: charts of the history that the server stores, and the routes. */
import t from "tap";
import { browserMissing, type Page, countOf } from "../../../test/support/browser.js";
import { natsMissing, startNats } from "../../../test/support/nats-server.js";
import { startKoor } from "../../../test/support/server-process.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { send } from "../../../test/support/http-client.js";
import { chartRows } from "./charts.js";

const skip = browserMissing();
const ROWS = chartRows("all");

const chart = (page: Page, label: string) => page.locator(`.chart-place[aria-label^="${label}."]`);

t.test("the metrics of a real server", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { koor } = dashboard;
  const description = await send(koor.port, "GET", "/openapi.json");
  const { version } = description.json<{ readonly info: { readonly version: string } }>().info;
  await send(koor.port, "PUT", "/api/state/plan", { body: "1" });
  await send(koor.port, "GET", "/api/state/none");

  await t.test("the view passes the checks of every view", async (t) => {
    await checkView(t, dashboard, {
      address: "/system",
      title: "System",
      ready: (page) => page.getByRole("table", { name: "Calls by route" }).waitFor(),
    });
  });

  const { page, complaints } = await dashboard.open("/system");

  await t.test("each metric has a chart, with its newest value as text", async () => {
    await chart(page, "Memory")
      .and(page.getByLabel(/process: \d+ MB, heap: \d/))
      .waitFor();
    await chart(page, "Requests a second")
      .and(page.getByLabel(/Other: [0-9.]+\/s/))
      .waitFor();
    for (const { label } of ROWS) await chart(page, label).waitFor();
  });

  await t.test("the series of a chart have different colours", async (t) => {
    for (const { label, series } of ROWS) {
      const keys = page
        .locator("figure")
        .filter({ has: chart(page, label) })
        .locator(".chart-key");
      t.equal(await countOf(keys, series.length), series.length, label);
      const colours = await keys.evaluateAll((all) => all.map((one) => getComputedStyle(one).backgroundColor));
      t.equal(new Set(colours).size, series.length, `${label}: ${colours.join()}`);
    }
  });

  await t.test("the server's version and addresses are shown", async (t) => {
    await page.getByText(`127.0.0.1:${koor.port}`).waitFor();
    const facts = await page.locator(".system-facts").textContent();
    t.match(facts, `127.0.0.1:${koor.dashboardPort}`);
    t.match(facts, `Version${version}`);
    t.match(facts, /Up(\d+m)?\d+s/);
  });

  await t.test("a single server shows no cluster", async (t) => {
    t.equal(await countOf(page.getByRole("heading", { name: "Cluster" }), 0), 0);
  });

  await t.test("routes with refused calls are listed", async (t) => {
    const row = page.getByRole("table", { name: "Calls by route" }).getByRole("row").filter({ hasText: "state.get" });
    t.match(await row.getByRole("cell").allTextContents(), ["state.get", "1", "1", "0", /[µm]?s$/, /[µm]?s$/]);
  });

  await t.test("the routes and the period of latencies are in the address", async () => {
    await page.getByLabel("Latency of").selectOption("Events");
    await chart(page, "Latency: events").waitFor();
    await page.getByRole("button", { name: "24 h" }).click();
    await page.waitForURL((url) => url.search === "?routes=events&range=24h");
    await page.reload();
    await chart(page, "Latency: events").waitFor();
    await page.getByRole("button", { name: "24 h", pressed: true }).waitFor();
  });

  await t.test("a point of a chart opens the audit rows of its time", async () => {
    const refused = chart(page, "Refused and failed requests per second");
    await refused.press("ArrowLeft");
    await refused.press("Enter");
    await page.waitForURL(/\/audit\?outcome=error&from=[^&]+%3A00\.000Z&to=[^&]+%3A59\.999Z$/);
    await page.goBack();
    await refused.waitFor();
  });

  await t.test("a drag over a chart zooms all charts, and the buttons do the same", async (t) => {
    const { page: zoomed, complaints: heard, close } = await dashboard.open("/system");
    const plot = chart(zoomed, "Requests a second");
    const zoomOf = (): string | null => new URL(zoomed.url()).searchParams.get("zoom");
    const buttons = zoomed.getByRole("group", { name: "Zoom of the charts" });
    await plot.scrollIntoViewIfNeeded();
    const { x = 0, y = 0, width = 0 } = (await plot.boundingBox()) ?? {};
    await zoomed.mouse.move(x + width * 0.4, y + 30);
    await zoomed.mouse.down();
    await zoomed.mouse.move(x + width * 0.8, y + 30, { steps: 4 });
    await zoomed.mouse.up();
    await zoomed.waitForURL(/zoom=\d+-\d+/);
    const dragged = zoomOf();
    const events = zoomed.getByRole("link", { name: "Events of this part" });
    t.match(await events.getAttribute("href"), /^\/events\?from=2[^&]+Z&to=2[^&]+Z$/);
    await zoomed.goBack();
    await zoomed.waitForURL((url) => !url.searchParams.has("zoom"));
    await zoomed.goForward();
    await buttons.getByRole("button", { name: "Earlier" }).click();
    await zoomed.waitForURL((url) => url.searchParams.get("zoom") !== dragged);
    await buttons.getByRole("button", { name: "Show all" }).press("Enter");
    await zoomed.waitForURL((url) => !url.searchParams.has("zoom"));
    await buttons.getByRole("button", { name: "Later" }).waitFor({ state: "detached" });
    t.same(heard, []);
    await close();
  });

  await t.test("charts are complete when they are first shown, and extended by new samples", async (t) => {
    const { page: later, close } = await dashboard.open("/audit");
    const read = () => later.waitForResponse((response) => response.url().includes("/api/metrics/history"));
    const first = read();
    await later.getByRole("link", { name: "System", exact: true }).click();
    const { times } = (await (await first).json()) as { readonly times: readonly string[] };
    t.ok(times.length >= 2, "samples from before the page was opened");
    const next = (await (await read()).json()) as { readonly times: readonly string[] };
    t.ok(next.times.length <= 2, "then only what is new");
    await close();
  });

  t.same(complaints, [], "there are no complaints");
});

t.test("an unreachable server is reported, and recorded figures remain", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { page } = await dashboard.open("/system", {
    expected: [/ERR_CONNECTION|Failed to load|WebSocket|EventSource/],
  });
  await chart(page, "Memory")
    .and(page.getByLabel(/process: \d+ MB/))
    .waitFor();
  await dashboard.koor.stop();
  await page
    .getByText(/Could not be read: the server cannot be reached/)
    .first()
    .waitFor();
  t.ok(await chart(page, "Memory").isVisible());
});

t.test(
  "the nodes of a cluster are shown, and changes of this one's state",
  { skip: skip || natsMissing() },
  async (t) => {
    const nats = await startNats(t);
    const args = ["--cluster", nats.url, "--cluster-name", "trucks", "--node-id"];
    const dashboard = await startDashboard(t, { args: [...args, "ana", "--cluster-seed"] });
    await dashboard.koor.logged(/node leads/);
    const other = await startKoor(t, { args: [...args, "ben"] });
    await other.logged(/state=ok/);
    const nodes = (page: Page) => page.getByRole("table", { name: "Nodes" });
    const row = (page: Page, node: string, state: string) =>
      nodes(page).getByRole("row").filter({ hasText: node }).filter({ hasText: state });

    await checkView(t, dashboard, {
      address: "/system",
      title: "System",
      ready: (page) => nodes(page).waitFor(),
    });

    const { page, complaints } = await dashboard.open("/system");
    await row(page, "ben", "ok").waitFor();
    t.match(await row(page, "ana", "leader").getAttribute("aria-current"), "true", "this node");
    await page.getByText("trucks, as seen by ana").waitFor();
    await page.getByText(/one server only: without nats:/).waitFor();

    await other.stop();
    await row(page, "ben", "silent").waitFor();
    t.same(complaints, [], "there are no complaints while the log is reachable");
    await nats.stop();
    await page.getByText(/This node is disconnected from the log: .*connection refused/).waitFor();
    await row(page, "ana", "disconnected").waitFor();
    const others = complaints.filter((text) => !/status of 503/.test(text));
    t.same(others, [], "the only complaint is that the node, cut off, answers 503");
  },
);
