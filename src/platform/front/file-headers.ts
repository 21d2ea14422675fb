/** Defines the headers of the files that the dashboard's port sends, and chooses their encoding. Pure. */

/** The content types, by the suffix of a file. Files of other types are not served. */
export const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".json": "application/json",
  ".md": "text/markdown; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
};
/**
 * The encodings in which the build compresses files, the smallest first. Each row has the suffix of the compressed
 * copy.
 */
export const ENCODINGS = [
  ["br", ".br"],
  ["gzip", ".gz"],
] as const;

/**
 * Forbids inline scripts, HTML that scripts build from texts, content from other origins, and framing by other pages.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** The security headers of every file. */
export const GUARDS = [
  ["Content-Security-Policy", CONTENT_SECURITY_POLICY],
  ["X-Content-Type-Options", "nosniff"],
  ["Referrer-Policy", "no-referrer"],
  ["Cross-Origin-Opener-Policy", "same-origin"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
] as const;
/**
 * Lets browsers cache a file forever. Used for files whose name contains the hash of their content, because that
 * content never changes.
 */
export const FOR_EVER = ["Cache-Control", "public, max-age=31536000, immutable"] as const;
/** Lets browsers keep a file. Before each use, the browser must ask the server whether the file has changed. */
export const ASKED_EACH_TIME = ["Cache-Control", "no-cache"] as const;

/** Whether an `Accept-Encoding` header accepts an encoding. */
export function accepts(header: string, encoding: string): boolean {
  return header.split(",").some((part) => {
    const [name = "", ...parameters] = part.split(";").map((word) => word.trim().toLowerCase());
    return name === encoding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
