import assert from "node:assert/strict";
import fc from "fast-check";
import { labelsOf, readArgs } from "../../conf/args.ts";
import { readEnv, requireVersionFor } from "../../conf/env.ts";
import { Fault } from "../../conf/fault.ts";
import { addEnv, refuses } from "./refuses.ts";

describe("readEnv()", () => {
  it("reads ADD", () => {
    assert.deepEqual(readEnv(addEnv), {
      verb: "ADD",
      container: "web",
      ifname: "eth0",
      netns: "/run/netns/web",
      pluginPath: ["/opt/cni/bin", "/usr/lib/cni"],
    });
  });

  it("lets DEL have no namespace", () =>
    assert.equal(readEnv({ ...addEnv, CNI_COMMAND: "DEL", CNI_NETNS: "" }).netns, ""));

  it("lets VERSION have nothing, or anything, as podman sends it", () => {
    assert.equal(readEnv({ CNI_COMMAND: "VERSION" }).verb, "VERSION");
    assert.equal(readEnv({ CNI_COMMAND: "VERSION", CNI_IFNAME: "a/b", CNI_NETNS: "dummy" }).ifname, "");
  });

  it("lets STATUS have nothing", () => assert.equal(readEnv({ CNI_COMMAND: "STATUS" }).verb, "STATUS"));

  for (const [what, change, words] of [
    ["no verb", { CNI_COMMAND: undefined }, ["CNI_COMMAND"]],
    ["an unknown verb", { CNI_COMMAND: "PUT" }, ["PUT", "CNI_COMMAND"]],
    ["a verb that every object has", { CNI_COMMAND: "toString" }, ["toString"]],
    ["a verb in lower case", { CNI_COMMAND: "add" }, ["add"]],
    ["ADD without a namespace", { CNI_NETNS: "" }, ["CNI_NETNS"]],
    [
      "everything missing, at once",
      { CNI_NETNS: "", CNI_IFNAME: "", CNI_CONTAINERID: "" },
      ["CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME"],
    ],
    ["DEL without a container", { CNI_COMMAND: "DEL", CNI_CONTAINERID: "" }, ["CNI_CONTAINERID"]],
    ["CHECK without a namespace", { CNI_COMMAND: "CHECK", CNI_NETNS: "" }, ["CNI_NETNS"]],
    ["GC without a path", { CNI_COMMAND: "GC", CNI_PATH: "" }, ["CNI_PATH"]],
    ["a container that begins with a dash", { CNI_CONTAINERID: "-a" }, ["-a", "CNI_CONTAINERID"]],
    ["a container with a slash", { CNI_CONTAINERID: "a/b" }, ["a/b"]],
    ["a container with a line break at its end", { CNI_CONTAINERID: "a\n" }, ["CNI_CONTAINERID"]],
    ["a container of 256 letters", { CNI_CONTAINERID: "a".repeat(256) }, ["255"]],
    ["an interface of 16 bytes", { CNI_IFNAME: "abcdefghijklmnop" }, ["abcdefghijklmnop", "15 bytes"]],
    ["an interface of 16 bytes in 8 letters", { CNI_IFNAME: "ääääääää" }, ["15 bytes"]],
    ["the interface .", { CNI_IFNAME: "." }, ["CNI_IFNAME"]],
    ["the interface ..", { CNI_IFNAME: ".." }, ["CNI_IFNAME"]],
    ["an interface with a slash", { CNI_IFNAME: "a/b" }, ["a/b"]],
    ["an interface with a colon", { CNI_IFNAME: "a:b" }, ["a:b"]],
    ["an interface with a blank", { CNI_IFNAME: "a b" }, ["a b"]],
    ["an interface of bytes that are no text", { CNI_IFNAME: "eth\ufffd" }, ["15 bytes"]],
    ["an interface that the kernel would number", { CNI_IFNAME: "eth%d" }, ["eth%d"]],
  ] as const) {
    it(`refuses ${what}`, () => refuses(() => readEnv({ ...addEnv, ...change }), 4, ...words));
  }

  it("throws only Faults of code 4", () => {
    const text = fc.option(fc.string(), { nil: undefined });
    const anyVerb = fc.constantFrom("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION", "x");
    const any = fc.record({
      CNI_COMMAND: anyVerb,
      CNI_CONTAINERID: text,
      CNI_IFNAME: text,
      CNI_NETNS: text,
      CNI_PATH: text,
    });
    fc.assert(
      fc.property(any, (env) => {
        try {
          readEnv(env);
        } catch (error) {
          assert.ok(error instanceof Fault && error.code === 4);
        }
      }),
    );
  });
});

describe("requireVersionFor()", () => {
  for (const [verb, version, allowed] of [
    ["ADD", "0.1.0", true],
    ["DEL", "0.1.0", true],
    ["CHECK", "0.3.1", false],
    ["CHECK", "0.4.0", true],
    ["GC", "1.0.0", false],
    ["GC", "1.1.0", true],
    ["STATUS", "1.0.0", false],
    ["STATUS", "1.1.0", true],
  ] as const) {
    it(`${allowed ? "allows" : "refuses"} ${verb} in ${version}`, () => {
      if (allowed) requireVersionFor(verb, version);
      else refuses(() => requireVersionFor(verb, version), 1, verb, version);
    });
  }
});

describe("readArgs()", () => {
  it("reads what containerd sends", () => {
    const text =
      "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=abc;K8S_POD_UID=u1";
    assert.deepEqual(labelsOf(readArgs(text)), { podNamespace: "default", podName: "web" });
  });

  for (const text of [undefined, "", ";", "IP=10.1.0.7;", "IP=", "X=1;IgnoreUnknown=true", "IgnoreUnknown=True;X=1"]) {
    it(`accepts ${text}`, () => void readArgs(text));
  }

  for (const [text, word] of [
    ["X=1", "X"],
    ["X=1;Y=2;IgnoreUnknown=0", "X, Y"],
    ["ip=10.1.0.7", "ip"],
    ["IP", "IP"],
    ["=1", "=1"],
    ["IP=a=b", "IP=a=b"],
    ["IgnoreUnknown=yes", "yes"],
    ["toString=1", "toString"],
  ] as const) {
    it(`refuses ${text}`, () => refuses(() => readArgs(text), 4, word, "CNI_ARGS"));
  }
});
