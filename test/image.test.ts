/**
 * Runs the steps of deploy/Dockerfile without Docker: the folders of its two stages are made from the files that it
 * copies, its build runs there, and the server starts from the second one alone, as the image starts it. So a file that
 * the image does not have is noticed on a machine without Docker, too.
 */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { CHECKOUT, copyFiles, copyPackages, listCheckout } from "./support/checkout-copy.js";
import { send } from "./support/http-client.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { longFormOnly } from "./support/test-size.js";

const run = promisify(execFile);

interface Step {
  readonly name: string;
  readonly text: string;
}

/** Reads the instructions of each stage. Comments are dropped, and continued lines are joined. */
function readStages(): readonly (readonly Step[])[] {
  const text = readFileSync(join(CHECKOUT, "deploy/Dockerfile"), "utf8")
    .replaceAll(/^\s*#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, " ");
  const steps = text.split("\n").flatMap((line): Step[] => {
    const [, name, rest] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
    return name === undefined || rest === undefined ? [] : [{ name, text: rest.trim() }];
  });
  const begins = steps.flatMap(({ name }, at) => (name === "FROM" ? [at] : []));
  return begins.map((from, at) => steps.slice(from + 1, begins[at + 1]));
}

function textsOf(steps: readonly Step[], name: string): readonly string[] {
  return steps.filter((step) => step.name === name).map(({ text }) => text);
}

/** The files that Docker sees: those that the ignore file lets through. */
async function listContext(): Promise<readonly string[]> {
  const lines = readFileSync(join(CHECKOUT, "deploy/Dockerfile.dockerignore"), "utf8").split("\n");
  const kept = lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  t.ok(lines.includes("*") && lines.includes("**/*.test.ts"), "the ignore file keeps everything else out");
  return (await listCheckout()).filter(
    (path) => kept.some((name) => path === name || path.startsWith(`${name}/`)) && !path.endsWith(".test.ts"),
  );
}

t.test("the image's steps give a server that serves", { skip: longFormOnly() }, async (t) => {
  const [build = [], image = []] = readStages();
  const folder = makeDirectory(t);
  const app = join(folder, "build", "app");
  mkdirSync(app, { recursive: true });
  const context = await listContext();
  for (const copied of textsOf(build, "COPY")) {
    const sources = copied.split(/ +/).slice(0, -1);
    for (const source of sources) {
      const files = context.filter((path) => path === source || path.startsWith(`${source}/`));
      t.ok(files.length > 0, `COPY ${source}`);
      copyFiles(app, files);
    }
  }
  // In the place of what npm would download.
  await copyPackages(app);
  for (const command of textsOf(build, "RUN")) await run("sh", ["-c", command], { cwd: app });

  const root = join(folder, "image");
  for (const copied of textsOf(image, "COPY")) {
    const [first = "", second = "", third] = copied.split(/ +/);
    const [from, to] = third === undefined ? [join(CHECKOUT, first), second] : [join(folder, "build", second), third];
    mkdirSync(dirname(join(root, to)), { recursive: true });
    cpSync(from, join(root, to), { recursive: true, verbatimSymlinks: true });
  }
  rmSync(join(folder, "build"), { recursive: true });
  for (const [, target = ""] of textsOf(image, "RUN")
    .join(" ")
    .matchAll(/ln -s (\S+)/g))
    t.ok(existsSync(join(root, target)), `the link to ${target}`);

  const env = Object.fromEntries(
    textsOf(image, "ENV").flatMap((line) => line.split(/ +/).map((pair) => pair.split("=") as [string, string])),
  );
  t.same(
    [env["KOOR_BIND"], env["KOOR_DATA_DIR"], env["NODE_ENV"]],
    ["0.0.0.0:9800", "/data", "production"],
    "its environment",
  );
  const [entry = ""] = textsOf(image, "ENTRYPOINT");
  const [node, program = ""] = JSON.parse(entry) as string[];
  t.equal(node, "node", "Node is process 1");
  const koor = await startKoor(t, {
    program: join(root, program),
    args: ["--dashboard-bind", "127.0.0.1:0"],
    env: { ...env, KOOR_AUTH_TOKEN: "only-for-this-test" },
  });
  t.equal((await send(koor.dashboardPort, "GET", "/")).status, 200, "with the dashboard");
  const [health = ""] = textsOf(image, "HEALTHCHECK");
  const words = JSON.parse(health.slice(health.indexOf("["))) as string[];
  t.same(words.slice(-2), ["koor", "status"]);
  const status = await run(process.execPath, [join(root, "app/deploy/bin/koor.js"), "status"], {
    env: { PATH: process.env["PATH"] ?? "", KOOR_SERVER: koor.url, HOME: folder },
    cwd: folder,
  });
  t.match(status.stdout, "ok", "the health check");
  t.equal(await koor.stop(), 0);
});
