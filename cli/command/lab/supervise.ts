/** `ns-net lab supervise NAME`, which `lab up` starts: not for people. The name is for those who list processes. */
import { supervise } from "../../../lab/supervisor/supervise.ts";

export default supervise;
