#ifndef KEEL_KEEL_H
#define KEEL_KEEL_H

// Everything, for the impatient.

#include <keel/agent.h>
#include <keel/alloc.h>
#include <keel/application.h>
#include <keel/blocking.h>
#include <keel/discover.h>
#include <keel/dynamic_supervisor.h>
#include <keel/etf.h>
#include <keel/function.h>
#include <keel/gen.h>
#include <keel/gen_server.h>
#include <keel/gen_statem.h>
#include <keel/global.h>
#include <keel/inspect.h>
#include <keel/io.h>
#include <keel/link.h>
#include <keel/logger.h>
#include <keel/main.h>
#include <keel/match.h>
#include <keel/message.h>
#include <keel/metric.h>
#include <keel/node.h>
#include <keel/observer.h>
#include <keel/partition_supervisor.h>
#include <keel/pg.h>
#include <keel/port.h>
#include <keel/process.h>
#include <keel/pubsub.h>
#include <keel/registry.h>
#include <keel/report.h>
#include <keel/request.h>
#include <keel/result.h>
#include <keel/rpc.h>
#include <keel/runtime.h>
#include <keel/runtime_event.h>
#include <keel/secret.h>
#include <keel/socket.h>
#include <keel/start.h>
#include <keel/state.h>
#include <keel/status.h>
#include <keel/supervisor.h>
#include <keel/sys.h>
#include <keel/task.h>
#include <keel/task_stream.h>
#include <keel/task_supervisor.h>
#include <keel/telemetry.h>
#include <keel/term.h>
#include <keel/time.h>
#include <keel/timer.h>
#include <keel/upgrade.h>
#include <keel/version.h>
#include <keel/via.h>

#endif // KEEL_KEEL_H
