/**
 * Creates the MCP endpoint at its first request. It is not created at the start, because the protocol library is large,
 * and many servers never have an MCP client. Runs on the front.
 */
import type { Log } from "../../base/log.js";
import type { InternalRequests } from "../../platform/front/internal-request.js";
import { loadShapes } from "../../base/shape.js";
import type { Route } from "../../platform/front/route.js";
import type { Directory } from "../instances/directory.js";
import type { McpEndpoint } from "./endpoint.js";
import { discoverInstances } from "./discovery.js";
import { listEndpoints, type Installation } from "./endpoint-list.js";
import { ToolCalls } from "./tool-calls.js";

export interface McpFrontOptions {
  readonly inner: InternalRequests;
  /** All routes of the server. The array is complete before the first request. */
  readonly routes: readonly Route[];
  readonly directory: Directory;
  readonly has: Installation;
  readonly log: Log;
}

export class McpFront {
  readonly #calls: ToolCalls;
  readonly #log: Log;
  #endpoint: Promise<McpEndpoint> | null = null;

  constructor({ inner, routes, directory, has, log }: McpFrontOptions) {
    this.#calls = new ToolCalls({
      inner,
      endpoints: (base) => listEndpoints(routes, base, has),
      discover: (filter) => discoverInstances(directory, filter),
    });
    this.#log = log;
  }

  endpoint(): Promise<McpEndpoint> {
    this.#endpoint ??= this.#load().catch((error: unknown) => {
      // After an error, the next request creates the endpoint again.
      this.#endpoint = null;
      throw error;
    });
    return this.#endpoint;
  }

  async #load(): Promise<McpEndpoint> {
    const [{ McpEndpoint: Endpoint }] = await Promise.all([import("./endpoint.js"), loadShapes()]);
    return new Endpoint(this.#calls, this.#log);
  }

  /** Ends the streams that wait for changes. */
  async close(): Promise<void> {
    if (this.#endpoint !== null) await (await this.#endpoint).close();
  }
}
