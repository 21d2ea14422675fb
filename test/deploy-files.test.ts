/**
 * Tests the files of deploy/ for systemd, Compose and Kubernetes: the programs that read them accept them, and they
 * name only options and secrets that exist. A check whose program this machine does not have is skipped.
 */
import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import t from "tap";
import { parse, parseAllDocuments } from "yaml";
import { OPTIONS, environmentOf } from "../schemas/config.js";
import { VERSION } from "../schemas/version.js";

const run = promisify(execFile);
/** This file runs from dist/tree/test. */
const DEPLOY = fileURLToPath(new URL("../../../deploy", import.meta.url));
const UNITS = ["koor.service", "cluster/nats-server.service"];
const COMPOSE_FILES = ["compose.yaml", "cluster/compose.yaml"];
const MANIFESTS = readdirSync(join(DEPLOY, "kubernetes")).map((name) => `kubernetes/${name}`);
/** The folder of the Python environment that `.ci/run` makes. */
const VALIDATOR_VARIABLE = "KOOR_TEST_KUBERNETES";
/** The versions of Kubernetes whose schemas are used: the oldest that has ReadWriteOncePod, and the newest. */
const KUBERNETES = ["1.29", "1.37"];
/** The figure of `systemd-analyze security` that docs/deployment.md names is at most this: tenths. */
const EXPOSURE_MAX = 20;

/** The seconds that a server has for its stop (docs/deployment.md). */
const STOP_S = 15;

interface Service {
  readonly restart?: string;
  readonly stop_grace_period?: string;
}

const read = (name: string): string => readFileSync(join(DEPLOY, name), "utf8");

function missing(program: string, ...parameters: string[]): string | false {
  return spawnSync(program, parameters, { stdio: "ignore" }).status === 0 ? false : `no ${program} on this machine`;
}

/** The variables of the server, and those of the files themselves. */
const VARIABLES = new Set([...Object.keys(OPTIONS).map(environmentOf), "KOOR_CONFIG", "KOOR_SERVER", "KOOR_TOKEN"]);

t.test(
  "systemd accepts the units, and they expose little",
  { skip: missing("systemd-analyze", "--version") },
  async (t) => {
    for (const unit of UNITS) {
      const path = join(DEPLOY, unit);
      const said = spawnSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8" });
      // Only a machine that is set up has this program.
      const complaints = said.stderr
        .split("\n")
        .filter((line) => line.trim() !== "" && !/is not executable/.test(line));
      t.same(complaints, [], unit);
      const threshold = `--threshold=${EXPOSURE_MAX}`;
      const exposed = await run("systemd-analyze", ["security", "--offline=yes", "--no-pager", threshold, path]);
      const [, figure = ""] = /Overall exposure level for \S+: (\d+\.\d)/.exec(exposed.stdout) ?? [];
      t.comment(`${unit}: ${figure}`);
      t.not(figure, "", `${unit}: its figure`);
    }
  },
);

t.test("Docker Compose accepts the files", { skip: missing("docker", "compose", "version") }, async (t) => {
  const env = {
    ...process.env,
    KOOR_AUTH_TOKEN: "only-for-this-test",
    NATS_PASSWORD: "a1",
    NATS_ROUTE_PASSWORD: "b1",
  };
  for (const name of COMPOSE_FILES) {
    const { stderr } = await run("docker", ["compose", "-f", join(DEPLOY, name), "config", "--quiet"], { env });
    t.equal(stderr, "", name);
  }
});

const VALIDATOR = join(process.env[VALIDATOR_VARIABLE] ?? "", "bin", "kubernetes-validate");
t.test(
  "Kubernetes' schemas accept the manifests",
  { skip: existsSync(VALIDATOR) ? false : `no kubernetes-validate (.ci/run installs it, ${VALIDATOR_VARIABLE})` },
  async (t) => {
    for (const version of KUBERNETES) {
      const paths = MANIFESTS.map((name) => join(DEPLOY, name));
      const { stdout } = await run(VALIDATOR, ["--strict", "-k", version, ...paths]);
      t.notMatch(stdout, /ERROR|WARN/, version);
    }
  },
);

/** Returns each name and value that a text of YAML gives as the environment of a container. */
function environmentsOf(node: unknown): string[] {
  if (node === null || typeof node !== "object") return [];
  const own =
    "env" in node && Array.isArray(node.env)
      ? node.env.map(({ name }: { readonly name: string }) => name)
      : "environment" in node && node.environment !== null
        ? Object.keys(node.environment as object)
        : [];
  return [...own, ...Object.values(node).flatMap(environmentsOf)];
}

t.test("the files name options that exist", (t) => {
  for (const name of [...COMPOSE_FILES, ...MANIFESTS]) {
    const documents = parseAllDocuments(read(name), { merge: true }).map((one) => one.toJS() as unknown);
    const named = environmentsOf(documents).filter((variable) => variable.startsWith("KOOR_"));
    t.ok(named.includes("KOOR_AUTH_TOKEN"), `${name}: a token`);
    t.same(
      named.filter((variable) => !VARIABLES.has(variable)),
      [],
      name,
    );
  }
  t.end();
});

t.test("Docker lets each service end, and starts it again after a restart of the machine", (t) => {
  for (const name of COMPOSE_FILES) {
    const { services } = parse(read(name), { merge: true }) as Readonly<Record<"services", object>>;
    for (const [service, { restart, stop_grace_period: grace = "" }] of Object.entries(services) as [
      string,
      Service,
    ][]) {
      t.equal(restart, "unless-stopped", `${name}: ${service}`);
      t.ok(Number.parseInt(grace, 10) >= STOP_S, `${name}: ${service} has ${STOP_S} s to stop`);
    }
  }
  t.end();
});

t.test("no probe ends a pod whose server migrates its database", (t) => {
  for (const name of MANIFESTS) {
    const text = read(name);
    t.match(text, "livenessProbe:", name);
    t.equal(text.split("startupProbe:").length, text.split("livenessProbe:").length, `${name}: startup probes`);
  }
  t.end();
});

t.test("the manifests name the image of this version, and the secrets that their first lines make", (t) => {
  for (const name of MANIFESTS) {
    const text = read(name);
    t.match(text, `image: koor:${VERSION}`, name);
    const made = new Set([...text.matchAll(/--from-literal=([\w-]+)=/g)].map(([, key]) => key));
    for (const [, key = ""] of text.matchAll(/secretKeyRef: \{ name: koor, key: ([\w-]+) \}/g))
      t.ok(made.has(key), `${name}: ${key}`);
  }
  t.end();
});
