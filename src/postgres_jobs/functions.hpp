#pragma once

#include <string>
#include <string_view>

namespace tranter::postgres_jobs {

/// Functions in SQL by what they are for, each of them CREATE FUNCTION statements.
std::string_view queue_functions();    // tranter.queue_of(name)
std::string_view wakeup_functions();   // tranter.tell_sleepers
std::string_view enqueue_functions();  // tranter.enqueue_jobs, for programs of ours
std::string_view option_functions();   // what is said of a job, as JSON
std::string_view json_functions();     // tranter.enqueue, enqueue_many, enqueue_answered
std::string_view fetch_functions();    // what begins attempts
std::string_view time_functions();     // what lets time pass
std::string_view attempt_functions();  // heartbeats, and what is noted while it runs
std::string_view settle_functions();   // what ends them
std::string_view manage_functions();   // cancel, retry
std::string_view search_functions();   // words of finished jobs
std::string_view maintenance_functions();

/// All of them, as the step of the schema that makes them, and what drops them.
const std::string& functions_1();
std::string_view functions_1_reversed();

}  // namespace tranter::postgres_jobs
