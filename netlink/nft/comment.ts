/** Comments, as nft(8) stores them in user data: one TLV of type 0 (libnftnl, NFTNL_UDATA_*_COMMENT), NUL-terminated. */
import { type Codec, text } from "../codec.ts";

const commentType = 0;
/** NFT_USERDATA_MAXLEN is 256; the length is one byte. */
const commentBytesMax = 128;

export const comment: Codec<string> = {
  put(value) {
    const bytes = text.put(value.slice(0, commentBytesMax - 1));
    return Uint8Array.from([commentType, bytes.length, ...bytes]);
  },
  get(raw) {
    for (let at = 0; at + 2 <= raw.length; at += 2 + raw[at + 1]!) {
      if (raw[at] === commentType) return text.get(raw.subarray(at + 2, at + 2 + raw[at + 1]!));
    }
    return "";
  },
};
