// Kill what a session leader has left behind in groups of its own: shells with job control put each job into one.
//
// Only what began a session of its own (a daemon) is not found. Linux alone knows its processes by /proc; elsewhere
// nothing is done, and the leader's group is all there is.
// Cost     one small file for each process of the machine: a few ms for a thousand.
// Requires the leader is not reaped yet, so that its number is no other session's.
// Source   proc_pid_stat(5), setsid(2).
#pragma once

#include <sys/types.h>

namespace llama::internal {

void kill_session(pid_t leader);

}  // namespace llama::internal
