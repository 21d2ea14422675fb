/** Tests the view of usage in a browser: sums, ranges, groups, the newest calls, and live updates. */
import t from "tap";
import { checkAddress } from "../../../test/support/address.js";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, type Page, sideways } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { send, sendJson } from "../../../test/support/http-client.js";

const skip = browserMissing();

const ready = (page: Page) =>
  Promise.all([
    page.getByRole("table", { name: "Sums by project" }).waitFor(),
    page.getByRole("table", { name: "Calls" }).waitFor(),
    page.getByRole("img", { name: /^Cost by the hour\. / }).waitFor(),
  ]);

t.test("usage is summed up over the range in the address, and grows as calls are reported", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const { agents } = await fillWithADay(dashboard.koor);
  await checkView(t, dashboard, { address: "/usage", title: "Usage", ready });

  const { page, complaints } = await dashboard.open("/usage");
  await ready(page);
  const [agent] = agents;
  const call = { provider: "acme", model: "large-1", project: "crates", tokens_in: 7_000_000, cost_usd: 400 };
  await sendJson(port, "POST", "/api/llm/usage", { ...call, instance_id: agent?.id });
  const projects = page.getByRole("table", { name: "Sums by project" });
  const crates = projects.getByRole("row").filter({ has: page.getByRole("link", { name: "crates" }) });
  await crates.waitFor();
  t.match(await crates.textContent(), /\$400\.00/);
  t.match(await projects.getByRole("row").nth(1).textContent(), /crates9\d %/, "the largest share is first");
  const calls = page.getByRole("table", { name: "Calls" });
  await calls
    .getByRole("row")
    .filter({ hasText: "large-1" })
    .getByRole("link", { name: agent?.name ?? "", exact: true })
    .waitFor();

  await page.getByLabel("By", { exact: true }).selectOption("agent");
  await page
    .getByRole("table", { name: "Sums by agent" })
    .getByRole("link", { name: agent?.name ?? "", exact: true })
    .waitFor();
  await page.getByLabel("Show").selectOption("calls");
  await page.getByRole("img", { name: /^Calls by the hour\. / }).waitFor();
  await page.getByLabel("Range").selectOption("30d");
  await page.getByRole("img", { name: /^Calls by the day \(UTC\)\. / }).waitFor();
  await page.reload();
  await page.getByRole("img", { name: /^Calls by the day \(UTC\)\. / }).waitFor();
  await checkAddress(t, page, "href", /by=agent&show=calls&range=30d$/);

  await page.getByRole("button", { name: "Load older" }).click();
  await page.locator("table[aria-label='Calls'][aria-rowcount='101']").waitFor();

  await page.getByLabel("Range").selectOption("own");
  await page.getByLabel("From").fill("2099-01-01T00:00:00");
  await page.getByText("No language-model calls in this range").waitFor();

  // A call may have no group, and a group may have any name.
  await sendJson(port, "POST", "/api/llm/usage", { provider: "acme", model: "large-1", tokens_in: 5 });
  await sendJson(port, "POST", "/api/llm/usage", { provider: "acme", model: "<i>", project: "constructor" });
  await page.goto(`${dashboard.url}/usage?show=tokens`);
  await projects.getByText("unknown").waitFor();
  await projects.getByRole("link", { name: "constructor" }).waitFor();
  await calls.getByText("<i>").waitFor();
  t.same(complaints, []);
});

t.test("budgets are shown with their state, and change as usage is reported", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const put = (id: string, body: object) => sendJson(port, "PUT", `/api/budgets/${id}`, body);
  const ana = (await sendJson(port, "POST", "/api/instances/register", { name: "ana", workspace: "shop" })).json<{
    readonly id: string;
  }>();
  await put("shop-day", { scope: "workspace", target: "shop", tokens: 1000, period: "day" });
  await put("ana", { scope: "agent", target: ana.id, cost_usd: 2, policy: "warn" });
  const { page, complaints } = await dashboard.open("/usage");
  const rows = page.getByRole("table", { name: "Budgets" }).getByRole("row");
  const shop = rows.filter({ hasText: "shop-day" });
  await shop.getByText("ok", { exact: true }).waitFor();
  await sendJson(port, "POST", "/api/llm/usage", { provider: "p", model: "m", instance_id: ana.id, tokens_in: 850 });
  await shop.getByText("warned", { exact: true }).waitFor();
  t.match(await shop.textContent(), /85 %850 of 1K/i);
  t.match(await rows.filter({ hasText: "$2.00" }).textContent(), /≥ \$0.*of \$2\.00.*1/);
  await sendJson(port, "POST", "/api/llm/usage", { provider: "p", model: "m", instance_id: ana.id, cost_usd: 2.5 });
  await rows.filter({ hasText: "125 %" }).getByText("exhausted", { exact: true }).waitFor();
  t.match(await rows.nth(1).textContent(), /exhausted/, "what is used up is first");
  await page.setViewportSize({ width: 390, height: 800 });
  t.equal(await sideways(page.getByRole("region", { name: "Budgets" }).last()), 0, "on a phone a budget is a card");
  t.equal(await shop.getByText("no limit").isVisible(), false, "which names no limit that the budget does not have");
  t.same(complaints, []);
});

t.test("a rate limit is shown while it holds", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const { page, complaints } = await dashboard.open("/usage");
  const limit = { provider: "acme", account: "team-a", retry_after_s: 600, reason: "<b>HTTP 429" };
  const { id } = (await sendJson(port, "POST", "/api/llm/limits", limit)).json<{ readonly id: number }>();
  const row = page.getByRole("table", { name: "Rate limits" }).getByRole("row").nth(1);
  await row.getByText("<b>HTTP 429").waitFor();
  t.match(await row.textContent(), /team-aacme.*min/);
  await send(port, "DELETE", `/api/llm/limits/${id}`);
  await row.waitFor({ state: "detached" });
  t.same(complaints, []);
});
