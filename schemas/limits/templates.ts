/** Limits of templates. */
import { KIB } from "./units.js";

export const TEMPLATE_ID_BYTES_MAX = 256;
export const TEMPLATE_NAME_BYTES_MAX = 1024;
export const TEMPLATE_DESCRIPTION_BYTES_MAX = 64 * KIB;
export const TEMPLATE_TAGS_MAX = 100;
export const TEMPLATE_TAG_BYTES_MAX = 256;
export const TEMPLATE_CONTRACTS_MAX = 1_000;
