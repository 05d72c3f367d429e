import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import fc from "fast-check";
import { network, storeIpam } from "../../../conf/generated/common.js";
import { features, links, oldResult, result, staticIpam } from "../../../conf/generated/rare.js";
import { compiled } from "../../../conf/schema/compiled.ts";
import { canonical } from "../../../conf/schema/keys.ts";
import { published } from "../../../conf/schema/publish.ts";
import type { Schema } from "../../../conf/schema/schema.ts";

const file = join(import.meta.dirname, "../../../conf/ns-net.schema.json");

const validators = { network, storeIpam, staticIpam, result, oldResult, features, links };

/** The oracle: ajv with the schemas unchanged, annotations included. */
const ajv = new Ajv({ strict: false });

const anyOf = (schema: Schema): fc.Arbitrary<unknown> => {
  const wrong = fc.constantFrom<unknown>("x", 5, -2, 1.5, true, [], {}, [1]);
  const right = (): fc.Arbitrary<unknown> => {
    if (schema.type === "boolean") return fc.boolean();
    if (schema.type === "integer")
      return fc.integer({ min: schema.minimum!, max: Math.min(schema.maximum!, 2 ** 31 - 1) });
    if (schema.type === "array") return fc.array(anyOf(schema.items!), { maxLength: 2 });
    if (schema.type === "object") {
      const keys = Object.fromEntries(Object.entries(schema.properties!).map(([key, part]) => [key, anyOf(part)]));
      return fc.record(keys, { requiredKeys: [], noNullPrototype: true });
    }
    return schema.enum ? fc.constantFrom(...schema.enum) : fc.string();
  };
  return fc.oneof({ weight: 60, arbitrary: right() }, { weight: 1, arbitrary: wrong });
};

describe("the compiled validators", () => {
  for (const name of Object.keys(compiled) as (keyof typeof compiled)[]) {
    it(`agree with ajv about ${name}`, () => {
      const oracle = ajv.compile(compiled[name]);
      fc.assert(
        fc.property(anyOf(compiled[name]), (value) => {
          assert.equal(validators[name].accepts(value), oracle(value), JSON.stringify(value));
          assert.deepEqual(canonical(value, compiled[name]), value);
        }),
        { numRuns: 500 },
      );
    });
  }
});

describe("the published schema", () => {
  it("is up to date (else: bun scripts/build/validators.ts)", () => {
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), published());
  });

  const valid = new Ajv({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    keywords: ["errorMessage"],
  }).compile(published());
  const plugin = { name: "podnet", type: "ns-net" };
  for (const [expected, what, value] of [
    [true, "a plugin's configuration", { ...plugin, subnet: "10.1.0.0/24", mtu: 1400 }],
    [
      true,
      "a list",
      { name: "podnet", cniVersion: "1.0.0", plugins: [{ type: "ns-net" }, { type: "portmap", mtu: "x" }] },
    ],
    [true, "another plugin's ipam", { ...plugin, ipam: { type: "dhcp", ranges: 5 } }],
    [true, "keys of others", { ...plugin, "cni.dev/x": 1, capabilities: { mac: true } }],
    [false, "a configuration without name", { type: "ns-net" }],
    [false, "a configuration without type", { name: "podnet" }],
    [false, "a bad name", { ...plugin, name: "a/b" }],
    [false, "a flag in quotation marks", { ...plugin, ipMasq: "true" }],
    [false, "a bad range in ipam", { ...plugin, ipam: { type: "host-local", ranges: [{}] } }],
    [false, "a bad address in ipam", { ...plugin, ipam: { type: "static", addresses: [{}] } }],
    [false, "an empty list", { name: "podnet", plugins: [] }],
    [false, "a list with a bad plugin of ours", { name: "podnet", plugins: [{ type: "ns-net", mtu: "1400" }] }],
  ] as const) {
    it(`${expected ? "accepts" : "refuses"} ${what}`, () => assert.equal(valid(value), expected));
  }
});
