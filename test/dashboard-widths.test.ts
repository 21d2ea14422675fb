/** Tests long names in the tables of the dashboard: no column takes the width of the others, and pages do not grow. */
import t from "tap";
import { browserMissing } from "./support/browser.js";
import { startDashboard } from "./support/dashboard.js";
import { send, sendJson } from "./support/http-client.js";
import { sampleRows } from "./support/test-size.js";

const LONG = "n".repeat(250);
const VIEWS = sampleRows(["agents", "tasks", "webhooks", "rules", "events", "audit", "leases", "overview"], 3);

t.test("a long name takes no other column's width", { skip: browserMissing() }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const { id } = (
    await sendJson(port, "POST", "/api/instances/register", { name: LONG, workspace: LONG, intent: "builds" })
  ).json<{ readonly id: string }>();
  for (const [path, body] of [
    [`/api/instances/${id}/activate`, {}],
    ["/api/tasks", { title: LONG, workspace: LONG }],
    ["/api/webhooks", { id: LONG, url: `http://127.0.0.1:1/${LONG}`, patterns: [LONG] }],
    ["/api/rules/propose", { project: LONG, rule_id: LONG.slice(1), pattern: "x" }],
    ["/api/events/publish", { topic: LONG, source: LONG }],
  ] as const)
    await sendJson(port, "POST", path, body);
  await send(port, "POST", "/api/leases", {
    headers: { "X-Koor-Instance": id },
    body: JSON.stringify({ resources: [`path:${LONG}`], workspace: LONG }),
  });
  for (const view of VIEWS) {
    const { page, close } = await dashboard.open(`/${view}`);
    await page.getByText(LONG.slice(1)).first().waitFor({ state: "attached" });
    // At 800 px and less, some tables are lists of cards without columns.
    for (const width of [1280, 820]) {
      await page.setViewportSize({ width, height: 800 });
      const over = await page.evaluate(
        "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('main'))",
      );
      t.equal(over, 0, `${view} at ${width} px: the page keeps its width`);
      const shares = await page.evaluate<readonly number[]>(
        // Where no column takes the rest, all share it. Buttons have no long names, and must not be cut.
        `[...document.querySelectorAll(".table-frame")]
          .filter((frame) => [...frame.querySelectorAll("td.cell-wide")].some((cell) => cell.offsetWidth > 0))
          .flatMap((frame) => [...frame.querySelectorAll("td.cell-narrow:not(:has(.buttons))")].map((cell) => cell.offsetWidth))`,
      );
      t.ok(
        shares.every((px) => px <= Math.max(260, width / 4)),
        `${view} at ${width} px: ${Math.max(0, ...shares)} px at most`,
      );
    }
    await close();
  }
});
