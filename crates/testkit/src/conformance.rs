//! What every implementer of the target services must do, as one suite of checks.
//!
//! A check opens sessions with the function it is given, starts the debuggees that it needs, and panics where the
//! services do not do what their tables promise. The same checks run on a server over tcp, over a pipe, behind a slow
//! link, and on the in-process server; [`conformance_tests!`](crate::conformance_tests) makes a test of each.

mod changes;
mod details;
mod family;
mod hands;
mod hardware;
mod holding;
mod hostile;
mod machine;
mod memory;
mod modes;
mod signals;
mod steps;
mod stops;
mod terminal;
mod transfers;

pub use changes::*;
pub use details::*;
pub use family::*;
pub use hands::*;
pub use hardware::*;
pub use holding::*;
pub use hostile::*;
pub use machine::*;
pub use memory::*;
pub use modes::*;
pub use signals::*;
pub use steps::*;
pub use stops::*;
pub use terminal::*;
pub use transfers::*;

use crate::Session;

/// Opens one more session with the server under test.
pub type Connect<'a> = &'a dyn Fn() -> Session;

/// One check of the suite.
pub type Check = fn(Connect<'_>);

/// Makes a test of each check. The argument is a function that takes a [`Check`](crate::conformance::Check) and runs it
/// with its server.
#[macro_export]
macro_rules! conformance_tests {
    ($with:path) => {
        $crate::conformance_tests! { @each $with;
            // machine: counter
            describes_the_machine, lists_processes, finds_a_process_by_name, answers_pipelined_requests,
            refuses_what_makes_no_sense,
            // holding: counter, hello, threads
            attaches_to_all_threads_and_lets_go, refuses_to_attach_with_the_reason, launches_and_runs_to_the_end,
            refuses_to_launch_with_the_reason, repeats_addresses_without_randomisation, detaches_while_running,
            kills_a_debuggee, lets_go_when_the_client_vanishes, kills_by_policy_when_the_client_vanishes,
            survives_a_debuggee_killed_at_rest, tells_of_a_debuggee_killed_while_it_runs,
            attaches_to_fifty_threads_with_one_answer,
            // memory: counter, threads, search
            reads_many_ranges_at_once, reads_no_more_than_there_is, reads_megabytes_at_once,
            writes_data_and_read_only_text, hides_traps_from_readers, keeps_bytes_written_under_a_trap,
            finds_patterns_in_memory, lists_regions_and_images, reads_files_of_images_only,
            // registers and stacks: counter, threads
            sets_registers, shows_debug_and_vector_registers, reads_stacks_of_many_threads,
            // stops: counter, calls, blocked, spin
            stops_at_a_trap_each_time, counts_and_passes_hits, stops_at_the_hit_of_a_pass_count,
            counts_only_the_thread_of_a_trap, is_running_until_it_stops, breaks_in_without_disturbing_system_calls,
            breaks_in_to_a_busy_loop, ignores_a_break_in_at_rest, holds_threads, changes_traps_while_running,
            plants_a_thousand_traps_at_once, stops_at_exit_while_memory_is_there,
            // hardware: watched, counter
            stops_after_watched_accesses, refuses_hardware_traps_that_cannot_be, counts_watched_writes,
            shows_each_watched_write, stops_before_execution_traps, watches_while_stepping_and_past_traps,
            filters_and_passes_watched_writes, changes_hardware_traps_while_running,
            watches_in_followed_children,
            // details: counter, blocked, spin, watched
            fills_with_a_pattern, makes_and_gives_back_memory, keeps_signals_while_making_memory, suspends_threads,
            describes_threads_and_processes, sets_debug_and_vector_registers,
            // transfers
            sends_and_fetches_files, leaves_no_broken_files,
            // steps: counter
            steps_into_over_and_out, a_trap_ends_a_step, a_broken_off_step_goes_on, steps_inside_a_range, a_step_keeps_others_running,
            steps_to_goals_and_marks_its_way,
            // signals: faults
            stops_at_first_and_second_chance, delivers_or_drops_a_signal, reports_signals_without_stopping,
            leaves_the_programs_own_traps_to_it, passes_the_programs_own_traps_unseen, shows_each_fault,
            // changes: threads, execer, forker, loader
            follows_threads_that_come_and_go, follows_exec, follows_exec_of_another_thread,
            keeps_traps_out_of_children, stops_at_modules_before_constructors, stops_only_at_named_modules,
            // family: family, threads
            heavy_a_fork_storm_is_followed, shares_traps_with_followed_children, follows_children_that_share_memory,
            heavy_ten_thousand_threads_are_held, stops_at_births_and_ends, follows_and_lets_go_of_children,
            // modes: counter, threads, spin, hello
            looks_without_steering, looks_without_suspending, resumes_a_stopped_process, hands_abandoned_processes_over,
            keeps_abandoned_launched_programs, starts_a_program_with_an_attachment,
            // hostile: hostile
            tells_the_programs_own_traps, survives_code_unmapped_under_a_trap,
            follows_exec_under_a_hundred_threads,
            // terminal: hello
            gives_a_launched_program_its_surroundings, types_into_a_terminal, carries_much_output,
        }
    };
    (@each $with:path; $($check:ident),* $(,)?) => {
        $(
            #[test]
            fn $check() {
                $with($crate::conformance::$check);
            }
        )*
    };
}
