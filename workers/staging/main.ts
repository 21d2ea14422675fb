/**
 * Entry of the thread of one restore. It compiles the rules and templates of the snapshot, so it loads the rule reader.
 */
import { METHODS } from "../../src/methods.js";
import { loadRuleReading } from "../../src/rules/rule.js";
import { runStaging } from "../../src/threads/staging-program.js";

await loadRuleReading();
runStaging(METHODS);
