/**
 * Adds a button to each block of code. It copies the commands of the block, or the whole block if it has no prompts.
 */

/** The number of milliseconds for which a button confirms that the code was copied. */
const CONFIRMED_MS = 1_500;

function textToCopy(code: Element): string {
  const parts = [...code.childNodes].filter(
    (node) => !(node instanceof Element && (node.className === "prompt" || node.className === "output")),
  );
  return parts.map(({ textContent }) => textContent).join("");
}

function copyButton(code: Element): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", () => {
    void navigator.clipboard.writeText(textToCopy(code)).then(() => {
      button.textContent = "Copied";
      setTimeout(() => {
        button.textContent = "Copy";
      }, CONFIRMED_MS);
    });
  });
  return button;
}

export function addCopyButtons(): void {
  // Browsers give access to the clipboard only to https pages and to pages of localhost.
  if (navigator.clipboard === undefined) return;
  for (const block of document.querySelectorAll(".code")) {
    const code = block.querySelector("code");
    if (code !== null) block.append(copyButton(code));
  }
}
