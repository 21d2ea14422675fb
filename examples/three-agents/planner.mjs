/**
 * The planner: writes down what the others build against, makes the tasks, decides about proposed rules, and merges
 * the result. It edits no files itself. Run: `node planner.mjs NAME`, in the main working tree of a git repository.
 */
import { fileURLToPath } from "node:url";
import { git, join, koor, leave, say } from "./agent.mjs";

const fileOf = (name) => fileURLToPath(new URL(name, import.meta.url));

const [name = "ana"] = process.argv.slice(2);
const { workspace } = await join(name, "plans the work on the trucks");
await say("joins as the planner");

const contract = `${workspace}/truck-api`;
const { version } = await koor("contract", "set", contract, "--file", fileOf("contract.json"));
await say(`stores version ${version} of the contract truck-api, which the others build against`);

// The file has all tasks. `"#0"` in it is the first of them: Koor makes all, or none.
const tasks = await koor("task", "add", "--file", fileOf("plan.json"));
for (const { title, state, after } of tasks)
  await say(`adds the task "${title}"${state === "blocked" ? `, which waits for ${after.length} others` : ""}`);

const last = tasks.at(-1);
for (let cursor = ""; ; ) {
  // One call waits for everything that concerns the planner. Meanwhile it costs nothing, and asks nothing.
  const news = await koor("wait", "--message", "--task", last.id, "--after", cursor);
  cursor = news.cursor;
  if (news.matched.kind === "task") {
    await finish(news.matched.task.id);
    break;
  }
  await decide(news.matched.message);
}
leave();

/** Decides about a proposed rule: tries it on the file that the message names, and accepts it if nothing matches. */
async function decide({ id, from, subject, data }) {
  await say(`reads a message of ${from.name}: ${subject}`);
  const text = git("show", `${data.branch}:${data.file}`);
  const { count } = await koor("rules", "preview", data.rule, "--data", text, "--filename", data.file);
  const decision = count === 0 ? "accept" : "reject";
  const { status } = await koor("rules", decision, data.rule);
  await koor("message", "ack", id, "--note", status);
  await say(`tries the rule on ${data.file} of ${data.branch}, which has ${count} violations: the rule is ${status}`);
}

/** Merges what the workers have made, and lets them go. */
async function finish(id) {
  const { state, holder, result, history } = await koor("task", "get", id);
  if (state !== "done" || holder !== null) throw new Error(`the task is ${state}`);
  const claims = history.filter((turn) => turn.state === "claimed").length;
  git("merge", "--quiet", "--no-edit", result.branch);
  const files = git("ls-files", "src", "test").trim().split("\n");
  await say(`merges the branch ${result.branch}: ${files.length} files, and the last task was claimed ${claims} times`);
  await koor("message", "send", `workspace:${workspace}`, "the plan is done");
  await say("sends a message to all: the plan is done");
}
