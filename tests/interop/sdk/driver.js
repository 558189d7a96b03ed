"use strict";
// Drives an SDK of the Connector over standard input and output, for tests.
//
// One JSON object per line. Requests are {id, do: "open" | "call", ...}:
//   open {name, baseUrl, apiKey}     -> null                 a client with a name
//   call {name, path, arguments}     -> the result, path like "messages.sendMessage"
// Answers are {id, value} or {id, error: {code, message}}. Bytes are {"$base64": "..."} in both directions.
//
// A result counts only when the SDK itself takes the answer for a success (it knows the status of every route) and the
// result is what a JSON schema says.

const Ajv = require("ajv");
const readline = require("node:readline");

// What a method may answer besides a definition of the schema; null is for what is not described.
const BYTES = "bytes";
const NOTHING = "nothing";

class Unexpected extends Error {
    constructor(code, message) {
        super(message);
        this.code = code;
    }
}

function drive({ ConnectorClient, schema, results }) {
    const ajv = new Ajv({ schemas: [schema], allowUnionTypes: true });
    const clients = new Map();

    function check(path, definition, value) {
        const valid = ajv.compile({ $ref: `${schema.$id}#/definitions/${definition}` });
        if (valid(value)) return;
        const mistakes = ajv.errorsText(valid.errors).slice(0, 2000);
        throw new Unexpected("schema", `${path}: ${mistakes} in ${JSON.stringify(value).slice(0, 3000)}`);
    }

    function checked(path, result) {
        const expected = results[path];
        if (expected === BYTES) {
            if (!Buffer.isBuffer(result)) throw new Unexpected("bytes", `${path} answers no bytes`);
        } else if (expected === NOTHING) {
            if (result !== undefined) throw new Unexpected("nothing", `${path} answers something`);
        } else if (expected !== null) {
            check(path, expected, result);
        }
        return result;
    }

    const commands = {
        async open({ name, baseUrl, apiKey }) {
            clients.set(name, ConnectorClient.create({ baseUrl, apiKey }));
            return null;
        },
        async call({ name, path, arguments: given }) {
            if (!(path in results)) throw new Unexpected("unknown", `the result of ${path} is not described`);
            const [endpoint, method] = path.split(".");
            const answer = await clients.get(name)[endpoint][method](...given);
            if (endpoint === "monitoring") return checked(path, answer);
            if (answer.isError) {
                check(path, "ConnectorError", answer.error);
                throw answer.error;
            }
            return checked(path, answer.result);
        }
    };

    readline.createInterface({ input: process.stdin }).on("line", async (line) => {
        const request = decoded(JSON.parse(line));
        try {
            const value = await commands[request.do](request);
            answer({ id: request.id, value: encoded(value) ?? null });
        } catch (error) {
            answer({ id: request.id, error: { code: error.code ?? "", message: error.message ?? String(error) } });
        }
    });
    process.stdin.on("end", () => process.exit(0));
}

function decoded(value) {
    if (Array.isArray(value)) return value.map(decoded);
    if (value === null || typeof value !== "object") return value;
    if (typeof value.$base64 === "string") return Buffer.from(value.$base64, "base64");
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, decoded(member)]));
}

function encoded(value) {
    return Buffer.isBuffer(value) ? { $base64: value.toString("base64") } : value;
}

function answer(message) {
    process.stdout.write(`${JSON.stringify(message)}\n`);
}

module.exports = { drive, BYTES, NOTHING };
