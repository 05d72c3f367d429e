/** Which names are allowed, and how to say so. The patterns are the specification's; the lengths and `%` are the kernel's. */

interface NameRule {
  readonly mustBe: string;
  allows(text: string): boolean;
}

/** A file name's limit on Linux; a network's name is used as one by other IPAM plugins. */
const nameLengthMax = 255;

/** `^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`, by hand: every ADD asks it, and a regular expression is compiled for that once. */
function identifier(text: string): boolean {
  if (text.length > nameLengthMax) return false;
  let first = "";
  for (const letter of text) {
    const isAlphanumeric =
      (letter >= "a" && letter <= "z") || (letter >= "A" && letter <= "Z") || (letter >= "0" && letter <= "9");
    if (!isAlphanumeric && (first === "" || (letter !== "_" && letter !== "." && letter !== "-"))) return false;
    first ||= letter;
  }
  return first !== "";
}

const identifierMustBe = `1 to ${nameLengthMax} characters of a-z A-Z 0-9 _ . - and begin with a letter or digit`;

export const networkName: NameRule = { mustBe: identifierMustBe, allows: identifier };

export const containerId: NameRule = { mustBe: identifierMustBe, allows: identifier };

/** An executable's name to look for in CNI_PATH, so nothing that leads elsewhere. */
export const pluginName: NameRule = { mustBe: `a plugin's name: ${identifierMustBe}`, allows: identifier };

/** IFNAMSIZ − 1. */
const interfaceNameBytesMax = 15;

/** The kernel's dev_valid_name(), and no `%`: RTM_NEWLINK makes `eth%d` the first free of eth0, eth1 … */
export const interfaceName: NameRule = {
  mustBe: `1 to ${interfaceNameBytesMax} bytes without / : % or white space, and not . or ..`,
  allows: (text) =>
    text !== "" &&
    Buffer.byteLength(text) <= interfaceNameBytesMax &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about.
    !/[\s/:%\u0000-\u001f\u007f]/.test(text) &&
    text !== "." &&
    text !== "..",
};

/** PATH_MAX − 1. */
const pathBytesMax = 4095;

export const absolutePath: NameRule = {
  mustBe: `an absolute path of at most ${pathBytesMax} bytes`,
  allows: (text) => text.startsWith("/") && !text.includes("\0") && Buffer.byteLength(text) <= pathBytesMax,
};
