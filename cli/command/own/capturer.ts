/** `ns-net lab capturer`, which `lab capture` starts: not for people. The name is for those who list processes. */
import { captureInside } from "../../../lab/capture/capturer.ts";

export default captureInside;
