/** Implements `doctor`, which finds out why Koor does not work in a folder. Runs in the CLI process. */
import type { CommandRow } from "../command-row.js";

export const DOCTOR_COMMANDS: readonly CommandRow[] = [
  {
    words: ["doctor"],
    about: "Check the server, the clients of agents and this machine, and say what to do; exit 1 if something fails.",
    examples: ["doctor", "doctor --server http://localhost:9801"],
    flags: [
      { name: "data-dir", kind: "text", value: "DIR", about: "the server's data directory, as serve takes it" },
      { name: "bind", kind: "text", value: "HOST:PORT", about: "where the server listens, as serve takes it" },
      {
        name: "dashboard-bind",
        kind: "text",
        value: "HOST:PORT",
        about: "where the dashboard listens, as serve takes it",
      },
    ],
    endpoints: [
      "GET /health",
      "GET /api/metrics",
      "GET /metrics",
      "GET /api/cluster",
      "GET /api/hooks",
      "GET /api/instances",
      "GET /api/instances/{id}",
      "GET /api/events/stream",
      "GET /api/events/subscribe",
      "POST /mcp",
    ],
    run: async (args, context) => {
      // The module is loaded only by this command.
      const { doctor } = await import("../doctor/doctor.js");
      return await doctor(args, context);
    },
  },
];
