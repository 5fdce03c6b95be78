/** Writes docs/providers.md from the registry. Run it after changing an entry. */
import { writeFileSync } from 'node:fs';
import { REGISTRY } from '../src/providers/registry.ts';
import { renderProvidersPage } from '../src/providers/render-page.ts';

writeFileSync(new URL('../../../docs/providers.md', import.meta.url), renderProvidersPage(REGISTRY));
