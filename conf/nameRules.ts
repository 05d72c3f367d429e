/** Which names are allowed, and how to say so. The patterns are the specification's; the lengths and `%` are the kernel's. */

interface NameRule {
  readonly mustBe: string;
  allows(text: string): boolean;
}

/** A file name's limit on Linux; a network's name is used as one by other IPAM plugins. */
const nameLengthMax = 255;

/** `^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`, by hand: every ADD asks it, and a regular expression is compiled for that once. */
function identifier(text: string): boolean {
  if (text === "" || text.length > nameLengthMax) return false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!;
    const isAlphanumeric =
      (letter >= "a" && letter <= "z") || (letter >= "A" && letter <= "Z") || (letter >= "0" && letter <= "9");
    if (!isAlphanumeric && (i === 0 || (letter !== "_" && letter !== "." && letter !== "-"))) return false;
  }
  return true;
}

const identifierMustBe = `1 to ${nameLengthMax} characters of a-z A-Z 0-9 _ . - and begin with a letter or digit`;

export const networkName: NameRule = { mustBe: identifierMustBe, allows: identifier };

export const containerId: NameRule = { mustBe: identifierMustBe, allows: identifier };

/** An executable's name to look for in CNI_PATH, so nothing that leads elsewhere. */
export const pluginName: NameRule = { mustBe: `a plugin's name: ${identifierMustBe}`, allows: identifier };

/** IFNAMSIZ − 1. */
const interfaceNameBytesMax = 15;

/**
 * The kernel's dev_valid_name(), and no `%`: RTM_NEWLINK makes `eth%d` the first free of eth0, eth1 … Of the names of
 * folders in /proc/sys/net/ipv4/conf, `all` and `default` are taken.
 */
export const interfaceName: NameRule = {
  mustBe: `1 to ${interfaceNameBytesMax} bytes without / : % or white space, and not . .. all or default`,
  allows(text) {
    let isAscii = true;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit <= space || unit === del || unit === slash || unit === colon || unit === percent) return false;
      if (unit === replacement) return false; // bytes that are no UTF-8 would name another interface
      if (unit > del) isAscii = false;
    }
    if (!isAscii && !isShortWord(text)) return false;
    if (text === "" || text === "." || text === ".." || text === "all" || text === "default") return false;
    return text.length <= interfaceNameBytesMax;
  },
};

/** Apart from where every ADD goes, because a function with a regular expression has that compiled when it is first called. */
function isShortWord(text: string): boolean {
  return Buffer.byteLength(text) <= interfaceNameBytesMax && !/\s/.test(text);
}

// Of ASCII; those below a space are control characters and white space.
const space = 0x20;
const percent = 0x25;
const slash = 0x2f;
const colon = 0x3a;
const del = 0x7f;
/** What is read in place of bytes that are none. */
const replacement = 0xfffd;

/** PATH_MAX − 1. */
const pathBytesMax = 4095;

export const absolutePath: NameRule = {
  mustBe: `an absolute path of at most ${pathBytesMax} bytes`,
  // A character has at most three bytes for each of its units.
  allows: (text) =>
    text.startsWith("/") &&
    !text.includes("\0") &&
    (text.length * 3 <= pathBytesMax || Buffer.byteLength(text) <= pathBytesMax),
};
