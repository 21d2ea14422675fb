/** The thread of one restore: records of rules and templates are compiled there, so it needs what reads them. */
import { METHODS } from "../../src/methods.js";
import { loadRuleReading } from "../../src/rules/rule.js";
import { runStaging } from "../../src/threads/staging-program.js";

await loadRuleReading();
runStaging(METHODS);
