/**
 * Runs `doctor` in tests and parses its lines. Checks the format of the output in every run, and that it contains no
 * token.
 */
import { CHECK_NAMES, type Line, type LineStatus } from "../../cli/doctor/line.js";
import { runCli, type CliOptions } from "./run-cli.js";

export interface Examination {
  readonly code: number | null;
  readonly lines: readonly Line[];
  /** Returns the lines of one check. */
  readonly of: (name: Line["name"]) => readonly Line[];
  /** Returns the statuses of a check's lines. */
  readonly statusOf: (name: Line["name"]) => readonly LineStatus[];
}

/** The token in all tests. No line may contain it. */
export const TOKEN = "a-token-of-the-doctor's-tests";
export const WRONG_TOKEN = "wrong-token-of-the-tests";

function checkForm(code: number | null, lines: readonly Line[], isFine: boolean): void {
  const names = new Set(lines.map(({ name }) => name));
  const missing = CHECK_NAMES.filter((name) => !names.has(name));
  if (missing.length > 0) throw new Error(`there is no line of ${missing.join(", ")}`);
  for (const line of lines) {
    const needsFix = line.status === "warn" || line.status === "fail";
    if (needsFix !== (typeof line.fix === "string" && line.fix !== ""))
      throw new Error(`the fix of ${JSON.stringify(line)}`);
  }
  const hasFailed = lines.some(({ status }) => status === "fail");
  if (isFine === hasFailed || code !== (hasFailed ? 1 : 0)) throw new Error(`ok is ${isFine}, and the code ${code}`);
}

export async function examine(args: readonly string[], options: CliOptions): Promise<Examination> {
  const { code, stdout, stderr } = await runCli(["doctor", ...args], options);
  if (stderr !== "") throw new Error(`doctor wrote to stderr: ${stderr}`);
  if (stdout.includes(TOKEN) || stdout.includes(WRONG_TOKEN)) throw new Error(`a token is shown: ${stdout}`);
  const { ok, checks: lines } = JSON.parse(stdout) as { readonly ok: boolean; readonly checks: readonly Line[] };
  checkForm(code, lines, ok);
  const of = (name: Line["name"]): readonly Line[] => lines.filter((line) => line.name === name);
  return { code, lines, of, statusOf: (name) => of(name).map(({ status }) => status) };
}
