// aws-sdk v2: its last release speaks AWS JSON 1.0, releases before late 2023 speak Query.
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";

import AWS from "aws-sdk";
import { runScenarios } from "./scenarios.mjs";
import { v2 } from "./support.mjs";

runScenarios(v2(AWS));
