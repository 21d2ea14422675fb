/** Defines the shapes of docs/http-api.md "Templates". A template has rules and contracts for use in many projects. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Timestamp } from "./common.js";
import { ContractDocument, ContractWarning, ContractWarnings } from "./contracts.js";
import { JsonText } from "./json-text.js";
import { KEY_BYTES_MAX } from "./limits/names.js";
import {
  TEMPLATE_CONTRACTS_MAX,
  TEMPLATE_DESCRIPTION_BYTES_MAX,
  TEMPLATE_ID_BYTES_MAX,
  TEMPLATE_NAME_BYTES_MAX,
  TEMPLATE_TAGS_MAX,
  TEMPLATE_TAG_BYTES_MAX,
} from "./limits/templates.js";
import { CheckedRule, TemplateRules } from "./rules.js";
import { SpecWord } from "./specs.js";
import { Name, Text } from "./text.js";

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
  data: Type.Unknown({ description: "Data in the format of the template's kind." }),
  ...rest,
});
export const TemplateCreateAnswer = Type.Object({ ...Template.properties, warnings: ContractWarnings });
export const TemplateList = Type.Array(Type.Object({ ...identity, ...rest }));
export const TemplateDeleteAnswer = Type.Object({ deleted: Type.String() });
export const TemplateApplyAnswer = Type.Object({
  applied: Type.String(),
  project: Type.String(),
  kind: Kind,
  warnings: ContractWarnings,
});

const given = {
  id: Name(TEMPLATE_ID_BYTES_MAX),
  name: Name(TEMPLATE_NAME_BYTES_MAX),
  description: Type.Optional(Text({ charactersMax: TEMPLATE_DESCRIPTION_BYTES_MAX })),
  tags: Type.Optional(
    Type.Array(Text({ charactersMax: TEMPLATE_TAG_BYTES_MAX, line: true }), { maxItems: TEMPLATE_TAGS_MAX }),
  ),
};

/** The name of a contract in a bundle, which becomes the name of a spec. */
export const BundledName = Name(KEY_BYTES_MAX);
const Contracts = Type.Object(
  {},
  { additionalProperties: ContractDocument, propertyNames: BundledName, maxProperties: TEMPLATE_CONTRACTS_MAX },
);

/** The members that every template has. An empty `kind` counts as missing. */
export const TemplateHead = Type.Object({
  ...given,
  kind: Type.Optional(Type.Enum([...TEMPLATE_KINDS, ""], { default: TEMPLATE_KINDS[0] })),
});

/**
 * A template as clients send it. The shape of its data depends on its kind. So the server checks the head first, and
 * then the data, so that an error can name the wrong member (src/features/templates/template.ts).
 */
export const TemplateBody = Type.Union([
  Type.Object({
    ...given,
    kind: Type.Optional(Type.Enum(["rules", ""], { default: "rules" })),
    data: Type.Optional(TemplateRules),
  }),
  Type.Object({ ...given, kind: Type.Literal("contracts"), data: ContractDocument }),
  Type.Object({
    ...given,
    kind: Type.Literal("bundle"),
    data: Type.Union([
      Type.Object({ rules: TemplateRules, contracts: Type.Optional(Contracts) }),
      Type.Object({ rules: Type.Optional(TemplateRules), contracts: Contracts }),
    ]),
  }),
]);
export const TemplateApplyBody = Type.Object({ project: SpecWord });

export const TemplateListQuery = Type.Object({
  kind: Type.Optional(
    Type.String({
      pattern: `^(${TEMPLATE_KINDS.join("|")})$`,
      "x-refusal": `kind must be ${TEMPLATE_KINDS.join(", ")}`,
    }),
  ),
  tag: Type.Optional(Type.String({ description: "Only templates that have this tag." })),
  after: Type.Optional(Type.String({ description: "Only templates whose id comes after this one." })),
});

/** A template after it was parsed and checked. The writer stores it in this form. */
export const CheckedTemplate = Type.Object({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  kind: Kind,
  tags: Type.Array(Type.String()),
  /** The data of the template, as JSON text. */
  data: Type.String(),
  /** The rules in the template's data. They have no project. */
  rules: Type.Array(CheckedRule),
});
export type CheckedTemplate = Static<typeof CheckedTemplate>;

export const CheckTemplateRequest = Type.Object({ body: Type.Unsafe<Uint8Array | string>(Type.Unknown()) });
export const CheckTemplateReply = Type.Object({
  id: Type.String(),
  kind: Kind,
  /** The beginning of the JSON answer with the template, up to the member `version`. */
  head: Type.String(),
  template: JsonText(CheckedTemplate),
});

/** A filter of a list of templates; null matches every template. */
const Filter = Type.Union([Type.String(), Type.Null()]);
export const ListTemplatesRequest = Type.Object({ kind: Filter, tag: Filter, after: Type.String() });
export const TemplateRequest = Type.Object({ id: Type.String() });
export type TemplateRequest = Static<typeof TemplateRequest>;

/** The reply with the faults in the definitions of a template's contracts. */
export const ExamineTemplateReply = Type.Array(ContractWarning);

export const CreateTemplateRequest = Type.Object({ id: Type.String(), template: JsonText(CheckedTemplate) });
/** The reply to the creation of a template. `created_at` is in ms since the epoch. */
export const CreateTemplateReply = Type.Object({ created_at: Type.Integer() });
export const ApplyTemplateRequest = Type.Object({
  id: Type.String(),
  project: Type.String(),
  /** The fence for writing the template's contracts; null if the caller sent none. */
  fence: Type.Union([Type.Integer(), Type.Null()]),
});
export type ApplyTemplateRequest = Static<typeof ApplyTemplateRequest>;
/** The reply to the application of a template. `specs` has the keys of the written specs. */
export const ApplyTemplateReply = Type.Object({
  kind: Kind,
  rules: Type.Integer(),
  specs: Type.Array(Type.Object({ key: Type.String(), version: Type.Integer() })),
});
export type ApplyTemplateReply = Static<typeof ApplyTemplateReply>;
