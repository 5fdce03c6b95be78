/** How every sealed id begins (0033): what routing seals, and what policy must not take for an upstream's own id. */
export const SEALED_ID_PREFIX = 'rai_';
