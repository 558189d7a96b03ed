"use strict";
// Clients for tests of /api/v1: an SDK of 2022 (see driver.js), which knows neither requests nor attributes.
//
// Its schema is that of one release of many that used this prefix. Later ones answered more, and addresses have no realm
// any more; so it says here what has to be there, not what may.

const { ConnectorClient, getJSONSchemaDefinition } = require("connector-sdk-of-2022");
const { drive, BYTES } = require("./driver");

const RESULTS = {
    "account.getIdentityInfo": "IdentityInfo",
    "account.sync": "ConnectorSyncResult",
    "account.getSyncInfo": "ConnectorSyncInfo",
    "challenges.createChallenge": "ConnectorChallenge",
    "challenges.validateChallenge": "ConnectorChallengeValidationResult",
    "files.getFiles": "ConnectorFiles",
    "files.uploadOwnFile": "ConnectorFile",
    "files.getOwnFiles": "ConnectorFiles",
    "files.loadPeerFile": "ConnectorFile",
    "files.getPeerFiles": "ConnectorFiles",
    "files.getFile": "ConnectorFile",
    "files.downloadFile": BYTES,
    "files.createTokenForFile": "ConnectorToken",
    "files.createTokenQrCodeForFile": BYTES,
    "messages.getMessages": "ConnectorMessages",
    "messages.sendMessage": "ConnectorMessage",
    "messages.getMessage": "ConnectorMessageWithAttachments",
    "messages.getAttachment": "ConnectorFile",
    "messages.downloadAttachment": BYTES,
    "relationshipTemplates.getRelationshipTemplates": "ConnectorRelationshipTemplates",
    "relationshipTemplates.getRelationshipTemplate": "ConnectorRelationshipTemplate",
    "relationshipTemplates.getOwnRelationshipTemplates": "ConnectorRelationshipTemplates",
    "relationshipTemplates.createOwnRelationshipTemplate": "ConnectorRelationshipTemplate",
    "relationshipTemplates.createTokenForOwnRelationshipTemplate": "ConnectorToken",
    "relationshipTemplates.createTokenQrCodeForOwnRelationshipTemplate": BYTES,
    "relationshipTemplates.getPeerRelationshipTemplates": "ConnectorRelationshipTemplates",
    "relationshipTemplates.loadPeerRelationshipTemplate": "ConnectorRelationshipTemplate",
    "relationships.createRelationship": "ConnectorRelationship",
    "relationships.getRelationships": "ConnectorRelationships",
    "relationships.getRelationship": "ConnectorRelationship",
    "relationships.acceptRelationshipChange": "ConnectorRelationship",
    "relationships.rejectRelationshipChange": "ConnectorRelationship",
    "relationships.revokeRelationshipChange": "ConnectorRelationship",
    "tokens.getToken": "ConnectorToken",
    "tokens.getQrCodeForToken": BYTES,
    "tokens.getOwnTokens": "ConnectorTokens",
    "tokens.createOwnToken": "ConnectorToken",
    "tokens.getPeerTokens": "ConnectorTokens",
    "tokens.loadPeerToken": "ConnectorToken"
};

function whatHasToBeThere(part) {
    if (part === null || typeof part !== "object") return;
    delete part.additionalProperties;
    Object.values(part).forEach(whatHasToBeThere);
}

const schema = structuredClone(getJSONSchemaDefinition());
whatHasToBeThere(schema);
const identity = schema.definitions.ConnectorIdentity;
identity.required = identity.required.filter((name) => name !== "realm");

drive({ ConnectorClient, schema, results: RESULTS });
