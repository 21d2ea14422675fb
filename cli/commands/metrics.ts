/** Implements `metrics …`, which shows the metrics of the server and of its instances. Runs in the CLI process. */
import type { CommandRow } from "../command-row.js";

export const METRICS_COMMANDS: readonly CommandRow[] = [
  {
    words: ["metrics", "show"],
    about: "Show the server's main figures.",
    examples: ["metrics show"],
    method: "GET",
    path: "/api/metrics",
  },
  {
    words: ["metrics", "scrape"],
    about: "Print all metrics in the text format of Prometheus.",
    examples: ["metrics scrape"],
    method: "GET",
    path: "/metrics",
    answer: "raw",
  },
  {
    words: ["metrics", "history"],
    about: "Show the figures of the last 24 hours that the dashboard's charts show.",
    examples: ["metrics history tasks_claimed,writes --from 1h"],
    arguments: [{ name: "metrics", shown: "A,B", optional: true }],
    flags: [
      {
        name: "from",
        kind: "time",
        value: "TIME",
        about: "only samples since this time, e.g. 2026-02-09T14:30:00Z, or 2h for 2 hours ago",
        query: "from",
      },
    ],
    method: "GET",
    path: "/api/metrics/history",
    query: (args): Readonly<Record<string, string>> => {
      const metrics = args.text("metrics");
      return metrics === undefined ? {} : { metrics };
    },
  },
  {
    words: ["metrics", "routes"],
    about: "Show for each route how often it was called, how it answered, and how long it took.",
    examples: ["metrics routes"],
    method: "GET",
    path: "/api/metrics/routes",
  },
  {
    words: ["metrics", "reset"],
    about: "Set the counters of calls to zero.",
    examples: ["metrics reset"],
    method: "POST",
    path: "/api/metrics/reset",
  },
  {
    words: ["metrics", "agents"],
    about: "Sum up the instances' activity, or list one instance's counts by hour.",
    examples: ["metrics agents --period 2026-11-21"],
    list: "agent metrics",
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
