/** An expression of a rule: a name and its attributes (NFTA_EXPR_NAME, NFTA_EXPR_DATA). */
import { attributes, be32, bytes, nest, text } from "../../codec.ts";

export interface Expression {
  readonly name: string;
  readonly data: Uint8Array;
}

/** NFT_REG32_*: sixteen registers of 4 bytes, 8 to 23; NFT_REG_VERDICT 0; NFT_REG_1 to 4 are 16 bytes each, over the same storage. */
export const register = { verdict: 0, one: 1, two: 2, three: 3, four: 4 } as const;

/**
 * The register that begins `bytes` after register one, where a concatenation continues. Where a register of 16 bytes
 * begins there, that one, as nft writes it.
 */
export const registerAfter = (bytes: number): number => (bytes % 16 === 0 ? 1 + bytes / 16 : 8 + bytes / 4);

/** NFT_JUMP and the other verdicts. */
export const verdictCode = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const;

/** NFTA_VERDICT_*. */
const verdict = attributes({ code: [1, be32], chain: [2, text] });

/** NFTA_DATA_*: a value or a verdict. */
export const data = attributes({ value: [1, bytes], verdict: [2, nest(verdict)] });
