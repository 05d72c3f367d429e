/** The parts of documents that are made from the sources are up to date. `npm run documents` makes them again. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { features } from "../../conf/schema/features.ts";
import { staticIpam, storeIpam } from "../../conf/schema/ipam.ts";
import { links } from "../../conf/schema/links.ts";
import { network } from "../../conf/schema/network.ts";
import { runtimeConfig } from "../../conf/schema/runtime.ts";
import { exampleOf, refused, tables } from "../../scripts/documents/configuration.ts";
import { madeFiles, textOf, withRegions } from "../../scripts/documents/parts.ts";
import { pageFrom, root, withOutputs } from "./page.ts";
import { isRecording, pages } from "./typed.ts";

/** Without what the commands print. */
const bare = (text: string) => withOutputs(pageFrom("", text), undefined);

describe("docs/configuration.md", () => {
  it("has a table for every key, with a value that is accepted", () => {
    const ajv = new Ajv({ strict: false });
    for (const [table, keys] of Object.entries(tables))
      for (const [key, schema] of Object.entries(keys)) {
        const example = exampleOf(table, key);
        assert.ok(ajv.validate(schema, example), `${table}.${key} = ${JSON.stringify(example)}: ${ajv.errorsText()}`);
      }
    const inTables = new Set(Object.values(tables).flatMap((keys) => Object.keys(keys)));
    const all = [network, features, links, storeIpam, staticIpam, runtimeConfig].flatMap(({ properties = {} }) =>
      Object.keys(properties),
    );
    const elsewhere = [...refused, "runtimeConfig", "args", "prevResult"];
    assert.deepEqual(
      all.filter((key) => !inTables.has(key) && !elsewhere.includes(key)),
      [],
    );
    for (const name of Object.keys(tables))
      assert.ok(textOf("docs/configuration.md").includes(`<!-- keys: ${name} -->`), name);
  });
});

describe("The documents are made from the sources", () => {
  it("whole files", async () => {
    for (const [file, text] of await madeFiles()) {
      if (isRecording && bare(textOf(file)) !== text) writeFileSync(join(root, file), text);
      assert.equal(bare(textOf(file)), text, `${file} is out of date: npm run documents`);
    }
  });

  it("parts of pages", () => {
    for (const file of pages) {
      const text = textOf(file);
      if (isRecording && withRegions(text) !== text) writeFileSync(join(root, file), withRegions(text));
      assert.equal(textOf(file), withRegions(text), `${file} is out of date: npm run documents`);
    }
  });
});
