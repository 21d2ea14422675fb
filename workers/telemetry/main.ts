/** The entry point of the thread that exports spans and metrics over OpenTelemetry. It is started only with --otlp. */
import { runTelemetry } from "../../src/features/telemetry/program.js";

runTelemetry();
