/** Tests the view of rules in a browser: proposed and decided rules, filters, previews, and decisions. */
import t from "tap";
import { checkAddress } from "../../../test/support/address.js";
import { browserMissing, type Page, countOf } from "../../../test/support/browser.js";
import { fillWithADay } from "../../../test/support/a-day.js";
import { checkView, startDashboard, type Dashboard } from "../../../test/support/dashboard.js";
import { send } from "../../../test/support/http-client.js";

const skip = browserMissing();

/** Returns the row of a rule in one of the two tables. */
function rowOf(page: Page, table: "Proposed" | "Decided", ruleId: string) {
  return page.getByRole("table", { name: `${table} rules` }).getByRole("row", { name: ruleId });
}

async function propose({ koor }: Dashboard, rule: object): Promise<void> {
  const answer = await send(koor.port, "POST", "/api/rules/propose", { body: JSON.stringify(rule) });
  if (answer.status !== 200) throw new Error(answer.text);
}

t.test("rules in a server with a day's data", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--stale-after", "1h"] });
  await fillWithADay(dashboard.koor);

  await t.test("the view passes the checks of every view", (t) =>
    checkView(t, dashboard, {
      address: "/rules",
      title: "Rules",
      ready: (page) => rowOf(page, "Decided", "no-private-keys").waitFor(),
    }),
  );

  await t.test("filters are in the address, and an address with filters applies them", async (t) => {
    const { page, close } = await dashboard.open("/rules?status=rejected");
    await rowOf(page, "Decided", "no-semicolons").waitFor();
    t.equal(await countOf(page.getByRole("table", { name: "Proposed rules" }), 0), 0);
    t.equal(await countOf(rowOf(page, "Decided", "no-private-keys"), 0), 0);
    await page.getByLabel("Status").selectOption("Any status");
    await page.getByLabel("Project").selectOption("search");
    await page.getByLabel("Search").fill("DISTANCE 2");
    await rowOf(page, "Proposed", "bounded-fuzziness").waitFor();
    await rowOf(page, "Decided", "no-match-all").waitFor({ state: "detached" });
    await checkAddress(t, page, "search", "?project=search&q=DISTANCE+2");
    await page.getByLabel("Search").fill("nothing has these words");
    await page.getByText("None of 26 rules matches.").waitFor();
    await close();
  });

  await t.test("a proposal is previewed on pasted content, then accepted in its row", async (t) => {
    const { page, complaints, close } = await dashboard.open("/rules");
    const row = rowOf(page, "Proposed", "no-total-string");
    await row.getByRole("button", { name: "Preview" }).click();
    const dialog = page.getByRole("dialog", { name: "Preview of checkout/no-total-string" });
    await dialog.getByLabel("Content").fill("type Cart = {\n  total: string;\n};\n");
    const line = dialog.getByRole("row", { name: "totals are cents" });
    await line.waitFor();
    t.match(await line.textContent(), /^2 {2}total: string;/, "the line has its number");
    t.equal(await line.locator("mark").textContent(), "total: string", "the match is marked");
    await dialog.getByLabel("Content").fill("type Cart = { total_cents: number };\n");
    await dialog.getByText("The text does not violate the rule.").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });

    await row.getByRole("button", { name: "Accept" }).click();
    await page.getByText("Rule checkout/no-total-string accepted").waitFor();
    await rowOf(page, "Decided", "no-total-string").getByText("accepted").waitFor();
    t.equal(await countOf(row, 0), 0, "it is no longer pending");
    t.same(complaints, []);
    await close();
  });

  await t.test("a new proposal appears, its markup as text, and is rejected", async (t) => {
    const { page, complaints, close } = await dashboard.open("/rules?project=live");
    const message = "<img src=x onerror=alert(1)>";
    await propose(dashboard, {
      project: "live",
      rule_id: "no-panic",
      pattern: "panic\\(",
      message,
      proposed_by: "ana",
    });
    const row = rowOf(page, "Proposed", "no-panic");
    await row.getByText(message).waitFor();
    await row.getByText("ana").waitFor();
    await row.getByRole("button", { name: "Reject" }).click();
    await rowOf(page, "Decided", "no-panic").getByText("rejected").waitFor();
    t.same(complaints, []);
    await close();
  });

  await t.test("a file is checked against all rules of a project", async (t) => {
    const { page, close } = await dashboard.open("/rules?project=checkout");
    await page.getByRole("button", { name: "Check a file" }).click();
    const dialog = page.getByRole("dialog", { name: "Check a file of checkout" });
    await dialog.getByLabel("Filename").fill("src/a.ts");
    await dialog.getByLabel("Content").fill("let a = 1; // TODO\n\n\n\n\n\n\nconsole.log(a)\n");
    await dialog.getByText("2 violations").waitFor();
    t.match(await dialog.getByRole("row", { name: "no-todo" }).textContent(), /^1let a/);
    t.match(await dialog.getByRole("row", { name: "no-console-log" }).textContent(), /^8console/);
    await dialog.getByText("2 lines", { exact: true }).waitFor();
    await close();
  });
});

t.test("without rules the view says how to begin; an instance may read, and decides nothing", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--auth-token", "s3cret"] });
  const headers = { Authorization: "Bearer s3cret" };
  const registered = await send(dashboard.koor.port, "POST", "/api/instances/register", {
    body: JSON.stringify({ name: "ana" }),
    headers,
  });
  const { token } = JSON.parse(registered.text) as { readonly token: string };
  // Requests before the login are rejected, and the browser logs these rejections.
  const { page, close } = await dashboard.open("/rules", { expected: [/401/] });
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("koor-cli rules import").waitFor();
  await send(dashboard.koor.port, "POST", "/api/rules/propose", {
    body: JSON.stringify({ project: "p", rule_id: "r", pattern: "x" }),
    headers,
  });
  const accept = rowOf(page, "Proposed", "r").getByRole("button", { name: "Accept" });
  await accept.waitFor();
  t.ok(await accept.isDisabled());
  t.match(await accept.getAttribute("title"), /server's token/);
  await page.getByRole("link", { name: "r", exact: true }).click();
  t.ok(await page.getByRole("button", { name: "Delete" }).isDisabled());
  await close();
});
