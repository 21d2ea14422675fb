/**
 * Parses the command line of the benchmarks. The caller passes the names of the scenarios. Runs in the bench process.
 */
import { parseArgs } from "node:util";
import { TRANSPORTS, type TransportChoice } from "../schemas/config.js";

export interface Options {
  readonly quick: boolean;
  readonly list: boolean;
  readonly help: boolean;
  /** The names of the scenarios to run; empty for all. */
  readonly only: readonly string[];
  /**
   * The transports with which Koor is measured, one after the other. If there are several, the names of the scenarios
   * in the report include the transport.
   */
  readonly transports: readonly TransportChoice[];
  /** The file of an earlier run, or of its ratios, with which this run is compared. */
  readonly compare: string | undefined;
  /** The file for the whole result. */
  readonly out: string | undefined;
  /** The file for the ratios only, with which later runs can be compared. */
  readonly ratiosOut: string | undefined;
}

export const USAGE = `npm run bench -- [flags]
  --quick             a short run for CI, about four minutes (and two where there is a log for clusters)
  --only NAME,…       only these scenarios
  --transport NAME,…  what carries Koor: auto, uws or node; with several, each scenario over each
  --compare FILE      compare the ratios with an earlier run's; exit 1 when one fell by more than half
  --out FILE          where the results go as JSON (bench/results/<time>.json)
  --ratios-out FILE   where the ratios alone go, as a baseline for --compare
  --list              name the scenarios
  --help              this text`;

function isTransport(name: string): name is TransportChoice {
  return (TRANSPORTS as readonly string[]).includes(name);
}

/**
 * Parses the arguments.
 * @returns the options, or one sentence that says what is wrong with them
 */
export function parseOptions(args: readonly string[], scenarios: readonly string[]): Options | string {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        only: { type: "string" },
        transport: { type: "string", default: "auto" },
        compare: { type: "string" },
        out: { type: "string" },
        "ratios-out": { type: "string" },
      },
    }));
  } catch (error) {
    // parseArgs throws on wrong usage. Its message names the flag, so the caller can print it.
    return error instanceof Error ? error.message : String(error);
  }
  const only = values.only === undefined ? [] : values.only.split(",").filter((name) => name !== "");
  const unknown = only.find((name) => !scenarios.includes(name));
  if (unknown !== undefined) return `no scenario is named ${unknown} (there are: ${scenarios.join(", ")})`;
  const transports = values.transport.split(",");
  if (!transports.every(isTransport)) return `--transport takes ${TRANSPORTS.join(", ")}, not ${values.transport}`;
  const { quick, list, help, compare, out } = values;
  return { quick, list, help, only, transports, compare, out, ratiosOut: values["ratios-out"] };
}
