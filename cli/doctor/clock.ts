/** Compares the clock of the server with the clock of this machine. Runs in the CLI process. */
import { CLI_DOCTOR_CLOCK_MS } from "../../schemas/limits/cli.js";
import type { Check } from "./check.js";
import { failure, ok, skip, warning, type Finding } from "./line.js";
import type { Reply } from "./reply.js";

/** The average error of the `Date` header. Its time is rounded down to whole seconds. */
const HALF_SECOND_MS = 500;
const LEAP_FIX = "set the clocks of both machines by NTP";

/**
 * Returns by how many ms this machine's clock is ahead of the server's; undefined if the answer has no time. Assumes
 * that the server wrote its time in the middle of the exchange. So the error is at most half of the exchange's
 * duration.
 */
function leadOf({ headers, atMs, tookMs }: Reply): number | undefined {
  const serverMs = Date.parse(headers.date ?? "");
  return Number.isNaN(serverMs) ? undefined : atMs - tookMs / 2 - (serverMs + HALF_SECOND_MS);
}

function judgeLead(leadMs: number | undefined): Finding {
  if (leadMs === undefined) return skip("the answer has no time: a proxy may have removed it");
  const seconds = Math.round(Math.abs(leadMs) / 1000);
  if (Math.abs(leadMs) > CLI_DOCTOR_CLOCK_MS)
    return failure(`this machine's clock is ${seconds} s ${leadMs > 0 ? "ahead of" : "behind"} the server's`, LEAP_FIX);
  return ok(seconds < 2 ? "this machine's clock agrees with the server's" : `the clocks differ by ${seconds} s`);
}

export const CLOCK: Check = {
  name: "clock",
  needs: "server",
  run: ({ reached: { server } }) => {
    const lines = server === undefined ? [] : [judgeLead(leadOf(server.reply))];
    const ahead = server?.health["times_ahead_s"];
    if (typeof ahead !== "number") return lines;
    const message = `times in the server's store are ${ahead} s ahead of its clock: a clock was wrong`;
    return [...lines, warning(message, "see docs/troubleshooting.md, Times are ahead")];
  },
};
