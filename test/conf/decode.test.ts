import assert from "node:assert/strict";
import fc from "fast-check";
import { parseYaml } from "../../cli/yaml.ts";
import { configurationBytesMax, decodeObject } from "../../conf/decode.ts";
import { Fault } from "../../conf/fault.ts";
import { bytes, refuses } from "./refuses.ts";

describe("decodeObject()", () => {
  for (const [what, given, word] of [
    ["nothing", "", "empty"],
    ["white space", " \n\t", "empty"],
    ["more than 16 MiB", `{"a":"${"x".repeat(configurationBytesMax)}"}`, "16 MiB"],
    ["20 MB of brackets", "[".repeat(20_000_000), "16777216"],
    ["deep nesting", `{"a":${"[".repeat(100)}${"]".repeat(100)}}`, "64"],
    ["deep nesting that is not closed", "[".repeat(1_000_000), "64"],
    ["a text cut off in an object", '{"name": "podnet"', "too soon"],
    ["a text cut off in a string", '{"name": "pod', "too soon"],
    ["a text with a comma too many", '{"name": "podnet",}', "JSON"],
    ["two objects", "{}{}", "JSON"],
    ["a list", "[]", "object"],
    ["null", "null", "object"],
    ["a number", "1", "object"],
    ["a bracket too many", "{}}", "JSON"],
  ] as const) {
    it(`refuses ${what}`, () => refuses(() => decodeObject(bytes(given)), 6, word));
  }

  it("refuses Latin-1", () => refuses(() => decodeObject(Uint8Array.of(0x7b, 0x22, 0xe4, 0x22, 0x7d)), 6, "UTF-8"));
  it("refuses UTF-16", () => refuses(() => decodeObject(Uint8Array.of(0xff, 0xfe, 0x7b, 0)), 6, "UTF-8"));
  it("does not count brackets in strings", () => void decodeObject(bytes({ a: `"\\${"[".repeat(100)}` })));

  it("reads what JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
        const text = JSON.stringify(value);
        assert.deepEqual(decodeObject(bytes(text)), { text, object: JSON.parse(text) });
      }),
    );
  });

  it("throws only Faults of code 6", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (given) => {
        try {
          decodeObject(given);
        } catch (error) {
          assert.ok(error instanceof Fault && error.code === 6);
        }
      }),
    );
  });
});

describe("parseYaml()", () => {
  it("reads YAML", () => {
    assert.deepEqual(
      parseYaml("name: podnet\nranges:\n  - - subnet: 10.1.0.0/24 # pods\nmtu: 1400\nipMasq: true\n", "a.yaml"),
      {
        name: "podnet",
        ranges: [[{ subnet: "10.1.0.0/24" }]],
        mtu: 1400,
        ipMasq: true,
      },
    );
  });

  it("reads what JSON.stringify writes, in one line and in many", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 2, "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        assert.deepEqual(parseYaml(text, "a.json"), JSON.parse(text));
      }),
    );
  });

  for (const [what, text, ...words] of [
    ["a mapping that is cut off", "name: podnet\nranges: [\n", "line 3"],
    ["an indentation that does not fit", "a:\n  b: 1\n c: 2\n", "line 3, column 1"],
    ["a key given twice", "mtu: 1400\nmtu: 1500\n", "line 2, column 1"],
    ["two documents", "a: 1\n---\nb: 2\n", "line 2"],
    ["an unknown tag", "a: !secret x\n", "line 1, column 4"],
    ["infinity", "mtu: .inf\n", "mtu"],
    [
      "aliases that multiply",
      `a: &a [x]\n${[..."bcdefgh"].map((c, i) => `${c}: &${c} [${`*${"abcdefgh"[i]},`.repeat(9)}]\n`).join("")}`,
      "alias",
    ],
    ["deep nesting", "[".repeat(200) + "]".repeat(200), "64"],
    ["very deep nesting", "[".repeat(100_000), "a.yaml"],
  ] as const) {
    it(`refuses ${what}`, () => refuses(() => parseYaml(text, "a.yaml"), 6, "a.yaml", ...words));
  }
});
