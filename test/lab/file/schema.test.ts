/** The published schema and the reader agree: what ajv, another program, accepts, and what it refuses. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import { parse } from "yaml";
import { podKeys } from "../../../lab/file/pods.ts";
import { labOf } from "../../../lab/model/resolve.ts";
import schema from "../../../lab/ns-net-lab.schema.json";
import { labSchema } from "../../../lab/schema.ts";

const root = join(import.meta.dirname, "../../..");
const accepts = new Ajv({ allowUnionTypes: true }).compile(schema);
const contentOf = (path: string) => parse(readFileSync(path, "utf8"), { merge: true });

/** Mistakes that no schema can know: names that nothing has, and what a number means beside another. */
const ofMeaning = [
  ...["addresses", "circularJoins", "joinsWithNetworks", "noOutside", "overlaps", "specialSubnets"],
  ...["published", "routes", "serverTwice", "shortTests", "subnets", "tooSmall", "unknownNetwork", "longTests"],
  ...["aliasBomb", "servers", "oneAddress", "smallMtu", "publishedNowhere", "longLine", "routesTwice"],
  ...["hosts", "noHosts", "nothingThere"],
];
const ofSyntax = [
  "emptyFile",
  "commentsAlone",
  "keyTwice",
  "openBracket",
  "openQuote",
  "tab",
  "twoDocuments",
  "unknownAnchor",
];

describe("lab/ns-net-lab.schema.json", () => {
  it("is the schema of the sources", () => {
    assert.deepEqual(schema, JSON.parse(JSON.stringify(labSchema)));
  });

  it("has the keys of a pod that the reader has, each of which docs/labs.md explains", () => {
    const { pods } = schema.properties;
    assert.deepEqual(Object.keys(pods.additionalProperties.properties).sort(), [...podKeys].sort());
    const page = readFileSync(join(root, "docs/labs.md"), "utf8");
    for (const key of podKeys) assert.match(page, new RegExp(`\\b${key}\\b[:\`]`), `docs/labs.md has no ${key}`);
  });

  for (const file of readdirSync(join(root, "lab/examples"))) {
    it(`accepts what the reader accepts: ${file}`, () => {
      const path = join(root, "lab/examples", file);
      labOf({ file, text: readFileSync(path, "utf8") });
      assert.ok(accepts(contentOf(path)), JSON.stringify(accepts.errors));
    });
  }

  for (const file of readdirSync(join(import.meta.dirname, "bad")).filter((name) => name.endsWith(".yaml"))) {
    const name = file.replace(".yaml", "");
    if (ofSyntax.includes(name) || ofMeaning.includes(name)) continue;
    it(`refuses what the reader refuses: ${file}`, () => {
      assert.ok(!accepts(contentOf(join(import.meta.dirname, "bad", file))));
    });
  }
});
