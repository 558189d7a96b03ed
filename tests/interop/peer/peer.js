"use strict";
// A peer for tests: accounts of the official runtime, driven over standard input and output.
//
// One JSON object per line. Requests are {id, do: "open" | "call" | "events" | "close", ...}:
//   open   {name, baseUrl, modules?}   -> {address}          a new account with a name, at a Backbone
//   call   {name, path, argument}      -> the use case's value, path like "transport.messages.sendMessage"
//   events {name}                      -> the events since the last time, [{namespace, data}]
//   close  {name}                      -> null
// Answers are {id, value} or {id, error: {code, message}}. Bytes are {"$base64": "..."} in both directions.

const { LokiJsConnection } = require("@js-soft/docdb-access-loki");
const { Runtime } = require("@nmshd/runtime");
const readline = require("node:readline");

const silent = new Proxy({}, { get: () => () => undefined });
const loggerFactory = { getLogger: () => silent };

class PeerRuntime extends Runtime {
    constructor(baseUrl, modules) {
        super(
            {
                transportLibrary: {
                    baseUrl,
                    platformClientId: "test",
                    platformClientSecret: "test",
                    addressGenerationHostnameOverride: "localhost"
                },
                modules: {
                    decider: module("DeciderModule", modules?.decider),
                    request: module("RequestModule", modules?.request),
                    notification: module("NotificationModule", modules?.notification)
                }
            },
            loggerFactory
        );
        this.seen = [];
    }

    async createDatabaseConnection() {
        return LokiJsConnection.inMemory();
    }

    async initAccount() {
        const { AccountController } = require("@nmshd/transport");
        const { ConsumptionController } = require("@nmshd/consumption");
        const database = await this.databaseConnection.getDatabase(`peer-${process.pid}-${PeerRuntime.count++}`);
        const account = await new AccountController(this.transport, database, this.transport.config).init();
        const consumption = await new ConsumptionController(this.transport, account, {
            setDefaultOwnIdentityAttributes: false
        }).init();
        this.services = await this.login(account, consumption);
        this.address = account.identity.address.toString();
        this.eventBus.subscribe("**", (event) => {
            this.seen.push({ namespace: event.namespace, data: event.data });
        });
    }

    async loadModule() {
        throw new Error("this peer has only the built-in modules");
    }

    getServices() {
        return this.services;
    }

    async getHealth() {
        return { isHealthy: true, services: {} };
    }

    async end() {
        await this.stop();
    }
}
PeerRuntime.count = 0;

function module(name, options) {
    return {
        enabled: options?.enabled ?? false,
        displayName: name,
        name,
        location: `@nmshd/runtime:${name}`,
        ...options
    };
}

const peers = new Map();

const commands = {
    async open({ name, baseUrl, modules }) {
        const runtime = new PeerRuntime(baseUrl, modules);
        await runtime.init();
        await runtime.start();
        peers.set(name, runtime);
        return { address: runtime.address };
    },
    async call({ name, path, argument }) {
        const [side, ...rest] = path.split(".");
        const services = peers.get(name).services[`${side}Services`];
        const owner = rest.slice(0, -1).reduce((object, key) => object[key], services);
        const result = await owner[rest.at(-1)](argument);
        if (result.isError) throw result.error;
        return result.value;
    },
    async events({ name }) {
        return peers.get(name).seen.splice(0);
    },
    async close({ name }) {
        await peers.get(name).end();
        peers.delete(name);
        return null;
    }
};

function decoded(value) {
    if (Array.isArray(value)) return value.map(decoded);
    if (value === null || typeof value !== "object") return value;
    if (typeof value.$base64 === "string") return new Uint8Array(Buffer.from(value.$base64, "base64"));
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, decoded(member)]));
}

function encoded(value) {
    if (value instanceof Uint8Array) return { $base64: Buffer.from(value).toString("base64") };
    if (Array.isArray(value)) return value.map(encoded);
    if (value === null || typeof value !== "object") return value;
    if (typeof value.toJSON === "function") return encoded(value.toJSON());
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, encoded(member)]));
}

function answer(message) {
    process.stdout.write(`${JSON.stringify(message)}\n`);
}

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
