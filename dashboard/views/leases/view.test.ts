/**
 * Tests the view of leases in a browser: the wait graph as a drawing and in words, filters, breaking a lease, and live
 * updates.
 */
import t from "tap";
import { checkParameter } from "../../../test/support/address.js";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, type Page, countOf, sideways } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { sendEdit } from "../../../test/support/hook-work.js";
import { send, sendJson } from "../../../test/support/http-client.js";
import { leaseADay } from "../../../test/support/lease-work.js";
import { Agent } from "../../../test/support/leasing.js";

const skip = browserMissing();

const drawing = (page: Page) => page.getByRole("region", { name: "Wait graph, drawn" });
const table = (page: Page, name = "Leases") => page.getByRole("table", { name });
const rowOf = (page: Page, resource: string) =>
  table(page)
    .getByRole("row")
    .filter({ has: page.getByRole("link", { name: resource, exact: true }) });

t.test("leases in a server with a day's data", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--stale-after", "1h"] });
  const { port } = dashboard.koor;
  const empty = await dashboard.open("/leases");
  await empty.page.getByText("koor-cli lease acquire").waitFor();
  await empty.close();
  const day = await fillWithADay(dashboard.koor);
  const leases = await leaseADay(dashboard.koor, day);
  const [first, , covers] = leases;

  await checkView(t, dashboard, {
    address: "/leases",
    title: "Leases",
    ready: (page) => Promise.all([drawing(page).waitFor(), table(page).waitFor()]),
  });
  await checkView(t, dashboard, {
    address: `/leases/${covers?.id}`,
    title: "Leases",
    ready: (page) => table(page, "Leases: blocks").waitFor(),
  });

  const { page, complaints } = await dashboard.open("/leases", { expected: [/40[04]/] });
  await drawing(page).waitFor();

  await t.test("the wait graph is drawn, and listed in words", async (t) => {
    const links = drawing(page).getByRole("link");
    const label = /^cursor-storefront waits for kilo-product-page: path:web\/product\/\*\*, for \d+ s$/;
    await drawing(page).getByRole("link", { name: label }).waitFor();
    t.equal(
      await links.filter({ hasText: "claude-checkout" }).textContent(),
      "claude-checkout2 wait for it, waits for 1",
    );
    const lefts = await Promise.all(
      ["codex-payments", "claude-checkout", "codex-ops"].map(async (name) => {
        const box = await links.filter({ hasText: name }).first().boundingBox();
        return box?.x ?? 0;
      }),
    );
    t.same(
      lefts,
      lefts.toSorted((a, b) => a - b),
      "from left to right",
    );
    t.equal(new Set(lefts).size, 3);
    await page.getByText("In words").click();
    const said = await page.getByRole("listitem").filter({ hasText: "waits for" }).allTextContents();
    t.equal(said.length, 6);
    t.ok(said.some((words) => words.startsWith("claude-release waits for codex-ops: deploy, requested ")));
  });

  await t.test("the keyboard moves from a box to its blockers", async (t) => {
    await drawing(page).focus();
    await page.keyboard.press("Tab");
    t.equal(await page.locator(":focus strong").textContent(), "codex-payments");
    await page.keyboard.press("Tab");
    t.match(await page.locator(":focus").getAttribute("aria-label"), /^codex-payments waits for claude-checkout: /);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: leases[6]?.id ?? "" }).waitFor();
    await table(page, "Leases: blocked by").getByText("claude-checkout").waitFor();
    await page.goBack();
    await drawing(page).waitFor();
  });

  await t.test("on a phone a lease is a card with its reason and its end", async (t) => {
    const phone = await dashboard.open("/leases", { width: 390, height: 800 });
    const card = rowOf(phone.page, "path:src/cart/** and 1 more");
    for (const text of ["claude-checkout", "totals in integer cents"]) await card.getByText(text).waitFor();
    t.ok(await card.getByText(/^in \d+ min$/).isVisible(), "its end");
    t.equal(await sideways(phone.page.getByRole("region", { name: "Leases", exact: true })), 0);
    await phone.close();
  });

  await t.test("filters are in the address; the server finds overlaps", async (t) => {
    await page.getByLabel("Overlaps the resource").fill("path:src/cart/lines.ts");
    await page.keyboard.press("Enter");
    await rowOf(page, "deploy").first().waitFor({ state: "detached" });
    await rowOf(page, "path:src/cart/**").waitFor();
    t.equal(await countOf(table(page).getByRole("row"), 3), 3, "the head, its holder and one waiter");
    await checkParameter(t, page, "resource", "path:src/cart/lines.ts");
    await page.getByLabel("Overlaps the resource").fill("path:/etc");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "must be relative to the workspace" }).waitFor();
    await page.getByLabel("Overlaps the resource").fill("");
    await page.getByLabel("State").selectOption("held");
    await page.getByLabel("Holder").selectOption("codex-ops");
    await page.reload();
    await rowOf(page, "deploy and 1 more").getByText("2 wait").waitFor();
    t.equal(await countOf(table(page).getByRole("row"), 2), 2);
    await page.getByLabel("Workspace").selectOption("search");
    await page.getByText("No lease matches").waitFor();
  });

  await t.test("a lease is broken with a reason, and the next waiter gets it, on every page", async (t) => {
    const { page: other, close } = await dashboard.open("/leases");
    await drawing(other).waitFor();
    await page.goto(`${dashboard.url}/leases/${first?.id}`);
    const button = page.getByRole("button", { name: "Break" });
    await button.click();
    const dialog = page.getByRole("dialog", { name: `Break ${first?.id}?` });
    await dialog.getByText("claude-checkout loses the lease immediately").waitFor();
    const doing = dialog.getByRole("button", { name: "Break" });
    t.ok(await doing.isDisabled(), "not without a reason");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    t.equal((await send(port, "GET", `/api/leases/${first?.id}`)).json<{ state: string }>().state, "held");
    await button.click();
    await dialog.getByLabel("Reason").fill("the release is <b>today</b>");
    await doing.click();
    await dialog.waitFor({ state: "detached" });
    const facts = page.getByRole("region", { name: "Facts" });
    await facts.getByText("lost", { exact: true }).waitFor();
    await facts.getByText("the release is <b>today</b>").waitFor();
    t.equal(await countOf(button, 0), 0, "a lease that has ended cannot be broken");
    await rowOf(other, "path:src/cart/totals.ts").getByText("held").waitFor();
    await drawing(other)
      .getByRole("link", { name: /^cursor-cart waits for codex-payments: / })
      .waitFor();
    const [row] = (await send(port, "GET", "/api/audit?action=lease.break&limit=1")).json<{ actor: string }[]>();
    t.equal(row?.actor, "dashboard");
    await close();
    await page.goto(`${dashboard.url}/leases?state=lost`);
    await rowOf(page, "path:src/cart/** and 1 more").getByText("lost").waitFor();
  });

  await t.test("a lease that does not exist is reported", async () => {
    await page.goto(`${dashboard.url}/leases/lease-999`);
    await page.getByText("There is no lease lease-999").waitFor();
  });
  t.same(complaints, []);
});

t.test("an agent sees leases, may break none, and does not see messages of others", { skip }, async (t) => {
  const by = { Authorization: "Bearer secret" };
  const dashboard = await startDashboard(t, { args: ["--auth-token", "secret"] });
  const { port } = dashboard.koor;
  const ana = await Agent.register(port, "ana", { by, checkout: "one" });
  const bob = await Agent.register(port, "bob", { by });
  const { id } = await ana.lease(["deploy"], { scope: "checkout" });
  await sendJson(port, "POST", "/api/messages", { to: ana.id, subject: "s" }, bob.headers);
  const { page, complaints } = await dashboard.open(`/leases/${id}`, { expected: [/401/] });
  await page.getByLabel("Token").fill(bob.token);
  await page.getByRole("button", { name: "Log in" }).click();
  const button = page.getByRole("button", { name: "Break" });
  await button.waitFor();
  t.ok(await button.isDisabled());
  t.match(await button.getAttribute("title"), /server's token/);
  const facts = page.getByRole("region", { name: "Facts" });
  for (const fact of ["its holder's checkout", "one", "branch-of-ana"])
    await facts.getByText(fact, { exact: true }).waitFor();
  await page.goto(`${dashboard.url}/leases`);
  await rowOf(page, "deploy").getByText("branch-of-ana").waitFor();
  await bob.lease(["path:src"]);
  await rowOf(page, "path:src").getByText("all", { exact: true }).waitFor();
  await page.getByRole("link", { name: "Messages" }).click();
  await page.getByText("This needs the server's token").waitFor();
  await page.goto(`${dashboard.url}/agents/${ana.id}`);
  await page.getByRole("table", { name: "Leases held and waited for" }).getByText("deploy").waitFor();
  t.equal(await countOf(page.getByText("Unread"), 0), 0);
  t.same(complaints, [], "no request for them was sent");
});

t.test("the landings of a lane, and their last results", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const [ana, ben] = [await Agent.register(port, "ana"), await Agent.register(port, "ben")];
  const { page, complaints } = await dashboard.open("/leases");
  await page.getByText("koor-cli lease acquire").waitFor();
  t.equal(await countOf(table(page, "Landings"), 0), 0);
  const head = "9f2ab1c07d5e44218bb4c7c3ad1d4dd2f1a0a3c5";
  const lane = ["name:land@w/main"];
  const held = await ana.lease(lane, { reason: `land tax at ${head}` });
  await ben.lease(lane, { reason: `land <b>fix</b> at ${head}`, queue: true });
  const landings = table(page, "Landings").getByRole("row");
  await landings.filter({ hasText: "tax" }).filter({ hasText: "ana" }).getByText("landing").waitFor();
  await landings.filter({ hasText: "<b>fix</b>" }).getByText("waiting, position 1").waitFor();
  const data = { lane: "w/main", branch: "tax", holder: { id: ana.id, name: "ana" } };
  await sendJson(port, "POST", "/api/events/publish", { topic: "land.landed", data });
  await ana.release(held);
  await landings.filter({ hasText: "tax" }).getByText("landed").waitFor();
  await landings.filter({ hasText: "<b>fix</b>" }).getByText("landing", { exact: true }).waitFor();
  t.same(complaints, []);
});

t.test("automatic leases, and leases of the same file in other checkouts", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const sessionIn = (client: string, checkout: string, root: string) => ({
    client,
    session: client,
    checkout,
    branch: "<i>main</i>",
    root,
  });
  await sendEdit(port, sessionIn("claude", "c-1", "/work/shop"), "src/a.ts");
  await sendEdit(port, sessionIn("codex", "c-2", "/work/fix"), "src/a.ts");
  await checkView(t, dashboard, {
    address: "/leases/lease-1",
    title: "Leases",
    ready: (page) => table(page, "Leases: nearby").waitFor(),
  });
  const { page, complaints } = await dashboard.open("/leases");
  const rows = rowOf(page, "path:src/a.ts");
  t.equal(await countOf(rows, 2), 2);
  for (const label of ["<i>main</i> · shop", "<i>main</i> · fix"])
    await rows.getByText(label, { exact: true }).waitFor();
  t.equal(await countOf(rows.getByText("automatic", { exact: true }), 2), 2);

  await page.goto(`${dashboard.url}/leases/lease-1`);
  const facts = page.getByRole("region", { name: "Facts" });
  for (const fact of ["automatic", "its holder's checkout", "/work/shop · c-1", "<i>main</i>"])
    await facts.getByText(fact, { exact: true }).waitFor();
  const nearby = table(page, "Leases: nearby");
  await nearby.getByText("<i>main</i> · fix", { exact: true }).waitFor();
  t.equal(await countOf(nearby.getByRole("row"), 2), 2, "the head and the other lease, but not the lease itself");
  await sendJson(port, "POST", "/api/leases/lease-2/break", { reason: "it was wrong" });
  await nearby.waitFor({ state: "detached" });
  const ben = await Agent.register(port, "ben", { workspace: "shop" });
  await ben.lease(["deploy"]);
  await page.goto(`${dashboard.url}/leases/lease-3`);
  await facts.getByText("all checkouts", { exact: true }).waitFor();
  t.equal(await countOf(facts.getByText("automatic", { exact: true }), 0), 0);
  t.same(complaints, []);
});
