/**
 * The entry point of the thread that checks the snapshot before a restore. It also loads the rule reader, because a
 * restore compiles the rules and templates of the snapshot.
 */
import { METHODS } from "../../src/methods.js";
import { loadRuleReading } from "../../src/features/rules/rule.js";
import { runStaging } from "../../src/platform/threads/staging-program.js";

await loadRuleReading();
runStaging(METHODS);
