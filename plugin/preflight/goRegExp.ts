/** Translates patterns of Go's regexp package (RE2), which the reference's allow-list has, to those of this engine. */

/** POSIX classes in brackets, https://github.com/google/re2/wiki/Syntax */
const classes: Readonly<Record<string, string>> = {
  ...{
    alnum: "0-9A-Za-z",
    alpha: "A-Za-z",
    ascii: "\\x00-\\x7F",
    blank: "\\t ",
    cntrl: "\\x00-\\x1F\\x7F",
    digit: "0-9",
  },
  ...{ graph: "!-~", lower: "a-z", print: " -~", punct: "!-\\/:-@\\[-`{-~", space: "\\t\\n\\v\\f\\r ", upper: "A-Z" },
  ...{ word: "0-9A-Za-z_", xdigit: "0-9A-Fa-f" },
};

/**
 * Escapes with the same meaning in both, such as \d and \x41. An escaped character that is no letter is that character.
 */
const sameEscape = /^\\(?:[dDwWsSbBfnrtv]|x[0-9A-Fa-f]{2}|[^0-9A-Za-z])/;
/** (?i) and similar flags at the beginning. */
const leadingFlags = /^\(\?([ims]+)\)/;
const posixClass = /^\[:(\^?)([a-z]+):\]/;

/**
 * Throws SyntaxError for an invalid pattern, and for one of Go without an equivalent here: the list must not allow more
 * than it says.
 */
export function goRegExp(text: string): RegExp {
  const flags = leadingFlags.exec(text)?.[1] ?? "";
  let source = "";
  let inBrackets = false;
  let rest = text.replace(leadingFlags, "");
  while (rest !== "") {
    const [taken, written] = inBrackets ? inside(rest) : outside(rest);
    if (!inBrackets && taken.startsWith("[")) inBrackets = true;
    else if (taken === "]") inBrackets = false;
    source += written;
    rest = rest.slice(taken.length);
  }
  return new RegExp(source, [...new Set(flags)].join(""));
}

type Token = readonly [taken: string, written: string];

function outside(rest: string): Token {
  if (rest.startsWith("\\A")) return ["\\A", "(?<![^])"];
  if (rest.startsWith("\\z")) return ["\\z", "(?![^])"];
  if (rest.startsWith("(?P<")) return ["(?P<", "(?<"];
  // In Go a ] at the beginning is one of the characters; here it would be the end.
  const [opening] = /^\[\^?(?=\])/.exec(rest) ?? [];
  if (opening !== undefined) return [`${opening}]`, `${opening}\\]`];
  // Go has no look-around and no flags that this engine reads differently.
  if (/^\(\?(?!:|<[A-Za-z_])/.test(rest)) throw new SyntaxError(`no such group: ${rest}`);
  return plain(rest);
}

/** Between [ and ]. */
function inside(rest: string): Token {
  const [taken, isNot, name = ""] = posixClass.exec(rest) ?? [];
  if (taken === undefined) return plain(rest);
  const members = classes[name];
  if (members === undefined || isNot) throw new SyntaxError(`no such class: ${taken}`);
  return [taken, members];
}

function plain(rest: string): Token {
  if (!rest.startsWith("\\")) return [rest[0]!, rest[0]!];
  const [same] = sameEscape.exec(rest) ?? [];
  if (same === undefined) throw new SyntaxError(`no such escape: ${rest}`);
  return [same, same];
}
