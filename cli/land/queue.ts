/**
 * Implements `land --queue`, which lists the landings in a lane: the one that has its turn, and those that wait. Runs
 * in the CLI process.
 */
import { failureOf } from "../ask.js";
import type { Args, CommandContext } from "../command-row.js";
import { CliFailure } from "../failure.js";
import { isFailure } from "../outcome.js";
import { printAnswer } from "../output.js";
import { averageMsOf, readEvents } from "./land-events.js";
import { listLandings } from "./lane.js";
import { readLane } from "./plan.js";

export async function showQueue(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const plan = readLane(args, context);
  if (plan instanceof CliFailure) return plan;
  const { settings, lane } = plan;
  const events = await readEvents(settings, lane);
  if (isFailure(events)) return failureOf(events);
  const averageMs = averageMsOf(events);
  const listed = await listLandings(settings, lane, averageMs, Date.now());
  if (isFailure(listed)) return failureOf(listed);
  const landings = listed.map(({ fence: _fence, check_key: _key, ...landing }) => landing);
  const average = averageMs === null ? null : Math.round(averageMs);
  const answer = JSON.stringify({ lane: lane.name, average_ms: average, landings });
  return (await printAnswer(Buffer.from(answer), context)) ?? 0;
}
