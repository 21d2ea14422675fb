/** Implements `metrics agents`, which shows counts of the instances' activity. Runs in the CLI process. */
import type { CommandRow } from "../command-row.js";

export const METRICS_COMMANDS: readonly CommandRow[] = [
  {
    words: ["metrics", "agents"],
    about: "Sum up the instances' activity, or list one instance's counts by hour.",
    arguments: [{ name: "id", optional: true, values: "instance" }],
    flags: [
      {
        name: "instance_id",
        kind: "text",
        value: "ID",
        about: "one instance's counts by hour",
        query: "instance_id",
        values: "instance",
      },
      {
        name: "period",
        kind: "text",
        value: "PREFIX",
        about: "only hours that begin with this, e.g. 2026-02-16T14 or 2026-02",
        query: "period",
      },
    ],
    method: "GET",
    path: "/api/metrics/agents",
    query: (args): Readonly<Record<string, string>> => {
      const id = args.text("id");
      return id === undefined ? {} : { instance_id: id };
    },
  },
];
