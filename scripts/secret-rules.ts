// What scripts/check-secrets.ts lets pass, place by place, each with its reason. A row that nothing needs any more is a problem too.

const TOKEN = 'packages/token/src';
const SERVER = 'packages/server/src';
const CLI = 'packages/cli/src';

/** Files, or `file:function`, in which a secret's text is taken out, and for what. */
export const REVEALED: Readonly<Record<string, string>> = {
  [`${TOKEN}/secret.ts:revealText`]: 'for callers who may give text or a Secret',
  [`${TOKEN}/keyring.ts:importAes`]: 'into a CryptoKey that cannot be exported; the bytes are wiped',
  [`${TOKEN}/keyring.ts:importEcc`]: 'into a CryptoKey that cannot be exported',
  [`${TOKEN}/open-sync.ts:importAgreement`]: 'into a key of the platform',
  [`${TOKEN}/open-sync.ts:importWrapping`]: 'into a key of the platform; the bytes are wiped',
  [`${TOKEN}/rai-version1.ts:deriveVersion1`]: 'into the key derivation of version 1 files',
  [`${TOKEN}/seal.ts:sealAes`]: 'into a key of the platform, or wrapped again at once',
  [`${TOKEN}/seal.ts:sealEcc`]: 'into a key of the platform, or wrapped again at once',
  [`${TOKEN}/seal-primitives.ts`]: 'into the key wrap, the agreement and the signature of one token',
  [`${TOKEN}/key-kinds.ts:formsOf`]: 'to see how it begins',
  'packages/sdk-node/src/credentials.ts:parseDocument':
    'a key file’s text, read into parts that are wrapped at once',
  'packages/sdk-node/src/credentials.ts:sealable': 'to take PEM’s lines off; wrapped again at once',
  [`${TOKEN}/siv.ts:createSivBox`]: 'into the key of one purpose, and into its cipher',
  [`${SERVER}/create-relay.ts:idBoxesOf`]: 'into the keys that seal ids; wrapped again at once',
  [`${SERVER}/create-relay.ts:derive`]: 'into a hash, once per set of key files',
  [`${SERVER}/credentials/crypto.ts:readRsa`]: 'into a CryptoKey that cannot be exported',
  [`${SERVER}/credentials/fill.ts:fill`]:
    'into a signature, or a line or form field that the registry describes',
  [`${SERVER}/credentials/maker.ts:isLine`]: 'to see whether it can stand in a line',
  [`${SERVER}/credentials/maker.ts:nameOf`]: 'into a hash',
  [`${SERVER}/forwarding/authenticate.ts:withLines`]:
    'the place where a credential that was made goes upstream',
  [`${SERVER}/forwarding/authenticate.ts:withQuery`]:
    'the place where a credential in the query goes upstream',
  [`${SERVER}/forwarding/credential-rest.ts:keyOf`]: 'into a hash',
  [`${SERVER}/forwarding/idempotency-key.ts:sealIdempotencyKey`]: 'into an HMAC',
  [`${SERVER}/forwarding/key-search.ts:patternsOf`]: 'what is searched for in answers',
  [`${SERVER}/forwarding/passage.ts:secretsOf`]:
    'to search for the word behind the scheme too; wrapped again at once',
  [`${SERVER}/forwarding/request-headers.ts:buildRequestHeaders`]: 'the one place where a key goes upstream',
  [`${SERVER}/ingress/relay-base.ts:relayBaseOf`]:
    'into URLs of the relay itself, for the caller who sent it',
  [`${SERVER}/policy/opener.ts:open`]: 'into the digest that opened tokens are kept by',
  [`${SERVER}/routing/credential.ts:fill`]: 'into the credential’s header or query; wrapped again at once',
  [`${SERVER}/routing/credential.ts:misfitOf`]: 'to tell keys that a provider’s entry refuses',
  [`${SERVER}/routing/origin.ts:originOf`]: 'some providers have a host per kind of key',
  [`${SERVER}/runtime/node/admin.ts:createAuthorizer`]: 'into a hash, once',
  [`${SERVER}/runtime/node/one-call.ts:inboundOf`]: 'into the target of a request that stays in the process',
  [`${SERVER}/runtime/node/rai-files.ts:readRai`]: 'to the parser of key files, which wraps each key',
  [`${SERVER}/runtime/node/snapshot-file.ts:takeSnapshotFile`]:
    'counters, read by the reader of secret files for its checks',
  [`${SERVER}/runtime/node/vault-secrets.ts:fromFile`]: 'bytes to text; wrapped again at once',
  [`${SERVER}/runtime/node/vault-secrets.ts:readVault`]: 'to see whether a header can carry it',
  [`${SERVER}/runtime/node/worker-messages.ts:packSecrets`]:
    'to another thread of the process, which wraps it again',
  [`${CLI}/check-secrets.ts:secretsOf`]:
    'a user’s own keys, in other spellings to look for; wrapped again at once',
  [`${CLI}/inspect.ts:readKid`]: 'the key id in a token’s open header',
  [`${CLI}/own-needles.ts:findNeedles`]: 'what is searched for in logs',
  [`${CLI}/own-needles.ts:needlesOf`]: 'spellings to look for; wrapped again at once',
  [`${CLI}/provider-test.ts:maskedWords`]: 'what is searched for in a provider’s words',
};

const INDEX = 'a key of a map or an object, not of a cipher';
const ONE_OPENING = 'bytes inside one opening, gone with it';
const ONE_SEALING = 'bytes inside one sealing, gone with it';
const TEMPLATE = 'a template of the registry, which names a field';
const WRITTEN = 'what a user writes; wrapped at once';
const PUBLIC = 'a public function, whose callers may give plain text';

/** `file:name` of values that are named like a secret and hold plain text or bytes, and why that is right. */
export const PLAIN: Readonly<Record<string, string>> = {
  [`${TOKEN}/claim-rules.ts:key`]: INDEX,
  [`${TOKEN}/concat-kdf.ts:deriveConcatKey`]: ONE_SEALING,
  [`${TOKEN}/keys.ts:secret`]: 'bytes inside one check of a point, gone with it',
  [`${TOKEN}/open.ts:token`]: PUBLIC,
  [`${TOKEN}/open-checks.ts:token`]: 'what somebody presents, taken out by the opener that was asked',
  [`${TOKEN}/open-sync.ts:contentKey`]: ONE_OPENING,
  [`${TOKEN}/open-sync.ts:token`]: PUBLIC,
  [`${TOKEN}/open-sync.ts:unwrapKey`]: ONE_OPENING,
  [`${TOKEN}/rai.ts:key`]: 'a member of a key file being parsed, not yet checked',
  [`${TOKEN}/rai.ts:secret`]: 'a member of a key file being parsed, not yet checked',
  [`${TOKEN}/rai-make.ts:_secret`]: 'left out of the public half of a fresh key',
  [`${TOKEN}/rai-make.ts:createEcKey`]: 'a fresh file’s content, made to be written to a file of mode 0600',
  [`${TOKEN}/rai-make.ts:createOctKey`]: 'a fresh file’s content, made to be written to a file of mode 0600',
  [`${TOKEN}/rai-make.ts:key`]: 'a fresh file’s content, made to be written to a file of mode 0600',
  [`${TOKEN}/rai-make.ts:keys`]: 'a file’s content, made to be written to a file of mode 0600',
  [`${TOKEN}/relay-url.ts:token`]: 'the product of minting',
  [`${TOKEN}/relay-url.ts:urlOrToken`]: PUBLIC,
  [`${TOKEN}/seal.ts:contentKey`]: ONE_SEALING,
  [`${TOKEN}/seal.ts:credential`]: PUBLIC,
  [`${TOKEN}/seal.ts:key`]: PUBLIC,
  [`${TOKEN}/seal.ts:sealToken`]: 'the product of minting',
  [`${TOKEN}/seal.ts:token`]: 'the product of minting',
  [`${TOKEN}/seal-primitives.ts:contentKey`]: ONE_SEALING,
  [`${TOKEN}/seal-primitives.ts:wrapKey`]: 'a wrapped key, which stands in the token',
  'packages/sdk-node/src/credential-types.ts:accessKey': WRITTEN,
  'packages/sdk-node/src/credential-types.ts:clientSecret': WRITTEN,
  'packages/sdk-node/src/credential-types.ts:privateKey': WRITTEN,
  'packages/sdk-node/src/credential-types.ts:private_key': WRITTEN,
  'packages/sdk-node/src/credential-types.ts:secretAccessKey': WRITTEN,
  'packages/sdk-node/src/credential-types.ts:secretKey': WRITTEN,
  'packages/sdk-node/src/credential-types.ts:sessionToken': WRITTEN,
  'packages/sdk-node/src/credentials.ts:credential': WRITTEN,
  'packages/sdk-node/src/native-sealer.ts:contentKey': ONE_SEALING,
  'packages/sdk-node/src/native-sealer.ts:nativeSealToken': 'the product of minting',
  'packages/sdk-node/src/options.ts:apiKey': WRITTEN,
  'packages/sdk-node/src/options.ts:credential': WRITTEN,
  [`${CLI}/check.ts:keys`]: 'lines about keys: ids, uses and ends',
  [`${CLI}/import-keys.ts:importKeys`]: 'names of files',
  [`${CLI}/program.ts:keys`]: 'the text of a flag: enc, sig or both',
  [`${SERVER}/accounting/usage-record.ts:token`]: 'kid:jti, the name of a token',
  [`${SERVER}/config/problems.ts:key`]: INDEX,
  [`${SERVER}/config/render.ts:key`]: INDEX,
  [`${SERVER}/providers/provider.ts:password`]: TEMPLATE,
  [`${SERVER}/providers/provider.ts:secret`]: 'the name of a field',
  [`${SERVER}/forwarding/credential-rest.ts:key`]: 'a hash',
  [`${SERVER}/forwarding/credential-rest.ts:token`]: 'a hash of claims, the identity of a token',
  [`${SERVER}/forwarding/idempotency-key.ts:key`]: 'bytes inside one HMAC, gone with it',
  [`${SERVER}/ingress/slots.ts:key`]: INDEX,
  [`${SERVER}/policy/opener.ts:key`]: 'a digest of the token',
  [`${SERVER}/routing/endpoints.ts:key`]: INDEX,
  [`${SERVER}/runtime/node/demo.ts:token`]: 'the product of minting, for the page on loopback',
  [`${SERVER}/runtime/node/flags.ts:keys`]: 'config keys that stand as flags: host, port and the like',
  [`${SERVER}/runtime/node/native-opener.ts:contentKey`]: ONE_OPENING,
  [`${SERVER}/runtime/node/prometheus.ts:key`]: INDEX,
  [`${SERVER}/stores/memory-state.ts:key`]: INDEX,
  [`${SERVER}/stores/memory-state.ts:subjectKey`]: INDEX,
  [`${SERVER}/stores/memory-state.ts:tokenKey`]: INDEX,
  [`${SERVER}/translation/body-index.ts:key`]: INDEX,
  [`${SERVER}/translation/body-index.ts:ownKey`]: INDEX,
  [`${SERVER}/translation/body-index.ts:parentKey`]: INDEX,
  [`${SERVER}/translation/body-index.ts:watchedKey`]: INDEX,
  [`${SERVER}/translation/cap-members.ts:key`]: INDEX,
};

/** `file:function` in which a revealed text is joined with others or turned about, and what becomes of the whole. */
export const JOINED: Readonly<Record<string, string>> = {
  [`${TOKEN}/rai-version1.ts:deriveVersion1`]: 'hashed',
  [`${SERVER}/forwarding/credential-rest.ts:keyOf`]: 'hashed',
  [`${SERVER}/runtime/node/one-call.ts:inboundOf`]: 'the target of a request that stays in the process',
  [`${SERVER}/runtime/node/snapshot-file.ts:takeSnapshotFile`]: 'counters, not a key',
  [`${SERVER}/runtime/node/vault-secrets.ts:fromFile`]: 'wrapped at once',
};
