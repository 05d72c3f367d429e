/**
 * Rules for names, each with its words for messages. The patterns are the specification's; the lengths and the ban of
 * `%` are the kernel's.
 */

interface NameRule {
  readonly mustBe: string;
  allows(text: string): boolean;
}

/** Linux limits file names to this. Other IPAM plugins use the network's name as one. */
const nameLengthMax = 255;

/** `^[a-zA-Z0-9][a-zA-Z0-9_.-]*$` without a regular expression, which the engine would compile in every ADD. */
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

/** The name of an executable in CNI_PATH, so it must not lead to another folder. */
export const pluginName: NameRule = { mustBe: `a plugin's name: ${identifierMustBe}`, allows: identifier };

/** IFNAMSIZ − 1. */
const interfaceNameBytesMax = 15;

/**
 * The kernel's dev_valid_name(), without `%`: RTM_NEWLINK turns `eth%d` into the first free of eth0, eth1 … `all` and
 * `default` are folders in /proc/sys/net/ipv4/conf.
 */
export const interfaceName: NameRule = {
  mustBe: `1 to ${interfaceNameBytesMax} bytes without / : % or white space, and not . .. all or default`,
  allows(text) {
    let isAscii = true;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit <= space || unit === del || unit === slash || unit === colon || unit === percent) return false;
      if (unit === replacement) return false; // bytes that are not UTF-8 would name another interface
      if (unit > del) isAscii = false;
    }
    if (!isAscii && !isShortWord(text)) return false;
    if (text === "" || text === "." || text === ".." || text === "all" || text === "default") return false;
    return text.length <= interfaceNameBytesMax;
  },
};

/** A function of its own, because the engine compiles a function's regular expression when it is first called. */
function isShortWord(text: string): boolean {
  return Buffer.byteLength(text) <= interfaceNameBytesMax && !/\s/.test(text);
}

// ASCII. Those below a space are control characters and white space.
const space = 0x20;
const percent = 0x25;
const slash = 0x2f;
const colon = 0x3a;
const del = 0x7f;
/** The character that decoding puts in the place of invalid bytes. */
const replacement = 0xfffd;

/** PATH_MAX − 1. */
const pathBytesMax = 4095;

export const absolutePath: NameRule = {
  mustBe: `an absolute path of at most ${pathBytesMax} bytes`,
  // A UTF-16 unit takes at most three bytes in UTF-8.
  allows: (text) =>
    text.startsWith("/") &&
    !text.includes("\0") &&
    (text.length * 3 <= pathBytesMax || Buffer.byteLength(text) <= pathBytesMax),
};
