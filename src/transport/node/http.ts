/**
 * Node's HTTP. Its names are not imported: some are of a client, and an import reads what is behind each of a module's
 * names, which from Node 22 on takes 40 ms of a start.
 */
export const http = process.getBuiltinModule("node:http");
