/**
 * Real reverse proxies in front of a server: nginx and Caddy with the configuration files of deploy/, on a loopback
 * port and with a certificate for tests. Only addresses, ports and paths in the files are replaced. If a program is not
 * installed, this module says so, so that its tests can be skipped. Runs in the test's process, and ends with the test.
 */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../cli/loopback-certificate.js";
import { findFreePort } from "./free-ports.js";
import { makeDirectory, tieToThisProcess, type Owner } from "./owner.js";
import type { Koor } from "./server-process.js";

export const PROXIES = ["nginx", "caddy"] as const;
export type ProxyName = (typeof PROXIES)[number];

/** The host names in the files of deploy/. */
export const API_NAME = "koor.example.com";
export const DASHBOARD_NAME = "dashboard.koor.example.com";

/** The folder into which `.ci/run` unpacks the programs. */
const VARIABLE = "KOOR_TEST_PROXIES";
const FOLDERS = ["usr/sbin", "usr/bin", "bin"];
/** This file runs from dist/tree/test/support. */
const DEPLOY = fileURLToPath(new URL("../../../../deploy", import.meta.url));
/** The number of attempts to start. A free port may be taken before the proxy binds it. */
const START_ATTEMPTS = 5;
/**
 * The time limit for the start. The proxy listens within milliseconds, so this is far above what a busy machine needs.
 */
const START_TIMEOUT_MS = 20_000;

function findProxy(name: ProxyName): string | undefined {
  const unpacked = process.env[VARIABLE] ?? "";
  const folders = [
    ...(unpacked === "" ? [] : FOLDERS.map((folder) => join(unpacked, folder))),
    ...(process.env["PATH"] ?? "").split(delimiter),
    "/usr/sbin",
  ];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** For tap's `skip`: the reason why tests of this proxy cannot run here, or false. */
export function proxyMissing(name: ProxyName): string | false {
  return findProxy(name) === undefined ? `no ${name} on this machine (.ci/run unpacks one, ${VARIABLE})` : false;
}

export interface ReverseProxy {
  /** The proxy's TLS port on loopback. */
  readonly port: number;
  /** Returns the output of the proxy to stderr so far. */
  log(): string;
}

/** Replaces texts in a file of deploy/. Each text must occur in the file. */
function fill(name: string, replacements: readonly (readonly [text: string, by: string])[]): string {
  let text = readFileSync(join(DEPLOY, name), "utf8");
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`deploy/${name} has no "${from}"`);
    text = text.replaceAll(from, to);
  }
  return text;
}

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly koor: Koor;
}

/** Writes the settings of the proxy. Returns the arguments of the command. */
const SETTINGS: Readonly<Record<ProxyName, (place: Place) => readonly string[]>> = {
  nginx({ folder, port, koor }) {
    const site = fill("nginx.conf", [
      ["listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`],
      ["listen [::]:443 ssl;", ""],
      ["127.0.0.1:9800", `127.0.0.1:${koor.port}`],
      ["127.0.0.1:9847", `127.0.0.1:${koor.dashboardPort}`],
      ["/etc/ssl/koor/fullchain.pem", join(folder, "certificate.pem")],
      ["/etc/ssl/koor/privkey.pem", join(folder, "key.pem")],
    ]);
    writeFileSync(join(folder, "koor.conf"), site);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    writeFileSync(
      join(folder, "nginx.conf"),
      `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr notice; events {}
       http {
         access_log off;
         ${temporary.map((what) => `${what}_temp_path ${folder}/${what};`).join(" ")}
         include ${folder}/koor.conf;
       }\n`,
    );
    return ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")];
  },
  caddy({ folder, port, koor }) {
    const certificate = `\ttls ${folder}/certificate.pem ${folder}/key.pem\n`;
    const sites = fill("Caddyfile", [
      [`\n${API_NAME} {\n`, `\n${API_NAME} {\n${certificate}`],
      [`\n${DASHBOARD_NAME} {\n`, `\n${DASHBOARD_NAME} {\n${certificate}`],
      ["127.0.0.1:9800", `127.0.0.1:${koor.port}`],
      ["127.0.0.1:9847", `127.0.0.1:${koor.dashboardPort}`],
    ]);
    const options = `{
	admin off
	auto_https disable_redirects
	https_port ${port}
	default_bind 127.0.0.1
	servers {
		protocols h1 h2
	}
}\n`;
    writeFileSync(join(folder, "Caddyfile"), options + sites);
    return ["run", "--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"];
  },
};

/** Whether a TLS connection to the port succeeds now. */
function answersTls(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, servername: API_NAME, rejectUnauthorized: false });
    socket.once("secureConnect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Starts the proxy on a port. Returns undefined if the proxy ended because the port was taken. */
async function tryStart(t: Owner, name: ProxyName, koor: Koor): Promise<ReverseProxy | undefined> {
  const folder = makeDirectory(t);
  const port = await findFreePort();
  writeFileSync(join(folder, "certificate.pem"), LOOPBACK_CERTIFICATE);
  writeFileSync(join(folder, "key.pem"), LOOPBACK_KEY);
  // The folder is writable for all, because nginx gives up the rights of root.
  chmodSync(folder, 0o777);
  const child = spawn(findProxy(name) ?? name, SETTINGS[name]({ folder, port, koor }), {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ["ignore", "ignore", "pipe"],
  });
  tieToThisProcess(child);
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (more: string) => (text += more));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  t.teardown(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const patience = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
  while (child.exitCode === null && child.signalCode === null) {
    if (await answersTls(port)) {
      clearTimeout(patience);
      return { port, log: () => text };
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  clearTimeout(patience);
  if (!/address already in use/i.test(text)) throw new Error(`${name} did not start: ${text}`);
  return undefined;
}

/** Starts nginx or Caddy in front of a server. The server must also serve its dashboard. */
export async function startProxy(t: Owner, name: ProxyName, koor: Koor): Promise<ReverseProxy> {
  for (let attempt = 1; attempt <= START_ATTEMPTS; attempt++) {
    const proxy = await tryStart(t, name, koor);
    if (proxy !== undefined) return proxy;
  }
  throw new Error(`${name} found no free port`);
}
