/**
 * Tests the page of one contract in a browser: its fields, its violations, and the panels that check payloads and
 * services.
 */
import t from "tap";
import { checkParameter } from "../../../test/support/address.js";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, countOf } from "../../../test/support/browser.js";
import { checkView, startDashboard, type Dashboard } from "../../../test/support/dashboard.js";
import { send } from "../../../test/support/http-client.js";
import { startReceiver } from "../../../test/support/receiver.js";

async function put({ koor }: Dashboard, path: string, body: string): Promise<void> {
  const answer = await send(koor.port, "PUT", path, { body });
  if (answer.status !== 200) throw new Error(answer.text);
}

t.test("one contract in a server with a day's data", { skip: browserMissing() }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--stale-after", "1h"] });
  await fillWithADay(dashboard.koor);

  await t.test("the page passes the checks of every view", (t) =>
    checkView(t, dashboard, {
      address: "/contracts/search/search-api",
      title: "Contracts",
      ready: (page) => page.getByRole("article", { name: "GET /api/suggest" }).waitFor(),
    }),
  );

  await t.test("an endpoint's fields are in a table, nested ones too", async (t) => {
    const { page, close } = await dashboard.open("/contracts/checkout/checkout-api");
    const fields = page.getByRole("table", { name: "Fields of GET /api/carts/{id}" });
    const currency = fields.getByRole("row", { name: "currency" });
    t.equal(await currency.textContent(), 'currencystringoptional"EUR" · "GBP" · "USD"');
    t.match(await fields.getByRole("row", { name: "lines" }).textContent(), "array of object");
    t.match(await fields.getByRole("row", { name: "book_id" }).textContent(), "required");
    t.match(await page.getByRole("link", { name: "Versions" }).getAttribute("href"), "/specs/checkout/checkout-api");
    await close();
  });

  await t.test("an agent that violates it is listed with the path, until it is fixed", async () => {
    const { page, close } = await dashboard.open("/contracts/checkout/checkout-api");
    const violation = page.getByRole("table", { name: "Violations" }).getByRole("row", { name: "codex-payments" });
    await violation.getByText("samples[0].request.total_cents").waitFor();
    await violation.getByText("violated").waitFor();
    await put(dashboard, "/api/state/checkout/checkout-api/samples/codex-payments", "[]");
    await page.getByRole("button", { name: "Run compliance now" }).click();
    await violation.getByText("fixed").waitFor();
    await page.getByText("met by all 3").waitFor();
    await close();
  });

  await t.test(
    "a payload can be checked: an example of each direction, one that does not match, one that is no JSON",
    async (t) => {
      const { page, complaints, close } = await dashboard.open("/contracts/checkout/checkout-api");
      await page.getByRole("button", { name: "Try POST /api/checkout" }).click();
      await checkParameter(t, page, "endpoint", "POST /api/checkout");
      const validate = page.getByRole("button", { name: "Validate" });
      for (const direction of ["request", "response", "error"]) {
        await page.getByLabel("Direction").selectOption(direction);
        await validate.click();
        await page.getByText("The payload matches the contract.").waitFor();
      }
      await page.getByLabel("Direction").selectOption("request");
      await page.getByLabel("Payload").fill('{"cart_id":7,"colour":"red"}');
      await page.getByText("The payload matches the contract.").waitFor({ state: "detached" });
      await validate.click();
      const found = page.getByRole("list", { name: "Violations found" }).getByRole("listitem");
      await found.filter({ hasText: "request.cart_idexpected string, got number" }).waitFor();
      await found.filter({ hasText: 'request.colourunexpected field "colour"' }).waitFor();
      await page.getByLabel("Payload").fill('{"cart_id":');
      t.ok(await validate.isDisabled());
      await page.getByRole("button", { name: "Example" }).click();
      t.ok(await validate.isEnabled());
      t.same(complaints, []);
      await close();
    },
  );

  await t.test("the server calls a live service, and refuses forbidden addresses", async (t) => {
    const service = await startReceiver(t, (_request, response) => {
      response.writeHead(201, { "Content-Type": "application/json" }).end('{"order_id":7}');
      return undefined;
    });
    const address = "/contracts/checkout/checkout-api?endpoint=POST+%2Fapi%2Fcheckout";
    const { page, close } = await dashboard.open(address, { expected: [/status of 400/] });
    const test = page.getByRole("button", { name: "Test", exact: true });
    t.ok(await test.isDisabled());
    await page.getByLabel("Service").fill(service.url);
    await test.click();
    await page.getByText("The service answered 201.").waitFor();
    await page.getByRole("list", { name: "Violations of the response" }).getByText("response.order_id").waitFor();
    await page.getByLabel("Service").fill("http://169.254.169.254");
    await test.click();
    await page.getByRole("alert").waitFor();
    t.equal(await countOf(page.getByText("The service answered 201."), 0), 0);
    await close();
  });

  await t.test("a spec that is not a contract is reported", async () => {
    await put(dashboard, "/api/specs/ops/plan", '{"kind":"plan"}');
    const { page, close } = await dashboard.open("/contracts/ops/plan");
    await page.getByText('This spec is not a contract: its member "kind" must be "contract".').waitFor();
    await close();
  });
});
