/** The overview in a browser: totals, newest events and changes, live, and on the first screen. */
import t from "tap";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, type Page } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { sendJson } from "../../../test/support/http-client.js";

const skip = browserMissing();
/** With this limit, the agents of the sample day have their intended status. */
const ARGS = ["--stale-after", "1h"];

const stat = (page: Page, label: string) => page.locator(".stat").filter({ hasText: label });
const value = (page: Page, label: string) => stat(page, label).locator(".stat-value");

t.test("the overview of a server with a day's data", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: ARGS });
  const { port } = dashboard.koor;
  const day = await fillWithADay(dashboard.koor);
  const active = day.agents.filter(({ status }) => status === "active").length;

  await t.test("the view passes the checks of every view", async (t) => {
    await checkView(t, dashboard, {
      address: "/overview",
      title: "Overview",
      ready: (page) => page.getByRole("table", { name: "Changes, newest first" }).getByRole("link").first().waitFor(),
    });
  });

  const { page, complaints } = await dashboard.open("/overview");
  const events = page.getByRole("table", { name: "Events, newest first" });
  const changes = page.getByRole("table", { name: "Changes, newest first" });

  await t.test("totals are shown", async (t) => {
    await value(page, "Active agents").getByText(String(active), { exact: true }).waitFor();
    await value(page, "LLM cost today").getByText(/^\$\d/).waitFor();
    await value(page, "Subscribers").getByText(/^\d+$/).waitFor();
    t.equal(await stat(page, "State keys").getByRole("link").getAttribute("href"), "/state");
  });

  await t.test("the whole view is above the fold", async (t) => {
    await events.waitFor();
    await changes.waitFor();
    const below = await page.evaluate<number>(
      "Math.max(...[...document.querySelectorAll('main .table-frame')].map((one) => one.getBoundingClientRect().bottom))",
    );
    t.ok(below <= 860, `the lowest edge is at ${below} px of 860`);
  });

  await t.test("new events and changes appear, newest first", async (t) => {
    await sendJson(port, "POST", "/api/events/publish", { topic: "build.done", source: "<b>ci</b>" });
    const [, newest] = await Promise.all([
      events.getByText("<b>ci</b>").waitFor(),
      events.getByRole("link", { name: "build.done" }).first().getAttribute("href"),
    ]);
    t.match(newest, /^\/events\?id=\d+$/, "an event is a link to itself");
    await sendJson(port, "PUT", "/api/state/plan/new", { goal: 1 });
    const link = changes.getByRole("link", { name: "plan/new" });
    t.equal(await link.getAttribute("href"), "/state/plan/new");
    const [first] = await changes
      .getByRole("row")
      .filter({ has: page.getByRole("cell") })
      .allTextContents();
    t.match(first, "plan/new", "the newest change is the first");
  });

  await t.test("charts have their newest value as text", async () => {
    for (const label of ["Events a second", "Writes a second"])
      await page.getByRole("img", { name: new RegExp(`${label}.*: [0-9.]+/s$`) }).waitFor();
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

t.test("an empty server shows the commands that fill it", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { page } = await dashboard.open("/overview");
  for (const text of ["No events yet", "No changes yet"])
    t.ok(
      await page
        .getByText(text)
        .waitFor()
        .then(() => true),
      text,
    );
  await value(page, "Active agents").getByText("0", { exact: true }).waitFor();
});
