/**
 * Tests what all views share, in a real browser: log-in and log-out, the menu, the palette, the main path by keyboard
 * alone, a phone, and how the page survives a restart of the server.
 */
import t from "tap";
import { checkAddress } from "./support/address.js";
import { browserMissing, openPage, startBrowser, type Page, countOf } from "./support/browser.js";
import { fillWithADay, type ADay } from "./support/a-day.js";
import { axeViolations, startDashboard, type Dashboard } from "./support/dashboard.js";
import { Agent } from "./support/leasing.js";
import { send, sendJson } from "./support/http-client.js";
import { startKoor, type Koor, type Owner } from "./support/server-process.js";
import { longFormOnly, sampleRows } from "./support/test-size.js";
import { VIEWS } from "./support/views.js";

const TOKEN = "the-server's-own";
const RIGHT = { Authorization: `Bearer ${TOKEN}` };
const PHONE = { width: 390, height: 800 };
/** Messages of a browser about refusals that are intended, and about a server that is away. */
const REFUSED = /status of 40[13]/;
const AWAY = /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED|status of 503/;

const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });
const connection = (page: Page) => page.locator(".connection");
const live = (page: Page) => connection(page).getByText("live", { exact: true }).waitFor();
const focused = (page: Page) => page.locator(":focus");

/** Starts a server on the ports and data of one that has ended. */
function startAgain(t: Owner, koor: Koor, token: string): Promise<Koor> {
  return startKoor(t, {
    data_dir: koor.data_dir,
    args: [
      ...["--bind", `127.0.0.1:${koor.port}`],
      ...["--dashboard-bind", `127.0.0.1:${koor.dashboardPort}`],
      ...(token === "" ? [] : ["--auth-token", token]),
    ],
  });
}

async function enter(page: Page, token: string): Promise<void> {
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
}

t.test("the dashboard of a server with a token", { skip: browserMissing() }, async (t) => {
  const browser = await startBrowser(t);
  const koor = await startKoor(t, { args: ["--dashboard-bind", "127.0.0.1:0", "--auth-token", TOKEN] });
  const url = `http://127.0.0.1:${koor.dashboardPort}`;
  await send(koor.port, "PUT", "/api/state/plan/secret", { body: '{"goal":"kept"}', headers: RIGHT });
  const at = async (address: string) => {
    const watched = await openPage(browser, { expected: [REFUSED, AWAY] });
    await watched.page.goto(url + address);
    return watched;
  };

  await t.test("a wrong token is reported, and the right one shows the view of the address", async (t) => {
    const { page, context, complaints } = await at("/state/plan/secret");
    await page.getByRole("button", { name: "Log in" }).waitFor();
    t.match(await page.title(), /Log in/);
    t.equal(await focused(page).getAttribute("id"), "token", "the field has the focus");
    t.equal(await countOf(page.getByRole("navigation"), 0), 0);
    await enter(page, "wrong");
    await page.getByRole("alert").waitFor();
    t.match(await page.getByRole("alert").textContent(), /token/i);
    t.equal(await page.getByLabel("Token").inputValue(), "");
    await enter(page, TOKEN);
    await page.getByText('"kept"').waitFor();
    t.match(await page.title(), /plan\/secret/);
    await live(page);

    await page.reload();
    await page.getByText('"kept"').waitFor();
    t.pass("a session survives a reload");

    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("button", { name: "Log in" }).waitFor();
    t.equal(await countOf(page.getByText("The session has ended"), 0), 0, "the refusal was intended");
    await page.goto(`${url}/overview`);
    await page.getByRole("button", { name: "Log in" }).waitFor();
    await page.goBack();
    await page.getByRole("button", { name: "Log in" }).waitFor();
    t.equal(await countOf(page.getByText("kept"), 0), 0, "the back button shows nothing");
    t.same(complaints, []);
    await context.close();
  });

  await t.test("an instance's token shows its name, and what it may not do", async (t) => {
    const registered = await sendJson(koor.port, "POST", "/api/instances/register", { name: "builder" }, RIGHT);
    const { id, token } = registered.json<{ id: string; token: string }>();
    const rule = { project: "p", rule_id: "no-todo", message: "say it", pattern: "TODO" };
    const proposed = await sendJson(koor.port, "POST", "/api/rules/propose", { ...rule, proposed_by: id }, RIGHT);
    t.equal(proposed.status, 200, proposed.text);
    const { page, context, complaints } = await at("/");
    await enter(page, token);
    await heading(page, "Needs me").waitFor();
    t.equal(await page.locator(".who").textContent(), "builder");
    await page.getByRole("link", { name: "Rules" }).click();
    const accept = page.getByRole("button", { name: /^Accept/ }).first();
    await accept.waitFor();
    t.equal(await accept.isDisabled(), true, "controls that need the server's token are disabled");
    t.ok(await accept.getAttribute("title"), "with the reason");
    t.same(complaints, []);
    await context.close();
  });

  await t.test("a session that is ended elsewhere asks for the token at once, in every tab", async (t) => {
    const { page, context } = await at("/state/plan/secret");
    await enter(page, TOKEN);
    await live(page);
    const { page: other } = await openPage(browser, { context, expected: [REFUSED] });
    await other.goto(`${url}/overview`);
    await live(other);
    await other.getByRole("button", { name: "Log out" }).click();
    await page.getByText("The session has ended").waitFor();
    t.equal(await countOf(page.getByText("kept"), 0), 0);
    await context.close();
  });

  await t.test("a session survives a restart with the same token, and ends with another one", async (t) => {
    const { page, context } = await at("/state/plan/secret");
    await enter(page, TOKEN);
    await page.getByText('"kept"').waitFor();
    await live(page);
    await koor.stop();
    await connection(page).getByText("reconnecting").waitFor();
    const second = await startAgain(t, koor, TOKEN);
    await live(page);
    t.equal(await countOf(page.getByText('"kept"'), 1), 1);
    await second.stop();
    await connection(page).getByText("reconnecting").waitFor();
    await startAgain(t, koor, "another");
    await page.getByText("The session has ended").waitFor();
    await enter(page, TOKEN);
    await page.getByRole("alert").waitFor();
    t.match(await page.getByRole("alert").textContent(), /token/i, "the old token is wrong now");
    await enter(page, "another");
    await page.getByText('"kept"').waitFor();
    await context.close();
  });
});

/** The tests of a server without a token, and how many of them the short form samples. */
const TESTS = 13;
const SHORT_TESTS = 6;
const sampled = new Set(sampleRows([...Array.from({ length: TESTS }).keys()], SHORT_TESTS));
let begun = 0;

/** Returns the options of the next of these tests. */
function next(): { readonly skip: string | false } {
  return { skip: sampled.has(begun++) ? false : longFormOnly() };
}

t.test("the dashboard of a server without a token", { skip: browserMissing() }, async (t) => {
  const dashboard: Dashboard = await startDashboard(t, { args: ["--stale-after", "1h"] });
  const { koor } = dashboard;
  const day: ADay = await fillWithADay(koor);
  const key = day.known.versionedKey;

  await t.test("the menu has the views in their order, each with its address, heading and title", next(), async (t) => {
    // The story begins before the restore, of which the server knows nothing: it asks again for a later time.
    const { page, complaints, close } = await dashboard.open("/", { expected: [/status of 400/] });
    const links = page.getByRole("navigation", { name: "Views" }).locator("li a");
    await links.first().waitFor();
    const found: (readonly [string | null, string | null])[] = [];
    for (const link of await links.all())
      found.push([await link.getAttribute("href"), await link.locator("span").first().textContent()]);
    t.same(found, VIEWS);
    t.equal(await page.locator("html").getAttribute("lang"), "en");
    for (const [address, name] of VIEWS) {
      await links.filter({ hasText: name }).click();
      await heading(page, name).waitFor();
      await checkAddress(t, page, "pathname", address);
      t.match(await page.title(), new RegExp(`^(?:\\(\\d+\\) )?${name} · Koor$`));
      t.equal(await countOf(page.locator("[aria-current=page]"), 1), 1, `${name}: one is current`);
      t.match(await page.locator("nav [aria-current=page]").textContent(), new RegExp(`^${name}`));
    }
    t.same(complaints, []);
    await close();
  });

  await t.test("an unknown address says so, and has a link to the start", next(), async (t) => {
    const { page, complaints, close } = await dashboard.open("/nowhere");
    t.equal(await countOf(heading(page, "Not found"), 1), 1);
    t.match(await page.title(), /Not found/);
    t.equal(await countOf(page.locator("nav [aria-current]"), 0), 0);
    await page.getByRole("main").getByRole("link").click();
    await heading(page, "Needs me").waitFor();
    t.same(complaints, []);
    await close();
  });

  await t.test("the palette opens a key by keyboard alone, and closes without leaving the page", next(), async (t) => {
    const { page, complaints, close } = await dashboard.open("/overview");
    const box = page.getByRole("combobox", { name: "Find anything" });
    await page.keyboard.press("Control+k");
    await box.waitFor();
    await page.keyboard.press("Escape");
    await box.waitFor({ state: "detached" });
    t.equal(new URL(page.url()).pathname, "/overview");
    await page.keyboard.press("Control+k");
    await box.waitFor();
    await page.keyboard.type("zzzqqq");
    await page.getByText("No match").waitFor();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type(key);
    const option = page.getByRole("option", { name: key });
    await option.first().waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    t.equal(await option.first().getAttribute("aria-selected"), "true");
    await page.keyboard.press("Enter");
    await page
      .getByText(/^version \d+$/)
      .first()
      .waitFor();
    await checkAddress(t, page, "pathname", `/state/${key}`);
    t.same(complaints, []);
    await close();
  });

  await t.test("the palette finds what has a page, and what can be done", next(), async (t) => {
    const leased = await Agent.register(koor.port, "holder-of-all", { workspace: "palette" });
    await leased.lease(["path:palette/**"]);
    const task = { id: "palette-task", title: "paint the palette", workspace: "palette" };
    await sendJson(koor.port, "POST", "/api/tasks", task, leased.headers);
    await sendJson(koor.port, "POST", "/api/messages", { to: leased.id, subject: "palette ready" }, leased.headers);
    const { page, complaints, close } = await dashboard.open("/overview");
    const [contract = ""] = day.known.contracts;
    const wanted: readonly (readonly [typed: string, option: RegExp, address: string | RegExp])[] = [
      ["paint palette", /^paint the palette \(palette-task\)/, "/tasks/palette-task"],
      ["break lease path palette", /^Break lease path:palette/, /^\/leases\/lease-\d+$/],
      ["send message holder of all", /^Send message to holder-of-all/, `/agents/${leased.id}`],
      ["palette ready", /^palette ready, from holder-of-all/, "/messages"],
      // Keys of state begin with the same words.
      [contract, new RegExp(`^${contract}(?!/)`), `/specs/${contract}`],
      ["add task", /^Add task/, "/tasks"],
      ["webhooks deliveries", /^Webhooks/, "/webhooks"],
    ];
    for (const [typed, name, address] of wanted) {
      await page.keyboard.press("Control+k");
      const field = page.getByRole("combobox", { name: "Find anything" });
      await field.fill(typed);
      await page.getByRole("option", { name }).first().click();
      await field.waitFor({ state: "detached" });
      await checkAddress(t, page, "pathname", address, typed);
    }
    t.same(complaints, []);
    await close();
  });

  await t.test("keys go to views, focus the search and are listed", next(), async (t) => {
    const { page, complaints, close } = await dashboard.open("/overview");
    await page.keyboard.press("?");
    const dialog = page.getByRole("dialog", { name: "Keys" });
    await dialog.getByText("find anything, or do something").waitFor();
    t.same(await axeViolations(page), []);
    const listed = await dialog.locator("dt").allTextContents();
    const letters = listed.filter((keys) => keys.startsWith("g")).map((keys) => keys.slice(1));
    t.equal(new Set(letters).size, VIEWS.length, "each view has a letter of its own");
    await page.keyboard.press("g");
    await page.keyboard.press("t");
    t.equal(new URL(page.url()).pathname, "/overview", "not while a dialog is open");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.keyboard.press("g");
    await page.keyboard.press("t");
    await heading(page, "Tasks").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("a");
    await heading(page, "Agents").waitFor();
    const openers = page.locator("td.cell-opens a");
    await openers.nth(1).waitFor();
    const isFocused = (at: number) => openers.nth(at).and(focused(page)).waitFor();
    for (const [letter, at] of [
      ["j", 0],
      ["j", 1],
      ["k", 0],
    ] as const) {
      await page.keyboard.press(letter);
      await isFocused(at);
    }
    const field = page.getByRole("searchbox");
    await field.waitFor();
    await page.keyboard.press("/");
    t.equal(await focused(page).getAttribute("type"), "search");
    await page.keyboard.type("g?t/");
    t.equal(await field.inputValue(), "g?t/", "in a field they are letters");
    t.equal(new URL(page.url()).pathname, "/agents");
    t.same(complaints, []);
    await close();
  });

  await t.test("keys without Ctrl are turned off in their list, for good, and on again", next(), async (t) => {
    const { page, complaints, close } = await dashboard.openAlone("/overview");
    const dialog = page.getByRole("dialog", { name: "Keys" });
    const plain = dialog.getByRole("switch", { name: "Keys without Ctrl or ⌘" });
    // The dialog must receive the next key, so it opens in the same task as the key press.
    await page.keyboard.press("?");
    t.ok(await dialog.isVisible());
    t.ok(await plain.isChecked(), "they are on at first");
    await plain.focus();
    await page.keyboard.press("Space");
    t.notOk(await plain.isChecked());
    await page.reload();
    await heading(page, "Overview").waitFor();
    // The palette opens after these keys, so the page has handled them by then.
    for (const pressed of ["g", "t", "/", "?", "Control+k"]) await page.keyboard.press(pressed);
    const field = page.getByRole("combobox", { name: "Find anything" });
    await field.waitFor();
    t.equal(new URL(page.url()).pathname, "/overview");
    t.equal(await countOf(dialog, 0), 0);
    await page.keyboard.type("keys list");
    await page.getByRole("option", { name: /^Keys: list them/ }).waitFor();
    await page.keyboard.press("Enter");
    await plain.click();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    for (const letter of ["g", "t"]) await page.keyboard.press(letter);
    await heading(page, "Tasks").waitFor();
    t.same(complaints, []);
    await close();
  });

  await t.test("a table is sorted by its heads, and a row opens by a click and by keys", next(), async (t) => {
    const { page, complaints, close } = await dashboard.open("/rules");
    const table = page.getByRole("table", { name: "Decided rules" });
    const first = () => table.getByRole("row").nth(1).getByRole("link").first().textContent();
    const head = table.getByRole("columnheader", { name: "Rule" });
    await head.getByRole("button").click();
    t.equal(await head.getAttribute("aria-sort"), "ascending");
    const names = await table.locator("td.cell-opens a").allTextContents();
    t.same(
      names,
      names.toSorted((a, b) => a.localeCompare(b, undefined, { numeric: true })),
    );
    await head.getByRole("button").press("Enter");
    t.equal(await head.getAttribute("aria-sort"), "descending");
    t.same(await table.locator("td.cell-opens a").allTextContents(), names.toReversed());
    await head.getByRole("button").click();
    t.equal(await head.getAttribute("aria-sort"), null, "the order of the view");
    t.ok(await first());
    await table.locator("td.cell-opens a").first().focus();
    await page.keyboard.press("ArrowDown");
    const second = (await focused(page).textContent()) ?? "";
    t.equal(await table.locator("td.cell-opens a").nth(1).textContent(), second);
    await table.getByRole("row").nth(2).getByRole("cell").last().click();
    await page.getByRole("heading", { level: 1 }).getByText(second).waitFor();
    t.same(complaints, []);
    await close();
  });

  await t.test("a key's versions can be compared and rolled back by keyboard alone", next(), async (t) => {
    const { page, complaints, close } = await dashboard.open("/");
    const versions = async (): Promise<number> => {
      const answer = await send(koor.port, "GET", `/api/state/${key}?history=1&limit=1000`);
      return answer.json<{ versions: unknown[] }>().versions.length;
    };
    /** Presses Tab until this has the focus; a person would give up before the bound. */
    const tabTo = async (selector: string): Promise<void> => {
      for (let presses = 0; presses < 60; presses++) {
        await page.keyboard.press("Tab");
        if ((await page.locator(selector).and(focused(page)).count()) > 0) return;
      }
      throw new Error(`Tab never came to ${selector}`);
    };
    await page.keyboard.press("Tab");
    t.equal(await focused(page).textContent(), "Skip to the content", "the first stop of all");
    await page.keyboard.press("Enter");
    t.equal(await focused(page).getAttribute("id"), "main");
    await page.reload();
    await heading(page, "Needs me").waitFor();
    await tabTo("nav a[href='/state']");
    await page.keyboard.press("Enter");
    await heading(page, "State").waitFor();
    await tabTo("input[type=search]");
    await page.keyboard.type(key);
    await page.getByRole("treeitem", { name: key }).waitFor();
    await tabTo("[role=tree]");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Compare", exact: true }).waitFor();
    await tabTo("button:text-is('Compare')");
    await page.keyboard.press("Enter");
    await page.getByRole("region", { name: /^Version \d+ beside version \d+/ }).waitFor();
    await tabTo("button:text-matches('^Roll back to version')");
    await page.keyboard.press("Enter");
    // Its role is gone as soon as it closes; the page accepts an Enter for a new question once it has handled that.
    const dialog = page.locator("dialog");
    await dialog.waitFor();
    const before = await versions();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    t.match(await focused(page).textContent(), /^Roll back to version/, "and the focus is where it was");
    t.equal(await versions(), before, "Escape has changed nothing");
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    await tabTo("dialog button:text-is('Roll back')");
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    t.equal(await versions(), before + 1);
    await page.getByRole("button", { name: `Show version ${before + 1}`, exact: true }).waitFor();
    const audit = await send(koor.port, "GET", "/api/audit?last=1");
    t.match(JSON.stringify(audit.json()), /"actor":"dashboard"/);
    t.same(complaints, []);
    await close();
  });

  await t.test("the colours follow the system, or the choice of the user", next(), async (t) => {
    const { page, close } = await dashboard.openAlone("/overview", { dark: true });
    const ground = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const dark = await ground();
    await page.getByRole("button", { name: "Theme: system" }).click();
    await page.getByRole("button", { name: "Theme: light" }).waitFor();
    const light = await ground();
    t.not(light, dark);
    await page.reload();
    await page.getByRole("button", { name: "Theme: light" }).click();
    await page.getByRole("button", { name: "Theme: dark" }).waitFor();
    t.equal(await ground(), dark);
    await close();
  });

  await t.test("on a phone the menu is behind a button", next(), async (t) => {
    const { page, complaints, close } = await dashboard.open("/overview", PHONE);
    const button = page.getByRole("button", { name: "Menu" });
    const link = page.getByRole("navigation").getByRole("link", { name: "Agents" });
    t.equal(await link.isVisible(), false);
    t.equal(await button.getAttribute("aria-expanded"), "false");
    await button.click();
    await link.waitFor();
    t.equal(await button.getAttribute("aria-expanded"), "true");
    await button.click();
    await link.waitFor({ state: "hidden" });
    await button.click();
    await link.click();
    await heading(page, "Agents").waitFor();
    await link.waitFor({ state: "hidden" });
    t.same(await axeViolations(page), [], "hidden texts are still the names");
    t.same(complaints, []);
    await close();
  });

  await t.test("on a server without a token every page says who may reach it", next(), async (t) => {
    const { page, close } = await openPage(dashboard.browser);
    await page.route("**/session", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ json: { ...((await answer.json()) as object), exposed: true } });
    });
    await page.goto(`${dashboard.url}/overview`);
    await page.getByRole("alert").filter({ hasText: "--auth-token" }).waitFor();
    const usual = await dashboard.open("/overview");
    t.equal(await countOf(usual.page.getByText("--auth-token"), 0), 0);
    await close();
    await usual.close();
  });

  await t.test("every page says that nothing can be stored, with the reason", next(), async () => {
    const { page, close } = await openPage(dashboard.browser);
    const json = { status: "unwell", uptime: "1s", reason: "the database takes no writes: data.db was removed" };
    await page.route("**/health", (route) => route.fulfill({ status: 503, json }));
    await page.goto(`${dashboard.url}/state`);
    await page.getByRole("alert").filter({ hasText: json.reason }).waitFor();
    await close();
  });

  await t.test("the page says while the server is away, and shows the changes when it is back", next(), async (t) => {
    const { page, complaints, close } = await dashboard.open("/state/plan/moving", {
      expected: [AWAY, REFUSED, /404/],
    });
    await page.getByText("There is no key with this name").waitFor();
    await send(koor.port, "PUT", "/api/state/plan/moving", { body: '"first"' });
    await page.locator("code").getByText('"first"').waitFor();
    await koor.stop();
    await connection(page).getByText("reconnecting").waitFor();
    t.equal(await countOf(page.locator("code").getByText('"first"'), 1), 1, "earlier content can still be read");
    const again = await startAgain(t, koor, "");
    await send(again.port, "PUT", "/api/state/plan/moving", { body: '"second"' });
    await page.locator("code").getByText('"second"').waitFor();
    await live(page);
    await page.getByRole("alert").waitFor({ state: "detached" });
    t.same(complaints, []);
    await close();
  });

  t.equal(begun, TESTS, "TESTS counts the tests above");
});
