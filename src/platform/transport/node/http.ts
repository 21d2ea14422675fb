/**
 * Node's HTTP module, loaded without an `import`. An `import` would load the code of every name of the module,
 * including the HTTP client. From Node 22 on that adds 40 ms to each start.
 */
export const http = process.getBuiltinModule("node:http");
