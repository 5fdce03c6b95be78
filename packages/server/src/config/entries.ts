/**
 * The two maps of config.json: `providers` (override or add a registry entry) and `vault` (keys that stay at the relay).
 * Field names are the registry's, in the snake_case of config files; the registry merges, this only checks.
 */
import { isPathEntry } from 'relayapi-token';
import { z } from 'zod';

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const name = z.string().regex(NAME, 'must be lower case letters, digits, ".", "_" or "-", at most 64');
const header = z.string().regex(/^[a-z0-9-]{1,64}$/, 'must be a lower-case header name');
const headerPattern = z
  .string()
  .regex(/^[a-z0-9-]{1,64}\*?$/, 'must be a lower-case header name, a trailing "*" allowed');
const root = z
  .string()
  .regex(/^(?:\/[A-Za-z0-9._~-]+)*$/, 'must be "" or a path such as "/v1", without a last slash');
const pointer = z.array(z.string().min(1).max(128)).min(1).max(16);

const endpoint = z
  .strictObject({
    method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD']),
    path: z
      .string()
      .regex(/^\/[^\s?#]*$/, 'must be a path relative to the root, such as "/chat/completions"')
      .max(256),
    root: root.optional(),
    kind: z.enum(['inference', 'models', 'account']).default('inference'),
    dialect: z
      .enum(['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini', 'deepl', 'opaque'])
      .default('opaque'),
    body: z.enum(['json', 'multipart', 'form', 'any', 'none']).default('json'),
    models: z
      .array(
        z.discriminatedUnion('in', [
          z.strictObject({ in: z.literal('body'), at: pointer }),
          z.strictObject({ in: z.literal('path'), segment: z.string().min(1).max(64) }),
          z.strictObject({ in: z.literal('query'), name: z.string().min(1).max(64) }),
          z.strictObject({ in: z.literal('form'), name: z.string().min(1).max(64) }),
        ]),
      )
      .nullable()
      .default(null),
  })
  .meta({ description: 'One endpoint of the provider.' });

const baseUrl = z
  .url({ protocol: /^https?$/, error: 'must be an absolute http or https URL' })
  .refine((value) => {
    if (!URL.canParse(value)) return false;
    const url = new URL(value);
    return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  }, 'must hold no user, password, query or fragment');

/** One entry of `providers`. */
const providerEntry = z
  .strictObject({
    base_url: baseUrl.optional().meta({
      description: 'Origin and root, as an SDK would be given it: `https://llm.internal:8443/v1`.',
      security:
        'Keys sealed for this provider go there. An `http:` address sends them in clear; a private one also needs `upstream.allow_private`.',
    }),
    name: z.string().min(1).max(128).optional().meta({ description: 'Name for people.' }),
    enabled: z.boolean().optional().meta({
      description:
        'Whether tokens may name it. Default: as the registry says; true with `base_url`. Entries whose host or status is doubtful, and local servers, are off.',
      security: 'An entry that is off was not confirmed: look at its host before a key is sent there.',
    }),
    like: name
      .optional()
      .meta({ description: 'For a new provider: the registry entry it copies, such as `openai`.' }),
    aliases: z.array(name).max(16).optional().meta({ description: 'Other names of the provider.' }),
    roots: z
      .array(root)
      .min(1)
      .max(16)
      .optional()
      .meta({ description: 'API roots on the origin, the first is the default.' }),
    auth: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('none') }),
        z.strictObject({
          kind: z.literal('header'),
          name: header,
          template: z.string().max(256).default('{key}'),
        }),
      ])
      .optional()
      .meta({
        description:
          'How the key is sent: `{"kind":"header","name":"authorization","template":"Bearer {key}"}`.',
      }),
    credential_fields: z
      .array(z.string().regex(/^[a-z][a-z0-9_]{0,31}$/))
      .max(8)
      .optional()
      .meta({ description: 'Names of the credential’s parts; `["key"]` for a plain key.' }),
    default_headers: z
      .record(header, z.string().max(512))
      .optional()
      .meta({ description: 'Headers sent when the caller does not send them.' }),
    pass_headers: z.array(headerPattern).max(64).optional().meta({
      description: 'Request headers of the provider that are passed on.',
      security: 'A header that selects an account or a project gives the caller that choice.',
    }),
    pass_query: z
      .array(z.string().min(1).max(64))
      .max(64)
      .optional()
      .meta({ description: 'Query names that are passed on.' }),
    request_id_header: header
      .nullable()
      .optional()
      .meta({ description: 'Response header with the provider’s request id.' }),
    endpoints: z.array(endpoint).max(256).optional().meta({ description: 'What may be reached.' }),
    trusted: z.boolean().optional().meta({
      description: 'Passes answers of an overridden address without the search for the key.',
      security: 'A host that echoes the key back then shows it to the caller.',
    }),
  })
  .meta({ description: 'A provider: overrides the registry’s entry of that name, or adds one.' });

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional();

/** What a token's `limits` may hold in this release. */
const limits = z
  .strictObject({
    calls: count,
    attempts: count,
    rate: z
      .tuple([z.int().min(1), z.int().min(1)], 'must be [count, seconds], both whole numbers above 0')
      .optional(),
    concurrency: count,
    request_bytes: count,
    response_bytes: count,
    stream_seconds: count,
  })
  .optional()
  .meta({
    description:
      'Limits of every token that names this key, as in docs/claims.md: where both say something the lower one holds; of two rates, the smaller count over the longer window.',
  });

const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be the name of an environment variable');

/** One entry of `vault`. */
export const vaultEntry = z
  .strictObject({
    provider: name.meta({ description: 'Provider the key belongs to; a token must name the same.' }),
    key_env: variable.optional().meta({ description: 'Environment variable that holds the key.' }),
    key_file: z.string().min(1).max(1024).optional().meta({
      description: 'File that holds the key; a last newline is dropped.',
      security:
        'Refused unless it belongs to the relay’s user or root and grants nothing to group or others.',
    }),
    credential_env: z
      .record(z.string().regex(/^[a-z][a-z0-9_]{0,31}$/), variable)
      .optional()
      .meta({ description: 'For credentials of several parts: part to environment variable.' }),
    credential_file: z
      .record(z.string().regex(/^[a-z][a-z0-9_]{0,31}$/), z.string().min(1).max(1024))
      .optional()
      .meta({ description: 'For credentials of several parts: part to file.' }),
    vars: z
      .record(z.string().regex(/^[a-z][a-z0-9_]{0,31}$/), z.string().min(1).max(128))
      .optional()
      .meta({
        description:
          'Variables of the provider’s host and paths, such as `{"resource":"…"}`: all that it has, for a token with this key names none.',
      }),
    models: z
      .array(z.string().regex(/^[^\s*]{1,127}\*?$|^\*$/, 'must be a model, a star only at its end'))
      .max(64)
      .optional()
      .meta({ description: 'Models this key may be used for, on top of a token’s own list.' }),
    paths: z
      .array(
        z
          .string()
          .max(128)
          .refine(
            isPathEntry,
            'must be a method and a path, such as "POST /chat/completions", exact or ending in /*',
          ),
      )
      .max(64)
      .optional()
      .meta({ description: 'Endpoints this key may be used for, on top of a token’s own list.' }),
    limits,
  })
  .meta({
    description:
      'A key that stays at the relay; tokens name it where their key file’s `allow.vault` lists it.',
  });

/** `providers`. */
export const providersSection = z
  .record(name, providerEntry)
  .default({})
  .meta({ description: 'Providers to override or add, by name.' });

/** `vault`. */
export const vaultSection = z
  .record(
    z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be letters, digits, "_" or "-", at most 64'),
    vaultEntry,
  )
  .default({})
  .meta({ description: 'Keys that stay at the relay, by the name tokens use.' });

/** A vault entry as checked. */
export type VaultEntry = z.output<typeof vaultEntry>;
