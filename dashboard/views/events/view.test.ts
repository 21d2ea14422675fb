/**
 * Tests the event list in a real browser: live updates, filters, the pause, the inspector, replays, disconnections, and
 * a flood of events.
 */
import t from "tap";
import type { Page } from "playwright-core";
import { checkAddress } from "../../../test/support/address.js";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, type PageOptions, type WatchedPage, countOf } from "../../../test/support/browser.js";
import { checkView, startDashboard, type Dashboard } from "../../../test/support/dashboard.js";
import { longFormOnly } from "../../../test/support/test-size.js";
import { send } from "../../../test/support/http-client.js";
import { makeDirectory, startKoor, type Owner } from "../../../test/support/server-process.js";

const skip = browserMissing();

/** Opens a page. The page is closed at the end of its test, because every open page receives every event. */
async function opened(
  t: Owner,
  dashboard: Dashboard,
  address: string,
  ...options: [] | [PageOptions]
): Promise<WatchedPage> {
  const watched = await dashboard.open(address, ...options);
  t.teardown(() => watched.close());
  return watched;
}

/** Publishes `count` events. Returns the ids of the first and the last one. */
async function publish(
  port: number,
  topic: string,
  count = 1,
  data: object | ((at: number) => object) = {},
): Promise<readonly [number, number]> {
  const events = Array.from({ length: count }, (_, at) => ({
    topic,
    data: typeof data === "function" ? (data as (at: number) => object)(at) : data,
  }));
  const body = JSON.stringify(events);
  const published = (await send(port, "POST", "/api/events/publish", { body })).json<{ id: number }[]>();
  return [published[0]?.id ?? 0, published.at(-1)?.id ?? 0];
}

/** Returns the topics of the rendered rows. */
async function topics(page: Page): Promise<string[]> {
  return page.getByRole("region", { name: "Events" }).locator(".event-topic").allTextContents();
}

const row = (page: Page, topic: string) => page.getByRole("link", { name: topic, exact: true });

t.test("events in a server with a day's data", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--stale-after", "1h"] });
  const { koor } = dashboard;
  const day = await fillWithADay(koor);
  const newestId = day.known.newestEventId;

  await t.test("the view passes the checks of every view", async (t) => {
    await checkView(t, dashboard, {
      address: `/events?id=${newestId}`,
      title: "Events",
      ready: (page) => page.getByRole("region", { name: `data of event ${newestId}` }).waitFor(),
    });
  });

  await t.test("an event appears as it is published, above the others", async (t) => {
    const { page, complaints } = await opened(t, dashboard, "/events");
    await page.getByText("live", { exact: true }).last().waitFor();
    await publish(koor.port, "just.now");
    await row(page, "just.now").waitFor();
    t.equal((await topics(page))[0], "just.now");
    t.same(complaints, []);
  });

  await t.test("the server evaluates a pattern, which is kept in the address", async (t) => {
    const { page, complaints } = await opened(t, dashboard, "/events", { expected: [/400/] });
    await publish(koor.port, "shop.cart.changed");
    await row(page, "shop.cart.changed").first().waitFor();
    await page.getByLabel("Pattern").fill("shop.**");
    await row(page, "build.passed").first().waitFor({ state: "detached" });
    await checkAddress(t, page, "href", /\/events\?pattern=shop\.\*\*$/);
    t.same([...new Set(await topics(page))], ["shop.cart.changed"]);
    await publish(koor.port, "shop.order.placed");
    await row(page, "shop.order.placed").waitFor();
    await publish(koor.port, "elsewhere");
    await page.getByLabel("Pattern").fill("shop.[");
    await page.getByText(/malformed pattern/).waitFor();
    t.equal(await page.getByLabel("Pattern").getAttribute("aria-invalid"), "true");
    await page.getByLabel("Pattern").fill("nobody.*");
    await page.getByText("No event matches nobody.*").waitFor();
    await page.getByLabel("Pattern").fill("");
    await row(page, "elsewhere").waitFor();
    t.same(complaints, []);
  });

  await t.test("a paused list counts new events, and shows them all when it is resumed", async (t) => {
    const { page } = await opened(t, dashboard, "/events?pattern=pause.*");
    await publish(koor.port, "pause.before");
    await row(page, "pause.before").waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await publish(koor.port, "pause.meanwhile", 3);
    await page.getByText("3 new events").waitFor();
    t.same(await topics(page), ["pause.before"]);
    await page.getByRole("button", { name: "Resume" }).click();
    await row(page, "pause.meanwhile").first().waitFor();
    t.same(await topics(page), ["pause.meanwhile", "pause.before"]);
    await page.getByRole("button", { name: "Show 3 identical rows" }).click();
    t.same(await topics(page), ["pause.meanwhile", "pause.meanwhile", "pause.meanwhile", "pause.before"]);
    await publish(koor.port, "pause.meanwhile");
    await page.getByRole("button", { name: "Show identical rows as one" }).click();
    await page.getByRole("button", { name: "Show 4 identical rows" }).waitFor();
    t.equal(await countOf(page.getByRole("button", { name: "Resume" }), 0), 0);
  });

  await t.test("one event can be selected by mouse, by keyboard and by its address", async (t) => {
    const body = '{"topic":"look.first","data":{"n":12345678901234567890,"html":"<script>document.title=1</script>"}}';
    const actor = day.agents[0]?.id ?? "";
    await send(koor.port, "POST", "/api/events/publish", { body, headers: { "X-Koor-Instance": actor } });
    const [secondId] = await publish(koor.port, "look.second");
    const { page, context, complaints } = await opened(t, dashboard, "/events?pattern=look.*");
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await row(page, "look.first").click();
    const first = page.getByRole("region", { name: `Event ${secondId - 1}`, exact: true });
    await first.getByText("12345678901234567890").waitFor();
    await first.getByText('"<script>document.title=1</script>"').waitFor();
    const agent = first.getByRole("link", { name: day.agents[0]?.name ?? "" });
    t.equal(await agent.getAttribute("href"), `/agents/${actor}`);
    await checkAddress(t, page, "href", new RegExp(`id=${secondId - 1}$`));
    await first.getByRole("button", { name: "Copy as curl" }).click();
    await first.getByText("Copied").waitFor();
    const copied = await page.evaluate<string>("navigator.clipboard.readText()");
    t.match(copied, /^curl 'http:\/\/127\.0\.0\.1:\d+\/api\/events\/publish' -d '.*12345678901234567890/);

    await page.getByRole("region", { name: "Events" }).focus();
    await page.keyboard.press("ArrowUp");
    await page.getByRole("heading", { name: `Event ${secondId}` }).waitFor();
    await page.keyboard.press("ArrowDown");
    await first.waitFor();
    await page.keyboard.press("Escape");
    await first.waitFor({ state: "detached" });
    await page.getByRole("cell", { name: "{}", exact: true }).click();
    await page.getByRole("heading", { name: `Event ${secondId}` }).waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await row(page, "look.second").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: `Event ${secondId}` }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: `Event ${secondId}` }).waitFor();
    await page.goto(`${dashboard.url}/events?id=999999`);
    await page.getByText("This event is no longer kept, or was never published.").waitFor();
    t.same(complaints, []);
  });

  await t.test("a replay starts after its cursor, oldest first, and continues live", async (t) => {
    const [firstId] = await publish(koor.port, "replay.one");
    await publish(koor.port, "replay.two");
    const { page } = await opened(t, dashboard, "/events?pattern=replay.*");
    await row(page, "replay.two").waitFor();
    await page.getByLabel("Since").fill(String(firstId - 1));
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Newest first" }).waitFor();
    await publish(koor.port, "replay.three");
    await row(page, "replay.three").waitFor();
    t.same(await topics(page), ["replay.one", "replay.two", "replay.three"]);
    await checkAddress(t, page, "href", new RegExp(`since=${firstId - 1}$`));
    await page.getByLabel("Since").fill("1d");
    await page.getByRole("button", { name: "Replay" }).click();
    await page.waitForURL((url) => url.searchParams.get("since") !== String(firstId - 1));
    await row(page, "replay.three").waitFor();
    await page.getByLabel("Since").fill("some day");
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByText("This is neither an event id nor a time.").waitFor();
    await page.getByRole("button", { name: "Newest first" }).click();
    await row(page, "replay.three").waitFor();
    t.same(await topics(page), ["replay.three", "replay.two", "replay.one"]);
  });

  await t.test("a choice in the histogram starts a replay there", async (t) => {
    const { page, complaints } = await opened(t, dashboard, "/events");
    const histogram = page.getByRole("slider", { name: /^Events on this page over time/ });
    await histogram.press("Home");
    t.match(await histogram.getAttribute("aria-valuetext"), /: [1-9]\d* events$/, "the first bucket is not empty");
    await histogram.press("Enter");
    await page.waitForURL(/\/events\?since=\d+$/);
    await page.getByRole("button", { name: "Newest first" }).click();
    t.same(complaints, []);
  });

  await t.test("elements of rows that leave are used again, but not that which has the focus", async (t) => {
    const { page } = await opened(t, dashboard, "/events?pattern=slots.*");
    const data = (at: number) => ({ at });
    await publish(koor.port, "slots.first", 60, data);
    await row(page, "slots.first").nth(20).waitFor();
    await page.evaluate("for (const row of document.querySelectorAll('[data-slot]')) row.classList.add('marked')");
    await row(page, "slots.first").nth(3).focus();
    const [, lastId] = await publish(koor.port, "slots.second", 80, data);
    await page.getByRole("cell", { name: String(lastId), exact: true }).waitFor();
    const marked = await page.locator("tr.marked").filter({ hasText: "slots.second" }).count();
    t.ok(marked > 10, `${marked} rows of new events are elements of older ones`);
    t.notMatch(await page.evaluate<string>("document.activeElement.textContent"), /^slots\.second$/);
  });

  await t.test("events that history no longer holds are shown as a gap", async (t) => {
    const { page } = await opened(t, dashboard, "/events?since=1");
    const kept = day.counts["event"] ?? 0;
    await page.getByRole("cell", { name: `${newestId - kept - 1} events are no longer kept.` }).waitFor();
    const { page: filtered } = await opened(t, dashboard, "/events?since=1&pattern=replay.*");
    await filtered.getByText(/of all topics are no longer kept: some may have matched/).waitFor();
    t.ok(newestId > kept);
  });
});

t.test("a restart of the server loses no event", { skip }, async (t) => {
  const dataDir = makeDirectory(t);
  const dashboard: Dashboard = await startDashboard(t, { data_dir: dataDir });
  const { koor } = dashboard;
  const { page } = await opened(t, dashboard, "/events", { expected: [/./] });
  await publish(koor.port, "before");
  await row(page, "before").waitFor();
  await koor.stop();
  await page.getByText("reconnecting…").waitFor();
  await page.getByText(/disconnected since \d/).waitFor();
  const args = ["--bind", `127.0.0.1:${koor.port}`, "--dashboard-bind", `127.0.0.1:${koor.dashboardPort}`];
  const again = await startKoor(t, { data_dir: dataDir, args });
  await publish(again.port, "between", 20);
  await publish(again.port, "after");
  await row(page, "after").waitFor();
  await page.getByText("reconnecting…").waitFor({ state: "detached" });
  t.same(await topics(page), ["after", "between", "before"]);
  await page.getByRole("button", { name: "Show 20 identical rows" }).waitFor();
});

/**
 * The maximum growth of the page's heap, in bytes. A page that holds 5,000 events grows by half of it. A page that held
 * all events would grow by ten times as much.
 */
const HEAP_GROWTH_BYTES_MAX = 4_000_000;
/**
 * The maximum number of rendered rows. It has room for the rows of a large screen, and for those that are rendered
 * above and below.
 */
const DRAWN_ROWS_MAX = 80;

t.test("a flood grows neither memory nor rows", { skip: skip || longFormOnly() }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--event-history", "200000"] });
  const { koor } = dashboard;
  const { page, complaints } = await opened(t, dashboard, "/events");
  await publish(koor.port, "first");
  await row(page, "first").waitFor();
  const debug = await page.context().newCDPSession(page);
  const heap = async (): Promise<number> => {
    await debug.send("HeapProfiler.collectGarbage");
    return (await debug.send("Runtime.getHeapUsage")).usedSize;
  };
  // The events differ, because identical events would be shown as one row.
  const data = (at: number) => ({ text: "x".repeat(200), at });
  await publish(koor.port, "warm", 1_000, data);
  await publish(koor.port, "warmed.up");
  await row(page, "warmed.up").waitFor();
  const before = await heap();
  for (let batch = 0; batch < 100; batch++) {
    await publish(koor.port, "flood", 1_000, data);
    // If a page falls behind, it gets a notice of a gap, and may not receive the last event.
    await publish(koor.port, `flood.${batch}`);
    await row(page, `flood.${batch}`).waitFor();
  }
  const [lastId] = await publish(koor.port, "flood.end");
  await row(page, "flood.end").waitFor();
  const grown = (await heap()) - before;
  t.ok(grown < HEAP_GROWTH_BYTES_MAX, `the heap grew by ${grown} bytes`);
  t.ok((await topics(page)).length <= DRAWN_ROWS_MAX);
  t.equal(await page.getByRole("table").getAttribute("aria-rowcount"), "5001");
  t.equal(lastId, 101_103);

  const frame = page.getByRole("region", { name: "Events" });
  await frame.evaluate((element) => {
    element.scrollTop = 3_600;
  });
  await page.locator('[aria-rowindex="102"]').waitFor();
  const lookedAt = await page.locator('[aria-rowindex="102"]').textContent();
  await publish(koor.port, "on.top", 40, data);
  await page.locator('[aria-rowindex="142"]').waitFor();
  t.equal(await page.locator('[aria-rowindex="142"]').textContent(), lookedAt, "the row being read stays at its place");
  t.equal(await frame.evaluate((element) => element.scrollTop), 3_600 + 40 * 36);

  await page.goto(`${dashboard.url}/events?since=2`);
  await page.getByText("stopped").waitFor();
  t.equal(await page.getByRole("table").getAttribute("aria-rowcount"), "5001");
  await page.getByRole("link", { name: "continue after event 5002" }).click();
  await page.getByRole("cell", { name: "5003", exact: true }).waitFor();
  t.same(complaints, []);
});
