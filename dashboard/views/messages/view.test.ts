/**
 * Tests the view of messages in a browser: threads, one thread, and live updates. Also tests that content is shown as
 * text, and that viewing a message does not mark it as read.
 */
import t from "tap";
import { checkParameter } from "../../../test/support/address.js";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, type Page, countOf, sideways } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { sendJson } from "../../../test/support/http-client.js";

const skip = browserMissing();
const HOSTILE = `<img src=x onerror="window.__ran=1"><script>window.__ran=1</script>`;

const threads = (page: Page) => page.getByRole("table", { name: "Threads" });
const card = (page: Page, name: string) => page.getByRole("article", { name });

t.test("messages in a server with a day's data", { skip }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--stale-after", "1h"] });
  const { port } = dashboard.koor;
  const { page, complaints } = await dashboard.open("/messages");
  await page.getByText("No agents yet").waitFor();
  const { agents, known } = await fillWithADay(dashboard.koor);
  await threads(page).waitFor();
  const idOf = (name: string): string => agents.find((agent) => agent.name === name)?.id ?? "";
  const post = (from: string, body: object) =>
    sendJson(port, "POST", "/api/messages", body, { "X-Koor-Instance": idOf(from) });
  const address = `/messages?thread=${known.busyThread}`;
  await checkView(t, dashboard, { address: "/messages", title: "Messages", ready: (seen) => threads(seen).waitFor() });
  await checkView(t, dashboard, {
    address,
    title: "Messages",
    ready: (seen) => seen.getByRole("article").nth(2).waitFor(),
  });

  await t.test("threads are filtered by agent and by unread messages, in the address", async (t) => {
    t.equal(await countOf(threads(page).getByRole("row"), 6), 6);
    await page.getByLabel("Only").selectOption("unread");
    await page.getByText("2 threads of 2 messages").waitFor();
    await page.getByLabel("From or to").selectOption("codex-payments");
    await page.getByText("1 thread of 1 message").waitFor();
    await page.reload();
    await threads(page).getByRole("link", { name: known.unreadRequest }).waitFor();
    await page.getByLabel("From or to").selectOption("kilo-sandbox");
    await page.getByText("No message matches").waitFor();
  });

  await t.test("a search looks in all members of messages, and is part of the address", async (t) => {
    await page.goto(`${dashboard.url}/messages`);
    const search = page.getByRole("searchbox", { name: "Search" });
    await search.fill("ops knows SEVEN");
    await page.getByText("1 of 5 threads of 8 messages").waitFor();
    t.equal(await threads(page).getByRole("link").textContent(), "release 4.12: freeze on Thursday at noon");
    await search.fill("1200000");
    await page.getByText("1 of 5 threads of 8 messages").waitFor();
    await page.reload();
    t.equal(await search.inputValue(), "1200000");
    await search.fill("nobody wrote this");
    await page.getByText("No message matches").waitFor();
    await search.fill("");
    await page.getByText("5 threads of 8 messages").waitFor();
    await threads(page).getByRole("columnheader", { name: "Subject" }).getByRole("button").click();
    const subjects = await threads(page).getByRole("link").allTextContents();
    t.same(
      subjects,
      subjects.toSorted((a, b) => a.localeCompare(b, undefined, { numeric: true })),
    );
    await checkParameter(t, page, "sort", "Subject");
  });

  await t.test("on a phone a thread is a card: nothing is cut or out of sight", async (t) => {
    const phone = await dashboard.open("/messages", { width: 390, height: 800 });
    await threads(phone.page).waitFor();
    t.equal(await sideways(phone.page.getByRole("region", { name: "Threads" })), 0);
    const between = phone.page.getByText(
      "claude-release, claude-checkout, claude-storefront, claude-search, codex-ops",
    );
    t.equal(await sideways(between), 0, "names are wrapped");
    t.ok(await between.isVisible());
    await phone.close();
  });

  await t.test("a thread is in order, with the delivery of each message", async (t) => {
    await page.goto(dashboard.url + address);
    await card(page, "message-2").getByText("from six to seven, ops knows").waitFor();
    t.same(await page.getByRole("heading", { level: 2 }).allTextContents(), [
      "release 4.12: freeze on Thursday at noon",
      "the money migration needs a quiet hour",
      "six to seven is yours",
    ]);
    t.match(await card(page, "message-2").textContent(), /claude-release acknowledged/);
    t.match(
      await card(page, "message-2").getByRole("region", { name: "the data of message-2" }).textContent(),
      /1200000/,
    );
    t.match(await page.title(), `${known.busyThread} · Messages · Koor`);
  });

  await t.test("a new message appears at once, as text; showing it marks nothing as delivered", async (t) => {
    const to = [idOf("claude-release"), idOf("claude-search")];
    const sent = await post("codex-ops", {
      to,
      subject: HOSTILE,
      body: HOSTILE,
      data: HOSTILE,
      thread: known.busyThread,
    });
    const { id } = sent.json<{ readonly id: string }>();
    await card(page, id).getByText("not delivered").first().waitFor();
    t.equal(await card(page, id).locator("pre").first().textContent(), HOSTILE);
    t.equal(await card(page, id).getByRole("heading").textContent(), HOSTILE);
    t.equal(await countOf(page.getByRole("main").locator("script, img"), 0), 0);
    t.equal(await page.evaluate("window.__ran"), undefined);
    const mark = { ids: [id], as: "read", note: HOSTILE };
    await sendJson(port, "POST", "/api/messages/mark", mark, { "X-Koor-Instance": idOf("claude-release") });
    await card(page, id).getByText("read", { exact: true }).waitFor();
    t.match(await card(page, id).locator("q").textContent(), HOSTILE);
    t.equal(await countOf(card(page, id).getByText("not delivered"), 1), 1, "nor did reading it");
    await page.getByRole("heading", { level: 1 }).getByRole("link", { name: "Messages" }).click();
    await threads(page).waitFor();
    t.equal(await threads(page).getByRole("link").first().textContent(), "release 4.12: freeze on Thursday at noon");
    t.equal(await page.evaluate("window.__ran"), undefined);
  });

  await t.test("older messages can be loaded where there are more", async (t) => {
    const to = idOf("claude-search");
    await Promise.all(Array.from({ length: 200 }, (_, at) => post("codex-ops", { to, subject: `note ${at}` })));
    await page.getByText("200 threads of the newest 200 messages").waitFor();
    await page.getByRole("button", { name: "Show older messages" }).click();
    await page.getByText("205 threads of 209 messages").waitFor();
    await checkParameter(t, page, "back", "1");
  });

  await page.goto(`${dashboard.url}/messages?thread=..`);
  await page.getByText("No messages in this thread").waitFor();
  t.same(complaints, []);
});
