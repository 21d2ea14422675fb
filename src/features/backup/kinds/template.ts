/**
 * The kind of records for templates. The member `kind` of each record is the kind of the record. So the kind of the
 * template is the member `template_kind`. templates/template.ts validates the templates of requests and of snapshots.
 */
import { Failure } from "../../../base/result.js";
import { RESTORED_TEMPLATE } from "../../rules/rule.js";
import { readTemplate } from "../../templates/template.js";
import { JSON_VALUE, rowKind, TEXT, TIME, WHOLE } from "./rows.js";

export const TEMPLATE_KIND = rowKind({
  name: "template",
  table: "template",
  columns: {
    id: TEXT,
    name: TEXT,
    description: TEXT,
    kind: ["template_kind", TEXT],
    tags: JSON_VALUE,
    version: WHOLE,
    created_at: TIME,
    updated_at: TIME,
    data: JSON_VALUE,
  },
  left_out: ["rules"],
  complete: (members) => {
    const json = { ...members, kind: members["template_kind"] };
    const template = readTemplate({ text: JSON.stringify(json), json }, RESTORED_TEMPLATE);
    return template instanceof Failure ? template.message : [JSON.stringify(template.rules)];
  },
  order: "id",
});
