/** Writes config.json, docs/config.schema.json and docs/options.md from the config schema. Run it after changing a key. */
import { writeFileSync } from 'node:fs';
import { renderConfigJson, renderJsonSchema, renderOptionsPage } from '../src/config/render.ts';

const root = new URL('../../../', import.meta.url);
writeFileSync(new URL('config.json', root), renderConfigJson());
writeFileSync(new URL('docs/config.schema.json', root), renderJsonSchema());
writeFileSync(new URL('docs/options.md', root), renderOptionsPage());
