/** The pictures in documents are what `lab graph` draws. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { diagramOf } from "../../../lab/graph/diagramOf.ts";
import { svg } from "../../../lab/graph/svg/svg.ts";
import { labOf } from "../../../lab/model/resolve.ts";
import { example } from "./labs.ts";

const root = join(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

describe("The pictures of the documents", () => {
  it("docs/pictures/shop.svg is the example", async () => {
    const drawn = await svg(diagramOf(example("shop")));
    assert.ok(
      read("docs/pictures/shop.svg") === drawn,
      "run: ns-net lab graph lab/examples/shop.yaml --svg > docs/pictures/shop.svg",
    );
  });

  it("docs/pictures/first-lab.svg is the lab of README.md", async () => {
    const text = /```yaml\n# lab\.yaml\n([^`]*)```/.exec(read("README.md"))![1]!;
    const drawn = await svg(diagramOf(labOf({ file: "/first-lab/lab.yaml", text })));
    const how = "write README.md's lab into first-lab/lab.yaml; then: ns-net lab graph first-lab/lab.yaml --svg";
    assert.ok(read("docs/pictures/first-lab.svg") === drawn, how);
  });
});
