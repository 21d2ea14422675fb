/** Tests the view of state in a real browser: search, values of every kind, versions, and concurrent changes. */
import t from "tap";
import { checkAddress } from "../../../test/support/address.js";
import { fillWithADay } from "../../../test/support/a-day.js";
import { browserMissing, type Page, countOf } from "../../../test/support/browser.js";
import { axeViolations, checkView, startDashboard } from "../../../test/support/dashboard.js";
import { send, sendJson } from "../../../test/support/http-client.js";

const KEYS = 5_000;
/** The maximum number of elements of a tree that renders only its visible lines. */
const TREE_ROWS_MAX = 80;
const MEGABYTE = 1_000_000;

const tree = (page: Page) => page.getByRole("tree");
const rows = (page: Page) => page.getByRole("treeitem");
const value = (page: Page, key: string) => page.getByRole("region", { name: key, exact: true }).locator("code");

t.test("state in a real server", { skip: browserMissing() }, async (t) => {
  const dashboard = await startDashboard(t, { args: ["--stale-after", "1h"] });
  const { port } = dashboard.koor;
  const { known } = await fillWithADay(dashboard.koor, { nowMs: Date.now(), state_keys: KEYS });
  const put = async (key: string, body: string | Uint8Array, type = "application/json"): Promise<void> => {
    const answer = await send(port, "PUT", `/api/state/${key}`, { body, headers: { "Content-Type": type } });
    if (answer.status !== 200) throw new Error(`${key} was not stored: ${answer.text}`);
  };

  await t.test("the view passes the checks of every view", async (t) => {
    await checkView(t, dashboard, { address: "/state", title: "State", ready: (page) => rows(page).first().waitFor() });
    await checkView(t, dashboard, {
      address: `/state/${known.versionedKey}?compare=1,2`,
      title: "State",
      ready: (page) => page.getByRole("region", { name: /^Version 1 beside/ }).waitFor(),
    });
  });

  await t.test("of thousands of keys few rows are rendered, at any position; a search finds one of them", async (t) => {
    const { page, complaints, close } = await dashboard.open("/state");
    await rows(page).first().waitFor();
    t.match(await tree(page).getAttribute("aria-label"), /State: 5,\d+ keys/);
    await page.getByRole("searchbox", { name: "Search" }).fill("/");
    await page.waitForFunction("document.querySelector('[role=tree]').scrollHeight > 100000");
    t.ok((await rows(page).count()) <= TREE_ROWS_MAX);
    await tree(page).press("End");
    const last = page.locator(".tree-at");
    await last.waitFor();
    t.ok((await rows(page).count()) <= TREE_ROWS_MAX, "at the end, too");
    // Counts the added elements, because they are the cost of typing. A key press may render only the visible rows
    // again.
    await page.evaluate(`{
      window.added = 0;
      new MutationObserver((changes) => { for (const { addedNodes } of changes) window.added += addedNodes.length; })
        .observe(document.querySelector(".space-names"), { childList: true, subtree: true });
    }`);
    const word = known.versionedKey;
    await page.getByRole("searchbox", { name: "Search" }).fill("");
    await page.getByRole("searchbox", { name: "Search" }).pressSequentially(word);
    await page.waitForFunction("document.querySelectorAll('[role=treeitem]').length === 1");
    const added = await page.evaluate<number>("window.added");
    t.ok(added <= TREE_ROWS_MAX * (word.length + 1), `${added} elements for ${word.length} letters`);
    await checkAddress(t, page, "href", /\?q=/, "the address has the search");
    await rows(page).first().click();
    await value(page, word).waitFor();
    await checkAddress(t, page, "pathname", `/state/${word}`);
    await page.getByRole("searchbox", { name: "Search" }).fill("no key has this name");
    await page.getByText("No key matches").waitFor();
    t.same(complaints, []);
    await close();
  });

  await t.test("the current and the previous version are compared at first, others on request", async (t) => {
    for (const n of [1, 2, 3]) await put("mine/three", `{"n":${n},"same":true}`);
    const { page, complaints, close } = await dashboard.open("/state/mine/three");
    await page.getByRole("button", { name: "Compare", exact: true }).click();
    await page.getByRole("region", { name: "Version 2 beside version 3" }).waitFor();
    t.equal(await page.getByLabel("Before").inputValue(), "2");
    t.equal(await page.getByLabel("After").inputValue(), "3");
    t.match(await page.locator(".diff del").allTextContents(), ["2"]);
    t.match(await page.locator(".diff ins").allTextContents(), ["3"]);
    await page.getByLabel("Before").selectOption("1");
    await page.getByRole("region", { name: "Version 1 beside version 3" }).waitFor();
    await checkAddress(t, page, "href", /compare=1(?:,|%2C)3/);
    await page.reload();
    await page.getByRole("region", { name: "Version 1 beside version 3" }).waitFor();
    await page.getByRole("button", { name: "Show version 1" }).click();
    await page.getByRole("heading", { name: "Value of version 1" }).waitFor();
    await page.getByText('"n": 1').or(value(page, "mine/three").getByText("1")).first().waitFor();
    t.match(await value(page, "mine/three").textContent(), /"n": 1/);
    await page.getByRole("button", { name: "Show the current value" }).click();
    await page.getByRole("heading", { name: "Value", exact: true }).waitFor();
    t.same(complaints, []);
    await close();
  });

  await t.test("a rollback creates a version; a rollback after a concurrent write is refused", async (t) => {
    await put("mine/rolled", '"one"');
    await put("mine/rolled", '"two"');
    const { page, close } = await dashboard.open("/state/mine/rolled", { expected: [/status of 409|status of 412/] });
    const back = page.getByRole("button", { name: "Roll back to version 1" });
    await back.click();
    await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
    await page.getByRole("button", { name: "Show version 3" }).waitFor();
    await value(page, "mine/rolled").getByText('"one"').waitFor();
    t.equal((await send(port, "GET", "/api/state/mine/rolled")).text, '"one"');
    await page.route("**/api/state/mine/rolled?rollback=*", async (route) => {
      await put("mine/rolled", '"four"');
      await route.continue();
    });
    await back.click();
    await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
    await page.locator(".toast-bad").waitFor();
    t.equal(
      (await send(port, "GET", "/api/state/mine/rolled")).text,
      '"four"',
      "no concurrent write is overwritten unseen",
    );
    await close();
  });

  await t.test("changes of another client appear by themselves: a new value, a new key, a deleted key", async (t) => {
    await put("mine/live", '"before"');
    const { page, close } = await dashboard.open("/state/mine/live", { expected: [/status of 404/] });
    await value(page, "mine/live").getByText('"before"').waitFor();
    await put("mine/live", '"after"');
    await value(page, "mine/live").getByText('"after"').waitFor();
    await put("mine/new", "1");
    await page.getByRole("treeitem", { name: "new" }).waitFor();
    await send(port, "DELETE", "/api/state/mine/live");
    await page.getByText("This key was deleted").waitFor();
    await page.getByRole("treeitem", { name: "live" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Roll back to version 1" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
    await value(page, "mine/live").getByText('"before"').waitFor();
    t.equal((await send(port, "GET", "/api/state/mine/live")).text, '"before"', "and can be restored");
    await close();
  });

  await t.test("a value is edited: JSON is checked while typing, and a new version is stored", async (t) => {
    await put("mine/edited", '{"big":12345678901234567890,"n":1}');
    const { page, complaints, close } = await dashboard.open("/state/mine/edited");
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Edit mine/edited" });
    const text = dialog.getByLabel("Value");
    t.equal(await text.inputValue(), '{\n  "big": 12345678901234567890,\n  "n": 1\n}', "indented, with all digits");
    const save = dialog.getByRole("button", { name: "Save" });
    t.ok(await save.isDisabled(), "nothing has changed");
    await text.fill('{"big":12345678901234567890,"n":2,}');
    await dialog.getByText(/^This is not JSON: /).waitFor();
    t.ok(await save.isDisabled());
    await text.fill('{"big":12345678901234567890,"n":2}');
    await dialog.getByText("valid JSON, 34 B").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Continue to edit" }).click();
    t.equal(await text.inputValue(), '{"big":12345678901234567890,"n":2}', "a closed dialog loses nothing");
    t.same(await axeViolations(page), []);
    await save.click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Show version 2" }).waitFor();
    t.equal((await send(port, "GET", "/api/state/mine/edited")).text, '{"big":12345678901234567890,"n":2}');
    t.same(complaints, []);
    await close();
  });

  await t.test("a newer version is never overwritten: the user sees the differences first", async (t) => {
    await put("mine/raced", '{"n":1}');
    const { page, close } = await dashboard.open("/state/mine/raced", { expected: [/status of 412|status of 404/] });
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Edit mine/raced" });
    const save = dialog.getByRole("button", { name: "Save" });
    const stored = async () => (await send(port, "GET", "/api/state/mine/raced")).text;
    await dialog.getByLabel("Value").fill('{"n":"mine"}');
    await page.route(
      "**/api/state/mine/raced?if_version=1",
      async (route) => {
        await put("mine/raced", '{"n":"theirs"}');
        await route.continue();
      },
      { times: 1 },
    );
    await save.click();
    await page.locator(".toast-bad").getByText("was changed meanwhile").waitFor();
    await dialog.getByText("Version 2 was stored while you edited.").waitFor();
    t.equal(await stored(), '{"n":"theirs"}');
    const diff = dialog.getByRole("region", { name: "Version 2 beside your text" });
    // The differences are computed by a script that is loaded when it is first needed.
    await diff.locator("del").waitFor();
    t.match(await diff.locator("del").allTextContents(), [/^theirs$/]);
    t.match(await diff.locator("ins").allTextContents(), [/^mine$/]);
    t.ok(await save.isDisabled(), "until the user has decided");
    await dialog.getByRole("button", { name: "Keep my text" }).click();
    await put("mine/raced", '{"n":"theirs again"}');
    await dialog.getByText("Version 3 was stored while you edited.").waitFor();
    t.ok(await save.isDisabled(), "a version that appears live is a conflict at once");
    await dialog.getByRole("button", { name: "Keep my text" }).click();
    await save.click();
    await dialog.waitFor({ state: "detached" });
    t.equal(await stored(), '{"n":"mine"}');
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await dialog.getByLabel("Value").fill('{"n":5}');
    await send(port, "DELETE", "/api/state/mine/raced");
    await dialog.getByText("This was deleted while you edited it.").waitFor();
    await dialog.getByRole("button", { name: "Discard my text" }).click();
    t.equal(await dialog.getByLabel("Value").inputValue(), "");
    await close();
  });

  await t.test("a key is created, never over another one, and deleted", async (t) => {
    await put("mine/there", '"first"');
    const { page, close } = await dashboard.open("/state", { expected: [/status of 412|status of 404/] });
    await page.getByRole("button", { name: "Create a key" }).click();
    const dialog = page.getByRole("dialog", { name: "Create a key" });
    const save = dialog.getByRole("button", { name: "Save" });
    await dialog.getByLabel("Value").fill("# Plan");
    await dialog.getByLabel("Type").selectOption("text/markdown");
    t.ok(await save.isDisabled(), "it has no name");
    await dialog.getByLabel("Name").fill("mine/there");
    await save.click();
    await dialog.getByText("Version 1 was stored while you edited.").waitFor();
    t.equal((await send(port, "GET", "/api/state/mine/there")).text, '"first"');
    await dialog.getByLabel("Name").fill("mine/created");
    await save.click();
    await page.getByRole("heading", { level: 1 }).getByText("mine/created").waitFor();
    await value(page, "mine/created").getByText("# Plan").waitFor();
    const created = await send(port, "GET", "/api/state/mine/created");
    t.equal(created.headers["content-type"], "text/markdown");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog", { name: "Delete this key?" }).getByRole("button", { name: "Delete" }).click();
    await page.getByText("This key was deleted").waitFor();
    t.equal((await send(port, "GET", "/api/state/mine/created")).status, 404);
    await close();
  });

  await t.test("values may be large, no text, blank or deep", async (t) => {
    await put(
      "mine/large",
      "x"
        .repeat(99)
        .concat("\n")
        .repeat(MEGABYTE / 100),
      "text/plain",
    );
    await put(
      "mine/binary",
      Uint8Array.from({ length: 300 }, (_, at) => at % 256),
      "application/octet-stream",
    );
    await put("mine/blank", "\n", "text/plain");
    await put("mine/deep", "[".repeat(1_000) + "]".repeat(1_000));
    await put("mine/a%2F..%2Fb", '"dots"');
    const { page, complaints, close } = await dashboard.open("/state/mine/large");
    await page.getByText("1 MB", { exact: true }).waitFor();
    t.equal((await value(page, "mine/large").textContent())?.length, MEGABYTE);
    await page.goto(`${dashboard.url}/state/mine/binary`);
    await page.getByText("300 B of application/octet-stream, which is not text.").waitFor();
    await page.goto(`${dashboard.url}/state/mine/blank`);
    await value(page, "mine/blank").waitFor({ state: "attached" });
    t.equal(await value(page, "mine/blank").textContent(), "\n");
    await page.goto(`${dashboard.url}/state/mine/deep`);
    await value(page, "mine/deep").waitFor();
    await page.goto(`${dashboard.url}/state/${encodeURIComponent("mine/a/../b")}`);
    await value(page, "mine/a/../b").getByText('"dots"').waitFor();
    await page.goto(`${dashboard.url}/state/mine/nothing`);
    await page.getByText("There is no key with this name").waitFor();
    t.same(
      complaints.filter((complaint) => !complaint.includes("404")),
      [],
    );
    await close();
  });

  await t.test("JSON can be folded; of a large value few lines are rendered", async (t) => {
    const items = Array.from({ length: 9_000 }, (_, id) => ({ id, tags: ["a", "b"] }));
    await put("mine/folded", `{"big":12345678901234567890,"items":${JSON.stringify(items)}}`);
    const { page, complaints, close } = await dashboard.open("/state/mine/folded");
    const text = value(page, "mine/folded");
    const lines = text.locator(".fold-line");
    await text.getByText("12345678901234567890").waitFor();
    t.same((await lines.allTextContents()).slice(2), ['  "items": [ … ]\n', "}\n"], "folded at first");
    const fold = text.getByRole("button", { name: /^"items": \[ 9,000 inside$/ });
    await fold.press("ArrowRight");
    await text
      .getByRole("button", { name: /^\{ 2 inside$/ })
      .nth(1)
      .press("Enter");
    await text.getByText('"id": 0').waitFor();
    await page.getByRole("button", { name: "Unfold all" }).click();
    await page.waitForFunction("document.querySelector('.fold-frame').scrollHeight > 500000");
    await page.evaluate("document.querySelector('.fold-frame').scrollTo(0, 1e7)");
    await text.getByText('"id": 8999').waitFor();
    t.ok((await lines.count()) <= TREE_ROWS_MAX, `${await lines.count()} lines`);
    t.same(await axeViolations(page), []);
    t.same(complaints, []);
    await close();
  });

  await t.test("keys are filtered by their type", async (t) => {
    await put("mine/notes.md", "# Notes", "text/markdown");
    const { page, complaints, close } = await dashboard.open("/state");
    await page.getByLabel("Type", { exact: true }).selectOption("text/markdown");
    await checkAddress(t, page, "search", "?type=text%2Fmarkdown");
    await page.getByRole("searchbox", { name: "Search" }).fill("mine");
    t.equal(await countOf(rows(page), 1), 1);
    await page.reload();
    t.equal(await countOf(rows(page), 1), 1, "the address has both");
    t.match(await rows(page).textContent(), /mine\/notes\.md/);
    t.same(complaints, []);
    await close();
  });

  await t.test("an empty server shows the command that makes the first key", async (t) => {
    const empty = await startDashboard(t);
    const { page } = await empty.open("/state");
    await page.getByText("koor-cli state set").waitFor();
    await sendJson(empty.koor.port, "PUT", "/api/state/plan/first", { goal: "ship it" });
    await page.getByRole("treeitem", { name: "first" }).waitFor();
    t.equal(await countOf(page.getByText("koor-cli state set"), 0), 0);
  });
});
