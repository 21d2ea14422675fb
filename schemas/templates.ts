/** Section 11 of the wire contract: rules and contracts to be used in many projects. */
import { Type, type Static } from "typebox";
import { Timestamp } from "./common.js";
import { KEY_BYTES_MAX, TEMPLATE_TAGS_MAX } from "./limits.js";
import { CheckedRule } from "./rules.js";

export const TEMPLATE_KINDS = ["rules", "contracts", "bundle"] as const;
export type TemplateKind = (typeof TEMPLATE_KINDS)[number];

const Kind = Type.Enum([...TEMPLATE_KINDS]);
const identity = { id: Type.String(), name: Type.String(), description: Type.String(), kind: Kind };
const rest = {
  tags: Type.Array(Type.String()),
  version: Type.Integer({ minimum: 1 }),
  created_at: Timestamp,
  updated_at: Timestamp,
};

export const Template = Type.Object({
  ...identity,
  data: Type.Unknown({ description: "As its kind wants it." }),
  ...rest,
});
export const TemplateList = Type.Array(Type.Object({ ...identity, ...rest }));
export const TemplateDeleteAnswer = Type.Object({ deleted: Type.String() });
export const TemplateApplyAnswer = Type.Object({ applied: Type.String(), project: Type.String(), kind: Kind });

/** A template as it is sent. What else the server asks of it is in src/templates/template.ts. */
export const TemplateBody = Type.Object({
  id: Type.String({ minLength: 1 }),
  name: Type.String({ minLength: 1 }),
  description: Type.Optional(Type.String()),
  kind: Type.Optional(Type.Enum([...TEMPLATE_KINDS], { default: "rules" })),
  data: Type.Optional(
    Type.Unknown({
      description: 'An array of rules, a contract, or both as `{"rules":[…],"contracts":{"name":{…}}}`.',
    }),
  ),
  tags: Type.Optional(Type.Array(Type.String(), { maxItems: TEMPLATE_TAGS_MAX })),
});
export const TemplateApplyBody = Type.Object({ project: Type.String({ minLength: 1, maxLength: KEY_BYTES_MAX }) });
export type TemplateApplyBody = Static<typeof TemplateApplyBody>;

export const TemplateListQuery = Type.Object({
  kind: Type.Optional(
    Type.String({
      pattern: `^(${TEMPLATE_KINDS.join("|")})$`,
      "x-refusal": `kind must be ${TEMPLATE_KINDS.join(", ")}`,
    }),
  ),
  tag: Type.Optional(Type.String({ description: "Only templates that have this tag." })),
});

/** A template that was read and checked, as the writer stores it. */
export const CheckedTemplate = Type.Object({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  kind: Kind,
  tags: Type.Array(Type.String()),
  /** JSON text. */
  data: Type.String(),
  /** The rules of the data, of no project yet. */
  rules: Type.Array(CheckedRule),
});
export type CheckedTemplate = Static<typeof CheckedTemplate>;

/** Replies three lines: the id as JSON; the answer's text up to the version; JSON text of the CheckedTemplate. */
export const CheckTemplateRequest = Type.Object({ body: Type.Unsafe<Uint8Array | string>(Type.Unknown()) });
export type CheckTemplateRequest = Static<typeof CheckTemplateRequest>;

const Filter = Type.Union([Type.String(), Type.Null()]);
export const ListTemplatesRequest = Type.Object({ kind: Filter, tag: Filter });
export type ListTemplatesRequest = Static<typeof ListTemplatesRequest>;
export const TemplateRequest = Type.Object({ id: Type.String() });
export type TemplateRequest = Static<typeof TemplateRequest>;

/** `value` is JSON text of a CheckedTemplate; so named for the batch, which weighs it. */
export const CreateTemplateRequest = Type.Object({ id: Type.String(), value: Type.String() });
/** In ms since the epoch. */
export const CreateTemplateReply = Type.Object({ created_at: Type.Integer() });
export type CreateTemplateReply = Static<typeof CreateTemplateReply>;
export const ApplyTemplateRequest = Type.Object({ id: Type.String(), project: Type.String() });
export type ApplyTemplateRequest = Static<typeof ApplyTemplateRequest>;
/** `specs`: the keys of the specs that were written. */
export const ApplyTemplateReply = Type.Object({ kind: Kind, rules: Type.Integer(), specs: Type.Array(Type.String()) });
export type ApplyTemplateReply = Static<typeof ApplyTemplateReply>;
