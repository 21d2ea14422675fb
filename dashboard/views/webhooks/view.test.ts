/** Tests the view of webhooks in a real browser, with a receiver that accepts or rejects deliveries. */
import t from "tap";
import type { Page } from "playwright-core";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, countOf, sideways } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { send } from "../../../test/support/http-client.js";
import { startReceiver } from "../../../test/support/receiver.js";

const skip = browserMissing();

const rowOf = (page: Page, id: string) => page.getByRole("row").filter({ has: page.getByRole("link", { name: id }) });

t.test("webhooks in a server with a day's data", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--stale-after", "1h"] });
  const { koor } = dashboard;
  const receiver = await startReceiver(t);
  const { known } = await fillWithADay(koor, { nowMs: Date.now(), receiverUrl: receiver.url });

  await t.test("the table and the page of one webhook pass the checks of every view", async (t) => {
    for (const address of ["/webhooks", `/webhooks/${known.disabledWebhook}`])
      await checkView(t, dashboard, {
        address,
        title: "Webhooks",
        ready: (page) => page.getByText("off", { exact: true }).waitFor(),
      });
  });

  await t.test("webhooks that need attention come first, with the reason", async (t) => {
    const { page, close } = await dashboard.open("/webhooks");
    t.teardown(close);
    await page.getByText("healthy").first().waitFor();
    const ids = await page.locator("tbody .webhook-id").allTextContents();
    t.same(ids.slice(0, 2), [known.disabledWebhook, known.failingWebhook]);
    await rowOf(page, known.disabledWebhook)
      .getByText(/connection refused/)
      .waitFor();
    await rowOf(page, known.failingWebhook)
      .getByText(/failing \d+ times in a row/)
      .waitFor();
  });

  await t.test("one webhook shows advice, and its matching events", async (t) => {
    const { page, close } = await dashboard.open("/webhooks");
    t.teardown(close);
    await page.getByRole("link", { name: known.disabledWebhook }).click();
    await page.getByText(/send a test delivery, then enable the webhook/).waitFor();
    t.match(await page.title(), known.disabledWebhook);
    const recent = page.getByRole("region", { name: "Matching events" });
    await recent.getByRole("link", { name: "deploy.staging" }).first().waitFor();
    const body = '{"topic":"deploy.staging","data":"just now"}';
    await send(koor.port, "POST", "/api/events/publish", { body });
    await recent.getByText('"just now"').waitFor();
    await page.setViewportSize({ width: 390, height: 800 });
    t.equal(await sideways(recent), 0);
    const topic = recent.getByRole("link", { name: "deploy.staging" }).first();
    t.equal(await sideways(topic.locator("..")), 0, "the topic is whole on a phone");
    t.ok(await recent.getByRole("link", { name: "claude-release" }).first().isVisible(), "and so is its source");
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.goto(`${dashboard.url}/webhooks/nobody`);
    await page.getByText("There is no webhook nobody").waitFor();
  });

  await t.test("a webhook that was turned off can be enabled", async (t) => {
    const id = known.disabledWebhook;
    const { page, close } = await dashboard.open(`/webhooks/${id}`);
    t.teardown(close);
    await page.getByRole("button", { name: `Enable ${id}` }).click();
    await page.getByText(`Webhook ${id} enabled; its queue continues`).waitFor();
    await page.getByText("healthy").waitFor();
    t.equal(await countOf(page.getByRole("button", { name: `Enable ${id}` }), 0), 0);
  });
});

t.test("a webhook can be added, tested and deleted, and its event skipped", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { koor } = dashboard;
  const receiver = await startReceiver(t);
  const { page, complaints } = await dashboard.open("/webhooks", { expected: [/40[09]/] });
  await page.getByText("koor-cli webhooks add").waitFor();

  await page.getByRole("button", { name: "Add" }).click();
  const form = page.getByRole("dialog", { name: "Add a webhook" });
  const add = form.getByRole("button", { name: "Add webhook" });
  await add.click();
  await form.getByText("id is required").waitFor();
  t.equal(await form.getByLabel("Id").getAttribute("aria-invalid"), "true");
  await form.getByLabel("Id").fill("ci");
  await form.getByLabel("URL").fill("ftp://nowhere");
  await add.click();
  await form.getByText("url must be an http or https URL").waitFor();
  await form.getByLabel("URL").fill(`${receiver.url}/koor`);
  await form.getByLabel("Patterns").fill("build.*, a.[");
  await add.click();
  await form.getByText(/malformed pattern/).waitFor();
  await form.getByLabel("Patterns").fill("build.*");
  await form.getByLabel("Secret").fill("s3cret");
  await page.keyboard.press("Enter");
  await form.waitFor({ state: "detached" });
  await rowOf(page, "ci").getByText("nothing delivered yet").waitFor();

  await page.getByRole("button", { name: "Test ci" }).click();
  await page.getByText("Test delivery to ci succeeded").waitFor();
  t.match(receiver.requests[0]?.headers, { "x-koor-signature": /^[0-9a-f]{64}$/ });
  await send(koor.port, "POST", "/api/events/publish", { body: '{"topic":"build.done"}' });
  await rowOf(page, "ci").getByText("healthy").waitFor();

  receiver.behave = () => 503;
  await page.getByRole("button", { name: "Test ci" }).click();
  await page.getByText(/webhook test failed: .*503/).waitFor();
  await send(koor.port, "POST", "/api/events/publish", { body: '{"topic":"build.failed"}' });
  await rowOf(page, "ci")
    .getByText(/failing/)
    .waitFor();
  await rowOf(page, "ci")
    .getByText(/answered 503/)
    .waitFor();
  await page.getByRole("link", { name: "ci" }).click();
  const log = page.getByRole("region", { name: "Log" });
  await log.getByText("503").first().waitFor();
  await log.getByText("200").first().waitFor();
  await log.getByRole("button", { name: /^Skip event \d+$/ }).dblclick();
  await page.getByText(/^Event \d+ set aside$/).waitFor();
  t.equal(await countOf(page.locator(".toast-bad").filter({ hasText: "not the next one" }), 0), 0);
  await page.getByLabel("Outcome").selectOption("delivered");
  await log.getByText("failed 503").first().waitFor({ state: "detached" });
  await log.getByText("delivered 200").first().waitFor();
  await page.getByLabel("Outcome").selectOption("failed");
  receiver.behave = () => 200;
  await log.getByRole("button", { name: /^Send event \d+$/ }).click();
  await page.getByText(/^Event \d+ delivered$/).waitFor();
  await page.goBack();

  await page.getByRole("button", { name: "Delete ci" }).click();
  const question = page.getByRole("dialog", { name: "Delete ci?" });
  await question.waitFor();
  await page.keyboard.press("Escape");
  await question.waitFor({ state: "detached" });
  await rowOf(page, "ci").waitFor();
  await page.getByRole("button", { name: "Delete ci" }).click();
  await question.getByRole("button", { name: "Delete" }).click();
  await page.getByText("No webhooks yet").waitFor();
  t.same(complaints, []);
});

t.test("skipped events are shown, sent again and dropped", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { koor } = dashboard;
  const receiver = await startReceiver(t);
  receiver.behave = () => 422;
  const hook = JSON.stringify({ id: "ci", url: receiver.url, patterns: ["build.*"] });
  await send(koor.port, "POST", "/api/webhooks", { body: hook });
  const ids: number[] = [];
  for (const stage of ["one", "two"]) {
    const body = JSON.stringify({ topic: "build.done", data: { stage, digits: "kept" } });
    const { id } = (await send(koor.port, "POST", "/api/events/publish", { body })).json<{ readonly id: number }>();
    ids.push(id);
    await receiver.until(() => receiver.ids().includes(id));
    t.equal((await send(koor.port, "POST", `/api/webhooks/ci/skip?event_id=${id}`)).status, 200);
  }
  const [first = 0, second = 0] = ids;

  for (const width of [1280, 400]) {
    const { page, close } = await dashboard.open("/webhooks", { width, height: 800 });
    await rowOf(page, "ci").getByText("2 events set aside").waitFor();
    await close();
  }
  await checkView(t, dashboard, {
    address: "/webhooks/ci",
    title: "Webhooks",
    ready: (page) => page.getByRole("button", { name: `Drop event ${second}` }).waitFor(),
  });

  const { page, complaints } = await dashboard.open("/", { expected: [/40[04]/] });
  await page.getByText(/events? set aside|in a row/).waitFor();
  await page.goto(`${dashboard.url}/webhooks/ci`);
  await page.getByRole("heading", { name: "Set aside: 2" }).waitFor();
  const table = page.getByRole("region", { name: "Set aside", exact: true });
  await table.getByText("skipped").nth(1).waitFor();
  await page.getByRole("button", { name: `View event ${first}` }).click();
  const event = page.getByRole("dialog", { name: `Event ${first}` });
  await event.getByText('"one"').waitFor();
  await page.keyboard.press("Escape");
  await event.waitFor({ state: "detached" });

  const again = table.getByRole("button", { name: `Send event ${first}` });
  await again.click();
  await page.getByText(/webhook delivery failed: .*422/).waitFor();
  receiver.behave = () => 200;
  await again.click();
  await page.getByText(`Event ${first} delivered`).waitFor();
  await again.waitFor({ state: "detached" });
  t.equal(receiver.ids().filter((id) => id === first).length > 1, true, "the receiver has got it");

  await page.getByRole("button", { name: `Drop event ${second}` }).click();
  const question = page.getByRole("dialog", { name: `Drop event ${second}?` });
  await question.waitFor();
  await page.keyboard.press("Escape");
  await question.waitFor({ state: "detached" });
  await page.getByRole("button", { name: `Drop event ${second}` }).click();
  await question.getByRole("button", { name: "Drop" }).click();
  await page.getByText(`Event ${second} dropped`).waitFor();
  await page.getByRole("heading", { name: /^Set aside/ }).waitFor({ state: "detached" });
  t.equal((await send(koor.port, "GET", "/api/webhooks/ci/dead-letters")).text, "[]\n");
  t.same(complaints, []);
});

t.test("an agent may only read", { skip }, async (t) => {
  const TOKEN = "the-servers-token";
  const dashboard = await startDashboard(t, { args: ["--auth-token", TOKEN] });
  const { koor } = dashboard;
  const headers = { Authorization: `Bearer ${TOKEN}` };
  const registered = await send(koor.port, "POST", "/api/instances/register", { headers, body: '{"name":"ana"}' });
  await send(koor.port, "POST", "/api/webhooks", { headers, body: '{"id":"ci","url":"http://127.0.0.1:1/"}' });
  const { page } = await dashboard.open("/webhooks");
  await page.getByLabel("Token").fill(registered.json<{ readonly token: string }>().token);
  await page.getByRole("button", { name: "Log in" }).click();
  await rowOf(page, "ci").waitFor();
  for (const name of ["Add", "Test ci", "Delete ci"]) {
    const button = page.getByRole("button", { name });
    t.equal(await button.isDisabled(), true, name);
    t.equal(await button.getAttribute("title"), "This needs the server's token.", name);
  }
});
