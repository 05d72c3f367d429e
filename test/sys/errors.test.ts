import assert from "node:assert/strict";
import { errno, KernelError, tolerating } from "../../sys/errors.ts";

describe("tolerating()", () => {
  const refuse = (number: number) => (): never => {
    throw new KernelError("delete link a", number);
  };

  it("answers what the work answers", () => {
    assert.equal(
      tolerating(() => 7, errno.ENODEV),
      7,
    );
  });

  it("answers undefined for each refusal that it is given, and throws another", () => {
    assert.equal(tolerating(refuse(errno.ENODEV), errno.ENOENT, errno.ENODEV), undefined);
    assert.throws(() => tolerating(refuse(errno.EPERM), errno.ENOENT, errno.ENODEV), /delete link a: EPERM/);
  });

  it("throws what is no refusal by the kernel", () => {
    const broken = () => {
      throw new TypeError("broken");
    };
    assert.throws(() => tolerating(broken, errno.ENODEV), TypeError);
  });
});
