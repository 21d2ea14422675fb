/** Tests the table of contracts in a browser: which specs it lists, their compliance, and the empty state. */
import t from "tap";
import { checkAddress } from "../../../test/support/address.js";
import { browserMissing, type Page, countOf } from "../../../test/support/browser.js";
import { fillWithADay } from "../../../test/support/a-day.js";
import { checkView, startDashboard, type Dashboard } from "../../../test/support/dashboard.js";
import { send } from "../../../test/support/http-client.js";

const skip = browserMissing();

function contractRow(page: Page, name: string) {
  return page.getByRole("table", { name: "Contracts" }).getByRole("row", { name });
}

async function put({ koor }: Dashboard, path: string, value: unknown): Promise<void> {
  const answer = await send(koor.port, "PUT", path, { body: JSON.stringify(value) });
  if (answer.status !== 200) throw new Error(answer.text);
}

t.test("contracts in a server with a day's data", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--stale-after", "1h"] });
  await fillWithADay(dashboard.koor);

  await t.test("the view passes the checks of every view", (t) =>
    checkView(t, dashboard, {
      address: "/contracts",
      title: "Contracts",
      ready: (page) => contractRow(page, "checkout-api").waitFor(),
    }),
  );

  await t.test("the list has the contracts among the specs, and their compliance", async (t) => {
    const { page, complaints, close } = await dashboard.open("/contracts");
    await contractRow(page, "checkout-api").getByText("violated by 1 of 3").waitFor();
    await contractRow(page, "payments-api").getByText("met by all 3").waitFor();
    t.equal(await countOf(page.getByRole("row"), 6), 6, "five of fifteen specs, and the head");
    await put(dashboard, "/api/specs/ops/hooks", { kind: "contract", endpoints: { "GET /a": {}, "GET /b": {} } });
    await put(dashboard, "/api/specs/ops/no-contract", { kind: "plan", says: "contract" });
    await contractRow(page, "ops / hooks").getByText("not checked").waitFor();
    await contractRow(page, "ops / hooks").getByText("no active agent", { exact: true }).waitFor();
    await page.getByLabel("Project").selectOption("ops");
    await contractRow(page, "checkout-api").waitFor({ state: "detached" });
    t.equal(await countOf(page.getByRole("row"), 3), 3);
    await checkAddress(t, page, "search", "?project=ops");
    await page.getByLabel("Search").fill("HOOKS");
    await page.getByRole("link", { name: "ops / hooks" }).click();
    await page.getByRole("heading", { name: "ops/hooks" }).waitFor();
    t.same(complaints, []);
    await close();
  });
});

t.test("without contracts the view says how to begin; an instance may not run the checks", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--auth-token", "s3cret"] });
  const registered = await send(dashboard.koor.port, "POST", "/api/instances/register", {
    body: '{"name":"ana"}',
    headers: { Authorization: "Bearer s3cret" },
  });
  const { token } = registered.json<{ readonly token: string }>();
  const { page, close } = await dashboard.open("/contracts");
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("koor-cli contract set").waitFor();
  t.ok(await page.getByRole("button", { name: "Run compliance now" }).isDisabled());
  await close();
});
