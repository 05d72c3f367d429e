/** resolv.conf(5) as host-local reads it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../conf/fault.ts";
import { parseResolvConf, readResolvConf } from "../../ipam/resolvConf.ts";
import { freshFolder } from "./storeWorld.ts";

describe("parseResolvConf()", () => {
  it("reads every keyword, comments and odd white space", () => {
    const text = [
      "# made by a tool",
      "; so is this",
      "nameserver 10.0.0.53",
      "\tnameserver   fd00::53  ",
      "domain example.org",
      "search a.example.org b.example.org",
      "options ndots:5 edns0",
      "options timeout:1",
      "sortlist 1.2.3.4",
      "nameserver",
    ].join("\n");
    assert.deepEqual(parseResolvConf(text), {
      nameservers: ["10.0.0.53", "fd00::53"],
      domain: "example.org",
      search: ["a.example.org", "b.example.org"],
      options: ["ndots:5", "edns0", "timeout:1"],
    });
  });

  it("answers nothing for nothing", () => assert.deepEqual(parseResolvConf("\n\n"), {}));
});

describe("readResolvConf()", () => {
  it("refuses an absent file, a long one, a folder, or a FIFO without a writer", () => {
    using folder = freshFolder();
    const long = join(folder.path, "long");
    writeFileSync(long, "#".repeat(64 * 1024 + 1));
    const fifo = join(folder.path, "fifo");
    spawnSync("mkfifo", [fifo]);
    for (const path of [join(folder.path, "absent"), long, folder.path, fifo]) {
      assert.throws(
        () => readResolvConf(path),
        (fault: Fault) => fault instanceof Fault && fault.code === 5 && fault.message.includes(path),
      );
    }
  });
});
