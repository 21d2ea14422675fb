/** Tests `koor at` and `koor story` with a real server on which two agents have worked. */
import t from "tap";
import { runCli } from "./cli/run-cli.js";
import { send } from "./support/http-client.js";
import { Agent } from "./support/leasing.js";
import { blocksOf } from "./support/recipe.js";
import { makeDirectory, startKoor } from "./support/server-process.js";

t.test("a day is read at a time, and told as Markdown", async (t) => {
  const { port } = await startKoor(t);
  const options = { env: { KOOR_SERVER: `http://localhost:${port}`, HOME: makeDirectory(t) }, cwd: makeDirectory(t) };
  const koor = (...args: string[]) => runCli(args, options);
  const [ana, ben] = [await Agent.register(port, "ana"), await Agent.register(port, "ben")];
  const cyd = await Agent.register(port, "cyd", { workspace: "other" });
  await send(port, "PUT", "/api/state/plans/a%20b", { body: '{"step":1}' });
  const lease = await ana.lease(["path:src/tax.ts"], { reason: "tax" });
  await ben.lease(["path:src/tax.ts"], { queue: true });
  await cyd.lease(["path:elsewhere.ts"]);
  await ana.ask("POST", "/api/tasks", { id: "login", title: "Build *the* login" });
  await ana.ask("POST", "/api/tasks/claim", { id: "login" });
  const middle = new Date().toISOString();
  for (const ms = Date.now(); Date.now() <= ms; ) await send(port, "GET", "/health");
  await ana.release(lease);
  const sent = await ana.ask("POST", "/api/messages", {
    to: [ben.id],
    subject: "# yours",
    body: "b",
    intent: "inform",
  });
  t.equal(sent.status, 200, sent.text);

  const leases = await koor("at", middle, "leases", "--state", "all", "--workspace", "w");
  t.equal(leases.code, 0, leases.stderr);
  t.match((JSON.parse(leases.stdout) as { leases: object[] }).leases, [
    { state: "waiting", holder: { name: "ben" } },
    { state: "held", holder: { name: "ana" } },
  ]);
  const tasks = await koor("at", middle, "tasks", "--fields", "id,state,holder.name");
  const { tasks: held } = JSON.parse(tasks.stdout) as { tasks: object[] };
  t.same(held, [{ id: "login", state: "claimed", holder: { name: "ana" } }]);
  t.equal((await koor("at", middle, "state", "plans/a b")).stdout, '{"step":1}');
  t.match(await koor("at", "0s", "state", "--prefix", "plans/"), { code: 0, stdout: /"state":\[\{"key":"plans\/a b"/ });
  t.match(await koor("at", "240h", "leases"), { code: 1, stderr: /nothing is known of a time before .*\(400\)/ });
  for (const wrong of [["keys"], ["leases", "k"], ["state", "--workspace", "w"], ["state", "k", "--limit", "1"]])
    t.match(await koor("at", "1h", ...wrong), { code: 2, stdout: "" }, wrong.join(" "));

  // The page shows an earlier day, so its dates are replaced.
  const shown = blocksOf("docs/story.md")
    .flatMap((block) => block.split("\n"))
    .filter((command) => command.startsWith("koor at "))
    .map((command) => command.replace(/ +#.*/, "").replace(/\b(?:2h|20\S+Z)/, middle));
  t.equal(shown.length, 4, "examples of docs/story.md");
  await send(port, "PUT", "/api/state/plans/login", { body: '{"step":1}' });
  for (const command of shown) {
    const words = command.split(" ").slice(1);
    // The key was written after the middle of the day, so it is read at the current time.
    const end = await koor(...words.map((word) => (words[2] === "state" && word === middle ? "0s" : word)));
    t.equal(end.code, 0, `${command}: ${end.stderr}`);
    t.match(
      end.stdout,
      words[2] === "tasks" ? '"id":"login"' : words[2] === "leases" ? '"held"' : '{"step":1}',
      command,
    );
  }

  const to = new Date().toISOString();
  const story = await koor("story", "--to", to, "--workspace", "w");
  t.equal(story.code, 0, story.stderr);
  const masked = story.stdout.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "TIME").replaceAll(/\b\d+s$/gm, "0s");
  t.equal(
    masked,
    [
      `# ${new Date(Date.parse(to) - 86_400_000).toISOString()} to ${to}`,
      "",
      "Workspace: w",
      "",
      "| agent | held | waited | lost | tasks done | failed | sent | was told | denied |",
      "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
      "| ben | 1 | 1 | 0 | 0 | 0 | 0 | 1 | 0 |",
      "| ana | 1 | 0 | 0 | 0 | 0 | 1 | 0 | 0 |",
      "",
      "## Tasks",
      "",
      "### login: Build \\*the\\* login",
      "",
      "- TIME was added",
      "- TIME ana took it",
      "",
      "## Files",
      "",
      "### src/tax.ts",
      "",
      "- TIME ana held it",
      "- TIME ben waited for it",
      "- TIME ana released it after 0s",
      "- TIME ben held it after waiting 0s",
      "",
      "## Agents",
      "",
      "### ana",
      "",
      "- TIME ana told ben (inform): \\# yours",
      "",
    ].join("\n"),
  );
  t.equal((await koor("story", "--to", to, "--workspace", "w")).stdout, story.stdout, "it is deterministic");
  t.match((await koor("story")).stdout, /### elsewhere\.ts\n/, "other workspaces, too");
  const printer = await cyd.lease(["name:printer"]);
  await ben.ask("POST", `/api/leases/${printer.id}/break`, { reason: "it is needed" });
  t.match((await koor("story")).stdout, /cyd lost it after \ds: broken by ben: it is needed\n/, "who broke, and why");
  t.match(await koor("story", "--from", "1h", "--to", "2h"), { code: 2, stderr: /--from must not be later than --to/ });
  t.match(await koor("story", "--from", "soon"), { code: 2 });
});
