/** The entry point of the writer thread. */
import { auditTrail } from "../../src/features/audit/table.js";
import { METHODS } from "../../src/methods.js";
import { runWriter } from "../../src/platform/threads/writer-program.js";

runWriter(METHODS, auditTrail, async () => {
  const { openNode } = await import("../../src/cluster/node.js");
  return { openNode: (ground) => openNode(ground, new URL("../snapshot/main.js", import.meta.url)) };
});
