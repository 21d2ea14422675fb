/**
 * Tests the release: the version and the changelog agree, and the steps of the workflow that publishes run in a copy of
 * the checkout. The registry is a server on loopback, and `gh` a script that writes down its arguments. What only the
 * real ones can say is left out: the provenance statement, and the whole check (`.ci/run`).
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import t, { type Test } from "tap";
import { parse } from "yaml";
import { VERSION } from "../schemas/version.js";
import { CHECKOUT, copyCheckout } from "./support/checkout-copy.js";
import { makeDirectory } from "./support/owner.js";
import { longFormOnly } from "./support/test-size.js";

const run = promisify(execFile);
const PROGRAM = join(CHECKOUT, "deploy", "release.mjs");

interface Step {
  readonly run?: string;
}

interface Workflow {
  readonly on: Readonly<Record<string, { readonly tags: readonly string[] } | null>>;
  readonly jobs: Readonly<
    Record<string, { readonly permissions: Readonly<Record<string, string>>; readonly steps: readonly Step[] }>
  >;
}

const WORKFLOW = parse(readFileSync(join(CHECKOUT, ".github/workflows/publish.yml"), "utf8")) as Workflow;
/** Steps whose work is done already: the packages are in the copy, and the check is the run of this test. */
const LEFT_OUT = new Set(["npm ci --ignore-scripts", ".ci/run"]);

t.test("the version of all files is that of the tag", async (t) => {
  for (const tag of ["", `v${VERSION}`])
    t.match(await run(process.execPath, [PROGRAM, "check", tag]), { stderr: "" }, `tag "${tag}"`);
  t.equal((await run(process.execPath, [PROGRAM, "tag"])).stdout, `v${VERSION}\n`);
  await t.rejects(run(process.execPath, [PROGRAM, "check", "v0.0.1"]), {
    code: 1,
    stderr: `the tag is v0.0.1, and package.json says ${VERSION}: the tag is to be v${VERSION}\n`,
  });
  const { stdout } = await run(process.execPath, [PROGRAM, "notes"]);
  t.match(stdout, /^### Added$/m, "the notes are the changelog's section");
  t.notMatch(stdout, /^## /m, "and no other");
});

t.test("the workflow asks for no more rights than it needs", (t) => {
  t.same(WORKFLOW.on, { workflow_dispatch: null, push: { tags: ["v*"] } });
  t.same(WORKFLOW.jobs["check"]?.permissions, { contents: "read" });
  t.same(WORKFLOW.jobs["publish"]?.permissions, { contents: "write", "id-token": "write" });
  t.end();
});

interface Published {
  readonly name: string;
  readonly versions: Readonly<Record<string, { readonly repository?: { readonly url: string } }>>;
  readonly _attachments: Readonly<Record<string, { readonly data: string }>>;
}

interface Component {
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  /** The packages that only this one uses. */
  readonly components?: readonly Component[];
}

/** Returns the name and version of each component, as `dist/app/THIRD-PARTY.md` writes them. */
function namesOf(components: readonly Component[]): string[] {
  return components.flatMap(({ group, name, version, components: own = [] }) => [
    `${group === undefined ? "" : `${group}/`}${name} ${version}`,
    ...namesOf(own),
  ]);
}

/** A registry that has no packages, and keeps what is published. */
async function startRegistry(t: Test): Promise<{ readonly url: string; readonly published: Published[] }> {
  const published: Published[] = [];
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (request.method === "PUT") published.push(JSON.parse(Buffer.concat(parts).toString("utf8")) as Published);
      response.writeHead(request.method === "PUT" ? 201 : 404, { "Content-Type": "application/json" });
      response.end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => new Promise((resolve) => server.close(() => resolve(undefined))));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, published };
}

t.test("the workflow's steps publish the package", { skip: longFormOnly() }, async (t) => {
  const folder = join(makeDirectory(t), "checkout");
  await copyCheckout(folder);
  const home = makeDirectory(t);
  const tools = join(home, "tools");
  mkdirSync(tools);
  writeFileSync(join(tools, "gh"), `#!/bin/sh\nprintf '%s\\n' "$@" > ${home}/gh\n`, { mode: 0o755 });
  const { url, published } = await startRegistry(t);
  writeFileSync(join(home, ".npmrc"), `registry=${url}\n${url.slice("http:".length)}:_authToken=only-for-this-test\n`);
  const env = {
    PATH: `${tools}:${process.env["PATH"] ?? ""}`,
    HOME: home,
    npm_config_cache: join(home, "cache"),
    npm_config_update_notifier: "false",
    GITHUB_SHA: "0123456789abcdef",
    TAG: `v${VERSION}`,
    GITHUB_SERVER_URL: "https://github.com",
    GITHUB_REPOSITORY: "owner/koor",
  };
  const commands = Object.values(WORKFLOW.jobs)
    .flatMap(({ steps }) => steps.map((step) => step.run ?? ""))
    .filter((command) => command !== "" && !LEFT_OUT.has(command));
  t.ok(
    commands.some((command) => command.includes("--provenance")),
    "the package is published with provenance",
  );
  for (const command of commands) {
    // Only GitHub can say who runs this.
    const here = command.replace("--provenance", "--provenance=false");
    await run("bash", ["-e", "-c", here], { cwd: folder, env });
    t.pass(command);
  }

  const release = join(folder, "dist", "release");
  const archive = readFileSync(join(release, `koor-${VERSION}.tgz`));
  const [one] = published;
  t.equal(published.length, 1, "one version is published");
  t.equal(one?.name, "koor");
  t.equal(one?.versions[VERSION]?.repository?.url, "git+https://github.com/owner/koor.git", "of this repository");
  const [attachment] = Object.values(one?.["_attachments"] ?? {});
  t.ok(Buffer.from(attachment?.data ?? "", "base64").equals(archive), "it is the package that was built");

  const ghWords = readFileSync(join(home, "gh"), "utf8").split("\n");
  t.same(ghWords.slice(0, 5), ["release", "create", `v${VERSION}`, "--target", env.GITHUB_SHA]);
  for (const name of [`koor-${VERSION}.tgz`, "sbom.cdx.json", "SHA256SUMS"]) {
    t.ok(ghWords.includes(`dist/release/${name}`), `the release has ${name}`);
    t.ok(existsSync(join(release, name)));
  }
  const sums = readFileSync(join(release, "SHA256SUMS"), "utf8");
  t.match(sums, `${createHash("sha256").update(archive).digest("hex")}  koor-${VERSION}.tgz\n`);

  const sbom = JSON.parse(readFileSync(join(release, "sbom.cdx.json"), "utf8")) as {
    readonly bomFormat: string;
    readonly metadata: { readonly component: { readonly name: string; readonly version: string } };
    readonly components: readonly Component[];
  };
  t.equal(sbom.bomFormat, "CycloneDX");
  t.match(sbom.metadata.component, { name: "koor", version: VERSION });
  interface Manifest {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
  }
  const readManifest = (path: string): Manifest => JSON.parse(readFileSync(join(folder, path), "utf8")) as Manifest;
  const { devDependencies } = readManifest("package.json");
  const { dependencies } = readManifest("deploy/bundled/package.json");
  const listed = new Set(sbom.components.map(({ name, version }) => `${name}@${version}`));
  for (const [name, version] of Object.entries(dependencies))
    if (!name.startsWith("@")) t.ok(listed.has(`${name}@${version}`), `${name}, which the build bundles or runs`);
  const all = new Set(namesOf(sbom.components));
  const notices = readFileSync(join(folder, "dist/app/THIRD-PARTY.md"), "utf8");
  const bundled = [...notices.matchAll(/^## (.+ \d.*)$/gm)].map(([, name = ""]) => name);
  t.ok(bundled.length > 50, `${bundled.length} packages are bundled`);
  t.same(
    bundled.filter((name) => !all.has(name)),
    [],
    "each package whose code is in the programs is listed",
  );
  for (const name of ["tap", "typescript"]) t.notOk(listed.has(`${name}@${devDependencies[name]}`), `not ${name}`);
});
