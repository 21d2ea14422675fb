/**
 * Node's HTTP module, without an `import`. An `import` loads the code behind each name of the module, and some names
 * belong to the HTTP client. From Node 22 on that takes 40 ms of a start.
 */
export const http = process.getBuiltinModule("node:http");
