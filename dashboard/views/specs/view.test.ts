/** Tests the view of specs in a real browser: its differences to the view of state, with which it shares components. */
import t from "tap";
import { checkAddress } from "../../../test/support/address.js";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { sendJson } from "../../../test/support/http-client.js";

t.test("specs in a real server", { skip: browserMissing() }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--stale-after", "1h"] });
  const { port } = dashboard.koor;
  const { known } = await fillWithADay(dashboard.koor);
  const [project = "", name = ""] = known.rolledBackSpec.split("/");
  const address = `/specs/${encodeURIComponent(project)}/${encodeURIComponent(name)}`;

  await t.test("the view passes the checks of every view", async (t) => {
    await checkView(t, dashboard, {
      address: "/specs",
      title: "Specs",
      ready: (page) => page.getByRole("treeitem").first().waitFor(),
    });
    await checkView(t, dashboard, {
      address,
      title: "Specs",
      ready: (page) => page.getByRole("heading", { name: "Versions" }).waitFor(),
    });
  });

  await t.test("a spec is found, compared, and rolled back", async (t) => {
    const { page, complaints, close } = await dashboard.open("/specs");
    await page.getByRole("searchbox", { name: "Search" }).fill(known.rolledBackSpec);
    await page.getByRole("treeitem", { name: known.rolledBackSpec }).click();
    await page.getByRole("button", { name: "Compare", exact: true }).click();
    await page.getByRole("region", { name: /^Version \d+ beside version \d+/ }).waitFor();
    await page.getByRole("row", { name: "1 equal line" }).waitFor();
    const gutter = await page.locator("td.diff-number").first().boundingBox();
    t.ok((gutter?.width ?? Infinity) < 50, "the first row, which has one cell, does not widen the line numbers");
    t.equal(new URL(page.url()).pathname, address);
    const shown = await page.getByRole("button", { name: /^Show version/ }).count();
    await page.getByRole("button", { name: "Roll back to version 1", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
    await page.getByRole("button", { name: `Show version ${shown + 1}` }).waitFor();
    t.same(complaints, []);
    await close();
  });

  await t.test("specs of another client appear, in a known project and in a new one", async (t) => {
    const { page, complaints, close } = await dashboard.open(address);
    await page.getByRole("heading", { name: "Versions" }).waitFor();
    await page.getByRole("searchbox", { name: "Search" }).fill("appears");
    await page.getByText("No spec matches").waitFor();
    await sendJson(port, "PUT", `/api/specs/${encodeURIComponent(project)}/appears`, { a: 1 });
    await page.getByRole("treeitem", { name: `${project}/appears` }).waitFor();
    await sendJson(port, "PUT", "/api/specs/with%2Fslash/appears", { a: 1 });
    const slashed = page.getByRole("treeitem", { name: "with/slash/appears" });
    await slashed.click();
    await page.getByRole("region", { name: "with/slash/appears", exact: true }).waitFor();
    await checkAddress(t, page, "pathname", "/specs/with%2Fslash/appears");
    t.same(complaints, []);
    await close();
  });

  await t.test("a name that no path can express leads to no other spec", async (t) => {
    await sendJson(port, "PUT", "/api/specs/dots/%2E%2E", { a: 1 });
    const { page, close } = await dashboard.open("/specs", { expected: [/status of 40\d/] });
    await page.getByRole("searchbox", { name: "Search" }).fill("dots");
    await page.getByRole("heading", { level: 1, name: "Specs" }).waitFor();
    t.notOk((await page.getByRole("alert").count()) > 0);
    await close();
  });
});
