/** Limits of the command line: timeouts, reconnects, input and output, and the servers of a cluster. */
import { BODY_BYTES_MAX } from "./request-bodies.js";
import { KIB, MIB } from "./units.js";

export const CLI_CONNECT_TIMEOUT_MS = 5_000;
/**
 * The time limit for an upgrade to WebSocket. It is this long because a lagging node answers only when it has reached
 * the requested position.
 */
export const CLI_UPGRADE_TIMEOUT_MS = 7_000;
/** The time that one address of a host name gets before the next address is tried in parallel. */
export const CLI_ADDRESS_TIMEOUT_MS = 1_000;
/** The maximum time without data on a connection while the client waits for an answer or sends a body. */
export const CLI_ANSWER_TIMEOUT_MS = 70_000;
/** The time limit for the answer to a restore. The server answers only after it has stored everything. */
export const CLI_RESTORE_TIMEOUT_MS = 1_800_000;
/** The closing line of a snapshot is searched in this many bytes at the end. The line is far shorter. */
export const CLI_CLOSING_LINE_BYTES_MAX = 64 * KIB;
export const CLI_ANSWER_BYTES_MAX = 512 * MIB;
/**
 * The longest answer that `doctor` and `init` read. The limit protects them from servers other than Koor. Koor's own
 * lists end at 32 MiB.
 */
export const CLI_CHECK_ANSWER_BYTES_MAX = 41_943_040;
/**
 * The maximum length of indented output. Longer output is printed as one line. The limit is needed because indented
 * JSON may be much longer than its source.
 */
export const CLI_PRETTY_CHARACTERS_MAX = 256 * MIB;
/** The maximum length of a line in a stream of changes. Each line contains one name. */
export const CLI_STREAM_LINE_BYTES_MAX = 1 * MIB;
/** If a flag names a pipe as its file, the command line waits this long for a program to open the other end. */
export const CLI_FILE_OPEN_MS = 500;
/**
 * The time limit for completion, from the start of the program. It is short, because a person waits after pressing Tab.
 * The server gets at least CLI_COMPLETE_SERVER_MS of it.
 */
export const CLI_COMPLETE_MS = 280;
export const CLI_COMPLETE_SERVER_MS = 100;
/** The maximum number of values that completion offers. It requests at most this many items from a server. */
export const CLI_COMPLETE_VALUES_MAX = 500;
/**
 * The time limit for the request with which `whoami` reads the acting instance's name. `whoami` also works without a
 * server.
 */
export const CLI_WHOAMI_TIMEOUT_MS = 1_000;
/** The number of records that a command requests at once, if it reads a whole list in pages. */
export const CLI_LIST_PAGE_ROWS = 1_000;
/** The time limit for each answer that the commit guard waits for. The commit is blocked in the meantime. */
export const CLI_GUARD_TIMEOUT_MS = 5_000;
/** The time limit for the server's answer when the command line reports changes to the radar after a commit. */
export const CLI_RADAR_COMMIT_MS = 1_000;
/** The minimum time between two radar reports that hooks start after tool calls. */
export const CLI_RADAR_HOOK_GAP_MS = 10_000;
/** The time limit for the server's answer to `init`. It is short, because `init` also works without a server. */
export const CLI_INIT_TIMEOUT_MS = 3_000;
/** The time limit of a hook's request. The client then continues as if there were no hook. */
export const CLI_HOOK_TIMEOUT_MS = 5_000;
/** The maximum length of a hook's input that is sent to the server, and of the server's answer. */
export const CLI_HOOK_BYTES_MAX = 16 * MIB;
export const CLI_POLL_INTERVAL_MS = 2_000;
export const CLI_POLL_EVENTS = 50;
/** To find the end of a claim, the command line searches this many of the newest task events. */
export const CLI_TASK_EVENTS = 1_000;
export const CLI_RECONNECT_DELAY_MS = 250;
export const CLI_RECONNECT_DELAY_MS_MAX = 10_000;
/** The maximum pause before a waiting command tries again to reach a disconnected server. */
export const CLI_RETRY_MS_MAX = 2_000;
/** The ttl of the lease under which a command is run. It is short, because the command line sends heartbeats. */
export const CLI_LEASE_RUN_TTL_S = 60;
/** The maximum number of times that a landing begins again because another client pushed to its target. */
export const CLI_LAND_ATTEMPTS_MAX = 5;
/**
 * A landing keeps at most this many lines at the end of a check's output. CLI_LAND_LOG_BYTES_MAX limits their length
 * together.
 */
export const CLI_LAND_LOG_LINES = 100;
export const CLI_LAND_LOG_BYTES_MAX = 16 * KIB;
/** The number of recent landings from whose durations the command line estimates how long the next landings take. */
export const CLI_LAND_ESTIMATE_COUNT = 10;
/** The number of the newest landing events that are searched for missing results and for durations. */
export const CLI_LAND_EVENTS = 200;
/** The longest time between two reports of a landing's position in the queue, in seconds. */
export const CLI_LAND_REPORT_S = 10;
/** The interval at which a landing checks whether an earlier landing of the same instance has ended. */
export const CLI_LAND_LOOK_MS = 500;
/** The maximum time for which a landing tries to publish its result. */
export const CLI_LAND_PUBLISH_MS = 30_000;
/** The time between SIGTERM and SIGKILL for a running command whose lease was lost. */
export const CLI_LEASE_GRACE_MS = 5_000;
/**
 * The time for which the command line waits for more output after a command has ended. The output may stay open,
 * because a process that the command started may still hold it.
 */
export const CLI_OUTPUT_LAG_MS = 1_000;
/** After this many consecutive upgrades without an answer, the client tries plain HTTP. */
export const CLI_UPGRADE_ATTEMPTS_MAX = 3;
/** A subscriber that polls tries the WebSocket again after this time. */
export const CLI_UPGRADE_RETRY_MS = 60_000;
/**
 * The interval of the client's pings. They keep proxies from closing a quiet subscription, and detect a lost server.
 */
export const CLI_PING_INTERVAL_MS = 30_000;
/** The maximum number of servers of one cluster that the command line accepts. */
export const CLI_SERVERS_MAX = 16;
/** The connect timeout while there is another server to try. Otherwise the timeout is CLI_CONNECT_TIMEOUT_MS. */
export const CLI_TURN_CONNECT_TIMEOUT_MS = 2_000;
/**
 * The time limit for a server's report of the last position in its cluster's log. If a server does not know the
 * position of a request, the command line asks all servers for this report.
 */
export const CLI_LOG_ANSWER_TIMEOUT_MS = 5_000;
/**
 * The interval at which a waiting call checks whether its server is partitioned. Without another server to try, it does
 * not check.
 */
export const CLI_HEALTH_INTERVAL_MS = 5_000;
/**
 * How long the command line remembers which server of the list has answered, if the first ones have not. The next
 * commands start with that server.
 */
export const CLI_SERVER_KEPT_MS = 60_000;
/** The number of clusters whose log positions the command line remembers. It drops the least recently used ones. */
export const CLI_POSITION_FILES_MAX = 64;
/** The maximum number of requests that the stdio bridge has in flight. */
export const CLI_BRIDGE_REQUESTS_MAX = 32;
/** The maximum length of one line of the bridge's stdin. */
export const CLI_BRIDGE_LINE_BYTES_MAX = BODY_BYTES_MAX;
/**
 * The maximum time of `wait --wake`. It is as long as a working day, because an idle client does not start a second
 * wait.
 */
export const CLI_WAKE_WAIT_MS = 12 * 60 * 60 * 1_000;
/** The interval at which `wait --wake` checks whether its client is still running. */
export const CLI_WAKE_LOOK_MS = 20_000;
/** The maximum number of tasks that were ready before a `wait --wake` began, and that the wait therefore ignores. */
export const CLI_WAKE_TASKS_MAX = 250;
/** The maximum length of the line that wakes a model. */
export const CLI_WAKE_LINE_BYTES_MAX = 300;
/** The time limit for each answer to `doctor`. It is short, because `doctor` also works without a server. */
export const CLI_DOCTOR_ANSWER_MS = 3_000;
/**
 * The time limit for one check of `doctor`. A check that waits for several answers ends by itself before this limit.
 */
export const CLI_DOCTOR_CHECK_MS = 15_000;
/** The minimum difference between the clocks of the server and of this machine for which `doctor` reports a failure. */
export const CLI_DOCTOR_CLOCK_MS = 30_000;
/**
 * The limits of the free space in the data directory. Below the first one, `doctor` warns. Below the second one,
 * `doctor` reports a failure, because writes will soon fail.
 */
export const CLI_DOCTOR_FREE_BYTES = 1024 * MIB;
export const CLI_DOCTOR_FREE_BYTES_LEAST = 100 * MIB;
/** A client's program must report the hooks that it trusts, and exit, within this time. */
export const CLI_DOCTOR_PROGRAM_MS = 10_000;
export const CLI_DOCTOR_PROGRAM_END_MS = 500;
/** The maximum length of a client's own settings file that `doctor` reads. */
export const CLI_DOCTOR_FILE_BYTES_MAX = 64 * MIB;
/** The pause between two requests of `top`. It keeps `top` to a few requests in a second. */
export const CLI_TOP_REQUEST_MS = 250;
/** The minimum time between two requests of `top` for the same object, and between two requests for the metrics. */
export const CLI_TOP_SAME_MS = 1_000;
export const CLI_TOP_FIGURES_MS = 2_000;
/** The time after which `top` repeats a request that the server has rejected. */
export const CLI_TOP_REFUSED_MS = 10_000;
/** The time limit for an answer to `top`. */
export const CLI_TOP_ANSWER_MS = 10_000;
/** If its stream of changes is silent for this time, `top` opens it again. The server sends a comment every 15 s. */
export const CLI_TOP_SILENCE_MS = 40_000;
/** The time limit of each git command of a landing. A user can set at most this limit. */
export const CLI_LAND_GIT_MS_MAX = 1_800_000;
export const CLI_LAND_GIT_MS_LONGEST = 86_400_000;
