/**
 * Tests the overview in a browser: active agents, tasks and leases over time, and events as sentences, with live
 * updates.
 */
import t from "tap";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, type Page } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { leaseADay } from "../../../test/support/lease-work.js";
import { taskADay } from "../../../test/support/task-work.js";
import { send, sendJson } from "../../../test/support/http-client.js";

const skip = browserMissing();
/** With this limit, the sample day's agents have the status that the tests expect. */
const ARGS = ["--stale-after", "1h"];

const chart = (page: Page, name: RegExp) => page.getByRole("slider", { name });
const stat = (page: Page, label: string) => page.locator(".stat").filter({ hasText: label });
const value = (page: Page, label: string) => stat(page, label).locator(".stat-value");

t.test("the overview of a server with a day's data", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: ARGS });
  const { port } = dashboard.koor;
  const day = await fillWithADay(dashboard.koor);
  await leaseADay(dashboard.koor, day);
  await taskADay(dashboard.koor, day);
  const active = day.agents.filter(({ status }) => status === "active").length;

  await t.test("the view passes the checks of every view", async (t) => {
    await checkView(t, dashboard, {
      address: "/overview",
      title: "Overview",
      ready: (page) => page.getByRole("list", { name: "Events, newest first" }).getByRole("link").first().waitFor(),
    });
  });

  await t.test("many names of agents are one request", async (t) => {
    const { page, close } = await dashboard.open("/overview");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url().slice(dashboard.url.length)));
    await page.reload();
    const names = page.getByRole("main").locator("a[href^='/agents/']");
    await names.nth(10).waitFor();
    const ofAgents = asked.filter((path) => path === "/api/instances").length;
    // The page requests agents for the list, for the names, and for what needs a person. Each is requested again if the
    // change feed opened later.
    t.ok(ofAgents >= 1 && ofAgents <= 8, `${ofAgents} for ${await names.count()} names`);
    await close();
  });

  const { page, complaints } = await dashboard.open("/overview");
  const events = page.getByRole("list", { name: "Events, newest first" });
  const agents = page.getByRole("table", { name: "Active agents" });

  await t.test("totals are shown", async (t) => {
    await value(page, "Active agents").getByText(String(active), { exact: true }).waitFor();
    await value(page, "LLM cost today").getByText(/^\$\d/).waitFor();
    await value(page, "Open questions").getByText("1", { exact: true }).waitFor();
    await value(page, "Tasks in work").getByText("2", { exact: true }).waitFor();
    await stat(page, "Leases held")
      .getByText(/requests? waits?/)
      .waitFor();
    t.equal(await stat(page, "Tasks in work").getByRole("link").getAttribute("href"), "/tasks");
  });

  await t.test("open questions say who asks, and lead to their tasks", async (t) => {
    const questions = page.getByRole("region", { name: "Open questions" });
    await questions.getByRole("link", { name: "kilo-indexer" }).waitFor();
    const words = "reindex only the books that changed: kilo-indexer asks: May the index be an hour behind";
    t.match(await questions.textContent(), words);
    t.match(await questions.getByRole("listitem").getByRole("link").first().getAttribute("href"), /^\/tasks\//);
  });

  await t.test("active agents say what they do and what they hold", async (t) => {
    const row = agents.getByRole("row").filter({ hasText: "claude-search" });
    await row.getByText("search/**").waitFor();
    const claiming = agents.getByRole("row").filter({ hasText: "kilo-product-page" });
    t.match(await claiming.getByRole("link").nth(1).getAttribute("href"), /^\/tasks\//, "with a link to the task");
  });

  await t.test("events are sentences, newest first", async (t) => {
    await sendJson(port, "POST", "/api/events/publish", {
      topic: "build.done",
      source: "<b>ci</b>",
      data: "all green",
    });
    const newest = events.getByRole("listitem").first();
    await newest.getByText("<b>ci</b> published build.done: all green").waitFor();
    t.match(
      await newest.getByRole("link").first().getAttribute("href"),
      /^\/events\?id=\d+$/,
      "an event is a link to itself",
    );
    for (const at of [1, 2, 3])
      await sendJson(port, "POST", "/api/events/publish", { topic: "build.step", source: "ci", data: { at } });
    await newest.getByText("ci published build.step").waitFor();
    await newest.getByText("× 3").waitFor();
    await events.getByRole("listitem").nth(1).getByText("build.done: all green").waitFor();
    // Events with the same sentence are one line, although other events came between them.
    await sendJson(port, "POST", "/api/events/publish", { topic: "build.step", source: "ci", data: { at: 4 } });
    const done = { topic: "build.done", source: "<b>ci</b>", data: "all green" };
    await sendJson(port, "POST", "/api/events/publish", done);
    await newest.getByText("build.done: all green").waitFor();
    const all = newest.getByRole("link", { name: "Show 2 events" });
    t.match(await all.getAttribute("href"), /^\/events\?pattern=build\.done&from=2[^&]+&to=2[^&]+$/);
    await events.getByRole("listitem").nth(1).getByText("× 4").waitFor();
    const held = day.agents.find(({ name }) => name === "codex-payments")?.id ?? "";
    const by = { "X-Koor-Instance": held };
    const leased = await sendJson(port, "POST", "/api/leases", { resources: ["path:src/new.ts"] }, by);
    const { id, fence } = leased.json<{ id: string; fence: number }>();
    await send(port, "DELETE", `/api/leases/${id}?fence=${fence}`, { headers: by });
    await newest.getByText("codex-payments released src/new.ts").waitFor();
    t.equal(await newest.getByRole("link", { name: "src/new.ts" }).count(), 1);
  });

  await t.test("charts have their newest value as text", async () => {
    await chart(page, /^Events and writes per second.*: [0-9.]+\/s\. /).waitFor();
    await chart(page, /^Leases\. held: \d+, waiting: \d+\. /).waitFor();
    await chart(page, /^Open tasks\. claimed: \d+, asking: \d+, ready: \d+, blocked: \d+\. /).waitFor();
  });

  await t.test("the span of the charts is in the address, and System shows the same one", async () => {
    const spans = page.getByRole("group", { name: "Time of the charts" });
    await spans.getByRole("button", { name: "6 h" }).click();
    await page.waitForURL((url) => url.search === "?range=6h");
    await page.getByRole("link", { name: "System", exact: true }).click();
    await page.waitForURL((url) => url.pathname === "/system" && url.search === "?range=6h");
    await spans.getByRole("button", { name: "6 h", pressed: true }).waitFor();
    await page.getByRole("link", { name: "Overview", exact: true }).click();
    await page.waitForURL((url) => url.pathname === "/overview" && url.search === "?range=6h");
  });

  await t.test("a point of a chart opens the events of its time: by a click, and by the keyboard", async (t) => {
    const leases = chart(page, /^Leases/);
    const { width = 0, height = 0 } = (await leases.boundingBox()) ?? {};
    await leases.click({ position: { x: width - 16, y: height / 2 } });
    await page.waitForURL(/\/events\?since=\d+&until=\d+$/);
    const [since, until] = ["since", "until"].map((name) => Number(new URL(page.url()).searchParams.get(name)));
    // The rows of the previous list are shown until the new list has rows.
    const ids = page.getByRole("table", { name: "Events" }).locator("[aria-rowindex] td:first-child");
    const isOther = (id: string): boolean => Number(id) <= (since ?? 0) || Number(id) > (until ?? 0);
    const end = Date.now() + 10_000;
    let others = -1;
    while (others !== 0 && Date.now() < end) {
      await ids.first().waitFor();
      others = (await ids.allTextContents()).filter(isOther).length;
    }
    t.equal(others, 0, "the list has only events of this time");
    await page.goBack();
    await leases.focus();
    await page.keyboard.press("End");
    t.match(await leases.getAttribute("aria-valuetext"), /, held: \d+, waiting: \d+$/);
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/events\?since=\d+&until=\d+$/);
    await page.goBack();
  });

  await t.test("a task is added, and a message sent", async (t) => {
    await page.getByRole("button", { name: "Add a task" }).click();
    const form = page.getByRole("dialog", { name: "Add a task" });
    t.ok(await form.getByRole("button", { name: "Add" }).isDisabled(), "a title is needed");
    await form.getByLabel("Title").fill("<u>count</u> the books");
    await form.getByLabel("Priority").selectOption("Urgent");
    await form.getByLabel("Workspace").fill("bookshop");
    await form.getByRole("button", { name: "Add" }).click();
    await form.waitFor({ state: "detached" });
    await events.getByText("Task <u>count</u> the books is ready").waitFor();
    t.match((await send(port, "GET", "/api/tasks?state=ready")).json<{ tasks: object[] }>().tasks.at(0), {
      title: "<u>count</u> the books",
      workspace: "bookshop",
      priority: 9,
    });
    await page.getByRole("button", { name: "Send a message" }).click();
    const message = page.getByRole("dialog", { name: "Send a message" });
    await message.getByLabel("To").selectOption(day.agents.find(({ name }) => name === "codex-payments")?.id ?? "");
    await message.getByLabel("Subject").fill("stop for today");
    await message.getByRole("button", { name: "Send" }).click();
    await page.getByText("Message sent to codex-payments").waitFor();
    await events.getByText(/operator wrote to codex-payments: stop for today/).waitFor();
  });

  await t.test("a new agent is counted", async () => {
    const registered = await sendJson(port, "POST", "/api/instances/register", { name: "ana" });
    const { id } = registered.json<{ readonly id: string }>();
    await sendJson(port, "POST", `/api/instances/${id}/activate`, "");
    await value(page, "Active agents")
      .getByText(String(active + 1), { exact: true })
      .waitFor();
  });

  t.same(complaints, [], "there are no complaints");
});

t.test("an empty server shows the first steps instead of empty lists", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { page, complaints } = await dashboard.open("/overview");
  await page.getByRole("region", { name: "First steps" }).waitFor();
  await value(page, "Active agents").getByText("0", { exact: true }).waitFor();
  t.equal(await page.getByRole("list", { name: "Events, newest first" }).count(), 0);
  await sendJson(dashboard.koor.port, "POST", "/api/instances/register", { name: "ana" });
  await page.getByText("No events yet").waitFor();
  await page.getByText("No agent is active").waitFor();
  t.same(complaints, []);
});
