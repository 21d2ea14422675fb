/**
 * Tests the evidence of a task in a browser: missing evidence, live updates, and the columns for passes that CI
 * observed, that a program observed, and that an agent claimed.
 */
import t from "tap";
import { browserMissing } from "../../../test/support/browser.js";
import { checkView, startDashboard } from "../../../test/support/dashboard.js";
import { sendJson } from "../../../test/support/http-client.js";
import { Agent } from "../../../test/support/leasing.js";

t.test("the page of a task shows what was seen of its commands", { skip: browserMissing() }, async (t) => {
  const dashboard = await startDashboard(t);
  const { port } = dashboard.koor;
  const ana = await Agent.register(port, "ana");
  const hostile = `<img src=x onerror="window.__ran=1">`;
  await sendJson(port, "POST", "/api/tasks", { id: "plain", title: "t" });
  await sendJson(port, "POST", "/api/tasks", { id: "api", title: "t", requires_evidence: ["npm test", hostile] });
  const record = (body: object) => ana.ask("POST", "/api/evidence", { command: "npm test", task: "api", ...body });
  await record({ exit_code: 0 });
  const { page, complaints } = await dashboard.open("/tasks/api");
  const row = page.getByRole("table", { name: "Required commands" }).getByRole("row", { name: /^npm test/ });
  await row.getByText("only said").waitFor();
  const cells = async (): Promise<readonly string[]> => await row.getByRole("cell").allTextContents();
  t.match(await cells(), ["npm test", "only said", "none", "none", /^passed (?:just now|\d+ s ago)/]);
  await record({ exit_code: 3, seen_by: "cli" });
  await row.getByText("exit code 3").waitFor();
  t.match(await cells(), ["npm test", "failed", "none", /^exit code 3/, /^passed/]);
  await record({ exit_code: 0, seen_by: "ci" });
  await row.getByText("seen to pass").waitFor();
  t.match(await cells(), ["npm test", "seen to pass", /^passed/, /^exit code 3/, /^passed/]);
  await checkView(t, dashboard, {
    address: "/tasks/api",
    title: "Tasks",
    ready: (seen) => seen.getByRole("table", { name: "Required commands" }).waitFor(),
  });
  t.equal(await page.evaluate("window.__ran"), undefined);
  await page.goto(`${dashboard.url}/tasks/plain`);
  await page.getByRole("table", { name: "Steps of the task" }).waitFor();
  t.equal(await page.getByRole("table", { name: "Required commands" }).count(), 0, "only if it requires commands");
  t.same(complaints, []);
});
