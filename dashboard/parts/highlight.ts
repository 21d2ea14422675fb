/**
 * Highlights the syntax of texts. The library returns a tree of pieces. It is loaded only when it is needed, and renders
 * nothing itself: if two scripts shared the library for rendering, it would be a third script.
 */
import ini from "highlight.js/lib/languages/ini";
import json from "highlight.js/lib/languages/json";
import markdown from "highlight.js/lib/languages/markdown";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";
import type { Language } from "./code-text.js";

const colours = createLowlight({ ini, json, markdown, typescript, xml, yaml });

/** A piece of coloured text, as lowlight returns it. */
export interface Piece {
  readonly type: string;
  readonly value?: string;
  readonly properties?: { readonly className?: unknown };
  readonly children?: readonly Piece[];
}

/** Returns the pieces of the text. */
export function piecesOf(text: string, language: Exclude<Language, "plain">): readonly Piece[] {
  return colours.highlight(language, text).children;
}
