"use strict";
// Clients for tests: the SDK of the Connector 6.x, driven over standard input and output.
//
// One JSON object per line. Requests are {id, do: "open" | "call", ...}:
//   open {name, baseUrl, apiKey}     -> null                 a client with a name
//   call {name, path, arguments}     -> the result, path like "messages.sendMessage"
// Answers are {id, value} or {id, error: {code, message}}. Bytes are {"$base64": "..."} in both directions.
//
// A result counts only when the SDK itself takes the answer for a success (it knows the status of every route) and the
// result is what the JSON schema that comes with the SDK says.

const Ajv = require("ajv");
const { ConnectorClient, getJSONSchemaDefinition } = require("@nmshd/connector-sdk");
const readline = require("node:readline");

const SCHEMA = getJSONSchemaDefinition();
const ajv = new Ajv({ schemas: [SCHEMA], allowUnionTypes: true });

const BYTES = "bytes";
const NOTHING = "nothing";
const RESULTS = {
    "account.getIdentityInfo": "IdentityInfo",
    "account.sync": NOTHING,
    "account.getSyncInfo": "ConnectorSyncInfo",
    "attributes.createRepositoryAttribute": "ConnectorAttribute",
    "attributes.succeedAttribute": "SucceedAttributeResponse",
    "attributes.notifyPeerAboutRepositoryAttributeSuccession": "NotifyPeerAboutRepositoryAttributeSuccessionResponse",
    "attributes.getAttributes": "ConnectorAttributes",
    "attributes.getAttribute": "ConnectorAttribute",
    "attributes.getValidAttributes": "ConnectorAttributes",
    "attributes.getOwnRepositoryAttributes": "ConnectorAttributes",
    "attributes.getOwnSharedIdentityAttributes": "ConnectorAttributes",
    "attributes.getPeerSharedIdentityAttributes": "ConnectorAttributes",
    "attributes.getVersionsOfAttribute": "ConnectorAttributes",
    "attributes.getSharedVersionsOfAttribute": "ConnectorAttributes",
    "attributes.deleteOwnSharedAttributeAndNotifyPeer": "DeleteOwnSharedAttributeAndNotifyPeerResponse",
    "attributes.deletePeerSharedAttributeAndNotifyOwner": "DeletePeerSharedAttributeAndNotifyOwnerResponse",
    "attributes.deleteRepositoryAttribute": NOTHING,
    "attributes.deleteThirdPartyRelationshipAttributeAndNotifyPeer":
        "DeleteThirdPartyRelationshipAttributeAndNotifyPeerResponse",
    "attributes.executeIdentityAttributeQuery": "ConnectorAttributes",
    "attributes.executeRelationshipAttributeQuery": "ConnectorAttribute",
    "attributes.executeThirdPartyRelationshipAttributeQuery": "ConnectorAttributes",
    "attributes.executeIQLQuery": "ConnectorAttributes",
    "challenges.createChallenge": "ConnectorChallenge",
    "challenges.validateChallenge": "ConnectorChallengeValidationResult",
    "files.getFiles": "ConnectorFiles",
    "files.uploadOwnFile": "ConnectorFile",
    "files.getOwnFiles": "ConnectorFiles",
    "files.loadPeerFile": "ConnectorFile",
    "files.getPeerFiles": "ConnectorFiles",
    "files.getFile": "ConnectorFile",
    "files.downloadFile": BYTES,
    "files.getQrCodeForFile": BYTES,
    "files.createTokenForFile": "ConnectorToken",
    "files.createTokenQrCodeForFile": BYTES,
    "identityMetadata.upsertIdentityMetadata": "ConnectorIdentityMetadata",
    "identityMetadata.getIdentityMetadata": "ConnectorIdentityMetadata",
    "identityMetadata.deleteIdentityMetadata": NOTHING,
    "incomingRequests.canAccept": "ConnectorRequestValidationResult",
    "incomingRequests.accept": "ConnectorRequest",
    "incomingRequests.canReject": "ConnectorRequestValidationResult",
    "incomingRequests.reject": "ConnectorRequest",
    "incomingRequests.getRequest": "ConnectorRequest",
    "incomingRequests.getRequests": "ConnectorRequests",
    "messages.getMessages": "ConnectorMessages",
    "messages.sendMessage": "ConnectorMessage",
    "messages.getMessage": "ConnectorMessageWithAttachments",
    "messages.getAttachment": "ConnectorFile",
    "messages.downloadAttachment": BYTES,
    "monitoring.getHealth": "ConnectorHealth",
    "monitoring.getRequests": "ConnectorRequestCount",
    "monitoring.getSupport": null,
    "monitoring.getVersion": null,
    "outgoingRequests.canCreateRequest": "ConnectorRequestValidationResult",
    "outgoingRequests.createRequest": "ConnectorRequest",
    "outgoingRequests.getRequest": "ConnectorRequest",
    "outgoingRequests.getRequests": "ConnectorRequests",
    "relationshipTemplates.getRelationshipTemplates": "ConnectorRelationshipTemplates",
    "relationshipTemplates.getRelationshipTemplate": "ConnectorRelationshipTemplate",
    "relationshipTemplates.getOwnRelationshipTemplates": "ConnectorRelationshipTemplates",
    "relationshipTemplates.createOwnRelationshipTemplate": "ConnectorRelationshipTemplate",
    "relationshipTemplates.getQrCodeForOwnRelationshipTemplate": BYTES,
    "relationshipTemplates.createTokenForOwnRelationshipTemplate": "ConnectorToken",
    "relationshipTemplates.createTokenQrCodeForOwnRelationshipTemplate": BYTES,
    "relationshipTemplates.getPeerRelationshipTemplates": "ConnectorRelationshipTemplates",
    "relationshipTemplates.loadPeerRelationshipTemplate": "ConnectorRelationshipTemplate",
    "relationships.canCreateRelationship": "CanCreateRelationshipResponse",
    "relationships.createRelationship": "ConnectorRelationship",
    "relationships.getRelationships": "ConnectorRelationships",
    "relationships.getRelationship": "ConnectorRelationship",
    "relationships.acceptRelationship": "ConnectorRelationship",
    "relationships.rejectRelationship": "ConnectorRelationship",
    "relationships.revokeRelationship": "ConnectorRelationship",
    "relationships.getAttributesForRelationship": "ConnectorAttributes",
    "relationships.terminateRelationship": "ConnectorRelationship",
    "relationships.decomposeRelationship": NOTHING,
    "relationships.requestRelationshipReactivation": "ConnectorRelationship",
    "relationships.acceptRelationshipReactivation": "ConnectorRelationship",
    "relationships.rejectRelationshipReactivation": "ConnectorRelationship",
    "relationships.revokeRelationshipReactivation": "ConnectorRelationship",
    "tokens.getToken": "ConnectorToken",
    "tokens.getQrCodeForToken": BYTES,
    "tokens.getOwnTokens": "ConnectorTokens",
    "tokens.createOwnToken": "ConnectorToken",
    "tokens.getPeerTokens": "ConnectorTokens",
    "tokens.loadPeerToken": "ConnectorToken"
};

class Unexpected extends Error {
    constructor(code, message) {
        super(message);
        this.code = code;
    }
}

const clients = new Map();

const commands = {
    async open({ name, baseUrl, apiKey }) {
        clients.set(name, ConnectorClient.create({ baseUrl, apiKey }));
        return null;
    },
    async call({ name, path, arguments: given }) {
        if (!(path in RESULTS)) throw new Unexpected("unknown", `the result of ${path} is not described`);
        const [endpoint, method] = path.split(".");
        const answer = await clients.get(name)[endpoint][method](...given);
        if (endpoint === "monitoring") return checked(path, answer);
        if (answer.isError) {
            const valid = ajv.compile({ $ref: `${SCHEMA.$id}#/definitions/ConnectorError` });
            if (!valid(answer.error)) throw new Unexpected("schema", `${path}: ${ajv.errorsText(valid.errors)}`);
            throw answer.error;
        }
        return checked(path, answer.result);
    }
};

function checked(path, result) {
    const expected = RESULTS[path];
    if (expected === BYTES) {
        if (!Buffer.isBuffer(result)) throw new Unexpected("bytes", `${path} answers no bytes`);
        return result;
    }
    if (expected === NOTHING) {
        if (result !== undefined) throw new Unexpected("nothing", `${path} answers something`);
        return null;
    }
    if (expected === null) return result;
    const valid = ajv.compile({ $ref: `${SCHEMA.$id}#/definitions/${expected}` });
    if (!valid(result)) {
        const text = `${path}: ${ajv.errorsText(valid.errors).slice(0, 2000)} in ${JSON.stringify(result).slice(0, 3000)}`;
        throw new Unexpected("schema", text);
    }
    return result;
}

function decoded(value) {
    if (Array.isArray(value)) return value.map(decoded);
    if (value === null || typeof value !== "object") return value;
    if (typeof value.$base64 === "string") return Buffer.from(value.$base64, "base64");
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, decoded(member)]));
}

function encoded(value) {
    if (Buffer.isBuffer(value)) return { $base64: value.toString("base64") };
    return value;
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
