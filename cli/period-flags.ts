/** The flags with which commands select a period of time. Runs in the CLI process. */
import type { Flag } from "./command-row.js";

/** The flags `--from` and `--to`. */
export const PERIOD_FLAGS: readonly Flag[] = [
  {
    name: "from",
    kind: "time",
    value: "TIME",
    about: "from this time on, e.g. 2026-02-09T14:30:00Z, or 2h for 2 hours ago",
    query: "from",
  },
  { name: "to", kind: "time", value: "TIME", about: "up to this time", query: "to" },
];
