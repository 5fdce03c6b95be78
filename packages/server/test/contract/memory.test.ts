/** The memory store against the contract that every store keeps. */
import { createMemoryStore } from '../../src/stores/memory.ts';
import { storeContract } from './store-contract.ts';

storeContract('memory', (clock) => createMemoryStore({}, { clock }));
