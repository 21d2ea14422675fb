/** Tests the radar in a browser: the matrix, the files of a pair, the choice in the address, and live updates. */
import t from "tap";
import { checkAddress } from "../../../test/support/address.js";
import { browserMissing, countOf, type Page } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { sendJson } from "../../../test/support/http-client.js";
import { Agent } from "../../../test/support/leasing.js";

const skip = browserMissing();

const matrix = (page: Page) => page.getByRole("table", { name: "Checkouts" });
const files = (page: Page) => page.getByRole("table", { name: "Files that both change" });

t.test("checkouts that change the same files", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const report = async (id: string, branch: string, changed: readonly object[], workspace = "shop"): Promise<void> => {
    const answer = await sendJson(port, "PUT", `/api/checkouts/${id}/changes`, { workspace, branch, files: changed });
    t.equal(answer.status, 200, answer.text);
  };
  const { page, complaints } = await dashboard.open("/radar");
  await page.getByText("koor-cli radar report").waitFor();

  await Agent.register(port, "ana", { workspace: "shop", checkout: "c1" });
  await Agent.register(port, "ben", { workspace: "shop", checkout: "c2" });
  await Agent.register(port, "cid", { workspace: "mill", checkout: "c9" });
  await report("c1", "<b>cart</b>", [
    { path: "src/cart.ts", ranges: [[10, 14]] },
    { path: "src/old.ts", ranges: [[3, 3]] },
    { path: "src/api.ts", ranges: [[1, 2]] },
  ]);
  await report("c2", "tax", [{ path: "src/cart.ts", ranges: [[15, 20]] }]);
  await report("c3", "mail", [
    { path: "src/old.ts", deleted: true },
    { path: "src/api.ts", ranges: [[50, 49]] },
  ]);
  await matrix(page).waitFor();
  await checkView(t, dashboard, { address: "/radar", title: "Radar", ready: (one) => files(one).waitFor() });

  await t.test("the worst pair is shown first, and each cell opens another", async (t) => {
    await page.getByRole("heading", { name: "<b>cart</b> and mail" }).waitFor();
    await matrix(page).getByRole("link", { name: "ana" }).waitFor();
    t.equal(await countOf(matrix(page).getByRole("button"), 4), 4, "each pair twice");
    await files(page)
      .getByRole("row")
      .filter({ hasText: "src/old.ts" })
      .getByText("deleted", { exact: true })
      .waitFor();
    const cell = matrix(page).getByRole("button", { name: "1: <b>cart</b> and tax: 1 file, same lines" });
    t.equal(await cell.getAttribute("aria-pressed"), "false");
    await cell.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "<b>cart</b> and tax" }).waitFor();
    t.equal(await cell.getAttribute("aria-pressed"), "true");
    const row = files(page).getByRole("row").filter({ hasText: "src/cart.ts" });
    for (const text of ["same lines", "10–14", "15–20"]) await row.getByText(text, { exact: true }).waitFor();
    await checkAddress(t, page, "search", /workspace=shop&a=c1&b=c2/);
    await page.reload();
    await page.getByRole("heading", { name: "<b>cart</b> and tax" }).waitFor();
  });

  await t.test("a report changes every page", async (t) => {
    await report("c2", "tax", [{ path: "src/cart.ts", ranges: [[40, 41]] }]);
    await files(page).getByText("other lines", { exact: true }).waitFor();
    await report("c2", "tax", []);
    await page.getByRole("heading", { name: "<b>cart</b> and mail" }).waitFor();
    t.equal(await countOf(matrix(page).getByRole("button"), 2), 2);
  });

  await t.test("another workspace is chosen, and one without overlaps is empty", async (t) => {
    await report("c9", "one", [{ path: "x.ts" }], "mill");
    await report("c10", "two", [{ path: "x.ts" }], "mill");
    await page.getByLabel("Workspace").selectOption("mill");
    await page.getByRole("heading", { name: "two and one" }).waitFor();
    t.equal(await countOf(files(page).getByText("whole file", { exact: true }), 2), 2);
    await report("c10", "two", [], "mill");
    await page.getByText("No overlaps").waitFor();
    t.same(complaints, []);
  });
});
