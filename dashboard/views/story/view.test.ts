/**
 * Tests the story view in a browser. The tests cover the lanes, the lists of the chosen time, the ways to choose it,
 * and times that the server no longer knows.
 */
import t from "tap";
import { checkAddress } from "../../../test/support/address.js";
import { browserMissing, countOf, sideways, type Page } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { send } from "../../../test/support/http-client.js";
import { eventsOf } from "../../../test/support/leasing.js";
import { workADay } from "../../../test/support/story-work.js";

const skip = browserMissing();

interface TimedEvent {
  readonly topic: string;
  readonly created_at: string;
  readonly data: { readonly lease_id?: string; readonly reason?: string };
}

const slider = (page: Page) => page.getByRole("slider", { name: "Time" });
const table = (page: Page, name: string) => page.getByRole("table", { name });
const lanes = (page: Page) => page.getByRole("list", { name: "Lanes" });
const list = (page: Page) => page.getByRole("list", { name: "Events until then, newest first" });
const ready = (page: Page) => table(page, "Keys then").waitFor();
const chosen = async (page: Page): Promise<number> => Number(await slider(page).inputValue());
const atIn = (page: Page): string | null => new URL(page.url()).searchParams.get("at");

t.test("a day is looked back at", { skip }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const empty = await dashboard.open("/story");
  await empty.page.getByText("No agent did anything in this range").waitFor();
  await empty.page.getByText("There were no keys.").waitFor();
  t.same(empty.complaints, []);
  await empty.close();

  const { broken } = await workADay(port, "bookshop");
  const events = (await eventsOf(port, "*")) as unknown as readonly TimedEvent[];
  const timeOf = (topic: string, lease = broken.id): string =>
    events.find((one) => one.topic === topic && one.data.lease_id === lease)?.created_at ?? "";
  const [granted, lost] = [timeOf("lease.granted"), timeOf("lease.lost")];
  const range = { from: new Date(Date.parse(events[0]?.created_at ?? "") - 1_000).toISOString(), to: "" };
  // The range ends just after the last event, so that each event is within the range.
  range.to = new Date(Date.parse(events.at(-1)?.created_at ?? "") + 1).toISOString();
  const address = `/story?${new URLSearchParams(range).toString()}`;
  await checkView(t, dashboard, { address, title: "Story", ready });

  const { page, complaints } = await dashboard.open(address);
  await ready(page);

  await t.test("the end of the range is shown first", async (t) => {
    t.equal(await chosen(page), Date.parse(range.to));
    t.equal(await countOf(lanes(page).getByRole("listitem"), 4), 4, "a lane for each agent");
    await lanes(page)
      .getByRole("listitem")
      .filter({ hasText: "cleo" })
      .getByRole("img", { name: /1 loss, 1 message$/ })
      .waitFor();
    await table(page, "Agents then")
      .getByRole("row")
      .filter({ hasText: "dan" })
      .getByRole("link", { name: "A receipt by mail" })
      .waitFor();
    await page.getByText("1 failed", { exact: true }).waitFor();
    t.equal(await table(page, "Leases then").getByText("mail/**").count(), 0, "the broken lease has ended");
  });

  await t.test("an address with a time shows what was there then", async (t) => {
    await page.goto(`${dashboard.url}${address}&at=${encodeURIComponent(granted)}`);
    await ready(page);
    t.equal(await chosen(page), Date.parse(granted));
    const leases = table(page, "Leases then");
    await leases.getByRole("row").filter({ hasText: "mail/**" }).getByText("held", { exact: true }).waitFor();
    await leases.getByRole("row").filter({ hasText: "gifts.ts" }).getByText("waiting", { exact: true }).waitFor();
    const keys = table(page, "Keys then");
    const value = await keys.getByRole("link", { name: "version 1 of plans/cart" }).getAttribute("href");
    t.match((await send(dashboard.koor.dashboardPort, "GET", value ?? "")).json(), { step: "totals" });
    await list(page).getByText("cleo").first().waitFor();
    t.equal(await page.getByText("cleo has gone home").count(), 0, "what came later is not told");
  });

  await t.test("keys and buttons go from event to event, and by a minute", async (t) => {
    await slider(page).focus();
    const later = events.map(({ created_at }) => Date.parse(created_at)).find((ms) => ms > Date.parse(granted));
    await page.keyboard.press("ArrowRight");
    t.equal(await chosen(page), later);
    await page.keyboard.press("ArrowLeft");
    t.equal(await chosen(page), Date.parse(granted));
    await page.getByRole("button", { name: "Next event" }).click();
    t.equal(await chosen(page), later);
    await page.waitForFunction(
      (at) => location.search.includes(`at=${encodeURIComponent(at)}`),
      new Date(later ?? 0).toISOString(),
    );
    await page.keyboard.press("Shift+ArrowLeft");
    t.equal(await chosen(page), Date.parse(range.from), "a minute is more than the range");
    await page.getByText("Nothing yet in this range.").waitFor();
    await page.getByText("There were no keys.").waitFor();
    t.equal(await page.getByRole("row").filter({ hasText: "mail" }).count(), 0);
  });

  await t.test("a press on a lane and on an event choose a time", async (t) => {
    const track = lanes(page).getByRole("img").first();
    const { width = 0 } = (await track.boundingBox()) ?? {};
    await track.click({ position: { x: width - 1, y: 4 } });
    t.ok((await chosen(page)) > Date.parse(range.from) + 500, "the end of the lane is the end of the range");
    await page.keyboard.press("Tab");
    await slider(page).press("End");
    await list(page).getByRole("button").first().click();
    t.equal(await chosen(page), Date.parse(events.at(-1)?.created_at ?? ""));
  });

  await t.test("playing goes on to the end, and the address follows when it stops", async (t) => {
    await slider(page).press("Home");
    await page.waitForFunction((from) => location.search.includes(`at=${encodeURIComponent(from)}`), range.from);
    await page.getByRole("button", { name: "Play" }).click();
    t.equal(atIn(page), range.from);
    await page.getByRole("button", { name: "Play" }).waitFor();
    t.equal(await chosen(page), Date.parse(range.to));
    await page.waitForFunction((to) => location.search.includes(`at=${encodeURIComponent(to)}`), range.to);
    t.same(complaints, []);
  });

  await t.test("without motion it shows event after event", async (t) => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    await slider(page).press("Home");
    await page.getByRole("button", { name: "Play" }).click();
    await list(page).getByRole("listitem").first().waitFor();
    t.equal(await chosen(page), Date.parse(events[0]?.created_at ?? ""));
    await page.getByRole("button", { name: "Pause" }).click();
  });

  await t.test("a phone shows the lanes below the names", async (t) => {
    const phone = await dashboard.open(address, { width: 390, height: 800 });
    await ready(phone.page);
    t.equal(await sideways(phone.page.locator("main")), 0);
    t.ok(((await lanes(phone.page).getByRole("img").first().boundingBox())?.width ?? 0) > 250);
    await phone.close();
  });

  await t.test("the time of a lease and of a task is one press away", async (t) => {
    await page.goto(`${dashboard.url}/leases/${broken.id}`);
    await page.getByRole("link", { name: "As it was" }).click();
    await ready(page);
    t.equal(await chosen(page), Date.parse(granted));
    t.ok(lost > granted);
  });

  await t.test("a workspace is chosen", async (t) => {
    await workADay(port, "mill");
    await page.goto(`${dashboard.url}/story`);
    await ready(page);
    t.equal(await countOf(lanes(page).getByRole("listitem"), 8), 8);
    await page.getByLabel("Workspace").selectOption("mill");
    t.equal(await countOf(lanes(page).getByRole("listitem"), 4), 4);
    t.equal(await countOf(table(page, "Leases then").getByRole("row"), 2), 2, "the head and one lease");
    await checkAddress(t, page, "href", /workspace=mill/);
  });

  await t.test("a time before all that is kept says so, and leads to the first that is known", async (t) => {
    const old = new Date(Date.now() - 30 * 86_400_000).toISOString();
    const past = await dashboard.open(`/story?from=${old}&at=${old}`, { expected: [/400/] });
    await past.page.getByText("No longer known").first().waitFor();
    await past.page.getByText(/^The server no longer knows the whole range/).waitFor();
    await past.page.getByRole("button", { name: "Go there" }).first().click();
    await past.page.getByText("None was held.").waitFor();
    t.ok((await chosen(past.page)) > Date.parse(old));
    t.same(past.complaints, []);
    await past.close();
  });
});
