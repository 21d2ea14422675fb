/** Tests the audit view in a browser: live updates, filters, one row's details, older rows, and the export. */
import { readFile } from "node:fs/promises";
import t from "tap";
import { addressWhere, checkAddress } from "../../../test/support/address.js";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, type Page, countOf, sideways } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { sendJson } from "../../../test/support/http-client.js";

const skip = browserMissing();

const rows = (page: Page) => page.getByRole("table", { name: "Audit log" });
const ready = async (page: Page): Promise<void> => {
  await rows(page).waitFor();
  await page.getByRole("list", { name: "Actions" }).waitFor();
};

/** Waits until the address has a range, and returns its parameters. */
async function rangeIn(page: Page): Promise<URLSearchParams> {
  return (await addressWhere(page, ({ searchParams }) => searchParams.has("from"))).searchParams;
}

async function fileOf(page: Page, button: string): Promise<{ readonly name: string; readonly text: string }> {
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: button, exact: true }).click(),
  ]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), "utf8") };
}

t.test("the audit log is live, can be filtered, and read back to its beginning", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  await fillWithADay(dashboard.koor);
  await checkView(t, dashboard, { address: "/audit", title: "Audit", ready });

  const { page, complaints } = await dashboard.open("/audit");
  await ready(page);
  await sendJson(port, "PUT", "/api/state/plans/crates", { crates: 3 });
  await rows(page).getByRole("link", { name: "plans/crates" }).waitFor();
  t.equal(await rows(page).getByRole("row").nth(1).getByRole("link").getAttribute("href"), "/state/plans/crates");

  const [count = "0"] = /[\d,]+/.exec((await page.locator(".audit-count").textContent()) ?? "") ?? [];
  await page.getByRole("button", { name: "Load older" }).click();
  await page
    .getByRole("status")
    .filter({ hasText: `${Number(count) + 100} rows` })
    .waitFor();

  // New rows above the row that the user is reading must not move it.
  await page.evaluate("document.querySelector('.table-long').scrollTo(0, 1800)");
  const read = await page.locator("tr[aria-rowindex='60']").getByRole("time").getAttribute("datetime");
  await sendJson(port, "PUT", "/api/state/plans/barrels", { barrels: 3 });
  await page.locator(`tr[aria-rowindex='61'] time[datetime='${read}']`).waitFor();
  await page.evaluate("document.querySelector('.table-long').scrollTo(0, 0)");
  await rows(page).getByRole("link", { name: "plans/barrels" }).waitFor();

  await page.getByLabel("Action", { exact: true }).selectOption("state.rollback");
  await page
    .getByRole("status")
    .filter({ hasText: /^2 rows, all there are$/ })
    .waitFor();
  await page.goto(`${dashboard.url}/audit?action=rule.propose&outcome=error`);
  await page.getByRole("status").filter({ hasText: "searched, all there are" }).waitFor();
  t.ok((await rows(page).getByText("already exists").count()) > 0, "the reason of the refusal");
  t.equal(await countOf(rows(page).getByText("success"), 0), 0);
  await rows(page)
    .getByRole("button", { name: /^Detail of row/ })
    .first()
    .click();
  const whole = page.getByRole("region", { name: /^Row \d+$/ });
  t.match(await whole.getByRole("region", { name: "Detail" }).textContent(), /"code": 409/);
  await whole.getByRole("button", { name: "Close" }).click();
  await whole.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page
    .getByRole("status")
    .filter({ hasText: /^100 rows$/ })
    .waitFor();
  await checkAddress(t, page, "search", "");

  await page.getByRole("button", { name: "15 min", exact: true }).click();
  await page.getByRole("heading", { name: "In this range" }).waitFor();
  const from = Date.parse((await rangeIn(page)).get("from") ?? "");
  t.ok(Math.abs(Date.now() - from - 900_000) < 60_000, "the last 15 minutes");
  await page.getByRole("button", { name: "Clear filters" }).click();
  await checkAddress(t, page, "search", "");

  const histogram = page.getByRole("slider", { name: /^Rows over time/ });
  await histogram.focus();
  await page.keyboard.press("Home");
  t.match(await histogram.getAttribute("aria-valuetext"), /: [\d,]+ succeeded, [\d,]+ refused$/);
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "In this range" }).waitFor();
  const chosen = await rangeIn(page);
  const chosenMs = Date.parse(chosen.get("to") ?? "") - Date.parse(chosen.get("from") ?? "");
  await page.goBack();
  await page.getByRole("heading", { name: "All time" }).waitFor();
  const { x = 0, y = 0, width = 0 } = (await histogram.boundingBox()) ?? {};
  await page.mouse.move(x + width / 4, y + 20);
  await page.mouse.down();
  await page.mouse.move(x + (width * 3) / 4, y + 20, { steps: 4 });
  await page.mouse.up();
  await page.getByRole("heading", { name: "In this range" }).waitFor();
  const dragged = await rangeIn(page);
  const draggedMs = Date.parse(dragged.get("to") ?? "") - Date.parse(dragged.get("from") ?? "");
  t.ok(draggedMs > chosenMs, "half of the bars are more than two");
  await page.getByRole("button", { name: "Show all time" }).click();
  await page.getByRole("heading", { name: "All time" }).waitFor();

  // Identical neighbours are shown as one row, which the user can open.
  for (let times = 0; times < 3; times++) await sendJson(port, "POST", "/api/metrics/reset", {});
  const resets = rows(page).getByText("metrics.reset", { exact: true });
  await page.getByRole("button", { name: "Show 3 identical rows" }).click();
  t.equal(await countOf(resets, 3), 3);
  await page.getByRole("button", { name: "Show identical rows as one" }).click();
  t.equal(await countOf(resets, 1), 1);
  await rows(page)
    .getByRole("row")
    .filter({ has: page.getByText("metrics.reset", { exact: true }) })
    .getByRole("cell")
    .first()
    .click();
  await whole.getByText("metrics.reset").waitFor();
  await whole.getByRole("button", { name: "Close" }).click();

  await page.getByRole("button", { name: /^rule\.accept \d+$/ }).click();
  await checkAddress(t, page, "href", /action=rule\.accept/, "a bar of the summary is a filter");

  const phone = await dashboard.open("/audit", { width: 390, height: 800 });
  await rows(phone.page).waitFor();
  t.equal(await sideways(phone.page.getByRole("region", { name: "Audit log" })), 0, "no sideways scrolling on a phone");
  const cut = await phone.page.evaluate(
    "[...document.querySelectorAll('tbody time')].filter((one) => one.scrollWidth > one.clientWidth + 1).length",
  );
  t.equal(cut, 0, "and no time is cut");
  await phone.close();
  t.same(complaints, []);
});

t.test("the matching rows are exported, without formulas", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const registered = await sendJson(port, "POST", "/api/instances/register", { name: "ana" });
  const { id } = registered.json<{ readonly id: string }>();
  const headers = { "X-Koor-Instance": id };
  await sendJson(port, "PUT", "/api/state/=1+1", { a: 1 }, headers);
  await sendJson(port, "PUT", "/api/state/plain", { a: 1 });
  const { page, complaints } = await dashboard.open(`/audit?actor=${id}`);
  await rows(page).getByRole("link", { name: "=1+1" }).waitFor();
  const csv = await fileOf(page, "Export CSV");
  t.match(csv.name, /^audit-.*\.csv$/);
  const lines = csv.text.trimEnd().split("\r\n");
  t.equal(lines.length, 2, "a header line, and the one row of this actor");
  t.match(lines[1], new RegExp(`,${id},state\\.put,"'=1\\+1",success,"{""version"":1}",ana$`));
  await page.getByRole("button", { name: "Clear filters" }).click();
  await rows(page).getByRole("link", { name: "plain" }).waitFor();
  const { text } = await fileOf(page, "Export JSON lines");
  const found = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly resource: string; readonly detail: unknown });
  t.same(
    found.map(({ resource }) => resource),
    ["plain", "=1+1", id],
  );
  t.same(found[0]?.detail, { version: 1 });

  // The fields have times in the browser's time zone, which is UTC in these tests.
  await page.getByLabel("To", { exact: true }).fill("2099-12-31T23:59:58");
  await page.getByRole("button", { name: "Clear filters" }).waitFor();
  await checkAddress(t, page, "href", /to=2099-12-31T23%3A59%3A58\.000Z/);
  await page.getByLabel("From", { exact: true }).fill("2099-12-31T00:00:00");
  await page.getByText("No row matches").waitFor();
  await page.getByRole("heading", { name: "In this range" }).waitFor();
  t.same(complaints, []);
});
