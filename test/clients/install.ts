/** Installs the pinned clients for the tests. Always exits with 0: if a client is missing, its test is skipped. */
import { AGENT_CLIENTS } from "./clients.js";
import { install, NEW_NODE, RUNTIMES } from "./installed.js";

/** The time limit for all clients together. */
const LIMIT_MS = Number(process.argv[2] ?? 240) * 1000;

const endMs = performance.now() + LIMIT_MS;
const packages = new Map(
  [NEW_NODE, ...Object.values(RUNTIMES), ...AGENT_CLIENTS].map((wanted) => [
    `${wanted.package}@${wanted.version}`,
    wanted,
  ]),
);
for (const wanted of packages.values()) {
  const leftMs = Math.floor(endMs - performance.now());
  const isThere = leftMs > 0 && install(wanted, leftMs);
  process.stdout.write(
    `${wanted.package} ${wanted.version}: ${isThere ? "installed" : "not to be had, its test is skipped"}\n`,
  );
}
