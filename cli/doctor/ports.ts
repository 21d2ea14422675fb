/**
 * Checks whether `koor serve` could listen on its ports, by listening on them briefly. A port in use is fine if the
 * configured server uses it. Runs in the CLI process.
 */
import type { ServeSettings } from "../../schemas/config.js";
import { CliFailure } from "../failure.js";
import { describeSystemError, errorCodeOf } from "../system-error.js";
import type { Check, Examined } from "./check.js";
import { failure, ok, skip, warning, type Finding } from "./line.js";
import { isServerNear } from "./own-machine.js";
import { visit } from "./reach.js";

interface Address {
  /** The host; "" means all interfaces. An IPv6 address has no brackets. */
  readonly host: string;
  readonly port: number;
}

/** Splits an address into host and port. The settings were checked, so the address is valid. */
function parseAddress(text: string): Address {
  const at = text.lastIndexOf(":");
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(text.slice(at + 1)) };
}

/** Returns the addresses on which the server would listen. `localhost` means both loopback addresses. */
function hostsOf({ host }: Address): readonly string[] {
  if (host === "localhost") return ["127.0.0.1", "::1"];
  return [host === "" ? "0.0.0.0" : host];
}

/** Listens on a port for a moment. Returns the error, or undefined if it worked. */
async function tryToListen(host: string, port: number): Promise<unknown> {
  const { createServer } = await import("node:net");
  const server = createServer();
  return await new Promise((resolve) => {
    server.once("error", resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** Returns the first error of listening on an address; undefined if there is none. */
async function findError(address: Address): Promise<unknown> {
  for (const [at, host] of hostsOf(address).entries()) {
    const error = await tryToListen(host, address.port);
    // Ignore a missing IPv6 address. On a machine without IPv6, the server listens only on the first address.
    const isMissing = at > 0 && ["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(errorCodeOf(error));
    if (error !== undefined && !isMissing) return error;
  }
  return undefined;
}

/** Returns the URL by which a program on this machine can reach an address. */
function urlOf({ host, port }: Address): URL {
  const name = host === "" || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return new URL(`http://${name.includes(":") ? `[${name}]` : name}:${port}`);
}

/**
 * Whether the configured server listens on this port. Returns undefined if this is not known, because the server
 * reports its ports only to clients with its token.
 */
async function isThisServers({ port }: Address, examined: Examined): Promise<boolean | undefined> {
  const { access, reached } = examined;
  const { server } = reached;
  if (server === undefined || !(await isServerNear(examined))) return false;
  if (Number(server.server.port || 80) === port && server.server.protocol === "http:") return true;
  if (access.figures === undefined) return undefined;
  const own = [access.figures["api_bind"], access.figures["dashboard_bind"]];
  return own.some((text) => typeof text === "string" && text !== "" && parseAddress(text).port === port);
}

async function judgeUsed(text: string, flag: string, address: Address, examined: Examined): Promise<Finding> {
  const other = `end that program (ss -ltnp, or lsof -i :${address.port}, names it), or take another port: ${flag}`;
  const found = await visit(urlOf(address));
  if (found.health === undefined) return failure(`${text} is in use by another program`, other);
  switch (await isThisServers(address, examined)) {
    case true:
      return ok(`${text} is in use by this server`);
    case undefined:
      return warning(`${text} is in use by a Koor server, which may be another one`, "set the token, and try again");
    default:
      return failure(
        `${text} is in use by another Koor server`,
        `ask that one (--server ${urlOf(address).origin}), end it, or take another port: ${flag}`,
      );
  }
}

async function judge(text: string, flag: string, examined: Examined): Promise<Finding> {
  if (text === "") return skip("the dashboard's port is off");
  const address = parseAddress(text);
  if (address.port === 0) return ok(`${text} takes a free port`);
  const error = await findError(address);
  switch (errorCodeOf(error)) {
    case "EADDRINUSE":
      return await judgeUsed(text, flag, address, examined);
    case "EACCES":
      return failure(`${text} may not be used by this user`, `take a port from 1024 on: ${flag}`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return failure(`${text} is not an address of this machine`, `take localhost, or 0.0.0.0 for all: ${flag}`);
    default:
      return error === undefined
        ? ok(`${text} is free`)
        : failure(`cannot listen on ${text}: ${describeSystemError(error)}`, `take another address: ${flag}`);
  }
}

/** Returns the addresses to check. If the user has set none, uses those of the server that runs on this machine. */
async function addressesOf(serve: ServeSettings, examined: Examined): Promise<readonly string[]> {
  const { named, access } = examined;
  const own = [serve.bind, serve.dashboard_bind];
  if (named.has("bind") || named.has("dashboard_bind")) return own;
  if (!(await isServerNear(examined))) return [];
  const { api_bind: api, dashboard_bind: dashboard } = access.figures ?? {};
  return typeof api === "string" && typeof dashboard === "string" ? [api, dashboard] : own;
}

export const PORTS: Check = {
  name: "ports",
  run: async (examined) => {
    const { serve } = examined;
    if (serve instanceof CliFailure)
      return [failure(serve.message, "correct the setting, or koor serve will not start")];
    const [api, dashboard] = await addressesOf(serve, examined);
    if (api === undefined || dashboard === undefined) return [skip("the server is on another machine")];
    return [await judge(api, "--bind", examined), await judge(dashboard, "--dashboard-bind", examined)];
  },
};
