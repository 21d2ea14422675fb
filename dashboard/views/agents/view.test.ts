/**
 * Tests the view of agents in a browser. The tests cover the table, its filters, one agent's page, live updates, and
 * the permission to remove an agent.
 */
import t from "tap";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, type Page, countOf } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { sendEdit } from "../../../test/support/hook-work.js";
import { send, sendJson } from "../../../test/support/http-client.js";
import { makeSnapshot } from "../../../test/support/snapshot.js";

const skip = browserMissing();
const STALE_AFTER = ["--stale-after", "1h"];

const row = (page: Page, name: string) => page.getByRole("row").filter({ has: page.getByRole("link", { name }) });
const ready = (page: Page) => page.getByRole("link", { name: "claude-checkout", exact: true }).waitFor();

t.test("the table of agents has filters in the address, and live updates", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: STALE_AFTER });
  const { port } = dashboard.koor;
  const empty = await dashboard.open("/agents");
  await empty.page.getByText("koor-cli register ana").waitFor();
  await empty.close();
  await fillWithADay(dashboard.koor);
  await checkView(t, dashboard, { address: "/agents", title: "Agents", ready });

  const { page, complaints } = await dashboard.open("/agents");
  await ready(page);
  const activity = row(page, "claude-checkout").first().getByRole("img");
  t.match(await activity.getAttribute("aria-label"), /^[\d,]+ calls in 24 hours, \d+ in this one$/);
  const table = page.getByRole("table", { name: "Agents" });
  const byCalls = table.getByRole("columnheader", { name: "Activity, 24 h" });
  for (const order of ["ascending", "descending"]) {
    await byCalls.getByRole("button").click();
    await table.locator(`th[aria-sort=${order}]`).waitFor();
    const shown = await table
      .locator("tbody tr")
      .evaluateAll((rows) =>
        rows.map((one) => Number(one.querySelector(".agents-calls")?.textContent?.replace(/,/g, "") ?? 0)),
      );
    const sorted = shown.toSorted((a, b) => (order === "ascending" ? a - b : b - a));
    t.ok(new Set(shown).size > 1);
    t.same(shown, sorted, order);
  }
  await page.reload();
  await table.locator("th[aria-sort=descending]").getByText("Activity, 24 h").waitFor();
  await byCalls.getByRole("button").click();
  // The table has the order of the view again. The browser changes the address some time after the click.
  await page.waitForURL(({ search }) => search === "");
  await page.getByLabel("Status").selectOption("stale");
  await page.getByRole("link", { name: "claude-checkout", exact: true }).waitFor({ state: "detached" });
  await page.waitForURL(({ search }) => search === "?status=stale");
  t.equal(await countOf(page.getByRole("status").filter({ hasText: /^3 of 14 agents: 3 stale$/ }), 1), 1);
  await page.getByLabel("Search").fill("money REVIEW");
  await page.getByRole("status").filter({ hasText: "1 of 14 agents" }).waitFor();
  await page.reload();
  await page.getByRole("status").filter({ hasText: "1 of 14 agents" }).waitFor();
  t.equal(await page.getByLabel("Search").inputValue(), "money REVIEW", "a link keeps the search");

  await page.getByLabel("Status").selectOption("");
  await page.getByLabel("Search").fill("zora");
  await page.getByText("No agent matches").waitFor();
  const registered = await sendJson(port, "POST", "/api/instances/register", { name: "zora", workspace: "ops" });
  const { id } = registered.json<{ readonly id: string }>();
  await page.getByRole("link", { name: "zora" }).waitFor();
  await sendJson(port, "POST", `/api/instances/${id}/activate`, {});
  await row(page, "zora").getByText("active").waitFor();
  await sendJson(port, "POST", `/api/instances/${id}/intent`, { intent: "<b>counting</b> crates" });
  await row(page, "zora").getByText("<b>counting</b> crates").waitFor();
  await sendJson(port, "DELETE", `/api/instances/${id}`, {});
  await page.getByText("No agent matches").waitFor();
  t.same(complaints, []);
});

t.test("one agent's actions appear live, and it can be removed", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: STALE_AFTER });
  const { port } = dashboard.koor;
  const { agents } = await fillWithADay(dashboard.koor, { nowMs: Date.now(), agents: 500 });
  const { id = "" } = agents.find(({ name }) => name === "claude-checkout") ?? {};
  const address = `/agents/${id}`;
  const shown = (page: Page) =>
    Promise.all([
      page.getByRole("table", { name: "Timeline entries" }).waitFor(),
      page.getByRole("table", { name: "Compliance runs" }).waitFor(),
      page.getByRole("img", { name: /^Activity by the hour\. .*REST calls: \d/ }).waitFor(),
    ]);
  await checkView(t, dashboard, { address, title: "Agents", ready: shown });

  const { page, complaints } = await dashboard.open(address);
  await shown(page);
  t.match(await page.title(), /claude-checkout · Agents · Koor$/);
  const timeline = page.getByRole("table", { name: "Timeline entries" });
  const headers = { "X-Koor-Instance": id };
  const item = (text: string) => timeline.getByRole("row").filter({ hasText: text });
  await sendJson(port, "PUT", "/api/state/plans/crates", { crates: 3 }, headers);
  await item("plans/crates").getByText("wrote").waitFor();
  const link = item("plans/crates").getByRole("link", { name: "plans/crates" });
  t.equal(await link.getAttribute("href"), "/state/plans/crates");
  const event = { topic: "crates.counted", data: { crates: 3 } };
  await sendJson(port, "POST", "/api/events/publish", event, headers);
  await item("crates.counted").getByText("published").waitFor();
  await sendJson(port, "PUT", "/api/state/plans/crates", {}, { ...headers, "If-Match": '"none"' });
  await item("plans/crates").getByText("refused").waitFor();
  await sendJson(port, "POST", `/api/instances/${id}/intent`, { intent: "counting crates" });
  await page.getByText("counting crates").waitFor();

  const work = page.getByRole("table", { name: "Leases held and waited for" });
  t.equal(await countOf(work, 0), 0, "it holds nothing");
  await sendJson(port, "POST", "/api/leases", { resources: ["path:src/crates.ts"] }, headers);
  await work.getByRole("link", { name: "path:src/crates.ts" }).waitFor();
  const unread = page.getByRole("link", { name: /messages?$/ });
  t.equal(await unread.textContent(), "0 messages");
  const { id: other = "" } = agents.find(({ name }) => name === "codex-ops") ?? {};
  const message = { to: [id, other], subject: "how many crates?" };
  await sendJson(port, "POST", "/api/messages", message, { "X-Koor-Instance": other });
  await page.getByRole("link", { name: "1 message" }).waitFor();
  t.equal(await unread.getAttribute("href"), `/messages?agent=${id}&only=unread`);

  const older = page.getByRole("button", { name: "Load older" });
  // A script in the page clicks the button. The button is disabled while a part is loaded, and disappears after the
  // last part.
  const press = () => older.evaluateAll((buttons) => buttons.map((button) => (button as HTMLElement).click()).length);
  while ((await press()) > 0) await page.evaluate("new Promise(requestAnimationFrame)");
  t.ok((await item("").count()) > 0, "the timeline has a beginning");

  await page.getByRole("button", { name: "Remove" }).click();
  const dialog = page.getByRole("dialog", { name: "Remove claude-checkout?" });
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("heading", { level: 1, name: "Agents", exact: true }).waitFor();
  const table = page.locator("table[aria-label=Agents][aria-rowcount='500']");
  await table.waitFor();
  t.ok((await table.getByRole("row").count()) < 80, "only the visible ones are rendered");
  await page.evaluate("document.querySelector('.table-long').scrollTo(0, 1e6)");
  await page.locator("tr[aria-rowindex='500']").waitFor();
  t.ok((await table.getByRole("row").count()) < 80);

  await page.goto(dashboard.url + address);
  await page.getByText("is registered now").waitFor();
  await timeline.waitFor();
  t.same(complaints, []);
});

t.test("an agent shows its checkout, its parent and its subagents", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: STALE_AFTER });
  const { port } = dashboard.koor;
  const idOf = (at: number): string => `00000000-0000-4000-8000-${String(at).padStart(12, "0")}`;
  const seen = new Date().toISOString();
  const record = (at: number, name: string, more: object = {}) => ({
    kind: "instance",
    id: idOf(at),
    name,
    workspace: "trucks",
    intent: "",
    stack: "",
    capabilities: [],
    registered_at: seen,
    status: "active",
    last_seen: seen,
    ...more,
  });
  const ofParent = { parent: idOf(0), registered_by: idOf(0) };
  const children = Array.from({ length: 22 }, (_, at) => record(at + 1, `claude-1a2b/Explore-${at + 1}`, ofParent));
  const snapshot = makeSnapshot([record(0, "claude-1a2b"), ...children]);
  t.equal((await send(port, "POST", "/api/restore", { body: snapshot })).status, 200);
  const checkout = { id: "c-1", branch: "<i>fix</i>", root: "/work/trucks" };
  await sendJson(port, "PATCH", `/api/instances/${idOf(0)}`, { checkout });

  const address = `/agents/${idOf(0)}`;
  const subagents = (page: Page) => page.getByRole("table", { name: "Subagents of claude-1a2b" });
  const shown = (page: Page) => subagents(page).waitFor();
  await checkView(t, dashboard, { address, title: "Agents", ready: shown });
  const { page, complaints } = await dashboard.open(address);
  await shown(page);
  const facts = page.getByRole("region", { name: "Facts" });
  await facts.getByText("<i>fix</i>", { exact: true }).waitFor();
  t.equal(await countOf(subagents(page).getByRole("link", { name: /Explore/ }), 22), 22);
  await sendJson(port, "POST", `/api/instances/${idOf(0)}/heartbeat`, { branch: "main" });
  await facts.getByText("main", { exact: true }).waitFor();
  await subagents(page).getByRole("link", { name: "claude-1a2b/Explore-1", exact: true }).click();
  await facts.getByText("Subagent of").waitFor();
  await facts.getByText("main", { exact: true }).waitFor();
  await facts.getByRole("link", { name: "claude-1a2b", exact: true }).click();
  await shown(page);
  t.same(complaints, []);
});

t.test("the table has clients and checkouts, and subagents below their parents", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const claude = { client: "claude", session: "s-1", checkout: "c-1", branch: "main", root: "/work/shop" };
  const codex = { client: "codex", session: "s-2", checkout: "c-2", branch: "<i>fix</i>", root: "/work/fix" };
  await sendEdit(port, claude, "a.ts");
  await sendEdit(port, codex, "a.ts");
  await sendEdit(port, claude, "b.ts", { agent_id: "a-1", agent_type: "<b>Explore</b>" });
  await sendEdit(port, claude, "c.ts", { agent_id: "a-2", agent_type: "Review" });
  const { page, complaints } = await dashboard.open("/agents");
  const rows = page.getByRole("table", { name: "Agents" }).getByRole("row");
  t.equal(await countOf(rows, 5), 5);
  const [head = "", ...cells] = await rows.allInnerTexts();
  t.match(head, /Client\s+Checkout\s+Workspace/);
  t.notMatch(head, /Stack|Capabilities/, "no agent has any");
  t.match(cells.join("\n"), /^claude-\w{4}\s[^]*\n<b>Explore<\/b>\s[^]*\nReview\s[^]*\ncodex-\w{4}\s/);
  await row(page, "codex").getByText("<i>fix</i>", { exact: true }).waitFor();
  await page.getByLabel("Search").fill("Review");
  await page.getByText(/^claude-\w{4}\/Review$/).waitFor();
  await page.getByRole("link", { name: /^claude-\w{4}\/Review$/ }).click();
  const facts = page.getByRole("region", { name: "Facts" });
  for (const fact of ["claude", "main", "/work/shop · c-1"]) await facts.getByText(fact, { exact: true }).waitFor();
  t.same(complaints, []);
});

t.test("an agent's token removes no other agent", { skip }, async (t) => {
  const auth = { Authorization: "Bearer secret" };
  const dashboard = await startDashboard(t, { args: ["--auth-token", "secret"] });
  const { port } = dashboard.koor;
  const made = await Promise.all(
    ["ana", "bob"].map((name) => sendJson(port, "POST", "/api/instances/register", { name }, auth)),
  );
  const [ana, bob] = made.map((answer) => answer.json<{ readonly id: string; readonly token: string }>());
  const { page } = await dashboard.open(`/agents/${bob?.id}`);
  await page.getByLabel("Token").fill(ana?.token ?? "");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "bob" }).waitFor();
  const remove = page.getByRole("button", { name: "Remove" });
  t.equal(await remove.isDisabled(), true);
  t.equal(await remove.getAttribute("title"), "This needs the server's token");
  await page.goto(`${dashboard.url}/agents/${ana?.id}`);
  await page.getByRole("heading", { name: "ana" }).waitFor();
  t.equal(await remove.isDisabled(), false);
});
