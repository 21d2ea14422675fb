/** Tests the page of one rule in a browser: its members, preview, history and deletion. */
import t from "tap";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, countOf } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";

t.test("one rule in a server with a day's data", { skip: browserMissing() }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--stale-after", "1h"] });
  await fillWithADay(dashboard.koor);

  await t.test("the page with a preview passes the checks of every view", (t) =>
    checkView(t, dashboard, {
      address: "/rules/checkout/no-total-string",
      title: "Rules",
      ready: async (page) => {
        await page.getByLabel("Content").fill("let total: string;");
        await page.locator("mark").waitFor();
      },
    }),
  );

  await t.test("a preview of a rule for other files says where it is used", async () => {
    const { page, close } = await dashboard.open("/rules/storefront/focus-visible");
    await page.getByLabel("Content").fill("a { outline: none }");
    await page.getByText("1 violation").waitFor();
    await page.getByLabel("Filename").fill("main.go");
    await page.getByText("this rule applies to *.css, *.tsx, not to main.go").waitFor();
    await close();
  });

  await t.test("one rule's page shows its members, and deletes it after a confirmation", async (t) => {
    const { page, close } = await dashboard.open("/rules/ops/no-noon-deploys");
    await page.getByText("carts were cut in half twice").waitFor();
    const done = page.getByRole("table", { name: "Changes of the rule" });
    await done.getByRole("row", { name: "proposed" }).getByRole("link", { name: "claude-release" }).waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    const question = page.getByRole("dialog", { name: "Delete the rule no-noon-deploys?" });
    await question.waitFor();
    await page.keyboard.press("Escape");
    await question.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Accept" }).click();
    await done.getByRole("row", { name: "accepted" }).waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await question.getByRole("button", { name: "Delete" }).click();
    await page.waitForURL("**/rules");
    await page.getByRole("link", { name: "no-private-keys" }).waitFor();
    t.equal(await countOf(page.getByRole("link", { name: "no-noon-deploys" }), 0), 0);
    await page.goBack();
    await page.getByText("This rule does not exist now.").waitFor();
    await done.getByRole("row", { name: "deleted" }).waitFor();
    await close();
  });
});
