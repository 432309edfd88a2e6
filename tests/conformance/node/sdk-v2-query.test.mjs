// The Query protocol as aws-sdk v2 spoke it until late 2023, from its release 2.1490.
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";

import AWS from "aws-sdk-query";
import { runScenarios } from "./scenarios.mjs";
import { v2 } from "./support.mjs";

runScenarios(v2(AWS));
