/**
 * Renders one page of docs/ as HTML, with links for the dashboard's port, and divides it into sections for the search.
 * The HTML is not sanitised, because the Markdown is Koor's own. Called by build-docs.mjs.
 */
import { Marked } from "marked";

/** Returns the title of a page: its first heading. */
export function pageTitle(markdown) {
  return /^# (.*)$/m.exec(markdown)?.[1]?.replaceAll("`", "") ?? "";
}

/** Returns a function that makes anchors for the headings of a page as GitHub does. No two anchors are equal. */
function anchors() {
  const seen = new Map();
  return (heading) => {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-");
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  };
}

/**
 * Returns the address of a link's target on the dashboard's port; null if the target is outside of docs/.
 * @param {string} href the link in the Markdown, relative to docs/
 */
function addressOf(href) {
  if (/^(https?:|#)/.test(href)) return href;
  const [, name, anchor = ""] = /^([\w-]+)\.md(#.*)?$/.exec(href) ?? [];
  if (name === undefined) return null;
  return name === "index" ? `/docs${anchor}` : `/docs/${name}${anchor}`;
}

/** Rewrites the addresses of images in HTML, and removes comments. */
function rewriteHtml(html) {
  return html
    .replaceAll(/<!--[^]*?-->/g, "")
    .replaceAll(/\b(src|srcset)="(dashboard\/[\w.-]+)"/g, '$1="/docs/$2"')
    .replaceAll("<img ", '<img loading="lazy" ');
}

/** Returns the words of a Markdown token and of all tokens in it. */
function wordsOf(token) {
  if (token.type === "html") return "";
  if (token.type === "table")
    return [...token.header, ...token.rows.flat()].map((cell) => cell.tokens.map(wordsOf).join("")).join(" ");
  const inner = token.tokens ?? token.items;
  return inner === undefined ? (token.text ?? "") : inner.map(wordsOf).join(token.items ? " " : "");
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** Whether a command continues in the next line, because a quote is open or the line ends with a backslash. */
function isOpen(command) {
  const rest = command.replaceAll(/'[^']*'|"(?:[^"\\]|\\.)*"/g, "");
  return /['"]/.test(rest) || rest.endsWith("\\");
}

/** Matches code in a line that is never broken: a flag, or a short text. */
const WHOLE = /^(?:--?[\w-]+|.{1,16})$/;

/** Renders code within a line. A list of members has no spaces, so it can only be broken after its commas. */
function codeSpan(text) {
  if (WHOLE.test(text)) return `<code class="whole">${escaped(text)}</code>`;
  return `<code>${escaped(text).replaceAll(',"', ',<wbr>"')}</code>`;
}

/**
 * Renders a block of code. If it shows commands after prompts, the prompts and the output are marked, so that the page
 * can copy the commands only.
 * @param {string} text the block without its fences
 */
function codeBlock(text) {
  const lines = text.split("\n").map((line) => /^(\w*\$ )?([^]*)$/.exec(line).slice(1));
  const hasPrompts = lines.some(([prompt]) => prompt !== undefined);
  let command = "";
  const parts = lines.map(([prompt, rest]) => {
    if (!hasPrompts) return `${escaped(rest)}\n`;
    if (prompt !== undefined) {
      command = rest;
      return `<span class="prompt">${prompt}</span>${escaped(rest)}\n`;
    }
    if (!isOpen(command)) return `<span class="output">${escaped(rest)}\n</span>`;
    command += `\n${rest}`;
    return `${escaped(rest)}\n`;
  });
  return `<div class="code"><pre tabindex="0"><code>${parts.join("")}</code></pre></div>\n`;
}

/**
 * Renders a page.
 * @param {string} markdown
 * @param {string} name the file's name without its suffix
 * @returns {{ html: string, headings: { depth: number, id: string, html: string }[],
 *   sections: { id: string, page: string, heading: string, text: string }[] }}
 */
export function renderPage(markdown, name) {
  const anchorOf = anchors();
  const headings = [];
  const page = pageTitle(markdown);
  const address = name === "index" ? "/docs" : `/docs/${name}`;
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        const html = this.parser.parseInline(tokens);
        const id = anchorOf(text);
        headings.push({ depth, id, html });
        const link = depth === 1 ? "" : ` <a class="anchor" href="#${id}" aria-label="Link to this section">#</a>`;
        return `<h${depth} id="${id}">${html}${link}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const html = this.parser.parseInline(tokens);
        const target = addressOf(href);
        return target === null ? html : `<a href="${target.replaceAll("&", "&amp;")}">${html}</a>`;
      },
      code: ({ text }) => codeBlock(text),
      codespan: ({ text }) => codeSpan(text),
      html: ({ text }) => rewriteHtml(text),
    },
    hooks: {
      // Tables may be wider than the page. They can be scrolled, also by keyboard.
      postprocess: (html) =>
        html
          .replaceAll("<table>", '<div class="table" tabindex="0"><table>')
          .replaceAll("</table>", "</table></div>")
          .replaceAll("<th></th>", "<td></td>"),
    },
  });
  const html = marked.parse(markdown);

  const sections = [];
  const sectionAnchor = anchors();
  for (const token of marked.lexer(markdown)) {
    if (token.type === "heading") {
      const id = sectionAnchor(token.text);
      const first = token.depth === 1;
      const heading = first ? "" : token.tokens.map(wordsOf).join("");
      sections.push({ id: first ? address : `${address}#${id}`, page, heading, text: "" });
    } else {
      const section = sections.at(-1);
      if (section !== undefined) section.text += `${wordsOf(token)}\n`;
    }
  }
  return { html, headings, sections };
}
