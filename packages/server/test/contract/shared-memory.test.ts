/** The memory store of several threads against the contract that every store keeps. */
import { createSharedMemoryStore } from '../../src/stores/shared-memory.ts';
import { createSharedTable } from '../../src/stores/shared-table.ts';
import { storeContract } from './store-contract.ts';

storeContract('shared memory', (clock) => createSharedMemoryStore(createSharedTable(), {}, { clock }));
