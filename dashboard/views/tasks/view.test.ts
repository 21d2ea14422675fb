/**
 * Tests the view of tasks in a browser: the board, one task, its actions, live updates, and that content is shown as
 * text.
 */
import t from "tap";
import { checkAddress } from "../../../test/support/address.js";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, type Page, countOf } from "../../../test/support/browser.js";
import { axeViolations, checkView, startDashboard } from "../../../test/support/dashboard.js";
import { send, sendJson } from "../../../test/support/http-client.js";
import { Agent } from "../../../test/support/leasing.js";
import { taskADay } from "../../../test/support/task-work.js";

const skip = browserMissing();

const lane = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
const card = (page: Page, name: string, title: string) =>
  lane(page, name)
    .getByRole("listitem")
    .filter({ has: page.getByRole("link", { name: title, exact: true }) });

t.test("tasks in a server with a day's data", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--stale-after", "1h"] });
  const { port } = dashboard.koor;
  const { page, complaints } = await dashboard.open("/tasks", { expected: [/status of 409/] });
  await page.getByText("koor-cli task add").waitFor();
  const day = await fillWithADay(dashboard.koor);
  await taskADay(dashboard.koor, day);
  await card(page, "Ended", "remove the autumn banner").waitFor();
  const ready = (seen: Page) => card(seen, "Claimed", "cart totals in integer cents").waitFor();
  await checkView(t, dashboard, { address: "/tasks", title: "Tasks", ready });
  await checkView(t, dashboard, {
    address: "/tasks/reindex",
    title: "Tasks",
    ready: (seen) => seen.getByRole("table", { name: "Steps of the task" }).waitFor(),
  });

  await t.test("tasks are sorted into columns by state, with a text for each", async (t) => {
    const said = async (column: string, title: string): Promise<string> =>
      (await card(page, column, title).textContent()) ?? "";
    t.match(await said("Blocked", "rank by synonyms, too"), /waits for dead task synonyms/);
    t.match(await said("Blocked", "order totals in integer cents"), /after cents-cart/);
    t.match(await said("Ready", "release notes of 4.12"), /priority 6.*1 of 3 attempts/);
    t.match(await said("Claimed", "cart totals in integer cents"), /60 %cart.ts and lines.ts are doneclaude-checkout/);
    t.match(await said("Asks", "reindex only the books that changed"), /May the index be an hour behind/);
    t.match(await said("Ended", "import the synonym list"), /dead.*line 812/);
  });

  await t.test("filters are in the address", async (t) => {
    await page.getByLabel("Label").selectOption("money");
    await card(page, "Ended", "remove the autumn banner").waitFor({ state: "detached" });
    await page.getByLabel("Holder").selectOption("claude-checkout");
    await lane(page, "Blocked").getByRole("listitem").first().waitFor({ state: "detached" });
    await page.reload();
    await ready(page);
    t.equal(await countOf(page.getByRole("region", { name: "Board" }).getByRole("listitem"), 1), 1);
    await page.getByLabel("Workspace").selectOption("bookshop");
    await ready(page);
    await checkAddress(t, page, "href", /workspace=bookshop/);
  });

  await t.test("dependencies are drawn, and the keyboard goes through them", async (t) => {
    await page.goto(`${dashboard.url}/tasks`);
    await page.getByRole("button", { name: "Dependencies" }).click();
    const drawn = page.getByRole("region", { name: "Dependencies, drawn" });
    t.equal(await countOf(drawn.getByRole("link"), 5), 5);
    await checkAddress(t, page, "href", /as=graph/);
    await checkView(t, dashboard, {
      address: "/tasks?as=graph",
      title: "Tasks",
      ready: (seen) => seen.getByRole("region", { name: "Dependencies, drawn" }).waitFor(),
    });
    await drawn.focus();
    await page.keyboard.press("Tab");
    t.match(await page.locator(":focus").textContent(), /^cart totals in integer cents.*claimed/);
    const later = drawn.getByRole("link", { name: /^order totals .*blocked$/ });
    t.match(await later.getAttribute("title"), /, after cents-cart$/);
    await later.click();
    await page.getByRole("heading", { level: 1, name: "cents-orders" }).waitFor();
  });

  await t.test("a ready task says why nobody has claimed it", async () => {
    const agent = await Agent.register(port, "gus", { workspace: "bookshop" });
    await send(port, "POST", `/api/instances/${agent.id}/activate`, { headers: agent.headers });
    await page.goto(`${dashboard.url}/tasks/focus-order`);
    const why = page.getByRole("region", { name: "Why no agent has claimed it" });
    await why.getByText("1 agent may claim it and has not asked for it: gus").waitFor();
    await sendJson(port, "POST", "/api/tasks/claim", { id: "notes-412", workspace: "bookshop" }, agent.headers);
    await why.getByText("works on another task: release notes of 4.12 (gus)").waitFor();
  });

  await t.test("several tasks are selected with the keyboard, cancelled, and tried again", async (t) => {
    for (const id of ["many-a", "many-b", "many-c"])
      await sendJson(port, "POST", "/api/tasks", { id, title: id, labels: ["many"], workspace: "bookshop" });
    const statesOf = async () => {
      const { tasks } = (await send(port, "GET", "/api/tasks?label=many")).json<{
        tasks: { id: string; state: string }[];
      }>();
      return tasks.map(({ id, state }) => `${id} ${state}`).sort();
    };
    await page.goto(`${dashboard.url}/tasks?label=many`);
    await card(page, "Ready", "many-c").waitFor();
    const bar = page.getByRole("region", { name: "Selected tasks" });
    for (const key of ["j", "x", "j", "j", "x", "k", "x", "x"]) await page.keyboard.press(key);
    await bar.getByText("2 tasks selected").waitFor();
    t.ok(await bar.getByRole("button", { name: "Retry 0" }).isDisabled());
    t.same(await axeViolations(page), []);
    await bar.getByRole("button", { name: "Cancel 2" }).click();
    const dialog = page.getByRole("dialog", { name: "Cancel 2 tasks?" });
    t.same(await dialog.getByRole("listitem").allTextContents(), ["many-a", "many-c"]);
    // Another client has cancelled one of them meanwhile. That is no failure.
    await sendJson(port, "POST", "/api/tasks/many-a/cancel", {});
    await dialog.getByRole("button", { name: "Cancel the tasks" }).click();
    await bar.waitFor({ state: "detached" });
    t.same(await statesOf(), ["many-a canceled", "many-b ready", "many-c canceled"]);
    await card(page, "Ended", "many-a").getByRole("checkbox", { name: "Select many-a" }).check();
    await bar.getByRole("button", { name: "Retry 1" }).click();
    await card(page, "Ready", "many-a").waitFor();
    t.same(await statesOf(), ["many-a ready", "many-b ready", "many-c canceled"]);
  });

  await t.test("a question is answered, a dead task tried again, one cancelled", async (t) => {
    const { page: other, close } = await dashboard.open("/tasks");
    await page.goto(`${dashboard.url}/tasks/reindex`);
    const answer = page.getByRole("button", { name: "Answer" });
    await answer.waitFor();
    t.ok(await answer.isDisabled(), "not without a text");
    const question = page.getByRole("region", { name: "Question", exact: true });
    await question.getByText("kilo-indexer asks").waitFor();
    const [first] = await page.getByRole("heading", { level: 2 }).allTextContents();
    t.equal(first, "Question", "before the facts");
    await page.getByLabel("Answer").fill("Wait for the night.");
    await answer.click();
    await question.getByText("operator answered").waitFor();
    await question.getByText("Wait for the night.").waitFor();
    t.equal(await countOf(answer, 0), 0);
    await card(other, "Ready", "reindex only the books that changed").waitFor();

    await page.goto(`${dashboard.url}/tasks/synonyms`);
    await page.getByRole("region", { name: "Facts" }).getByRole("link", { name: "ranking-synonyms" }).waitFor();
    await page.getByRole("button", { name: "Retry" }).click();
    await card(other, "Ready", "import the synonym list").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    const dialog = page.getByRole("dialog", { name: "Cancel synonyms?" });
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Cancel" }).click();
    await dialog.getByLabel("Reason").fill("no <b>synonyms</b>");
    await dialog.getByRole("button", { name: "Cancel the task" }).click();
    await page.getByRole("table").getByText("no <b>synonyms</b>").waitFor();
    await card(other, "Ended", "import the synonym list").getByText("canceled").waitFor();
    const [row] = (await send(port, "GET", "/api/audit?action=task.cancel&limit=1")).json<{ actor: string }[]>();
    t.equal(row?.actor, "dashboard");
    await close();
  });
  t.same(complaints, []);
});

t.test("an agent may change only tasks that it created or holds", { skip }, async (t) => {
  const by = { Authorization: "Bearer secret" };
  const dashboard = await startDashboard(t, { args: ["--auth-token", "secret"] });
  const { port } = dashboard.koor;
  const [ana, bob] = [await Agent.register(port, "ana", { by }), await Agent.register(port, "bob", { by })];
  const hostile = `<img src=x onerror="window.__ran=1">`;
  const task = { title: hostile, body: hostile, data: hostile, labels: [hostile], workspace: hostile };
  await sendJson(port, "POST", "/api/tasks", { ...task, id: "of-ana" }, ana.headers);
  await sendJson(port, "POST", "/api/tasks", { ...task, id: "of-bob" }, bob.headers);
  const { page, complaints } = await dashboard.open("/tasks/of-bob", { expected: [/401/] });
  await page.getByLabel("Token").fill(bob.token);
  await page.getByRole("button", { name: "Log in" }).click();
  const cancel = page.getByRole("button", { name: "Cancel" });
  await cancel.waitFor();
  t.notOk(await cancel.isDisabled());
  t.equal(await page.locator(".plain-text").textContent(), hostile);
  await page.goto(`${dashboard.url}/tasks/of-ana`);
  await cancel.waitFor();
  t.ok(await cancel.isDisabled());
  t.match(await cancel.getAttribute("title"), /server's token/);
  await page.getByRole("heading", { level: 1 }).getByRole("link", { name: "Tasks" }).click();
  await lane(page, "Ready").getByRole("listitem").nth(1).waitFor();
  t.equal(await countOf(page.getByRole("main").locator("img"), 0), 0);
  t.equal(await page.evaluate("window.__ran"), undefined);
  t.same(complaints, []);
});
