import assert from "node:assert/strict";
import { badVariable } from "../../conf/env.ts";
import { callAgain, code, Fault, NotPermitted } from "../../conf/fault.ts";
import { throwTogether } from "../../plugin/faults.ts";

const byHand = { byHand: true };

describe("A Fault", () => {
  it("says to a runtime what CNI calls things, and to a person the options", () => {
    const fault = badVariable("IP in CNI_ARGS", "x", "an IP address");
    assert.deepEqual(
      [fault.message, fault.sentence(), fault.cure()],
      ['Cannot use IP in CNI_ARGS = "x"', 'Cannot use IP in CNI_ARGS = "x"', "IP in CNI_ARGS must be an IP address"],
    );
    assert.deepEqual(
      [fault.sentence(byHand), fault.cure(byHand)],
      ['Cannot use --ip = "x"', "--ip must be an IP address"],
    );
  });

  it("keeps the words for both under another code, and together with others", () => {
    const first = new Fault(code.tryAgain, "Interrupted", callAgain).withCode(code.unavailable);
    assert.deepEqual([first.code, first.cure(), first.cure(byHand)], [50, "Call ADD again", "Call it again"]);
    const second = new NotPermitted(code.io, "Cannot enter", callAgain);
    assert.throws(
      () => throwTogether([first, second]),
      (both: Fault) =>
        both.code === 50 &&
        both.message === "Interrupted; Cannot enter" &&
        both.cure(byHand) === "Call it again" &&
        !(both instanceof NotPermitted),
    );
  });
});
