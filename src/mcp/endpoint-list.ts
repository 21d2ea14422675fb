/**
 * The answer of `get_endpoints`: every endpoint of the data plane from the route table itself, and what
 * keeps an agent's context small. Pure.
 */
import { LONG_POLL_WAIT_S_MAX } from "../../schemas/limits.js";
import type { Route } from "../front/route.js";

/** The data plane's paths; what operates the server lies elsewhere. */
const DATA_PLANE = "/api/";

/** How an agent waits and reads without paying for it. */
const MESSAGE = [
  'State and specs: PUT the raw value; GET takes ?version=N, ?history=1, ?diff=A,B. Events: POST {"topic","data"}. ' +
    'Texts: POST {"filename","content"} to validate.',
  "For any other call pick .paths[PATH] out of GET /openapi.json with jq or the like " +
    "(all of it would fill your context), " +
    'or run koor-cli COMMAND --help. An error\'s body is {"error","code"}.',
  "To wait for events at 0 tokens, run in a shell: " +
    `curl "BASE/api/events/history?after=ID&topic=PATTERN&wait=${LONG_POLL_WAIT_S_MAX}" ` +
    "(answers as soon as there is one behind ID)",
  "or: koor-cli events subscribe 'PATTERN' (prints each as it comes).",
  "Where others write too, write with If-Match or ?if_version=N.",
  "The header X-Koor-Instance with your instance_id says who you are.",
] as const;

/**
 * JSON text: `{"api_base","endpoints":{name:"METHOD /path"},"cli":{"install","usage"},"message"}`, the
 * endpoints of one area side by side.
 * @param api_base the server's address, as the client knows it
 */
export function listEndpoints(routes: readonly Route[], api_base: string): string {
  const rows = routes
    .filter(({ path }) => path.startsWith(DATA_PLANE))
    .map(({ name, method, path }) => [name, `${method} ${path.replace("...}", "}")}`] as const);
  return JSON.stringify({
    api_base,
    endpoints: Object.fromEntries(rows),
    cli: {
      install: "npm link (in Koor's directory)",
      usage: `KOOR_SERVER=${api_base} koor-cli state get <key>; koor-cli --help lists all`,
    },
    message: MESSAGE.join(" ").replace("BASE", api_base),
  });
}
