/**
 * Bundles the client library (clients/typescript) into one file, `dist/client/client.js`, which runs in Node, Deno, Bun
 * and browsers. client-types.mjs writes its types when the package is packed.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const CLIENT_FOLDER = "clients/typescript";
const ENTRY = `${CLIENT_FOLDER}/client.ts`;

function bundleOf(root) {
  return join(root, "dist", "client", "client.js");
}

/**
 * Whether the bundle ends with this stamp. An image of the server is built without the client's sources, and needs no
 * bundle.
 */
export function isClientFresh(root, stampLine) {
  if (!existsSync(join(root, ENTRY))) return true;
  const bundle = bundleOf(root);
  return existsSync(bundle) && readFileSync(bundle, "utf8").endsWith(stampLine);
}

/** Bundles the library. Returns the path and the text of the bundle. */
export async function buildClient({ root, esbuild }) {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [ENTRY],
    write: false,
    bundle: true,
    format: "esm",
    // The oldest supported runtimes: Node 20, and browsers of 2023. The platform `neutral` has no modules of Node.
    target: ["es2022", "node20"],
    platform: "neutral",
    minify: true,
    // Keeps the names of classes, because errors show them.
    keepNames: true,
    logLevel: "silent",
  });
  return { path: bundleOf(root), content: outputFiles[0].text };
}
