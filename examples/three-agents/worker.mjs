/**
 * A worker: takes one task after the other until the planner says that the plan is done. Two workers run this file,
 * each in its own git worktree, on a branch of its name. Where this worker calls a function of `WORK`, an agent of
 * yours would ask a model. Run: `node worker.mjs NAME`, in a worktree.
 */
import { execFileSync } from "node:child_process";
import { git, join, koor, leave, say } from "./agent.mjs";
import { addRoute, save, tests, writeApi, writePage } from "./trucks.mjs";

const WORK = { api: doApi, page: doPage, tests: doTests };
const ENDPOINT = "GET /api/trucks";
const ROUTES = "path:src/routes.mjs";

const [name = "ben"] = process.argv.slice(2);
const { workspace, checkout } = await join(name, "works on the trucks");
const contract = `${workspace}/truck-api`;
await say(`joins as a worker, in a worktree with the branch ${checkout.branch}`);

let cursor = "";
for (;;) {
  const news = await koor("wait", "--task", "--message", "--after", cursor);
  cursor = news.cursor;
  if (news.matched.kind === "message") {
    await koor("message", "read", news.matched.message.id);
    await say(`reads a message of ${news.matched.message.from.name}: ${news.matched.message.subject}`);
    break;
  }
  const { task } = await koor("task", "claim");
  if (task === null) continue; // Another worker was faster.
  await say(`claims the task "${task.title}" with ${task.resources.join(" and ").replaceAll("path:", "")}`);
  const result = await WORK[task.labels[0]](task);
  await koor("task", "done", task.id, "--result", JSON.stringify(result));
  await say(`is done with "${task.title}", and so its files are free`);
}
leave();

/** Writes the API. Its task holds the file of the routes, which the page needs, too. */
async function doApi({ fence }) {
  const agreed = await koor("contract", "get", contract);
  const fields = agreed.endpoints[ENDPOINT].response_array;
  writeApi(Object.keys(fields));
  addRoute("/api/trucks");
  save("the API");
  // Before it ends, it hears what others need from it. In this play the other worker has a request.
  const { matched } = await koor("wait", "--message", "--timeout", "2m");
  const { id, from, subject } = matched.message;
  await say(`reads a message of ${from.name}: ${subject}`);
  fields.axles = { type: "number", required: true };
  writeApi(Object.keys(fields));
  save("the number of axles");
  // With the fence the contract changes only as long as this worker holds the task.
  const changed = ["--data", JSON.stringify(agreed), "--fence", `${fence}`];
  const { version } = await koor("contract", "set", contract, ...changed);
  await koor("message", "ack", id, "--note", `see version ${version} of the contract`);
  await say(`changes the contract truck-api: version ${version} has the number of axles`);
  return { branch: name };
}

/** Writes the page, waits for the file of the routes, and hears meanwhile that the contract has changed. */
async function doPage({ created_by: planner }) {
  writePage(Object.keys((await koor("contract", "get", contract)).endpoints[ENDPOINT].response_array));
  save("the page");
  const lease = await koor("lease", "acquire", ROUTES, "--queue", "--reason", "the route of the page");
  const [{ holder }] = (await koor("lease", "list", "--resource", ROUTES)).leases;
  await say(`wants src/routes.mjs, which ${holder.name} has, and waits`);
  await koor("message", "send", holder.id, "how many axles has a truck?", "--intent", "request");
  for (let held = lease.state === "held"; ; ) {
    // Waits for the file and for a change of the contract. When it has the file, it looks for a change once more.
    const what = held ? ["--timeout", "0s"] : ["--lease", lease.id];
    const news = await koor("wait", "--spec", contract, ...what, "--after", cursor);
    cursor = news.cursor;
    if (news.matched === null) break;
    if (news.matched.kind === "lease") held = true;
    else await followContract(news.matched.version, planner);
  }
  git("merge", "--quiet", "--no-edit", holder.name);
  addRoute("/trucks");
  save("the route of the page");
  await koor("lease", "release", lease.id);
  await say(`has src/routes.mjs now, merges the branch ${holder.name} without a conflict, and adds its own route`);
  return { branch: name };
}

/** Checks the page against the new contract, mends it, and proposes a rule that would have prevented the mistake. */
async function followContract(version, planner) {
  const payload = JSON.stringify([{ id: 1, plate: "TR-1" }]);
  const check = ["--endpoint", ENDPOINT, "--direction", "response", "--payload", payload];
  const { violations } = await koor("contract", "validate", contract, ...check);
  await say(`hears of version ${version} of the contract, which its page violates: ${violations[0].message}`);
  writePage("all");
  save("all fields of the contract");
  const rule = `${workspace}/no-field-list`;
  await koor("rules", "propose", rule, "FIELDS = \\[", "take the fields from the contract", "--applies-to", "src/**");
  const data = JSON.stringify({ rule, file: "src/page.mjs", branch: name });
  await koor("message", "send", planner, "a rule against lists of fields", "--intent", "request", "--data", data);
  await say("mends its page, and proposes the rule no-field-list");
}

/** Tests the parts one after the other. The checkpoint says to a successor what is done. */
async function doTests({ id, after, checkpoint }) {
  const results = await Promise.all(after.map(async (one) => (await koor("task", "get", one)).result));
  const { branch, tested } = checkpoint ?? { branch: name, tested: [] };
  if (branch !== name) await say(`takes over from ${branch}, who has tested: ${tested.join(", ")}`);
  for (const other of new Set([branch, ...results.map((result) => result.branch)]))
    git("merge", "--quiet", "--no-edit", other);
  for (const [part, file] of tests(tested)) {
    execFileSync(process.execPath, [file]);
    save(`the test of the ${part}`);
    tested.push(part);
    const percent = (100 * tested.length) / 2;
    const now = JSON.stringify({ branch: name, tested });
    await koor("task", "progress", id, "--percent", `${percent}`, "--checkpoint", now);
    await say(`has tested the ${part}: ${percent} % of the task`);
  }
  const { count } = await koor("rules", "check", workspace, "--file", "src/page.mjs", "--filename", "src/page.mjs");
  await say(`checks the page by the rules of the project: ${count} violations`);
  return { branch: name };
}
