//! `p t pa ta pc tc pt tt pct tct ph th`: steps, which the server carries out and counts.

use farsight_target::{StepGoal, StepPlan};
use farsight_types::Address;

use super::execute::{only_thread, take_start};
use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::{Flow, ResumeIntent, StepShow};
use crate::expression::take_string;
use crate::session::Session;

/// A row of the family: the letter behind `p` or `t` says where it ends.
const fn row(names: &'static [&'static str], usage: &'static str, summary: &'static str) -> Row {
    Row {
        names,
        usage,
        summary,
        needs: Needs::Rest,
        writes: true,
        prefix: Prefix::Own,
        run: step,
    }
}

pub(super) const ROWS: &[Row] = &[
    row(
        &["p", "pr"],
        "[~Thread] p[r] [= Start] [Count] [\"Commands\"]",
        "Steps over instructions: calls run as a whole; r switches the display of registers.",
    ),
    row(
        &["t", "tr"],
        "[~Thread] t[r] [= Start] [Count] [\"Commands\"]",
        "Steps instructions, into calls; r switches the display of registers.",
    ),
    row(
        &["pa", "par"],
        "[~Thread] pa[r] [= Start] Address [\"Commands\"]",
        "Steps over instructions until an address is reached, showing each.",
    ),
    row(
        &["ta", "tar"],
        "[~Thread] ta[r] [= Start] Address [\"Commands\"]",
        "Steps instructions, into calls, until an address is reached, showing each.",
    ),
    row(
        &["pc", "pcr"],
        "[~Thread] pc[r] [= Start] [Count] [\"Commands\"]",
        "Steps over instructions until a call.",
    ),
    row(
        &["tc", "tcr"],
        "[~Thread] tc[r] [= Start] [Count] [\"Commands\"]",
        "Steps instructions, into calls, until a call.",
    ),
    row(
        &["pt", "ptr"],
        "[~Thread] pt[r] [= Start] [Count] [\"Commands\"]",
        "Steps over instructions until a return.",
    ),
    row(
        &["tt", "ttr"],
        "[~Thread] tt[r] [= Start] [Count] [\"Commands\"]",
        "Steps instructions, into calls, until a return.",
    ),
    row(
        &["pct", "pctr"],
        "[~Thread] pct[r] [= Start] [Count] [\"Commands\"]",
        "Steps over instructions until a call or a return.",
    ),
    row(
        &["tct", "tctr"],
        "[~Thread] tct[r] [= Start] [Count] [\"Commands\"]",
        "Steps instructions, into calls, until a call or a return.",
    ),
    row(
        &["ph", "phr"],
        "[~Thread] ph[r] [= Start] [Count] [\"Commands\"]",
        "Steps over instructions until one that branches: jumps, calls, returns, system calls.",
    ),
    row(
        &["th", "thr"],
        "[~Thread] th[r] [= Start] [Count] [\"Commands\"]",
        "Steps instructions, into calls, until one that branches: jumps, calls, returns, system calls.",
    ),
];

fn step(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    // No goal ends in `r`.
    let (name, switches) = match invocation.name.strip_suffix('r') {
        Some(name) => (name, true),
        None => (invocation.name, false),
    };
    let over = name.starts_with('p');
    let goal = name.get(1..).unwrap_or_default();
    let only = only_thread(session, invocation)?;
    let mut rest = take_start(session, invocation, invocation.text)?;
    let at = invocation.position_of(rest);
    let argument = match rest.is_empty() || starts_string(rest) {
        true => None,
        false => {
            let (value, behind) = session.evaluate_prefix(rest, at)?;
            rest = behind;
            Some(value)
        }
    };
    let then = match starts_string(rest) {
        true => take_string(rest),
        false => None,
    };
    let (then, rest) = match then {
        Some((text, behind)) => (Some(text), behind),
        None => (None, rest),
    };
    invocation.expect_end(rest)?;
    let plan = match (goal, argument) {
        ("a", None) => return Err(invocation.missing("an address")),
        ("a", Some(address)) => StepPlan::Goal {
            goal: StepGoal::Address {
                address: Address(address),
            },
            over,
            count: 1,
        },
        (_, Some(0)) => return Err(CommandError::syntax(at, "a count of 0 steps nothing")),
        (goal, count) => counted(goal, over, count.unwrap_or(1)),
    };
    let plan = match session.sources.steps_lines {
        true => by_lines(session, plan)?,
        false => plan,
    };
    session.memos.shows_registers ^= switches;
    let shows = match plan {
        StepPlan::Into { count: 1 } | StepPlan::Over { count: 1 } | StepPlan::Lines { count: 1, .. } => StepShow::Last,
        StepPlan::Goal { goal, .. } if !matches!(goal, StepGoal::Address { .. }) => StepShow::Last,
        _ => StepShow::Each,
    };
    Ok(Flow::Resume(ResumeIntent {
        step: Some(plan),
        only,
        shows,
        then,
        then_rights: session.rights.left_behind(),
        ..ResumeIntent::default()
    }))
}

fn starts_string(text: &str) -> bool {
    text.starts_with(['"', '\'']) || text.starts_with("@\"")
}

/// The same by source line, where a line is known of the place (`l+t`).
fn by_lines(session: &mut Session, plan: StepPlan) -> Result<StepPlan, CommandError> {
    let lines = match plan {
        StepPlan::Over { count } => session.line_step(true, count, None)?,
        StepPlan::Into { count } => session.line_step(false, count, None)?,
        StepPlan::Goal {
            goal: StepGoal::Address { address },
            over,
            ..
        } => session.line_step(over, u64::MAX, Some(address))?,
        _ => None,
    };
    Ok(lines.unwrap_or(plan))
}

fn counted(goal: &str, over: bool, count: u64) -> StepPlan {
    let goal = match goal {
        "c" => StepGoal::Call,
        "t" => StepGoal::Return,
        "ct" => StepGoal::CallOrReturn,
        "h" => StepGoal::Branch,
        _ if over => return StepPlan::Over { count },
        _ => return StepPlan::Into { count },
    };
    StepPlan::Goal { goal, over, count }
}
