/** Records of kind `spec`. */
import { specKey } from "../../../../schemas/specs.js";
import { hasControlCharacter } from "../../../../schemas/visible-text.js";
import { SPECS } from "../../versioned/space.js";
import { versionKind } from "./versions.js";

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !hasControlCharacter(value);
}

export const SPEC_KIND = versionKind({
  space: SPECS,
  reader: ({ specs }) => specs,
  keyOf: ({ project, name }) => (isName(project) && isName(name) ? specKey(project, name) : undefined),
});
