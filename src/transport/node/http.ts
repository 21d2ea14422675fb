/**
 * Node's HTTP module. Its names are not imported, because some belong to the client, and an import loads the code
 * behind each name of a module; from Node 22 on that takes 40 ms of a start.
 */
export const http = process.getBuiltinModule("node:http");
