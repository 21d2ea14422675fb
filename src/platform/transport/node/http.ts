/**
 * Node's HTTP module. It is loaded without an `import`, which would load the code behind every name of the module, for
 * example the HTTP client. From Node 22 on, that adds 40 ms to each start.
 */
export const http = process.getBuiltinModule("node:http");
