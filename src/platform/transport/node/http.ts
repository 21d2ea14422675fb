/**
 * Node's HTTP module, loaded without an `import`. An `import` would also load the code behind every name of the module,
 * for example the HTTP client. From Node 22 on that adds 40 ms to each start.
 */
export const http = process.getBuiltinModule("node:http");
