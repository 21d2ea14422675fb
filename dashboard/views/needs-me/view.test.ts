/**
 * Tests the view "Needs me" in a browser. Items appear, their actions work, they disappear by themselves, and every
 * view shows their number.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import t from "tap";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, type Page, countOf } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { sendEdit, sendHook } from "../../../test/support/hook-work.js";
import { send, sendJson } from "../../../test/support/http-client.js";
import { makeSnapshot } from "../../../test/support/snapshot.js";
import { taskADay } from "../../../test/support/task-work.js";
import { leaseADay } from "../../../test/support/lease-work.js";

const skip = browserMissing();
/** With this limit, the sample day's agents have the status that the tests expect. */
const ARGS = ["--stale-after", "1h"];

const group = (page: Page, name: string) => page.getByRole("region", { name });
const rowOf = (page: Page, name: string) =>
  page.getByRole("listitem").filter({ has: page.getByRole("link", { name, exact: true }) });

function proposal(ruleId: string, message: string): object {
  return { project: "trucks", rule_id: ruleId, pattern: ": any\\b", message };
}

t.test("items in a server with a day's data", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: ARGS });
  const { koor } = dashboard;
  const day = await fillWithADay(koor);
  const { known } = day;
  const leases = await leaseADay(koor, day);
  await taskADay(koor, day);
  const [first = "", second = ""] = known.proposedRules;
  const counted = (page: Page, count: number) =>
    page
      .locator("nav .count")
      .filter({ hasText: new RegExp(`^${count}$`) })
      .waitFor();

  await t.test("the view passes the checks of every view", async (t) => {
    await checkView(t, dashboard, {
      address: "/",
      title: "Needs me",
      ready: (page) => group(page, "Stale agents").waitFor(),
    });
  });

  const { page, complaints } = await dashboard.open("/", { expected: [/400/] });
  await group(page, "Stale agents").waitFor();

  await t.test("each kind has its age and a link", async (t) => {
    for (const [name, item] of [
      ["Proposed rules", first],
      ["Webhooks", known.disabledWebhook],
      ["Webhooks", known.failingWebhook],
      ["Compliance violations", "storefront/catalog-api"],
      ["Blocking leases", "path:web/product/covers/**"],
      ["Unanswered requests", known.unreadRequest],
      ["Questions", "reindex only the books that changed"],
      ["Dead tasks", "import the synonym list"],
    ] as const) {
      const row = group(page, name)
        .getByRole("listitem")
        .filter({ has: page.getByRole("link", { name: item, exact: true }) });
      t.match(await row.locator(".need-since time").textContent(), /ago|just now/, `${item}: its age`);
    }
    const link = rowOf(page, first).getByRole("link", { name: first });
    t.equal(await link.getAttribute("href"), `/rules/${first}`, "a proposal leads to where it can be previewed");
  });

  await t.test("the groups are in the order of urgency", async (t) => {
    const titles = await page.getByRole("heading", { level: 2 }).allTextContents();
    t.same(titles, [
      "Questions",
      "Unanswered requests",
      "Compliance violations",
      "Blocking leases",
      "Webhooks",
      "Dead tasks",
      "Proposed rules",
      "Stale agents",
    ]);
    for (const row of await page.locator(".need").all()) {
      t.ok((await row.locator(".need-why").textContent()) !== "", "a row says why it matters");
      t.ok((await row.getByRole("button").count()) > 0, "and has an action");
    }
  });

  await t.test("a question is answered in its row, which says who asks", async (t) => {
    const name = "reindex only the books that changed";
    t.match(await rowOf(page, name).innerText(), /kilo-indexer asks: May the index/);
    await page.getByRole("button", { name: `Answer ${name}` }).click();
    const dialog = page.getByRole("dialog");
    t.ok(await dialog.getByRole("button", { name: "Answer" }).isDisabled(), "an answer has a text");
    await dialog.getByLabel("Answer", { exact: true }).fill("an hour is fine");
    await dialog.getByRole("button", { name: "Answer" }).click();
    await rowOf(page, name).waitFor({ state: "detached" });
    t.match((await send(koor.port, "GET", "/api/tasks?limit=100")).text, '"answer":"an hour is fine"');
  });

  await t.test("a rule is accepted, another rejected, and both disappear", async (t) => {
    for (const [verdict, name, status] of [
      ["Accept", first, "accepted"],
      ["Reject", second, "rejected"],
    ] as const) {
      const before = Number(await page.locator("nav .count").textContent());
      await page.getByRole("button", { name: `${verdict} ${name}` }).click();
      await rowOf(page, name).waitFor({ state: "detached" });
      const { text } = await send(koor.port, "GET", `/api/rules?project=${name.split("/")[0]}&status=${status}`);
      t.ok(text.includes(`"rule_id":"${name.split("/")[1]}"`), `${name} is ${status}`);
      await counted(page, before - 1);
    }
  });

  await t.test("a webhook is enabled, and a test that fails shows the reason", async (t) => {
    await page.getByRole("button", { name: `Test ${known.failingWebhook}` }).click();
    await page.getByText(/webhook test failed/).waitFor();
    const enable = page.getByRole("button", { name: `Enable ${known.disabledWebhook}` });
    await enable.click();
    await page.getByText(`${known.disabledWebhook} enabled`).waitFor();
    await enable.waitFor({ state: "detached" });
    const { text } = await send(koor.port, "GET", "/api/webhooks");
    t.notMatch(text, '"active":false');
  });

  await t.test("an agent is removed only after a question that Escape cancels", async (t) => {
    const remove = group(page, "Stale agents").getByRole("button").first();
    const name = ((await remove.getAttribute("aria-label")) ?? "").replace("Remove ", "");
    await remove.click();
    await page.getByRole("dialog", { name: `Remove ${name}?` }).waitFor();
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    t.ok(await rowOf(page, name).isVisible(), "nothing was done");
    await remove.click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await rowOf(page, name).waitFor({ state: "detached" });
    t.same((await send(koor.port, "GET", `/api/instances?name=${name}`)).json(), [], "it has disappeared");
  });

  await t.test("a new proposal is counted in every view, and in the title", async (t) => {
    await page.getByRole("link", { name: "Audit", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "Audit" }).waitFor();
    const before = Number(await page.locator("nav .count").textContent());
    await sendJson(koor.port, "POST", "/api/rules/propose", proposal("no-any", "<script>alert(1)</script>"));
    await counted(page, before + 1);
    t.match(await page.title(), `(${before + 1}) `, "the title has the count, too");
    await page.getByRole("link", { name: "Needs me" }).click();
    t.match(await rowOf(page, "trucks/no-any").textContent(), "<script>alert(1)</script>", "markup is text");
  });

  await t.test("a lease is listed while it blocks others, a message until it is read", async (t) => {
    const covers = rowOf(page, "path:web/product/covers/**");
    t.match(
      await covers.textContent(),
      /kilo-product-page holds it .*cursor-storefront waits · ends at the latest in /,
    );
    const ours = leases.find(({ holder }) => holder.name === "cursor-storefront");
    const by = { "X-Koor-Instance": ours?.holder.id ?? "" };
    await send(koor.port, "DELETE", `/api/leases/${ours?.id}`, { headers: by });
    await covers.waitFor({ state: "detached" });

    const asked = rowOf(page, known.unreadRequest);
    t.match(await asked.textContent(), /codex-payments requests \(important\): not read by claude-checkout-review/);
    const { id } = day.agents.find(({ name }) => name === "claude-checkout-review") ?? { id: "" };
    const mark = { ids: ["message-4"], as: "read" };
    await sendJson(koor.port, "POST", "/api/messages/mark", mark, { "X-Koor-Instance": id });
    await asked.waitFor({ state: "detached" });
    t.equal(await countOf(rowOf(page, "staging is blue now"), 0), 0, "a message that only informs is not listed");
  });

  await t.test("a dead task can be tried again", async () => {
    await page.getByRole("button", { name: "Retry import the synonym list" }).click();
    await rowOf(page, "import the synonym list").waitFor({ state: "detached" });
  });

  await t.test("a long wait is listed when enough time has passed", async (t) => {
    const { page: later, close } = await dashboard.open("/overview");
    const before = Number(await page.locator("nav .count").textContent());
    await later.clock.setFixedTime(Date.now() + 11 * 60_000);
    // The two additional items are a lease of claude-checkout and one of codex-ops.
    await counted(later, before + 2);
    await later.getByRole("link", { name: "Needs me" }).click();
    t.match(await rowOf(later, "deploy and 1 more").textContent(), /codex-ops holds it .* and 1 more wait/);
    await close();
  });

  await t.test("of very many items some are shown", async (t) => {
    const knownBefore = await group(page, "Proposed rules").getByRole("listitem").count();
    for (let at = 0; at < 30; at += 1)
      await sendJson(koor.port, "POST", "/api/rules/propose", proposal(`rule-${at}`, ""));
    await page.getByRole("link", { name: `and ${knownBefore + 30 - 24} more` }).waitFor();
    t.equal(await countOf(group(page, "Proposed rules").getByRole("button", { name: /^Accept/ }), 24), 24);
  });

  t.same(complaints, [], "there are no complaints");
});

t.test(
  "an empty server shows the first steps, which work, and then that nothing needs a person",
  { skip },
  async (t) => {
    const dashboard = await startDashboard(t);
    const { port } = dashboard.koor;
    const { page } = await dashboard.open("/");
    const steps = page.getByRole("region", { name: "First steps" });
    await steps.waitFor();
    t.equal(await countOf(page.locator("nav .count"), 0), 0);
    t.equal(await page.title(), "Needs me · Koor");
    const commands = await steps.getByRole("code").or(steps.locator("code")).allTextContents();
    t.equal(commands.length, 3);
    for (const command of commands) t.match(command, `http://127.0.0.1:${port}`, "it has the address of this server");
    for (const command of commands.filter((text) => text.startsWith("curl")))
      await promisify(execFile)("sh", ["-ec", command.replace("curl", "curl -sSf")]);
    t.match((await send(port, "GET", "/api/tasks")).text, '"title":"Write the first test"');
    t.match((await send(port, "GET", "/api/events/history")).text, '"topic":"hello"');

    await page.reload();
    await page.getByText("Nothing needs you").waitFor();
    for (const lookedAt of [
      "no task asks a question",
      "no rule is proposed",
      "every webhook delivers",
      "no request waits for long",
      "no edit is denied again and again",
      "no agent is stale",
    ])
      t.ok(await page.getByRole("link", { name: lookedAt }).isVisible(), lookedAt);
    await sendJson(port, "POST", "/api/rules/propose", proposal("no-any", "say what it is"));
    await page.getByRole("button", { name: "Accept trucks/no-any" }).click();
    await page.getByText("Nothing needs you").waitFor();
  },
);

t.test("a repeated denial, and a request that waits for an automatic lease", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const sessionOf = (client: string) => ({
    client,
    session: client,
    checkout: "c-1",
    branch: "main",
    root: "/work/shop",
  });
  const [claude, codex] = [sessionOf("claude"), sessionOf("codex")];
  const { page, complaints } = await dashboard.open("/");
  await page.getByRole("region", { name: "First steps" }).waitFor();
  await sendEdit(port, claude, "<b>a</b>.ts");
  for (const _ of [1, 2]) t.match((await sendEdit(port, codex, "<b>a</b>.ts")).text, /deny/);
  const agents = (await send(port, "GET", "/api/instances")).json<{ id: string; name: string }[]>();
  const named = (client: string) => agents.find(({ name }) => name.startsWith(client)) ?? { id: "", name: "" };
  const request = { resources: ["path:<b>a</b>.ts"], scope: "checkout", workspace: "shop", queue: true };
  const asked = await sendJson(port, "POST", "/api/leases", request, { "X-Koor-Instance": named("codex").id });
  const waiting = rowOf(page, "path:<b>a</b>.ts");
  t.match(
    await waiting.locator(".need-line").textContent(),
    `${named("codex").name} waits for the automatic lease of ${named("claude").name}, which ends with its turn, or 10 min after`,
  );
  t.equal(await countOf(group(page, "Denied edits"), 0), 0, "two denials are not listed");
  await sendEdit(port, codex, "<b>a</b>.ts");
  const denied = rowOf(page, "<b>a</b>.ts");
  await denied.waitFor();
  t.equal(
    await denied.locator(".need-line").textContent(),
    `${named("codex").name} was denied it 3 times, because ${named("claude").name} holds lease-1.`,
  );
  t.equal(await denied.getByRole("link", { name: "lease-1" }).getAttribute("href"), "/leases/lease-1");
  await denied.getByRole("button", { name: "Ask <b>a</b>.ts" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Ask" }).click();
  await page.getByText(`Request sent to ${named("claude").name}`).waitFor();
  const inBox = { headers: { "X-Koor-Instance": named("claude").id } };
  t.match((await send(port, "GET", "/api/messages", inBox)).json<{ messages: object[] }>().messages, [
    {
      from: { name: "operator" },
      subject: "Please release lease-1 soon: another agent needs its files",
      intent: "request",
    },
  ]);
  await checkView(t, dashboard, {
    address: "/",
    title: "Needs me",
    ready: (next) => rowOf(next, "<b>a</b>.ts").waitFor(),
  });

  await send(port, "DELETE", `/api/leases/${asked.json<{ id: string }>().id}`, {
    headers: { "X-Koor-Instance": named("codex").id },
  });
  await waiting.waitFor({ state: "detached" });
  await sendHook(port, claude, "SessionEnd");
  await denied.waitFor({ state: "detached" });

  const kimi = { ...sessionOf("kimi"), policy: "strict" };
  for (const _ of [1, 2, 3]) await sendEdit(port, kimi, "b.ts");
  const strict = rowOf(page, "b.ts");
  t.match(await strict.locator(".need-line").textContent(), /denied it 3 times, because its project wants a lease/);
  t.match(await strict.getByRole("link", { name: "b.ts" }).getAttribute("href"), /^\/agents\/[0-9a-f-]{36}$/);
  t.same(complaints, []);
});

t.test("an instance's token shows all items without their actions", { skip }, async (t) => {
  const token = "a-token-of-the-server";
  const dashboard = await startDashboard(t, { args: ["--auth-token", token] });
  const { koor } = dashboard;
  const headers = { Authorization: `Bearer ${token}` };
  const registered = await sendJson(koor.port, "POST", "/api/instances/register", { name: "ana" }, headers);
  await sendJson(koor.port, "POST", "/api/rules/propose", proposal("no-any", "say what it is"), headers);
  const { page } = await dashboard.open("/", { expected: [/401/] });
  await page.getByLabel("Token").fill(registered.json<{ readonly token: string }>().token);
  await page.getByRole("button", { name: "Log in" }).click();
  await rowOf(page, "trucks/no-any").waitFor();
  t.equal(await countOf(rowOf(page, "trucks/no-any").getByRole("button"), 0), 0);
});

t.test("a stale agent of a client's session needs nobody, because the server deletes it", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: ARGS });
  const seen = new Date().toISOString();
  const record = (id: string, name: string) => ({
    kind: "instance",
    id,
    name,
    workspace: "",
    intent: "",
    stack: "",
    capabilities: [],
    registered_at: seen,
    status: "stale",
    last_seen: seen,
  });
  const session = { kind: "agent_session", session: "s", agent: "", instance: "i-1", owner: "", client: "claude" };
  const snapshot = makeSnapshot([record("i-1", "claude-1a2b"), record("i-2", "ana"), session]);
  t.equal((await send(dashboard.koor.port, "POST", "/api/restore", { body: snapshot })).status, 200);
  const { page, complaints } = await dashboard.open("/");
  await group(page, "Stale agents").getByRole("link", { name: "ana" }).waitFor();
  t.equal(await countOf(group(page, "Stale agents").getByRole("listitem"), 1), 1);
  t.same(complaints, []);
});

t.test("dead tasks of the same error are one row, with one action for all", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const tasks = ["a", "b", "c"].map((id) => ({ id, title: `task ${id}`, max_attempts: 1 }));
  await sendJson(port, "POST", "/api/tasks", tasks);
  const { id: worker } = (await sendJson(port, "POST", "/api/instances/register", { name: "ana" })).json<{
    id: string;
  }>();
  const by = { "X-Koor-Instance": worker };
  await sendJson(port, "POST", `/api/instances/${worker}/activate`, {}, by);
  for (const { id } of tasks) {
    const { task } = (await sendJson(port, "POST", "/api/tasks/claim", { id }, by)).json<{
      task: { fence: number };
    }>();
    await sendJson(port, "POST", `/api/tasks/${id}/fail`, { fence: task.fence, error: "no network" }, by);
  }
  const { page, complaints } = await dashboard.open("/");
  const rows = group(page, "Dead tasks").getByRole("listitem");
  await rows.first().waitFor();
  t.equal(await rows.count(), 1);
  t.match(await rows.textContent(), /task [abc] and 2 more×3Dead after 1 attempt: no network/);
  t.equal(await page.locator("nav .count").textContent(), "1", "a group counts once");
  await rows.getByRole("button", { name: /^Retry all/ }).click();
  await rows.first().waitFor({ state: "detached" });
  t.same(
    (await send(port, "GET", "/api/tasks?state=ready"))
      .json<{ tasks: { id: string }[] }>()
      .tasks.map(({ id }) => id)
      .sort(),
    ["a", "b", "c"],
  );
  t.same(complaints, []);
});

t.test("a lease is broken in its row, and a request to the person is answered", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const [ana = "", ben = ""] = await Promise.all(
    ["ana", "ben"].map(async (name) => {
      const { id } = (await sendJson(port, "POST", "/api/instances/register", { name })).json<{ id: string }>();
      await sendJson(port, "POST", `/api/instances/${id}/activate`, {}, { "X-Koor-Instance": id });
      return id;
    }),
  );
  const { page, complaints } = await dashboard.open(`/agents/${ben}`);
  await page.getByRole("button", { name: "Send a message" }).click();
  const form = page.getByRole("dialog", { name: "Send a message to ben" });
  await form.getByLabel("Subject").fill("how far are you?");
  await form.getByRole("button", { name: "Send" }).click();
  await page.getByText("Message sent to ben").waitFor();
  const inBox = (await send(port, "GET", "/api/messages", { headers: { "X-Koor-Instance": ben } })).json<{
    messages: { id: string; from: { id: string; name: string } }[];
  }>();
  const [{ id: asked, from } = { id: "", from: { id: "", name: "" } }] = inBox.messages;
  t.equal(from.name, "operator");
  const request = { to: from.id, subject: "<i>may I?</i>", body: "merge it", intent: "request", reply_to: asked };
  await sendJson(port, "POST", "/api/messages", request, { "X-Koor-Instance": ben });
  await page.getByRole("link", { name: /^Needs me/ }).click();
  const row = rowOf(page, "<i>may I?</i>");
  t.match(await row.textContent(), /ben requests you: merge it/);
  await row.getByRole("button", { name: /^Reply/ }).click();
  await page.getByRole("dialog").getByLabel("Reply", { exact: true }).fill("yes");
  await page.getByRole("dialog").getByRole("button", { name: "Reply" }).click();
  await row.waitFor({ state: "detached" });
  t.match(
    (await send(port, "GET", "/api/messages?unread=1", { headers: { "X-Koor-Instance": ben } })).text,
    '"body":"yes"',
  );

  const lease = (by: string, queue: boolean) =>
    sendJson(port, "POST", "/api/leases", { resources: ["path:a.ts"], max_s: 300, queue }, { "X-Koor-Instance": by });
  await lease(ana, false);
  await lease(ben, true);
  const blocking = rowOf(page, "path:a.ts");
  await blocking.getByRole("button", { name: "Break path:a.ts" }).click();
  const dialog = page.getByRole("dialog");
  t.ok(await dialog.getByRole("button", { name: "Break" }).isDisabled(), "a reason is needed");
  await dialog.getByLabel("Reason").fill("the release is today");
  await dialog.getByRole("button", { name: "Break" }).click();
  await blocking.waitFor({ state: "detached" });
  t.match((await send(port, "GET", "/api/audit?action=lease.break")).text, "the release is today");
  t.same(complaints, []);
});
