/**
 * Highlights the syntax of texts. The library returns a tree of pieces, which are rendered as elements and never as
 * HTML text. So a text cannot inject markup.
 */
import ini from "highlight.js/lib/languages/ini";
import json from "highlight.js/lib/languages/json";
import markdown from "highlight.js/lib/languages/markdown";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";
import type { ComponentChildren } from "preact";
import { scriptGrammar } from "./script-grammar.js";
import { COLOURED_CHARACTERS_MAX, type Language } from "./code-text.js";

const colours = createLowlight({ ini, json, markdown, typescript: scriptGrammar, xml, yaml });

interface Piece {
  readonly type: string;
  readonly value?: string;
  readonly properties?: { readonly className?: unknown };
  readonly children?: readonly Piece[];
}

function draw(pieces: readonly Piece[]): ComponentChildren[] {
  return pieces.map((piece) =>
    piece.type === "text" ? piece.value : <span class={classOf(piece)}>{draw(piece.children ?? [])}</span>,
  );
}

function classOf({ properties }: Piece): string {
  return Array.isArray(properties?.className) ? properties.className.join(" ") : "";
}

/** Returns the text with syntax colours. Text that is too long is returned unchanged. */
export function highlighted(text: string, language: Language): ComponentChildren {
  if (language === "plain" || text.length > COLOURED_CHARACTERS_MAX) return text;
  return draw(colours.highlight(language, text).children);
}
